"""How wrong is a prediction? Losses, as formulas to read and as functions that Keras can train with and save."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from utils import given

EPSILON = 1e-7
"""Probabilities are kept this far from 0 and 1 before a logarithm is taken, as Keras does by default where it is
given bare probabilities. A Keras model that ends in a sigmoid is trained from its logits, without this limit."""


def binary_cross_entropy(truth, probability) -> np.ndarray:
    """Binary cross-entropy of every pixel: ``-log(p)`` where the truth is 1, ``-log(1 - p)`` where it is 0.

    The mean of these values is what ``keras.losses.BinaryCrossentropy`` returns.

    Args:
        truth: array of 0 and 1, any shape.
        probability: array of the same shape, 0..1.

    Returns:
        float64 array of the same shape, 0 for a certain and correct pixel, about 16 for a certain and wrong one.

    Raises:
        TypeError: no numbers.
        ValueError: shapes that differ, a truth other than 0 and 1, a probability outside 0..1.
    """
    truth = given.array("truth", truth).astype(np.float64)
    probability = given.finite("probability", probability).astype(np.float64)
    if truth.shape != probability.shape:
        raise ValueError(f"truth has shape {truth.shape}, probability {probability.shape}; they must be the same.")
    if not np.isin(truth, (0, 1)).all():
        raise ValueError(f"truth holds values from {truth.min():g} to {truth.max():g}; a mask holds 0 and 1 only.")
    if not ((probability >= 0) & (probability <= 1)).all():
        low, high = probability.min(), probability.max()
        raise ValueError(f"probability runs from {low:g} to {high:g}; it must lie in 0..1.")
    p = np.clip(probability, EPSILON, 1 - EPSILON)
    return -(truth * np.log(p) + (1 - truth) * np.log(1 - p))


@keras.saving.register_keras_serializable(package="understanding_unet")
def soft_dice_loss(truth, probability):
    """1 - Dice with probabilities in place of a mask, per image.

    Registered with Keras, so a model compiled with it can be loaded again without naming it.
    Source: Milletari, Navab, Ahmadi, "V-Net", 2016, section 3, with plain sums in the denominator.

    Args:
        truth: tensor ``(N, H, W, C)`` of 0 and 1.
        probability: tensor of the same shape, 0..1.

    Returns:
        float tensor ``(N,)``: 0 for a perfect image, close to 1 for one without overlap. Values outside 0..1 are not looked
        for, because a loss is called at every step.

    Raises:
        TypeError: no tensors or arrays, or probabilities that are not floats.
        ValueError: other shapes than above, or shapes that differ.
    """
    _check_tensors(truth, probability)
    truth = ops.cast(truth, probability.dtype)
    both = ops.sum(truth * probability, axis=(1, 2, 3))
    either = ops.sum(truth, axis=(1, 2, 3)) + ops.sum(probability, axis=(1, 2, 3))
    return 1 - (2 * both + 1) / (either + 1)


def _check_tensors(truth, probability):
    """Raise an error unless both have the same four axes; in a graph an axis may not be known yet."""
    shapes, numbers = [], ("float", "int", "uint", "bool")
    for name, tensor, allowed in (("truth", truth, numbers), ("probability", probability, numbers[:1])):
        if not (hasattr(tensor, "shape") and hasattr(tensor, "dtype")):
            raise TypeError(f"{name} is {given.shown(tensor)}; give a tensor or an array.")
        try:
            dtype = keras.backend.standardize_dtype(tensor.dtype)
        except ValueError:
            dtype = "none that Keras knows"
        if not dtype.startswith(allowed):
            raise TypeError(f"{name} is {given.shown(tensor)}; give {' or '.join(allowed)}.")
        if getattr(tensor.shape, "rank", 4) is not None:
            shapes.append(tuple(tensor.shape))
    if not shapes:
        return
    first, last = shapes[0], shapes[-1]
    differ = len(first) != len(last) or any(a != b for a, b in zip(first, last) if a is not None and b is not None)
    if differ or len(first) != 4 or 0 in first:
        raise ValueError(
            f"truth has shape {first}, probability {last}; both must be (N, H, W, C), the same, and hold a pixel."
        )


# ---- Other losses to choose from (notebook 06) -------------------------------------------------------------------------


@keras.saving.register_keras_serializable(package="understanding_unet")
def bce_dice_loss(truth, probability):
    """The mean binary cross-entropy of an image plus its soft Dice loss, in equal parts.

    Args, result: as for :func:`soft_dice_loss`; 0 for a perfect image.
    Source: the sum is in common use, for example Isensee et al., "nnU-Net", 2021.
    """
    _check_tensors(truth, probability)
    truth = ops.cast(truth, probability.dtype)
    return ops.mean(ops.binary_crossentropy(truth, probability), axis=(1, 2, 3)) + soft_dice_loss(truth, probability)


def focal(truth, probability, gamma=2.0) -> np.ndarray:
    """Focal loss of every pixel: its cross-entropy, times ``(1 - p_right) ** gamma``.

    ``p_right`` is the probability that was given to what is true, so certain and correct pixels count little. The mean of
    these values is what Keras' ``"binary_focal_crossentropy"`` returns.
    Source: Lin, Goyal, Girshick, He, Dollar, "Focal Loss for Dense Object Detection", 2017, equation 4.

    Args:
        truth, probability: as for :func:`binary_cross_entropy`.
        gamma: 0 or more; 0 gives the cross-entropy.

    Returns:
        float64 array of the same shape, 0 or more.

    Raises:
        TypeError, ValueError: as for :func:`binary_cross_entropy`, or a gamma that is not a finite number of 0 or more.
    """
    gamma = given.number("gamma", gamma, 0)
    entropy = binary_cross_entropy(truth, probability)
    truth, probability = np.asarray(truth, np.float64), np.asarray(probability, np.float64)
    return np.abs(truth - np.clip(probability, EPSILON, 1 - EPSILON)) ** gamma * entropy
