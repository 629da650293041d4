"""The answers to the exercises of notebook 07 many classes."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from scipy import special

from utils import losses, metrics
from utils.checks.base import call, check, judge, number


@check
def softmax(answer):
    """A softmax: ``answer(logits)`` of shape ``(H, W, classes)`` returns probabilities of the same shape."""
    logits = np.random.default_rng(7).normal(0, 2, (3, 4, 5))
    right, powers = special.softmax(logits, axis=-1), np.exp(logits)
    mistakes = (
        (powers, "These are the exponentials. Divide each pixel's by their sum, so that they add up to 1."),
        (powers / powers.sum(), "You divided by the sum over the whole array. Each pixel has its own sum: axis=-1."),
        (special.expit(logits), "That is a sigmoid of each logit; the channels of a pixel do not add up to 1."),
        (logits / logits.sum(-1, keepdims=True), "You divided the logits themselves; take their exponentials first."),
        (np.log(right), "That is the logarithm of the softmax; return the probabilities."),
        (special.softmax(logits, axis=0), "You summed over axis 0; the classes are the last axis."),
        (special.softmax(logits, axis=1), "You summed over axis 1; the classes are the last axis."),
    )
    otherwise = "Each class gets exp(its logit) out of the sum of these over the classes of its pixel."
    yield judge(call(answer, logits), right, mistakes, otherwise=otherwise)
    if judge(call(answer, logits + 1000.0), right):
        yield (
            "Right for small logits, but with 1000 added to each the exponentials overflow. Subtract the largest logit of "
            "each pixel first; the result stays the same."
        )


@check
def categorical(answer):
    """The mean categorical cross-entropy as one number: ``answer(labels, probability)``."""
    rng = np.random.default_rng(11)
    labels, p = rng.integers(0, 4, (5, 6)), special.softmax(rng.normal(0, 2, (5, 6, 4)), axis=-1)
    each = np.asarray(keras.losses.sparse_categorical_crossentropy(labels, p))
    hot, right = keras.utils.to_categorical(labels, 4), each.mean()
    chosen, binary = (hot * p).sum(-1), -(hot * np.log(p) + (1 - hot) * np.log(1 - p)).sum(-1).mean()
    mistakes = (
        (each, "Return one number. Yours holds the right loss of each pixel; take the mean."),
        (-right, "The sign is wrong: a logarithm of a probability is negative, the loss is minus that."),
        (each.sum(), "That is the sum over the pixels; the mean does not grow with the image."),
        (right / 4, "You took the mean over all channels too. Sum over the classes, take the mean over the pixels."),
        (-np.log(p.max(-1)).mean(), "You took the largest probability; take that of the true class."),
        (1 - chosen.mean(), "That is 1 - p, without the logarithm."),
        (-np.log(chosen.mean()), "You took the mean first; take the logarithm of each pixel, then the mean."),
        (-np.log(p).sum(-1).mean(), "You counted all classes; only the true one counts."),
        (right / np.log(2), "That is the logarithm to base 2; Keras takes the natural one, np.log."),
        (binary, "You added the terms with 1 - p, as in the binary loss. Only the true class counts here."),
    )
    result = call(answer, labels, p)
    yield judge(result if np.shape(result) == each.shape else number(result), right, mistakes)


@check
def confusion_table(answer):
    """Counts, row = truth, column = prediction: ``answer(truth, predicted, count)``."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, (2, 6, 6)).astype(np.uint8)
    predicted = np.where(rng.random(truth.shape) < 0.6, truth, rng.integers(0, 3, truth.shape)).astype(np.uint8)
    count = 5  # classes 3 and 4 do not occur
    right = tf.math.confusion_matrix(truth.ravel(), predicted.ravel(), num_classes=count).numpy()
    with np.errstate(all="ignore"):
        shares = (right / right.sum(1, keepdims=True), right / right.sum(0), right / right.sum())
    shared = "These are shares. Return counts; shares can be made from counts, not the other way round."
    mistakes = (
        (right.T, "Rows and columns are swapped: the row is the true class, the column the predicted one."),
        *((table, shared) for share in shares for table in (share, np.nan_to_num(share))),
        (right > 0, "All is 0 or 1: `table[truth, predicted] += 1` adds a repeated pair once. Use `np.add.at`."),
        (np.diag(np.diag(right)), "Only pixels that are right are counted; the mistakes belong beside the diagonal."),
    )
    shapes = {
        (3, 3): "Your table has 3 rows, those classes that occur. Make count rows and columns.",
        (4, 4): "The background is missing: class 0 is a row and a column like the others.",
    }
    yield judge(call(answer, truth, predicted, count), right, mistakes, shapes)


