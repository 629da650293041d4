/** The U-Net of utils/unet.py, layer for layer, with nearest upsampling and one class. */

import * as tf from "@tensorflow/tfjs-core";

import "./gradients.js";
import * as ops from "./ops.js";
import { normals, stream, type Random } from "./random.js";

export type Norm = "none" | "batch" | "group";
export interface Network {
  /** Number of poolings. */
  depth: number;
  /** Channels at the top, doubled by each pooling. */
  base: number;
  norm: Norm;
  /** Levels with a skip connection, 1 at the top. */
  skips: number[];
}

/** A value of the network as it is stored: its name in Keras, its shape, and whether training changes it by gradients. */
export interface Slot {
  name: string;
  shape: number[];
  trained: boolean;
}

/** One block of the U's drawing; `below` and `skip` are the channels that enter a decoder block. */
export interface Block {
  name: string;
  role: "encoder" | "bottleneck" | "decoder" | "head";
  level: number;
  channels: number;
  skip: number;
  below: number;
}

/** The blocks in the order in which an image passes them. */
export function blocks({ depth, base, skips }: Network): Block[] {
  const width = (level: number): number => base * 2 ** (level - 1);
  const levels = Array.from({ length: depth }, (_, i) => i + 1);
  const entering = { skip: 0, below: 0 };
  return [
    ...levels.map((level): Block => ({ name: `enc${level}`, role: "encoder", level, channels: width(level), ...entering })),
    { name: "bottleneck", role: "bottleneck", level: depth + 1, channels: width(depth + 1), ...entering },
    ...levels.toReversed().map((level): Block => ({
      name: `dec${level}`, role: "decoder", level, channels: width(level),
      skip: skips.includes(level) ? width(level) : 0, below: width(level + 1),
    })),
    { name: "head", role: "head", level: 1, channels: 1, ...entering },
  ];
}

/** Everything that the network stores, in the order of Keras's `model.weights`. */
export function slots(network: Network): Slot[] {
  const found: Slot[] = [];
  const add = (name: string, shape: number[], trained = true): void => void found.push({ name, shape, trained });
  let channels = 3;
  for (const block of blocks(network)) {
    if (block.role === "head") {
      add("head/kernel", [1, 1, channels, 1]);
      add("head/bias", [1]);
      continue;
    }
    let entering = block.role === "decoder" ? block.skip + block.below : channels;
    for (const i of [1, 2]) {
      add(`${block.name}_conv${i}/kernel`, [3, 3, entering, block.channels]);
      if (network.norm === "none") add(`${block.name}_conv${i}/bias`, [block.channels]);
      else {
        add(`${block.name}_norm${i}/gamma`, [block.channels]);
        add(`${block.name}_norm${i}/beta`, [block.channels]);
      }
      if (network.norm === "batch") {
        add(`${block.name}_norm${i}/moving_mean`, [block.channels], false);
        add(`${block.name}_norm${i}/moving_variance`, [block.channels], false);
      }
      entering = block.channels;
    }
    channels = block.channels;
  }
  return found;
}

