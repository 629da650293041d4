# ruff: noqa: E402
"""Train a network that comes with the series and write it with its card: ``make weights``, or ``make weights NET=nuclei``.

Beside its weights, ``shapes`` writes the masks of a few test images at many moments of the training, from which notebook 05
makes its animation, and draws the picture in README.
"""

import argparse

from utils import project

project.start()  # before TensorFlow is loaded: it sets what TensorFlow reads then

import keras
import matplotlib.pyplot as plt
import numpy as np

from scripts import ship, studies_classes, studies_drawing, studies_nuclei, studies_paper, studies_uncertainty
from utils import diffusion, drawings, metrics, plots, training, weights
from utils import shapes as pictures

SEED = 0
WATCHED = (0, 1, 3, 10)
MOMENTS = 24


class Watch(keras.callbacks.Callback):
    """Keeps the output for some images at moments that lie closer together early in the training."""

    def __init__(self, images, steps):
        super().__init__()
        self.images = images
        self.moments = {0, *np.unique(np.geomspace(1, steps, MOMENTS).round().astype(int)).tolist()}
        self.step, self.kept, self.steps = 0, [], []

    def on_train_begin(self, logs=None):
        self.keep()

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.step in self.moments:
            self.keep()

    def keep(self):
        output = self.model(self.images, training=False).numpy()[..., 0]
        self.kept.append(np.rint(output * 255).astype(np.uint8))
        self.steps.append(self.step)


def picture(model) -> None:
    """Write the picture of the result that README shows: three test images with outlines, what was asked and what came out."""
    test = pictures.draw(60, split="test")
    shown = np.argsort(-(test.styles == 2).mean(axis=(1, 2)), kind="stable")[[0, 4, 8]]
    rows = test.images[shown], test.masks[shown], model.predict(test.images[shown], verbose=0)
    with plt.rc_context(plots.STYLE):
        figure, _ = plots.from_image_to_errors.__wrapped__(*rows, ["", "", ""])
        figure.savefig(project.ROOT / "notebooks" / "images" / "result.png")


def shapes():
    """The series' network."""
    recipe = training.DEEP
    test = pictures.draw(500, split="test", seed=training.TEST_SEED)
    watch = Watch(pictures.draw(WATCHED, split="test").images, recipe.steps)
    model, history = training.follow_recipe(recipe, SEED, callbacks=[watch])
    scores = metrics.silhouette_scores(test, model.predict(test.images, verbose=0))
    ship.ship(
        weights.SHIPPED, model, recipe.network, seed=SEED, training=ship.described(recipe, history, level="standard"),
        test={"images": len(test), "seed": training.TEST_SEED, "threshold": 0.5, **scores},
    )  # fmt: skip
    path = project.DATA / "mask_emerging.npz"
    np.savez_compressed(path, steps=watch.steps, test_images=WATCHED, output=np.stack(watch.kept))
    picture(model)


def classes():
    """The network of notebook 07, which tells discs, squares and triangles apart."""
    recipe, names = studies_classes.RECIPE, pictures.THREE_NAMES
    samples = pictures.draw_classes(recipe.images)
    validation = pictures.draw_classes(recipe.validation, split="validation")
    keras.utils.set_random_seed(SEED)
    model = studies_classes.build(len(names))
    history = studies_classes.fit(model, samples, validation, SEED, recipe.epochs)
    test = pictures.draw_classes(500, split="test", seed=training.TEST_SEED)
    scores = studies_classes.score(model, test, names)
    ship.ship(
        "unet_classes", model, recipe.network, seed=SEED, classes=list(names),
        training=ship.described(recipe, history, level="standard", begins_as=weights.SHIPPED)
        | {"validation_mean_iou": [round(value, 3) for value in history["val_iou"]]},
        test={"images": len(test), "seed": training.TEST_SEED}
        | {name: value for name, value in scores.items() if " as " not in name},
    )  # fmt: skip


def touching():
    """The two networks of notebook 08, with the weight map and without."""
    recipe = studies_paper.TOUCHING
    test = pictures.draw_touching(200, split="test", seed=training.TEST_SEED)
    for name, kind in studies_paper.NETWORKS.items():
        model, history = studies_paper.train_touching(kind, SEED)
        ship.ship(
            name, model, recipe.network, seed=SEED,
            training=ship.described(recipe, history, pictures="shapes.draw_touching", targets=kind),
            test={"images": len(test), "seed": training.TEST_SEED, "threshold": 0.5}
            | studies_paper.score_touching(model, test),
        )  # fmt: skip


def nuclei():
    """The network of notebook 09, trained on two quadrants."""
    study, parts = studies_nuclei, studies_nuclei.quadrants()
    labelled = zip(*(parts[name] for name in study.TRAIN))
    model, history = study.fit(*labelled, parts[study.VALIDATION], SEED)
    ship.ship(
        "unet_nuclei", model, study.NETWORK, seed=SEED, classes=["background", "inside", "border"],
        training={
            "quadrants": list(study.TRAIN), "crops": study.CROPS, "epochs": study.EPOCHS,
            "batch_size": training.DEEP.batch_size, "peak_learning_rate": training.DEEP.peak,
            "seconds": round(history["seconds"][-1]),
        },
        test={"quadrant": study.TEST, **study.score(model, *parts[study.TEST])},
    )  # fmt: skip


def ensemble():
    """The three networks of notebook 11, the ensemble of seed 0 in its study."""
    study = studies_uncertainty
    test = pictures.draw(study.TEST_IMAGES, split="test", seed=training.TEST_SEED)
    for seed in range(study.MEMBERS):
        model, history = training.follow_recipe(study.RECIPE, seed)
        scores = metrics.silhouette_scores(test, model.predict(test.images, verbose=0))
        ship.ship(
            f"unet_ensemble_{seed}", model, study.RECIPE.network, seed=seed,
            training=ship.described(study.RECIPE, history, level="standard"),
            test={"images": len(test), "seed": training.TEST_SEED, "threshold": 0.5, **scores},
        )  # fmt: skip


def drawing():
    """The network of notebook 12, which draws shapes from noise."""
    images, steps, network = 20_000, 12_000, {"depth": 2, "base": 24}
    learned = drawings.draw(images)
    keras.utils.set_random_seed(SEED)
    model, clock = diffusion.build_denoiser(**network), training.Clock()
    diffusion.compile_denoiser(model, steps, average=0.999)
    history = model.fit(diffusion.dataset(*learned), steps_per_epoch=steps, verbose=0, callbacks=[clock]).history
    ship.ship(
        "unet_drawing", model, network, seed=SEED, build=diffusion.build_denoiser,
        training={
            "pictures": "drawings.draw", "images": images, "steps": steps, "batch_size": 16, "peak_learning_rate": 2.5e-3,
            "average": 0.999, "seconds": round(history["seconds"][-1]),
        },
        test={
            "drawings": 500, "recognised": studies_drawing.recognised(model, 500),
            "recognised_same_noise": studies_drawing.recognised(model, 500, fresh=0), **studies_drawing.score(model),
        },
    )  # fmt: skip


if __name__ == "__main__":
    networks = {
        "shapes": shapes, "classes": classes, "touching": touching, "nuclei": nuclei, "ensemble": ensemble, "drawing": drawing,
        "skips": studies_drawing.write_pictures,
    }  # fmt: skip
    parser = argparse.ArgumentParser(description="Train a network that comes with the series, and write it.")
    parser.add_argument("network", choices=networks)
    networks[parser.parse_args().network]()
