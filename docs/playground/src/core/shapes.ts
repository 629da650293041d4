/**
 * The images of the series, level "standard": utils/shapes.py, ported. A plan follows from 128 numbers in the same order
 * as in Python, so both draw the same image from the same numbers; only the source of the numbers differs.
 */

import { normals, stream, type Random } from "./random.js";

export const SIZE = 64;
export const KINDS = ["disc", "square", "triangle", "ring", "cross"] as const;
export const SPLITS = { train: 0, validation: 1, test: 2 } as const;
export type Split = keyof typeof SPLITS;

/** How many numbers decide what an image shows. */
export const NUMBERS = 128;

/** Settings of the level "standard"; lengths are fractions of the image's side. */
export const STANDARD = {
  shapes: [1, 2], radius: [0.23, 0.36], contrast: [0.32, 0.55], line: 0.045, texture: 0.03, noise: 0.02,
  lines: [0, 1], specks: [1, 4],
} as const;

const [SHAPES, LINES, SPECKS, WAVES] = [4, 4, 8, 3];

export type Colour = readonly [number, number, number];
export interface Shape {
  kind: number;
  outlined: boolean;
  x: number;
  y: number;
  radius: number;
  angle: number;
  colour: Colour;
}
export interface Plan {
  background: Colour;
  slope: [number, number];
  shapes: Shape[];
  /** Distractors: x, y, angle, half length, colour. */
  lines: { x: number; y: number; angle: number; half: number; colour: Colour }[];
  specks: { x: number; y: number; radius: number; colour: Colour }[];
  waves: { across: number; down: number; phase: number; strength: number }[];
  line: number;
  noise: number;
}
export interface Options {
  /** Share of the shapes that are drawn as outlines, 0..1. */
  outlined: number;
  /** Standard deviation of the noise. */
  noise: number;
}
export const USUAL: Options = { outlined: 0.5, noise: STANDARD.noise };

/** An image (size, size, 3) in 0..1, its mask, and per pixel 0 background, 1 filled, 2 outlined. */
export interface Sample {
  image: Float32Array;
  mask: Uint8Array;
  style: Uint8Array;
}

/** Decide what an image shows from 128 numbers in 0..1. */
export function planFrom(numbers: ArrayLike<number>, options: Options = USUAL): Plan {
  let used = 0;
  const take = (): number => numbers[used++];
  const between = (low: number, high: number): number => low + (high - low) * take();
  const several = <T>(count: number, one: () => T): T[] => Array.from({ length: count }, one);
  const howMany = ([fewest, most]: readonly [number, number]): number => fewest + Math.floor((most - fewest + 1) * take());

  const background = several(3, () => between(0.3, 0.7)) as unknown as Colour;
  const slope = several(2, () => between(-0.1, 0.1)) as [number, number];
  const present = howMany(STANDARD.shapes);
  const kind = several(SHAPES, () => Math.floor(take() * KINDS.length));
  const outlined = several(SHAPES, () => take() < options.outlined);
  const radius = several(SHAPES, () => between(...STANDARD.radius));
  const centre = (share: number, r: number): number => 0.85 * r + (1 - 1.7 * r) * share;
  const x = radius.map((r) => centre(take(), r));
  const y = radius.map((r) => centre(take(), r));
  const angle = several(SHAPES, () => between(0, 2 * Math.PI));
  const signs = several(SHAPES, () => Math.floor(take() * 8));
  const contrast = several(SHAPES, () => between(...STANDARD.contrast));
  const colour = contrast.map(
    (c, i) => background.map((b, k) => clip(b + (2 * ((signs[i] >> k) & 1) - 1) * c)) as unknown as Colour,
  );
  const shapes = several(SHAPES, () => 0).map((_, i) => ({
    kind: kind[i], outlined: outlined[i], x: x[i], y: y[i], radius: radius[i], angle: angle[i], colour: colour[i],
  }));

  const colours = (count: number): Colour[] => several(count, () => several(3, take) as unknown as Colour);
  const lineCount = howMany(STANDARD.lines);
  const place = several(LINES, () => [between(0.1, 0.9), between(0.1, 0.9)]);
  const turn = several(LINES, () => between(0, Math.PI));
  const half = several(LINES, () => between(0.15, 0.5));
  const lineColours = colours(LINES);
  const speckCount = howMany(STANDARD.specks);
  const spot = several(SPECKS, () => [between(0.02, 0.98), between(0.02, 0.98)]);
  const speckRadius = several(SPECKS, () => between(0.01, 0.025));
  const speckColours = colours(SPECKS);
  const cycles = several(WAVES, () => [between(-9, 9), between(-9, 9)]);
  const phase = several(WAVES, () => between(0, 2 * Math.PI));
  const strength = several(WAVES, () => between(0.3, 1.0) * STANDARD.texture);
  return {
    background, slope, shapes: shapes.slice(0, present), line: STANDARD.line, noise: options.noise,
    lines: place.map(([px, py], i) => ({ x: px, y: py, angle: turn[i], half: half[i], colour: lineColours[i] })).slice(0, lineCount),
    specks: spot.map(([px, py], i) => ({ x: px, y: py, radius: speckRadius[i], colour: speckColours[i] })).slice(0, speckCount),
    waves: cycles.map(([across, down], i) => ({ across, down, phase: phase[i], strength: strength[i] })),
  };
}

