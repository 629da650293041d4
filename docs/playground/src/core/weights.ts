/** The shipped weights: a manifest and one binary file, compared with the manifest's checksum before use. */

import { slots, type Network } from "./unet.js";

export interface Manifest {
  file: string;
  sha256: string;
  bytes: number;
  network: { depth: number; base: number; norm: "none" | "batch" | "group" };
  parameters: number;
  test: { iou: number };
  /** For each level the mean of every channel that its skip carries, over validation images. */
  skip_means: Record<string, number[]>;
  weights: { name: string; shape: number[]; offset: number }[];
}

export interface Shipped {
  network: Network;
  values: Map<string, Float32Array>;
  manifest: Manifest;
}

/** Why the weights cannot be used, in words for the reader. */
export class WeightsError extends Error {}

/** Fetch the manifest and the weights that lie beside the page, and check them. */
export async function fetchWeights(base: string, name = "unet_shapes"): Promise<Shipped> {
  const manifest = (await (await get(`${base}${name}.json`)).json().catch(() => {
    throw new WeightsError(`${name}.json cannot be read.`);
  })) as Manifest;
  return unpack(manifest, await (await get(`${base}${manifest.file}`)).arrayBuffer());
}

async function get(address: string): Promise<Response> {
  const response = await fetch(address).catch(() => null);
  const file = address.split("/").pop();
  if (!response) throw new WeightsError(`${file} could not be loaded. Is the connection up?`);
  if (!response.ok) throw new WeightsError(`${file} could not be loaded (the server answers ${response.status}).`);
  return response;
}

/** The arrays of a weights file; a WeightsError if it is not the file that the manifest describes. */
export async function unpack(manifest: Manifest, bytes: ArrayBuffer): Promise<Shipped> {
  if (bytes.byteLength !== manifest.bytes) {
    throw new WeightsError(`${manifest.file} is damaged: it has ${bytes.byteLength} bytes instead of ${manifest.bytes}.`);
  }
  // crypto.subtle is there on https and localhost only; elsewhere the length and the shapes have to do.
  if (globalThis.crypto?.subtle) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (found !== manifest.sha256) throw new WeightsError(`${manifest.file} is damaged: its checksum differs.`);
  }
  const { depth, base, norm } = manifest.network;
  const network: Network = { depth, base, norm, skips: Array.from({ length: depth }, (_, i) => i + 1) };
  const there = new Map(manifest.weights.map((entry) => [entry.name, entry]));
  const values = new Map<string, Float32Array>();
  for (const slot of slots(network)) {
    const entry = there.get(slot.name);
    if (!entry || entry.shape.join() !== slot.shape.join()) throw new WeightsError(`${manifest.file} holds no '${slot.name}'.`);
    values.set(slot.name, new Float32Array(bytes, entry.offset, slot.shape.reduce((a, b) => a * b, 1)));
  }
  return { network, values, manifest };
}
