"""Train the network that comes with the series and write it with its card: ``make weights``.

Writes to ``data/``: the weights, their card as JSON, and the masks of a few test images at many moments of the training,
from which notebook 05 makes its animation. The picture in README is drawn from the same network.
"""

import datetime
import json
import os

from utils import project

with project.quiet():
    import tensorflow as tf

import keras
import matplotlib.pyplot as plt
import numpy as np

from utils import plots, shapes, training, unet, weights

SEED = 0
WATCHED = (0, 1, 3, 10)
MOMENTS = 24


class Watch(keras.callbacks.Callback):
    """Keeps the output for some images at moments that lie closer together early in the training."""

    def __init__(self, images, steps):
        super().__init__()
        self.images = images
        self.moments = sorted({0, *np.unique(np.geomspace(1, steps, MOMENTS).round().astype(int)).tolist()})
        self.seen, self.step, self.kept, self.steps = set(), 0, [], []

    def on_train_begin(self, logs=None):
        self.keep()

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.step in self.moments:
            self.keep()

    def keep(self):
        output = training.predict(self.model, self.images)[..., 0]
        self.kept.append(np.rint(output * 255).astype(np.uint8))
        self.steps.append(self.step)


def picture(model) -> None:
    """Write the picture of the result that README shows: three test images with outlines, what was asked and what came out."""
    test = shapes.draw(60, split="test")
    shown = np.argsort(-(test.styles == 2).mean(axis=(1, 2)), kind="stable")[[0, 4, 8]]
    rows = test.images[shown], test.masks[shown], training.predict(model, test.images[shown])
    with plt.rc_context(plots.STYLE):
        figure, _ = plots.from_image_to_errors.__wrapped__(*rows, ["", "", ""])
        figure.savefig(project.ROOT / "notebooks" / "images" / "result.png")


def main():
    recipe = training.DEEP
    test = shapes.draw(500, split="test", seed=training.TEST_SEED)
    watch = Watch(shapes.draw(WATCHED, split="test").images, recipe.steps)
    model, history = training.follow_recipe(recipe, SEED, callbacks=[watch])
    path = project.DATA / f"{weights.SHIPPED}.weights.h5"
    bare = unet.build_unet(**recipe.network)  # a network without an optimiser, whose state would triple the file
    bare.set_weights(model.get_weights())
    weights.save_weights(bare, path, overwrite=True)
    scores = training.score(model, test)
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
            "level": "standard", "images": recipe.images, "epochs": recipe.epochs, "batch_size": recipe.batch_size,
            "peak_learning_rate": recipe.peak, "seconds": round(history.seconds[-1]),
        },
        "test": {
            "images": len(test), "seed": training.TEST_SEED, "threshold": 0.5,
            **{name: round(value, 4) for name, value in scores.items()},
        },
    }  # fmt: skip
    (project.DATA / f"{weights.SHIPPED}.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    np.savez_compressed(
        project.DATA / "mask_emerging.npz", steps=watch.steps, test_images=WATCHED, output=np.stack(watch.kept)
    )
    picture(model)
    print(json.dumps(card["test"]))


if __name__ == "__main__":
    main()
