"""The answers to the exercises of notebook 07 many classes."""

from __future__ import annotations

import numpy as np

from utils import classes
from utils.checks.base import call, check


@check
def softmax(answer):
    """Check the reader's ``answer(logits)``: ``(H, W, classes)`` to probabilities of the same shape."""
    logits = np.random.default_rng(7).normal(0, 2, (3, 4, 5))
    right = classes.softmax(logits)
    given = np.asarray(call(answer, logits.copy()), float)
    if given.shape != logits.shape:
        return f"The shape is {given.shape}; a softmax keeps the shape of its logits, {logits.shape}."
    if np.allclose(given, right, atol=1e-6):
        large = np.asarray(call(answer, logits + 1000.0), float)
        if not np.allclose(large, right, atol=1e-6):
            return (
                "Right for small logits, but with 1000 added to each the exponentials overflow. Subtract the largest logit of "
                "each pixel first; the result stays the same."
            )
        return None
    powers = np.exp(logits)
    mistakes = (
        (powers, "These are the exponentials. Divide each pixel's by their sum, so that they add up to 1."),
        (powers / powers.sum(), "You divided by the sum over the whole array. Each pixel has its own sum: axis=-1."),
        (1 / (1 + np.exp(-logits)), "That is a sigmoid of each logit; the channels of a pixel do not add up to 1."),
        (logits / logits.sum(-1, keepdims=True), "You divided the logits themselves; take their exponentials first."),
        (np.log(right), "That is the logarithm of the softmax; return the probabilities."),
        *(
            (powers / powers.sum(axis, keepdims=True), f"You summed over axis {axis}; the classes are the last axis.")
            for axis in (0, 1)
        ),
    )
    for wrong, words in mistakes:
        if np.allclose(given, wrong, atol=1e-6):
            return words
    sums = given.sum(axis=-1)
    if not np.allclose(sums, 1):
        return f"The channels of the first pixel add up to {sums[0, 0]:.2f}; they must add up to 1."
    return "Each pixel adds up to 1, but the shares are others. Each class gets exp(its logit) out of the sum."


@check
def categorical(answer):
    """Check the reader's ``answer(labels, probability)``: the mean categorical cross-entropy as one number."""
    rng = np.random.default_rng(11)
    labels, probability = rng.integers(0, 4, (5, 6)), classes.softmax(rng.normal(0, 2, (5, 6, 4)))
    each = classes.cross_entropy(labels, probability)
    given = np.asarray(call(answer, labels.copy(), probability.copy()), float)
    if given.shape == each.shape:
        hint = " Yours holds the right loss of each pixel; take the mean." if np.allclose(given, each) else ""
        return f"Return one number, not one a pixel.{hint}"
    if given.shape != ():
        return f"Return one number; yours has the shape {given.shape}."
    hot = classes.one_hot(labels, 4)
    chosen = (hot * probability).sum(-1)
    log = np.log(probability)
    mistakes = (
        (-each.mean(), "The sign: a logarithm of a probability is negative, the loss is minus that."),
        (each.sum(), "That is the sum over the pixels; the mean does not grow with the picture."),
        (
            each.mean() / 4,
            "You took the mean over all channels too. Sum over the classes, then take the mean over the pixels.",
        ),
        (-np.log(probability.max(-1)).mean(), "You took the largest probability; take that of the true class."),
        (1 - chosen.mean(), "That is 1 - p, without the logarithm."),
        (-np.log(chosen.mean()), "You took the mean first; take the logarithm of each pixel, then the mean."),
        (-log.sum(-1).mean(), "You counted all classes; only the true one counts, the others have a 0 in the one-hot."),
        (each.mean() / np.log(2), "That is the logarithm to base 2; Keras takes the natural one, np.log."),
        (
            -(hot * log + (1 - hot) * np.log(1 - probability)).sum(-1).mean(),
            "You added the terms with 1 - p, as in the binary loss. Here the softmax already sees to the other classes.",
        ),
    )
    if np.isclose(given, each.mean(), atol=1e-5):
        return None
    for wrong, words in mistakes:
        if np.isclose(given, wrong):
            return words
    return f"You return {given:.3f}; expected is {each.mean():.3f}."


