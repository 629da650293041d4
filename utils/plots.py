"""Every figure of the series, one function a figure.

A function here draws one figure, shows it together with a text that describes what it shows, and closes it. The description
travels with the picture: as alternative text in the output's metadata and as the output's plain text.

Colours come from the palette of Okabe and Ito, which people with any common colour blindness can tell apart, and mean the
same thing in every notebook. Colour is never the only difference: lines also differ in dash or marker, areas in label.
Source: Okabe and Ito, "Color Universal Design", 2008.
"""

from __future__ import annotations

import functools
import io

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
GREY = "#666666"

SPLIT_COLOURS = {"train": BLUE, "validation": ORANGE, "test": GREEN}
STYLE_COLOURS = {"ground": GREY, "filled": BLUE, "outlined": ORANGE}
CLASS_COLOURS = {
    "ground": GREY, "disc": BLUE, "square": ORANGE, "triangle": GREEN, "ring": PURPLE, "cross": VERMILLION, "star": YELLOW,
}  # fmt: skip
LEVEL_COLOURS = (BLUE, SKY, GREEN, ORANGE, VERMILLION)
"""Encoder and decoder level 1, 2, ... from the top of the U downward."""
MISSED, INVENTED, FOUND = VERMILLION, SKY, "#D9D9D9"
"""Error maps: silhouette pixels that the network missed, ground pixels that it took for a shape, correct silhouette."""
IMAGE_MAP, PROBABILITY_MAP, SIGNED_MAP = "gray", "viridis", "PuOr"

STYLE = {
    "figure.facecolor": "white", "savefig.facecolor": "white", "axes.facecolor": "white", "figure.dpi": 100,
    "font.size": 11, "axes.titlesize": 11, "axes.labelsize": 11, "xtick.labelsize": 10, "ytick.labelsize": 10,
    "legend.fontsize": 10, "axes.spines.top": False, "axes.spines.right": False, "lines.linewidth": 2,
    "image.interpolation": "nearest", "legend.frameon": False, "figure.constrained_layout.use": True,
}  # fmt: skip
"""The style sheet. The white ground makes figures readable on dark themes too."""

WIDTH = 9.0
"""Width of a full figure in inches: 900 pixels, which fits a laptop's notebook column."""


def figure(draw):
    """Make a function that returns ``(figure, alt text)`` into one that shows the figure with its alt text."""

    @functools.wraps(draw)
    def show(*args, **kwargs):
        with plt.rc_context(STYLE):
            fig, alt = draw(*args, **kwargs)
            show_figure(fig, alt)

    return show