export function size(shape: number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** What Keras's `count_params()` says. */
export function countParameters(network: Network): number {
  return slots(network).reduce((sum, slot) => sum + size(slot.shape), 0);
}

/** What a decoder receives over a skip: the features, zeros, or one mean per channel. */
export type Carried = "features" | "zeros" | tf.Tensor1D;

export interface Pass {
  training?: boolean;
  carried?: ReadonlyMap<number, Carried>;
  /** Called with the output of each block, "head" (logits) included. */
  tap?: (block: string, output: tf.Tensor4D) => void;
}

/** Share of the old value that a moving average keeps, as in the series. */
const MOMENTUM = 0.9;

export class Unet {
  readonly slots: Slot[];
  private readonly values = new Map<string, tf.Variable>();
  private seen: { name: string; mean: tf.Tensor; variance: tf.Tensor }[] = [];

  /** A network with the given values, or with new ones from a seed. */
  constructor(readonly network: Network, start: ReadonlyMap<string, Float32Array> | number) {
    this.slots = slots(network);
    const random = typeof start === "number" ? stream(start, 77) : null;
    for (const slot of this.slots) {
      const data = random ? initial(slot, random) : (start as ReadonlyMap<string, Float32Array>).get(slot.name);
      if (data?.length !== size(slot.shape)) throw new Error(`The weights hold no '${slot.name}' of shape ${slot.shape.join(" x ")}.`);
      const value = tf.tensor(data, slot.shape, "float32");
      this.values.set(slot.name, tf.variable(value, slot.trained));
      value.dispose();
    }
  }

  get trained(): tf.Variable[] {
    return this.slots.filter((slot) => slot.trained).map((slot) => this.value(slot.name));
  }

  value(name: string): tf.Variable {
    const found = this.values.get(name);
    if (!found) throw new Error(`There is no '${name}' in this network.`);
    return found;
  }

  /** Images (N, H, W, 3) in 0..1 to logits (N, H, W, 1). */
  logits(images: tf.Tensor4D, pass: Pass = {}): tf.Tensor4D {
    const kept = new Map<number, tf.Tensor4D>();
    let x = images;
    for (const block of blocks(this.network)) {
      if (block.role === "head") {
        x = tf.add(ops.conv(x, this.value("head/kernel") as unknown as tf.Tensor4D), this.value("head/bias")) as tf.Tensor4D;
      } else {
        if (block.role === "decoder") {
          x = ops.upsample(x);
          if (block.skip) x = tf.concat([this.carry(kept.get(block.level)!, pass.carried?.get(block.level)), x], 3);
        }
        x = this.doubleConv(x, block.name, pass.training ?? false);
      }
      pass.tap?.(block.name, x);
      if (block.role === "encoder") {
        kept.set(block.level, x);
        x = ops.pool(x);
      }
    }
    return x;
  }

  /** Move the stored statistics towards those that the last training pass saw. */
  updateStatistics(): void {
    for (const { name, mean, variance } of this.seen) {
      tf.tidy(() => {
        for (const [key, now] of [["moving_mean", mean], ["moving_variance", variance]] as const) {
          const stored = this.value(`${name}/${key}`);
          stored.assign(tf.add(tf.mul(stored, MOMENTUM), tf.mul(now, 1 - MOMENTUM)));
        }
      });
      tf.dispose([mean, variance]);
    }
    this.seen = [];
  }

  dispose(): void {
    tf.dispose(this.seen.flatMap(({ mean, variance }) => [mean, variance]));
    this.seen = [];
    this.values.forEach((value) => value.dispose());
    this.values.clear();
  }

  private carry(features: tf.Tensor4D, carried: Carried = "features"): tf.Tensor4D {
    if (carried === "features") return features;
    const nothing = tf.zeros(features.shape) as tf.Tensor4D;
    return carried === "zeros" ? nothing : (tf.add(nothing, carried) as tf.Tensor4D);
  }

  private doubleConv(x: tf.Tensor4D, name: string, training: boolean): tf.Tensor4D {
    for (const i of [1, 2]) {
      x = ops.conv(x, this.value(`${name}_conv${i}/kernel`) as unknown as tf.Tensor4D);
      x = this.network.norm === "none" ? tf.add(x, this.value(`${name}_conv${i}/bias`)) : this.norm(x, `${name}_norm${i}`, training);
      x = tf.relu(x);
    }
    return x;
  }

  private norm(x: tf.Tensor4D, name: string, training: boolean): tf.Tensor4D {
    const [gamma, beta] = [this.value(`${name}/gamma`), this.value(`${name}/beta`)] as unknown as [tf.Tensor1D, tf.Tensor1D];
    if (this.network.norm === "group") return ops.groupNorm(x, gamma, beta);
    if (!training) return ops.storedNorm(x, gamma, beta, this.value(`${name}/moving_mean`), this.value(`${name}/moving_variance`));
    return ops.batchNorm(x, gamma, beta, (mean, variance) => {
      this.seen.push({ name, mean: tf.keep(mean), variance: tf.keep(variance) });
    });
  }
}

/** He's normal distribution for the convolutions, Glorot's uniform one for the head, as Keras starts them. */
function initial(slot: Slot, random: Random): Float32Array {
  const count = size(slot.shape);
  const [layer, kind] = slot.name.split("/");
  if (kind !== "kernel") return new Float32Array(count).fill(kind === "gamma" || kind === "moving_variance" ? 1 : 0);
  const inputs = slot.shape[0] * slot.shape[1] * slot.shape[2];
  if (layer === "head") {
    const limit = Math.sqrt(6 / (inputs + slot.shape[3]));
    return Float32Array.from({ length: count }, () => limit * (2 * random() - 1));
  }
  const deviation = Math.sqrt(2 / inputs) / 0.8796256610342398; // makes up for the tails that are cut off
  return Float32Array.from({ length: count }, () => {
    for (;;) {
      const [value] = normals(random, 1);
      if (Math.abs(value) < 2) return deviation * value;
    }
  });
}
