/**
 * The operations of the network with their gradients.
 *
 * The gradients of convolution, pooling and resizing are composed of operations that every backend has: WebAssembly has no
 * gradients of its own for them, and those of the plain backend do not give the first of several equal maxima the gradient,
 * as Keras does. So all backends compute the same.
 */

import * as tf from "@tensorflow/tfjs-core";

type Grad4 = (dy: tf.Tensor4D, saved: tf.Tensor[]) => tf.Tensor[];

/** A custom gradient, with the types that this module needs. */
function withGradient<T extends tf.Tensor>(
  inputs: tf.Tensor[],
  forward: (save: (tensors: tf.Tensor[]) => void) => T,
  backward: (dy: T, saved: tf.Tensor[]) => tf.Tensor[],
): T {
  const op = tf.customGrad((...args: unknown[]) => {
    const save = args[args.length - 1] as (tensors: tf.Tensor[]) => void;
    return { value: forward(save), gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => backward(dy as T, saved) };
  });
  return op(...inputs) as T;
}

/** A convolution with stride 1 that keeps height and width. */
export function conv(x: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor4D {
  const forward = (): tf.Tensor4D => tf.conv2d(x, kernel, 1, "same");
  const backward: Grad4 = (dy, [image, filter]) => {
    const side = filter.shape[0];
    const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]) as tf.Tensor4D;
    const dx = tf.conv2d(dy, turned, 1, "same");
    // The gradient of the kernel is itself a convolution: channels take the place of images, and dy that of the kernel.
    const swapped = tf.transpose(image, [3, 1, 2, 0]) as tf.Tensor4D;
    const dw = tf.conv2d(swapped, tf.transpose(dy, [1, 2, 0, 3]) as tf.Tensor4D, 1, (side - 1) / 2);
    return [dx, tf.transpose(dw, [1, 2, 0, 3])];
  };
  return withGradient([x, kernel], (save) => (save([x, kernel]), forward()), backward);
}

/** Maximum of each 2 x 2 window. */
export function pool(x: tf.Tensor4D): tf.Tensor4D {
  const forward = (): tf.Tensor4D => tf.maxPool(x, 2, 2, "same");
  const backward: Grad4 = (dy, [image, largest]) => {
    // Where several values of a window are equally large, the first one gets the gradient, as in Keras.
    const rank = tf.tile(tf.tensor4d([4, 3, 2, 1], [1, 2, 2, 1]), [1, x.shape[1] / 2, x.shape[2] / 2, 1]);
    const ranks = tf.mul(tf.cast(tf.equal(image, double(largest as tf.Tensor4D)), "float32"), rank) as tf.Tensor4D;
    const first = tf.equal(ranks, double(tf.maxPool(ranks, 2, 2, "same")));
    return [tf.mul(double(dy), tf.cast(first, "float32"))];
  };
  return withGradient([x], (save) => { const y = forward(); save([x, y]); return y; }, backward);
}

/** Double height and width; each value is repeated. */
export function upsample(x: tf.Tensor4D): tf.Tensor4D {
  return withGradient([x], () => double(x), (dy) => [tf.mul(tf.avgPool(dy, 2, 2, "valid"), 4)]);
}

function double(x: tf.Tensor4D): tf.Tensor4D {
  return tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]);
}

/** Added to the variance before the root, as Keras does. */
export const EPSILON = 1e-3;

/** Batch normalisation with the batch's own mean and variance, which `seen` receives (each of one value per channel). */
export function batchNorm(
  x: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D, seen: (mean: tf.Tensor, variance: tf.Tensor) => void,
): tf.Tensor4D {
  const pixels = x.size / gamma.size;
  const forward = (save: (tensors: tf.Tensor[]) => void): tf.Tensor4D => {
    const mean = tf.mean(x, [0, 1, 2]);
    const centred = tf.sub(x, mean);
    const variance = tf.mean(tf.mul(centred, centred), [0, 1, 2]);
    seen(mean, variance);
    const inverse = tf.rsqrt(tf.add(variance, EPSILON));
    const normal = tf.mul(centred, inverse);
    save([normal, tf.mul(gamma, inverse)]);
    return tf.add(tf.mul(normal, gamma), beta) as tf.Tensor4D;
  };
  return withGradient([x, gamma, beta], forward, (dy, [normal, scale]) => {
    const dBeta = tf.sum(dy, [0, 1, 2]);
    const dGamma = tf.sum(tf.mul(dy, normal), [0, 1, 2]);
    const rest = tf.add(tf.mul(normal, tf.div(dGamma, pixels)), tf.div(dBeta, pixels));
    return [tf.mul(tf.sub(dy, rest), scale), dGamma, dBeta];
  });
}

/** Batch normalisation with stored statistics. */
export function storedNorm(
  x: tf.Tensor4D, gamma: tf.Tensor, beta: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor,
): tf.Tensor4D {
  const scale = tf.mul(gamma, tf.rsqrt(tf.add(variance, EPSILON)));
  return tf.add(tf.mul(x, scale), tf.sub(beta, tf.mul(mean, scale))) as tf.Tensor4D;
}

/** Group normalisation: as many groups as the channels and 8 have in common. */
export function groupNorm(x: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D): tf.Tensor4D {
  const [n, height, width, channels] = x.shape;
  const groups = commonDivisor(channels, 8);
  const shape = [n, height * width, groups, channels / groups];
  const split = tf.reshape(x, shape);
  const centred = tf.sub(split, tf.mean(split, [1, 3], true));
  const variance = tf.mean(tf.mul(centred, centred), [1, 3], true);
  const normal = tf.reshape(tf.mul(centred, tf.rsqrt(tf.add(variance, EPSILON))), x.shape);
  return tf.add(tf.mul(normal, gamma), beta) as tf.Tensor4D;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/** Mean binary cross-entropy of logits; exact also where the network is sure. */
export function crossEntropy(logits: tf.Tensor4D, truth: tf.Tensor4D): tf.Scalar {
  const forward = (save: (tensors: tf.Tensor[]) => void): tf.Scalar => {
    save([logits, truth]);
    const rest = tf.log(tf.add(tf.exp(tf.neg(tf.abs(logits))), 1));
    return tf.mean(tf.add(tf.sub(tf.relu(logits), tf.mul(logits, truth)), rest)) as tf.Scalar;
  };
  return withGradient([logits], forward, (dy, [z, t]) => [tf.mul(tf.sub(tf.sigmoid(z), t), tf.div(dy, z.size))]);
}

/** 1 - Dice of each image, with probabilities instead of a mask, and the mean of that over the images. */
export function diceLoss(logits: tf.Tensor4D, truth: tf.Tensor4D): tf.Scalar {
  const probability = tf.sigmoid(logits);
  const both = tf.sum(tf.mul(truth, probability), [1, 2, 3]);
  const either = tf.add(tf.sum(truth, [1, 2, 3]), tf.sum(probability, [1, 2, 3]));
  return tf.mean(tf.sub(1, tf.div(tf.add(tf.mul(both, 2), 1), tf.add(either, 1)))) as tf.Scalar;
}
