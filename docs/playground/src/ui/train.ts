/** The room "Train": choose a network and a recipe, train, and watch the masks emerge. */

import { describe, kerasCode } from "../core/keras.js";
import type { LaneScore } from "../core/run.js";
import { CHOICES, DEFAULT, everyLevel, FOUR_LEVELS, fromParameters, LARGEST_SEED, SHOWN, toParameters, type Lane, type Setup } from "../core/setup.js";
import { SIZE } from "../core/shapes.js";
import { countParameters } from "../core/unet.js";
import type { Event } from "../protocol.js";
import { chart, type Line } from "./chart.js";
import { Stopped, type Client } from "./client.js";
import { colourImage, errors, maskImage, show } from "./colours.js";
import { canvas, copy, el, key, select } from "./dom.js";
import { glossary } from "./places.js";

const NAMES = ["A", "B"];
const COLOURS = ["var(--lane-a)", "var(--lane-b)"];
const NORM_WORDS = { batch: "batch", group: "group", none: "none" };
const LOSS_WORDS = { bce: "cross-entropy", dice: "Dice", "bce+dice": "cross-entropy + Dice" };
const PIXELS = SIZE * SIZE;
const WORDS = {
  level: glossary("level"), "skip connection": glossary("skip-connection"), normalisation: glossary("normalisation"),
  "learning rate": glossary("learning-rate"), loss: glossary("loss"), batch: glossary("batch"), seed: glossary("seed"),
};

export class Train {
  private setup: Setup = DEFAULT;
  private state: "idle" | "preparing" | "running" | "paused" | "done" | "diverged" | "failed" = "idle";
  private step = 0;
  private losses: [number, number][][] = [];
  private scores: { step: number; lanes: Omit<LaneScore, "shown">[] }[] = [];
  /** What the networks said last: pictures are kept of no earlier score. */
  private said: Float32Array[] = [];
  /** The worker's number of the run that is shown; what it tells of an earlier one comes too late. */
  private number: number | null = null;
  private perSecond = 0;
  private shown: { images: Float32Array; masks: Uint8Array } | null = null;
  private prepared: Promise<void> = Promise.resolve();
  private diverged = 0;
  private frame = 0;
  private held: HTMLElement | null = null;
  private readonly narrow = matchMedia("(max-width: 700px)");

  private readonly data = el("div", { class: "fields" });
  private readonly lanes = el("div", { class: "lanes" });
  private readonly go = el("button", { type: "button", class: "primary", id: "train-go", onclick: () => void this.toggle() }, "Train");
  private readonly once = el("button", { type: "button", id: "train-step", onclick: () => void this.run(1) }, "One step");
  private readonly again = el("button", { type: "button", id: "train-reset", onclick: () => void this.reset() }, "Reset");
  private readonly progress = el("progress", { max: 1, value: 0, "aria-label": "Training steps" });
  private readonly word = el("p", { id: "train-state", role: "status" });
  private readonly charts = el("div", { class: "charts" });
  private readonly results = el("div", { class: "numbers lane-numbers" });
  private readonly pictures = canvas(SHOWN * (SIZE + 4) - 4, 1, { class: "sharp pictures", role: "img", "aria-label": "Six validation images, their masks, and what the network says" });
  private readonly rows = el("ol", { class: "rows", "aria-hidden": "true" });
  private readonly code = el("textarea", { class: "code", readonly: true, rows: 12, "aria-label": "Keras code", hidden: true });
  private readonly copied = el("span", { role: "status", class: "soft" });

  constructor(root: HTMLElement, private readonly client: () => Client, private readonly changed: () => void, private readonly failed: (error: unknown) => void, private readonly address: () => string) {
    root.replaceChildren(
      el("h1", { id: "train-title" }, "Train your own"),
      el("p", {}, "Choose a network and a recipe, press Train, and watch the masks of six validation images emerge. The address bar holds the set-up: copy it to share it."),
      el("div", { class: "presets" },
        el("button", { type: "button", id: "compare", onclick: () => this.change({ ...this.setup, lanes: [{ ...FOUR_LEVELS, depth: 1, skips: [1] }, FOUR_LEVELS] }) }, "Compare one level with four"),
        el("button", { type: "button", id: "add-lane", onclick: () => this.toggleLane() }, "Add a second network"),
        el("button", { type: "button", id: "defaults", onclick: () => this.change(DEFAULT) }, "Start from the defaults")),
      el("div", { class: "workshop" },
        el("div", { class: "controls" }, this.lanes, el("fieldset", {}, el("legend", {}, "Data and steps"), this.data),
          el("p", { class: "soft" }, "Explained: ", ...Object.entries(WORDS).flatMap(([word, href], i) => [i ? ", " : "", el("a", { href }, word)]), ".")),
        el("div", { class: "stage" },
          el("div", { class: "buttons" }, this.go, this.once, this.again), this.progress, this.word, this.results,
          el("h2", {}, "Six validation images"), el("div", { class: "grid-of-images" }, this.rows, this.pictures),
          el("p", { class: "legend" }, key("tp", "true positive"), key("fn", "false negative"), key("fp", "false positive")),
          this.charts,
          el("div", { class: "buttons" },
            el("button", { type: "button", id: "copy-address", onclick: () => void this.copyText(this.address(), "The address is copied.") }, "Copy the address"),
            el("button", { type: "button", id: "copy-keras", onclick: () => void this.copyCode() }, "Copy as Keras code"), this.copied),
          this.code)),
    );
    this.narrow.addEventListener("change", () => this.showPictures());
    this.controls();
    this.showState();
  }

