"""The figures of notebook 08 the paper: crops, objects, weights, bent images, tiles."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np

from utils import objects as label_maps
from utils import pipeline
from utils.plots.base import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    IMAGE_MAP,
    LEVEL_COLOURS,
    ORANGE,
    PROBABILITY_MAP,
    PURPLE,
    SKY,
    TRUE_POSITIVE,
    VERMILLION,
    WIDTH,
    YELLOW,
    bare,
    dashed_frame,
    figure,
    legend_below,
    rgb,
    tile_borders,
)

__all__ = [
    "bent_by", "crops", "distances_and_weight", "laid_over", "memory", "mirrored", "objects", "seams_by_halo", "verdicts",
]  # fmt: skip

OBJECTS = (SKY, ORANGE, GREEN, PURPLE, BLUE, YELLOW, VERMILLION)
"""The colours that objects of a label map take in turn; the background is white."""

_FATES = {
    "matched": (TRUE_POSITIVE, ""), "under-segmented": (VERMILLION, "////"), "over-segmented": (YELLOW, "\\" * 4),
    "false negative": (SKY, "...."),
}  # fmt: skip


def coloured(labels) -> np.ndarray:
    """A label map ``(H, W)`` as an RGB picture ``(H, W, 3)``, a colour an object."""
    return np.where(labels[..., None] > 0, rgb(OBJECTS)[(labels - 1) % len(OBJECTS)], 1.0)


# ---- What arrives and what comes out -----------------------------------------------------------------------------------


@figure
def crops(sizes):
    """Draw, level by level, what arrives over a skip connection and the middle that is kept.

    Args:
        sizes: for each level from the top: side of what arrives, side of what is kept, in pixels of that level.
    """
    fig, axes = plt.subplots(1, len(sizes), figsize=(WIDTH, WIDTH / len(sizes) + 0.6), squeeze=False)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 3}
    levels = enumerate(zip(axes[0], sizes, itertools.cycle(LEVEL_COLOURS)), start=1)
    for level, (axis, (arrives, kept), colour) in levels:
        edge = (arrives - kept) / 2
        axis.add_patch(plt.Rectangle((0, 0), arrives, arrives, facecolor=TRUE_POSITIVE, edgecolor=GREY, hatch="//"))
        axis.add_patch(plt.Rectangle((edge, edge), kept, kept, facecolor=colour, edgecolor=BLACK))
        axis.text(arrives / 2, arrives / 2, f"{kept}", ha="center", va="center", fontsize=13, bbox=box)
        axis.set(xlim=(0, arrives), ylim=(arrives, 0), aspect="equal", xlabel=f"keeps {kept**2 / arrives**2:.0%}")
        bare(axis, f"level {level}: {arrives}")
    said = "; ".join(f"level {level}: {kept} of {arrives}" for level, (arrives, kept) in enumerate(sizes, start=1))
    return fig, f"Squares for what each skip connection brings, with the kept middle in colour: {said} pixels."


@figure
def laid_over(image, output):
    """Show an image, and the same image with a smaller output laid over its middle.

    Args:
        image: ``(H, H, 3)``, 0..1.
        output: probabilities ``(h, h)``, smaller than the image by the same amount on all sides.
    """
    whole, side = len(image), len(output)
    start = (whole - side) // 2
    end = start + side
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, WIDTH / 2 + 0.3))
    axes[0].imshow(image)
    axes[1].imshow(0.5 + 0.5 * image)
    axes[1].imshow(output, extent=(start, end, end, start), cmap=PROBABILITY_MAP, vmin=0, vmax=1)
    for axis, title in zip(axes, (f"input, {whole} x {whole}", f"output, {side} x {side}")):
        axis.set(xlim=(0, whole), ylim=(whole, 0))
        dashed_frame(axis, (start, start), side, side, thickness=3)
        bare(axis, title)
    return fig, (
        f"An image of {whole} pixels with a dashed window of {side} pixels in its middle; beside it the output lies in that "
        "window, and the margin around it gets no answer."
    )


@figure
def mirrored(image, border):
    """Show an image continued beyond its border, which is dashed.

    Args:
        image: ``(H + 2 border, W + 2 border, 3)``.
        border: in pixels.
    """
    height, width = (side - 2 * border for side in image.shape[:2])
    fig, axis = plt.subplots(figsize=(4.6, 4.6))
    axis.imshow(image)
    dashed_frame(axis, (border - 0.5, border - 0.5), width, height)
    bare(axis)
    inside = image[border : border + height, border : border + width]
    mirror = np.array_equal(image, np.pad(inside, ((border, border), (border, border), (0, 0)), "reflect"))
    return fig, (
        f"An image of {height} x {width} pixels, framed, continued by {border} pixels on each side: beyond the frame lies "
        f"{'the' if mirror else 'no'} mirror image of what is inside."
    )


# ---- Objects -----------------------------------------------------------------------------------------------------------


@figure
def objects(rows, titles, *, row_labels=None, side=None):
    """Show images and label maps in a grid; each object of a label map has a colour.

    Args:
        rows: list of rows; each is a list of ``(H, W, 3)`` images, integer ``(H, W)`` label maps, or float ``(H, W)`` maps of
            values 0..1.
        titles: one text a column.
        row_labels: one text a row, or None.
        side: width of a panel in inches.
    """
    side = side or min(WIDTH / len(titles), 2.4)
    size = (side * len(titles), side * len(rows) + 0.3)
    fig, axes = plt.subplots(len(rows), len(titles), figsize=size, squeeze=False)
    for axis_row, row in zip(axes, rows):
        for axis, picture in zip(axis_row, row):
            labels = picture.ndim == 2 and picture.dtype.kind in "iu"
            axis.imshow(coloured(picture) if labels else picture, cmap=PROBABILITY_MAP, vmin=0, vmax=1)
            bare(axis)
    for axis, title in zip(axes[0], titles):
        axis.set_title(title)
    for axis, label in zip(axes[:, 0], row_labels or []):
        axis.set_ylabel(label)
    return fig


@figure
def distances_and_weight(labels, w0=10.0, sigma=5.0):
    """Draw a label map, d1, d2 and the weights that they give.

    Args:
        labels: ``(H, W)``, two objects or more.
        w0, sigma: as for :func:`utils.objects.weight_map`.
    """
    d1, d2 = label_maps.nearest_distances(labels)
    weight = label_maps.weight_map(labels, w0, sigma)
    fig, axes = plt.subplots(1, 4, figsize=(WIDTH, 3.2))
    axes[0].imshow(coloured(labels))
    for axis, chart, top in zip(axes[1:], (d1, d2, weight), (30, 30, w0 + 1)):
        shown = axis.imshow(chart, cmap=PROBABILITY_MAP, vmin=0, vmax=top)
        fig.colorbar(shown, ax=axis, location="bottom", shrink=0.85)
    for axis, title in zip(axes, ("objects", "d1, pixels", "d2, pixels", f"weight, sigma {sigma:g}")):
        bare(axis, title)
    return fig, (
        f"Objects, the distances d1 and d2, and the weight for w0 = {w0:g} and sigma = {sigma:g} pixels, "
        f"{weight.min():.2f} to {weight.max():.2f}: bright in the gaps, where both distances are small; "
        f"{(weight > 0.5 * weight.max()).mean():.1%} of the pixels weigh more than half of the largest weight."
    )


@figure
def verdicts(images, truths, predictions, *, live=False):
    """Show images and, for each set of predicted objects, what became of the true ones.

    Args:
        images: ``(N, H, W, 3)``, 0..1.
        truths: label maps ``(N, H, W)``.
        predictions: name -> label maps ``(N, H, W)``.
        live: the predictions come from a training that gives others each time; the text then names no counts.
    """
    count, rows = len(images), 1 + len(predictions)
    fig, axes = plt.subplots(rows, count, figsize=(WIDTH, WIDTH / count * rows + 0.5), squeeze=False)
    colours, hatches = ({word: look[k] for word, look in _FATES.items()} for k in (0, 1))
    for axis, image in zip(axes[0], images):
        axis.imshow(image)
    said = []
    for row, (name, labels) in zip(axes[1:], predictions.items()):
        counts = dict.fromkeys(_FATES, 0)
        for axis, truth, predicted in zip(row, truths, labels):
            picture = np.ones((*truth.shape, 3))
            for number, (word, _) in sorted(label_maps.fates(truth, predicted).items()):
                counts[word] += 1
                picture[truth == number] = rgb([colours[word]])
                if hatches[word]:
                    axis.contourf(truth == number, [0.5, 1.5], colors="none", hatches=[hatches[word]])
            axis.imshow(picture)
            axis.contour(predicted > 0, [0.5], colors=BLACK, linewidths=0.8)
        said.append(f"{name}: " + ", ".join(f"{word} {n}" for word, n in counts.items()))
    for axis, label in zip(axes[:, 0], ("image", *predictions)):
        axis.set_ylabel(label)
    for axis in axes.flat:
        bare(axis)
    legend_below(fig, colours, hatches)
    alt = "Images of touching discs, and below them the true discs, coloured and hatched by what became of them"
    return fig, f"{alt}." if live else f"{alt}. {'; '.join(said)}."


# ---- Elastic deformation -----------------------------------------------------------------------------------------------


@figure
def bent_by(image, mask, deviation=1.25):
    """Show an image with its grid and displacement vectors, and image and mask after the deformation, with the bent grid.

    Args:
        image: ``(H, H, 3)``, 0..1.
        mask: ``(H, H, 1)``.
        deviation: standard deviation of the nine vectors in pixels; they are always those of seed 3.
    """
    coarse = deviation * np.random.default_rng(3).normal(0, 1, (2, 3, 3))
    side = len(image)
    field = pipeline.interpolate_field(coarse, (side, side))
    moved, moved_mask = pipeline.deform(image, mask, field)
    folded = pipeline.folding_share(field)
    still = np.indices((side, side))
    fig, axes = plt.subplots(1, 4, figsize=(WIDTH, WIDTH / 4 + 0.4))
    for axis, picture, places in zip(axes, (image, moved, mask, moved_mask), (still, still + field) * 2):
        axis.imshow(picture, cmap=IMAGE_MAP, vmin=0, vmax=1)
        for place in places:
            axis.contour(place, np.arange(0, side, 8), colors=[YELLOW], linewidths=0.7)
    y, x = np.meshgrid(*[np.linspace(0, side - 1, 3)] * 2, indexing="ij")
    look = {"headwidth": 4, "headlength": 4, "headaxislength": 4, "minshaft": 2, "minlength": 0.5, "width": 0.018}
    look |= {"angles": "xy", "scale_units": "xy", "scale": 1, "color": ORANGE, "edgecolor": BLACK, "linewidth": 0.6}
    axes[0].quiver(x, y, coarse[1], coarse[0], **look)
    tips = (x + coarse[1], y + coarse[0])
    ends = np.array([(min(0, tip.min()) - 4, max(side - 1, tip.max()) + 4) for tip in tips])  # no arrow is cut off
    (left, right), (top, bottom) = ends.mean(1, keepdims=True) + np.ptp(ends, axis=1).max() / 2 * np.array([-1, 1])
    axes[0].set(xlim=(left, right), ylim=(bottom, top), xlabel=f"{deviation:g} px")
    axes[1].set_xlabel(f"folded: {folded:.0%}")
    for axis, title in zip(axes, ("image, where to look", "bent image", "mask", "bent mask")):
        bare(axis, title)
    return fig, (
        f"Standard deviation {deviation:g} pixels, {folded:.0%} of the pixels folded. An image with a square grid and "
        f"{x.size} arrows, {np.hypot(*coarse).mean():.1f} pixels long on average; the bent image with its bent grid; mask "
        "and bent mask, which follow the same grid."
    )


# ---- Large images ------------------------------------------------------------------------------------------------------


@figure
def seams_by_halo(image, whole, tiled, tile):
    """Show a part of a scene, and how far predictions in tiles lie from the whole one, for several halos.

    Args:
        image: ``(H, W, 3)``, 0..1.
        whole: probabilities ``(H, W, 1)``, predicted in one piece.
        tiled: halo in pixels -> probabilities of the same shape.
        tile: side of a tile in pixels.
    """
    fig, axes = plt.subplots(1, 1 + len(tiled), figsize=(WIDTH, WIDTH / (1 + len(tiled)) + 1.2))
    axes[0].imshow(image)
    said = []
    for axis, (halo, output) in zip(axes[1:], tiled.items()):
        difference = np.abs(output - whole)
        shown = axis.imshow(np.log10(np.maximum(difference, 1e-7)), cmap=PROBABILITY_MAP, vmin=-6, vmax=0)
        said.append(f"halo {halo}: {(difference > 1e-4).mean():.0%} of the pixels differ by more than .0001")
    for axis, title in zip(axes, ("scene", *(f"halo {halo} px" for halo in tiled))):
        bare(axis, title)
        tile_borders(axis, tile, image, linewidth=0.8)
    look = {"location": "bottom", "shrink": 0.6, "label": "difference from the whole", "ticks": [-6, -4, -2, 0]}
    fig.colorbar(shown, ax=axes[1:], **look).ax.set_xticklabels(["0.000001", "0.0001", "0.01", "1"])
    return fig, (
        "A scene and the difference between predictions in tiles and in one piece, on a logarithmic scale. "
        f"{'; '.join(said)}."
    )


@figure
def memory(sides, megabytes):
    """Draw memory against the side of a scene, both logarithmic.

    Args:
        sides: in pixels.
        megabytes: name -> one number a side.
    """
    fig, axis = plt.subplots(figsize=(7, 3.6))
    looks = itertools.cycle(zip((VERMILLION, BLUE, GREEN), "so^", ("-", "--", ":")))
    for (name, values), (colour, marker, dash) in zip(megabytes.items(), looks):
        axis.loglog(sides, values, color=colour, marker=marker, linestyle=dash, label=name)
    axis.set(xlabel="side of the scene, px", ylabel="MB", xticks=sides, xticklabels=sides)
    axis.minorticks_off()
    axis.legend()
    said = "; ".join(f"{name}: {values[0]:.0f} to {values[-1]:.0f} MB" for name, values in megabytes.items())
    return fig, f"Memory against the side of a scene, {sides[0]} to {sides[-1]} pixels. {said}."
