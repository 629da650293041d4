/** The room "Look": draw an image, watch the trained network answer, and take it apart. */

import { path } from "../core/field.js";
import { scores } from "../core/metrics.js";
import { SIZE } from "../core/shapes.js";
import type { Network } from "../core/unet.js";
import type { Skips, SkipState } from "../protocol.js";
import { latest, type Client } from "./client.js";
import { colourImage, errors, frame, heat, show } from "./colours.js";
import { Diagram } from "./diagram.js";
import { canvas, copy, el, key } from "./dom.js";
import { LARGEST, Picture, reach, read, SMALLEST, TOOLS, TOOL_WORDS, written, type Stroke, type Tool } from "./picture.js";
import { glossary } from "./places.js";

const SCALE = 6, SIDE = SIZE * SCALE;
/** An image with a large outline. */
const START = { image: 38, threshold: 0.5 };
/** A drawing that takes more characters is not written into the address: programs that pass addresses on may cut it. */
const LONGEST = 6000;
/** What stands in its place, and holds as long as the page: no drawing reads so. */
const KEPT = "kept";

export class Look {
  private readonly picture = new Picture();
  private index = START.image;
  private blank = false;
  private tool: Tool = "ring";
  private radius = 14;
  private colour = 0;
  private cursor: [number, number] = [32, 32];
  private threshold = START.threshold;
  private skips: Skips = {};
  private probability = new Float32Array(SIZE * SIZE);
  private pixel: [number, number] | null = null;
  private gradient: Float32Array | null = null;
  private network: Network | null = null;
  private diagram: Diagram | null = null;
  private newImage = true;
  private opened = false;
  private drawing = false;

  private readonly input = canvas(SIDE, SIDE, { class: "draw sharp", tabindex: 0, role: "application", "aria-label":
    "The image. Draw with the mouse or a finger; or move with the arrow keys and press Space to put the tool down.", "aria-describedby": "draw-keys" });
  private readonly chance = canvas(SIDE, SIDE, { class: "sharp inspect", tabindex: 0, role: "application",
    "aria-label": "Probability of foreground. Arrow keys choose a pixel to inspect, Escape leaves it." });
  private readonly verdict = canvas(SIDE, SIDE, { class: "sharp inspect", role: "img", "aria-label": "The mask, compared with what you drew" });
  private readonly swatches = el("div", { class: "swatches", role: "radiogroup", "aria-label": "Colour" });
  private readonly tools = el("div", { class: "tools", role: "radiogroup", "aria-label": "Tool" });
  private readonly slider = el("input", { type: "range", min: 0.01, max: 0.99, step: 0.01, id: "threshold", oninput: () => this.setThreshold(Number(this.slider.value)) });
  private readonly thresholdText = el("output", { for: "threshold" });
  private readonly numbers = el("dl", { class: "numbers" });
  private readonly nothing = el("p", { class: "soft" });
  private readonly speed = el("p", { class: "soft", id: "speed" });
  private readonly seen = el("p", { class: "soft", id: "seen", role: "status" });
  private readonly about = el("p", {}, "The trained network is loading: 2 MB, once.");
  private readonly drawn = el("div", {});
  private readonly copied = el("p", { class: "soft", role: "status" });
  private readonly size = el("input", { type: "range", min: SMALLEST, max: LARGEST, id: "size", oninput: () => this.setRadius(Number(this.size.value)) });
  /** The three images again, small, beside the network. */
  private readonly echo = ["The image", "The probability", "The mask"].map((words) => canvas(SIZE, SIZE, { class: "sharp", role: "img", "aria-label": `${words}, small` }));
  private readonly echoed = el("figcaption", {});

  private readonly predict: () => void;
  private readonly measure: () => void;
  private idle = 0;

