/** The network, its gradients and its training against Keras. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";

import { path } from "../src/core/field.js";
import { lossOf, learningRate, Trainer } from "../src/core/training.js";
import { countParameters, Unet, type Carried } from "../src/core/unet.js";
import { allSkips, array, images, largestDifference, networkOf, reference, shipped, start, valuesUnder, BACKENDS } from "./reference.js";

const SAMPLES = 256;

for (const backend of BACKENDS) {
  test(`${backend}: 20 predictions and every block's feature maps equal Keras's`, async (t) => {
    await start(backend);
    const { network, values } = await shipped();
    const net = new Unet(network, values);
    let worst = 0;
    for (let i = 0; i < 20; i++) {
      tf.tidy(() => {
        const maps = new Map<string, tf.Tensor>();
        net.logits(images("images", i, 1), { tap: (name, x) => maps.set(name, name === "head" ? tf.sigmoid(x) : x) });
        assert.equal(maps.size, 10);
        for (const [name, x] of maps) {
          const expected = array(`maps/${name}`);
          const count = expected.shape[1];
          const flat = x.dataSync();
          const found = Array.from({ length: count }, (_, k) => flat[(k * 7919) % flat.length]);
          worst = Math.max(worst, largestDifference(found, expected.data.subarray(i * count, (i + 1) * count)));
          assert.ok(count === SAMPLES || count === flat.length);
        }
        if (i < 4) {
          const expected = array("output").data.subarray(i * 4096, (i + 1) * 4096);
          worst = Math.max(worst, largestDifference(maps.get("head")!.dataSync(), expected));
        }
      });
    }
    t.diagnostic(`largest difference ${worst.toExponential(2)}`);
    assert.ok(worst < 1e-4, `${worst}`);
    net.dispose();
  });

  test(`${backend}: a zeroed skip, averaged skips and the gradient of a pixel equal Keras's`, async () => {
    await start(backend);
    const { network, values } = await shipped();
    const net = new Unet(network, values);
    const image = images("images", 0, 1);
    const predict = (carried: Map<number, Carried>): Float32Array =>
      tf.tidy(() => tf.sigmoid(net.logits(image, { carried })).dataSync() as Float32Array);
    assert.ok(largestDifference(predict(new Map([[1, "zeros"]])), array("zero/1").data) < 1e-4);
    const means = ([1, 2] as const).map((level) => [level, tf.tensor1d(array(`means/${level}`).data as Float32Array)] as const);
    assert.ok(largestDifference(predict(new Map(means)), array("mean/12").data) < 1e-4);
    const [row, column] = reference.pixels[0];
    const gradient = tf.tidy(() => {
      const value = (x: tf.Tensor): tf.Scalar => tf.sum(tf.slice(net.logits(x as tf.Tensor4D), [0, row, column, 0], [1, 1, 1, 1]));
      return tf.sum(tf.abs(tf.grad(value)(image)), 3).dataSync();
    });
    assert.ok(largestDifference(gradient, array("gradient").data) < 1e-4);
    net.dispose();
  });

  for (const [name, known] of Object.entries(reference.cases)) {
    test(`${backend}, ${name}: the loss and every gradient of a training step equal Keras's`, async (t) => {
      await start(backend);
      const net = new Unet(networkOf(known), valuesUnder(`${name}/weights/`));
      const trainer = new Trainer(net, known.loss, () => known.peak);
      const { loss, gradients } = trainer.gradients(images("batches/images", 0, 4), images("batches/masks", 0, 4, 1));
      assert.ok(Math.abs(loss.dataSync()[0] - known.first) < 1e-5, `loss ${loss.dataSync()[0]} instead of ${known.first}`);
      const expected = valuesUnder(`${name}/gradients/`);
      const names = net.slots.filter((slot) => slot.trained).map((slot) => slot.name);
      assert.deepEqual([...expected.keys()], names);
      let worst = 0;
      names.forEach((slot, i) => {
        const [found, wanted] = [gradients[i].dataSync(), expected.get(slot)!];
        const scale = Math.max(1e-3, ...wanted.map(Math.abs));
        worst = Math.max(worst, largestDifference(found, wanted) / scale);
        assert.ok(worst < 1e-3, `${slot}: ${worst}`);
      });
      t.diagnostic(`largest difference ${worst.toExponential(2)} of the largest gradient of its layer`);
    });

    test(`${backend}, ${name}: ten training steps have Keras's losses, and the network after them is Keras's`, async (t) => {
      await start(backend);
      const net = new Unet(networkOf(known), valuesUnder(`${name}/weights/`));
      const trainer = new Trainer(net, known.loss, (step) => learningRate(step, 30, known.peak));
      const losses = known.losses.map((_, step) => {
        const loss = trainer.step(images("batches/images", 4 * step, 4), images("batches/masks", 4 * step, 4, 1));
        return loss.dataSync()[0];
      });
      const worst = largestDifference(losses, known.losses);
      const after = tf.sigmoid(net.logits(images("batches/images", 0, 1))).dataSync();
      const output = largestDifference(after, array(`${name}/after`).data);
      t.diagnostic(`losses differ by ${worst.toExponential(2)}, the output afterwards by ${output.toExponential(2)}`);
      assert.ok(worst < 1e-3, `${losses} instead of ${known.losses}`);
      assert.ok(output < (name === "default" ? 0.1 : 1e-2), `${output}`); // README says why
    });
  }

  test(`${backend}: the gradients are those that small changes of the weights show`, async () => {
    await start(backend);
    const known = reference.cases.none;
    const net = new Unet({ ...networkOf(known), norm: "group" }, 5);
    const trainer = new Trainer(net, "bce", () => 0);
    const [x, truth] = [images("batches/images", 0, 2), images("batches/masks", 0, 2, 1)];
    const { gradients } = trainer.gradients(x, truth);
    const value = (): number => tf.tidy(() => lossOf("bce", net.logits(x, { training: true }), truth).dataSync()[0]);
    net.trained.forEach((weight, i) => {
      const before = weight.dataSync().slice();
      const gradient = Array.from(gradients[i].dataSync());
      const steepest = gradient.reduce((best, g, k) => (Math.abs(g) > Math.abs(gradient[best]) ? k : best), 0);
      const change = 1e-3;
      const at = (delta: number): number => {
        const moved = before.slice();
        moved[steepest] += delta;
        weight.assign(tf.tensor(moved, weight.shape));
        return value();
      };
      const numerical = (at(change) - at(-change)) / (2 * change);
      weight.assign(tf.tensor(before, weight.shape));
      const allowed = 2e-3 + 0.05 * Math.abs(gradient[steepest]); // float32 and the kinks of ReLU
      assert.ok(Math.abs(numerical - gradient[steepest]) < allowed, `${net.slots[i].name}: ${numerical} and ${gradient[steepest]}`);
    });
  });
}

test("the learning rate is that of Keras's schedule", () => {
  for (const { peak, rates } of Object.values(reference.cases)) {
    rates.forEach((rate, i) => assert.ok(Math.abs(learningRate(5 * i, 30, peak) - rate) < 1e-8));
  }
});

test("parameters are counted as Keras counts them", () => {
  assert.equal(reference.counts.length, 27);
  for (const { parameters, ...network } of reference.counts) {
    assert.equal(countParameters({ ...network, skips: network.skips ?? allSkips(network.depth) }), parameters);
  }
});

test("receptive fields equal those of utils/receptive_field.py", () => {
  for (const { depth, skips, pixel, box } of reference.fields) {
    const seen = path({ depth, base: 2, norm: "none", skips: skips ?? allSkips(depth) }, ...pixel).get("image")!;
    assert.deepEqual([seen.top, seen.bottom, seen.left, seen.right], box, `depth ${depth}, skips ${skips}, pixel ${pixel}`);
  }
});
