/** Reads what scripts/playground_reference.py wrote. */

import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";

import type { Loss } from "../src/core/training.js";
import type { Network, Norm } from "../src/core/unet.js";
import { unpack, type Manifest, type Shipped } from "../src/core/weights.js";

interface Case {
  network: { depth: number; base: number; norm: Norm; skips?: number[] };
  loss: Loss;
  peak: number;
  first: number;
  losses: number[];
  rates: number[];
}
interface Reference {
  pixels: [number, number][];
  fields: { depth: number; skips: number[] | null; pixel: [number, number]; box: number[] }[];
  counts: { depth: number; base: number; norm: Norm; skips: number[] | null; parameters: number }[];
  statistics: Record<string, { mean: number; deviation: number }>;
  cases: Record<string, Case>;
  arrays: Record<string, { type: "f4" | "f8" | "u1"; shape: number[]; offset: number }>;
}

export const reference = JSON.parse(readFileSync("tests/fixtures/reference.json", "utf8")) as Reference;
const bytes = new Uint8Array(readFileSync("tests/fixtures/reference.bin")).buffer;

export function array(name: string): { data: Float32Array | Float64Array | Uint8Array; shape: number[] } {
  const { type, shape, offset } = reference.arrays[name];
  const count = shape.reduce((product, n) => product * n, 1);
  const kinds = { f4: Float32Array, f8: Float64Array, u1: Uint8Array };
  return { data: new kinds[type](bytes, offset, count), shape };
}

/** Images stored as bytes, some of them, as float32 in 0..1. */
export function images(name: string, first: number, count: number, scale = 255): tf.Tensor4D {
  const { data, shape } = array(name);
  const each = data.length / shape[0];
  const part = Float32Array.from(data.subarray(first * each, (first + count) * each), (byte) => Math.fround(byte / scale));
  return tf.tensor4d(part, [count, shape[1], shape[2], shape[3]]);
}

export const allSkips = (depth: number): number[] => Array.from({ length: depth }, (_, i) => i + 1);

export function networkOf({ network }: Case): Network {
  return { ...network, skips: network.skips ?? allSkips(network.depth) };
}

/** The values under a prefix: name without it -> numbers. */
export function valuesUnder(prefix: string): Map<string, Float32Array> {
  const names = Object.keys(reference.arrays).filter((name) => name.startsWith(prefix));
  return new Map(names.map((name) => [name.slice(prefix.length), array(name).data as Float32Array]));
}

export async function shipped(): Promise<Shipped> {
  const manifest = JSON.parse(readFileSync("public/unet_shapes.json", "utf8")) as Manifest;
  return unpack(manifest, new Uint8Array(readFileSync("public/unet_shapes.bin")).buffer);
}

/** The backends that run without a browser. */
export const BACKENDS = ["cpu", "wasm"];

export async function start(backend: string): Promise<void> {
  setWasmPaths("node_modules/@tensorflow/tfjs-backend-wasm/dist/");
  await tf.setBackend(backend);
  await tf.ready();
  if (tf.getBackend() !== backend) throw new Error(`There is no backend '${backend}'.`);
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