  constructor(root: HTMLElement, private readonly client: () => Client, private readonly changed: () => void, private readonly failed: (error: unknown) => void, address: () => string) {
    this.predict = latest(() => this.predictNow());
    this.measure = latest(() => this.measureNow());
    const button = (words: string, act: () => void, id: string): HTMLElement => el("button", { type: "button", id, onclick: act }, words);
    this.size.value = String(this.radius);
    root.replaceChildren(
      el("h1", { id: "look-title" }, "Look inside a trained U-Net"), this.about,
      el("div", { class: "bench" },
        el("figure", { class: "at-draw" }, el("figcaption", {}, "Draw an image"), this.input),
        el("figure", { class: "at-chance" }, el("figcaption", {}, "Probability"), this.chance),
        el("figure", { class: "at-mask" }, el("figcaption", {}, "Mask"), this.verdict),
        el("div", { class: "at-tools" },
          el("p", { id: "draw-keys", class: "keys" }, "Keys: arrows, Space, + and − for the size"),
          this.tools, this.swatches,
          el("label", { class: "field", for: "size" }, el("span", {}, "Size"), this.size),
          el("div", { class: "buttons" },
            button("Another image", () => this.openImage(this.index + 1, false), "another"),
            button("Empty background", () => this.openImage(this.index + 1, true), "empty"),
            button("Undo", () => this.undo(), "undo"),
            button("Copy the address", () => void this.copyAddress(address()), "copy-look")),
          this.copied),
        el("div", { class: "at-seen" }, el("div", { class: "scale" }, el("span", {}, "0"), el("i", {}), el("span", {}, "1")), this.seen),
        el("div", { class: "at-scores" },
          el("p", { class: "legend" }, key("tp", "true positive"), key("fn", "false negative"), key("fp", "false positive")),
          el("label", { class: "field", for: "threshold" }, el("span", {}, "Threshold ", this.thresholdText), this.slider),
          this.numbers, this.nothing,
          el("p", { class: "soft" }, "Explained: ", el("a", { href: glossary("intersection-over-union") }, "IoU"), ", ", el("a", { href: glossary("dice") }, "Dice"), ", ",
            el("a", { href: glossary("accuracy") }, "accuracy"), ", ", el("a", { href: glossary("threshold") }, "threshold"), "."),
          this.speed)),
      el("h2", { id: "network" }, "The network at work"),
      el("div", { class: "network-head" }, el("p", {}, "Each block shows its eight most varied feature maps; a click opens all of them. Point at a pixel of the output, and yellow frames show its path through the U: what it can depend on in each block. Set a skip connection to zero, and see what breaks."),
        el("figure", { class: "echo" }, ...this.echo, this.echoed)),
      this.drawn,
    );
    this.makeTools();
    this.listen();
    this.setThreshold(START.threshold);
    this.openImage(START.image, false);
    this.describePixel();
  }

  /** The network is there: draw it. */
  begin(network: Network, parameters: number, testIou: number): void {
    this.network = network;
    if (!this.diagram) {
      this.diagram = new Diagram(network, (level, state) => this.setSkip(level, state));
      this.drawn.replaceChildren(this.diagram.element);
    }
    this.about.textContent = `This network has ${parameters.toLocaleString("en")} parameters and was trained on shapes like these, filled or drawn only as an outline; the mask is the whole silhouette. On 500 images that it had not seen its IoU is ${testIou.toFixed(2).replace(/^0/, "")}. The thin lines and the specks belong to the background. Draw something, and it answers.`;
    this.diagram.setSkips(this.skips);
    this.diagram.mark(this.pixel);
    this.newImage = true;
    this.predict();
    if (this.pixel) this.measure();
  }

  /** The engine is a new one: it has no network yet. */
  forget(): void {
    this.network = null;
  }

  /** The network cannot be had. */
  missing(): void {
    this.about.textContent = "The trained network is not there. You can draw, but nothing answers.";
  }

  parameters(): URLSearchParams {
    const parameters = new URLSearchParams({ room: "look" });
    parameters.set(this.blank ? "empty" : "image", String(this.index));
    const strokes = written(this.picture.strokes);
    if (strokes) parameters.set("drawn", strokes.length <= LONGEST ? strokes : KEPT);
    const changed = Object.entries(this.skips).filter(([, state]) => state !== "kept");
    if (changed.length) parameters.set("skips", changed.map(([level, state]) => level + state[0]).join("."));
    if (this.threshold !== START.threshold) parameters.set("threshold", String(this.threshold));
    if (this.pixel) parameters.set("pixel", this.pixel.join("."));
    return parameters;
  }

