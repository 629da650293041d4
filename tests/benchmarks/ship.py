"""Write a trained network to ``data/``: its weights, and the card that says how they were made."""

import datetime
import json
import os

import keras
import numpy as np
import tensorflow as tf

from utils import project, unet, weights


def ship(name, model, network, *, seed, training, test, **more) -> dict:
    """Write ``<name>.weights.h5`` and ``<name>.json``.

    Args:
        name: of the files.
        model: the trained network.
        network: the arguments of :func:`utils.unet.build_unet` that make it.
        seed: it was trained from.
        training, test: what the card says of the training and of the scores; scores are rounded to 4 digits.
        more: further lines of the card, such as ``classes``.

    Returns:
        dict: the card.
    """
    path = project.DATA / f"{name}.weights.h5"
    bare = unet.build_unet(**network)  # a network without an optimiser, whose state would triple the file
    bare.set_weights(model.get_weights())
    weights.save_weights(bare, path, overwrite=True)
    card = {
        "file": path.name,
        "sha256": weights.sha256(path),
        "made_by": "make weights",
        "made_on": datetime.date.today().isoformat(),
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__},
        "cores": os.cpu_count(),
        "seed": seed,
        "network": network,
        "parameters": model.count_params(),
        **more,
        "training": training,
        "test": {key: round(value, 4) if isinstance(value, float) else value for key, value in test.items()},
    }
    whole = project.DATA / f".{name}.json.new"
    whole.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    whole.replace(project.DATA / f"{name}.json")
    print(name, json.dumps(card["test"]))
    return card


def described(recipe, history, **more) -> dict:
    """What a card says of a training by a recipe."""
    return more | {
        "images": recipe.images,
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "peak_learning_rate": recipe.peak,
        "seconds": round(history.seconds[-1]),
    }
