/** Leaks, damaged weights, scores. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";

import { scores } from "../src/core/metrics.js";
import { Trainer } from "../src/core/training.js";
import { Unet } from "../src/core/unet.js";
import { unpack, WeightsError, type Manifest } from "../src/core/weights.js";
import { images, start } from "./reference.js";

test("2,000 training steps leave no tensor behind", async () => {
  await start("wasm");
  const before = tf.memory().numTensors;
  const net = new Unet({ depth: 1, base: 2, norm: "batch", skips: [1] }, 1);
  const trainer = new Trainer(net, "bce+dice", () => 1e-3);
  const [x, truth] = [images("batches/images", 0, 1), images("batches/masks", 0, 1, 1)];
  let settled = 0;
  for (let step = 0; step < 2000; step++) {
    trainer.step(x, truth).dispose();
    if (step === 2) settled = tf.memory().numTensors;
  }
  assert.equal(tf.memory().numTensors, settled);
  trainer.dispose();
  net.dispose();
  tf.dispose([x, truth]);
  assert.equal(tf.memory().numTensors, before);
});

test("a damaged, a cut and another weights file get a word", async () => {
  const manifest = JSON.parse(readFileSync("public/unet_shapes.json", "utf8")) as Manifest;
  const good = new Uint8Array(readFileSync("public/unet_shapes.bin"));
  await unpack(manifest, good.slice().buffer);
  const damaged = good.slice();
  damaged[1000] ^= 1;
  await assert.rejects(unpack(manifest, damaged.buffer), (error) => error instanceof WeightsError && /checksum/.test(error.message));
  await assert.rejects(unpack(manifest, good.slice(0, 1000).buffer), /1000 bytes instead of 1973380/);
  const other = { ...manifest, weights: manifest.weights.slice(1) };
  await assert.rejects(unpack(other, good.slice().buffer), /holds no 'enc1_conv1\/kernel'/);
});

test("scores are those of their definitions", () => {
  const found = scores([1, 1, 0, 0], [0.9, 0.2, 0.6, 0.1], 0.5);
  assert.deepEqual(found, { iou: 1 / 3, dice: 0.5, accuracy: 0.5, falsePositives: 1, falseNegatives: 1 });
  assert.equal(scores([0, 0], [0.5, 0.5], 0.5).iou, 1); // a probability equal to the threshold is background
});
