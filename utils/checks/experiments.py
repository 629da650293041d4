"""The answers to the exercises of notebook 06 experiments."""

from __future__ import annotations

import numpy as np

from utils import losses, metrics, unet
from utils.checks.base import call, check


@check
def beyond_spread(answer):
    """Whether two conditions differ by more than their spread: ``answer(first, second)`` returns True or False."""
    cases = [
        ([0.90, 0.91, 0.92], [0.95, 0.96, 0.97], True, "the first is lower throughout"),
        ([0.95, 0.96, 0.97], [0.90, 0.91, 0.92], True, "the first is higher throughout: order must not matter"),
        ([0.90, 0.93, 0.96], [0.94, 0.95, 0.97], False, "the means differ, but the ranges overlap"),
        ([0.90, 0.95, 0.99], [0.94, 0.95, 0.96], False, "one range lies within the other"),
        ([0.90, 0.91, 0.99], [0.94, 0.95, 0.96], False, "the first has values on both sides of the second"),
        ([0.94, 0.95, 0.96], [0.90, 0.91, 0.99], False, "the second has values on both sides of the first"),
    ]
    for first, second, expected, why in cases:
        result = call(answer, np.array(first), np.array(second))
        if not isinstance(result, (bool, np.bool_)):
            return f"You return {result!r}; return True or False."
        if bool(result) != expected:
            return f"For {first} and {second} it should be {expected}: {why}."
    return None


@check
def rim_iou(answer):
    """IoU of two masks' rims one pixel thick: ``answer(truth, predicted)`` of shape ``(N, H, W)`` returns a number."""
    rng = np.random.default_rng(6)
    truth, predicted = np.zeros((2, 16, 16), bool), np.zeros((2, 16, 16), bool)
    truth[:, 3:12, 4:13] = True
    predicted[:, 4:12, 4:14] = True
    predicted[1] &= rng.random((16, 16)) < 0.9
    expected = metrics.boundary_iou(truth, predicted, 1)
    result = call(answer, truth.copy(), predicted.copy())
    if np.ndim(result):
        return "Return one number: pool the pixels of all pictures."
    wrong = {
        metrics.iou(truth, predicted): "That is the IoU of the whole masks. Keep the pixels close to an edge first.",
        metrics.iou(metrics.near_edge(truth), metrics.near_edge(predicted)): (
            "Your rims lie on both sides of the edge. Keep only the part of each rim that belongs to its mask."
        ),
        metrics.iou(truth & metrics.near_edge(truth), predicted & metrics.near_edge(truth)): (
            "You cut both masks with the rim of the true one. Each mask has a rim of its own."
        ),
    }
    if np.isclose(result, expected, atol=1e-6):
        return None
    for value, message in wrong.items():
        if np.isclose(result, value, atol=1e-6):
            return message
    return f"You get {float(result):.3f}; it should be {expected:.3f}."


@check
def same_budget(answer):
    """The width whose network comes closest to a number of parameters: ``answer(depth, parameters)`` returns a base."""

    def count(depth, base):
        return unet.build_unet(depth=depth, base=base).count_params()

    for depth, parameters in ((2, 30_000), (1, 10_000)):
        result = call(answer, depth, parameters)
        if not isinstance(result, (int, np.integer)) or result < 1:
            return f"You return {result!r}; a width is a whole number, 1 or more."
        counts = {base: abs(count(depth, base) - parameters) for base in range(max(1, result - 3), result + 4)}
        best = min(counts, key=counts.get)
        if best != result:
            return (
                f"For depth {depth} and {parameters:,} parameters base {result} gives {count(depth, result):,}, but "
                f"base {best} comes closer: {count(depth, best):,}."
            )
    return None


@check
def focal_by_hand(answer):
    """Focal loss of every pixel: ``answer(truth, probability, gamma)`` returns an array of the same shape."""
    truth = np.array([1.0, 1.0, 0.0, 0.0, 1.0])
    probability = np.array([0.9, 0.2, 0.1, 0.7, 0.5])
    for gamma in (2.0, 0.0, 1.0):
        result = call(answer, truth.copy(), probability.copy(), gamma)
        if np.shape(result) != truth.shape:
            return f"Return one value a pixel, shape {truth.shape}; yours has the shape {np.shape(result)}."
        expected = losses.focal(truth, probability, gamma)
        entropy = losses.binary_cross_entropy(truth, probability)
        right = np.where(truth == 1, probability, 1 - probability)
        if np.allclose(result, expected, atol=1e-6):
            continue
        if np.allclose(result, -expected, atol=1e-6):
            return "The sign is wrong: a logarithm of a probability is negative, a loss is not."
        if np.allclose(result, right**gamma * entropy, atol=1e-6):
            return "You weigh with how right the pixel is; the focal loss weighs with how wrong: 1 minus that."
        if np.allclose(result, (1 - probability) ** gamma * entropy, atol=1e-6):
            return "You weigh every pixel with 1 - p. For a ground pixel the wrong part is p itself."
        if np.allclose(result, entropy, atol=1e-6):
            return "That is the cross-entropy; the factor for certain and correct pixels is missing."
        return f"For gamma {gamma:g} your first pixel is {np.ravel(result)[0]:.4f}; it should be {expected[0]:.4f}."
    return None
