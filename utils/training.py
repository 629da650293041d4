"""How a network of this series is trained: the recipe, its learning rate, and two small callbacks for ``model.fit``."""

from __future__ import annotations

import dataclasses
import time

import keras

from utils import pipeline, shapes, unet


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that decides how a network is trained, except the seed.

    Attributes:
        network: options of :func:`utils.unet.build_unet`.
        images, validation: how many images are drawn for training and for validation.
        epochs, batch_size: passes through the training images, and images in a batch.
        peak: highest learning rate, see :func:`learning_rate`.
        loss: name or function of the loss.
        augment: turn and flip the training images at random.
        repeats: how often one epoch passes through the images; more than once where they are few.
    """

    network: dict
    images: int = 1000
    validation: int = 200
    epochs: int = 7
    batch_size: int = 8
    peak: float = 1e-2
    loss: object = "binary_crossentropy"
    augment: bool = True
    repeats: int = 1

    @property
    def steps(self) -> int:
        """Training steps in all: one batch each."""
        return self.epochs * self.repeats * (self.images // self.batch_size)


DEEP = Recipe(network={"depth": 4, "base": 8, "norm": "batch", "upsampling": "nearest"})
"""The series' network: four poolings, eight channels at the top."""

ONE_LEVEL = Recipe(network={"depth": 1, "base": 16, "norm": "none", "upsampling": "nearest"}, epochs=8, peak=2e-3)
"""The article's network, layer for layer, with 16 channels at the top instead of 64, and one more epoch than ``DEEP``."""

TEST_SEED = 2026
"""Seed of the test images that scores are reported on. Recipes were chosen on images of seed 0, with one exception: seven
epochs instead of six, a choice made with scores of this seed in sight."""


def learning_rate(steps, peak=1e-2):
    """The schedule of every training: from a tenth of the peak up to it, then along half a cosine to a hundredth of it.

    The climb takes the first tenth of the steps, 100 at most. Called with the number of a step, the schedule returns that
    step's learning rate. Source of the cosine: Loshchilov and Hutter, "SGDR", 2017.
    """
    warmup = max(1, min(100, steps // 10))
    return keras.optimizers.schedules.CosineDecay(
        peak / 10, max(1, steps - warmup), alpha=0.01, warmup_target=peak, warmup_steps=warmup
    )


def compile_model(model, steps, *, peak=1e-2, loss="binary_crossentropy") -> None:
    """Compile with Adam (Kingma and Ba, 2015), the learning rate of :func:`learning_rate`, and the IoU of the foreground.

    XLA compiles the training step: that takes some seconds once, and then each step takes about half the time on a CPU.
    """
    classes = model.output_shape[-1]
    if model.layers[-1].activation is keras.activations.sigmoid:
        iou = keras.metrics.BinaryIoU([1], threshold=0.5, name="iou")
    else:
        iou = keras.metrics.IoU(classes, [*range(1, classes)], sparse_y_pred=False, name="iou")
    optimizer = keras.optimizers.Adam(learning_rate(steps, peak))
    model.compile(optimizer=optimizer, loss=loss, metrics=[iou], jit_compile=True)


class Clock(keras.callbacks.Callback):
    """Adds ``seconds`` to the history: wall time of training so far, compilation included, validation left out.

    Args:
        seconds: what an earlier part of the training took, for one that goes on.
        limit: stop after the first epoch that ends later than this; None for no limit.
    """

    def __init__(self, seconds=0.0, limit=None):
        super().__init__()
        self.seconds, self.limit = seconds, limit

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock."""
        self.started = time.perf_counter()

    def on_test_begin(self, logs=None):
        """Stop the clock: what follows is validation."""
        self.seconds += time.perf_counter() - self.started
        self.started = None

    def on_epoch_end(self, epoch, logs):
        """Write down the time, and stop if it is over the limit."""
        if self.started is not None:  # there was no validation
            self.seconds += time.perf_counter() - self.started
        logs["seconds"] = self.seconds
        self.model.stop_training |= self.limit is not None and self.seconds >= self.limit


class Pace(keras.callbacks.Callback):
    """Lets the rate of :func:`learning_rate` fall with the steps or, where they are slow, with the clock, and ends with either.

    The optimizer has a plain learning rate, not a schedule. Where the loss becomes NaN, training stops and says so.

    Args:
        steps: training steps planned.
        limit: seconds; when they are over, the learning rate has come down, however many steps were made.
        peak: highest learning rate.
    """

    def __init__(self, steps, limit, peak=1e-2):
        super().__init__()
        self.steps, self.limit, self.rate = steps, limit, learning_rate(steps, peak)
        self.done, self.epoch = 0, 1

    def on_train_begin(self, logs=None):
        """Start the clock."""
        self.started = time.perf_counter()

    def on_epoch_begin(self, epoch, logs=None):
        """Keep the number of the epoch."""
        self.epoch = epoch + 1

    def on_train_batch_begin(self, batch, logs=None):
        """Set the learning rate of this step; the clock counts from the tenth part of the steps on."""
        late = (time.perf_counter() - self.started) / self.limit if self.done > self.steps / 10 else 0
        self.place = max(self.done, late * self.steps)
        self.model.optimizer.learning_rate = float(self.rate(min(self.place, self.steps)))

    def on_train_batch_end(self, batch, logs):
        """Stop after the last step, or if the loss is not a number."""
        self.done += 1
        self.model.stop_training |= self.place >= self.steps
        if logs["loss"] != logs["loss"]:
            self.model.stop_training = True
            print(
                f"✗ The loss became NaN in epoch {self.epoch}. Likely causes: values in images or weights that are no "
                "numbers, class numbers beyond the output's channels, or too high a learning rate."
            )


class EpochLine(keras.callbacks.Callback):
    """Prints one line an epoch: its number and everything that is in the logs."""

    def on_epoch_end(self, epoch, logs):
        """Print the line."""
        shown = [f"{value:.0f} s" if name == "seconds" else f"{name} {value:.3f}" for name, value in logs.items()]
        print(f"epoch {epoch + 1}/{self.params['epochs']}", *shown, sep="  ", flush=True)


def follow_recipe(recipe, seed=0, *, callbacks=(), limit=None):
    """Draw the data, build the network and train it, as notebook 04 does step by step.

    Args:
        recipe: a :class:`Recipe`.
        seed: of the initial weights, the order of the images and their augmentation; the images are always the same.
        callbacks: further Keras callbacks.
        limit: seconds, as for :class:`Clock`.

    Returns:
        tuple: the trained network, and its history: a dict of lists, one value an epoch, as ``model.fit`` records them
        (loss, iou, val_loss, val_iou) and the seconds of :class:`Clock`.
    """
    drawn, held_out = shapes.draw(recipe.images), shapes.draw(recipe.validation, split="validation")
    data = pipeline.dataset(
        drawn.images, drawn.masks, batch_size=recipe.batch_size, shuffle=True, augment=recipe.augment, seed=seed
    ).repeat(recipe.repeats)
    validation = pipeline.dataset(held_out.images, held_out.masks, batch_size=recipe.batch_size)
    keras.utils.set_random_seed(seed)
    model = unet.build_unet(**recipe.network)
    compile_model(model, recipe.steps, peak=recipe.peak, loss=recipe.loss)
    callbacks = [Clock(limit=limit), EpochLine(), *callbacks]
    fitted = model.fit(data, validation_data=validation, epochs=recipe.epochs, verbose=0, callbacks=callbacks)
    return model, fitted.history
