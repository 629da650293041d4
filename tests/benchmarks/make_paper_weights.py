# ruff: noqa: E402
"""Train the two networks of notebook 08, with the weight map and without, and write them with their cards."""

from utils import project

project.start()  # before TensorFlow is loaded: it sets what TensorFlow reads then

from tests.benchmarks import ship, studies_paper
from utils import instances, training

NETWORKS = {"unet_touching": "gap, weight map", "unet_touching_plain": "gap"}
SEED = 0


def main():
    test = instances.touching(200, split="test", seed=training.TEST_SEED)
    recipe = studies_paper.TOUCHING
    for name, kind in NETWORKS.items():
        model, history = studies_paper.train_touching(kind, SEED)
        ship.ship(
            name, model, recipe.network, seed=SEED,
            training=ship.described(recipe, history, pictures="instances.touching", targets=kind),
            test={"images": len(test), "seed": training.TEST_SEED, "threshold": 0.5}
            | studies_paper.score_touching(model, test),
        )  # fmt: skip


if __name__ == "__main__":
    main()
