/** What the room "Train" is set to, and how that is written into the address. */

import type { Loss } from "./training.js";
import type { Network, Norm } from "./unet.js";

export interface Lane extends Network {
  rate: number;
  loss: Loss;
}
export interface Setup {
  /** One network, or two that see the same batches. */
  lanes: Lane[];
  outlined: number;
  noise: number;
  steps: number;
  batch: number;
  seed: number;
}

export const CHOICES = {
  depth: [1, 2, 3, 4],
  base: [2, 4, 8, 16],
  norm: ["batch", "group", "none"] as Norm[],
  rate: [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 1],
  loss: ["bce", "dice", "bce+dice"] as Loss[],
  outlined: [0, 0.25, 0.5, 0.75, 1],
  noise: [0, 0.02, 0.05, 0.1, 0.2],
  steps: [50, 100, 200, 400, 800, 1600],
  batch: [2, 4, 8],
} as const;

/** How many training images are drawn; they are shown again, turned and flipped, when all have been seen. */
export const TRAINING_IMAGES = 1000;

/** Held-out images that the score is computed on; the first six of them are shown. */
export const VALIDATION_IMAGES = 24;
export const SHOWN = 6;

export const LARGEST_SEED = 2 ** 31 - 1;

export const everyLevel = (depth: number): number[] => Array.from({ length: depth }, (_, i) => i + 1);

export const DEFAULT_LANE: Lane = { depth: 3, base: 4, norm: "batch", skips: [1, 2, 3], rate: 0.01, loss: "bce" };

/** The article's network, with as many channels as fit a live page. */
export const ONE_LEVEL: Lane = { depth: 1, base: 8, norm: "none", skips: [1], rate: 0.003, loss: "bce" };
export const FOUR_LEVELS: Lane = { depth: 4, base: 4, norm: "batch", skips: [1, 2, 3, 4], rate: 0.01, loss: "bce" };

export const DEFAULT: Setup = { lanes: [DEFAULT_LANE], outlined: 0.5, noise: 0.02, steps: 200, batch: 4, seed: 0 };

const SHARED = ["outlined", "noise", "steps", "batch"] as const;

/** The set-up as the parameters of an address; the second network's end in 2. */
export function toParameters(setup: Setup): URLSearchParams {
  const parameters = new URLSearchParams();
  setup.lanes.forEach((lane, i) => {
    const end = i ? "2" : "";
    for (const key of ["depth", "base", "norm", "rate", "loss"] as const) parameters.set(key + end, String(lane[key]));
    parameters.set(`skips${end}`, lane.skips.length ? lane.skips.join("") : "none");
  });
  for (const key of SHARED) parameters.set(key, String(setup[key]));
  parameters.set("seed", String(setup.seed));
  return parameters;
}

/** The set-up that an address asks for; what is missing or not allowed is as in `start`. */
export function fromParameters(parameters: URLSearchParams, start: Setup = DEFAULT): Setup {
  const lane = (end: string, fallback: Lane): Lane => {
    const choose = <K extends "depth" | "base" | "norm" | "rate" | "loss">(key: K): Lane[K] => {
      const asked = parameters.get(key + end);
      return ((CHOICES[key] as unknown as readonly Lane[K][]).find((one) => String(one) === asked) ?? fallback[key]) as Lane[K];
    };
    const depth = choose("depth");
    const levels = everyLevel(depth);
    const asked = parameters.get(`skips${end}`);
    const kept = asked === null ? (parameters.has(`depth${end}`) ? levels : fallback.skips) : [...asked].map(Number);
    const skips = levels.filter((level) => kept.includes(level));
    return { depth, base: choose("base"), norm: choose("norm"), skips, rate: choose("rate"), loss: choose("loss") };
  };
  const shared = (key: (typeof SHARED)[number]): number => {
    const asked = parameters.get(key);
    return CHOICES[key].find((one) => String(one) === asked) ?? start[key];
  };
  const seed = Number(parameters.get("seed") ?? start.seed);
  const lanes = [lane("", start.lanes[0])];
  if (parameters.has("depth2")) lanes.push(lane("2", start.lanes[1] ?? ONE_LEVEL));
  else if (!parameters.has("depth") && start.lanes[1]) lanes.push(start.lanes[1]);
  return {
    lanes, outlined: shared("outlined"), noise: shared("noise"), steps: shared("steps"), batch: shared("batch"),
    seed: Number.isInteger(seed) && seed >= 0 && seed <= LARGEST_SEED ? seed : start.seed,
  };
}
