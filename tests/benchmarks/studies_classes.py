"""The studies of notebook 07: what makes telling classes apart hard, and what class weights do to a rare class.

``make experiments STUDY="classes class_weights"``
"""

import dataclasses
import functools

import keras
import numpy as np

from tests.benchmarks.experiments import Study
from utils import classes, metrics, pipeline, shapes, training, unet, weights

RECIPE = dataclasses.replace(training.DEEP, network={**training.DEEP.network, "classes": 4}, epochs=4)
"""The recipe of notebook 07: the series' network with four output channels, four epochs."""

RARE = "triangle"


def build(count, transfer=True, network=RECIPE.network):
    """The network for some classes; with ``transfer`` its layers begin as those of the shipped silhouette network."""
    model = unet.build_unet(**{**network, "classes": count})
    if transfer:
        classes.copy_layers(weights.load_shipped(), model)
    return model


def fit(model, samples, validation, seed, epochs, weights=None):
    """Train on class maps."""
    count = model.output_shape[-1]
    data = pipeline.dataset(
        samples.images, samples.classes[..., None], classes=count, weights=weights, batch_size=RECIPE.batch_size,
        shuffle=True, augment=True, seed=seed,
    )  # fmt: skip
    steps = epochs * (len(samples) // RECIPE.batch_size)
    training.compile_model(model, steps, peak=RECIPE.peak, loss="sparse_categorical_crossentropy")
    pair = validation.images, validation.classes[..., None]
    return training.train(model, data, pair, epochs, score=classes.shape_score)


def score(model, samples, names) -> dict[str, float]:
    """Scores of a network with several classes, and which kind was taken for which."""
    probability = training.predict(model, samples.images)
    predicted = classes.class_of(probability)
    count = len(names)
    share = np.bincount(samples.classes.ravel(), minlength=count)[1:] / samples.classes.size
    table = classes.confusion(samples.classes, predicted, count)
    found = {
        "mean IoU": classes.mean_iou(samples.classes, predicted, count),
        "foreground IoU": metrics.iou(samples.classes > 0, predicted > 0),
        "loss": np.mean([classes.cross_entropy(*pair).mean() for pair in zip(samples.classes, probability)]),
        # The loss of someone who sees each shape exactly and only knows how frequent the kinds are.
        "guess": -(share * np.log(share / share.sum())).sum(),
    }
    for k in range(1, count):
        found[f"IoU {names[k]}"] = table[k, k] / (table[k].sum() + table[:, k].sum() - table[k, k])
        for other in range(1, count):
            if other != k:
                found[f"{names[k]} as {names[other]}"] = table[k, other] / table[k].sum()
    return {name: float(value) for name, value in found.items()}


def task(seed, *, kinds=classes.KINDS, transfer=True, epochs=RECIPE.epochs, **options) -> dict[str, float]:
    """Train by the recipe on one task and score on its own test pictures."""
    draw = functools.partial(classes.draw, kinds=kinds, **options)
    samples, validation = draw(RECIPE.images), draw(RECIPE.validation, split="validation")
    keras.utils.set_random_seed(seed)
    model = build(len(kinds) + 1, transfer)
    fit(model, samples, validation, seed, epochs)
    return score(model, draw(500, split="test", seed=training.TEST_SEED), ("ground", *kinds))


def few(count, **options):
    """Pictures in which nine of ten triangles are replaced by a disc or a square."""
    parts = []
    for start in range(0, count, 64):
        plan = classes.plan(range(start, min(start + 64, count)), **options)
        number = plan.keys[:, 2:]
        replaced = (plan.kind == shapes.KINDS.index(RARE)) & (number % 10 != 0)
        parts.append(shapes.paint(dataclasses.replace(plan, kind=np.where(replaced, number // 10 % 2, plan.kind))))
    return classes.join(parts)


def rare(seed, *, weighted, epochs=3) -> dict[str, float]:
    """Train where triangles are rare, and score where they are as rare."""
    samples, validation = few(RECIPE.images), few(RECIPE.validation, split="validation")
    weight = None
    if weighted:
        labels = samples.classes[..., None]
        weight = classes.pixel_weights(labels, classes.class_weights(labels, 4))
    keras.utils.set_random_seed(seed)
    model = build(4)
    fit(model, samples, validation, seed, epochs, weight)
    test = few(1000, split="test", seed=training.TEST_SEED)
    predicted = classes.class_of(training.predict(model, test.images))
    found = {"mean IoU": classes.mean_iou(test.classes, predicted, 4)}
    for k, name in enumerate(classes.NAMES):
        found[f"recall {name}"] = metrics.recall(test.classes == k, predicted == k)
        found[f"precision {name}"] = metrics.precision(test.classes == k, predicted == k)
        found[f"IoU {name}"] = metrics.iou(test.classes == k, predicted == k)
    return found


EVERYTHING = {"kinds": shapes.KINDS, "outlined": True, "overlaps": True}

STUDIES = {
    "classes": Study(
        {
            "notebook 07": task,
            "from scratch": functools.partial(task, transfer=False),
            "outlined too": functools.partial(task, outlined=True),
            "overlaps": functools.partial(task, overlaps=True),
            "five kinds": functools.partial(task, kinds=shapes.KINDS),
            "all three": functools.partial(task, **EVERYTHING),
            "from scratch, 12 epochs": functools.partial(task, transfer=False, epochs=12),
            "all three, 12 epochs": functools.partial(task, epochs=12, **EVERYTHING),
        }
    ),
    "class_weights": Study(
        {"no weights": functools.partial(rare, weighted=False), "weights": functools.partial(rare, weighted=True)}
    ),
}
