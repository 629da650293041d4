/** Everything that computes runs here, beside the page, so that the page never freezes. */

import * as tf from "@tensorflow/tfjs-core";

import { loseContext, startEngine, watchContext } from "./core/backend.js";
import { Run } from "./core/run.js";
import { SIZE } from "./core/shapes.js";
import { Unet, type Carried } from "./core/unet.js";
import { fetchWeights, WeightsError } from "./core/weights.js";
import type { Event, Kind, Maps, Question, Requests, Skips } from "./protocol.js";

let base = "./";
let shipped: Unet | null = null;
let means = new Map<number, tf.Tensor1D>();
let run: Run | null = null;
let runs = 0;
let running = false;

const tell = (event: Event): void => self.postMessage(event);

type Handlers = { [K in Kind]: (ask: Requests[K]["ask"]) => Promise<Requests[K]["answer"]> };

const handlers: Handlers = {
  async start(ask) {
    base = ask.base;
    const started = await startEngine(ask.engine);
    watchContext(() => {
      running = false;
      tell({ event: "lost" });
    });
    return started;
  },

  async load() {
    const { network, values, manifest } = await fetchWeights(base);
    shipped?.dispose();
    shipped = new Unet(network, values);
    tf.dispose([...means.values()]);
    means = new Map(Object.entries(manifest.skip_means).map(([level, values]) => [Number(level), tf.tensor1d(values)]));
    const blank = new Float32Array(SIZE * SIZE * 3).fill(0.5);
    await predict(blank, {}, false);
    const begin = performance.now();
    await predict(blank, {}, false);
    const milliseconds = performance.now() - begin;
    return { network, parameters: manifest.parameters, testIou: manifest.test.iou, milliseconds };
  },

  async predict({ image, skips, maps }) {
    const begin = performance.now();
    const found = await predict(image, skips, maps);
    return { ...found, milliseconds: performance.now() - begin };
  },

  async gradient({ image, skips, row, column }) {
    const result = tf.tidy(() => {
      const value = (x: tf.Tensor): tf.Scalar => {
        const logits = trained().logits(x as tf.Tensor4D, { carried: carried(skips) });
        return tf.sum(tf.mul(logits, onePixel(row, column)));
      };
      return tf.sum(tf.abs(tf.grad(value)(tf.tensor4d(image, [1, SIZE, SIZE, 3]))), 3);
    });
    const gradient = (await result.data()) as Float32Array;
    result.dispose();
    return { gradient };
  },

  async setUp({ setup }) {
    running = false;
    run?.dispose();
    const [number, begun] = [++runs, new Run(setup)];
    run = begun;
    return { run: number, ...begun.shown(), scores: await begun.score() };
  },

  async run(ask) {
    if (!ask.running) running = false;
    else if (run && !running) void train(run, runs, ask.steps ?? Infinity);
    return {};
  },

  async memory() {
    return { tensors: tf.memory().numTensors };
  },

  async loseContext() {
    loseContext();
    return {};
  },
};

function trained(): Unet {
  if (!shipped) throw new Error("The trained network is not loaded yet.");
  return shipped;
}

function onePixel(row: number, column: number): tf.Tensor4D {
  const data = new Float32Array(SIZE * SIZE);
  data[row * SIZE + column] = 1;
  return tf.tensor4d(data, [1, SIZE, SIZE, 1]);
}

function carried(skips: Skips): Map<number, Carried> {
  const found = new Map<number, Carried>();
  for (const [level, state] of Object.entries(skips)) {
    if (state === "zeros") found.set(Number(level), "zeros");
    if (state === "means") found.set(Number(level), means.get(Number(level))!);
  }
  return found;
}

async function predict(image: Float32Array, skips: Skips, maps: boolean): Promise<{ probability: Float32Array; maps: Maps[] }> {
  const kept: { name: string; tensor: tf.Tensor4D }[] = [];
  const output = tf.tidy(() => {
    const tap = (name: string, tensor: tf.Tensor4D): void => {
      if (maps && name !== "head") kept.push({ name, tensor: tf.keep(tensor) });
    };
    return tf.sigmoid(trained().logits(tf.tensor4d(image, [1, SIZE, SIZE, 3]), { carried: carried(skips), tap }));
  });
  const probability = (await output.data()) as Float32Array;
  output.dispose();
  const found: Maps[] = [];
  for (const { name, tensor } of kept) {
    found.push({ name, side: tensor.shape[1], channels: tensor.shape[3], data: (await tensor.data()) as Float32Array });
    tensor.dispose();
  }
  return { probability, maps: found };
}

/** Train until paused, done or diverged, and tell how it ended, also if a step failed. */
async function train(current: Run, number: number, limit: number): Promise<void> {
  running = true;
  try {
    await steps(current, number, limit);
  } catch (error) {
    if (current !== run) return; // it was disposed of while a step was computed
    running = false;
    tell({ event: "failed", run: number, words: words(error) });
  }
}

/** Report each step, and the scores about twice a second. */
async function steps(current: Run, number: number, limit: number): Promise<void> {
  let [scored, taken, trained] = [performance.now(), 0, 0];
  let reason: "paused" | "done" | "diverged" = "paused";
  let lane: number | undefined;
  while (running && current === run && taken < limit) {
    if (current.done) {
      reason = "done";
      break;
    }
    const begin = performance.now();
    const losses = await current.train();
    trained += performance.now() - begin;
    taken++;
    if (current !== run) return;
    lane = losses.findIndex((loss) => !Number.isFinite(loss));
    const last = current.done || taken === limit || !running || lane >= 0;
    const due = last || performance.now() - scored > 600;
    const scores = due ? await current.score() : null;
    if (current !== run) return;
    tell({ event: "progress", run: number, step: current.step, losses, scores, perSecond: (1000 * taken * current.setup.batch) / trained });
    if (due) scored = performance.now();
    if (lane >= 0) {
      reason = "diverged";
      break;
    }
    await new Promise((resolve) => setTimeout(resolve)); // let questions in
  }
  if (current !== run) return;
  running = false;
  tell({ event: "stopped", run: number, reason: current.done && reason === "paused" ? "done" : reason, lane });
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

self.onmessage = async ({ data }: MessageEvent<Question>) => {
  try {
    const handler = handlers[data.kind] as (ask: unknown) => Promise<unknown>;
    self.postMessage({ id: data.id, answer: await handler(data.ask) });
  } catch (error) {
    self.postMessage({ id: data.id, error: words(error), weights: error instanceof WeightsError });
  }
};
