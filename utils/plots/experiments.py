"""The figures of notebook 06 experiments: scores of several seeds, rims of masks, what a loss asks for."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np

from utils import metrics
from utils.plots.base import (
    BLUE,
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    WIDTH,
    figure,
    rgb,
)

__all__ = ["by_images", "pull", "rims", "spread"]

SCORE_NAMES = {
    "iou": "IoU", "boundary": "boundary IoU", "interior": "interior IoU", "filled": "recall, filled",
    "outlined": "recall, outlined", "dice": "Dice", "accuracy": "accuracy",
    "calibration": "calibration error", "unsure": "share unsure",
    "under_segmented": "under-segmented", "over_segmented": "over-segmented",
    "false_negatives": "false negatives", "false_positives": "false positives",
    "seconds iou": "IoU, equal seconds", "seconds boundary": "boundary IoU, equal seconds",
    "seconds ap50": "ap50, equal seconds",
}  # fmt: skip


def _looks():
    """Colour, marker and dash of each line in turn, without end."""
    return itertools.cycle(((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "^", ":"), (PURPLE, "D", "-.")))


@figure
def spread(table, score="iou", reference=None):
    """Draw one score of a study: a row a condition, a dot a seed, a line from the lowest to the highest.

    Args:
        table: a :class:`utils.experiments.Table`.
        score: which score, or several: one column each.
        reference: a condition whose range is shaded over all rows; the first by default.
    """
    scores = [score] if isinstance(score, str) else score
    rows = list(table.of(scores[0]))
    reference = reference or rows[0]
    size = (min(WIDTH, 3 + 3 * len(scores)), 1.0 + 0.4 * len(rows))
    fig, axes = plt.subplots(1, len(scores), figsize=size, sharey=True, squeeze=False)
    said = []
    for axis, score in zip(axes[0], scores):
        values, name = table.of(score), SCORE_NAMES.get(score, score)
        axis.axvspan(values[reference].min(), values[reference].max(), color=GREY, alpha=0.25, linewidth=0)
        for height, row in enumerate(rows):
            colour, marker = (GREY, "s") if row == reference else (BLUE, "o")
            axis.plot([values[row].min(), values[row].max()], [height, height], color=colour, linewidth=1.5)
            heights = height + np.linspace(-0.15, 0.15, len(values[row]))
            axis.plot(values[row], heights, marker, color=colour, markersize=5)
        axis.set(xlabel=name, yticks=range(len(rows)), yticklabels=rows, ylim=(len(rows) - 0.5, -0.5))
        axis.locator_params(axis="x", nbins=4)
        said.append(f"{name} " + ", ".join(f"{row} {v.min():.2f} to {v.max():.2f}" for row, v in values.items()))
    return fig, f"One dot a seed, one row a condition, the range of {reference} shaded. {'; '.join(said)}."


@figure
def rims(truth, predicted, distance):
    """Draw two masks of one image over each other, and beside them their rims.

    Args:
        truth: mask of 0 and 1, ``(H, W, 1)``.
        predicted: mask of the same shape.
        distance: thickness of the rims in pixels.
    """
    masks = [mask[None] > 0 for mask in (truth, predicted)]
    panels = {"whole masks": masks, f"rims of {distance} px": [m & metrics.near_edge(m, distance) for m in masks]}
    fig, axes = plt.subplots(1, 2, figsize=(6.5, 3.6))
    palette, said = rgb(["white", FALSE_NEGATIVE, FALSE_POSITIVE, GREY]), []
    for axis, (name, (first, second)) in zip(axes, panels.items()):
        axis.imshow(palette[(first + 2 * second)[0, ..., 0]])
        said.append(f"{name}: IoU {metrics.iou(first, second):.2f}")
        axis.set(xticks=[], yticks=[], title=said[-1])
    return fig, (
        "Two masks over each other, then only their rims: grey in both, vermillion in the first only, light blue in the second "
        f"only. {'; '.join(said)}."
    )


@figure
def pull(logits, gradients):
    """Draw how hard each loss pulls at the logit of a foreground pixel.

    Args:
        logits: ``(L,)``, ascending.
        gradients: name of a loss -> ``(L,)``, the size of its gradient.
    """
    fig, axis = plt.subplots(figsize=(6.5, 3.4))
    for (name, values), (colour, _, dash) in zip(gradients.items(), _looks()):
        axis.plot(logits, values, color=colour, linestyle=dash, label=name)
    axis.set(xlabel="logit of a foreground pixel (below 0: called background)")
    axis.set(ylabel="size of the gradient", ylim=(0, None))
    axis.legend()
    places = [0, len(logits) // 2, len(logits) - 1]
    said = "; ".join(f"{name} " + ", ".join(f"{values[k]:.2f}" for k in places) for name, values in gradients.items())
    return fig, f"Size of the gradient at the logits {', '.join(f'{logits[k]:g}' for k in places)}: {said}."


@figure
def by_images(table, score="iou"):
    """Draw a score against the number of training images, with and without augmentation.

    Args:
        table: the :class:`utils.experiments.Table` of the study ``"images"``.
        score: which score.
    """
    fig, axis = plt.subplots(figsize=(6.5, 3.4))
    groups = {}
    for condition, values in table.of(score).items():
        count, _, kind = condition.partition(" ")
        groups.setdefault(kind, {})[int(count)] = values
    for (kind, points), (colour, marker, dash) in zip(groups.items(), _looks()):
        lowest, mean, highest = np.transpose([(v.min(), v.mean(), v.max()) for v in points.values()])
        axis.plot(list(points), mean, marker, color=colour, linestyle=dash, label=kind)
        axis.fill_between(list(points), lowest, highest, color=colour, alpha=0.2, linewidth=0)
    name = SCORE_NAMES.get(score, score)
    axis.set(xscale="log", xlabel="training images", ylabel=name)
    axis.set_xticks(list(points), list(map(str, points)))
    axis.minorticks_off()
    axis.legend()
    said = "; ".join(
        f"{kind} " + ", ".join(f"{count} images {values.mean():.2f}" for count, values in points.items())
        for kind, points in groups.items()
    )
    return fig, f"Mean {name} of the seeds, their range shaded: {said}."