def show_figure(fig, alt: str) -> None:
    """Show a matplotlib figure as a PNG with alternative text, and close it."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    plt.close(fig)
    show_png(buffer.getvalue(), alt)


def show_png(png: bytes, alt: str) -> None:
    """Show PNG bytes with alternative text; the plain text of the output is the same description."""
    if not alt.strip():
        raise ValueError("A picture needs a text that says what it shows.")
    display({"image/png": png, "text/plain": alt}, raw=True, metadata={"image/png": {"alt": alt}})


# ---- Pictures in a row -------------------------------------------------------------------------------------------------


@figure
def pictures(images, titles=None, *, alt, columns=None, cmap=IMAGE_MAP, limits=(0, 1), side=None):
    """Show images or maps side by side.

    Args:
        images: a sequence of ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)`` arrays.
        titles: one text a picture, or None.
        alt: what the pictures show.
        columns: how many in a row; all by default, at most 6.
        cmap: colour map for single-channel pictures.
        limits: values at the two ends of the colour map, or None for each picture's own.
        side: width of a picture in inches.
    """
    images = [np.asarray(image) for image in images]
    columns = columns or min(len(images), 6)
    rows = -(-len(images) // columns)
    side = side or min(WIDTH / columns, 3)
    fig, axes = plt.subplots(rows, columns, figsize=(side * columns, (side + 0.3 * bool(titles)) * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for k, (axis, image) in enumerate(zip(axes.flat, images)):
        low, high = limits or (None, None)
        axis.imshow(image[..., 0] if image.shape[2:] == (1,) else image, cmap=cmap, vmin=low, vmax=high)
        if titles:
            axis.set_title(titles[k])
    return fig, alt


# ---- 01 architecture ---------------------------------------------------------------------------------------------------


@figure
def window_and_kernel(window, kernel, *, alt):
    """Show one step of a convolution as three grids of numbers: window, kernel, and their products with the sum.

    Args:
        window: ``(h, w)`` array, a piece of a picture.
        kernel: ``(h, w)`` array.
        alt: what the figure shows.
    """
    window, kernel = np.asarray(window), np.asarray(kernel)
    products = window * kernel
    titles = ("window of the picture", "kernel", f"products, sum {products.sum():.2f}")
    fig, axes = plt.subplots(1, 3, figsize=(0.8 * WIDTH, 2.5))
    maps = (IMAGE_MAP, SIGNED_MAP, SIGNED_MAP)
    for axis, grid, title, colours in zip(axes, (window, kernel, products), titles, maps):
        low = 0 if colours == IMAGE_MAP else -1
        axis.imshow(grid, cmap=colours, vmin=low, vmax=1)
        axis.set_title(title)
        axis.set_xticks(np.arange(grid.shape[1] + 1) - 0.5, [])
        axis.set_yticks(np.arange(grid.shape[0] + 1) - 0.5, [])
        axis.tick_params(length=0)
        axis.grid(color=GREY, linewidth=1)
        for (row, column), value in np.ndenumerate(grid):
            dark = value < 0.5 if colours == IMAGE_MAP else abs(value) > 0.7
            axis.text(
                column, row, f"{value + 0:.2f}".replace("-0.00", "0.00"), ha="center", va="center",
                color="white" if dark else "black",
            )  # fmt: skip
    for axis, sign in zip(axes[1:], ("×", "=")):
        axis.set_ylabel(sign, rotation=0, fontsize=20, labelpad=18, va="center")
    return fig, alt


@figure
def boxes_on(image, boxes, *, alt, centre=None):
    """Draw labelled rectangles over a picture; a rectangle may be larger than the picture.

    Args:
        image: ``(H, W, 3)`` array, 0..1.
        boxes: dictionary of label -> ``(top, bottom, left, right)`` in pixels, half open.
        alt: what the figure shows.
        centre: row and column of a pixel to mark, or None.
    """
    height, width = image.shape[:2]
    reach = np.array([(0, height, 0, width), *boxes.values()])
    top, left, bottom, right = reach[:, 0].min(), reach[:, 2].min(), reach[:, 1].max(), reach[:, 3].max()
    fig, axis = plt.subplots(figsize=(0.8 * WIDTH, 4.6))
    axis.imshow(image, vmin=0, vmax=1)
    axis.add_patch(plt.Rectangle((-0.5, -0.5), width, height, fill=False, edgecolor=BLACK, linewidth=1))
    looks = ((VERMILLION, "-"), (ORANGE, "--"), (BLUE, "-."), (PURPLE, ":"))
    for (label, box), (colour, dash) in zip(boxes.items(), looks):
        t, b, left_edge, right_edge = box
        for edge, thick, style in (("white", 4, "-"), (colour, 2.5, dash)):
            axis.add_patch(
                plt.Rectangle(
                    (left_edge - 0.5, t - 0.5), right_edge - left_edge, b - t,
                    fill=False, edgecolor=edge, linewidth=thick, linestyle=style,
                )
            )  # fmt: skip
        axis.plot([], [], color=colour, linestyle=dash, linewidth=2.5, label=label)
    if centre is not None:
        axis.plot(centre[1], centre[0], marker="+", color="white", markersize=14, markeredgewidth=5, linestyle="")
        look = {"color": BLACK, "markersize": 12, "markeredgewidth": 2, "label": "output pixel"}
        axis.plot(centre[1], centre[0], marker="+", linestyle="", **look)
    axis.set(xlim=(left - 2.5, right + 1.5), ylim=(bottom + 1.5, top - 2.5))
    axis.set_axis_off()
    axis.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    return fig, alt


@figure
def u_shape(model):
    """Draw a U-Net from the model itself: one block a level and side, heights and widths to scale.

    A block's height is the picture's height in pixels there, its width the number of channels. In the decoder a second block
    stands before each one: what the concatenation holds, hatched where it came over the skip connection.

    Args:
        model: a U-Net with the layer names of ``utils.unet``.
    """
    from utils import inspect_model

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
        middle = next(p["middle"] for p in placed if p["block"].level == level)
        colour = LEVEL_COLOURS[(level - 1) % len(LEVEL_COLOURS)]
        axis.text(0.08, middle, f"level {level}", va="center", color=colour, weight="bold")
    for role, name in (("encoder", "encoder"), ("bottleneck", "bottleneck"), ("decoder", "decoder")):
        of_role = [p for p in placed if p["block"].role == role]
        x = (of_role[0]["left"] + of_role[-1]["right"]) / 2
        axis.text(x, bottom + 0.12, name, ha="center", va="center", style="italic")
    axis.text(
        WIDTH / 2, bottom + 0.5,
        "→ two 3×3 convolutions (head: one 1×1)   ↓ max pooling   ↑ upsampling   "
        "dashed: skip, hatched where it arrives",
        ha="center", va="center", fontsize=10,
    )  # fmt: skip
    down = ", ".join(f"{_size(b)} with {b.shape[2]} channels" for b in blocks if b.role == "encoder")
    low = next(b for b in blocks if b.role == "bottleneck")
    return fig, (
        f"A U. Down its left side blocks of {down}; at the bottom {_size(low)} with {low.shape[2]}; up its right side the same "
        "sizes again, each joined by a dashed arrow from the left."
    )


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
    tallest = [max(b.shape[0] for b in blocks if b.level == level) for level in range(1, depth + 1)]
    tall = (1.5 + 0.4 * depth) / sum(tallest)
    tops = np.cumsum([0, *(size * tall + over + under for size in tallest)])
    x = margin
    for piece in pieces:
        level, wide = piece["block"].level, sum(piece["parts"]) * low
        slot, high = max(wide, piece["room"]), piece["block"].shape[0] * tall
        middle = tops[level - 1] + over + tallest[level - 1] * tall / 2
        left = x + (slot - wide) / 2
        piece |= {
            "left": left,
            "right": left + wide,
            "middle": middle,
            "top": middle - high / 2,
            "bottom": middle + high / 2,
        }
        x += slot + gap
    return pieces, low, tops[-1]


def _draw_block(axis, place, scale):
    """Draw one placed block with its labels."""
    block, start, centre = place["block"], place["left"], (place["left"] + place["right"]) / 2
    colour = LEVEL_COLOURS[(block.level - 1) % len(LEVEL_COLOURS)]
    for k, part in enumerate(place["parts"]):
        look = {"facecolor": colour, "edgecolor": BLACK}
        if place["joint"] and block.skip and k == 0:
            look = {"facecolor": "white", "edgecolor": colour, "hatch": "/////"}
        elif place["joint"]:
            look["facecolor"] = LEVEL_COLOURS[block.level % len(LEVEL_COLOURS)]
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

    def arrow(start, end, colour=BLACK, **more):
        style = {
            "arrowstyle": "-|>",
            "color": colour,
            "linewidth": 1.5,
            "shrinkA": 0,
            "shrinkB": 0,
            "mutation_scale": 11,
        }
        axis.annotate("", end, start, arrowprops=style | more)

    sources = {}
    for before, after in zip(placed, placed[1:]):
        block = after["block"]
        if block.level > before["block"].level:
            sources[before["block"].level] = before
            start = ((before["left"] + before["right"]) / 2, before["bottom"] + 0.22)
            axis.plot([start[0]] * 2, [start[1], after["middle"]], color=VERMILLION, linewidth=1.5)
            arrow((start[0], after["middle"]), (after["left"], after["middle"]), VERMILLION)
        elif after["joint"]:
            x = max(after["right"] - 0.06, (after["left"] + after["right"]) / 2)
            axis.plot([before["right"], x], [before["middle"]] * 2, color=GREEN, linewidth=1.5)
            arrow((x, before["middle"]), (x, after["bottom"]), GREEN)
        else:
            arrow((before["right"], before["middle"]), (after["left"], after["middle"]))
        if after["joint"] and block.skip:
            source = sources[block.level]
            arrow((source["right"], source["middle"]), (after["left"], after["middle"]), BLUE, linestyle="--")


# ---- 02 data -----------------------------------------------------------------------------------------------------------


def _contour(axis, mask, colour=YELLOW):
    """Draw the edge of a mask as a coloured line with a black rim, which shows on any ground."""
    mask = np.asarray(mask, dtype=float).squeeze()
    if mask.min() < 0.5 < mask.max():
        axis.contour(np.pad(mask, 1), [0.5], colors=BLACK, linewidths=3.5, extent=_padded(mask))
        axis.contour(np.pad(mask, 1), [0.5], colors=colour, linewidths=1.7, extent=_padded(mask))


def _padded(mask):
    """Place of a mask that has one more pixel on every side, in the coordinates of the picture."""
    return (-1.5, mask.shape[1] + 0.5, -1.5, mask.shape[0] + 0.5)


@figure
def overlays(images, masks, titles=None, *, alt, columns=None, row_labels=None, side=None):
    """Show pictures with the edges of their masks drawn over them.

    Args:
        images: a sequence of ``(H, W, 3)`` arrays, 0..1.
        masks: as many ``(H, W)`` or ``(H, W, 1)`` arrays, 0 or 1, or None where no edge is wanted.
        titles: one text a picture, or None.
        alt: what the pictures show.
        columns: how many in a row; all by default, at most 6.
        row_labels: one text a row, written at its left, or None.
        side: width of a picture in inches.
    """
    columns = columns or min(len(images), 6)
    rows = -(-len(images) // columns)
    side = side or min((WIDTH - 0.4 * bool(row_labels)) / columns, 3)
    size = (side * columns + 0.4 * bool(row_labels), (side + 0.3 * bool(titles)) * rows)
    fig, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    for k, (axis, image) in enumerate(zip(axes.flat, images)):
        axis.imshow(np.asarray(image), vmin=0, vmax=1)
        if masks[k] is not None:
            _contour(axis, masks[k])
            height, width = np.shape(image)[:2]
            axis.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
        if titles:
            axis.set_title(titles[k])
    for axis, text in zip(axes[:, 0], row_labels or []):
        axis.set_ylabel(text)
    return fig, alt


@figure
def maps(sample):
    """Show the five things that are known about one picture: image, mask, class map, instance map, style map.

    Args:
        sample: a ``shapes.Samples`` of one picture.
    """
    charts = {
        "mask": (sample.masks[0, ..., 0], {"ground": GREY, "shape": BLUE}),
        "classes": (sample.classes[0], CLASS_COLOURS),
        "instances": (sample.instances[0], dict(zip(("ground", "first", "second", "third", "fourth"), _INSTANCES))),
        "styles": (sample.styles[0], STYLE_COLOURS),
    }
    fig, axes = plt.subplots(1, 5, figsize=(WIDTH, 2.75))
    axes[0].imshow(sample.images[0], vmin=0, vmax=1)
    axes[0].set_title("images")
    for axis, (title, (chart, colours)) in zip(axes[1:], charts.items()):
        palette = np.array([matplotlib.colors.to_rgb(colour) for colour in colours.values()])
        axis.imshow(palette[chart])
        axis.set_title(title)
        texts = [f"{value} {list(colours)[value]}" for value in np.unique(chart)]
        patches = [matplotlib.patches.Patch(facecolor=palette[value], edgecolor=BLACK) for value in np.unique(chart)]
        axis.legend(patches, texts, loc="upper center", bbox_to_anchor=(0.5, -0.02), handlelength=1, borderpad=0)
    for axis in axes:
        axis.set_axis_off()
    kinds = " and ".join(list(CLASS_COLOURS)[value] for value in np.unique(sample.classes) if value)
    return fig, (
        f"A picture of {kinds}, and four maps of it with the same edge against the ground: the mask joins all shapes, the "
        "class map tells their kinds, the instance map their order, the style map filled from outlined."
    )


_INSTANCES = (GREY, BLUE, ORANGE, GREEN, PURPLE)


@figure
def outline_problem(with_shape, without, window):
    """Show two pictures, the same window of each enlarged, and the targets in that window.

    Args:
        with_shape: a ``shapes.Samples`` of one picture.
        without: the same for the other picture.
        window: a slice of rows and columns.
    """
    fig, axes = plt.subplots(2, 3, figsize=(0.8 * WIDTH, 5))
    length = window.stop - window.start
    for row, sample in zip(axes, (with_shape, without)):
        image, mask = sample.images[0], sample.masks[0]
        row[0].imshow(image, vmin=0, vmax=1)
        _contour(row[0], mask)
        for colour, width in ((BLACK, 4), ("white", 2)):
            corner = (window.start - 0.5, window.start - 0.5)
            row[0].add_patch(plt.Rectangle(corner, length, length, fill=False, edgecolor=colour, linewidth=width))
        row[0].set(xlim=(-0.5, image.shape[1] - 0.5), ylim=(image.shape[0] - 0.5, -0.5))
        row[1].imshow(image[window, window], vmin=0, vmax=1)
        target = mask[window, window, 0]
        row[2].imshow(target, cmap=IMAGE_MAP, vmin=0, vmax=1)
        row[2].add_patch(plt.Rectangle((-0.5, -0.5), length, length, fill=False, edgecolor=BLACK, linewidth=2))
        for value in np.unique(target):
            rows, columns = np.nonzero(target == value)
            place = (columns.mean(), rows.mean())
            row[2].text(*place, f"target {value}", ha="center", va="center", color="black" if value else "white")
    for axis, title in zip(axes[0], ("picture and mask", f"{length} x {length} window", "mask in the window")):
        axis.set_title(title)
    for axis in axes.flat:
        axis.set_axis_off()
    alike = np.array_equal(with_shape.images[0, window, window], without.images[0, window, window])
    targets = [np.unique(sample.masks[0, window, window]).tolist() for sample in (with_shape, without)]
    return fig, (
        f"Two pictures, above with a shape and below without, and a {length} x {length} window of each, enlarged. The windows "
        f"are {'the same' if alike else 'different'}; their targets are {targets[0]} above and {targets[1]} below."
    )


@figure
def balance(by_kind, by_style):
    """Show how much of all pixels each kind and each style takes.

    Args:
        by_kind: dictionary, name of a class to share in 0..1.
        by_style: dictionary, name of a style to share in 0..1.
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.2), sharey=True, width_ratios=(len(by_kind), len(by_style)))
    parts = ((by_kind, CLASS_COLOURS, "by kind"), (by_style, STYLE_COLOURS, "by style"))
    for axis, (part, colours, title) in zip(axes, parts):
        values = [100 * share for share in part.values()]
        bars = axis.bar(list(part), values, color=[colours[name] for name in part], edgecolor=BLACK)
        axis.bar_label(bars, [f"{value:.0f} %" for value in values], padding=2)
        axis.set(title=title, ylim=(0, 105))
    axes[0].set_ylabel("share of all pixels (%)")
    most, least = max(by_kind, key=by_kind.get), min(by_kind, key=by_kind.get)
    styles = ", ".join(f"{name} {100 * share:.0f} %" for name, share in by_style.items())
    return fig, f"Bars of the share of all pixels: by kind {most} takes the most and {least} the least; {styles}."