@check
def iou_from_table(answer):
    """The IoU of every class from its confusion matrix, NaN for one that never occurs: ``answer(table)``."""
    table = np.array([[50, 3, 1, 0], [4, 20, 6, 0], [0, 5, 11, 0], [0, 0, 0, 0]])
    truth, predicted = np.divmod(np.repeat(np.arange(16), table.ravel()), 4)
    right = metrics.class_iou(truth, predicted, 4)
    both, rows, columns = np.diag(table)[:3], table.sum(1)[:3], table.sum(0)[:3]
    mistakes = (
        (both / rows, "That is the recall: you divided by the true pixels only. Add those that are predicted."),
        (both / columns, "That is the precision: you divided by the predicted pixels only. Add the true ones."),
        (both / (rows + columns), "Row + column counts the pixels in both twice; subtract them once."),
        (2 * both / (rows + columns), "That is the Dice score. IoU divides by the union, row + column - both."),
        (both / table.sum(), "You divided by all pixels; divide by the union of the class."),
    )
    result = np.asarray(call(answer, table), float)
    if result.shape != (4,):
        yield judge(result, right, shapes={(): "That is one number; return one for each class."})
    yield judge(result[:3], right[:3], mistakes)
    if not np.isnan(result[3]):
        yield (
            f"The last class is in neither map, and you give it {result[3]:g}. A 0 would blame the network and a 1 praise it "
            "for nothing: return NaN, and leave it out of the mean."
        )


@check
def weights_of_classes(answer):
    """Weights that make the total of every class that occurs the same, mean 1: ``answer(labels, count)``."""
    labels = np.repeat([0, 1, 3], [60, 30, 10]).reshape(1, 10, 10, 1).astype(np.uint8)
    right, pixels = losses.class_weights(labels, 4), np.array([60, 30, 0, 10])
    often = "That is how frequent each class is. The rare class needs the large weight: divide by the frequency."
    mistakes = (
        (pixels / 100, often),
        (pixels, often),
        (right * 3 / 4, "You divided by count, but only 3 of 4 classes occur: the mean weight is .75 instead of 1."),
    )
    shapes = {
        labels.shape: "That is one weight a pixel; return one a class.",
        (3,): "There are 4 classes; the one that does not occur here gets the weight 0.",
    }
    weights = np.asarray(call(answer, labels, 4), float)
    if weights.shape != right.shape:
        yield judge(weights, right, shapes=shapes)
    if not np.isfinite(weights).all():
        yield "Class 2 does not occur, and 1 / 0 is infinite. Give it the weight 0."
    totals = (weights * pixels)[pixels > 0]
    otherwise = f"The totals of the classes that occur are {np.round(totals, 2).tolist()}; they should be the same."
    if np.allclose(totals, 100 / 3):
        otherwise = f"Class 2 does not occur; its weight is 0, not {weights[2]:g}."
    elif np.allclose(totals, totals[0], rtol=1e-3):
        otherwise = (
            f"The proportions are right, but the mean weight of a pixel is {totals.sum() / 100:.3g}. Scale it to 1."
        )
    yield judge(weights, right, mistakes, otherwise=otherwise)
