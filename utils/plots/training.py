"""The figures of notebook 04 training."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np

from utils import metrics
from utils.plots.base import (
    BLACK,
    BLUE,
    GREY,
    IMAGE_MAP,
    LEVEL_COLOURS,
    ORANGE,
    SPLIT_COLOURS,
    STYLE_COLOURS,
    WIDTH,
    figure,
    fill_rows,
)

__all__ = [
    "cross_entropy_curves", "gradient_by_block", "learning_rate", "loss_curve", "one_batch",
    "recall_by_style", "seed_spread", "side_by_side", "slope_spread", "threshold_masks", "training_curves",
]  # fmt: skip


def trend(values) -> str:
    """Whether a curve ends above or below its beginning, in a word: numbers of a live training differ between machines."""
    return {-1: "falls", 0: "stays", 1: "rises"}[int(np.sign(values[-1] - values[0]))]


def draw_losses(history, name):
    """Draw losses in the left one of two panels and the validation IoU in the right one: the figure and the right panel."""
    epochs = range(1, len(history["loss"]) + 1)
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    left.plot(epochs, history["loss"], "o-", color=SPLIT_COLOURS["train"], label="training")
    left.plot(epochs, history["val_loss"], "s--", color=SPLIT_COLOURS["validation"], label="validation")
    left.set(xlabel="epoch", ylabel=name, ylim=(0, None))
    left.legend()
    right.plot(epochs, history["val_iou"], "s--", color=SPLIT_COLOURS["validation"])
    return fig, right


@figure
def cross_entropy_curves(truth, probability):
    """Draw the loss of a pixel against its probability, for both truths, with some pixels marked.

    Args:
        truth: 0 or 1 for each marked pixel.
        probability: the marked pixels' probabilities, between 0 and 1.
    """
    p = np.linspace(0.01, 0.99, 197)
    fig, axis = plt.subplots(figsize=(0.7 * WIDTH, 3.4))
    for value, colour, dash, curve in ((1, BLUE, "-", -np.log(p)), (0, ORANGE, "--", -np.log(1 - p))):
        axis.plot(p, curve, color=colour, linestyle=dash, label=f"truth {value}")
    marked = -np.log(np.where(truth, probability, 1 - np.asarray(probability)))
    for t, q, loss in zip(truth, probability, marked):
        axis.plot(q, loss, "o" if t else "s", color=BLUE if t else ORANGE, markersize=9, markeredgecolor=BLACK)
        axis.annotate(f"{loss:.2f}", (q, loss), (0, 11), textcoords="offset points", ha="center")
    axis.set(xlabel="predicted probability of shape", ylabel="loss of the pixel", xlim=(0, 1))
    axis.set_ylim(0, max(4.9, 1.1 * marked.max()))
    axis.legend(loc="upper center")
    said = ", ".join(f"truth {t} at {q:g} loses {loss:.2f}" for t, q, loss in zip(truth, probability, marked))
    return fig, (
        "The loss of one pixel against its predicted probability: for truth 1 it falls to 0, for truth 0 it rises in mirror "
        f"image. Marked pixels: {said}."
    )


@figure
def loss_curve(values, losses, paths, *, slope=None):
    """Draw the loss against one weight, in a panel for each path that training takes on it.

    Args:
        values, losses: the curve.
        paths: title -> (weights, losses), one of each before every training step and after the last; the first is orange.
        slope: of the tangent to draw where the paths begin, or None.
    """
    width = WIDTH if len(paths) > 1 else 0.7 * WIDTH
    fig, axes = plt.subplots(1, len(paths), figsize=(width, 3), sharey=True, squeeze=False)
    for axis, (title, (weights, reached)) in zip(axes[0], paths.items()):
        axis.plot(values, losses, color=GREY)
        if slope is not None:
            near = np.array([-1.5, 1.5])
            axis.plot(weights[0] + near, reached[0] + slope * near, "--", color=ORANGE)
        axis.plot(weights, reached, "o-", color=BLUE, linewidth=1, markersize=5)
        axis.plot(weights[0], reached[0], "s", color=ORANGE, markersize=8)
        axis.set(title=title, xlabel="the weight")
    axes[0, 0].set_ylabel("loss")
    ends = [f"{title}: {way[0]:.2f} to {way[-1]:.2f}" for title, (_, way) in paths.items() if len(way) > 1]
    return fig, f"The loss against one weight, a valley with its floor at {min(losses):.2f}. {'; '.join(ends)}"


@figure
def gradient_by_block(means):
    """Draw a bar for each block of a network, as high as the mean slope of its weights.

    Args:
        means: block -> mean absolute gradient.
    """
    fig, axis = plt.subplots(figsize=(WIDTH, 2.8))
    axis.bar_label(axis.bar(list(means), list(means.values()), color=BLUE), fmt="%.4f", padding=2)
    axis.set(ylabel="mean size of a slope", yscale="log", ylim=(None, 3 * max(means.values())))
    low, high = min(means, key=means.get), max(means, key=means.get)
    return fig, f"Bars for {', '.join(means)}: the mean size of a slope is highest in {high} and lowest in {low}."


@figure
def slope_spread(slopes):
    """Draw slopes as dots, one row for each way to measure them.

    Args:
        slopes: name -> list of numbers.
    """
    fig, axis = plt.subplots(figsize=(0.7 * WIDTH, 0.9 + 0.6 * len(slopes)))
    for row, (values, look) in enumerate(zip(slopes.values(), "osd^")):
        axis.plot(values, row + 0.3 * np.linspace(-0.5, 0.5, len(values)), look, color=LEVEL_COLOURS[row], alpha=0.75)
    axis.axvline(0, color=GREY, linewidth=1)
    axis.set(xlabel="slope", yticks=range(len(slopes)), yticklabels=slopes, ylim=(len(slopes) - 0.5, -0.5))
    said = [f"{name} {min(values):.2f} to {max(values):.2f}" for name, values in slopes.items()]
    return fig, f"Slopes as dots: {'; '.join(said)}."


@figure
def one_batch(runs, mask):
    """Draw several trainings on one batch: above, the loss of each step; below, the output for an image at the end.

    Args:
        runs: title -> (losses, output ``(H, W, 1)``).
        mask: the truth of the image, whose edge is drawn in orange.
    """
    fig, axes = plt.subplots(2, len(runs), figsize=(WIDTH, 4.4), squeeze=False)
    for (above, below), (title, (losses, output)) in zip(axes.T, runs.items()):
        above.plot(range(1, len(losses) + 1), losses, color=BLUE)
        above.set(title=title, xlabel="step", ylim=(0, 1) if min(losses) > 0 else None)
        below.imshow(output, cmap=IMAGE_MAP, vmin=0, vmax=1)
        below.contour(mask[..., 0], levels=[0.5], colors=ORANGE, linewidths=1.5)
        below.set_title(f"output {output.min():.2f} to {output.max():.2f}")
        below.set_axis_off()
    axes[0, 0].set_ylabel("loss")
    return (
        fig,
        f"Trainings on one batch: {'; '.join(runs)}. Above, the loss of each step; below, the output at the end.",
    )


@figure
def learning_rate(rates):
    """Draw the learning rate of every step.

    Args:
        rates: one number a step, 0 or more.
    """
    fig, axis = plt.subplots(figsize=(0.7 * WIDTH, 2.4))
    axis.plot(rates, color=BLUE)
    axis.set(xlabel="step", ylabel="learning rate", ylim=(0, None))
    return fig, (
        f"The learning rate of {len(rates)} steps: {rates[0]:.2g} at first, highest at step {int(np.argmax(rates))} with "
        f"{max(rates):.2g}, {rates[-1]:.2g} at the end."
    )


@figure
def training_curves(history):
    """Draw loss and validation IoU after every epoch.

    Args:
        history: ``model.fit(...).history``.
    """
    fig, right = draw_losses(history, "binary cross-entropy")
    right.set(xlabel="epoch", ylabel="validation IoU", ylim=(0, 1))
    return fig, (
        f"Two panels against the epoch, {len(history['loss'])} in all. Left: the training loss {trend(history['loss'])}, the "
        f"validation loss {trend(history['val_loss'])}. Right: the validation IoU {trend(history['val_iou'])}."
    )


@figure
def threshold_masks(masks, probability, thresholds, scores, *, threshold):
    """Draw a score against the threshold with one threshold marked, and beside it the masks that it gives.

    Args:
        masks, probability: a few images' truth and the network's output, ``(N, H, W, 1)``.
        thresholds, scores: one score a threshold, over all images.
        threshold: the one to show, one of ``thresholds``.
    """
    fig, (hill, *small) = plt.subplots(1, 1 + len(masks), figsize=(WIDTH, 2.3), width_ratios=(1.8, *[1] * len(masks)))
    hill.plot(thresholds, scores, color=SPLIT_COLOURS["validation"])
    place = int(np.argmin(np.abs(np.subtract(thresholds, threshold))))
    hill.plot(thresholds[place], scores[place], "o", color=BLACK, markersize=9)
    hill.set(
        xlabel="threshold", ylabel="validation IoU", xlim=(0, 1), ylim=(0, 1.05), title=f"threshold {threshold:.2f}"
    )
    for panel, truth, p in zip(small, masks[..., 0], probability[..., 0]):
        mask = metrics.to_mask(p, threshold)
        panel.imshow(mask, cmap=IMAGE_MAP, vmin=0, vmax=1)
        panel.contour(truth, levels=[0.5], colors=ORANGE, linewidths=1.5)
        panel.set_title(f"IoU {metrics.iou(truth, mask):.2f}")
        panel.set_axis_off()
    return fig, (
        f"Threshold {threshold:.2f}. Left: a dot at it on the curve of validation IoU. Right: the masks that it "
        f"gives for {len(masks)} validation images, white, with the true silhouettes' outlines in orange."
    )


@figure
def recall_by_style(recalls):
    """Draw bars of recall on filled and on outlined shapes for several networks.

    Args:
        recalls: name of a network -> name of a style -> recall, 0..1.
    """
    fig, axis = plt.subplots(figsize=(0.7 * WIDTH, 3))
    for k, (style, hatch) in enumerate({"filled": "", "outlined": "///"}.items()):
        places, heights = np.arange(len(recalls)) + 0.38 * (k - 0.5), [recall[style] for recall in recalls.values()]
        look = {"color": STYLE_COLOURS[style], "hatch": hatch, "edgecolor": "white"}
        bars = axis.bar(places, heights, 0.34, label=f"{style} shapes", **look)
        axis.bar_label(bars, fmt="%.2f", padding=2)
    axis.set(xticks=range(len(recalls)), xticklabels=recalls, ylabel="recall on test images", ylim=(0, 1.3))
    axis.set_yticks((0, 0.5, 1))
    axis.legend(ncols=2, loc="upper center")
    lowest = {style: min(recalls, key=lambda name: recalls[name][style]) for style in ("filled", "outlined")}
    gap = max(recalls, key=lambda name: abs(recalls[name]["filled"] - recalls[name]["outlined"]))
    return fig, (
        f"Bars of recall on filled and outlined shapes for {', '.join(recalls)}. Lowest on filled shapes: "
        f"{lowest['filled']}, on outlined ones: {lowest['outlined']}. The two styles differ most with {gap}."
    )


@figure
def side_by_side(rows, titles):
    """Show rows of pictures with a title over each column: an image, its mask, the outputs of networks.

    Args:
        rows: a list of rows; a row is a list of an image ``(H, W, 3)``, its mask and outputs ``(H, W, 1)``, 0..1.
        titles: one for each column.
    """
    side = min(WIDTH / len(titles), 1.9)
    size = (side * len(titles), side * len(rows) + 0.3)
    fig, axes = plt.subplots(len(rows), len(titles), figsize=size, squeeze=False)
    fill_rows(axes, rows, titles, IMAGE_MAP)
    columns = dict(zip(titles, zip(*rows)))
    _, truth, *outputs = titles
    off = {name: np.abs(np.subtract(columns[name], columns[truth])).mean() for name in outputs}
    return fig, (
        f"{len(rows)} rows of pictures, from left to right {', '.join(titles)}. The outputs, from the nearest to the truth to "
        f"the farthest: {', '.join(sorted(off, key=off.get))}."
    )


@figure
def seed_spread(rows):
    """Draw the test scores of several seeds as dots, one column a score, one row a network.

    Args:
        rows: list of dicts with ``network``, ``iou``, ``filled``, ``outlined``, one a run.
    """
    scores = {"iou": "IoU", "filled": "recall, filled", "outlined": "recall, outlined"}
    names = list(dict.fromkeys(row["network"] for row in rows))
    lowest = min(row[score] for row in rows for score in scores)
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 0.9 + 0.6 * len(names)), sharey=True)
    said = []
    for axis, (score, label) in zip(axes, scores.items()):
        for height, (name, colour) in enumerate(zip(names, itertools.cycle(LEVEL_COLOURS))):
            values = [row[score] for row in rows if row["network"] == name]
            axis.plot([min(values), max(values)], [height, height], color=GREY, linewidth=1)
            heights = height + 0.3 * (np.arange(len(values)) / max(1, len(values) - 1) - 0.5)
            axis.plot(values, heights, "osd^"[height % 4], color=colour, alpha=0.75)
            said.append(f"{label} {name} {min(values):.2f} to {max(values):.2f}")
        axis.set(xlabel=label, xlim=(min(0.4, lowest - 0.02), 1.02))
        axis.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))
    return fig, f"Test scores as dots, one dot a seed: {'; '.join(said)}."
