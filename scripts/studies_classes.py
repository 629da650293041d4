"""The studies of notebook 07: what makes telling classes apart hard, and what class weights do to a rare class.

``make experiments STUDY="classes class_weights"``
"""

import dataclasses
import functools

import keras
import numpy as np
import tensorflow as tf

from scripts import experiments
from scripts.experiments import Study
from utils import losses, metrics, pipeline, shapes, training, unet, weights

RECIPE = dataclasses.replace(training.DEEP, network={**training.DEEP.network, "classes": 4}, epochs=4)
"""The recipe of notebook 07: the series' network with four output channels, four epochs."""

RARE = "triangle"


def build(count, transfer=True, network=RECIPE.network):
    """The network for some classes; with ``transfer`` its layers begin as those of the shipped silhouette network."""
    model = unet.build_unet(**{**network, "classes": count})
    if transfer:
        weights.copy_layers(weights.load_shipped(), model)
    return model


def fit(model, samples, validation, seed, epochs, weights=None):
    """Train on class maps, and return the history."""
    dataset = functools.partial(pipeline.dataset, classes=model.output_shape[-1], batch_size=RECIPE.batch_size)
    labels = samples.classes[..., None]
    data = dataset(samples.images, labels, weights=weights, shuffle=True, augment=True, seed=seed)
    steps = epochs * (len(samples) // RECIPE.batch_size)
    training.compile_model(model, steps, peak=RECIPE.peak, loss="sparse_categorical_crossentropy")
    return experiments.fit(model, data, dataset(validation.images, validation.classes[..., None]), epochs)


def score(model, samples, names) -> dict[str, float]:
    """Scores of a network with several classes, and which kind was taken for which."""
    probability = model.predict(samples.images, verbose=0)
    truth, predicted, count = samples.classes, probability.argmax(axis=-1), len(names)
    share = np.bincount(truth.ravel(), minlength=count)[1:] / truth.size
    table = tf.math.confusion_matrix(truth.ravel(), predicted.ravel(), count).numpy()
    found = {
        "mean IoU": metrics.mean_iou(truth, predicted, count),
        "foreground IoU": metrics.iou(truth > 0, predicted > 0),
        "loss": np.mean(keras.losses.sparse_categorical_crossentropy(truth, probability), dtype=np.float64),
        # The loss of someone who sees each shape exactly and only knows how frequent the kinds are.
        "guess": -(share * np.log(share / share.sum())).sum(),
    }
    for k in range(1, count):
        found[f"IoU {names[k]}"] = table[k, k] / (table[k].sum() + table[:, k].sum() - table[k, k])
        for other in set(range(1, count)) - {k}:
            found[f"{names[k]} as {names[other]}"] = table[k, other] / table[k].sum()
    return {name: float(value) for name, value in found.items()}


def task(seed, *, kinds=shapes.THREE_KINDS, transfer=True, epochs=RECIPE.epochs, **options) -> dict[str, float]:
    """Train by the recipe on one task and score on its own test images."""
    draw = functools.partial(shapes.draw_classes, kinds=kinds, **options)
    samples, validation = draw(RECIPE.images), draw(RECIPE.validation, split="validation")
    keras.utils.set_random_seed(seed)
    model = build(len(kinds) + 1, transfer)
    fit(model, samples, validation, seed, epochs)
    return score(model, draw(500, split="test", seed=training.TEST_SEED), ("background", *kinds))


def few(count, **options):
    """Images in which nine of ten triangles are replaced by a disc or a square."""
    plan = shapes.plan_classes(count, **options)
    number = plan.keys[:, 2:]
    replaced = (plan.kind == shapes.KINDS.index(RARE)) & (number % 10 != 0)
    return shapes.paint(dataclasses.replace(plan, kind=np.where(replaced, number // 10 % 2, plan.kind)))


def rare(seed, *, weighted, epochs=3) -> dict[str, float]:
    """Train where triangles are rare, and score where they are as rare."""
    samples, validation = few(RECIPE.images), few(RECIPE.validation, split="validation")
    weight = None
    if weighted:
        labels = samples.classes[..., None]
        weight = losses.class_weights(labels, 4).astype(np.float32)[labels]
    keras.utils.set_random_seed(seed)
    model = build(4)
    fit(model, samples, validation, seed, epochs, weight)
    test = few(1000, split="test", seed=training.TEST_SEED)
    predicted = model.predict(test.images, verbose=0).argmax(axis=-1)
    found = {"mean IoU": metrics.mean_iou(test.classes, predicted, 4)}
    for k, name in enumerate(shapes.THREE_NAMES):
        found[f"recall {name}"] = metrics.recall(test.classes == k, predicted == k)
        # A class that is never predicted has no precision: 0 / 0.
        never = not np.any(predicted == k)
        found[f"precision {name}"] = np.nan if never else metrics.precision(test.classes == k, predicted == k)
        found[f"IoU {name}"] = metrics.iou(test.classes == k, predicted == k)
    return found


EVERYTHING = {"kinds": shapes.KINDS, "outlined": True, "overlap": True}

STUDIES = {
    "classes": Study(
        {
            "notebook 07": task,
            "from scratch": functools.partial(task, transfer=False),
            "outlined too": functools.partial(task, outlined=True),
            "overlaps": functools.partial(task, overlap=True),
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
