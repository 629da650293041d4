"""Write a trained network to ``data/``: its weights, and the card that says how they were made."""

import datetime
import json
import os

import keras
import numpy as np
import pooch
import tensorflow as tf

from utils import project, unet


def ship(name, model, network, *, seed, training, test, build=unet.build_unet, **more) -> None:
    """Write ``<name>.weights.h5`` and ``<name>.json``.

    ``network`` holds the arguments of ``build`` that make it. ``training``, ``test`` and ``more`` go into
    the card as they are, scores rounded to 4 digits.
    """
    path = project.DATA / f"{name}.weights.h5"
    bare = build(**network)  # a network without an optimiser, whose state would triple the file
    bare.set_weights(model.get_weights())
    bare.save_weights(path)
    card = {
        "file": path.name,
        "sha256": pooch.file_hash(path),
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
    path.with_name(f"{name}.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(name, json.dumps(card["test"]))


def described(recipe, history, **more) -> dict:
    """What a card says of a training by a recipe."""
    return more | {
        "images": recipe.images,
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "peak_learning_rate": recipe.peak,
        "seconds": round(history["seconds"][-1]),
    }
