"""The figures of notebook 07 many classes: class maps, labels that overlap, confusion, and the many meanings of IoU."""

from __future__ import annotations

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from utils import given
from utils.plots.base import (
    BLACK,
    BLUE,
    CLASS_COLOURS,
    GREY,
    ORANGE,
    PROBABILITY_MAP,
    SPLIT_COLOURS,
    WIDTH,
    figure,
)
from utils.plots.inputs import check_lengths, check_shares, check_sizes, curve, subplots, told_apart

NOBODY = "white"
"""A pixel that no class claims."""


def _paint(labels, names):
    """A class map ``(H, W)`` or ``(H, W, 1)`` as RGB ``(H, W, 3)`` in the colours of the classes; -1 stays white."""
    labels = given.finite("a class map", labels)
    palette = [matplotlib.colors.to_rgb(CLASS_COLOURS[name]) for name in names]
    if labels.shape[2:] not in ((), (1,)) or labels.ndim < 2 or not np.isin(labels, np.arange(-1, len(palette))).all():
        raise ValueError(
            f"{given.shown(labels)} is no class map; it needs (H, W) and whole numbers below {len(palette)}."
        )
    labels = labels.reshape(labels.shape[:2]).astype(int)
    return np.array([*palette, matplotlib.colors.to_rgb(NOBODY)])[labels]


def _shown(picture, names):
    """An image ``(H, W, 3)`` as it is, a class map in the colours of its classes."""
    return picture if np.shape(picture)[2:] == (3,) else _paint(picture, names)


def _legend(fig, names, more=None):
    """Say below a figure which colour is which class."""
    colours = {name: CLASS_COLOURS[name] for name in names} | (more or {})
    patches = [plt.Rectangle((0, 0), 1, 1, facecolor=c, edgecolor=GREY, label=name) for name, c in colours.items()]
    fig.legend(handles=patches, loc="outside lower center", ncols=len(patches))


def _frame(axis):
    axis.set(xticks=[], yticks=[])
    for side in axis.spines.values():
        side.set(visible=True, color=GREY)


@figure
def class_maps(rows, row_labels, names, *, titles=None, alt):
    """Show rows of pictures: images as they are, class maps in the colours of their classes.

    Args:
        rows: a list of rows; a row is a list of ``(H, W, 3)`` images or ``(H, W)`` class maps.
        row_labels: a text for each row.
        names: the class names, the ground first.
        titles: a text over each column, or None.
        alt: what the pictures show.
    """
    check_lengths(rows=rows, row_labels=row_labels)
    for row in rows:
        check_lengths(first_row=rows[0], another_row=row, titles=titles or None)
    columns = len(rows[0])
    side = min((WIDTH - 0.4) / columns, 1.8)
    size = (side * columns + 0.4, (side + 0.05) * len(rows) + 0.45 + 0.25 * bool(titles))
    fig, axes = subplots(len(rows), columns, figsize=size, squeeze=False)
    for axis_row, row, label in zip(axes, rows, row_labels):
        axis_row[0].set_ylabel(label)
        for axis, picture in zip(axis_row, row):
            axis.imshow(_shown(picture, names), vmin=0, vmax=1)
            _frame(axis)
    for axis, title in zip(axes[0], titles or []):
        axis.set_title(title)
    _legend(fig, names)
    return fig, alt


@figure
def label_channels(image, labels, stack, names, *, first="class map", titles=None, alt):
    """Show an image, its class map, and beside them one channel a kind.

    Args:
        image: ``(H, W, 3)``, 0..1.
        labels: class map ``(H, W)``.
        stack: ``(H, W, kinds)``, 0..1: labels or probabilities.
        names: the class names, the ground first; the stack has a channel for each but the ground.
        first: title of the class map.
        titles: one text a channel; by default the names of the kinds.
        alt: what the pictures show.
    """
    kinds = stack.shape[-1]
    check_sizes(image=image, labels=labels, stack=stack)
    check_lengths(channels_of_the_stack=range(kinds), kinds=names[1:], titles=titles or None)
    fig, axes = subplots(1, 2 + kinds, figsize=(WIDTH, WIDTH / (2 + kinds) + 0.55))
    axes[0].imshow(image, vmin=0, vmax=1)
    axes[1].imshow(_paint(labels, names))
    for axis, channel in zip(axes[2:], np.moveaxis(stack, -1, 0)):
        axis.imshow(channel, cmap=PROBABILITY_MAP, vmin=0, vmax=1)
    for axis, title in zip(axes, ("image", first, *(titles or names[1:]))):
        axis.set_title(title)
        _frame(axis)
    _legend(fig, names)
    return fig, alt


