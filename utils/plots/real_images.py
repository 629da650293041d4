"""The figures of notebook 09 real images: what is in the picture, who may see what, cuts, objects, worst cases."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import find_objects

from utils import given, instances, metrics, nuclei
from utils.plots.base import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    SPLIT_COLOURS,
    VERMILLION,
    WIDTH,
    YELLOW,
    figure,
)
from utils.plots.inputs import check_lengths, check_sizes, subplots, told_apart
from utils.plots.paper import coloured

_LINES = ((GREY, "o", ":"), (ORANGE, "s", "--"), (BLUE, "^", "-"), (GREEN, "D", "-."), (PURPLE, "v", "-"))


def _bare(axis, title=""):
    """No ticks, a thin frame."""
    axis.set(xticks=[], yticks=[], title=title)
    for side in axis.spines.values():
        side.set(visible=True, color=GREY)


def _outline(axis, labels, colour, dash="-", width=1.4):
    """Draw the edge of every object, also where it meets another one or the side."""
    labels = nuclei.renumber(labels)
    for number, box in enumerate(find_objects(labels), start=1):
        if box is None:
            continue
        rows, columns = (
            box  # only the object's own part of the picture: hundreds of contours of all of it would take 1 GB
        )
        padded = np.pad((labels[box] == number).astype(np.float32), 1)
        axis.contour(
            np.arange(columns.start - 1, columns.stop + 1), np.arange(rows.start - 1, rows.stop + 1), padded, [0.5],
            colors=colour, linewidths=width, linestyles=dash,
        )  # fmt: skip
    axis.set(xlim=(-0.5, labels.shape[1] - 0.5), ylim=(labels.shape[0] - 0.5, -0.5))


@figure
def pixels_and_objects(image, labels):
    """Draw the brightness of ground and objects, the objects' sizes, and their mean brightness.

    Args:
        image: ``(H, W)``, 0..1.
        labels: label map ``(H, W)``.
    """
    image, labels = given.finite("image", image), instances.check_labels("labels", labels)
    check_sizes(image=image, labels=labels)
    if image.ndim != 2 or not image.size or image.min() < 0 or image.max() > 1:
        raise ValueError(f"image is {given.shown(image)}; it needs (H, W) and values in 0..1.")
    numbers = np.unique(labels[labels > 0])
    sizes = np.array([(labels == number).sum() for number in numbers])
    means = np.array([image[labels == number].mean() for number in numbers])
    fig, axes = subplots(1, 3, figsize=(WIDTH, 2.9))
    bins = np.linspace(0, 0.5, 51)
    for where, colour, name in ((labels == 0, GREY, "ground"), (labels > 0, BLUE, "nuclei")):
        axes[0].hist(np.clip(image[where], 0, 0.5), bins, color=colour, alpha=0.6, label=name)
    axes[0].set(xlabel="brightness (above .5: last bar)", ylabel="pixels")
    axes[0].legend()
    axes[1].hist(sizes, 20, color=BLUE)
    axes[1].set(xlabel="size, pixels", ylabel="nuclei")
    axes[2].hist(means, 20, color=BLUE)
    axes[2].set(xlabel="mean brightness", ylabel="nuclei")
    for axis in axes[1:]:
        axis.yaxis.get_major_locator().set_params(integer=True)
    return fig, (
        f"Three histograms. Brightness of ground and nuclei overlaps, with ground mostly below nuclei. Sizes of {len(sizes)} "
        f"nuclei from {sizes.min()} to {sizes.max()} pixels, median {np.median(sizes):.0f}. Their mean brightness from "
        f"{means.min():.2f} to {means.max():.2f}, median {np.median(means):.2f}."
    )


@figure
def who_sees_what(image, roles):
    """Frame the quadrants of a picture in the colours of training, validation and test.

    Args:
        image: ``(H, W)``, 0..1.
        roles: quadrant -> ``"train"``, ``"validation"`` or ``"test"``.
    """
    height, width = (given.whole("a side of the image", side, 16) / 2 for side in np.shape(image))
    fig, axis = subplots(figsize=(4.4, 4.4))
    axis.imshow(image, cmap="gray", vmin=0, vmax=1)
    for number, name in enumerate(nuclei.QUADRANTS):
        (row, column), role = divmod(number, 2), roles[name]
        box = plt.Rectangle(
            (column * width + 3, row * height + 3), width - 7, height - 7, fill=False, lw=5, ec=SPLIT_COLOURS[role]
        )
        axis.add_patch(box)
        axis.text(
            column * width + 14, row * height + 30, role, color="white", fontsize=11,
            bbox={"facecolor": SPLIT_COLOURS[role], "edgecolor": "none"},
        )  # fmt: skip
    _bare(axis)
    said = ", ".join(f"{name} {roles[name]}" for name in nuclei.QUADRANTS)
    return fig, f"The picture of nuclei with its four quadrants framed: {said}."


@figure
def tiles_that_leak(labels, tests):
    """Colour the objects that lie on both sides, for several ways to choose test pixels.

    Args:
        labels: label map ``(H, W)``.
        tests: name -> bool ``(H, W)``, true on test pixels.
    """
    labels = instances.check_labels("labels", labels)
    for name, test in tests.items():
        if np.shape(test) != labels.shape or np.asarray(test).dtype != bool:
            raise ValueError(f"{name} is {given.shown(test)}; it needs bool and the shape {labels.shape} of labels.")
    fig, axes = subplots(1, len(tests), figsize=(WIDTH, WIDTH / len(tests) * 0.95 + 0.4))
    said = []
    for axis, (name, test) in zip(np.atleast_1d(axes), tests.items()):
        inside, outside = np.unique(labels[test]), np.unique(labels[~test])
        both = np.intersect1d(inside, outside)
        both, inside = both[both > 0], inside[inside > 0]
        picture = np.where(test[..., None], [0.85, 0.95, 0.9], [1.0, 1.0, 1.0])
        picture[labels > 0] = [0.6, 0.6, 0.6]
        picture[np.isin(labels, both)] = plt.matplotlib.colors.to_rgb(VERMILLION)
        axis.imshow(picture)
        _bare(axis, f"{name}: {len(both)} of {len(inside)}")
        said.append(f"{name}: {len(both)} of {len(inside)} nuclei of the test also lie outside of it")
    return fig, f"Test pixels tinted green, nuclei that lie on both sides in vermillion. {'; '.join(said)}."


@figure
def cut(image, truth, segment, **settings):
    """Show a classical baseline: the picture, wrong pixels of its mask, and its objects.

    Args:
        image: ``(H, W)``, 0..1, shown stretched.
        truth: label map ``(H, W)``.
        segment: a function ``segment(**settings)`` that returns a label map ``(H, W)``.
        settings: what the reader moves.
    """
    predicted = given.function("segment", segment)(**settings)
    scores = nuclei.score(truth, predicted)
    check_sizes(image=image, truth=truth)
    missed, invented = metrics.errors(truth > 0, predicted > 0)
    picture = np.ones((*truth.shape, 3))
    picture[(truth > 0) & ~missed] = 0.85
    picture[missed], picture[invented] = (plt.matplotlib.colors.to_rgb(colour) for colour in (VERMILLION, SKY))
    fig, axes = subplots(1, 3, figsize=(WIDTH, WIDTH / 3 + 0.4))
    axes[0].imshow(nuclei.stretch(image), cmap="gray", vmin=0, vmax=1)
    axes[1].imshow(picture)
    axes[2].imshow(coloured(predicted))
    said = ", ".join(f"{name} {value}" for name, value in settings.items())
    found = len(np.unique(predicted[predicted > 0]))
    for axis, title in zip(axes, (said, f"IoU {scores['iou']:.2f}", f"{found} objects, score {scores['ap50']:.2f}")):
        _bare(axis, title)
    return fig, (
        f"With {said}: the picture, its wrong pixels (vermillion missed, light blue invented), and the objects found. "
        f"IoU {scores['iou']:.2f}, {found} objects, object score at IoU .5 {scores['ap50']:.2f}."
    )


@figure
def object_scores(curves):
    """Draw the object score against the IoU that a pair must reach.

    Args:
        curves: name -> scores at ``nuclei.THRESHOLDS``; or several rows of scores, whose range is shaded.
    """
    fig, axis = subplots(figsize=(6.5, 3.6))
    said = []
    for (name, values), (colour, marker, dash) in told_apart(curves.items(), _LINES):
        values = np.atleast_2d(given.finite(f"scores of {name}", values).astype(float))
        axis.plot(nuclei.THRESHOLDS, values.mean(0), marker, linestyle=dash, color=colour, label=name)
        axis.fill_between(nuclei.THRESHOLDS, values.min(0), values.max(0), color=colour, alpha=0.2, linewidth=0)
        said.append(f"{name} " + ", ".join(f"{value:.2f}" for value in values.mean(0)))
    axis.set(xlabel="IoU that a pair must reach", ylabel="object score", ylim=(0, 1), xticks=nuclei.THRESHOLDS)
    axis.legend()
    return fig, f"Object score against the IoU that a pair must reach, .5 to .9: {'; '.join(said)}."


@figure
def outlines(image, labels, titles, *, alt):
    """Show a picture several times, each time with the outlines of a label map.

    Args:
        image: ``(H, W)``, 0..1, or a list of them, one for each map.
        labels: list of label maps ``(H, W)``.
        titles: one text a map.
        alt: what it shows.
    """
    images = image if isinstance(image, list) else [image] * len(labels)
    check_lengths(images=images, labels=labels, titles=titles)
    for picture, one in zip(images, labels):
        check_sizes(image=picture, labels=one)
    fig, axes = subplots(1, len(labels), figsize=(WIDTH, WIDTH / len(labels) + 0.4), squeeze=False)
    for axis, picture, one, title in zip(axes[0], images, labels, titles):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1)
        _outline(axis, np.asarray(one), YELLOW)
        _bare(axis, title)
    return fig, alt


@figure
def worst(image, truth, predicted, cases, reach=24):
    """Look closely at single objects: true outline and predicted outlines over the picture.

    Args:
        image: ``(H, W)``, 0..1.
        truth, predicted: label maps ``(H, W)``.
        cases: list of ``(row, column, title)``, the places to look at.
        reach: pixels shown to each side.
    """
    check_sizes(image=image, truth=truth, predicted=predicted)
    height, width = np.shape(image)
    reach = given.whole("reach", reach, 1, max(height, width))
    for row, column, _ in cases:
        given.whole("the row of a case", row, 0, height - 1)
        given.whole("the column of a case", column, 0, width - 1)
    columns = min(5, len(cases))
    rows = -(-len(cases) // columns)
    side = WIDTH / columns
    fig, axes = subplots(rows, columns, figsize=(WIDTH, rows * (side + 0.35) + 0.3), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    padded = [np.pad(array, reach) for array in (image, truth, predicted)]
    for axis, (row, column, title) in zip(axes.flat, cases):
        picture, true, found = (array[row : row + 2 * reach, column : column + 2 * reach] for array in padded)
        axis.set_axis_on()
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1)
        _outline(axis, true, YELLOW, width=2.2)
        _outline(axis, found, SKY, "--", 1.4)
        _bare(axis, title)
    handles = [
        plt.Line2D([], [], color=YELLOW, lw=2.2, label="annotated"),
        plt.Line2D([], [], color=SKY, ls="--", lw=1.4, label="found"),
    ]
    legend = fig.legend(handles=handles, loc="outside lower center", ncols=2, labelcolor="white")
    legend.set_frame_on(True)
    legend.get_frame().set(facecolor=BLACK, edgecolor=BLACK)
    titles = "; ".join(title.replace("\n", " ") for _, _, title in cases)
    return fig, f"Single places of the picture with annotated and found outlines: {titles}."