  parameters(): URLSearchParams {
    return new URLSearchParams([["room", "train"], ...toParameters(this.setup)]);
  }

  apply(parameters: URLSearchParams): void {
    const setup = fromParameters(parameters);
    if (this.state !== "idle" && JSON.stringify(setup) === JSON.stringify(this.setup)) return;
    this.setup = setup;
    this.controls();
    if (this.state !== "idle") void this.reset();
  }

  /** The room is shown: prepare it if nothing has been yet. */
  enter(): void {
    if (this.state === "idle") void this.reset();
  }

  /** The engine is a new one: what the old one had trained is lost. */
  forget(): void {
    this.state = "idle";
    this.clear();
  }

  /** The reader goes to another room. */
  leave(): void {
    if (this.state === "running") this.client().ask("run", { running: false }).catch(this.failed);
  }

  hear(event: Event): void {
    if (event.event === "lost" ? this.state === "idle" : event.run !== this.number) return;
    if (event.event === "progress") {
      this.step = event.step;
      this.perSecond = event.perSecond;
      event.losses.forEach((loss, i) => this.losses[i].push([event.step, loss]));
      if (event.scores) this.note(event.step, event.scores);
      this.frame ||= requestAnimationFrame(() => {
        this.frame = 0;
        this.showState();
      });
    } else if (event.event === "stopped") {
      this.diverged = event.lane ?? 0;
      this.state = event.reason;
      this.showState();
    } else {
      this.number = null;
      this.state = "failed";
      this.showState();
      if (event.event === "failed") this.failed(new Error(event.words));
    }
  }

  private note(step: number, scores: LaneScore[]): void {
    this.scores.push({ step, lanes: scores.map(({ iou, accuracy }) => ({ iou, accuracy })) });
    this.said = scores.map(({ shown }) => shown);
    this.showPictures();
  }

  /** The reader changes the set-up; a control that shows its own value already need not be made again. */
  private change(setup: Setup, again = true): void {
    this.setup = setup;
    if (again) this.controls();
    this.changed();
    if (this.state !== "idle") void this.reset();
  }

  private clear(): void {
    this.number = null;
    this.step = 0;
    this.perSecond = 0;
    this.losses = this.setup.lanes.map(() => []);
    this.scores = [];
    this.said = [];
    this.showState();
  }

  private async reset(): Promise<void> {
    this.state = "preparing";
    this.clear();
    const setup = (this.setup = { ...this.setup }); // another object for each set-up: an answer to an earlier one is not heard
    this.prepared = this.client().ask("setUp", { setup }).then(({ run, scores, ...shown }) => {
      if (setup !== this.setup) return;
      this.shown = shown;
      this.number = run;
      this.state = "paused";
      this.note(0, scores);
      this.showState();
    }).catch((error) => {
      if (setup !== this.setup || error instanceof Stopped) return;
      this.state = "failed";
      this.showState();
      this.failed(error);
    });
    await this.prepared;
  }

  private async toggle(): Promise<void> {
    if (this.state === "running") {
      await this.client().ask("run", { running: false }).catch(this.failed);
      return;
    }
    if (this.state === "done" || this.state === "diverged" || this.state === "failed") await this.reset();
    await this.run();
  }

  private async run(steps?: number): Promise<void> {
    await this.prepared;
    if (this.state !== "paused") return;
    this.state = "running";
    this.showState();
    await this.client().ask("run", { running: true, steps }).catch(this.failed);
  }

  private toggleLane(): void {
    const { lanes } = this.setup;
    this.change({ ...this.setup, lanes: lanes.length === 2 ? [lanes[0]] : [lanes[0], { ...lanes[0], skips: [] }] });
  }

