/** What the page and its worker say to each other. */

import type { Engine, Started } from "./core/backend.js";
import type { LaneScore } from "./core/run.js";
import type { Setup } from "./core/setup.js";
import type { Network } from "./core/unet.js";

/** What becomes of a skip connection. */
export type SkipState = "kept" | "zeros" | "means";
export type Skips = Record<number, SkipState>;

/** One block's feature maps: (height, width, channels) in one array. */
export interface Maps {
  name: string;
  side: number;
  channels: number;
  data: Float32Array;
}

export interface Requests {
  start: { ask: { engine?: Engine; base: string }; answer: Started };
  load: { ask: object; answer: { network: Network; parameters: number; testIou: number; milliseconds: number } };
  predict: { ask: { image: Float32Array; skips: Skips; maps: boolean }; answer: { probability: Float32Array; maps: Maps[]; milliseconds: number } };
  gradient: { ask: { image: Float32Array; skips: Skips; row: number; column: number }; answer: { gradient: Float32Array } };
  /** The answer holds the number of the run that begins; the events that belong to it carry that number too. */
  setUp: { ask: { setup: Setup }; answer: { run: number; images: Float32Array; masks: Uint8Array; scores: LaneScore[] } };
  run: { ask: { running: boolean; steps?: number }; answer: object };
  memory: { ask: object; answer: { tensors: number } };
  loseContext: { ask: object; answer: object };
}
export type Kind = keyof Requests;

/** What the worker tells on its own. */
export type Event =
  | { event: "progress"; run: number; step: number; losses: number[]; scores: LaneScore[] | null; perSecond: number }
  | { event: "stopped"; run: number; reason: "paused" | "done" | "diverged"; lane?: number }
  | { event: "failed"; run: number; words: string }
  | { event: "lost" };

export type Question = { [K in Kind]: { id: number; kind: K; ask: Requests[K]["ask"] } }[Kind];
export type Reply = { id: number; answer: unknown } | { id: number; error: string; weights: boolean };
