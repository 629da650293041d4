# ruff: noqa: E402
"""Train the network of notebook 07, which tells discs, squares and triangles apart, and write it with its card."""

from utils import project

project.start()  # before TensorFlow is loaded: it sets what TensorFlow reads then

import keras

from tests.benchmarks import ship, studies_classes
from utils import classes, training, weights

NAME = "unet_classes"
SEED = 0


def main():
    recipe = studies_classes.RECIPE
    samples, validation = classes.draw(recipe.images), classes.draw(recipe.validation, split="validation")
    keras.utils.set_random_seed(SEED)
    model = studies_classes.build(4)
    history = studies_classes.fit(model, samples, validation, SEED, recipe.epochs)
    test = classes.draw(500, split="test", seed=training.TEST_SEED)
    scores = studies_classes.score(model, test, classes.NAMES)
    ship.ship(
        NAME, model, recipe.network, seed=SEED, classes=list(classes.NAMES),
        training=ship.described(recipe, history, level="standard", begins_as=weights.SHIPPED)
        | {"validation_mean_iou": [round(value, 3) for value in history.val_iou]},
        test={"images": len(test), "seed": training.TEST_SEED}
        | {name: value for name, value in scores.items() if " as " not in name},
    )  # fmt: skip


if __name__ == "__main__":
    main()