@figure
def class_curves(history, chance=None):
    """Draw loss and validation score after every epoch of a training with several classes.

    Args:
        history: a :class:`utils.training.History` whose score is the mean IoU over the shape classes.
        chance: if given, a dashed line in the right panel: the score of a network that finds shapes and guesses their class.
    """
    chance = None if chance is None else given.number("chance", chance, 0, 1)
    epochs = np.arange(1, len(history) + 1)
    fig, (left, right) = subplots(1, 2, figsize=(WIDTH, 3.2))
    left.plot(epochs, history.loss, "o-", color=SPLIT_COLOURS["train"], label="training")
    left.plot(epochs, history.val_loss, "s--", color=SPLIT_COLOURS["validation"], label="validation")
    left.set(xlabel="epoch", ylabel="categorical cross-entropy", ylim=(0, None))
    left.legend()
    right.plot(epochs, history.val_iou, "s--", color=SPLIT_COLOURS["validation"])
    if chance is not None:
        right.axhline(chance, color=GREY, linestyle=":", label="finds shapes, guesses the class")
        right.legend(loc="lower right")
    right.set(xlabel="epoch", ylabel="mean IoU of the shape classes", ylim=(0, 1))
    return fig, (
        "Two panels against the epoch. Left: training and validation loss fall. Right: the mean IoU of the shape classes on "
        "validation images rises."
    )


@figure
def confusion(tables, names, columns=None, alt=None):
    """Draw confusion matrices: a row a true class, a column a predicted class, each row's shares adding up to 1.

    Args:
        tables: title -> counts ``(true classes, predicted classes)``. A row without any pixel stays empty.
        names: the names of the rows.
        columns: the names of the columns; the same by default.
        alt: what the pictures show; by default the most frequent mistakes.
    """
    columns = names if columns is None else columns
    for title, table in tables.items():
        table = given.finite(f"table {given.shown(title)}", table)
        if table.shape != (len(names), len(columns)) or table.min() < 0:
            shape = (len(names), len(columns))
            raise ValueError(
                f"{title} holds {given.shown(table)}; by the names it needs {shape}, and counts of 0 or more."
            )
    fig, axes = subplots(1, len(tables), figsize=(min(WIDTH, 4.6 * len(tables)), 3.7), squeeze=False)
    for axis, (title, table) in zip(axes[0], tables.items()):
        table = np.asarray(table, float)
        share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        shown = axis.imshow(share, cmap="cividis", vmin=0, vmax=1, aspect="auto")
        for (row, column), value in np.ndenumerate(share):
            axis.text(column, row, f"{value:.2f}", ha="center", va="center", color="white" if value < 0.6 else BLACK)
        axis.set(title=title, xlabel="predicted", ylabel="truth")
        axis.set(xticks=range(len(columns)), xticklabels=columns, yticks=range(len(names)), yticklabels=names)
        axis.tick_params(axis="x", rotation=40)
    fig.colorbar(shown, ax=axes, shrink=0.9, label="share of the row")
    if alt is not None:
        return fig, alt
    said = "; ".join(f"{title}: {_weakest(np.asarray(table), names, columns)}" for title, table in tables.items())
    return fig, f"Confusion matrices, a row a true class, a column a predicted class. {said}."


def _weakest(table, names, columns):
    """Say in words what the largest entry off the diagonal is; a table of other rows than columns is read row by row."""
    if list(names) != list(columns):
        largest = [columns[int(np.argmax(row))] for row in table]
        return ", ".join(f"{name} is most often called {found}" for name, found in zip(names, largest))
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(share, -1)
    row, column = np.unravel_index(np.argmax(share), share.shape)
    return f"the most frequent mistake is {names[row]} called {columns[column]}"


@figure
def which_iou(values):
    """Draw several scores of the same predictions as dots on one scale.

    Args:
        values: name of the score -> value, 0..1, in the order to draw from the top.
    """
    check_shares("values", values)
    fig, axis = subplots(figsize=(WIDTH, 0.8 + 0.36 * len(values)))
    places = range(len(values))
    axis.axvspan(min(values.values()), max(values.values()), color=GREY, alpha=0.15, linewidth=0)
    axis.plot(list(values.values()), places, "o", color=BLUE, markersize=8)
    for place, value in zip(places, values.values()):
        axis.annotate(f"{value:.2f}", (value, place), (9, 0), textcoords="offset points", va="center")
    low = np.floor(min(values.values()) * 10 - 0.5) / 10
    axis.set(xlabel="score of the same predictions", xlim=(max(0, low), 1.02), ylim=(len(values) - 0.4, -0.6))
    axis.set(yticks=places, yticklabels=values)
    axis.grid(axis="y", alpha=0.3)
    low, high = min(values, key=values.get), max(values, key=values.get)
    return fig, f"{len(values)} scores of the same predictions as dots: lowest '{low}', highest '{high}'."