@check
def confusion_table(answer):
    """Check the reader's ``answer(truth, predicted, count)``: counts, row = truth, column = prediction."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, (2, 6, 6)).astype(np.uint8)
    predicted = np.where(rng.random(truth.shape) < 0.6, truth, rng.integers(0, 3, truth.shape)).astype(np.uint8)
    count = 5  # classes 3 and 4 do not occur
    right = classes.confusion(truth, predicted, count)
    given = np.asarray(call(answer, truth.copy(), predicted.copy(), count), float)
    if given.shape == (3, 3):
        return "Your table has 3 rows, those classes that occur. Make count rows and columns, or tables cannot be compared."
    if given.shape == (count - 1, count - 1):
        return "The ground is missing: class 0 is a row and a column like the others."
    if given.shape != right.shape:
        return f"The shape is {given.shape}; with count={count} it is {right.shape}."
    if np.array_equal(given, right):
        return None
    if np.array_equal(given, right.T):
        return "Rows and columns are swapped: the row is the true class, the column the predicted one."
    with np.errstate(all="ignore"):
        shares = (right / right.sum(1, keepdims=True), right / right.sum(0), right / right.sum())
    if any(np.allclose(given, share, equal_nan=True) or np.allclose(given, np.nan_to_num(share)) for share in shares):
        return "These are shares. Return counts; shares can be made from counts, not the other way round."
    if np.array_equal(given, right > 0):
        return (
            "Every entry is 0 or 1: `table[truth, predicted] += 1` adds a repeated pair once only. Use `np.add.at`, or "
            "count the pairs with `np.bincount`."
        )
    if np.array_equal(given, np.diag(np.diag(right))):
        return "Only pixels that are right are counted; the mistakes belong beside the diagonal."
    return f"Your table counts {given.sum():.0f} pixels, there are {truth.size}; row 0 should be {right[0].tolist()}."


@check
def iou_from_table(answer):
    """Check the reader's ``answer(table)``: the IoU of every class from its confusion matrix, NaN for one that never occurs."""
    table = np.array([[50, 3, 1, 0], [4, 20, 6, 0], [0, 5, 11, 0], [0, 0, 0, 0]])
    given = np.asarray(call(answer, table.copy()), float)
    if given.shape == ():
        return "That is one number; return one for each class."
    if given.shape != (4,):
        return f"The shape is {given.shape}; a table of 4 classes gives 4 values."
    both, rows, columns = np.diag(table)[:3], table.sum(1)[:3], table.sum(0)[:3]
    first, last = given[:3], given[3]
    mistakes = (
        (both / rows, "That is the recall: you divided by the true pixels only. The union holds those predicted too."),
        (both / columns, "That is the precision: you divided by the predicted pixels only. Add the true ones."),
        (
            both / (rows + columns),
            "The pixels in both are counted twice in row + column; subtract them once to get the union.",
        ),
        (2 * both / (rows + columns), "That is the Dice score. IoU divides by the union, row + column - both."),
        (both / table.sum(), "You divided by all pixels; divide by the union of the class."),
    )
    if np.allclose(first, both / (rows + columns - both)):
        if np.isnan(last):
            return None
        return (
            f"The last class is in neither map, and you give it {last:g}. A 0 would blame the network and a 1 praise it for "
            "nothing: return NaN, and leave it out of the mean."
        )
    for wrong, words in mistakes:
        if np.allclose(first, wrong):
            return words
    return (
        f"You give {np.round(first, 3).tolist()}; expected are {np.round(both / (rows + columns - both), 3).tolist()}."
    )


@check
def weights_of_classes(answer):
    """Check the reader's ``answer(labels, count)``: weights that make the total of every class that occurs the same, mean 1."""
    labels = np.repeat([0, 1, 3], [60, 30, 10]).reshape(1, 10, 10, 1).astype(np.uint8)
    count, right = 4, classes.class_weights(labels, 4)
    given = np.asarray(call(answer, labels.copy(), count), float)
    if given.shape == labels.shape:
        return "That is one weight a pixel; return one a class."
    if given.shape != (count,):
        return f"The shape is {given.shape}; there are {count} classes, one of which does not occur here."
    if not np.isfinite(given).all():
        return "Class 2 does not occur, and 1 / 0 is infinite. Give it the weight 0."
    there = [0, 1, 3]
    if np.allclose(given, right, atol=1e-4):
        return None
    pixels = np.bincount(labels.ravel(), minlength=count)
    if np.allclose(given, pixels / pixels.sum()) or np.allclose(given, pixels):
        return "That is how frequent each class is. The rare class needs the large weight: divide by the frequency."
    if np.allclose(given[there], labels.size / (count * pixels[there]), atol=1e-4):
        return "You divided by count, but only 3 of the 4 classes occur: the mean weight is .75 instead of 1."
    ratio = given[there] / right[there]
    if np.allclose(ratio, ratio[0], rtol=1e-3):
        if np.allclose(ratio[0], 1, rtol=1e-3):
            return f"Class 2 does not occur; its weight is 0, not {given[2]:g}."
        mean = (given * pixels).sum() / pixels.sum()
        return (
            f"The proportions are right, but the mean weight of a pixel is {mean:.3g}: the loss, and with it every step, would "
            "change its size. Scale it to 1."
        )
    totals = (given * pixels)[there]
    return f"The totals of the classes that occur are {np.round(totals, 2).tolist()}; they should be the same."
