/** The image that the reader draws, and what its mask is. */

import { normals, stream } from "../core/random.js";
import { draw, paintShape, planFrom, NUMBERS, SIZE, SPLITS, STANDARD, background, type Colour } from "../core/shapes.js";

export const TOOLS = ["brush", "disc", "square", "ring", "frame", "noise", "erase"] as const;
export type Tool = (typeof TOOLS)[number];
export const TOOL_WORDS: Record<Tool, string> = {
  brush: "Brush", disc: "Disc", square: "Square", ring: "Outlined disc", frame: "Outlined square", noise: "Noise", erase: "Background",
};

/** One use of a tool: where it was put down, and the places it was led through, each a column and a row. */
export interface Stroke {
  tool: Tool;
  colour: number;
  radius: number;
  places: [number, number][];
}

/** The digits of an address: a whole number below 64 is one of them. */
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Strokes as text for an address: tool, colour and radius, then the places, a digit for each number. */
export function written(strokes: Stroke[]): string {
  return strokes.map(({ tool, colour, radius, places }) => [TOOLS.indexOf(tool), colour, radius, ...places.flat()].map((value) => DIGITS[value]).join("")).join(".");
}

/** The strokes that a text holds; what cannot be one is left out. */
export function read(text: string): Stroke[] {
  return text.split(".").flatMap((part) => {
    const [tool, colour, radius, ...rest] = [...part].map((digit) => DIGITS.indexOf(digit));
    const fits = rest.length >= 2 && rest.length % 2 === 0 && Math.min(...rest) >= 0 && tool >= 0 && tool < TOOLS.length && colour >= 0 && colour < 8 && radius >= SMALLEST && radius <= LARGEST;
    return fits ? [{ tool: TOOLS[tool], colour, radius, places: Array.from({ length: rest.length / 2 }, (_, i): [number, number] => [rest[2 * i], rest[2 * i + 1]]) }] : [];
  });
}

/** The half-widths that a tool may have, in pixels. */
export const SMALLEST = 3, LARGEST = 26;

/** Half the width of what a tool draws. */
export const reach = (tool: Tool, radius: number): number => (tool === "brush" ? Math.max(1.5, radius / 3) : radius);

interface State {
  image: Float32Array;
  mask: Uint8Array;
  puts: number;
}

export class Picture {
  image: Float32Array = new Float32Array(SIZE * SIZE * 3);
  mask: Uint8Array = new Uint8Array(SIZE * SIZE);
  ground: Colour = [0.5, 0.5, 0.5];
  private bare: Float32Array = new Float32Array(SIZE * SIZE * 3);
  /** What was drawn on the image since it was opened. */
  strokes: Stroke[] = [];
  private past: State[] = [];
  private puts = 0;

  /** Image `index` of the test split, as the page's generator draws it; `blank` leaves its shapes out. */
  open(index: number, blank = false): void {
    const plan = planFrom(Float64Array.from({ length: NUMBERS }, stream(0, SPLITS.test, index, 0)));
    this.ground = plan.background;
    this.bare = noisy(background(plan), STANDARD.noise, index);
    const sample = draw(0, "test", index);
    this.image = blank ? this.bare.slice() : sample.image;
    this.mask = blank ? new Uint8Array(SIZE * SIZE) : sample.mask;
    this.past = [];
    this.strokes = [];
    this.puts = 0;
  }

  /** Put a tool down; `along` then leads it on. */
  begin(tool: Tool, colour: number, radius: number, place: [number, number]): void {
    this.past.push({ image: this.image.slice(), mask: this.mask.slice(), puts: this.puts });
    if (this.past.length > 30) this.past.shift();
    this.strokes.push({ tool, colour, radius, places: [place] });
    this.put(this.strokes[this.strokes.length - 1], ...place);
  }

  /** Lead the tool that was put down last to a place, in a line. */
  along([column, row]: [number, number]): void {
    const stroke = this.strokes[this.strokes.length - 1];
    const [x, y] = stroke.places[stroke.places.length - 1];
    if (x === column && y === row) return;
    stroke.places.push([column, row]);
    const steps = Math.max(1, Math.ceil(Math.hypot(column - x, row - y) / 2));
    for (let i = 1; i <= steps; i++) this.put(stroke, x + ((column - x) * i) / steps, y + ((row - y) * i) / steps);
  }

  /** Draw strokes that were written down. */
  replay(strokes: Stroke[]): void {
    for (const { tool, colour, radius, places: [first, ...rest] } of strokes) {
      this.begin(tool, colour, radius, first);
      rest.forEach((place) => this.along(place));
    }
  }

  /** The eight colours that a shape may have here: lighter or darker in each of red, green and blue. */
  colours(): Colour[] {
    return Array.from({ length: 8 }, (_, sign) =>
      this.ground.map((value, k) => Math.min(1, Math.max(0, value + ((sign >> k) & 1 ? 0.42 : -0.42)))) as unknown as Colour);
  }

  undo(): boolean {
    const before = this.past.pop();
    if (!before) return false;
    Object.assign(this, before);
    this.strokes.pop();
    return true;
  }

  private put({ tool, radius, colour }: Stroke, x: number, y: number): void {
    const before = this.image.slice();
    const random = stream(99, this.puts++);
    if (tool === "erase" || tool === "noise") {
      const noise = normals(random, SIZE * SIZE * 3);
      for (let i = 0; i < SIZE * SIZE; i++) {
        const [row, column] = [Math.floor(i / SIZE), i % SIZE];
        if (Math.hypot(column - x, row - y) > radius) continue;
        if (tool === "erase") this.mask[i] = 0;
        for (let k = 3 * i; k < 3 * i + 3; k++) {
          this.image[k] = tool === "erase" ? this.bare[k] : Math.min(1, Math.max(0, this.image[k] + 0.15 * noise[k]));
        }
      }
      return;
    }
    const square = tool === "square" || tool === "frame";
    const shape = {
      kind: square ? 1 : 0, outlined: tool === "ring" || tool === "frame", x: (x + 0.5) / SIZE, y: (y + 0.5) / SIZE,
      radius: ((square ? Math.SQRT2 : 1) * reach(tool, radius)) / SIZE, angle: 0, colour: this.colours()[colour],
    };
    paintShape(this.image, shape, STANDARD.line, SIZE, (i) => (this.mask[i] = 1));
    const grains = tool === "brush" ? null : normals(random, this.image.length);
    for (let k = 0; k < this.image.length; k++) {
      if (this.image[k] === before[k]) continue;
      const value = this.image[k] + (grains ? STANDARD.noise * grains[k] : 0);
      this.image[k] = Math.round(255 * Math.min(1, Math.max(0, value))) / 255;
    }
  }
}

function noisy(image: Float32Array, deviation: number, seed: number): Float32Array {
  const noise = normals(stream(98, seed), image.length);
  return image.map((value, k) => Math.round(255 * Math.min(1, Math.max(0, value + deviation * noise[k]))) / 255);
}