@figure
def claimed(image, truth, probability, names, *, threshold):
    """Show who gets a pixel by the largest probability, and who by a threshold; with a threshold some pixels get nobody.

    Args:
        image: ``(H, W, 3)``, 0..1.
        truth: class map ``(H, W)``.
        probability: ``(H, W, classes)``.
        names: the class names, the ground first.
        threshold: a class claims a pixel with a probability above this, .5 or more.
    """
    threshold = given.number("threshold", threshold, 0.5, 1)
    check_lengths(classes_of_the_probability=range(np.shape(probability)[-1]), names=names)
    largest = probability.argmax(axis=-1)
    cut = np.where(probability.max(axis=-1) > threshold, largest, -1)
    panels = {"image": image, "truth": truth, "largest": largest, f"above {threshold:g}": cut}
    fig, axes = subplots(1, 5, figsize=(WIDTH, WIDTH / 5 + 0.5))
    for axis, (title, picture) in zip(axes, panels.items()):
        axis.imshow(_shown(picture, names), vmin=0, vmax=1)
        axis.set_title(title)
        _frame(axis)
    shown = axes[4].imshow(probability.max(axis=-1), cmap=PROBABILITY_MAP, vmin=0, vmax=1)
    axes[4].set_title("largest value")
    _frame(axes[4])
    fig.colorbar(shown, ax=axes[4], shrink=0.7)
    _legend(fig, names, {"nobody": NOBODY})
    return fig, (
        f"A picture, its class map, the class with the largest probability, the classes above {threshold:g}, and the largest "
        f"probability itself. At {threshold:g}, {'no' if (cut >= 0).all() else 'some'} pixels belong to nobody."
    )


@figure
def two_heads(softmax, sigmoid, names):
    """Draw what the two heads reach for one pixel that is labelled with two classes, step by step.

    Args:
        softmax: probabilities ``(steps, classes)`` of a softmax that is trained on two labels at once.
        sigmoid: probabilities ``(steps, classes)`` of as many sigmoids.
        names: the classes' names.
    """
    fig, axes = subplots(1, 2, figsize=(WIDTH, 3), sharey=True)
    looks = ("-", "--", ":", "-.")
    for axis, title, curves in zip(axes, ("softmax", "sigmoids"), (softmax, sigmoid)):
        columns = np.transpose(given.finite(title, curves))
        check_lengths(names=names, curves=columns)
        for k, (name, values) in enumerate(zip(names, columns)):
            axis.plot(curve(name, values), looks[k % 4], color=CLASS_COLOURS[name], label=name)
        axis.axhline(0.5, color=GREY, linewidth=0.8)
        axis.set(title=title, xlabel="step", ylim=(0, 1.02))
    axes[0].set_ylabel("probability")
    axes[1].legend(loc="center right")
    return fig, (
        "Probabilities of one pixel that carries two labels, against the step. Softmax: the two labelled classes rise together "
        "and stop at one half. Sigmoids: both rise towards 1, the other classes fall towards 0."
    )


@figure
def weight_effect(table, rare, conditions):
    """Draw precision against recall of a rare class, a dot a seed, a colour a condition.

    Args:
        table: a :class:`utils.experiments.Table` with the scores ``recall <class>`` and ``precision <class>``.
        rare: name of the class.
        conditions: the names of the conditions.
    """
    fig, axis = subplots(figsize=(0.62 * WIDTH, 3.6))
    for condition, (colour, marker) in told_apart(conditions, zip((GREY, BLUE, ORANGE), "sod")):
        recall, precision = (table.of(f"{what} {rare}")[condition] for what in ("recall", "precision"))
        axis.plot(recall, precision, marker, color=colour, markersize=8, label=condition, markeredgecolor=BLACK)
    axis.set(xlabel=f"recall of {rare}", ylabel=f"precision of {rare}", xlim=(-0.04, 1.04), ylim=(-0.04, 1.04))
    axis.legend(loc="lower left")
    said = "; ".join(
        f"{c}: recall {table.of(f'recall {rare}')[c].mean():.2f}, precision {table.of(f'precision {rare}')[c].mean():.2f}"
        for c in conditions
    )
    return fig, f"Precision against recall of the rare class {rare}, one dot a seed; means of the seeds: {said}."


__all__ = [
    "class_curves", "class_maps", "claimed", "confusion", "label_channels", "two_heads", "weight_effect", "which_iou",
]  # fmt: skip
