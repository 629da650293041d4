"""The figures of notebook 06 experiments: scores of several seeds, rims of masks, what a loss asks for."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from utils import given, metrics
from utils.plots.base import BLUE, GREEN, GREY, INVENTED, MISSED, ORANGE, PURPLE, WIDTH, figure
from utils.plots.inputs import check_sizes, curve, mask_of, subplots, told_apart

SCORE_NAMES = {
    "iou": "IoU", "boundary": "boundary IoU", "interior": "interior IoU", "filled": "recall, filled",
    "outlined": "recall, outlined", "dice": "Dice", "accuracy": "accuracy",
    "calibration": "calibration error", "unsure": "share unsure",
}  # fmt: skip
_LINES = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "^", ":"), (PURPLE, "D", "-."))


@figure
def spread(table, score="iou", reference=None):
    """Draw one score of a study: a row a condition, a dot a seed, a line from the lowest to the highest.

    Args:
        table: a :class:`utils.experiments.Table`.
        score: which score, or several: one column each.
        reference: a condition whose range is shaded over all rows; the first by default.
    """
    names = [score] if isinstance(score, str) else list(score)
    rows = list(table.of(names[0]))
    reference = rows[0] if reference is None else reference
    size = (min(WIDTH, 3 + 3 * len(names)), 1.0 + 0.4 * len(rows))
    fig, axes = subplots(1, len(names), figsize=size, sharey=True, squeeze=False)
    for axis, name in zip(axes[0], names):
        values = table.of(name)
        axis.axvspan(values[reference].min(), values[reference].max(), color=GREY, alpha=0.25, linewidth=0)
        for height, row in enumerate(rows):
            colour = GREY if row == reference else BLUE
            axis.plot([values[row].min(), values[row].max()], [height, height], color=colour, linewidth=1.5)
            offsets = height + np.linspace(-0.15, 0.15, len(values[row]))
            axis.plot(values[row], offsets, "s" if row == reference else "o", color=colour, markersize=5)
        axis.set(xlabel=SCORE_NAMES.get(name, name), yticks=range(len(rows)), yticklabels=rows)
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.locator_params(axis="x", nbins=4)
    said = "; ".join(
        f"{SCORE_NAMES.get(name, name)} "
        + ", ".join(f"{row} {values.min():.2f} to {values.max():.2f}" for row, values in table.of(name).items())
        for name in names
    )
    return fig, f"One dot a seed, one row a condition, the range of {reference} shaded. {said}."


@figure
def study(tables, name):
    """Draw IoU and boundary IoU of one of several studies, as :func:`spread` does.

    Args:
        tables: name -> :class:`utils.experiments.Table`.
        name: which one.
    """
    fig, alt = spread.__wrapped__(tables[name], ["iou", "boundary"])
    fig.axes[0].set_title(name, loc="left")
    return fig, f"Study {name}. {alt}"


@figure
def rims(truth, predicted, distances):
    """Draw the rims of two masks of one picture over each other, one panel for each thickness.

    Args:
        truth: mask of 0 and 1, ``(H, W)`` or ``(H, W, 1)``.
        predicted: mask of the same shape.
        distances: thicknesses in pixels.
    """
    masks = [mask_of(name, mask)[None] > 0 for name, mask in (("truth", truth), ("predicted", predicted))]
    check_sizes(truth=truth, predicted=predicted)
    distances = given.many("distances", distances)
    fig, axes = subplots(1, len(distances) + 1, figsize=(WIDTH, WIDTH / (len(distances) + 1) + 0.5))
    for axis, distance in zip(axes, [None, *distances]):
        first, second = (mask if distance is None else mask & metrics.near_edge(mask, distance) for mask in masks)
        picture = np.ones((*first.shape[1:], 3))
        for where, colour in ((first & ~second, MISSED), (second & ~first, INVENTED), (first & second, GREY)):
            picture[where[0]] = plt.matplotlib.colors.to_rgb(colour)
        axis.imshow(picture)
        axis.set(xticks=[], yticks=[])
        name = "whole masks" if distance is None else f"rims of {distance} px"
        axis.set_title(f"{name}: IoU {metrics.iou(first, second):.2f}")
    return fig, (
        "Two masks of the same shape over each other, then only their rims: grey in both, vermillion in the first only, "
        "light blue in the second only. The thinner the rim, the smaller the part that both share."
    )


@figure
def pull(logits, gradients):
    """Draw how hard each loss pulls at the logit of a pixel that is shape.

    Args:
        logits: float array ``(L,)``.
        gradients: name of a loss -> float array ``(L,)``, the size of its gradient.
    """
    fig, axis = subplots(figsize=(6.5, 3.4))
    for (name, values), (colour, _, dash) in told_apart(gradients.items(), _LINES):
        axis.plot(curve("logits", logits), curve(name, values), color=colour, linestyle=dash, label=name)
    axis.set(xlabel="logit of a shape pixel (below 0: called ground)", ylabel="size of the gradient", ylim=(0, None))
    axis.legend()
    return fig, (
        "Gradient against logit for four losses. Far on the wrong side cross-entropy pulls with full strength, Dice with next "
        "to none; their sum never pulls less than cross-entropy; on the right side all fade, focal first."
    )


@figure
def by_images(table, score="iou"):
    """Draw a score against the number of training images, with and without augmentation.

    Args:
        table: the :class:`utils.experiments.Table` of the study ``"images"``.
        score: which score.
    """
    fig, axis = subplots(figsize=(6.5, 3.4))
    groups = {}
    for name, values in table.of(score).items():
        count, _, kind = name.partition(" ")
        groups.setdefault(kind, []).append((int(count), values))
    for (kind, points), (colour, marker, dash) in told_apart(groups.items(), _LINES):
        counts = [count for count, _ in points]
        axis.plot(counts, [values.mean() for _, values in points], marker, color=colour, linestyle=dash, label=kind)
        axis.fill_between(counts, *zip(*[(v.min(), v.max()) for _, v in points]), color=colour, alpha=0.2, linewidth=0)
    axis.set(xscale="log", xlabel="training images", ylabel=SCORE_NAMES.get(score, score))
    axis.set_xticks(counts, [str(count) for count in counts])
    axis.minorticks_off()
    axis.legend()
    said = "; ".join(
        f"{kind} " + ", ".join(f"{count} images {values.mean():.2f}" for count, values in points)
        for kind, points in groups.items()
    )
    return fig, f"Mean {SCORE_NAMES.get(score, score)} of the seeds, their range shaded: {said}."