# ---- 03 building -------------------------------------------------------------------------------------------------------


@figure
def channels(features, *, alt, count=8, title="channel {}"):
    """Show the first channels of one picture's feature maps, all on the same scale from black to white.

    Args:
        features: ``(1, H, W, C)`` array or tensor.
        alt: what the pictures show.
        count: how many channels.
        title: of each picture; ``{}`` becomes the channel's number.
    """
    maps = np.moveaxis(np.asarray(features)[0, ..., :count], -1, 0)
    columns = min(len(maps), 4)
    rows = -(-len(maps) // columns)
    fig, axes = plt.subplots(rows, columns, figsize=(1.8 * columns, 2.1 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for k, (axis, channel) in enumerate(zip(axes.flat, maps), start=1):
        shown = axis.imshow(channel, cmap=IMAGE_MAP, vmin=maps.min(), vmax=maps.max())
        axis.set_title(title.format(k))
    fig.colorbar(shown, ax=axes, shrink=0.8, label="value")
    return fig, alt


@figure
def signal_strength(strengths):
    """Draw how strong a signal is after every convolution, for several initialisations.

    Args:
        strengths: ``{label: [strength of the input, after layer 1, after layer 2, ...]}``, positive numbers.
    """
    fig, axis = plt.subplots(figsize=(7.5, 3.6))
    looks = zip((VERMILLION, BLUE, PURPLE, GREEN), "v^os", ("--", ":", "-", "-."))
    ends = []
    for (label, values), (colour, marker, dash) in zip(strengths.items(), looks):
        axis.plot(range(len(values)), values, color=colour, marker=marker, linestyle=dash)
        axis.annotate(label, (len(values) - 1, values[-1]), xytext=(10, 0), textcoords="offset points", va="center")
        ends.append(f"{label}: 10 to the {np.log10(values[-1] / values[0]):+.0f}".replace("+0", "0").replace("-0", "0"))
    axis.set_yscale("log")
    axis.set_xlabel("convolutions passed")
    axis.set_ylabel("strength (RMS)")
    return fig, "Strength of the signal against depth, logarithmic; change from the input to the end: " + "; ".join(
        ends
    ) + "."


@figure
def output_window(image, mask, output):
    """Show an image with the window that a network without padding answers for, and the mask cropped to it.

    Args:
        image: ``(H, W, 3)``, 0..1.
        mask: ``(H, W, 1)``, 0 or 1.
        output: side of the window in pixels, centred.
    """
    side = image.shape[0]
    start = (side - output) // 2
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 3.3))
    for axis, picture, title in zip(
        axes,
        (image, mask[..., 0], mask[start : start + output, start : start + output, 0]),
        (f"image, {side} x {side}", f"mask, {side} x {side}", f"mask cropped, {output} x {output}"),
    ):
        axis.imshow(picture, cmap=IMAGE_MAP, vmin=0, vmax=1)
        axis.set_title(title)
        axis.set_axis_off()
    for axis in axes[:2]:
        for colour, width, dash in ((BLACK, 4, "-"), (YELLOW, 2, "--")):
            axis.add_patch(
                plt.Rectangle(
                    (start - 0.5, start - 0.5), output, output, fill=False, edgecolor=colour, lw=width, ls=dash
                )
            )
    share = output**2 / side**2
    return fig, (
        f"A dashed window of {output} pixels in the middle of an image and its mask of {side} pixels, {share:.0%} of the "
        "area; beside them the mask cropped to the window."
    )


@figure
def cost_by_stage(rows):
    """Draw which part of a U-Net holds its parameters, does its work and fills its memory.

    Args:
        rows: ``cost.layer_table(model)`` of a network from ``unet.build_unet``. Maps that training does not keep are left
            out; the image counts to the first stage, the head to the last.
    """
    stages = list(dict.fromkeys(r.name.split("_")[0] for r in rows if "_" in r.name))
    sums = {stage: np.zeros(3) for stage in stages}
    for row in rows:
        stage = row.name.split("_")[0] if "_" in row.name else (stages[-1] if row.name == "head" else stages[0])
        sums[stage] += (row.parameters, row.macs, row.activation_bytes * row.kept)
    table = np.array([sums[stage] for stage in stages])
    shares = 100 * table / table.sum(axis=0)
    depth = len(stages) // 2
    colours = [LEVEL_COLOURS[min(k, 2 * depth - k) % len(LEVEL_COLOURS)] for k in range(len(stages))]
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 0.36 * len(stages) + 0.9), sharey=True)
    names = ("parameters", "MACs", "activation memory")
    for axis, name, column in zip(axes, names, shares.T):
        bars = axis.barh(stages, column, color=colours, edgecolor=BLACK, linewidth=0.6)
        for bar in bars[depth + 1 :]:
            bar.set_hatch("//")
        axis.bar_label(bars, [f"{value:.0f} %" for value in column], padding=3)
        axis.set_xlim(0, 1.25 * shares.max())
        axis.set_title(name)
        axis.set_xticks([])
        axis.spines["bottom"].set_visible(False)
    axes[0].invert_yaxis()
    weights, work, memory = shares.T
    return fig, (
        f"Three bar charts over the stages of the U: most parameters in {stages[int(weights.argmax())]} "
        f"({weights.max():.0f} %), MACs spread with {work.min():.0f} to {work.max():.0f} % a stage, most activation memory in "
        f"{stages[int(memory.argmax())]} ({memory.max():.0f} %)."
    )


