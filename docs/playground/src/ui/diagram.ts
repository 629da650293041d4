/** The U, drawn from the blocks of the real network: feature maps in every block, a choice for every skip. */

import { path } from "../core/field.js";
import { blocks, type Block, type Network } from "../core/unet.js";
import type { Maps, Skips, SkipState } from "../protocol.js";
import { frame, heat, LEVELS, show } from "./colours.js";
import { canvas, el } from "./dom.js";

const TILE = 48, GAP = 3, SHOWN = 8;
const ROLE_WORDS = { encoder: "contracting path", bottleneck: "bottleneck", decoder: "expanding path", head: "output" };
const SKIP_WORDS: Record<SkipState, string> = { kept: "kept", zeros: "set to zero", means: "set to its mean" };

export class Diagram {
  readonly element = el("div", { class: "u", role: "group", "aria-label": "The network, block by block" });
  private readonly canvases = new Map<string, HTMLCanvasElement>();
  private readonly selects = new Map<number, HTMLSelectElement>();
  private readonly dialog = el("dialog", { class: "channels", "aria-labelledby": "channels-title" });
  private readonly narrow = matchMedia("(max-width: 700px)");
  private maps = new Map<string, Maps>();
  private order = new Map<string, number[]>();
  private pixel: [number, number] | null = null;
  private opened: Block | null = null;

  constructor(readonly network: Network, private readonly skipChanged: (level: number, state: SkipState) => void) {
    const all = blocks(network);
    for (let level = 1; level <= network.depth; level++) {
      const [down, up] = ["encoder", "decoder"].map((role) => all.find((block) => block.role === role && block.level === level)!);
      this.element.append(el("div", { class: "level", style: `--step: ${level - 1}; --colour: ${LEVELS[level - 1]}` },
        this.block(down), this.skip(down), this.block(up)));
    }
    const bottom = all.find((block) => block.role === "bottleneck")!;
    this.element.append(el("div", { class: "level bottom", style: `--colour: ${LEVELS[network.depth]}` }, this.block(bottom)), this.dialog);
    this.dialog.addEventListener("close", () => (this.opened = null));
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.narrow.addEventListener("change", () => this.draw());
  }

  /** Show new feature maps; `newImage` sorts the channels again, the most varied first. */
  update(maps: Maps[], newImage: boolean): void {
    this.maps = new Map(maps.map((one) => [one.name, one]));
    if (newImage || !this.order.size) this.order = new Map(maps.map((one) => [one.name, byVariety(one)]));
    this.draw();
  }

  /** Mark what an output pixel depends on in every block. */
  mark(pixel: [number, number] | null): void {
    this.pixel = pixel;
    this.draw();
  }

  setSkips(skips: Skips): void {
    this.selects.forEach((select, level) => {
      select.value = skips[level] ?? "kept";
      select.parentElement?.classList.toggle("gone", select.value !== "kept");
    });
  }

  private open(name: string): void {
    const block = blocks(this.network).find((one) => one.name === name);
    if (!block || block.role === "head") return;
    this.opened = block;
    const side = 64 / 2 ** (block.level - 1);
    this.dialog.replaceChildren(
      el("div", { class: "dialog-head" }, el("h2", { id: "channels-title" }, `${name}: ${block.channels} channels of ${side} × ${side}`),
        el("button", { type: "button", onclick: () => this.dialog.close() }, "Close")),
      el("p", {}, `${sentence(block)} Dark is 0, bright the largest value of the block.`),
      canvas(1, 1, { class: "sharp", role: "img", "aria-label": `All ${block.channels} channels of ${name}` }),
    );
    this.dialog.showModal();
    this.drawAll();
  }

  private block(block: Block): HTMLElement {
    const side = 64 / 2 ** (block.level - 1);
    const drawn = canvas(1, 1, { class: "sharp", "aria-hidden": "true" });
    this.canvases.set(block.name, drawn);
    return el("button", {
      type: "button", class: `block ${block.role}`, "data-block": block.name, onclick: () => this.open(block.name),
    }, el("span", { class: "block-name" }, el("b", {}, block.name), ` ${side} × ${side} × ${block.channels}`,
      el("span", { class: "unseen" }, `, ${ROLE_WORDS[block.role]}. Show all channels.`)), drawn);
  }

