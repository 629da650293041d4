"""Experiments: change one thing, train with several seeds, keep the scores in a table, claim nothing inside the spread.

A study is a number of conditions, each a :class:`utils.training.Recipe`. The runs are made by ``make experiments``; their
scores are in ``data/experiments/``, one file a study, and are read with :func:`read`.
"""

from __future__ import annotations

import csv
import dataclasses
import inspect
import math

import numpy as np

from utils import given, losses, metrics, project, training, unet

FOLDER = project.DATA / "experiments"
SEEDS = (0, 1, 2)
COLUMNS = ("condition", "seed", "score", "value")

BASE = dataclasses.replace(training.DEEP, epochs=4)
"""What every condition is compared with: the series' network and recipe, four epochs in place of seven."""


def change(recipe=BASE, **parts) -> training.Recipe:
    """The recipe with some parts changed. Names of the network's options go to the network, the others to the recipe.

    Args:
        recipe: the one to start from.
        parts: fields of :class:`utils.training.Recipe`, or options of :func:`utils.unet.build_unet`.

    Returns:
        Recipe: a new one; the given one stays as it is.

    Raises:
        TypeError: not a recipe.
        ValueError: a name that is neither a field of the recipe nor an option of the network, or a value it cannot have.
    """
    if not isinstance(recipe, training.Recipe):
        raise TypeError(f"recipe is {given.shown(recipe)}; give a training.Recipe.")
    fields = {field.name for field in dataclasses.fields(training.Recipe)} - {"network"}
    network = {name: value for name, value in parts.items() if name not in fields}
    options = sorted(inspect.signature(unet.build_unet).parameters)
    unknown = sorted(set(network) - set(options))
    if unknown:
        known = ", ".join([*sorted(fields), *options])
        raise ValueError(f"{unknown[0]} is part neither of a recipe nor of a network; there are: {known}.")
    rest = {name: value for name, value in parts.items() if name in fields}
    return dataclasses.replace(recipe, network={**recipe.network, **network}, **rest)


