"""The figures of notebook 01 architecture."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from utils import inspect_model, receptive_field
from utils.plots.base import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    IMAGE_MAP,
    LEVEL_COLOURS,
    SIGNED_MAP,
    TRUE_POSITIVE,
    VERMILLION,
    WIDTH,
    figure,
)

__all__ = ["seen_from", "u_shape", "window_and_kernel"]


@figure
def window_and_kernel(window, kernel):
    """Show one place of a convolution as three grids of numbers: window, kernel, and their products with the sum.

    Args:
        window: ``(h, w)``, a piece of an image, 0..1.
        kernel: ``(h, w)``, -1..1.
    """
    products = window * kernel
    titles = ("window of the image", "kernel", f"products, sum {products.sum():.2f}")
    fig, axes = plt.subplots(1, 3, figsize=(0.8 * WIDTH, 2.5))
    for axis, grid, title, cmap in zip(axes, (window, kernel, products), titles, (IMAGE_MAP, SIGNED_MAP, SIGNED_MAP)):
        axis.imshow(grid, cmap=cmap, vmin=0 if cmap == IMAGE_MAP else -1, vmax=1)
        axis.set_title(title)
        axis.set_xticks(np.arange(grid.shape[1] + 1) - 0.5, [])
        axis.set_yticks(np.arange(grid.shape[0] + 1) - 0.5, [])
        axis.tick_params(length=0)
        axis.grid(color=GREY, linewidth=1)
        for (row, column), value in np.ndenumerate(grid):
            dark = value < 0.5 if cmap == IMAGE_MAP else abs(value) > 0.7
            text = f"{value + 0:.2f}".replace("-0.00", "0.00")
            axis.text(column, row, text, ha="center", va="center", color="white" if dark else "black")
    for axis, sign in zip(axes[1:], ("×", "=")):
        axis.set_ylabel(sign, rotation=0, fontsize=20, labelpad=18, va="center")
    return fig


@figure
def seen_from(image, mask, models, row, *, poolings, column):
    """Show all that one output pixel sees: where its receptive field lies in the image, and what is in it.

    Args:
        image: ``(H, W, 3)``, 0..1.
        mask: ``(H, W, 1)`` of 0 and 1: what the output pixel should say.
        models: number of poolings -> a network for such images.
        row, column: the output pixel.
        poolings: which network.
    """
    box = receptive_field.theoretical(models[poolings], (row, column))
    height, width = image.shape[:2]
    wide, high = box.right - box.left, box.bottom - box.top
    inside = box.inside(height, width)
    fig, axes = plt.subplots(1, 3, figsize=(0.8 * WIDTH, 2.4), width_ratios=(1, 1, 0.9))
    faded = np.where(inside[..., None], image, 0.3 * image + 0.7)
    for axis, shown in zip(axes, (faded, image)):
        axis.imshow(shown, vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
        axis.plot(column, row, marker="+", color="white", markersize=12, markeredgewidth=4)
        axis.plot(column, row, marker="+", color=BLACK, markersize=10, markeredgewidth=2)
    corner = (box.left - 0.5, box.top - 0.5)
    axes[0].add_patch(plt.Rectangle(corner, wide, high, fill=False, edgecolor=VERMILLION, linewidth=2.5))
    axes[0].set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), title="the image")
    axes[0].spines[:].set_visible(False)
    axes[1].set(xlim=(box.left - 0.5, box.right - 0.5), ylim=(box.bottom - 0.5, box.top - 0.5))
    axes[1].set(title="all that the pixel sees", facecolor=TRUE_POSITIVE)
    axes[1].spines[:].set(visible=True, color=VERMILLION, linewidth=2.5)
    truth = "shape" if mask[row, column, 0] else "background"
    network = f"{poolings} pooling{'' if poolings == 1 else 's'}"
    text = f"{network}: {wide} × {high} px\n\nthe mask says\nat this pixel: {truth}"
    axes[2].set_axis_off()
    axes[2].text(0, 0.5, text, va="center", transform=axes[2].transAxes)
    both = len(np.unique(mask[inside])) == 2
    content = "shape and background, by the mask" if both else f"nothing but {truth}, by the mask"
    return fig, (
        f"With {network} the output pixel at row {row}, column {column}, where the mask says {truth}, sees "
        f"{wide} x {high} px: {'the whole image' if inside.all() else content}."
    )


# ---- The U -------------------------------------------------------------------------------------------------------------


@figure
def u_shape(model):
    """Draw a U-Net from the model itself: one block a level and side, heights and widths to scale.

    A block's height is the image's height in pixels there, its width the number of channels. In the decoder a second block
    stands before each one: what the concatenation holds, hatched where it came over the skip connection.

    Args:
        model: a U-Net with the layer names of :mod:`utils.unet`.
    """
    blocks = inspect_model.blocks(model)
    placed, scale, bottom = _place_blocks(blocks)
    fig, axis = plt.subplots(figsize=(WIDTH, bottom + 0.75), layout="none")
    axis.set_position([0, 0, 1, 1])
    axis.set(xlim=(0, WIDTH), ylim=(bottom + 0.75, 0))
    axis.set_axis_off()
    for place in placed:
        _draw_block(axis, place, scale)
    _draw_paths(axis, placed)
    for level in range(1, max(block.level for block in blocks) + 1):
        middle = next(place["middle"] for place in placed if place["block"].level == level)
        axis.text(0.08, middle, f"level {level}", va="center", color=_colour(level), weight="bold")
    for role in ("encoder", "bottleneck", "decoder"):
        of_role = [place for place in placed if place["block"].role == role]
        x = (of_role[0]["left"] + of_role[-1]["right"]) / 2
        axis.text(x, bottom + 0.12, role, ha="center", va="center", style="italic")
    signs = "→ two 3×3 convolutions (head: one 1×1)   ↓ max pooling, then →   ↑ upsampling   "
    signs += "dashed: skip, hatched where it arrives"
    axis.text(WIDTH / 2, bottom + 0.5, signs, ha="center", va="center", fontsize=10)
    down, low, up = (
        ", ".join(f"{_size(block)} with {block.shape[2]} channels" for block in blocks if block.role == role)
        for role in ("encoder", "bottleneck", "decoder")
    )
    joined = ", ".join(sorted(str(block.level) for block in blocks if block.skip))
    return fig, (
        f"A U. Down its left side blocks of {down}; at the bottom {low}; up its right side {up}. Dashed arrows join the two "
        f"sides on these levels: {joined or 'none'}."
    )


def _colour(level):
    return LEVEL_COLOURS[(level - 1) % len(LEVEL_COLOURS)]


def _size(block):
    """Height x width of a block, as text; a long one is shortened where both are the same."""
    height, width, _ = block.shape
    return f"{height}²" if height == width > 99 else f"{height}×{width}"


def _place_blocks(blocks):
    """Where each block of a U stands, in inches from the top left; also inches per channel, and the lower end."""
    margin, over, under = 0.75, 0.36, 0.3
    pieces = []
    for block in blocks:
        if block.below:
            parts = [block.skip, block.below] if block.skip else [block.below]
            pieces.append({"block": block, "joint": True, "parts": parts, "label": "+".join(map(str, parts))})
        pieces.append({"block": block, "joint": False, "parts": [block.shape[2]], "label": str(block.shape[2])})
    for piece in pieces:
        texts = [piece["label"]] if piece["joint"] else [piece["label"], _size(piece["block"])]
        more = {"image": 0.1, "head": 0}.get(piece["block"].role, -0.1 if piece["joint"] else -0.05)
        piece["room"] = 0.085 * max(map(len, texts)) + more
    gap = min(0.2, 1.8 / len(pieces))
    # The largest scale at which blocks and their labels fit side by side, found by halving.
    space, low, high = WIDTH - margin - 0.1 - gap * len(pieces), 0.0, 0.02
    for _ in range(40):
        scale = (low + high) / 2
        fits = sum(max(sum(piece["parts"]) * scale, piece["room"]) for piece in pieces) <= space
        low, high = (scale, high) if fits else (low, scale)
    depth = max(block.level for block in blocks)
    tallest = [max(block.shape[0] for block in blocks if block.level == level) for level in range(1, depth + 1)]
    tall = (1.5 + 0.4 * depth) / sum(tallest)
    tops = np.cumsum([0, *(size * tall + over + under for size in tallest)])
    x = margin
    for piece in pieces:
        level, wide, high = piece["block"].level, sum(piece["parts"]) * low, piece["block"].shape[0] * tall
        slot = max(wide, piece["room"])
        middle = tops[level - 1] + over + tallest[level - 1] * tall / 2
        left = x + (slot - wide) / 2
        piece |= {"left": left, "right": left + wide, "middle": middle}
        piece |= {"top": middle - high / 2, "bottom": middle + high / 2}
        x += slot + gap
    return pieces, low, tops[-1]


def _draw_block(axis, place, scale):
    """Draw one placed block with its labels."""
    block, start, centre = place["block"], place["left"], (place["left"] + place["right"]) / 2
    for k, part in enumerate(place["parts"]):
        look = {"facecolor": _colour(block.level), "edgecolor": BLACK}
        if place["joint"] and block.skip and k == 0:
            look = {"facecolor": "white", "edgecolor": _colour(block.level), "hatch": "/////"}
        elif place["joint"]:
            look["facecolor"] = _colour(block.level + 1)
        elif block.role in ("image", "head"):
            look["facecolor"] = GREY
        wide, high = part * scale, place["bottom"] - place["top"]
        axis.add_patch(plt.Rectangle((start, place["top"]), wide, high, linewidth=0.8, **look))
        start += wide
    axis.text(centre, place["top"] - 0.05, place["label"], ha="center", va="bottom", fontsize=10)
    if not place["joint"]:
        name = f"{block.name}\n" if block.role in ("image", "head") else ""
        axis.text(centre, place["bottom"] + 0.04, name + _size(block), ha="center", va="top", fontsize=10)


def _draw_paths(axis, placed):
    """Draw the arrows between placed blocks."""
    look = {"arrowstyle": "-|>", "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 11}

    def arrow(start, end, colour=BLACK, **more):
        axis.annotate("", end, start, arrowprops=look | {"color": colour} | more)

    sources = {}
    for before, after in zip(placed, placed[1:]):
        block = after["block"]
        if block.level > before["block"].level:
            sources[before["block"].level] = before
            x = (before["left"] + before["right"]) / 2
            axis.plot([x, x], [before["bottom"] + 0.22, after["middle"]], color=VERMILLION, linewidth=1.5)
            arrow((x, after["middle"]), (after["left"], after["middle"]), VERMILLION)
        elif after["joint"]:
            x = max(after["right"] - 0.06, (after["left"] + after["right"]) / 2)
            axis.plot([before["right"], x], [before["middle"]] * 2, color=GREEN, linewidth=1.5)
            arrow((x, before["middle"]), (x, after["bottom"]), GREEN)
        else:
            arrow((before["right"], before["middle"]), (after["left"], after["middle"]))
        if after["joint"] and block.skip:
            source = sources[block.level]
            arrow((source["right"], source["middle"]), (after["left"], after["middle"]), BLUE, linestyle="--")
