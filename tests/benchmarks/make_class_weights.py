"""Train the network of notebook 07, which tells discs, squares and triangles apart, and write it with its card."""

import datetime
import json
import os

from utils import project

with project.quiet():
    import tensorflow as tf

import keras
import numpy as np

from tests.benchmarks import studies_classes
from utils import classes, training, unet, weights

NAME = "unet_classes"
SEED = 0


def main():
    recipe = studies_classes.RECIPE
    samples, validation = classes.draw(recipe.images), classes.draw(recipe.validation, split="validation")
    keras.utils.set_random_seed(SEED)
    model = studies_classes.build(4)
    history = studies_classes.fit(model, samples, validation, SEED, recipe.epochs)
    path = project.DATA / f"{NAME}.weights.h5"
    bare = unet.build_unet(**recipe.network)  # a network without an optimiser, whose state would triple the file
    bare.set_weights(model.get_weights())
    bare.save_weights(path)
    test = classes.draw(500, split="test", seed=training.TEST_SEED)
    scores = studies_classes.score(model, test, classes.NAMES)
    card = {
        "file": path.name,
        "sha256": weights.sha256(path),
        "made_by": "make weights",
        "made_on": datetime.date.today().isoformat(),
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__},
        "cores": os.cpu_count(),
        "seed": SEED,
        "network": recipe.network,
        "parameters": model.count_params(),
        "classes": list(classes.NAMES),
        "training": {
            "level": "standard", "begins_as": weights.SHIPPED, "images": recipe.images, "epochs": recipe.epochs,
            "batch_size": recipe.batch_size, "peak_learning_rate": recipe.peak, "seconds": round(history.seconds[-1]),
            "validation_mean_iou": [round(value, 3) for value in history.val_iou],
        },
        "test": {
            "images": len(test), "seed": training.TEST_SEED,
            **{name: round(value, 4) for name, value in scores.items() if " as " not in name},
        },
    }  # fmt: skip
    (project.DATA / f"{NAME}.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(card["test"]))


if __name__ == "__main__":
    main()
