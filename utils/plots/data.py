"""The figures of notebook 02 data."""

from __future__ import annotations

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from utils.plots.base import (
    BLACK,
    BLUE,
    CLASS_COLOURS,
    GREEN,
    GREY,
    IMAGE_MAP,
    ORANGE,
    PURPLE,
    STYLE_COLOURS,
    WIDTH,
    YELLOW,
    figure,
)


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
