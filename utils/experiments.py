"""Experiments: change one thing, train with several seeds, keep the scores in a table, claim nothing inside the spread.

A study is a number of conditions, each a :class:`utils.training.Recipe`. The runs are made by ``make experiments``; their
scores are in ``data/experiments/``, one file a study, and are read with :func:`read`.
"""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np

from utils import losses, metrics, project, training, validate

FOLDER = project.DATA / "experiments"
SEEDS = (0, 1, 2)
COLUMNS = ("condition", "seed", "score", "value")

BASE = dataclasses.replace(training.DEEP, epochs=4)
"""What every condition is compared with: the series' network and recipe, four epochs instead of seven."""


def change(recipe=BASE, **parts) -> training.Recipe:
    """The recipe with some parts changed: fields of the recipe, or options of :func:`utils.unet.build_unet`."""
    fields = {field.name for field in dataclasses.fields(recipe)}
    options = {name: value for name, value in parts.items() if name not in fields}
    own = {name: value for name, value in parts.items() if name in fields}
    return dataclasses.replace(recipe, network=recipe.network | options, **own)


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
    """Score a network with one output channel on images from :func:`utils.shapes.draw`, interior and boundary apart.

    Returns:
        dict: :func:`utils.metrics.silhouette_scores`, ``boundary`` and ``interior`` (IoU), ``calibration`` (the error) and
        ``unsure``, the share of pixels with a probability between .1 and .9. All 0..1.
    """
    probability = model.predict(samples.images, verbose=0)
    mask = metrics.to_mask(probability)
    return metrics.silhouette_scores(samples, probability) | {
        "boundary": metrics.boundary_iou(samples.masks, mask),
        "interior": metrics.interior_iou(samples.masks, mask),
        "calibration": metrics.calibration(samples.masks, probability).error,
        "unsure": float(((probability > 0.1) & (probability < 0.9)).mean()),
    }


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
        """Condition -> values of one score, one a seed; conditions without it are left out."""
        validate.option("score", score, sorted({name for scores in self.values.values() for name in scores}))
        return {condition: scores[score] for condition, scores in self.values.items() if score in scores}


def read(study, folder=FOLDER) -> Table:
    """Read the table of a study, for example ``"skips"``.

    Raises:
        FileNotFoundError: there is no such table; the message lists those there are.
    """
    path = Path(folder) / f"{study}.csv"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in path.parent.glob("*.csv")))
        raise FileNotFoundError(f"There is no study {study!r} in {path.parent.name}/; there are: {there or 'none'}.")
    made, _, *lines = path.read_text(encoding="utf-8").splitlines()
    found = {}
    for condition, seed, score, value in csv.reader(lines):
        found.setdefault(condition, {}).setdefault(score, {})[int(seed)] = float(value)
    values = {
        condition: {score: np.array([by_seed[s] for s in sorted(by_seed)]) for score, by_seed in scores.items()}
        for condition, scores in found.items()
    }
    return Table(study, made.lstrip("# "), values)


def disjoint(first, second) -> bool:
    """Whether two conditions differ by more than their spread: all values of one are greater than all of the other."""
    return bool(np.min(first) > np.max(second) or np.min(second) > np.max(first))


def ranges(values, reference=None) -> str:
    """Condition -> values, as lines: its range, and whether that overlaps the range of the reference, by default the first."""
    reference, lines = reference or next(iter(values)), []
    width = max(14, *map(len, values)) + 2
    for name, scores in values.items():
        lines.append(f"{name:{width}}{np.min(scores):.3f} to {np.max(scores):.3f}")
        if name != reference:
            lines[-1] += f"   the ranges {'do not ' * disjoint(values[reference], scores)}overlap"
    return "\n".join(lines)