  apply(parameters: URLSearchParams): void {
    const number = (name: string, low: number, high: number): number | null => {
      const value = Number(parameters.get(name) ?? NaN);
      return value >= low && value <= high ? value : null;
    };
    const empty = number("empty", 0, 1e6);
    this.skips = {};
    for (const [, level, letter] of (parameters.get("skips") ?? "").matchAll(/([1-4])([zm])/g)) this.skips[Number(level)] = letter === "z" ? "zeros" : "means";
    this.diagram?.setSkips(this.skips);
    this.setThreshold(number("threshold", 0.01, 0.99) ?? START.threshold);
    const [index, blank, drawn] = [Math.floor(empty ?? number("image", 0, 1e6) ?? START.image), empty !== null, parameters.get("drawn") ?? ""];
    const same = this.opened && index === this.index && blank === this.blank;
    const strokes = same && drawn === KEPT ? this.picture.strokes : read(drawn);
    if (!same || written(strokes) !== written(this.picture.strokes)) this.openImage(index, blank, strokes);
    else this.refresh();
    const pixel = (parameters.get("pixel") ?? "").match(/^(\d+)\.(\d+)$/);
    this.inspect(pixel && Number(pixel[1]) < SIZE && Number(pixel[2]) < SIZE ? [Number(pixel[1]), Number(pixel[2])] : null);
  }

  private openImage(index: number, blank: boolean, strokes: Stroke[] = []): void {
    this.index = index;
    this.blank = blank;
    this.newImage = true;
    this.opened = true;
    this.picture.open(index, blank);
    this.picture.replay(strokes);
    this.copied.textContent = "";
    this.makeSwatches();
    this.inspect(null);
    this.refresh();
  }

  private undo(): void {
    if (this.picture.undo()) this.refresh();
  }

  private async copyAddress(address: string): Promise<void> {
    const whole = written(this.picture.strokes).length <= LONGEST;
    this.copied.textContent = !whole ? "This drawing is too long for an address: with fewer strokes it fits."
      : (await copy(address)) ? "The address is copied: it holds the image, your drawing, skips and threshold." : "Your browser does not let a page copy: copy the address from its bar.";
  }

  private refresh(): void {
    this.show();
    this.predict();
    this.changed();
  }

  private setRadius(radius: number): void {
    this.radius = Math.min(LARGEST, Math.max(SMALLEST, radius));
    this.size.value = String(this.radius);
    this.show();
  }

  private setThreshold(threshold: number): void {
    this.threshold = threshold;
    this.slider.value = String(threshold);
    this.thresholdText.textContent = threshold.toFixed(2).replace(/^0/, "");
    this.show();
    this.changed();
  }

  private setSkip(level: number, state: SkipState): void {
    this.skips[level] = state;
    this.diagram?.setSkips(this.skips);
    this.predict();
    if (this.pixel) this.measure();
    this.changed();
  }

  private inspect(pixel: [number, number] | null): void {
    if (String(pixel) === String(this.pixel)) return;
    this.pixel = pixel;
    this.gradient = null;
    this.diagram?.mark(pixel);
    this.describePixel();
    this.show();
    if (pixel) this.measure();
    this.changed();
  }

  private async predictNow(): Promise<void> {
    if (!this.network) return;
    const maps = !this.drawing;
    try {
      const answer = await this.client().ask("predict", { image: this.picture.image, skips: this.skips, maps });
      this.probability.set(answer.probability);
      if (answer.maps.length) {
        this.diagram?.update(answer.maps, this.newImage);
        this.newImage = false;
        clearTimeout(this.idle);
      } else {
        clearTimeout(this.idle);
        this.idle = window.setTimeout(this.predict, 150);
      }
      this.speed.textContent = `Computed in ${Math.round(answer.milliseconds)} ms${maps ? ", all feature maps included" : ""}.`;
      this.show();
    } catch (error) {
      this.failed(error);
    }
  }

