"""The answers to the exercises of notebook 05 visualizing."""

from __future__ import annotations

import numpy as np

from utils.checks.base import Waiting, call, check, number


@check
def error_kinds(answer):
    """The two kinds of wrong pixels: ``answer(truth, mask)`` returns bool arrays ``missed`` and ``invented``."""
    truth, mask = np.zeros((8, 8, 1), np.uint8), np.zeros((8, 8, 1), np.uint8)
    truth[1:6, 1:5], mask[2:7, 1:5] = 1, 1
    mask[0, 6:8] = 1  # missed: 4 pixels; invented: 4 + 2
    missed, invented = (truth == 1) & (mask == 0), (truth == 0) & (mask == 1)
    result = call(answer, truth.copy(), mask.copy())
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return "Return two arrays: first the missed pixels, then the invented ones."
    if any(part is None for part in result):
        raise Waiting
    first, second = map(np.asarray, result)
    for what, part in (("missed", first), ("invented", second)):
        if part.shape != truth.shape:
            return f"`{what}` has the shape {part.shape}; one value a pixel is wanted, {truth.shape}."
    if 255 in (first.max(), second.max()):
        return "Some values are 255: in uint8, 0 - 1 wraps round to 255. Compare the masks instead of subtracting them."
    if min(first.min(), second.min()) < 0:
        return "Some values are -1: a difference holds both kinds at once, told apart by sign. Compare, for each kind alone."
    first, second = first.astype(bool), second.astype(bool)
    if np.array_equal(first, missed) and np.array_equal(second, invented):
        return None
    if np.array_equal(first, invented) and np.array_equal(second, missed):
        return "The two are swapped. Missed: shape in the truth, ground in the mask. Invented: the other way round."
    wrong = missed | invented
    if np.array_equal(first, wrong) or np.array_equal(second, wrong):
        return "One of your arrays holds all wrong pixels. Tell the two kinds apart: who says shape, the truth or the mask?"
    if np.array_equal(first, truth == 1) or np.array_equal(second, mask == 1):
        return "A pixel on which both agree is no error. Ask what the other mask says about the same pixel."
    right = f"it should be {missed.sum()} and {invented.sum()}"
    return f"You count {first.sum()} missed and {second.sum()} invented pixels; {right}."


@check
def calibration_bin(answer):
    """One bin of a reliability diagram: ``answer(truth, probability, low, high)``, mean probability and share of shape."""
    rng = np.random.default_rng(5)
    probability = rng.random((4, 9, 9, 1)).round(3)
    truth = (rng.random(probability.shape) < 0.6 * probability).astype(np.uint8)
    probability[0, 0, :2, 0] = 0.2, 0.4
    for low, high in ((0.2, 0.4), (0.6, 0.7)):
        result = call(answer, truth.copy(), probability.copy(), low, high)
        if np.shape(result) != (2,):
            return "Return two numbers: the mean probability of the bin's pixels, and the share of them that is shape."
        inside = (probability >= low) & (probability < high)
        mean, share = probability[inside].mean(), truth[inside].mean()
        if np.allclose(np.asarray(result, float), (mean, share), atol=1e-9):
            continue
        first, second = (number(value) for value in result)
        if np.allclose((first, second), (share, mean)):
            return "The two are swapped: first the mean probability, then the share of shape."
        if np.isclose(second, truth[inside].sum()):
            return "The second number is how many of the bin's pixels are shape; divide by the size of the bin."
        if np.isclose(second, truth[inside].sum() / truth.size):
            return "You divide by all pixels; the share is taken among the bin's pixels only."
        if np.isclose(second, inside.mean()):
            return "The second number is the share of pixels that fall into the bin. Ask how many of those are shape."
        if np.isclose(second, truth.mean()):
            return "The second number is the share of shape among all pixels; take the bin's pixels only."
        if np.isclose(second, np.mean((probability[inside] > 0.5) == truth[inside])):
            return "The second number is how many of the bin's pixels the mask gets right; count those that are shape instead."
        if np.isclose(first, (low + high) / 2) and np.isclose(second, share):
            return "The first number is the middle of the bin; take the mean of the probabilities that fall into it."
        limits = ((probability > low) & (probability <= high), (probability >= low) & (probability <= high))
        if any(np.allclose((first, second), (probability[i].mean(), truth[i].mean())) for i in limits):
            return "A pixel exactly on a limit is in the wrong bin: low belongs to the bin, high to the next one."
        right = f"expected are {mean:.3f} and {share:.3f}"
        return f"For {low} <= p < {high} you give {first:.3f} and {second:.3f}; {right}."
    return None
