/** The image that the reader draws, and what its mask is. */

import { normals, stream } from "../core/random.js";
import { draw, paintShape, planFrom, NUMBERS, SIZE, SPLITS, STANDARD, background, type Colour } from "../core/shapes.js";

export const TOOLS = ["brush", "disc", "square", "ring", "frame", "noise", "erase"] as const;
export type Tool = (typeof TOOLS)[number];
export const TOOL_WORDS: Record<Tool, string> = {
  brush: "Brush", disc: "Disc", square: "Square", ring: "Outlined disc", frame: "Outlined square", noise: "Noise", erase: "Background",
};

interface State {
  image: Float32Array;
  mask: Uint8Array;
}

export class Picture {
  image: Float32Array = new Float32Array(SIZE * SIZE * 3);
  mask: Uint8Array = new Uint8Array(SIZE * SIZE);
  ground: Colour = [0.5, 0.5, 0.5];
  private bare: Float32Array = new Float32Array(SIZE * SIZE * 3);
  private past: State[] = [];
  private strokes = 0;

  /** Image `index` of the test split, as the page's generator draws it; `blank` leaves its shapes out. */
  open(index: number, blank = false): void {
    const plan = planFrom(Float64Array.from({ length: NUMBERS }, stream(0, SPLITS.test, index, 0)));
    this.ground = plan.background;
    this.bare = noisy(background(plan), STANDARD.noise, index);
    const sample = draw(0, "test", index);
    this.image = blank ? this.bare.slice() : sample.image;
    this.mask = blank ? new Uint8Array(SIZE * SIZE) : sample.mask;
    this.past = [];
  }

  /** The eight colours that a shape may have here: lighter or darker in each of red, green and blue. */
  colours(): Colour[] {
    return Array.from({ length: 8 }, (_, sign) =>
      this.ground.map((value, k) => Math.min(1, Math.max(0, value + ((sign >> k) & 1 ? 0.42 : -0.42)))) as unknown as Colour);
  }

  /** Remember the image as it is, to come back to it. */
  remember(): void {
    this.past.push({ image: this.image.slice(), mask: this.mask.slice() });
    if (this.past.length > 30) this.past.shift();
  }

  undo(): boolean {
    const before = this.past.pop();
    if (before) Object.assign(this, before);
    return before !== undefined;
  }

  /** Put a tool down at a pixel; `radius` is in pixels. */
  put(tool: Tool, x: number, y: number, radius: number, colour: Colour): void {
    const before = this.image.slice();
    const random = stream(99, this.strokes++);
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
      radius: ((square ? Math.SQRT2 : 1) * (tool === "brush" ? Math.max(1.5, radius / 3) : radius)) / SIZE, angle: 0, colour,
    };
    paintShape(this.image, shape, STANDARD.line, SIZE, (i) => (this.mask[i] = 1));
    const grains = normals(random, this.image.length);
    for (let k = 0; k < this.image.length; k++) {
      if (this.image[k] === before[k]) continue;
      const value = this.image[k] + (tool === "brush" ? 0 : STANDARD.noise * grains[k]);
      this.image[k] = Math.round(255 * Math.min(1, Math.max(0, value))) / 255;
    }
  }
}

function noisy(image: Float32Array, deviation: number, seed: number): Float32Array {
  const noise = normals(stream(98, seed), image.length);
  return image.map((value, k) => Math.round(255 * Math.min(1, Math.max(0, value + deviation * noise[k]))) / 255);
}
