"""The figures of notebook 04 training."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator

from utils import metrics
from utils.plots.base import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    IMAGE_MAP,
    LEVEL_COLOURS,
    ORANGE,
    PURPLE,
    SPLIT_COLOURS,
    STYLE_COLOURS,
    WIDTH,
    figure,
    fill_rows,
)

__all__ = [
    "compare_runs", "cross_entropy_curves", "learning_rate", "overfitting", "products_and_time", "recall_by_style",
    "seed_spread", "side_by_side", "threshold_masks", "training_curves",
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
def overfitting(losses, images, masks, probability):
    """Draw the loss of every step on one batch, and how well its first picture is remembered at the end.

    Args:
        losses: one value a step.
        images, masks, probability: the batch, its truth and the network's output, ``(N, H, W, C)``.
    """
    fig, (axis, *small) = plt.subplots(1, 4, figsize=(WIDTH, 2.6), width_ratios=(1.9, 1, 1, 1))
    axis.plot(range(1, len(losses) + 1), losses, color=BLUE)
    axis.set(xlabel="step", ylabel="loss (logarithmic)", yscale="log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    fill_rows(np.array([small]), [(images[0], masks[0], probability[0])], ("image", "truth", "output"), IMAGE_MAP)
    return fig, (
        f"Left: the loss on one batch {trend(losses)} over {len(losses)} steps, on a logarithmic scale. Right: a training "
        "image, its mask, and the network's output after the last step."
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
    """Draw a score against the threshold with one threshold marked, and beside it the masks that this cut gives.

    Args:
        masks, probability: a few pictures' truth and the network's output, ``(N, H, W, 1)``.
        thresholds, scores: one score a threshold, over all pictures.
        threshold: the cut to show, one of ``thresholds``.
    """
    fig, (hill, *small) = plt.subplots(1, 1 + len(masks), figsize=(WIDTH, 2.3), width_ratios=(1.8, *[1] * len(masks)))
    hill.plot(thresholds, scores, color=SPLIT_COLOURS["validation"])
    place = int(np.argmin(np.abs(np.subtract(thresholds, threshold))))
    hill.plot(thresholds[place], scores[place], "o", color=BLACK, markersize=9)
    hill.set(xlabel="threshold", ylabel="validation IoU", xlim=(0, 1), ylim=(0, 1.05), title=f"cut at {threshold:.2f}")
    for panel, truth, p in zip(small, masks[..., 0], probability[..., 0]):
        cut = metrics.to_mask(p, threshold)
        panel.imshow(cut, cmap=IMAGE_MAP, vmin=0, vmax=1)
        panel.contour(truth, levels=[0.5], colors=ORANGE, linewidths=1.5)
        panel.set_title(f"IoU {metrics.iou(truth, cut):.2f}")
        panel.set_axis_off()
    return fig, (
        f"Cut at {threshold:.2f}. Left: a dot at this threshold on the curve of validation IoU. Right: the masks that this cut "
        f"gives for {len(masks)} validation pictures, white, with the true silhouettes' outlines in orange."
    )


@figure
def compare_runs(histories):
    """Draw the validation IoU of several runs against the epoch and against the seconds.

    Args:
        histories: name -> history with ``val_iou`` and ``seconds``, one value an epoch.
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.2), sharey=True)
    looks = itertools.cycle(zip((BLUE, ORANGE, GREEN, PURPLE), ("o-", "s--", "^-.", "d:")))
    for (name, history), (colour, look) in zip(histories.items(), looks):
        scores = history["val_iou"]
        axes[0].plot(range(1, len(scores) + 1), scores, look, color=colour, label=name)
        axes[1].plot(history["seconds"], scores, look, color=colour, label=name)
    axes[0].set(xlabel="epoch", ylabel="validation IoU", ylim=(0, 1))
    axes[1].set(xlabel="seconds of training")
    axes[1].legend(loc="lower right")
    order = sorted(histories, key=lambda name: -histories[name]["val_iou"][-1])
    return fig, (
        "Validation IoU of several runs, against the epoch on the left and seconds on the right; at the end, from the highest "
        f"to the lowest: {', '.join(order)}."
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


@figure
def products_and_time(levels):
    """Draw, for each level of the U, its share of all multiplications beside its share of a training step's time.

    Args:
        levels: one tuple a level from the top: its size and channels as a text, its share of the multiplications, the share
            of the time that its convolutions take, and the share that all else of it takes, each 0..1.
    """
    fig, axis = plt.subplots(figsize=(0.85 * WIDTH, 3.2))
    places = np.arange(len(levels))
    names, products, convolutions, rest = zip(*levels)
    times = np.add(convolutions, rest)
    shaded = {"edgecolor": "white", "width": 0.36}
    axis.bar(places - 0.2, products, color=GREY, hatch="...", label="multiplications", **shaded)
    axis.bar(places + 0.2, convolutions, 0.36, color=BLUE, label="time: convolutions")
    look = {"color": ORANGE, "hatch": "///", "label": "time: everything else", **shaded}
    bars = axis.bar(places + 0.2, rest, bottom=convolutions, **look)
    axis.bar_label(bars, [f"{time:.2f}" for time in times], padding=2)
    top = 1.2 * max(*products, *times)
    axis.set(xticks=places, xticklabels=names, ylabel="share of a training step", ylim=(0, top))
    axis.legend()
    said = ", ".join(f"{p:.2f} and {time:.2f}" for p, time in zip(products, times))
    return fig, f"Bars for each level of the U from the top: its share of the multiplications, and of the time: {said}."
