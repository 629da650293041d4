"""The runs of notebook 11: variants of the U-Net on silhouettes and on nuclei, at equal steps and at equal seconds.

``python -m scripts.studies_variants`` measures what a training step takes of one processor core; that decides how many steps
fit into the plain network's seconds. Enter it in ``MS`` before ``make experiments STUDY="variants variants_nuclei"``.
"""

import functools
import time

import keras
import numpy as np
import tensorflow as tf

from scripts import studies_nuclei
from scripts.experiments import Study
from utils import metrics, objects, pipeline, project, shapes, training, variants, weights

SEEDS = (0, 1, 2, 3, 4)
BATCH = 8
STEPS = {"silhouettes": 300, "nuclei": 150, "recipe": training.DEEP.steps}
"""Training steps of the plain network, the budget."""

MS = {
    "plain": 71, "added skips": 59, "residual": 77, "squeeze": 75, "attention": 79, "separable": 33,
    "deep supervision": 72, "nested": 188, "patch stem": 40, "pretrained": 70,
}  # fmt: skip
"""Milliseconds of one core that a training step of eight images takes."""


def steps_for(name, data):
    """How many steps a variant makes in the plain network's seconds; as many as plain where they differ by less than 10 %."""
    ratio = MS["plain"] / MS[name]
    return STEPS[data] if 0.91 < ratio < 1.1 else round(STEPS[data] * ratio)


@functools.cache
def compiled(name, classes):
    """A variant, compiled once for all seeds, since XLA takes as long as a short training; and the part that predicts."""
    model = variants.VARIANTS[name]((None, None, 3), classes=classes)
    loss = "binary_crossentropy" if classes == 1 else "sparse_categorical_crossentropy"
    outputs = len(model.outputs)
    losses = (
        {"loss": [loss] * outputs, "loss_weights": [0.5**k for k in range(outputs)]} if outputs > 1 else {"loss": loss}
    )
    # XLA has no fast depthwise convolution for a CPU; TensorFlow's own is several times as fast.
    model.compile(keras.optimizers.Adam(), **losses, jit_compile=name != "separable")
    return model, keras.Model(model.inputs[0], model.outputs[0])


def train(name, images, targets, classes, seed, steps):
    """Train a variant from a seed for some steps, and return the network that predicts."""
    model, network = compiled(name, classes)
    keras.utils.set_random_seed(seed)
    fresh = variants.VARIANTS[name]((None, None, 3), classes=classes)
    if name == "pretrained":  # on the other data
        variants.copy_encoder(weights.load_shipped("unet_nuclei" if classes == 1 else "unet_shapes"), fresh)
    model.set_weights(fresh.get_weights())
    for variable in model.optimizer.variables:
        variable.assign(np.zeros(variable.shape))
    batches = pipeline.dataset(
        images, targets, classes=max(classes, 2), batch_size=BATCH, shuffle=True, augment=True, seed=seed
    )
    data = batches.repeat().take(steps)
    if len(model.outputs) > 1:
        data = data.map(coarser)
    model.fit(data, verbose=0, callbacks=[training.Pace(steps, float("inf"))])
    return network


def coarser(image, target):
    """Targets for the outputs of :func:`utils.variants.deep_supervision` too."""
    return image, (target, target[:, ::2, ::2], target[:, ::4, ::4])


@functools.cache
def silhouettes():
    """Training images and masks."""
    drawn = shapes.draw(1000)
    return drawn.images, drawn.masks


@functools.cache
def nuclei():
    """Crops of the training quadrants, with three classes as targets; and the test quadrant with its label map."""
    parts = studies_nuclei.quadrants()
    images, maps = pipeline.random_crops(*zip(*(parts[name] for name in studies_nuclei.TRAIN)), 400)
    targets = np.stack([objects.border_classes(one) for one in maps])[..., None]
    return images, targets, parts[studies_nuclei.TEST]


def score_silhouettes(name, seed, steps):
    """Train on shapes, score on test images."""
    network, test = train(name, *silhouettes(), 1, seed, steps), shapes.draw(100, split="test", seed=training.TEST_SEED)
    probability = predict(network, test.images)
    found = metrics.silhouette_scores(test, probability)
    return found | {"boundary": metrics.boundary_iou(test.masks, metrics.to_mask(probability))}


def score_nuclei(name, seed, steps):
    """Train on crops, score on the whole test quadrant, objects by distance as in notebook 09."""
    images, targets, (picture, labels) = nuclei()
    network = train(name, images, targets, 3, seed, steps)
    output = predict(network, pipeline.to_rgb(picture)[None])[0]
    return objects.scores(labels, objects.split_touching(1 - output[..., 0], min_distance=7))


def predict(network, images):
    """Probabilities, 50 images at a time."""
    parts = [network(images[i : i + 50], training=False) for i in range(0, len(images), 50)]
    return np.concatenate([np.asarray(part, np.float32) for part in parts])


def run(score, data, name, seed):
    """Scores of a variant after as many steps as plain, and, ``"seconds ..."``, after as many seconds."""
    found, steps = score(name, seed, STEPS[data]), steps_for(name, data)
    later = found if steps == STEPS[data] else score(name, seed, steps)
    facts = {"ms": MS[name], "steps": steps}
    return found | {f"seconds {key}": value for key, value in later.items()} | facts


def by_recipe(name, seed):
    """Scores on silhouettes after the seconds that the recipe of notebook 04 takes with the plain network."""
    steps = steps_for(name, "recipe")
    return score_silhouettes(name, seed, steps) | {"steps": steps}


def study(score, data, names):
    """Some variants on one kind of data."""
    return Study({name: functools.partial(run, score, data, name) for name in names}, SEEDS)


RETESTED = ("plain", "patch stem", "separable")
STUDIES = {
    "variants": study(score_silhouettes, "silhouettes", variants.VARIANTS),
    "variants_nuclei": study(score_nuclei, "nuclei", variants.VARIANTS),
    "variants_recipe": Study({name: functools.partial(by_recipe, name) for name in RETESTED}, SEEDS),
}


def measure(rounds=8, steps=5) -> dict[str, float]:
    """Variant -> milliseconds of processor time a step takes, the median of rounds in which the variants take turns."""
    images, masks = silhouettes()
    batch, taken = (tf.constant(images[:BATCH]), tf.constant(masks[:BATCH], tf.float32)), {}
    for _ in range(rounds):
        for name in variants.VARIANTS:
            model, _ = compiled(name, 1)
            given = coarser(*batch) if len(model.outputs) > 1 else batch
            if name not in taken:
                model.train_on_batch(*given)  # XLA compiles
            start = time.process_time()
            for _ in range(steps):
                model.train_on_batch(*given)
            taken.setdefault(name, []).append(1000 * (time.process_time() - start) / steps)
    return {name: round(float(np.median(times))) for name, times in taken.items()}


if __name__ == "__main__":
    project.start()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    print(measure())
