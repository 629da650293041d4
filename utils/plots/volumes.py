"""The figures of notebook 11 on volumes and on uncertainty: slices, planes across three axes, where an answer is unsure."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from utils import metrics, uncertainty
from utils.plots.base import IMAGE_MAP, PROBABILITY_MAP, WIDTH, bare, figure
from utils.plots.visualizing import _error_legend, error_picture

__all__ = ["doubts", "planes", "slices"]


@figure
def slices(volume, mask, step=2):
    """Show slices of a volume across its first axis, above them what is to be found.

    Args:
        volume: ``(D, H, W, 1)``, 0..1.
        mask: its truth, 0 and 1, same shape.
        step: show every second, third, ... slice.
    """
    shown = range(0, len(volume), step)
    fig, axes = plt.subplots(2, len(shown), figsize=(WIDTH, 2 * WIDTH / len(shown) + 0.4))
    for column, depth in zip(axes.T, shown):
        for axis, array in zip(column, (volume, mask)):
            axis.imshow(array[depth], cmap=IMAGE_MAP, vmin=0, vmax=1)
            bare(axis)
        column[0].set_title(f"slice {depth}")
    axes[0, 0].set_ylabel("volume")
    axes[1, 0].set_ylabel("truth")
    sizes = ", ".join(str(np.count_nonzero(mask[depth])) for depth in shown)
    return (
        fig,
        f"Slices {', '.join(map(str, shown))} of a volume, below them the truth; foreground voxels in each: {sizes}.",
    )


@figure
def planes(volume, mask, predicted, point):
    """Show three planes through a point of a volume, one across each axis: volume, truth, and an error map for each prediction.

    Args:
        volume, mask: ``(D, H, W, 1)``, values 0..1, and the truth as 0 and 1.
        predicted: name -> mask of the same shape.
        point: depth, row and column where the planes meet.
    """
    rows = {"volume": volume, "truth": mask} | predicted
    fig, axes = plt.subplots(3, len(rows), figsize=(WIDTH, 5.6), height_ratios=(2, 1.1, 1.1))
    for across, row in enumerate(axes):
        cuts = [np.take(array, point[across], axis=across) for array in rows.values()]
        for place, (axis, cut) in enumerate(zip(row, cuts)):
            axis.imshow(error_picture(cuts[1], cut) if place > 1 else cut, cmap=IMAGE_MAP, vmin=0, vmax=1)
            bare(axis, "" if across else list(rows)[place])
        row[0].set_ylabel(f"across {('depth', 'height', 'width')[across]}")
    _error_legend(fig)
    said = ", ".join(f"{name} {metrics.iou(mask, one):.2f}" for name, one in predicted.items())
    return (
        fig,
        f"Planes across depth, height and width through {tuple(point)}: {', '.join(rows)}. IoU in this volume: {said}.",
    )


@figure
def doubts(image, mask, answers):
    """Show an image and its truth, then for each way of asking the errors of the mean answer, and below them its entropy.

    Args:
        image: ``(H, W, 3)``, 0..1.
        mask: the truth, ``(H, W, 1)``.
        answers: name -> probabilities ``(K, H, W, 1)``.
    """
    fig, axes = plt.subplots(2, 1 + len(answers), figsize=(WIDTH, 4.4))
    for axis, picture, name in zip(axes[:, 0], (image, mask), ("image", "truth")):
        axis.imshow(picture, cmap=IMAGE_MAP, vmin=0, vmax=1)
        bare(axis, name)
    said = []
    for (above, below), (name, found) in zip(axes.T[1:], answers.items()):
        mean = found.mean(axis=0)
        entropy, wrong = uncertainty.entropy(mean), mask != metrics.to_mask(mean)
        above.imshow(error_picture(mask, metrics.to_mask(mean)))
        shown = below.imshow(entropy, cmap=PROBABILITY_MAP, vmin=0, vmax=1)
        bare(above, name)
        bare(below)
        there, elsewhere = (entropy[part].mean() if part.any() else 0 for part in (wrong, ~wrong))
        said.append(
            f"{name}: {wrong.sum()} wrong pixels, mean entropy {there:.2f} bits there, {elsewhere:.2f} elsewhere"
        )
    axes[0, 1].set_ylabel("errors")
    axes[1, 1].set_ylabel("entropy")
    fig.colorbar(shown, ax=axes[1, 1:], ticks=(0, 0.5, 1), label="bits")
    _error_legend(fig)
    return fig, f"An image and its truth; for each way of asking, an error map and the entropy. {'; '.join(said)}."
