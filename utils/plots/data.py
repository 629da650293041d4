"""The figures of notebook 02 data."""

from __future__ import annotations

import dataclasses

import matplotlib.pyplot as plt
import numpy as np

from utils import shapes
from utils.plots.base import (
    BLACK,
    BLUE,
    CLASS_COLOURS,
    GREEN,
    GREY,
    IMAGE_MAP,
    ORANGE,
    PURPLE,
    SKY,
    STYLE_COLOURS,
    WIDTH,
    YELLOW,
    figure,
    rgb,
)

__all__ = ["balance", "maps", "outline_problem", "overlays", "repainted"]

_OBJECTS = {"background": GREY, "first": BLUE, "second": ORANGE, "third": GREEN, "fourth": PURPLE}


def _contour(axis, mask):
    """Draw the edge of a mask as a yellow line with a black rim, which shows on any picture."""
    mask = np.asarray(mask, float).squeeze()
    height, width = mask.shape
    if mask.min() < 0.5 < mask.max():
        for colour, thickness in ((BLACK, 3.5), (YELLOW, 1.7)):
            # One pixel more on every side closes the line of a shape that touches the border.
            place = (-1.5, width + 0.5, -1.5, height + 0.5)
            axis.contour(np.pad(mask, 1), [0.5], colors=colour, linewidths=thickness, extent=place)
    axis.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


@figure
def overlays(images, masks, titles=None, *, columns=None, row_labels=None, side=None):
    """Show images with the edges of their masks drawn over them.

    Args:
        images: a sequence of ``(H, W, 3)`` arrays, 0..1.
        masks: as many ``(H, W)`` or ``(H, W, 1)`` arrays, 0 or 1.
        titles: one text an image, or None.
        columns: how many in a row; all by default, at most 6.
        row_labels: one text a row, written at its left, or None.
        side: width of an image in inches.
    """
    columns = columns or min(len(images), 6)
    rows = -(-len(images) // columns)
    margin = 0.4 * bool(row_labels)
    side = side or min((WIDTH - margin) / columns, 3)
    size = (side * columns + margin, (side + 0.3 * bool(titles)) * rows)
    fig, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    for axis, image, mask, title in zip(axes.flat, images, masks, titles or [""] * len(images)):
        axis.imshow(image, vmin=0, vmax=1)
        _contour(axis, mask)
        axis.set_title(title)
    for axis, text in zip(axes[:, 0], row_labels or []):
        axis.set_ylabel(text)
    covered = ", ".join(f"{np.mean(mask):.0%}" for mask in masks)
    return fig, f"Pictures with the edge of the mask drawn over each. The masks cover {covered} of the pictures."


@figure
def repainted(plan, *, noise, line):
    """Show one planned image with other noise and other lines: the image, its mask, and one row as a curve.

    Args:
        plan: a ``shapes.Plan`` of one image.
        noise: standard deviation of the noise, on the 0..1 scale.
        line: thickness of an outline, as a fraction of the image's side.
    """
    one = np.ones(1, np.float32)
    sample = shapes.paint(dataclasses.replace(plan, noise=noise * one, line=line * one))
    image, mask = sample.images[0], sample.masks[0, ..., 0]
    row, columns = len(image) // 2, np.arange(len(image))
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.3), width_ratios=(1, 1, 2.3))
    axes[0].imshow(image, vmin=0, vmax=1)
    axes[0].set(title=f"noise {noise:g}, line {line:g}", xticks=[], yticks=[row], yticklabels=[f"row {row}"])
    axes[1].imshow(mask, cmap=IMAGE_MAP, vmin=0, vmax=1)
    axes[1].set(title=f"mask: {mask.sum():,} px", xticks=[], yticks=[])
    axes[2].fill_between(columns, 0, 1, where=mask[row] == 1, step="mid", color=SKY, alpha=0.35, label="mask is 1")
    axes[2].plot(columns, image[row, :, 0], color=BLACK, linewidth=1.3, label="red channel")
    axes[2].set(title=f"row {row}", xlim=(0, len(image) - 1), ylim=(0, 1.0), yticks=[0, 0.5, 1], xlabel="column")
    axes[2].legend(loc="center left", bbox_to_anchor=(1, 0.5), handlelength=1.2)
    for axis in axes[:2]:
        axis.spines[:].set_visible(False)
    return fig, (
        f"With noise {noise:g} and line {line:g}: a picture, its mask of {mask.sum():,} pixels, and the red channel along "
        f"row {row} as a curve, with the columns shaded where the mask is 1."
    )


