"""The runs of notebook 09: real nuclei, from random weights and from those of the shapes, with copies bent or not."""

import functools

import keras
import numpy as np

from scripts import experiments
from scripts.experiments import Study
from utils import folders, objects, pipeline, tiling, training, unet, weights

NETWORK = {**training.DEEP.network, "classes": 3}
TRAIN, VALIDATION, TEST = ("upper right", "lower right"), "upper left", "lower left"
CROPS, EPOCHS = 800, 4


def fit(pictures, labels, held_out, seed, *, start=None, bend=2.0, zoom=1.2, light=0.2):
    """Train a network for background, inside and border on crops of these pictures; return it and its history.

    Its layers begin as those of the network ``start``, if there is one. ``held_out`` is a picture and its label map.
    """
    crops = pipeline.random_crops(pictures, labels, CROPS, seed=seed, bend=bend, zoom=zoom, light=light)
    still = pipeline.random_crops(*([one] for one in held_out), 50, bend=0, zoom=1, light=0)
    data = dataset(crops, shuffle=True, augment=True, seed=seed)
    keras.utils.set_random_seed(seed)
    model = unet.build_unet(**NETWORK)
    if start is not None:
        weights.copy_layers(start, model)
    training.compile_model(model, EPOCHS * int(data.cardinality()), loss="sparse_categorical_crossentropy")
    return model, experiments.fit(model, data, dataset(still), EPOCHS)


def dataset(crops, **options):
    """Batches of images, and of their label maps as background, inside and border."""
    images, maps = crops
    targets = np.stack([objects.border_classes(one) for one in maps])[..., None]
    return pipeline.dataset(images, targets, classes=3, **options)


def predict(model, picture):
    """Probabilities ``(H, W, 3)`` for a picture ``(H, W)``, in windows, its border mirrored."""
    window = unet.build_unet((384, 384, 3), **NETWORK)
    window.set_weights(model.get_weights())
    return tiling.predict_tiled(window, pipeline.to_rgb(picture), 160, 112)


def quadrants():
    """Quadrant -> picture and label map."""
    picture, labels = folders.nuclei()
    picture = pipeline.stretch(picture)
    return {name: (folders.quadrant(picture, name), folders.quadrant(labels, name)) for name in folders.QUADRANTS}


def score(model, picture, labels) -> dict[str, float]:
    """Scores after a watershed over distances, and the object score of seeds from the border class."""
    output = predict(model, picture)
    cut = objects.split_touching(1 - output[..., 0], min_distance=7)
    return objects.scores(labels, cut) | {"border ap50": objects.scores(labels, objects.from_borders(output))["ap50"]}


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
