"""The answers to the exercises of notebook 06 experiments."""

from __future__ import annotations

import functools

import numpy as np

from utils import experiments, losses, metrics, unet
from utils.checks.base import call, check, judge, number


@check
def beyond_spread(answer):
    """Whether two conditions differ by more than their spread: ``answer(first, second)`` returns True or False."""
    cases = (
        ([0.90, 0.91, 0.92], [0.95, 0.96, 0.97], "the first is lower throughout"),
        ([0.95, 0.96, 0.97], [0.90, 0.91, 0.92], "the first is higher throughout: order must not matter"),
        ([0.90, 0.93, 0.96], [0.94, 0.95, 0.97], "the means differ, but the ranges overlap"),
        ([0.90, 0.95, 0.99], [0.94, 0.95, 0.96], "one range lies within the other"),
        ([0.90, 0.91, 0.99], [0.94, 0.95, 0.96], "the first has values on both sides of the second"),
        ([0.94, 0.95, 0.96], [0.90, 0.91, 0.99], "the second has values on both sides of the first"),
    )
    for first, second, why in cases:
        result, right = call(answer, np.array(first), np.array(second)), experiments.disjoint(first, second)
        if not isinstance(result, (bool, np.bool_)):
            yield f"You return {result!r}; return True or False."
        if bool(result) != right:
            yield f"For {first} and {second} it should be {right}: {why}."


@check
def rim_iou(answer):
    """IoU of two masks' rims one pixel thick: ``answer(truth, predicted)`` of shape ``(N, H, W)`` returns a number."""
    truth, mask = np.zeros((2, 16, 16), bool), np.zeros((2, 16, 16), bool)
    truth[:, 3:12, 4:13] = True
    mask[:, 4:12, 4:14] = True
    mask[1] &= np.random.default_rng(6).random((16, 16)) < 0.9
    true_edge, edge = metrics.near_edge(truth), metrics.near_edge(mask)
    one_rim = metrics.iou(truth & true_edge, mask & true_edge)
    mistakes = (
        (metrics.iou(truth, mask), "That is the IoU of the whole masks. Keep the pixels close to an edge first."),
        (metrics.iou(true_edge, edge), "Your rims lie on both sides of the edge. Keep only what belongs to the mask."),
        (one_rim, "You took the true mask's edge for both. Each mask has a rim of its own."),
    )
    result = number(call(answer, truth, mask), "Return one number: pool the pixels of all images.")
    yield judge(result, metrics.boundary_iou(truth, mask), mistakes)


@check
def same_budget(answer):
    """The width whose network comes closest to a number of parameters: ``answer(depth, parameters)`` returns a base."""
    for depth, parameters in ((2, 30_000), (1, 10_000)):
        result, count = call(answer, depth, parameters), _parameters(depth)
        if not isinstance(result, (int, np.integer)) or result < 1:
            yield f"You return {result!r}; a width is a whole number, 1 or more."
        best = min(range(1, 100), key=lambda base: abs(count(base) - parameters))
        if best != result:
            yield (
                f"For depth {depth} and {parameters:,} parameters base {result} gives {count(result):,.0f}, but "
                f"base {best} comes closer: {count(best):,.0f}."
            )


@functools.cache
def _parameters(depth):
    """The number of parameters as a function of the base: a parabola, so three small networks tell all others."""
    counts = [unet.build_unet((32, 32, 3), depth=depth, base=base).count_params() for base in (1, 2, 3)]
    return np.polynomial.Polynomial.fit((1, 2, 3), counts, 2)


@check
def focal_by_hand(answer):
    """Focal loss of every pixel: ``answer(truth, probability, gamma)`` returns an array of the same shape."""
    truth, p = np.array([1.0, 1.0, 0.0, 0.0, 1.0]), np.array([0.9, 0.2, 0.1, 0.7, 0.5])
    entropy = losses.binary_cross_entropy(truth, p)
    p_right = np.where(truth == 1, p, 1 - p)
    for gamma in (2.0, 0.0, 1.0):
        right = losses.focal(truth, p, gamma)
        mistakes = (
            (-right, "The sign is wrong: a logarithm of a probability is negative, a loss is not."),
            (p_right**gamma * entropy, "You weigh with how right the pixel is; weigh with how wrong: 1 minus that."),
            ((1 - p) ** gamma * entropy, "You weigh every pixel with 1 - p. For background the wrong part is p."),
            (entropy, "That is the cross-entropy; the factor for certain and correct pixels is missing."),
            (right.mean(), "Return one value a pixel; yours is their mean."),
        )
        yield judge(call(answer, truth, p, gamma), right, mistakes, case=f"For gamma {gamma:g}: ")