@figure
def cost_by_width(costs):
    """Draw parameters, MACs and activation memory against width, one line a depth; both axes logarithmic.

    Args:
        costs: ``{(depth, base): (parameters, macs, bytes)}``.
    """
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 3.9))
    depths, bases = (sorted({key[k] for key in costs}) for k in (0, 1))
    titles = ("parameters (millions)", "MACs (millions)", "activation memory (MB)")
    for number, (axis, title) in enumerate(zip(axes, titles)):
        for depth in depths:
            points = [(base, costs[depth, base][number] / 1e6) for base in bases if (depth, base) in costs]
            axis.plot(
                *zip(*points),
                color=LEVEL_COLOURS[(depth - 1) % 5],
                marker="os^Dv"[(depth - 1) % 5],
                label=f"depth {depth}",
            )
        axis.set(xscale="log", yscale="log", title=title, xlabel="base (channels of level 1)")
        axis.set_xticks(bases, [str(base) for base in bases])
        axis.minorticks_off()
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=len(depths))
    spread = [costs[depths[-1], bases[0]][k] / costs[depths[0], bases[0]][k] for k in range(3)]
    return fig, (
        f"Cost against width for depths {depths[0]} to {depths[-1]}, logarithmic: all lines rise. From the shallowest to the "
        f"deepest network of one width the parameters grow about {spread[0]:.0f}-fold, the MACs {spread[1]:.0f}-fold, the "
        f"activation memory {spread[2]:.1f}-fold."
    )