@figure
def maps(sample):
    """Show the five things that are known about one image: image, mask, class map, instance map, style map.

    Args:
        sample: a ``shapes.Samples`` of one image.
    """
    charts = {
        "mask": (sample.masks[0, ..., 0], {"background": GREY, "shape": BLUE}),
        "classes": (sample.classes[0], CLASS_COLOURS),
        "instances": (sample.instances[0], _OBJECTS),
        "styles": (sample.styles[0], STYLE_COLOURS),
    }
    fig, axes = plt.subplots(1, 5, figsize=(WIDTH, 2.75))
    axes[0].imshow(sample.images[0], vmin=0, vmax=1)
    axes[0].set_title("images")
    for axis, (title, (chart, colours)) in zip(axes[1:], charts.items()):
        palette, names = rgb(colours.values()), list(colours)
        axis.imshow(palette[chart])
        axis.set_title(title)
        values = np.unique(chart)
        patches = [plt.Rectangle((0, 0), 1, 1, facecolor=palette[value], edgecolor=BLACK) for value in values]
        texts = [f"{value} {names[value]}" for value in values]
        axis.legend(patches, texts, loc="upper center", bbox_to_anchor=(0.5, -0.02), handlelength=1, borderpad=0)
    for axis in axes:
        axis.set_axis_off()
    kinds = " and ".join(list(CLASS_COLOURS)[value] for value in np.unique(sample.classes[0]) if value)
    return fig, (
        f"A picture of {kinds}, and four maps of it with the same edge against the background: the mask joins all shapes, "
        "the class map tells their kinds, the instance map their order, the style map filled from outlined."
    )


@figure
def outline_problem(with_shape, without, window):
    """Show two images, the same window of each enlarged, and the targets in that window.

    Args:
        with_shape: a ``shapes.Samples`` of one image.
        without: the same for the other image.
        window: a slice of rows and columns.
    """
    fig, axes = plt.subplots(2, 3, figsize=(0.8 * WIDTH, 5))
    length = window.stop - window.start
    windows = []
    for row, sample in zip(axes, (with_shape, without)):
        image, mask = sample.images[0], sample.masks[0]
        part, target = image[window, window], mask[window, window, 0]
        row[0].imshow(image, vmin=0, vmax=1)
        _contour(row[0], mask)
        for colour, width in ((BLACK, 4), ("white", 2)):
            corner = (window.start - 0.5, window.start - 0.5)
            row[0].add_patch(plt.Rectangle(corner, length, length, fill=False, edgecolor=colour, linewidth=width))
        row[1].imshow(part, vmin=0, vmax=1)
        row[2].imshow(target, cmap=IMAGE_MAP, vmin=0, vmax=1)
        row[2].add_patch(plt.Rectangle((-0.5, -0.5), length, length, fill=False, edgecolor=BLACK, linewidth=2))
        for value in np.unique(target):
            y, x = np.argwhere(target == value).mean(axis=0)
            row[2].text(x, y, f"target {value}", ha="center", va="center", color="black" if value else "white")
        windows.append((part, np.unique(target).tolist()))
    for axis, title in zip(axes[0], ("image and mask", f"{length} x {length} window", "mask in the window")):
        axis.set_title(title)
    for axis in axes.flat:
        axis.set_axis_off()
    (above, first), (below, second) = windows
    return fig, (
        f"Two pictures, above with a shape and below without, and a {length} x {length} window of each, enlarged. The "
        f"windows are {'the same' if np.array_equal(above, below) else 'different'}; their targets are {first} above and "
        f"{second} below."
    )


@figure
def balance(by_kind, by_style):
    """Show how much of all pixels each kind and each style takes.

    Args:
        by_kind: name of a class -> share, 0..1.
        by_style: name of a style -> share, 0..1.
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
