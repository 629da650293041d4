/** The generator against utils/shapes.py. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { normals, shuffled, stream } from "../src/core/random.js";
import { draw, NUMBERS, paint, planFrom, SIZE, SPLITS } from "../src/core/shapes.js";
import { array, reference } from "./reference.js";

test("the same numbers give the same images and the same silhouettes as in Python", () => {
  const numbers = array("numbers");
  const painted = array("painted/images").data;
  const styles = array("painted/styles").data;
  const [pixels, values] = [SIZE * SIZE, SIZE * SIZE * 3];
  let [levels, others] = [0, 0];
  for (let i = 0; i < numbers.shape[0]; i++) {
    const plan = planFrom(numbers.data.subarray(i * NUMBERS, (i + 1) * NUMBERS), { outlined: 0.5, noise: 0 });
    const { image, style } = paint(plan, () => 0.5);
    for (let k = 0; k < values; k++) levels = Math.max(levels, Math.abs(Math.round(image[k] * 255) - painted[i * values + k]));
    for (let k = 0; k < pixels; k++) others += Number(style[k] !== styles[i * pixels + k]);
  }
  assert.ok(levels <= 1, `up to ${levels} of 255 apart`);
  assert.ok(others <= 1, `${others} of ${12 * pixels} pixels belong to something else`);
});

test("1,000 images have the statistics of Python's 1,000", (t) => {
  const values: Record<string, number[]> = { silhouette: [], filled: [], outlined: [], brightness: [], spread: [], shapes: [] };
  const pixels = SIZE * SIZE;
  for (let index = 0; index < 1000; index++) {
    const { image, mask, style } = draw(0, "train", index);
    const mean = image.reduce((sum, value) => sum + value, 0) / image.length;
    values.silhouette.push(mask.reduce((sum, value) => sum + value, 0) / pixels);
    values.filled.push(style.filter((value) => value === 1).length / pixels);
    values.outlined.push(style.filter((value) => value === 2).length / pixels);
    values.brightness.push(mean);
    values.spread.push(Math.sqrt(image.reduce((sum, value) => sum + (value - mean) ** 2, 0) / image.length));
    const random = stream(0, SPLITS.train, index, 0);
    values.shapes.push(planFrom(Array.from({ length: NUMBERS }, random)).shapes.length);
  }
  for (const [name, { mean, deviation }] of Object.entries(reference.statistics)) {
    const found = values[name].reduce((sum, value) => sum + value, 0) / 1000;
    const spread = Math.sqrt(values[name].reduce((sum, value) => sum + (value - found) ** 2, 0) / 1000);
    t.diagnostic(`${name}: ${found.toFixed(4)} here, ${mean.toFixed(4)} in Python; deviation ${spread.toFixed(4)} and ${deviation.toFixed(4)}`);
    const error = Math.sqrt((deviation ** 2 + spread ** 2) / 1000);
    assert.ok(Math.abs(found - mean) < 4 * error, `${name}: ${found} instead of ${mean}, standard error ${error}`);
    assert.ok(Math.abs(spread / deviation - 1) < 0.15, `${name}: deviation ${spread} instead of ${deviation}`);
  }
});

test("the outlined share and the noise are what was asked for", () => {
  for (const share of [0, 1]) {
    const { style } = draw(1, "train", 3, { outlined: share, noise: 0.02 });
    assert.equal(style.some((value) => value === (share ? 1 : 2)), false);
  }
  const [quiet, loud] = [0, 0.1].map((noise) => draw(1, "train", 3, { outlined: 0.5, noise }).image);
  const difference = Math.sqrt(quiet.reduce((sum, value, i) => sum + (value - loud[i]) ** 2, 0) / quiet.length);
  assert.ok(difference > 0.07 && difference < 0.11, `${difference}`);
});

test("an image depends on its keys alone, and splits share none", () => {
  assert.deepEqual(draw(4, "train", 7).image, draw(4, "train", 7).image);
  assert.notDeepEqual(draw(4, "train", 7).image, draw(4, "validation", 7).image);
  assert.notDeepEqual(draw(4, "train", 7).image, draw(5, "train", 7).image);
});

test("random numbers are uniform, normal and well shuffled", () => {
  const random = stream(1, 2, 3);
  const uniform = Array.from({ length: 20000 }, random);
  const bins = Array.from({ length: 10 }, (_, i) => uniform.filter((value) => Math.floor(10 * value) === i).length);
  assert.ok(bins.every((count) => Math.abs(count - 2000) < 200), `${bins}`);
  const normal = normals(random, 20000);
  assert.ok(Math.abs(normal.reduce((a, b) => a + b, 0) / 20000) < 0.03);
  assert.ok(Math.abs(normal.reduce((a, b) => a + b * b, 0) / 20000 - 1) < 0.05);
  assert.deepEqual(shuffled(random, 50).sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
});
