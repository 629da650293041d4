"""The figures of notebook 09 real images: what is in the picture, who may see what, cuts, objects, worst cases."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from scipy import ndimage
from skimage.segmentation import find_boundaries, relabel_sequential

from utils import metrics, nuclei, objects, pipeline
from utils.plots.base import (
    BLACK,
    BLUE,
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    GREEN,
    GREY,
    IMAGE_MAP,
    ORANGE,
    PURPLE,
    SKY,
    SPLIT_COLOURS,
    VERMILLION,
    WIDTH,
    YELLOW,
    bare,
    figure,
    legend_below,
    rgb,
)
from utils.plots.paper import coloured

__all__ = [
    "baseline", "object_scores", "outlines", "pairs", "pixels_and_objects", "tiles_that_leak", "who_sees_what", "worst",
]  # fmt: skip


def _outline(axis, labels, colour, dash="-", width=1.4):
    """Draw the edge of every object, also where it meets another one or the side."""
    labels = relabel_sequential(labels)[0]
    look = {"colors": colour, "linewidths": width, "linestyles": dash}
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        # Only the object's own part of the picture: hundreds of contours of all of it would take 1 GB.
        padded = np.pad((labels[rows, columns] == number).astype(np.float32), 1)
        x, y = (np.arange(side.start - 1, side.stop + 1) for side in (columns, rows))
        axis.contour(x, y, padded, [0.5], **look)
    axis.set(xlim=(-0.5, labels.shape[1] - 0.5), ylim=(labels.shape[0] - 0.5, -0.5))


@figure
def pixels_and_objects(image, labels):
    """Draw the brightness of background and objects, the objects' sizes, and their mean brightness.

    Args:
        image: ``(H, W)``, 0..1.
        labels: label map ``(H, W)``.
    """
    sizes = np.unique(labels[labels > 0], return_counts=True)[1]
    means = ndimage.mean(image, labels, np.unique(labels[labels > 0]))
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.9))
    bins = np.linspace(0, 0.5, 51)
    parts = {"background": (image[labels == 0], GREY), "nuclei": (image[labels > 0], BLUE)}
    for name, (values, colour) in parts.items():
        axes[0].hist(np.clip(values, 0, 0.5), bins, color=colour, alpha=0.6, label=name)
    axes[0].set(xlabel="brightness (above .5: last bar)", ylabel="pixels")
    axes[0].legend()
    axes[1].hist(sizes, 20, color=BLUE)
    axes[1].set(xlabel="size, pixels", ylabel="nuclei")
    axes[2].hist(means, 20, color=BLUE)
    axes[2].set(xlabel="mean brightness", ylabel="nuclei")
    for axis in axes[1:]:
        axis.yaxis.get_major_locator().set_params(integer=True)
    middles = ", ".join(f"{name} {np.median(values):.2f}" for name, (values, _) in parts.items())
    return fig, (
        f"Three histograms. Brightness of the pixels, medians: {middles}. Sizes of {len(sizes)} nuclei from {sizes.min()} to "
        f"{sizes.max()} pixels, median {np.median(sizes):.0f}. Their mean brightness from {means.min():.2f} to "
        f"{means.max():.2f}, median {np.median(means):.2f}."
    )


@figure
def who_sees_what(image, roles):
    """Frame the quadrants of a picture in the colours of training, validation and test.

    Args:
        image: ``(H, W)``, 0..1.
        roles: quadrant -> ``"train"``, ``"validation"`` or ``"test"``.
    """
    height, width = (side / 2 for side in image.shape)
    fig, axis = plt.subplots(figsize=(4.4, 4.4))
    axis.imshow(image, cmap=IMAGE_MAP, vmin=0, vmax=1)
    for number, name in enumerate(nuclei.QUADRANTS):
        y, x = np.multiply(divmod(number, 2), (height, width))
        colour = SPLIT_COLOURS[roles[name]]
        axis.add_patch(plt.Rectangle((x + 3, y + 3), width - 7, height - 7, fill=False, lw=5, ec=colour))
        box = {"facecolor": colour, "edgecolor": "none"}
        axis.text(x + 14, y + 30, roles[name], color="white", fontsize=11, bbox=box)
    bare(axis)
    said = ", ".join(f"{name} {roles[name]}" for name in nuclei.QUADRANTS)
    return fig, f"The picture of nuclei with its four quadrants framed: {said}."


@figure
def tiles_that_leak(labels, tests):
    """Colour the objects that lie on both sides, for several ways to choose test pixels.

    Args:
        labels: label map ``(H, W)``.
        tests: name -> bool ``(H, W)``, true on test pixels.
    """
    fig, axes = plt.subplots(1, len(tests), figsize=(WIDTH, WIDTH / len(tests) * 0.95 + 0.4), squeeze=False)
    said = []
    for axis, (name, test) in zip(axes[0], tests.items()):
        inside, outside = (np.unique(labels[where & (labels > 0)]) for where in (test, ~test))
        both = np.intersect1d(inside, outside)
        picture = np.where(test[..., None], [0.85, 0.95, 0.9], [1.0, 1.0, 1.0])
        picture[labels > 0] = 0.6
        picture[np.isin(labels, both)] = rgb([VERMILLION])
        axis.imshow(picture)
        bare(axis, f"{name}: {len(both)} of {len(inside)}")
        said.append(f"{name}: {len(both)} of {len(inside)} nuclei of the test also lie outside of it")
    return fig, f"Test pixels tinted green, nuclei that lie on both sides in vermillion. {'; '.join(said)}."


@figure
def baseline(image, truth, segment, **settings):
    """Show a classical baseline: the picture, wrong pixels of its mask, and its objects.

    Args:
        image: ``(H, W)``, 0..1, shown stretched.
        truth: label map ``(H, W)``.
        segment: a function ``segment(**settings)`` that returns a label map ``(H, W)``.
        settings: what the reader moves.
    """
    predicted = segment(**settings)
    scores = objects.scores(truth, predicted)
    false_negative, false_positive = metrics.error_masks(truth > 0, predicted > 0)
    picture = np.where(truth[..., None] > 0, 0.85, np.ones(3))
    picture[false_negative], picture[false_positive] = rgb([FALSE_NEGATIVE, FALSE_POSITIVE])
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, WIDTH / 3 + 0.4))
    axes[0].imshow(pipeline.stretch(image), cmap=IMAGE_MAP, vmin=0, vmax=1)
    axes[1].imshow(picture)
    axes[2].imshow(coloured(predicted))
    said = ", ".join(f"{name} {value}" for name, value in settings.items())
    found = len(np.unique(predicted[predicted > 0]))
    for axis, title in zip(axes, (said, f"IoU {scores['iou']:.2f}", f"{found} objects, score {scores['ap50']:.2f}")):
        bare(axis, title)
    return fig, (
        f"With {said}: the picture, its wrong pixels (false negatives vermillion, false positives light blue), and the objects "
        f"found. IoU {scores['iou']:.2f}, {found} objects, object score at IoU .5 {scores['ap50']:.2f}."
    )


@figure
def object_scores(curves):
    """Draw the object score against the IoU that a pair must reach.

    Args:
        curves: name -> scores at ``objects.SCORE_THRESHOLDS``; or several rows of scores, whose range is shaded.
    """
    fig, axis = plt.subplots(figsize=(6.5, 3.6))
    looks = ((GREY, "o", ":"), (ORANGE, "s", "--"), (BLUE, "^", "-"), (GREEN, "D", "-."), (PURPLE, "v", "-"))
    thresholds, said = objects.SCORE_THRESHOLDS, []
    for (name, values), (colour, marker, dash) in zip(curves.items(), itertools.cycle(looks)):
        values = np.atleast_2d(values)
        axis.plot(thresholds, values.mean(0), marker, linestyle=dash, color=colour, label=name)
        axis.fill_between(thresholds, values.min(0), values.max(0), color=colour, alpha=0.2, linewidth=0)
        said.append(f"{name} " + ", ".join(f"{value:.2f}" for value in values.mean(0)))
    axis.set(xlabel="IoU that a pair must reach", ylabel="object score", ylim=(0, 1), xticks=thresholds)
    axis.legend()
    return fig, f"Object score against the IoU that a pair must reach, .5 to .9: {'; '.join(said)}."


@figure
def outlines(image, labels, titles):
    """Show a picture several times, each time with the outlines of a label map.

    Args:
        image: ``(H, W)``, 0..1, or a list of them, one for each map.
        labels: list of label maps ``(H, W)``.
        titles: one text a map.
    """
    images = image if isinstance(image, list) else [image] * len(labels)
    fig, axes = plt.subplots(1, len(labels), figsize=(WIDTH, WIDTH / len(labels) + 0.4), squeeze=False)
    for axis, picture, one, title in zip(axes[0], images, labels, titles):
        axis.imshow(picture, cmap=IMAGE_MAP, vmin=0, vmax=1)
        _outline(axis, one, YELLOW)
        bare(axis, title)
    return fig


@figure
def pairs(pairs, kind, names):
    """Show the pairs of a folder: each image with the edges of its mask, classes and objects in colours, void in grey.

    Args:
        pairs: a list of ``folders.Pair``, at most six.
        kind: ``"mask"``, ``"classes"`` or ``"objects"``.
        names: the names of the classes, the background first.
    """
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    fig, axes = plt.subplots(rows, columns, figsize=(WIDTH * columns / 3, 3.3 * rows + 0.4), squeeze=False)
    colours = rgb([GREY, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE])
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, pair in zip(axes.flat, pairs):
        shown = np.broadcast_to(pair.image, (*pair.image.shape[:2], 3)).copy()
        tints = colours[np.where(pair.target > 0, 1 + (pair.target - 1) % 7, 0)]
        fill = pair.target > 0
        shown[fill] = 0.7 * shown[fill] + 0.3 * tints[fill]
        edges = find_boundaries(pair.target, mode="inner")
        shown[edges] = tints[edges]
        if pair.weight is not None:
            shown[pair.weight == 0] = to_rgb(GREY)
        axis.set_axis_on()
        axis.imshow(shown, vmin=0, vmax=1)
        bare(axis, pair.name[-28:])
    if kind != "objects" and 1 < len(names) <= 8:
        legend_below(fig, {name: colours[k] for k, name in enumerate(names)})
    covered = ", ".join(f"{pair.name} {np.mean(pair.target > 0):.0%}" for pair in pairs)
    return fig, f"Images with their masks drawn over them; what is not background covers: {covered}."


@figure
def worst(image, truth, predicted, cases, reach=24):
    """Look closely at single objects: true outline and predicted outlines over the picture.

    Args:
        image: ``(H, W)``, 0..1.
        truth, predicted: label maps ``(H, W)``.
        cases: list of ``(row, column, title)``, the places to look at.
        reach: pixels shown to each side.
    """
    columns = min(5, len(cases))
    rows = -(-len(cases) // columns)
    fig, axes = plt.subplots(rows, columns, figsize=(WIDTH, rows * (WIDTH / columns + 0.35) + 0.3), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    padded = [np.pad(array, reach) for array in (image, truth, predicted)]
    for axis, (row, column, title) in zip(axes.flat, cases):
        picture, true, found = (array[row : row + 2 * reach, column : column + 2 * reach] for array in padded)
        axis.set_axis_on()
        axis.imshow(picture, cmap=IMAGE_MAP, vmin=0, vmax=1)
        _outline(axis, true, YELLOW, width=2.2)
        _outline(axis, found, SKY, "--")
        bare(axis, title)
    lines = {"annotated": {"color": YELLOW, "lw": 2.2}, "predicted": {"color": SKY, "ls": "--", "lw": 1.4}}
    handles = [plt.Line2D([], [], label=label, **look) for label, look in lines.items()]
    legend = fig.legend(handles=handles, loc="outside lower center", ncols=2, labelcolor="white")
    legend.set_frame_on(True)
    legend.get_frame().set(facecolor=BLACK, edgecolor=BLACK)
    titles = "; ".join(title.replace("\n", " ") for _, _, title in cases)
    return fig, f"Single places of the picture with annotated and predicted outlines: {titles}."