  private skip({ level, channels }: Block): HTMLElement {
    const select = el("select", { "aria-label": `Skip connection of level ${level}`, onchange: () => this.skipChanged(level, select.value as SkipState) },
      ...Object.entries(SKIP_WORDS).map(([value, words]) => el("option", { value }, words)));
    this.selects.set(level, select);
    return el("div", { class: "skip-choice" }, el("span", {}, `skip ${level}, ${channels} channels`), select);
  }

  private draw(): void {
    const columns = this.narrow.matches ? 4 : 8;
    const field = this.pixel && path(this.network, ...this.pixel);
    for (const [name, drawn] of this.canvases) {
      const maps = this.maps.get(name);
      if (!maps) continue;
      const chosen = (this.order.get(name) ?? []).slice(0, SHOWN);
      drawn.width = columns * (TILE + GAP) - GAP;
      drawn.height = (SHOWN / columns) * (TILE + GAP) - GAP;
      tiles(drawn.getContext("2d")!, maps, chosen, columns, TILE);
      const box = field?.get(name);
      if (box) {
        const scale = TILE / maps.side;
        chosen.forEach((_, i) => {
          const [x, y] = [(i % columns) * (TILE + GAP), Math.floor(i / columns) * (TILE + GAP)];
          const cut = (value: number): number => Math.min(maps.side, Math.max(0, value)) * scale;
          const [left, top] = [cut(box.left), cut(box.top)];
          frame(drawn.getContext("2d")!, x + left + 1, y + top + 1, cut(box.right) - left - 2, cut(box.bottom) - top - 2, 1);
        });
      }
    }
    if (this.opened) this.drawAll();
  }

  private drawAll(): void {
    const maps = this.opened && this.maps.get(this.opened.name);
    const drawn = this.dialog.querySelector("canvas");
    if (!maps || !drawn) return;
    const columns = Math.min(maps.channels, this.narrow.matches ? 4 : 8, Math.ceil(Math.sqrt(2 * maps.channels)));
    const tile = maps.channels <= 8 ? 192 : maps.channels <= 16 ? 128 : 72;
    drawn.width = columns * (tile + GAP) - GAP;
    drawn.height = Math.ceil(maps.channels / columns) * (tile + GAP) - GAP;
    tiles(drawn.getContext("2d")!, maps, Array.from({ length: maps.channels }, (_, i) => i), columns, tile);
  }
}

function tiles(context: CanvasRenderingContext2D, maps: Maps, chosen: number[], columns: number, tile: number): void {
  const high = maps.data.reduce((largest, value) => Math.max(largest, value), 1e-6);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  chosen.forEach((channel, i) => {
    const image = heat(maps.data, maps.side, 0, high, maps.channels, channel);
    show(context, image, (i % columns) * (tile + GAP), Math.floor(i / columns) * (tile + GAP), tile);
  });
}

function byVariety({ data, channels }: Maps): number[] {
  const [sums, squares] = [new Float64Array(channels), new Float64Array(channels)];
  data.forEach((value, i) => {
    sums[i % channels] += value;
    squares[i % channels] += value * value;
  });
  const pixels = data.length / channels;
  const variance = Array.from(sums, (sum, c) => squares[c] / pixels - (sum / pixels) ** 2);
  return variance.map((_, c) => c).sort((a, b) => variance[b] - variance[a]);
}

function sentence({ role, level, skip, below }: Block): string {
  if (role === "bottleneck") return "The smallest maps: one of their pixels stands for 16 × 16 pixels of the image, and knows most about what is there.";
  if (role === "encoder") return level === 1 ? "Edges and colours, at full resolution; the skip connection carries them across." : "After pooling: less about where, more about what.";
  return `${below} channels from the level below, upsampled, and ${skip} over the skip connection became these.`;
}
