"""Train the series' network and the one-level network from three seeds each: ``make seeds``.

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

from utils import shapes, training

SEEDS = (0, 1, 2)
NETWORKS = {
    "four levels": training.DEEP,
    "one level": training.ONE_LEVEL,
}


def describe(recipe) -> dict:
    """A recipe as plain values, as it stands in the table."""
    return dataclasses.asdict(recipe)


def main():
    test = shapes.draw(500, split="test", seed=training.TEST_SEED)
    runs = []
    for name, recipe in NETWORKS.items():
        for seed in SEEDS:
            print(f"{name}, seed {seed}")
            model, history = training.follow_recipe(recipe, seed)
            scores = {key: round(value, 4) for key, value in training.score(model, test).items()}
            runs.append({"network": name, "seed": seed, "seconds": round(history.seconds[-1], 1), **scores})
            print(scores, flush=True)
            keras.backend.clear_session()
    table = {
        "made_by": "make seeds",
        "made_on": datetime.date.today().isoformat(),
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
        "cores": os.cpu_count(),
        "test_images": len(test),
        "test_seed": training.TEST_SEED,
        "recipes": {name: describe(recipe) for name, recipe in NETWORKS.items()},
        "runs": runs,
    }
    (project.DATA / "seeds.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