def _few(images, augment):
    """Training on few images, with as many steps as the base has: 500."""
    batch = min(images // 2, BASE.batch_size)
    repeats = BASE.steps // BASE.epochs // (images // batch)
    return change(images=images, augment=augment, batch_size=batch, repeats=repeats)


RECIPES = {
    "skips": {
        "all": BASE,
        "without 1": change(skips=(2, 3, 4)),
        "without 2": change(skips=(1, 3, 4)),
        "without 3": change(skips=(1, 2, 4)),
        "without 4": change(skips=(1, 2, 3)),
        "none": change(skips=()),
    },
    "depth": {
        "1": change(depth=1, base=36),
        "2": change(depth=2, base=16),
        "3": change(depth=3, base=8),
        "4": change(depth=4, base=4),
    },
    "upsampling": {
        "nearest": BASE,
        "bilinear": change(upsampling="bilinear"),
        "transposed": change(upsampling="transposed"),
    },
    "norm": {"batch": BASE, "group": change(norm="group"), "none": change(norm="none", peak=2e-3)},
    "width": {"8": BASE, "4": change(base=4), "12": change(base=12)},
    "loss": {
        "BCE": BASE,
        "Dice": change(loss=losses.soft_dice_loss),
        "BCE + Dice": change(loss=losses.bce_dice_loss),
        "focal": change(loss="binary_focal_crossentropy"),
    },
    "images": {
        f"{count} {'augmented' if augment else 'as drawn'}": _few(count, augment)
        for count in (10, 100, 1000)
        for augment in (True, False)
    },
}
"""The studies of notebook 06, the baseline first where it is one of the conditions.

The depths have about 120,000 parameters each."""


def score(model, samples) -> dict[str, float]:
    """Score a network, interior and boundary apart.

    Args:
        model: a network with one output channel.
        samples: pictures from :func:`utils.shapes.draw`.

    Returns:
        dict: what :func:`utils.training.score` says, ``boundary`` (:func:`utils.metrics.boundary_iou`), ``interior``
        (:func:`utils.metrics.interior_iou`), ``calibration`` (the error of :func:`utils.metrics.calibration`) and ``unsure``,
        the share of pixels with a probability between .1 and .9. All 0..1.

    Raises:
        TypeError, ValueError: as for :func:`utils.training.score`; also pictures in which no pixel is far from an edge.
    """
    training.check_samples(samples)
    probability = training.predict(model, samples.images)
    mask = metrics.to_mask(probability)
    more = {
        "boundary": metrics.boundary_iou(samples.masks, mask),
        "interior": metrics.interior_iou(samples.masks, mask),
        "calibration": metrics.calibration(samples.masks, np.clip(probability, 0, 1)).error,
        "unsure": float(((probability > 0.1) & (probability < 0.9)).mean()),
    }
    return training.score(model, samples) | more


@dataclasses.dataclass(frozen=True)
class Table:
    """The scores of a study.

    Attributes:
        study: its name.
        made: with what, and when.
        values: condition -> score -> one value a seed, conditions in the order of the file.
    """

    study: str
    made: str
    values: dict[str, dict[str, np.ndarray]]

    def of(self, score) -> dict[str, np.ndarray]:
        """Condition -> values of one score, one a seed.

        Raises:
            ValueError: no condition has this score.
        """
        known = isinstance(score, str)
        found = {name: scores[score] for name, scores in self.values.items() if known and score in scores}
        if not found:
            there = sorted({name for scores in self.values.values() for name in scores})
            raise ValueError(f"Study '{self.study}' has no score {given.shown(score)}; it has {', '.join(there)}.")
        return found


def read(study, folder=FOLDER) -> Table:
    """Read the table of a study.

    Args:
        study: its name, for example ``"skips"``.
        folder: where the tables are.

    Returns:
        Table

    Raises:
        ValueError: there is no such table, or a line of it is damaged.
        TypeError: a folder that is not the name of one.
    """
    folder = given.path("folder", folder)
    studies = {file.stem: file for file in folder.glob("*.csv")} if folder.is_dir() else {}
    if not isinstance(study, str) or study not in studies:
        there = ", ".join(sorted(studies)) or "none"
        raise ValueError(f"There is no study {given.shown(study)} in {folder.name}/; there are: {there}.")
    path = studies[study]
    try:
        made, header, *lines = path.read_text(encoding="utf-8").splitlines()
    except ValueError:
        raise ValueError(
            f"{path.name} is damaged: it must be a text whose first two lines say how it was made."
        ) from None
    if tuple(header.split(",")) != COLUMNS:
        raise ValueError(f"{path.name} has the columns {header}; they must be {','.join(COLUMNS)}.")
    found = {}
    for number, row in enumerate(csv.reader(lines), 3):
        try:
            condition, seed, name, value = row
            if not math.isfinite(float(value)):
                raise ValueError
            found.setdefault(condition, {}).setdefault(name, {})[int(seed)] = float(value)
        except ValueError:
            raise ValueError(f"{path.name}, line {number} is damaged: {','.join(row)}") from None
    values = {
        condition: {name: np.array([by_seed[s] for s in sorted(by_seed)]) for name, by_seed in scores.items()}
        for condition, scores in found.items()
    }
    return Table(study, made.lstrip("# "), values)


def apart(first, second) -> bool:
    """Whether two conditions differ by more than their spread: no value of one lies within the range of the other.

    Args:
        first, second: one value a seed each.

    Returns:
        bool: True if all values of one are greater than all values of the other.

    Raises:
        TypeError: no numbers.
        ValueError: fewer than 3 values, or values that are NaN or infinite; a spread needs 3 numbers.
    """
    first, second = given.finite("first", first), given.finite("second", second)
    for values in (first, second):
        if values.size < 3:
            raise ValueError(f"There are {values.size} values; a spread needs 3 seeds or more.")
    return bool(first.min() > second.max() or second.min() > first.max())