# ---- 04 training -------------------------------------------------------------------------------------------------------


@figure
def cross_entropy_curves(truth, probability):
    """Draw the loss of a pixel against its probability, for both truths, with some pixels marked.

    Args:
        truth: 0 or 1 for each marked pixel.
        probability: the marked pixels' probabilities, 0..1.
    """
    p = np.linspace(0.01, 0.99, 197)
    fig, axis = plt.subplots(figsize=(0.7 * WIDTH, 3.4))
    for value, colour, dash, curve in ((1, BLUE, "-", -np.log(p)), (0, ORANGE, "--", -np.log(1 - p))):
        axis.plot(p, curve, color=colour, linestyle=dash, label=f"truth {value}")
    for t, q in zip(truth, probability):
        loss = -np.log(q if t else 1 - q)
        axis.plot(q, loss, "o" if t else "s", color=BLUE if t else ORANGE, markersize=9, markeredgecolor=BLACK)
        axis.annotate(f"{loss:.2f}", (q, loss), (0, 11), textcoords="offset points", ha="center")
    axis.set(xlabel="predicted probability of shape", ylabel="loss of the pixel", xlim=(0, 1), ylim=(0, 4.9))
    axis.legend(loc="upper center")
    return fig, (
        "The loss of one pixel against its predicted probability: for truth 1 it falls from above 4 to 0, for truth 0 it "
        "rises in mirror image. Marked pixels on the wrong side lie high on the curves."
    )


@figure
def overfitting(losses, images, masks, probability):
    """Draw the loss of every step on one batch, and how well two of its pictures are remembered at the end.

    Args:
        losses: one value a step.
        images, masks, probability: the batch, its truth and the network's output, ``(N, H, W, C)``.
    """
    fig, (axis, *small) = plt.subplots(1, 4, figsize=(WIDTH, 2.6), width_ratios=(1.9, 1, 1, 1))
    axis.plot(np.arange(1, len(losses) + 1), losses, color=BLUE)
    axis.set(xlabel="step", ylabel="loss", yscale="log")
    for panel, picture, title in zip(small, (images[0], masks[0], probability[0]), ("image", "truth", "output")):
        panel.imshow(picture[..., 0] if picture.shape[-1] == 1 else picture, cmap=IMAGE_MAP, vmin=0, vmax=1)
        panel.set_title(title)
        panel.set_axis_off()
    return fig, (
        "Left: the loss on one batch falls over the steps, on a logarithmic scale. Right: a training image, its mask, and the "
        "network's output after the last step, which repeats the mask."
    )


@figure
def learning_rate(rates):
    """Draw the learning rate of every step."""
    fig, axis = plt.subplots(figsize=(0.7 * WIDTH, 2.4))
    axis.plot(rates, color=BLUE)
    axis.set(xlabel="step", ylabel="learning rate", ylim=(0, None))
    return (
        fig,
        "The learning rate climbs steeply to its peak in the first steps, then falls along half a cosine to almost 0.",
    )


@figure
def training_curves(history):
    """Draw loss and validation IoU after every epoch of a :class:`utils.training.History`."""
    epochs = np.arange(1, len(history) + 1)
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    left.plot(epochs, history.loss, "o-", color=SPLIT_COLOURS["train"], label="training")
    left.plot(epochs, history.val_loss, "s--", color=SPLIT_COLOURS["validation"], label="validation")
    left.set(xlabel="epoch", ylabel="binary cross-entropy", ylim=(0, None))
    left.legend()
    right.plot(epochs, history.val_iou, "s--", color=SPLIT_COLOURS["validation"])
    right.set(xlabel="epoch", ylabel="validation IoU", ylim=(0, 1))
    return fig, (
        "Two panels against the epoch. Left: training and validation loss fall together and end close to each other. "
        "Right: the validation IoU rises and levels off near the top."
    )


@figure
def threshold_curve(thresholds, scores, best):
    """Draw a score against the threshold, with the best threshold marked."""
    fig, axis = plt.subplots(figsize=(0.7 * WIDTH, 2.8))
    axis.plot(thresholds, scores, "o-", color=SPLIT_COLOURS["validation"], markersize=4)
    axis.axvline(best, color=BLACK, linestyle=":", label="best on validation")
    axis.set(xlabel="threshold", ylabel="validation IoU", xlim=(0, 1))
    axis.legend(loc="upper left")
    return fig, "Validation IoU against the threshold: a flat hill that falls off near 0 and near 1; its top is marked."


