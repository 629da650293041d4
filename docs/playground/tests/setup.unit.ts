/** The set-up in the address, and the code for Keras. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";

import { kerasCode } from "../src/core/keras.js";
import { turned } from "../src/core/run.js";
import { DEFAULT, FOUR_LEVELS, fromParameters, ONE_LEVEL, toParameters, type Setup } from "../src/core/setup.js";
import { draw } from "../src/core/shapes.js";
import { countParameters } from "../src/core/unet.js";

const PAIR: Setup = { ...DEFAULT, lanes: [ONE_LEVEL, { ...FOUR_LEVELS, skips: [2, 4], loss: "bce+dice" }], outlined: 1, steps: 50, seed: 7 };

test("a set-up survives the address", () => {
  for (const setup of [DEFAULT, PAIR, { ...DEFAULT, lanes: [{ ...ONE_LEVEL, skips: [] }] }]) {
    assert.deepEqual(fromParameters(new URLSearchParams(toParameters(setup).toString())), setup);
  }
});

test("an address with nonsense gives the defaults", () => {
  const asked = new URLSearchParams("depth=9&base=x&rate=7&skips=19&steps=-1&seed=1e99&noise=NaN");
  assert.deepEqual(fromParameters(asked), { ...DEFAULT, lanes: [{ ...DEFAULT.lanes[0], skips: [1] }] });
  assert.deepEqual(fromParameters(new URLSearchParams("")), DEFAULT);
});

test("turning keeps image and mask together, and the eight ways differ", () => {
  const sample = draw(0, "train", 1);
  const seen = new Set<string>();
  for (let way = 0; way < 8; way++) {
    const { image, mask } = turned(sample, way);
    const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum(image) - sum(sample.image)) < 0.1);
    const inside = (pixels: Float32Array, m: Uint8Array): number => sum(pixels.filter((_, i) => m[Math.floor(i / 3)]));
    assert.ok(Math.abs(inside(image, mask) - inside(sample.image, sample.mask)) < 0.1);
    seen.add(image.join());
  }
  assert.equal(seen.size, 8);
});

const python = process.env.PYTHON ?? resolve("../../.venv/bin/python");
const there = existsSync(python) || spawnSync(python, ["-c", "import keras"], { cwd: "../.." }).status === 0;

for (const [name, setup] of Object.entries({ one: { ...DEFAULT, steps: 50 }, other: PAIR })) {
  setup.lanes.forEach((lane, i) => {
    test(`the Keras code of '${name}', network ${i + 1}, runs and has as many parameters`, { skip: !there && "no Python here" }, () => {
      // Two training steps on few images are enough to see that it runs.
      const code = kerasCode(lane, setup).replace(/steps_per_epoch=\d+, epochs=\d+/, "steps_per_epoch=2, epochs=1").replace("draw(1000,", "draw(16,");
      const script = `from utils import project\nproject.start()\n${code}\nprint("parameters", network.count_params())`;
      const ran = spawnSync(python, ["-c", script], { cwd: "../..", encoding: "utf8" });
      assert.equal(ran.status, 0, ran.stderr);
      assert.match(ran.stdout, new RegExp(`parameters ${countParameters(lane)}\\n`));
    });
  });
}
