"""The figures of notebook 04 training."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import LogLocator

from utils import given, metrics
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
from utils.plots.inputs import check_lengths, check_shares, curve, subplots, told_apart


@figure
def cross_entropy_curves(truth, probability):
    """Draw the loss of a pixel against its probability, for both truths, with some pixels marked.

    Args:
        truth: 0 or 1 for each marked pixel.
        probability: the marked pixels' probabilities, 0..1.
    """
    truth, probability = curve("truth", truth), curve("probability", probability)
    check_lengths(truth=truth, probability=probability)
    if not np.isin(truth, (0, 1)).all() or probability.min() < 0 or probability.max() > 1 or len(truth) > 100:
        raise ValueError("truth and probability must be at most 100 pixels: 0 or 1 for each, and a number in 0..1.")
    highest = 4.9
    p = np.linspace(0.01, 0.99, 197)
    fig, axis = subplots(figsize=(0.7 * WIDTH, 3.4))
    for value, colour, dash, loss in ((1, BLUE, "-", -np.log(p)), (0, ORANGE, "--", -np.log(1 - p))):
        axis.plot(p, loss, color=colour, linestyle=dash, label=f"truth {value}")
    for t, q in zip(truth, probability):
        loss = -np.log(given.number("the probability of the true answer", q if t else 1 - q, 1e-30))
        highest = max(highest, 1.1 * loss)
        axis.plot(q, loss, "o" if t else "s", color=BLUE if t else ORANGE, markersize=9, markeredgecolor=BLACK)
        axis.annotate(f"{loss:.2f}", (q, loss), (0, 11), textcoords="offset points", ha="center")
    axis.set(xlabel="predicted probability of shape", ylabel="loss of the pixel", xlim=(0, 1), ylim=(0, highest))
    axis.legend(loc="upper center")
    return fig, (
        "The loss of one pixel against its predicted probability: for truth 1 it falls from above 4 to 0, for truth 0 it "
        "rises in mirror image. Marked pixels on the wrong side lie high on the curves."
    )


@figure
def overfitting(losses, images, masks, probability):
    """Draw the loss of every step on one batch, and how well two of its pictures are remembered at the end.

    Args:
        losses: one value a step.
        images, masks, probability: the batch, its truth and the network's output, ``(N, H, W, C)``.
    """
    fig, (axis, *small) = subplots(1, 4, figsize=(WIDTH, 2.6), width_ratios=(1.9, 1, 1, 1))
    axis.plot(np.arange(1, len(losses) + 1), curve("losses", losses), color=BLUE)
    axis.set(xlabel="step", ylabel="loss (logarithmic)", yscale="log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    for panel, picture, title in zip(small, (images[0], masks[0], probability[0]), ("image", "truth", "output")):
        panel.imshow(picture[..., 0] if picture.shape[-1] == 1 else picture, cmap=IMAGE_MAP, vmin=0, vmax=1)
        panel.set_title(title)
        panel.set_axis_off()
    return fig, (
        "Left: the loss on one batch falls over the steps, on a logarithmic scale. Right: a training image, its mask, and the "
        "network's output after the last step, which repeats the mask."
    )


@figure
def learning_rate(rates):
    """Draw the learning rate of every step.

    Args:
        rates: one number a step, 0 or more.
    """
    rates = curve("rates", rates)
    fig, axis = subplots(figsize=(0.7 * WIDTH, 2.4))
    axis.plot(rates, color=BLUE)
    axis.set(xlabel="step", ylabel="learning rate", ylim=(0, None))
    return (
        fig,
        "The learning rate climbs steeply to its peak in the first steps, then falls along half a cosine to almost 0.",
    )


@figure
def training_curves(history):
    """Draw loss and validation IoU after every epoch.

    Args:
        history: a :class:`utils.training.History` of one epoch or more.
    """
    epochs = np.arange(1, len(history) + 1)
    fig, (left, right) = subplots(1, 2, figsize=(WIDTH, 3.2))
    left.plot(epochs, history.loss, "o-", color=SPLIT_COLOURS["train"], label="training")
    left.plot(epochs, history.val_loss, "s--", color=SPLIT_COLOURS["validation"], label="validation")
    left.set(xlabel="epoch", ylabel="binary cross-entropy", ylim=(0, None))
    left.legend()
    right.plot(epochs, history.val_iou, "s--", color=SPLIT_COLOURS["validation"])
    right.set(xlabel="epoch", ylabel="validation IoU", ylim=(0, 1))
    return fig, (
        "Two panels against the epoch. Left: training and validation loss fall and end close to each other. "
        "Right: the validation IoU rises and levels off near the top."
    )


@figure
def threshold_masks(masks, probability, thresholds, scores, *, threshold):
    """Draw a score against the threshold with one threshold marked, and beside it the masks that this cut gives.

    Args:
        masks, probability: a few pictures' truth and the network's output, ``(N, H, W, 1)``.
        thresholds, scores: one score a threshold, over all pictures.
        threshold: the cut to show, one of ``thresholds``.
    """
    threshold = given.number("threshold", threshold, 0, 1)
    check_lengths(masks=masks, probability=probability)
    check_lengths(thresholds=curve("thresholds", thresholds), scores=curve("scores", scores))
    if np.abs(np.asarray(thresholds) - threshold).min() > 1e-5:
        raise ValueError(f"threshold is {threshold}; give one of thresholds: {given.shown(list(thresholds))}.")
    fig, (hill, *small) = subplots(1, 1 + len(masks), figsize=(WIDTH, 2.3), width_ratios=(1.8, *[1] * len(masks)))
    hill.plot(thresholds, scores, color=SPLIT_COLOURS["validation"])
    place = int(np.argmin(np.abs(np.asarray(thresholds) - threshold)))
    hill.plot(thresholds[place], scores[place], "o", color=BLACK, markersize=9)
    hill.set(xlabel="threshold", ylabel="validation IoU", xlim=(0, 1), ylim=(0, 1.05))
    hill.set_title(f"cut at {threshold:.2f}")
    for panel, truth, p in zip(small, masks[..., 0], probability[..., 0]):
        cut = metrics.to_mask(p, threshold)
        panel.imshow(cut, cmap=IMAGE_MAP, vmin=0, vmax=1)
        panel.contour(truth, levels=[0.5], colors=ORANGE, linewidths=1.5)
        panel.set_title(f"IoU {metrics.iou(truth, cut):.2f}")
        panel.set_axis_off()
    return fig, (
        f"Cut at {threshold:.2f}. Left: a dot at this threshold on the curve of validation IoU, a flat hill. Right: the masks "
        f"that this cut gives for {len(masks)} validation pictures, white, with the true silhouettes' outlines in orange."
    )


@figure
def compare_runs(histories):
    """Draw the validation IoU of several runs against the images seen and against the seconds.

    Args:
        histories: dict of name to :class:`utils.training.History`.
    """
    fig, axes = subplots(1, 2, figsize=(WIDTH, 3.2), sharey=True)
    looks = zip((BLUE, ORANGE, GREEN, PURPLE), ("o-", "s--", "^-.", "d:"))
    for (name, history), (colour, look) in told_apart(histories.items(), looks):
        axes[0].plot(history.images, history.val_iou, look, color=colour, label=name)
        axes[1].plot(history.seconds, history.val_iou, look, color=colour, label=name)
    axes[0].set(xlabel="training images seen", ylabel="validation IoU", ylim=(0, 1))
    axes[1].set(xlabel="seconds of training")
    axes[1].legend(loc="lower right")
    return fig, (
        "Validation IoU of the deep and the one-level network, against images seen on the left and seconds on the right: "
        "on both axes the deep network ends far above the one-level network, which levels off early."
    )


@figure
def recall_by_style(recalls):
    """Draw bars of recall on filled and on outlined shapes for several networks.

    Args:
        recalls: dict of network name to dict of style name to recall, 0..1.
    """
    fig, axis = subplots(figsize=(0.7 * WIDTH, 3))
    styles = ("filled", "outlined")
    for name, recall in recalls.items():
        check_shares(f"recalls of {name}", [recall[style] for style in styles])
    for k, (style, hatch) in enumerate(zip(styles, ("", "///"))):
        places = np.arange(len(recalls)) + 0.38 * (k - 0.5)
        bars = axis.bar(
            places, [r[style] for r in recalls.values()], 0.34, color=STYLE_COLOURS[style], hatch=hatch,
            edgecolor="white", label=f"{style} shapes",
        )  # fmt: skip
        axis.bar_label(bars, fmt="%.2f", padding=2)
    axis.set(xticks=range(len(recalls)), xticklabels=recalls, ylabel="recall on test images", ylim=(0, 1.3))
    axis.set_yticks((0, 0.5, 1))
    axis.legend(ncols=2, loc="upper center")
    return fig, (
        "Bars of recall on filled and outlined shapes. The deep network finds nearly all of both; the one-level network is "
        "almost as good on filled shapes and misses a large part of the outlined ones."
    )


@figure
def side_by_side(rows, titles):
    """Show rows of pictures with a title over each column: images, masks, outputs.

    Args:
        rows: a list of rows; a row is a list of ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)`` arrays, 0..1.
        titles: one for each column.
    """
    columns = len(titles)
    side = min(WIDTH / columns, 1.9)
    fig, axes = subplots(len(rows), columns, figsize=(side * columns, side * len(rows) + 0.3), squeeze=False)
    fill_rows(axes, rows, titles, IMAGE_MAP)
    return fig, (
        "Test images with outlined shapes beside their masks. The deep network's output fills most of each outline; the "
        "one-level network's output follows the lines and leaves the middle of large outlines empty."
    )


@figure
def seed_spread(rows):
    """Draw the test scores of several seeds as dots, one column a score, one row a network.

    Args:
        rows: list of dicts with ``network``, ``iou``, ``filled``, ``outlined``, one a run.
    """
    scores = {"iou": "IoU", "filled": "recall, filled", "outlined": "recall, outlined"}
    names = list(dict.fromkeys(row["network"] for row in rows))
    looks = told_apart(names, LEVEL_COLOURS)
    lowest = min(given.number(score, row[score], 0, 1) for row in rows for score in scores)
    lowest = 0.4 if lowest >= 0.4 else lowest - 0.02
    fig, axes = subplots(1, 3, figsize=(WIDTH, 0.9 + 0.6 * len(names)), sharey=True)
    for axis, (score, label) in zip(axes, scores.items()):
        for height, (name, colour) in enumerate(looks):
            values = [row[score] for row in rows if row["network"] == name]
            axis.plot([min(values), max(values)], [height, height], color=GREY, linewidth=1)
            apart = height + 0.3 * (np.arange(len(values)) / max(1, len(values) - 1) - 0.5)
            axis.plot(values, apart, "osd^"[height % 4], color=colour, alpha=0.75)
        axis.set(
            xlabel=label,
            xlim=(lowest, 1.02),
            yticks=range(len(names)),
            yticklabels=names,
            ylim=(len(names) - 0.5, -0.5),
        )
    return fig, (
        "Test scores of three seeds a network as dots. The dots of one network lie close together; the two networks are far "
        "apart in IoU and in recall on outlined shapes, and close in recall on filled shapes."
    )


@figure
def products_and_time(levels):
    """Draw, for each level of the U, its share of all multiplications beside its share of a training step's time.

    Args:
        levels: one tuple a level from the top: its size and channels as a text, its share of the multiplications, the share
            of the time that its convolutions take, and the share that all else of it takes, each 0..1.
    """
    fig, axis = subplots(figsize=(0.85 * WIDTH, 3.2))
    places = np.arange(len(levels))
    names, products, convolutions, rest = zip(*levels)
    for name, shares in (("multiplications", products), ("time of convolutions", convolutions), ("other time", rest)):
        check_shares(name, shares)
    times = [c + r for c, r in zip(convolutions, rest)]
    axis.bar(places - 0.2, products, 0.36, color=GREY, hatch="...", edgecolor="white", label="multiplications")
    axis.bar(places + 0.2, convolutions, 0.36, color=BLUE, label="time: convolutions")
    bars = axis.bar(
        places + 0.2, rest, 0.36, bottom=convolutions, color=ORANGE, hatch="///", edgecolor="white",
        label="time: everything else",
    )  # fmt: skip
    axis.bar_label(bars, [f"{time:.2f}" for time in times], padding=2)
    axis.set(
        xticks=places, xticklabels=names, ylabel="share of a training step", ylim=(0, 1.2 * max(*products, *times))
    )
    axis.legend()
    said = ", ".join(f"{p:.2f} and {time:.2f}" for p, time in zip(products, times))
    return fig, f"Bars for each level of the U from the top: its share of the multiplications, and of the time: {said}."