@figure
def compare_runs(histories):
    """Draw the validation IoU of several runs against the images seen and against the seconds.

    Args:
        histories: dict of name to :class:`utils.training.History`.
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.2), sharey=True)
    looks = zip((BLUE, ORANGE, GREEN, PURPLE), ("o-", "s--", "^-.", "d:"))
    for (name, history), (colour, look) in zip(histories.items(), looks):
        axes[0].plot(history.images, history.val_iou, look, color=colour, label=name)
        axes[1].plot(history.seconds, history.val_iou, look, color=colour, label=name)
    axes[0].set(xlabel="training images seen", ylabel="validation IoU", ylim=(0, 1))
    axes[1].set(xlabel="seconds of training")
    axes[1].legend(loc="lower right")
    return fig, (
        "Validation IoU of the deep and the one-level network, against images seen on the left and seconds on the right: "
        "on both axes the deep network ends far above the one-level network, which levels off early."
    )


@figure
def recall_by_style(recalls):
    """Draw bars of recall on filled and on outlined shapes for several networks.

    Args:
        recalls: dict of network name to dict of style name to recall, 0..1.
    """
    fig, axis = plt.subplots(figsize=(0.7 * WIDTH, 3))
    styles = ("filled", "outlined")
    for k, (style, hatch) in enumerate(zip(styles, ("", "///"))):
        places = np.arange(len(recalls)) + 0.38 * (k - 0.5)
        bars = axis.bar(
            places, [r[style] for r in recalls.values()], 0.34, color=STYLE_COLOURS[style], hatch=hatch,
            edgecolor="white", label=f"{style} shapes",
        )  # fmt: skip
        axis.bar_label(bars, fmt="%.2f", padding=2)
    axis.set(xticks=range(len(recalls)), xticklabels=recalls, ylabel="recall on test images", ylim=(0, 1.3))
    axis.set_yticks((0, 0.5, 1))
    axis.legend(ncols=2, loc="upper center")
    return fig, (
        "Bars of recall on filled and outlined shapes. The deep network finds nearly all of both; the one-level network is "
        "almost as good on filled shapes and misses a large part of the outlined ones."
    )


@figure
def side_by_side(rows, titles):
    """Show rows of pictures with a title over each column: images, masks, outputs.

    Args:
        rows: a list of rows; a row is a list of ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)`` arrays, 0..1.
        titles: one for each column.
    """
    columns = len(titles)
    side = min(WIDTH / columns, 1.9)
    fig, axes = plt.subplots(len(rows), columns, figsize=(side * columns, side * len(rows) + 0.3), squeeze=False)
    for axis_row, row in zip(axes, rows):
        for axis, picture in zip(axis_row, row):
            picture = np.asarray(picture)
            axis.imshow(picture[..., 0] if picture.shape[2:] == (1,) else picture, cmap=IMAGE_MAP, vmin=0, vmax=1)
            axis.set_axis_off()
    for axis, title in zip(axes[0], titles):
        axis.set_title(title)
    return fig, (
        "Test images with outlined shapes beside their masks. The deep network's output fills most of each outline; the "
        "one-level network's output follows the lines and leaves the middle of large outlines empty."
    )


@figure
def seed_spread(rows):
    """Draw the test scores of several seeds as dots, one column a score, one row a network.

    Args:
        rows: list of dicts with ``network``, ``iou``, ``filled``, ``outlined``, one a run.
    """
    scores = {"iou": "IoU", "filled": "recall, filled", "outlined": "recall, outlined"}
    names = list(dict.fromkeys(row["network"] for row in rows))
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 0.9 + 0.6 * len(names)), sharey=True)
    for axis, (score, label) in zip(axes, scores.items()):
        for height, name in enumerate(names):
            values = [row[score] for row in rows if row["network"] == name]
            axis.plot([min(values), max(values)], [height, height], color=GREY, linewidth=1)
            axis.plot(values, [height] * len(values), "osd^"[height % 4], color=LEVEL_COLOURS[height], alpha=0.75)
        axis.set(
            xlabel=label, xlim=(0.4, 1.02), yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5)
        )
    return fig, (
        "Test scores of three seeds a network as dots. The dots of one network lie close together; the two networks are far "
        "apart in IoU and in recall on outlined shapes, and close in recall on filled shapes."
    )


# ---- 05 visualizing ----------------------------------------------------------------------------------------------------


def _error_picture(truth, mask):
    """An error map as RGB ``(H, W, 3)``: ground white, the rest in the colours of the error maps."""
    truth, mask = (np.asarray(a).reshape(np.shape(a)[:2]).astype(bool) for a in (truth, mask))
    picture = np.ones((*truth.shape, 3))
    for where, colour in ((truth & mask, FOUND), (truth & ~mask, MISSED), (mask & ~truth, INVENTED)):
        picture[where] = matplotlib.colors.to_rgb(colour)
    return picture


def _draw_error_map(axis, truth, mask):
    """Draw an error map with the number of pixels of each kind of error below it."""
    axis.imshow(_error_picture(truth, mask))
    missed, invented = np.sum((truth == 1) & (mask == 0)), np.sum((truth == 0) & (mask == 1))
    axis.set_xlabel(f"missed {missed}\ninvented {invented}", fontsize=10)
    axis.set(xticks=[], yticks=[])
    for side in axis.spines.values():
        side.set(visible=True, color=GREY)


def _error_legend(fig):
    """Say below a figure what the colours of an error map mean."""
    names = {"found": FOUND, "missed: shape taken for ground": MISSED, "invented: ground taken for shape": INVENTED}
    patches = [
        plt.Rectangle((0, 0), 1, 1, facecolor=colour, edgecolor=GREY, label=name) for name, colour in names.items()
    ]
    fig.legend(handles=patches, loc="outside lower center", ncols=3)


@figure
def from_image_to_errors(images, masks, probability, row_labels, threshold=0.5):
    """Show, one picture a row: image, truth, probability, mask and error map.

    Args:
        images: ``(N, H, W, 3)``, 0..1.
        masks: the truth, ``(N, H, W, 1)``.
        probability: the network's output, ``(N, H, W, 1)``.
        row_labels: a text for each row.
        threshold: where the probability becomes a mask.
    """
    titles = ("image", "truth", "probability", f"mask: above {threshold:g}", "error map")
    side = WIDTH / 5.3
    fig, axes = plt.subplots(len(images), 5, figsize=(WIDTH, (side + 0.15) * len(images) + 0.5), squeeze=False)
    for row, label, image, truth, p in zip(axes, row_labels, images, masks, probability):
        mask = (p > threshold).astype(np.uint8)
        row[0].imshow(image, vmin=0, vmax=1)
        row[1].imshow(truth[..., 0], cmap=IMAGE_MAP, vmin=0, vmax=1)
        shown = row[2].imshow(p[..., 0], cmap=PROBABILITY_MAP, vmin=0, vmax=1)
        row[3].imshow(mask[..., 0], cmap=IMAGE_MAP, vmin=0, vmax=1)
        _draw_error_map(row[4], truth, mask)
        row[0].set_ylabel(label)
        for axis in row[:4]:
            axis.set(xticks=[], yticks=[])
    for axis, title in zip(axes[0], titles):
        axis.set_title(title)
    fig.colorbar(shown, ax=axes[:, 2], orientation="horizontal", shrink=0.9, aspect=12, ticks=(0, 0.5, 1))
    _error_legend(fig)
    return fig, (
        f"{len(images)} rows of test pictures: image, truth, probability, mask and error map. The probability is near 0 or 1 "
        "almost everywhere. In the poorest row a whole patch is wrong; in the others only thin lines along edges are."
    )


@figure
def feature_u(maps):
    """Show the strongest channels of every level in the form of a U: encoder left, bottleneck below, decoder right.

    Args:
        maps: ``{block name: (h, w, channels) array}`` in the order of the network: encoder levels downward, the bottleneck,
            decoder levels upward. All channels given are shown, each on its own scale.
    """
    names, depth, count = list(maps), len(maps) // 2, next(iter(maps.values())).shape[-1]
    fig, axes = plt.subplots(
        depth + 1, 2 * count + 1, figsize=(WIDTH, 1.55 * (depth + 1)), width_ratios=[1] * count + [0.35] + [1] * count
    )
    fig.get_layout_engine().set(rect=(0, 0, 1, 0.97), h_pad=0.12)
    for axis in axes.flat:
        axis.set_axis_off()
    for k, name in enumerate(names):
        row, right = min(k, 2 * depth - k), k > depth
        columns = range(count + 1, 2 * count + 1) if right else range(count)
        height, width, _ = maps[name].shape
        for channel, column in enumerate(columns):
            axes[row, column].imshow(maps[name][..., channel], cmap=IMAGE_MAP)
        axes[row, columns[0]].set_title(f"{name}: {height} × {width}", loc="left").set_in_layout(False)
    note = axes[depth, count + 1]
    words = "← bottleneck: here the way down ends\n     and the way up begins"
    note.text(0, 0.5, words, transform=note.transAxes, va="center").set_in_layout(False)
    return fig, (
        f"Feature maps in the form of a U, {count} channels a level. Down the left side the maps become coarser, from lines "
        "as thin as in the image to a few large squares; up the right side they become finer again and end as filled shapes."
    )


@figure
def grid(rows, titles, *, alt, cmap=PROBABILITY_MAP):
    """Show rows of pictures, all on the scale from 0 to 1, with a title over each column.

    Args:
        rows: a list of rows; a row is a list of ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)`` arrays.
        titles: one for each column.
        alt: what the pictures show.
        cmap: colour map for single-channel pictures.
    """
    side = WIDTH / len(titles)
    lines = 1 + max(title.count("\n") for title in titles)
    size = (WIDTH, side * len(rows) + 0.2 * lines + 0.1)
    fig, axes = plt.subplots(len(rows), len(titles), figsize=size, squeeze=False)
    for axis_row, row in zip(axes, rows):
        for axis, picture in zip(axis_row, row):
            picture = np.asarray(picture)
            axis.imshow(picture[..., 0] if picture.shape[2:] == (1,) else picture, cmap=cmap, vmin=0, vmax=1)
            axis.set_axis_off()
    for axis, title in zip(axes[0], titles):
        axis.set_title(title)
    return fig, alt


@figure
def effective_fields(fields, pixel, squares, theory):
    """Draw effective receptive fields on a logarithmic scale, and how they compare with the theoretical one.

    Args:
        fields: ``{label: (H, W) array}``, each with sum 1.
        pixel: row and column of the output pixel.
        squares: ``{label: (side that holds half, side that holds nine tenths)}``.
        theory: side of the theoretical receptive field in pixels.
    """
    fig, axes = plt.subplots(1, len(fields) + 1, figsize=(WIDTH, 3.7))
    for axis, (label, field) in zip(axes, fields.items()):
        shown = axis.imshow(np.log10(np.maximum(field, 1e-9)), cmap=PROBABILITY_MAP, vmin=-5.5, vmax=-1.5)
        for side, dash in zip(squares[label], ("-", "--")):
            _draw_square(axis, pixel, side, "white", dash)
        axis.set(title=label, xticks=[], yticks=[])
        axis.set_xlabel("solid: holds half\ndashed: holds 90 %")
    fig.colorbar(shown, ax=axes[:-1], location="left", shrink=0.75, label="log10 of the share")
    last, size = axes[-1], next(iter(fields.values())).shape[0]
    largest = max(side for _, side in squares.values())
    looks = (
        ("theoretical", theory, VERMILLION, "-"),
        ("the image", size, BLACK, "-"),
        ("holds 90 %", largest, BLUE, "--"),
    )
    for label, side, colour, dash in looks:
        _draw_square(last, (0, 0), side, colour, dash)
        last.plot([], [], color=colour, linestyle=dash, label=f"{label}: {side} px")
    reach = theory / 2 + 6
    last.set(title="to scale", xlim=(-reach, reach), ylim=(reach, -reach), aspect="equal")
    last.set_axis_off()
    last.legend(loc="upper center", bbox_to_anchor=(0.5, 0.02))
    return fig, (
        "Effective receptive fields on a logarithmic scale: bright at the output pixel and fading in all directions, narrower "
        "for a pixel near an edge than for one far from edges. To scale, the theoretical field is several times as wide as "
        "the image and the square that holds nine tenths lies within the image."
    )


def _draw_square(axis, centre, side, colour, dash):
    """Draw an empty square around a pixel."""
    corner = (centre[1] - side / 2, centre[0] - side / 2)
    axis.add_patch(plt.Rectangle(corner, side, side, fill=False, edgecolor=colour, linestyle=dash, linewidth=2))


def emerging_animation(images, masks, output, steps) -> bytes:
    """Make an animated picture of masks that emerge during a training.

    The file is an animated PNG: browsers play it, in a notebook or a web page, without running anything. A program that does
    not know animations shows the last moment.

    Args:
        images: ``(n, H, W, 3)``, 0..1.
        masks: ``(n, H, W, 1)``, the truth.
        output: uint8 ``(moments, n, H, W)``, probabilities times 255.
        steps: number of the training step of each moment.

    Returns:
        bytes: of a PNG file. A frame lasts 0.3 s, the last one 3 s; then it begins again.
    """
    from PIL import Image, ImageDraw, ImageFont

    zoom, gap, left, shades, font = 2, 6, 70, 32, ImageFont.load_default(15)

    def strip(pictures):
        """Pictures (n, H, W), palette numbers, side by side, enlarged."""
        large = np.repeat(np.repeat(pictures, zoom, axis=1), zoom, axis=2)
        return np.concatenate([np.pad(p, ((0, gap), (0, gap)), constant_values=white) for p in large], axis=1)

    # One palette for all frames keeps the file small: shades of probability, black, white, the images' main colours.
    count, height, width = np.shape(images)[:3]
    pixels = np.rint(np.asarray(images) * 255).astype(np.uint8).reshape(count * height, width, 3)
    reduced = Image.fromarray(pixels).quantize(200, dither=Image.Dither.NONE)
    shade = matplotlib.colormaps[PROBABILITY_MAP](np.linspace(0, 1, shades))[:, :3]
    palette = [*np.rint(shade * 255).astype(int).ravel().tolist(), 0, 0, 0, 255, 255, 255, *reduced.getpalette()[:600]]
    black, white, first = shades, shades + 1, shades + 2
    fixed = [
        strip(np.asarray(reduced).reshape(count, height, width) + first),
        strip(np.where(np.asarray(masks).reshape(count, height, width), white, black)),
    ]
    frames = []
    for step, moment in zip(steps, output):
        rows = np.concatenate([*fixed, strip(np.rint(moment / 255 * (shades - 1)).astype(int))])
        high = len(rows) // 3
        rows = np.pad(rows, ((0, 22), (left, 0)), constant_values=white).astype(np.uint8)
        frame = Image.frombytes("P", rows.shape[::-1], rows.tobytes())
        frame.putpalette(palette)
        draw = ImageDraw.Draw(frame)
        for row, label in enumerate(("image", "truth", "output")):
            draw.text((4, row * high + high // 2 - 10), label, fill=black, font=font)
        draw.text((left, 3 * high), f"after {step} of {steps[-1]} training steps", fill=black, font=font)
        frames.append(frame)
    buffer = io.BytesIO()
    last, durations = frames[-1], [300] * (len(frames) - 1) + [3000]
    last.save(buffer, "PNG", save_all=True, append_images=frames, default_image=True, duration=durations, loop=0)
    return buffer.getvalue()


@figure
def reliability(everywhere, uncertain):
    """Draw how often pixels of similar probability are shape, and how many pixels there are of each probability.

    Args:
        everywhere, uncertain: :class:`utils.metrics.Calibration` of all pixels, and of those the network is unsure about.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.6))
    left.plot([0, 1], [0, 1], color=GREY, linewidth=1.5, linestyle=":", label="probability = share")
    looks = ((everywhere, BLUE, "o-", "all pixels"), (uncertain, ORANGE, "s--", "unsure pixels"))
    for found, colour, look, label in looks:
        left.plot(found.probability, found.share, look, color=colour, label=f"{label}: {100 * found.error:.1f} % off")
    left.set(xlabel="probability of shape, mean of the bin", ylabel="share that is shape", xlim=(0, 1), ylim=(0, 1))
    left.set_aspect("equal")
    left.legend(loc="upper left", bbox_to_anchor=(1, 1))
    widths = np.diff(everywhere.edges)
    right.bar(everywhere.edges[:-1], everywhere.count, widths, align="edge", color=SKY, edgecolor="white")
    right.set(xlabel="probability of shape", ylabel="pixels (logarithmic)", yscale="log", xlim=(0, 1))
    return fig, (
        "Left: the share of pixels that are shape against their probability; the points lie close to the diagonal. Right: "
        "the number of pixels in each bin, on a logarithmic scale; the first and the last bin hold nearly all of them."
    )


@figure
def error_maps(images, masks, predicted, titles, *, alt, columns=5):
    """Show pictures, each with its error map below it.

    Args:
        images: a sequence of ``(H, W, 3)`` arrays, 0..1.
        masks, predicted: truth and mask of each picture, ``(H, W, 1)``; the size may differ from picture to picture.
        titles: one for each picture.
        alt: what the pictures show.
        columns: how many in a row.
    """
    columns = min(columns, len(titles))
    bands = -(-len(titles) // columns)
    side, lines = WIDTH / columns, 1 + max(title.count("\n") for title in titles)
    high = 2 * 0.9 * side + 0.2 * lines + 0.5
    fig, axes = plt.subplots(2 * bands, columns, figsize=(WIDTH, high * bands + 0.4), squeeze=False)
    for axis in axes.flat:
        axis.set_visible(False)
    for k, (image, truth, mask, title) in enumerate(zip(images, masks, predicted, titles)):
        above, below = (axes[2 * (k // columns) + i, k % columns] for i in (0, 1))
        above.imshow(image, vmin=0, vmax=1)
        above.set(title=title, xticks=[], yticks=[], visible=True)
        below.set_visible(True)
        _draw_error_map(below, truth, mask)
    _error_legend(fig)
    return fig, alt