  /** Make the controls again; the one that has the focus keeps it. */
  private controls(): void {
    const { setup } = this;
    const all = (): HTMLElement[] => [this.lanes, this.data].flatMap((part) => [...part.querySelectorAll<HTMLElement>("select, input")]);
    const focused = all().indexOf(document.activeElement as HTMLElement);
    const shared = <K extends "outlined" | "noise" | "steps" | "batch">(key: K, label: string, words: (value: number) => string): HTMLElement => {
      const { element, set } = select<number>(label, CHOICES[key], words, (value) => this.change({ ...this.setup, [key]: value }, false));
      set(setup[key]);
      element.dataset.setting = key;
      return element;
    };
    const seed = el("input", { type: "number", min: 0, max: LARGEST_SEED, value: setup.seed, onchange: () => {
      const value = Math.min(LARGEST_SEED, Math.max(0, Math.floor(Number(seed.value)) || 0));
      seed.value = String(value);
      this.change({ ...this.setup, seed: value }, false);
    } });
    this.data.replaceChildren(
      shared("outlined", "Drawn as outlines", (value) => `${100 * value} %`), shared("noise", "Noise", decimal),
      shared("steps", "Training steps", String), shared("batch", "Batch size", String),
      el("label", { class: "field" }, el("span", {}, "Seed"), seed));
    this.lanes.replaceChildren(...setup.lanes.map((lane, i) => this.laneControls(lane, i)));
    document.getElementById("add-lane")!.textContent = setup.lanes.length === 2 ? "Only one network" : "Add a second network";
    all()[focused]?.focus();
  }

  private laneControls(lane: Lane, index: number): HTMLElement {
    const set = (part: Partial<Lane>): void => this.change({ ...this.setup, lanes: this.setup.lanes.map((one, i) => (i === index ? { ...one, ...part } : one)) });
    const field = <K extends "depth" | "base" | "norm" | "rate" | "loss">(key: K, label: string, words: (value: Lane[K]) => string): HTMLElement => {
      const choice = select<Lane[K]>(label, CHOICES[key] as unknown as readonly Lane[K][], words, (value) =>
        set(key === "depth" ? { depth: value as number, skips: everyLevel(value as number) } : ({ [key]: value } as Partial<Lane>)));
      choice.set(lane[key]);
      choice.element.classList.toggle("wide", key === "loss");
      choice.element.dataset.setting = key + (index ? "2" : "");
      return choice.element;
    };
    const skips = el("div", { class: "field", role: "group", "aria-label": "Skip connections" }, el("span", {}, "Skips"), el("span", { class: "checks" }, ...everyLevel(lane.depth).map((level) => el("label", {},
      el("input", { type: "checkbox", checked: lane.skips.includes(level), "aria-label": `Skip connection of level ${level}`, onchange: (event: globalThis.Event) => {
        const kept = (event.target as HTMLInputElement).checked;
        set({ skips: everyLevel(lane.depth).filter((one) => (one === level ? kept : lane.skips.includes(one))) });
      } }), String(level)))));
    const title = this.setup.lanes.length === 2 ? `Network ${NAMES[index]}` : "Network";
    return el("fieldset", { style: `--lane: ${COLOURS[index]}`, class: "lane" }, el("legend", {}, title), el("div", { class: "fields" },
      field("depth", "Levels down", String), field("base", "Top channels", String), skips,
      field("norm", "Normalisation", (value) => NORM_WORDS[value]), field("rate", "Learning rate", decimal), field("loss", "Loss", (value) => LOSS_WORDS[value])),
      el("p", { class: "soft" }, `${countParameters(lane).toLocaleString("en")} parameters`));
  }

