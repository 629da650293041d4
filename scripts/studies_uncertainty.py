"""The runs of notebook 11 on uncertainty: several ways to ask, on images as trained and on harder ones."""

import functools

import keras
import numpy as np

from scripts.experiments import Study
from utils import experiments, metrics, shapes, training, uncertainty

RECIPE = experiments.change(training.DEEP, depth=3, base=6, dropout=0.3, images=600, validation=100, epochs=4)
"""300 training steps of a network with three poolings, six channels at the top and dropout at the bottom."""

MEMBERS, PASSES, TEST_IMAGES = 3, 8, 100
LEVELS = {"": "standard", " (hard)": "hard"}
"""What the scores' names end with, and the level of the test images."""


@functools.lru_cache(1)
def members(seed):
    """An ensemble of freshly trained networks; no two seeds have a network in common."""
    return [training.follow_recipe(RECIPE, MEMBERS * seed + k)[0] for k in range(MEMBERS)]


def answers(way, models, images, seed=0) -> np.ndarray:
    """The answers of one of the ways, ``(K, N, H, W, 1)``; all but the ensemble use the first network alone."""
    if way == "turns and flips":
        return uncertainty.turns_and_flips(models[0], images)
    if way == "dropout":
        keras.utils.set_random_seed(seed)
        return uncertainty.ensemble([uncertainty.dropout_on(models[0])] * PASSES, images)
    return uncertainty.ensemble(models[: MEMBERS if way == "ensemble" else 1], images)


def score(truth, found) -> dict[str, float]:
    """How good the mean of some answers is, and what its entropy and their disagreement know of its errors."""
    probability = found.mean(axis=0)
    wrong, unsure = truth != metrics.to_mask(probability), uncertainty.entropy(probability)
    scores = {
        "IoU": metrics.iou(truth, probability),
        "calibration error": metrics.calibration(truth, probability).error,
        "error": float(wrong.mean()),
        "errors left": uncertainty.errors_left(wrong, unsure, 0.05),
        "AUROC": uncertainty.auroc(wrong, unsure),
        "sure and wrong": float((wrong & (np.abs(probability - 0.5) > 0.45)).sum() / wrong.sum()),
    }
    if len(found) > 1:
        scores["AUROC of disagreement"] = uncertainty.auroc(wrong, uncertainty.disagreement(found))
    return scores


def run(way, seed) -> dict[str, float]:
    """Train an ensemble, ask it in one of the ways, and score on both levels."""
    scores = {}
    for suffix, level in LEVELS.items():
        test = shapes.draw(TEST_IMAGES, split="test", seed=training.TEST_SEED, level=level)
        found = score(test.masks, answers(way, members(seed), test.images, seed))
        scores |= {name + suffix: value for name, value in found.items()}
    return scores


WAYS = ("one network", "dropout", "turns and flips", "ensemble")

STUDIES = {"uncertainty": Study({way: functools.partial(run, way) for way in WAYS}, (0, 1, 2, 3, 4))}
