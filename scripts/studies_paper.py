"""The runs of notebook 08: the paper's weight map, elastic deformation, dropout and momentum."""

import functools

import keras
import numpy as np

from scripts.experiments import Study, fit, test_pictures
from utils import experiments, metrics, objects, pipeline, shapes, training, unet

TOUCHING = experiments.change(training.DEEP, depth=3, images=400, validation=50, epochs=8)
"""Touching discs: three poolings see far enough."""

NETWORKS = {"unet_touching": "gap, weight map", "unet_touching_plain": "gap"}
"""The shipped networks, and the targets that they were trained on."""

FEW = experiments.change(training.DEEP, images=10, epochs=5, repeats=32)
"""Ten images, each 32 times an epoch: 200 steps."""

SHORT = experiments.change(training.DEEP, images=400, epochs=4)
"""The series' network, 200 steps."""


# ---- Touching discs ----------------------------------------------------------------------------------------------------


def targets(kind, labels):
    """Masks and, or None, weights of instance maps, ``"as drawn"``, ``"gap"``, ``"gap, balanced"`` or ``"gap, weight map"``."""
    if kind == "as drawn":
        return (labels > 0).astype(np.uint8)[..., None], None
    parted = np.stack([objects.open_gaps(one) for one in labels])
    masks = (parted > 0).astype(np.uint8)[..., None]
    if kind == "gap":
        return masks, None
    w0 = {"gap, balanced": 0.0, "gap, weight map": 10.0}[kind]
    return masks, np.stack([objects.weight_map(one, w0=w0) for one in parted])[..., None]


def train_touching(kind, seed):
    """Train on touching discs: the network and its history."""
    drawn = shapes.draw_touching(TOUCHING.images)
    held_out = shapes.draw_touching(TOUCHING.validation, split="validation")
    masks, weights = targets(kind, drawn.instances)
    data = pipeline.dataset(
        drawn.images, masks, weights=weights, batch_size=TOUCHING.batch_size, shuffle=True, augment=True, seed=seed
    )
    keras.utils.set_random_seed(seed)
    model = unet.build_unet(**TOUCHING.network)
    training.compile_model(model, TOUCHING.steps, peak=TOUCHING.peak)
    validation = pipeline.dataset(held_out.images, targets(kind, held_out.instances)[0])
    return model, fit(model, data, validation, TOUCHING.epochs)


def score_touching(model, drawn):
    """What became of the discs, as shares of them, and the IoU of their pixels."""
    probability = model.predict(drawn.images, verbose=0)[..., 0]
    found = [objects.label(one > 0.5) for one in probability]
    cut = [objects.split_touching(one) for one in probability]
    counts, after = objects.tally(drawn.instances, found), objects.tally(drawn.instances, cut)
    names = ("matched", "under_segmented", "over_segmented", "false_negatives", "false_positives")
    pixels = metrics.iou(drawn.masks, metrics.to_mask(probability[..., None]))
    shares = {name: counts[name] / counts["objects"] for name in names}
    return shares | {"watershed": after["matched"] / after["objects"], "iou": pixels}


def touching(kind, seed):
    """Train on touching discs and score."""
    model, _ = train_touching(kind, seed)
    return score_touching(model, shapes.draw_touching(200, split="test", seed=training.TEST_SEED))


# ---- Parts of the recipe -----------------------------------------------------------------------------------------------


def few(deviation, seed):
    """Train on ten images, other ones for each seed, with deformed copies or with copies that are all the same."""
    drawn = shapes.draw(range(10 * seed, 10 * seed + FEW.images))
    if deviation:
        images, masks = pipeline.elastic_copies(drawn.images, drawn.masks, FEW.repeats, seed=seed, deviation=deviation)
    else:
        images, masks = (np.concatenate([array] * FEW.repeats) for array in (drawn.images, drawn.masks))
    return follow(FEW, images, masks, seed)


def short(recipe, seed, optimizer=None):
    """Train by a short recipe with this optimiser, or the recipe's own."""
    drawn = shapes.draw(recipe.images)
    return follow(recipe, drawn.images, drawn.masks, seed, optimizer)


def follow(recipe, images, masks, seed, optimizer=None):
    """Train on these images as the recipe says, and score; every image comes once an epoch."""
    data = pipeline.dataset(images, masks, batch_size=recipe.batch_size, shuffle=True, augment=True, seed=seed)
    held_out = shapes.draw(50, split="validation")
    keras.utils.set_random_seed(seed)
    model = unet.build_unet(**recipe.network)
    steps = recipe.epochs * int(data.cardinality())
    training.compile_model(model, steps, peak=recipe.peak)
    if optimizer is not None:
        model.compile(optimizer=optimizer(steps), loss=recipe.loss, jit_compile=True)
    history = fit(model, data, pipeline.dataset(held_out.images, held_out.masks), recipe.epochs)
    test = test_pictures()
    return metrics.silhouette_scores(test, model.predict(test.images, verbose=0)) | {"loss": history["loss"][-1]}


def sgd(momentum, steps):
    """Stochastic gradient descent; the step that builds up, rate / (1 - momentum), is the same for every momentum."""
    return keras.optimizers.SGD(training.learning_rate(steps, 1 - momentum), momentum=momentum)


STUDIES = {
    "weight_map": Study(
        {kind: functools.partial(touching, kind) for kind in ("gap", "gap, weight map", "as drawn", "gap, balanced")}
    ),
    "elastic": Study(
        {
            "turns and flips": functools.partial(few, 0),
            "and elastic, 1.25 px": functools.partial(few, pipeline.paper_deviation(64)),
            "and elastic, 4 px": functools.partial(few, 4.0),
        }
    ),
    "recipe_2015": Study(
        {
            "Adam": functools.partial(short, SHORT),
            "Adam, dropout": functools.partial(short, experiments.change(SHORT, dropout=0.5)),
            "SGD, momentum .9": functools.partial(short, SHORT, optimizer=functools.partial(sgd, 0.9)),
            "SGD, momentum .99": functools.partial(short, SHORT, optimizer=functools.partial(sgd, 0.99)),
        }
    ),
}