  private showState(): void {
    const { setup, step, state } = this;
    this.go.textContent = state === "running" ? "Pause" : state === "done" || state === "diverged" || (state === "failed" && step) ? "Train again" : step ? "Go on" : "Train";
    this.enable(this.go, state !== "preparing" && state !== "idle");
    this.enable(this.once, state === "paused");
    this.enable(this.again, state !== "preparing" && state !== "idle");
    this.progress.value = step / setup.steps;
    const where = `Training step ${step} of ${setup.steps}`;
    const left = this.perSecond ? ` About ${Math.ceil(((setup.steps - step) * setup.batch) / this.perSecond)} s to go.` : "";
    const words: Record<typeof state, string> = {
      idle: "The engine starts.", preparing: "The network is built and scored.",
      running: `${where}. ${Math.round(this.perSecond)} images per second.${left}`,
      paused: step ? `${where}. Paused.` : "Ready. The masks below are those of an untrained network.", done: `Done: ${setup.steps} training steps.`,
      diverged: `The loss ${setup.lanes.length === 2 ? `of network ${NAMES[this.diverged]} ` : ""}is no number any more: training has diverged at step ${step}. A lower learning rate helps.`,
      failed: step ? `Training failed after step ${step}.` : "The network could not be prepared or trained.",
    };
    this.word.setAttribute("aria-live", state === "running" ? "off" : "polite"); // not every step is read aloud
    this.word.textContent = words[state];
    const last = this.scores[this.scores.length - 1];
    this.results.replaceChildren(...setup.lanes.map((lane, i) => {
      const losses = this.losses[i] ?? [];
      const recent = losses.slice(-10).reduce((sum, [, value]) => sum + value, 0) / Math.min(10, losses.length);
      return el("dl", { style: `--lane: ${COLOURS[i]}` }, el("div", { class: "wide" }, el("dt", {}, setup.lanes.length === 2 && sample(i), setup.lanes.length === 2 ? `${NAMES[i]}: ${describe(lane)}` : describe(lane))),
        number("Loss, last ten steps", losses.length ? twoDigits(recent) : "-", `loss-${i}`), number("Validation IoU", last ? twoDigits(last.lanes[i].iou) : "-", `iou-${i}`),
        number("Accuracy", last ? twoDigits(last.lanes[i].accuracy) : "-", `accuracy-${i}`));
    }));
    const legend = setup.lanes.length === 2 ? ` <span class="soft">${NAMES.map((name, i) => `${sample(i).outerHTML}${name}`).join(" ")}</span>` : "";
    const line = (points: [number, number][], i: number): Line => ({ colour: COLOURS[i], dash: i ? "6 3" : undefined, points });
    const highest = Math.max(0.5, Math.min(3, Math.max(...this.losses.flatMap((points) => points.slice(0, 20).map(([, value]) => value)), 0)));
    const rounded = Math.ceil(10 * highest) / 10;
    this.charts.innerHTML = `<figure><figcaption>Training loss${legend}</figcaption>${chart(this.losses.map(line), setup.steps, rounded, "Training loss")}</figure>` +
      `<figure><figcaption>Validation IoU${legend}</figcaption>${chart(setup.lanes.map((_, i) => line(this.scores.map(({ step: at, lanes }) => [at, lanes[i].iou]), i)), setup.steps, 1, "Validation IoU")}</figure>`;
    if (!this.code.hidden) this.code.value = this.kerasText();
  }

  /** Let a button be pressed or not; one that had the focus gets it back, unless the reader went on. */
  private enable(button: HTMLButtonElement, on: boolean): void {
    if (!on && document.activeElement === button) this.held = button;
    button.disabled = !on;
    if (!on || this.held !== button) return;
    this.held = null;
    if (document.activeElement === document.body) button.focus();
  }

  private showPictures(): void {
    const { shown } = this;
    const lanes = this.said.length;
    if (!shown || !lanes) return;
    const columns = this.narrow.matches ? SHOWN / 2 : SHOWN;
    const high = 2 + lanes;
    this.pictures.width = columns * (SIZE + 4) - 4;
    this.pictures.height = (SHOWN / columns) * high * (SIZE + 4) - 4;
    const context = this.pictures.getContext("2d")!;
    for (let i = 0; i < SHOWN; i++) {
      const truth = shown.masks.subarray(i * PIXELS, (i + 1) * PIXELS);
      const rows = [colourImage(shown.images.subarray(3 * i * PIXELS, 3 * (i + 1) * PIXELS), SIZE), maskImage(truth, SIZE),
        ...this.said.map((said) => errors(truth, said.subarray(i * PIXELS, (i + 1) * PIXELS), 0.5, SIZE))];
      rows.forEach((image, row) => show(context, image, (i % columns) * (SIZE + 4), (Math.floor(i / columns) * high + row) * (SIZE + 4), SIZE));
    }
    const names = ["image", "target", ...(lanes === 2 ? NAMES : ["mask"])];
    const named = columns === SHOWN ? names : [...names, ...names];
    this.rows.replaceChildren(...named.map((name) => el("li", {}, name)));
  }

  private kerasText(): string {
    return this.setup.lanes.map((lane) => kerasCode(lane, this.setup)).join("\n\n");
  }

  private async copyCode(): Promise<void> {
    this.code.hidden = false;
    this.code.value = this.kerasText();
    await this.copyText(this.code.value, this.setup.lanes.length === 2 ? "The code of both networks is copied." : "The code is copied.");
  }

  private async copyText(text: string, words: string): Promise<void> {
    this.copied.textContent = (await copy(text)) ? words : "Your browser does not let a page copy: select the text and copy it.";
  }
}

/** The line of a network in the charts, as a sample. */
const sample = (lane: number): HTMLElement => el("i", { class: lane ? "line dashed" : "line", style: `--lane: ${COLOURS[lane]}` });
const twoDigits = (value: number): string => value.toFixed(2).replace(/^0(?=\.)/, "");
const decimal = (value: number): string => String(Number(value.toPrecision(2))).replace(/^0(?=\.)/, "");

function number(name: string, value: string, id: string): HTMLElement {
  return el("div", {}, el("dt", {}, name), el("dd", { "data-number": id }, value));
}
