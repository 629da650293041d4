"""How wrong is a prediction? Losses as formulas to read (NumPy), and as functions that Keras trains with and saves."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

EPSILON = 1e-7
"""Probabilities are kept this far from 0 and 1 before the logarithm, as Keras does where it is given probabilities. (A Keras
model that ends in a sigmoid is trained from its logits, without this limit.)"""


def binary_cross_entropy(truth, probability) -> np.ndarray:
    """Binary cross-entropy of every pixel: ``-log(p)`` where the truth is 1, ``-log(1 - p)`` where it is 0.

    Args:
        truth: 0 and 1, any shape.
        probability: 0..1, the same shape.

    Returns:
        float64 of that shape: 0 for a certain and correct pixel, about 16 for a certain and wrong one. The mean is what
        ``keras.losses.BinaryCrossentropy`` returns.
    """
    truth, p = np.asarray(truth, np.float64), np.clip(np.asarray(probability, np.float64), EPSILON, 1 - EPSILON)
    return -(truth * np.log(p) + (1 - truth) * np.log(1 - p))


def focal(truth, probability, gamma=2.0) -> np.ndarray:
    """Focal loss of every pixel: its cross-entropy times ``(1 - p_right) ** gamma``; certain, correct pixels count little.

    ``p_right`` is the probability given to what is true. Arguments and result as for :func:`binary_cross_entropy`; the mean is
    Keras's ``"binary_focal_crossentropy"``. Source: Lin et al., "Focal Loss for Dense Object Detection", 2017, eq. 4.
    """
    wrong = np.abs(truth - np.clip(np.asarray(probability, np.float64), EPSILON, 1 - EPSILON))
    return wrong**gamma * binary_cross_entropy(truth, probability)


@keras.saving.register_keras_serializable(package="understanding_unet")
def soft_dice_loss(truth, probability):
    """1 - Dice of each image, with probabilities instead of a mask: tensors ``(N, H, W, C)`` to ``(N,)``, 0..1.

    Source: Milletari, Navab, Ahmadi, "V-Net", 2016, section 3, with plain sums in the denominator.
    """
    truth = ops.cast(truth, probability.dtype)
    both = ops.sum(truth * probability, axis=(1, 2, 3))
    either = ops.sum(truth, axis=(1, 2, 3)) + ops.sum(probability, axis=(1, 2, 3))
    return 1 - (2 * both + 1) / (either + 1)


@keras.saving.register_keras_serializable(package="understanding_unet")
def bce_dice_loss(truth, probability):
    """Mean binary cross-entropy of each image plus its soft Dice loss, in equal parts, as in "nnU-Net" (Isensee, 2021)."""
    truth = ops.cast(truth, probability.dtype)
    return ops.mean(ops.binary_crossentropy(truth, probability), axis=(1, 2, 3)) + soft_dice_loss(truth, probability)


def class_weights(labels, classes) -> np.ndarray:
    """A weight for each class, so that all classes that occur weigh the same in total: float32 ``(classes,)``.

    ``pixels / (classes that occur * pixels of the class)``: the mean weight of a pixel is 1, so the learning rate keeps its
    meaning. A class that does not occur gets 0. Source: King and Zeng, "Logistic regression in rare events data", 2001.
    """
    pixels = np.bincount(np.ravel(labels), minlength=classes)
    weights = pixels.sum() / (np.count_nonzero(pixels) * np.maximum(pixels, 1))
    return np.where(pixels > 0, weights, 0).astype(np.float32)


@keras.saving.register_keras_serializable(package="understanding_unet")
class WeightedLoss(keras.losses.Loss):
    """Cross-entropy of the pixels, and on request the soft Dice loss of each class over the batch, both with pixel weights.

    The truth ``(N, H, W, 1)`` holds 0 and 1 for one output channel, class numbers for more. A pixel of weight 0 counts in
    neither part. Source of the sum: "nnU-Net" (Isensee, 2021).
    """

    def __init__(self, dice=False, name="weighted_loss"):
        super().__init__(name=name)
        self.dice = dice

    def get_config(self):
        """The options, to be saved with a network."""
        return {"dice": self.dice, "name": self.name}

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The loss of a batch, a scalar."""
        classes = y_pred.shape[-1]
        weight = (
            ops.ones_like(y_true, "float32") if sample_weight is None else ops.reshape(sample_weight, ops.shape(y_true))
        )
        y_true, weight = ops.cast(y_true, "float32"), ops.cast(weight, "float32")
        if classes == 1:
            each = ops.binary_crossentropy(y_true, y_pred)
        else:
            each = ops.sparse_categorical_crossentropy(ops.cast(y_true[..., 0], "int32"), y_pred)[..., None]
        loss = ops.sum(each * weight) / ops.maximum(ops.sum(weight), 1.0)
        if self.dice:
            hot = y_true if classes == 1 else ops.one_hot(ops.cast(y_true[..., 0], "int32"), classes)[..., 1:]
            likely = y_pred if classes == 1 else y_pred[..., 1:]
            both = ops.sum(weight * hot * likely, axis=(0, 1, 2))
            either = ops.sum(weight * (hot + likely), axis=(0, 1, 2))
            loss = loss + ops.mean(1 - (2 * both + 1) / (either + 1))
        return loss