/** Paint a plan; `random` gives the noise. */
export function paint(plan: Plan, random: Random, size = SIZE): Sample {
  const image = background(plan, size);
  const mask = new Uint8Array(size * size);
  const style = new Uint8Array(size * size);
  for (const one of plan.lines) {
    window(one.x, one.y, one.half + plan.line, size, (i, right, down) => {
      const [along, across] = turn(right, down, one.angle);
      blend(image, i, Math.max(Math.abs(along) - one.half, Math.abs(across) - plan.line / 4) * size, one.colour);
    });
  }
  for (const one of plan.specks) {
    window(one.x, one.y, one.radius, size, (i, right, down) => {
      blend(image, i, (Math.hypot(right, down) - one.radius) * size, one.colour);
    });
  }
  for (const shape of plan.shapes) {
    paintShape(image, shape, plan.line, size, (i) => {
      mask[i] = 1;
      style[i] = shape.outlined ? 2 : 1;
    });
  }
  addNoise(image, plan.noise, random);
  return { image, mask, style };
}

/** Paint one shape into an image, and call `inside` for each pixel of its silhouette. */
export function paintShape(image: Float32Array, shape: Shape, line: number, size: number, inside: (i: number) => void): void {
  window(shape.x, shape.y, shape.radius, size, (i, right, down) => {
    const distance = DISTANCES[shape.kind](...turn(right, down, shape.angle), shape.radius);
    const edge = shape.outlined ? Math.max(distance, -line - distance) : distance;
    blend(image, i, edge * size, shape.colour);
    if (distance <= 0) inside(i);
  });
}

/** Image `index` of a split of a seed. */
export function draw(seed: number, split: Split, index: number, options: Options = USUAL): Sample {
  const random = stream(seed, SPLITS[split], index, 0);
  const numbers = Float64Array.from({ length: NUMBERS }, random);
  return paint(planFrom(numbers, options), stream(seed, SPLITS[split], index, 1));
}

/** Colour, slope and waves of the background, without noise. */
export function background(plan: Pick<Plan, "background" | "slope" | "waves">, size = SIZE): Float32Array {
  const image = new Float32Array(size * size * 3);
  for (let row = 0, i = 0; row < size; row++) {
    for (let column = 0; column < size; column++, i += 3) {
      const [x, y] = [(column + 0.5) / size, (row + 0.5) / size];
      let light = plan.slope[0] * (x - 0.5) + plan.slope[1] * (y - 0.5);
      for (const wave of plan.waves) {
        light += wave.strength * Math.sin(2 * Math.PI * (wave.across * x + wave.down * y) + wave.phase);
      }
      for (let k = 0; k < 3; k++) image[i + k] = light + plan.background[k];
    }
  }
  return image;
}

/** Add normally distributed noise, then cut to 0..1 and round to 8 bits, in place. */
export function addNoise(image: Float32Array, deviation: number, random: Random): void {
  const noise = normals(random, image.length);
  for (let i = 0; i < image.length; i++) image[i] = Math.round(clip(image[i] + deviation * noise[i]) * 255) / 255;
}

function clip(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function window(x: number, y: number, radius: number, size: number, each: (i: number, right: number, down: number) => void): void {
  const [first, end] = [(place: number) => Math.max(0, Math.floor((place - radius) * size) - 2),
    (place: number) => Math.min(size, Math.ceil((place + radius) * size) + 2)];
  for (let row = first(y); row < end(y); row++) {
    for (let column = first(x); column < end(x); column++) {
      each(row * size + column, (column + 0.5) / size - x, (row + 0.5) / size - y);
    }
  }
}

function turn(x: number, y: number, angle: number): [number, number] {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [cos * x + sin * y, cos * y - sin * x];
}

function blend(image: Float32Array, pixel: number, distance: number, colour: Colour): void {
  const coverage = clip(0.5 - distance);
  if (coverage > 0) for (let k = 0; k < 3; k++) image[3 * pixel + k] += coverage * (colour[k] - image[3 * pixel + k]);
}

const box = (x: number, y: number, w: number, h: number): number => Math.max(Math.abs(x) - w, Math.abs(y) - h);

/** Signed distance from the edge of each kind: negative inside, for a shape on (0, 0) in a circle of this radius. */
const DISTANCES: ((x: number, y: number, radius: number) => number)[] = [
  (x, y, r) => Math.hypot(x, y) - r,
  (x, y, r) => box(x, y, r * Math.SQRT1_2, r * Math.SQRT1_2),
  (x, y, r) => Math.max(y, Math.sqrt(0.75) * x - y / 2, -Math.sqrt(0.75) * x - y / 2) - r / 2,
  (x, y, r) => Math.max(Math.hypot(x, y) - r, 0.5 * r - Math.hypot(x, y)),
  (x, y, r) => Math.min(box(x, y, 0.94 * r, 0.33 * r), box(x, y, 0.33 * r, 0.94 * r)),
];
