/**
 * How far a pixel sees: the rectangle that can change it, in the input and in every block on the way.
 *
 * The rule is that of utils/receptive_field.py, followed backwards: a pixel of a layer reads a window of the layer before.
 */

import { blocks, type Network } from "./unet.js";

/** Rows `top` to `bottom` and columns `left` to `right`, the last ones not included; may reach beyond the image. */
export interface Box {
  top: number;
  bottom: number;
  left: number;
  right: number;
}
type Span = [number, number];

/** For an output pixel: what it sees of the image, and which pixels of each block's output take part. */
export function path(network: Network, row: number, column: number): Map<string, Box> {
  const rows = spans(network, row);
  const columns = spans(network, column);
  const found = new Map<string, Box>();
  for (const [name, [top, last]] of rows) {
    const [left, right] = columns.get(name)!;
    found.set(name, { top, bottom: last + 1, left, right: right + 1 });
  }
  return found;
}

function spans(network: Network, place: number): Map<string, Span> {
  const found = new Map<string, Span>();
  const join = (name: string, [first, last]: Span): void => {
    const there = found.get(name);
    found.set(name, there ? [Math.min(there[0], first), Math.max(there[1], last)] : [first, last]);
  };
  const order = blocks(network).map((block) => block.name);
  join("head", [place, place]);
  for (const block of blocks(network).toReversed()) {
    const span = found.get(block.name)!;
    if (block.role === "head") {
      join(order[order.length - 2], span);
      continue;
    }
    const [first, last]: Span = [span[0] - 2, span[1] + 2]; // two convolutions of 3 x 3
    if (block.role === "decoder") {
      if (block.skip) join(`enc${block.level}`, [first, last]);
      const below = block.level === network.depth ? "bottleneck" : `dec${block.level + 1}`;
      join(below, [Math.floor(first / 2), Math.floor(last / 2)]);
    } else if (block.level === 1) {
      join("image", [first, last]);
    } else {
      join(`enc${block.level - 1}`, [2 * first, 2 * last + 1]);
    }
  }
  return found;
}
