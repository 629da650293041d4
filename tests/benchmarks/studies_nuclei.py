"""The runs of notebook 09: real nuclei, from random weights and from those of the shapes, with copies bent or not."""

import functools

import keras
import numpy as np

from tests.benchmarks.experiments import Study
from utils import classes, instances, nuclei, pipeline, tiling, training, unet, weights

NETWORK = {**training.DEEP.network, "classes": 3}
TRAIN, VALIDATION, TEST = ("upper right", "lower right"), "upper left", "lower left"
CROPS, EPOCHS = 800, 4


def fit(pictures, labels, held_out, seed, *, start=None, bend=2.0, zoom=1.2, light=0.2):
    """Train a network for ground, inside and border on crops of these pictures.

    Args:
        pictures, labels: lists of ``(H, W)``.
        held_out: a picture and its label map, for the scores after every epoch.
        seed: whole number.
        start: a network whose layers it begins with, or None.
        bend, zoom, light: as for :func:`utils.nuclei.crops`.
    """
    images, maps = nuclei.crops(pictures, labels, CROPS, seed=seed, bend=bend, zoom=zoom, light=light)
    targets = borders(maps)
    still, still_maps = nuclei.crops(*([one] for one in held_out), 50, bend=0, zoom=1, light=0)
    data = pipeline.dataset(images, targets, classes=3, shuffle=True, augment=True, seed=seed)
    keras.utils.set_random_seed(seed)
    model = unet.build_unet(**NETWORK)
    if start is not None:
        classes.copy_layers(start, model)
    training.compile_model(model, EPOCHS * int(data.cardinality()), loss="sparse_categorical_crossentropy")
    history = training.train(model, data, (still, borders(still_maps)), EPOCHS, score=object_iou)
    return model, history


def borders(maps):
    """Label maps ``(N, H, W)`` to targets of ground, inside and border ``(N, H, W, 1)``."""
    return np.stack([instances.border_classes(one) for one in maps])[..., None]


def object_iou(targets, output):
    """IoU of ground against the rest."""
    true, found = targets[..., 0] > 0, output[..., 0] < 0.5
    return float((true & found).sum() / max((true | found).sum(), 1))


def predict(model, picture):
    """Probabilities ``(H, W, 3)`` for a picture ``(H, W)``, in windows, its border mirrored."""
    window = unet.build_unet((384, 384, 3), **NETWORK)
    window.set_weights(model.get_weights())
    return tiling.predict_tiled(window, nuclei.as_input(picture), 160, 112)


def quadrants():
    """Quadrant -> picture and label map."""
    picture, labels = nuclei.load()
    picture = nuclei.stretch(picture)
    return {name: (nuclei.quadrant(picture, name), nuclei.quadrant(labels, name)) for name in nuclei.QUADRANTS}


def score(model, picture, labels) -> dict[str, float]:
    """Scores after a watershed over distances, and the object score of seeds from the border class."""
    output = predict(model, picture)
    cut = instances.split_touching(1 - output[..., 0], min_distance=7)
    return nuclei.score(labels, cut) | {"border ap50": nuclei.score(labels, nuclei.objects(output))["ap50"]}


def run(seed, *, transfer=False, **options):
    """Train on two quadrants, score on the two others."""
    parts = quadrants()
    start = weights.load_shipped() if transfer else None
    model, _ = fit(*zip(*(parts[name] for name in TRAIN)), parts[VALIDATION], seed, start=start, **options)
    held_out = score(model, *parts[VALIDATION])
    return score(model, *parts[TEST]) | {f"validation {name}": value for name, value in held_out.items()}


STUDIES = {
    "nuclei": Study(
        {
            "from scratch": run,
            "from shapes": functools.partial(run, transfer=True),
            "turned only": functools.partial(run, bend=0.0, zoom=1.0, light=0.0),
        }
    )
}
