/** One or two networks that are trained on the same batches, and how they score on held-out images. */

import * as tf from "@tensorflow/tfjs-core";

import { scores } from "./metrics.js";
import { shuffled, stream } from "./random.js";
import { SHOWN, TRAINING_IMAGES, VALIDATION_IMAGES, type Setup } from "./setup.js";
import { draw, SIZE, type Sample } from "./shapes.js";
import { learningRate, Trainer } from "./training.js";
import { Unet } from "./unet.js";

export interface LaneScore {
  /** IoU of the foreground over all held-out images together, and the share of pixels that are right. */
  iou: number;
  accuracy: number;
  /** Probabilities of the shown images, one after another. */
  shown: Float32Array;
}

const PIXELS = SIZE * SIZE;

export class Run {
  readonly trainers: Trainer[];
  step = 0;
  private readonly cache = new Map<number, Sample>();
  private readonly held: Sample[];
  private order: number[] = [];
  private passes = 0;

  constructor(readonly setup: Setup) {
    this.trainers = setup.lanes.map((lane) => {
      return new Trainer(new Unet(lane, setup.seed), lane.loss, (step) => learningRate(step, setup.steps, lane.rate));
    });
    this.held = Array.from({ length: VALIDATION_IMAGES }, (_, i) => draw(setup.seed, "validation", i, setup));
  }

  get done(): boolean {
    return this.step >= this.setup.steps;
  }

  /** The shown held-out images and their masks. */
  shown(): { images: Float32Array; masks: Uint8Array } {
    const images = new Float32Array(SHOWN * PIXELS * 3);
    const masks = new Uint8Array(SHOWN * PIXELS);
    this.held.slice(0, SHOWN).forEach(({ image, mask }, i) => {
      images.set(image, i * PIXELS * 3);
      masks.set(mask, i * PIXELS);
    });
    return { images, masks };
  }

  /** One training step of every network; returns their losses. A loss that is no number means: it has diverged. */
  async train(): Promise<number[]> {
    const { images, masks } = this.batch();
    const losses = this.trainers.map((trainer) => trainer.step(images, masks));
    this.step++;
    const values = await Promise.all(losses.map(async (loss) => (await loss.data())[0]));
    tf.dispose([images, masks, ...losses]);
    return values;
  }

  /** The score of every network on the held-out images. */
  async score(): Promise<LaneScore[]> {
    const truth = new Uint8Array(VALIDATION_IMAGES * PIXELS);
    this.held.forEach(({ mask }, i) => truth.set(mask, i * PIXELS));
    const found: LaneScore[] = [];
    for (const { net } of this.trainers) {
      const probability = new Float32Array(truth.length);
      for (let first = 0; first < VALIDATION_IMAGES; first += SHOWN) {
        const output = tf.tidy(() => tf.sigmoid(net.logits(stack(this.held.slice(first, first + SHOWN)))));
        probability.set(await output.data(), first * PIXELS);
        output.dispose();
      }
      const { iou, accuracy } = scores(truth, probability, 0.5);
      found.push({ iou, accuracy, shown: probability.slice(0, SHOWN * PIXELS) });
    }
    return found;
  }

  dispose(): void {
    for (const trainer of this.trainers) {
      trainer.net.dispose();
      trainer.dispose();
    }
  }

  /** The next images in random order, each turned or flipped. */
  private batch(): { images: tf.Tensor4D; masks: tf.Tensor4D } {
    const { seed, batch } = this.setup;
    if (this.order.length < batch) this.order = shuffled(stream(seed, 9, this.passes++), TRAINING_IMAGES);
    const random = stream(seed, 10, this.step);
    const samples = this.order.splice(0, batch).map((index) => {
      let sample = this.cache.get(index);
      if (!sample) this.cache.set(index, (sample = draw(seed, "train", index, this.setup)));
      return turned(sample, Math.floor(8 * random()));
    });
    return { images: stack(samples), masks: tf.tensor4d(Float32Array.from(samples.flatMap(({ mask }) => [...mask])), [batch, SIZE, SIZE, 1]) };
  }
}

function stack(samples: Pick<Sample, "image">[]): tf.Tensor4D {
  const data = new Float32Array(samples.length * PIXELS * 3);
  samples.forEach(({ image }, i) => data.set(image, i * image.length));
  return tf.tensor4d(data, [samples.length, SIZE, SIZE, 3]);
}

/** One of the eight ways to turn and flip a square image, 0 to 7, and its mask with it. */
export function turned({ image, mask }: Pick<Sample, "image" | "mask">, way: number): { image: Float32Array; mask: Uint8Array } {
  const [pixels, silhouette] = [new Float32Array(image.length), new Uint8Array(mask.length)];
  for (let row = 0; row < SIZE; row++) {
    for (let column = 0; column < SIZE; column++) {
      const [a, b] = way & 4 ? [column, row] : [row, column];
      const from = (way & 1 ? SIZE - 1 - a : a) * SIZE + (way & 2 ? SIZE - 1 - b : b);
      const to = row * SIZE + column;
      silhouette[to] = mask[from];
      for (let k = 0; k < 3; k++) pixels[3 * to + k] = image[3 * from + k];
    }
  }
  return { image: pixels, mask: silhouette };
}
