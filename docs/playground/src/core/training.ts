/** How a network is trained: the recipe of utils/training.py with Adam as Keras computes it. */

import * as tf from "@tensorflow/tfjs-core";

import * as ops from "./ops.js";
import { size, type Unet } from "./unet.js";

export type Loss = "bce" | "dice" | "bce+dice";

export function lossOf(kind: Loss, logits: tf.Tensor4D, truth: tf.Tensor4D): tf.Scalar {
  if (kind === "dice") return ops.diceLoss(logits, truth);
  const entropy = ops.crossEntropy(logits, truth);
  return kind === "bce" ? entropy : tf.add(entropy, ops.diceLoss(logits, truth));
}

/** The learning rate of step 0, 1, ...: up from a tenth of the peak, then along half a cosine to a hundredth of it. */
export function learningRate(step: number, steps: number, peak: number): number {
  const warmup = Math.max(1, Math.min(100, Math.floor(steps / 10)));
  if (step < warmup) return peak / 10 + (peak - peak / 10) * (step / warmup);
  const decay = Math.max(1, steps - warmup);
  const done = Math.min(step - warmup, decay) / decay;
  return peak * (0.99 * 0.5 * (1 + Math.cos(Math.PI * done)) + 0.01);
}

const [BETA1, BETA2, TINY] = [0.9, 0.999, 1e-7];

/** Adam (Kingma and Ba, 2015). All gradients lie in one long vector: few operations a step, whatever the depth. */
export class Trainer {
  steps = 0;
  private mean: tf.Variable;
  private square: tf.Variable;

  constructor(readonly net: Unet, readonly loss: Loss, readonly rate: (step: number) => number) {
    const count = net.trained.reduce((sum, value) => sum + value.size, 0);
    const zeros = tf.zeros([count]);
    this.mean = tf.variable(zeros, false);
    this.square = tf.variable(zeros, false);
    zeros.dispose();
  }

  /** The loss of a batch and the gradient of every trained value, in the order of `net.trained`; dispose of them. */
  gradients(images: tf.Tensor4D, truth: tf.Tensor4D): { loss: tf.Scalar; gradients: tf.Tensor[] } {
    const trained = this.net.trained;
    const { value, grads } = tf.variableGrads(
      () => lossOf(this.loss, this.net.logits(images, { training: true }), truth), trained,
    );
    return { loss: value, gradients: trained.map((variable) => grads[variable.name]) };
  }

  /** One training step; returns the loss of the batch before it. */
  step(images: tf.Tensor4D, truth: tf.Tensor4D): tf.Scalar {
    const { loss, gradients } = this.gradients(images, truth);
    this.net.updateStatistics();
    tf.tidy(() => {
      const flat = tf.concat(gradients.map((one) => tf.reshape(one, [one.size])));
      const rate = this.rate(this.steps++);
      const scale = (rate * Math.sqrt(1 - BETA2 ** this.steps)) / (1 - BETA1 ** this.steps);
      this.mean.assign(tf.add(tf.mul(this.mean, BETA1), tf.mul(flat, 1 - BETA1)));
      this.square.assign(tf.add(tf.mul(this.square, BETA2), tf.mul(tf.mul(flat, flat), 1 - BETA2)));
      const move = tf.div(tf.mul(this.mean, scale), tf.add(tf.sqrt(this.square), TINY));
      const trained = this.net.trained;
      tf.split(move, trained.map((variable) => size(variable.shape))).forEach((part, i) => {
        trained[i].assign(tf.sub(trained[i], tf.reshape(part, trained[i].shape)));
      });
    });
    tf.dispose(gradients);
    return loss;
  }

  dispose(): void {
    this.mean.dispose();
    this.square.dispose();
  }
}
