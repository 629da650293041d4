"""Train the two networks of notebook 08, with the weight map and without, and write them with their cards."""

import datetime
import json
import os

from utils import project

with project.quiet():
    import tensorflow as tf

import keras
import numpy as np

from tests.benchmarks import studies_paper
from utils import instances, training, unet, weights

NETWORKS = {"unet_touching": "gap, weight map", "unet_touching_plain": "gap"}
SEED = 0


def main():
    test = instances.touching(200, split="test", seed=training.TEST_SEED)
    recipe = studies_paper.TOUCHING
    for name, kind in NETWORKS.items():
        model, history = studies_paper.train_touching(kind, SEED)
        path = project.DATA / f"{name}.weights.h5"
        bare = unet.build_unet(**recipe.network)  # a network without an optimiser, whose state would triple the file
        bare.set_weights(model.get_weights())
        bare.save_weights(path)
        scores = studies_paper.score_touching(model, test)
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
            "training": {
                "pictures": "instances.touching", "targets": kind, "images": recipe.images, "epochs": recipe.epochs,
                "batch_size": recipe.batch_size, "peak_learning_rate": recipe.peak, "seconds": round(history.seconds[-1]),
            },
            "test": {
                "images": len(test), "seed": training.TEST_SEED, "threshold": 0.5,
                **{score: round(value, 4) for score, value in scores.items()},
            },
        }  # fmt: skip
        (project.DATA / f"{name}.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        print(name, json.dumps(card["test"]))


if __name__ == "__main__":
    main()