  private async measureNow(): Promise<void> {
    const pixel = this.pixel;
    if (!pixel || !this.network) return;
    try {
      const { gradient } = await this.client().ask("gradient", { image: this.picture.image, skips: this.skips, row: pixel[0], column: pixel[1] });
      if (String(pixel) !== String(this.pixel)) return;
      this.gradient = gradient;
      this.describePixel();
      this.show();
    } catch (error) {
      this.failed(error);
    }
  }

  private describePixel(): void {
    if (!this.pixel || !this.network) {
      this.seen.textContent = "Point at a pixel to see what it depends on.";
      return;
    }
    const [row, column] = this.pixel;
    const box = path(this.network, row, column).get("image")!;
    const half = this.gradient && squareHolding(this.gradient, row, column, 0.5);
    this.seen.textContent = `Row ${row}, column ${column}: it can depend on ${box.bottom - box.top} × ${box.right - box.left} px` +
      `${box.bottom - box.top > SIZE ? ", more than the image" : ""}.` + (half ? ` Half of its gradient lies in ${half} × ${half} px around it.` : "");
  }

  private show(): void {
    const input = this.input.getContext("2d")!;
    show(input, colourImage(this.picture.image, SIZE), 0, 0, SIDE);
    if (this.gradient) {
      const largest = this.gradient.reduce((a, b) => Math.max(a, b), 1e-12);
      const glow = new ImageData(SIZE, SIZE);
      this.gradient.forEach((value, i) => glow.data.set([240, 228, 66, 235 * Math.sqrt(value / largest)], 4 * i));
      input.fillStyle = "rgb(0 0 0 / .55)";
      input.fillRect(0, 0, SIDE, SIDE);
      show(input, glow, 0, 0, SIDE);
    }
    if (this.pixel && this.network) {
      const box = path(this.network, ...this.pixel).get("image")!;
      const cut = (value: number): number => Math.min(SIDE - 2, Math.max(2, value * SCALE));
      frame(input, cut(box.left), cut(box.top), cut(box.right) - cut(box.left), cut(box.bottom) - cut(box.top));
    } else if (document.activeElement === this.input) {
      const [x, y] = this.cursor.map((place) => (place + 0.5) * SCALE);
      const side = reach(this.tool, this.radius) * SCALE;
      frame(input, x - side, y - side, 2 * side, 2 * side, 1);
    }
    const small = [colourImage(this.picture.image, SIZE), heat(this.probability, SIZE), errors(this.picture.mask, this.probability, this.threshold, SIZE)];
    small.forEach((image, i) => this.echo[i].getContext("2d")!.putImageData(image, 0, 0));
    const outputs = [[this.chance, heat(this.probability, SIZE)], [this.verdict, errors(this.picture.mask, this.probability, this.threshold, SIZE)]] as const;
    for (const [element, image] of outputs) {
      const context = element.getContext("2d")!;
      show(context, image, 0, 0, SIDE);
      if (this.pixel) frame(context, this.pixel[1] * SCALE - 2, this.pixel[0] * SCALE - 2, SCALE + 4, SCALE + 4);
    }
    const found = scores(this.picture.mask, this.probability, this.threshold);
    const none = !this.picture.mask.includes(1);
    this.echoed.textContent = none ? "" : `IoU ${decimal(found.iou)}`;
    this.nothing.textContent = none ? "Nothing is drawn, so an empty mask is right and scores 1." : "";
    const entries = { IoU: decimal(found.iou), Dice: decimal(found.dice), Accuracy: decimal(found.accuracy), "False positives": `${found.falsePositives} px`, "False negatives": `${found.falseNegatives} px` };
    this.numbers.replaceChildren(...Object.entries(entries).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", { "data-score": name }, value))));
  }

  private makeTools(): void {
    this.tools.replaceChildren(...TOOLS.map((tool) => el("label", {},
      el("input", { type: "radio", name: "tool", value: tool, checked: tool === this.tool, onchange: () => { this.tool = tool; this.show(); } }), el("span", {}, TOOL_WORDS[tool]))));
  }

  private makeSwatches(): void {
    this.swatches.replaceChildren(...this.picture.colours().map((colour, i) => {
      const [r, g, b] = colour.map((value) => Math.round(255 * value));
      return el("label", { style: `--swatch: rgb(${r} ${g} ${b})` }, el("input", {
        type: "radio", name: "colour", value: i, checked: i === this.colour, onchange: () => (this.colour = i), "aria-label": `Colour ${i + 1}: red ${r}, green ${g}, blue ${b}` }));
    }));
  }

  /** Put the tool down where the cursor is. */
  private put(): void {
    this.inspect(null);
    this.picture.begin(this.tool, this.colour, this.radius, [this.cursor[0], this.cursor[1]]);
    this.refresh();
  }

  private listen(): void {
    const place = (event: PointerEvent): [number, number] => {
      const box = (event.target as HTMLElement).getBoundingClientRect();
      const at = (value: number, start: number, length: number): number => Math.min(SIZE - 1, Math.max(0, Math.floor(((value - start) / length) * SIZE)));
      return [at(event.clientX, box.left, box.width), at(event.clientY, box.top, box.height)];
    };
    const strokes = (): boolean => this.tool === "brush" || this.tool === "erase" || this.tool === "noise";
    this.input.addEventListener("pointerdown", (event) => {
      if (event.button || !event.isPrimary) return; // a second finger draws nothing
      this.input.setPointerCapture(event.pointerId);
      this.drawing = strokes();
      this.cursor = place(event);
      this.put();
    });
    this.input.addEventListener("pointermove", (event) => {
      if (!this.drawing || !event.isPrimary) return;
      this.cursor = place(event);
      this.picture.along([this.cursor[0], this.cursor[1]]);
      this.refresh();
    });
    for (const name of ["pointerup", "pointercancel"]) this.input.addEventListener(name, (event) => {
      if (!this.drawing || !(event as PointerEvent).isPrimary) return;
      this.drawing = false;
      this.predict();
    });
    for (const name of ["focus", "blur"]) this.input.addEventListener(name, () => this.show());
    this.input.addEventListener("keydown", (event) => {
      if (event.key === " " || event.key === "Enter") {
        this.put();
      } else if ((event.ctrlKey || event.metaKey) && event.key === "z") this.undo();
      else if (event.key === "+" || event.key === "-") this.setRadius(this.radius + (event.key === "+" ? 1 : -1));
      else if (!move(this.cursor, event)) return;
      event.preventDefault();
      this.show();
    });

    for (const element of [this.chance, this.verdict]) {
      element.addEventListener("pointermove", (event) => {
        this.seen.setAttribute("aria-live", "off"); // not every pixel on the way is read aloud
        this.inspect(place(event).reverse() as [number, number]);
      });
      element.addEventListener("pointerdown", (event) => this.inspect(place(event).reverse() as [number, number]));
      element.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.inspect(null));
    }
    this.chance.addEventListener("keydown", (event) => {
      if (event.key === "Escape") return this.inspect(null);
      const [row, column] = this.pixel ?? [32, 32];
      const at: [number, number] = [column, row];
      if (!move(at, event)) return;
      event.preventDefault();
      this.seen.setAttribute("aria-live", "polite");
      this.inspect([at[1], at[0]]);
    });
  }
}

const decimal = (value: number): string => value.toFixed(3).replace(/^0(?=\.)/, "");

/** Move a place by an arrow key, by eight pixels with Shift; false if it is another key. */
function move(place: [number, number], event: KeyboardEvent): boolean {
  const directions: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const direction = directions[event.key];
  if (!direction) return false;
  for (const axis of [0, 1]) place[axis] = Math.min(SIZE - 1, Math.max(0, place[axis] + (event.shiftKey ? 8 : 1) * direction[axis]));
  return true;
}

/** Side of the smallest square around a pixel that holds a share of the gradient. */
function squareHolding(gradient: Float32Array, row: number, column: number, share: number): number {
  const rings = new Float64Array(SIZE);
  gradient.forEach((value, i) => (rings[Math.max(Math.abs(Math.floor(i / SIZE) - row), Math.abs((i % SIZE) - column))] += value));
  const total = rings.reduce((a, b) => a + b, 0);
  let held = 0;
  for (let ring = 0; ring < SIZE; ring++) {
    held += rings[ring];
    if (held >= share * total) return 2 * ring + 1;
  }
  return 2 * SIZE;
}
