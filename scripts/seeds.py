"""Train the series' network and the one-level network from three seeds each: ``make experiments STUDY=seeds``.

Writes ``data/seeds.json``, which notebook 04 shows. Every run trains on the same images; the seed decides the initial
weights, the order of the images and their augmentation.
"""

import dataclasses
import datetime
import json
import os

from utils import project

with project.quiet():
    import tensorflow as tf

import keras

from utils import metrics, shapes, training

SEEDS = (0, 1, 2)
NETWORKS = {"four levels": training.DEEP, "one level": training.ONE_LEVEL}


def main():
    """Train, score and write."""
    test = shapes.draw(500, split="test", seed=training.TEST_SEED)
    runs = []
    for name, recipe in NETWORKS.items():
        for seed in SEEDS:
            print(f"{name}, seed {seed}")
            model, history = training.follow_recipe(recipe, seed)
            scores = metrics.silhouette_scores(test, model.predict(test.images, verbose=0))
            rounded = {key: round(value, 4) for key, value in scores.items()}
            runs.append({"network": name, "seed": seed, "seconds": round(history["seconds"][-1], 1), **rounded})
            print(rounded, flush=True)
            keras.backend.clear_session()
    table = {
        "made_by": "make experiments STUDY=seeds",
        "made_on": datetime.date.today().isoformat(),
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
        "cores": os.cpu_count(),
        "test_images": len(test),
        "test_seed": training.TEST_SEED,
        "recipes": {name: dataclasses.asdict(recipe) for name, recipe in NETWORKS.items()},
        "runs": runs,
    }
    (project.DATA / "seeds.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
