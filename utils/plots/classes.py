"""The figures of notebook 07 many classes: class maps, labels that overlap, confusion, and the many meanings of IoU."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np

from utils.plots.base import (
    BLACK,
    BLUE,
    CLASS_COLOURS,
    GREY,
    ORANGE,
    PROBABILITY_MAP,
    WIDTH,
    bare,
    figure,
    legend_below,
    rgb,
)
from utils.plots.training import draw_losses, trend

__all__ = [
    "claimed", "class_curves", "class_maps", "confusion", "label_channels", "weight_effect", "which_iou",
]  # fmt: skip

NOBODY = "white"
"""A pixel that no class claims."""


def _paint(picture, names):
    """A class map ``(H, W)`` as RGB in the colours of its classes, -1 white; an image ``(H, W, 3)`` as it is."""
    return picture if np.ndim(picture) == 3 else rgb([*(CLASS_COLOURS[name] for name in names), NOBODY])[picture]


def _legend(fig, names):
    legend_below(fig, {name: CLASS_COLOURS[name] for name in names})


@figure
def class_maps(rows, row_labels, names, *, titles=None):
    """Show rows of pictures: images as they are, class maps in the colours of their classes.

    Args:
        rows: a list of rows; a row is a list of ``(H, W, 3)`` images or ``(H, W)`` class maps.
        row_labels: a text for each row.
        names: the class names, the background first.
        titles: a text over each column, or None.
    """
    columns = len(rows[0])
    side = min((WIDTH - 0.4) / columns, 1.8)
    size = (side * columns + 0.4, (side + 0.05) * len(rows) + 0.45 + 0.25 * bool(titles))
    fig, axes = plt.subplots(len(rows), columns, figsize=size, squeeze=False)
    for axis_row, row, label in zip(axes, rows, row_labels):
        axis_row[0].set_ylabel(label)
        for axis, picture in zip(axis_row, row):
            axis.imshow(_paint(picture, names), vmin=0, vmax=1)
            bare(axis)
    for axis, title in zip(axes[0], titles or []):
        axis.set_title(title)
    _legend(fig, names)
    return fig


@figure
def label_channels(image, labels, stack, names, *, first="class map", titles=None):
    """Show an image, its class map, and beside them one channel a kind.

    Args:
        image: ``(H, W, 3)``, 0..1.
        labels: class map ``(H, W)``.
        stack: ``(H, W, kinds)``, 0..1: labels or probabilities.
        names: the class names, the background first; the stack has a channel for each but the background.
        first: title of the class map.
        titles: one text a channel; by default the names of the kinds.
    """
    panels = [image, _paint(labels, names), *np.moveaxis(stack, -1, 0)]
    fig, axes = plt.subplots(1, len(panels), figsize=(WIDTH, WIDTH / len(panels) + 0.55))
    for axis, panel, title in zip(axes, panels, ("image", first, *(titles or names[1:]))):
        axis.imshow(panel, cmap=PROBABILITY_MAP, vmin=0, vmax=1)
        bare(axis, title)
    _legend(fig, names)
    return fig


@figure
def class_curves(history, chance=None):
    """Draw loss and validation score after every epoch of a training with several classes.

    Args:
        history: ``model.fit(...).history``, whose ``val_iou`` is the mean IoU over the shape classes.
        chance: if given, a dashed line in the right panel: the score of a network that finds shapes and guesses their class.
    """
    fig, right = draw_losses(history, "categorical cross-entropy")
    if chance is not None:
        right.axhline(chance, color=GREY, linestyle=":", label="finds shapes, guesses the class")
        right.legend(loc="lower right")
    right.set(xlabel="epoch", ylabel="mean IoU of the shape classes", ylim=(0, 1))
    return fig, (
        f"Two panels against the epoch, {len(history['loss'])} in all. Left: the training loss {trend(history['loss'])}, the "
        f"validation loss {trend(history['val_loss'])}. Right: the mean IoU of the shape classes on validation images "
        f"{trend(history['val_iou'])}."
    )


@figure
def confusion(tables, names, columns=None):
    """Draw confusion matrices: a row a true class, a column a predicted class, each row's shares adding up to 1.

    Args:
        tables: title -> counts ``(true classes, predicted classes)``. A row without any pixel stays empty.
        names: the names of the rows.
        columns: the names of the columns; the same by default.
    """
    columns = columns or names
    fig, axes = plt.subplots(1, len(tables), figsize=(min(WIDTH, 4.6 * len(tables)), 3.7), squeeze=False, sharey=True)
    said = []
    for axis, (title, table) in zip(axes[0], tables.items()):
        table = np.asarray(table, float)
        share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        shown = axis.imshow(share, cmap="cividis", vmin=0, vmax=1, aspect="auto")
        for (row, column), value in np.ndenumerate(share):
            axis.text(
                column,
                row,
                f"{value:.2f}".lstrip("0"),
                ha="center",
                va="center",
                color="white" if value < 0.6 else BLACK,
            )
        axis.set(title=title, xlabel="predicted")
        axis.set(xticks=range(len(columns)), xticklabels=columns, yticks=range(len(names)), yticklabels=names)
        axis.tick_params(axis="x", rotation=90)
        said.append(f"{title}: {_weakest(share, names, columns)}")
    axes[0, 0].set_ylabel("truth")
    fig.colorbar(shown, ax=axes, shrink=0.9, label="share of the row")
    return fig, f"Confusion matrices, a row a true class, a column a predicted class. {'; '.join(said)}."


def _weakest(share, names, columns):
    """Say in words what the largest entry off the diagonal is; a table of other rows than columns is read row by row."""
    if list(names) != list(columns):
        return ", ".join(f"{name} is most often called {columns[row.argmax()]}" for name, row in zip(names, share))
    mistakes = np.where(np.eye(len(names)), -1, share)
    row, column = np.unravel_index(mistakes.argmax(), mistakes.shape)
    return f"the most frequent mistake is {names[row]} called {columns[column]}"


@figure
def which_iou(values):
    """Draw several scores of the same predictions as dots on one scale.

    Args:
        values: name of the score -> value, 0..1, in the order to draw from the top.
    """
    fig, axis = plt.subplots(figsize=(WIDTH, 0.8 + 0.36 * len(values)))
    places, least, most = range(len(values)), min(values.values()), max(values.values())
    axis.axvspan(least, most, color=GREY, alpha=0.15, linewidth=0)
    axis.plot(list(values.values()), places, "o", color=BLUE, markersize=8)
    for place, value in zip(places, values.values()):
        axis.annotate(f"{value:.2f}", (value, place), (9, 0), textcoords="offset points", va="center")
    left = max(0, np.floor(least * 10 - 0.5) / 10)
    axis.set(xlabel="score of the same predictions", xlim=(left, 1.02), ylim=(len(values) - 0.4, -0.6))
    axis.set(yticks=places, yticklabels=values)
    axis.grid(axis="y", alpha=0.3)
    low, high = min(values, key=values.get), max(values, key=values.get)
    return fig, (
        f"{len(values)} scores of the same predictions as dots: lowest '{low}', {least:.2f}, highest '{high}', {most:.2f}."
    )


@figure
def claimed(image, truth, probability, names, *, threshold):
    """Show who gets a pixel by the largest probability, and who by a threshold; with a threshold some pixels get nobody.

    Args:
        image: ``(H, W, 3)``, 0..1.
        truth: class map ``(H, W)``.
        probability: ``(H, W, classes)``.
        names: the class names, the background first.
        threshold: a class claims a pixel with a probability above this, .5 or more.
    """
    largest, height = probability.argmax(axis=-1), probability.max(axis=-1)
    sure = np.where(height > threshold, largest, -1)
    panels = {"image": image, "truth": truth, "largest": largest, f"above {threshold:g}": sure}
    fig, axes = plt.subplots(1, 5, figsize=(WIDTH, WIDTH / 5 + 0.5))
    for axis, (title, picture) in zip(axes, panels.items()):
        axis.imshow(_paint(picture, names), vmin=0, vmax=1)
        bare(axis, title)
    shown = axes[4].imshow(height, cmap=PROBABILITY_MAP, vmin=0, vmax=1)
    bare(axes[4], "largest value")
    fig.colorbar(shown, ax=axes[4], shrink=0.7)
    legend_below(fig, {name: CLASS_COLOURS[name] for name in names} | {"nobody": NOBODY})
    return fig, (
        f"An image, its class map, the class with the largest probability, the classes above {threshold:g}, and the largest "
        f"probability itself. At {threshold:g}, {'some' if (sure < 0).any() else 'no'} pixels belong to nobody."
    )


@figure
def weight_effect(table, rare, conditions):
    """Draw precision against recall of a rare class, a dot a seed, a colour a condition.

    Args:
        table: a :class:`utils.experiments.Table` with ``recall <class>`` and ``precision <class>``; a precision of NaN,
            of a class that is never predicted, has no dot.
        rare: name of the class.
        conditions: the names of the conditions.
    """
    fig, axis = plt.subplots(figsize=(0.62 * WIDTH, 3.6))
    said = []
    for condition, (colour, marker) in zip(conditions, itertools.cycle(zip((GREY, BLUE, ORANGE), "sod"))):
        recall, precision = (table.of(f"{score} {rare}")[condition] for score in ("recall", "precision"))
        never = np.isnan(precision).all()
        label = f"{condition}: never predicted" if never else condition
        axis.plot(recall, precision, marker, color=colour, markersize=8, label=label, markeredgecolor=BLACK)
        said.append(
            f"{label}, recall {recall.mean():.2f}" + ("" if never else f", precision {np.nanmean(precision):.2f}")
        )
    axis.set(xlabel=f"recall of {rare}", ylabel=f"precision of {rare}", xlim=(-0.04, 1.04), ylim=(-0.04, 1.04))
    axis.legend(loc="lower left")
    return fig, f"Precision against recall of the class {rare}, a dot a seed; means of the seeds: {'; '.join(said)}."
