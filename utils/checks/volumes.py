"""The answers to the exercises of notebook 11 on volumes and on uncertainty."""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import layers

from utils import cost, uncertainty
from utils.checks.base import call, check, judge, parts


@check
def convolution_cost(answer):
    """Cost of a convolution three wide along every axis: ``answer(shape, channels, filters)`` returns three numbers.

    The shape has two or three axes; the numbers are parameters, multiplications, and bytes of the float32 output.
    """
    for shape, channels, filters in (((64, 64), 8, 16), ((16, 64, 64), 8, 16), ((12, 20, 28), 3, 5)):
        axes, size = len(shape), math.prod(shape)
        layer = cost.layer_table(_network(shape, channels, filters))[-1]
        values = parts(call(answer, list(shape), channels, filters), 3, "Return three numbers.")
        case = f"For {' x '.join(map(str, shape))}, {channels} channels and {filters} filters: "
        weights = 3**axes * channels * filters
        mistakes = (
            (9 * channels * filters + filters, "A kernel over three axes has 27 places, not 9."),
            (3 * axes * channels * filters + filters, "The kernel has 3 to the power of the axes, not 3 times them."),
            (weights, "The biases are missing: one a filter."),
            (weights + channels, "There is one bias for each filter, not for each channel."),
        )
        yield judge(values[0], layer.parameters, mistakes, case=case + "parameters. ")
        mistakes = (
            (layer.parameters * size, "A bias is added, not multiplied: only the weights count."),
            (weights, "Every weight is used once for each place of the grid."),
            (9 * channels * filters * size, "A kernel over three axes has 27 places, not 9."),
        )
        yield judge(values[1], layer.macs, mistakes, case=case + "multiplications. ")
        mistakes = (
            (filters * size, "A float32 takes four bytes."),
            (4 * channels * size, "The output has as many channels as there are filters."),
            (8 * filters * size, "A float32 takes four bytes, not eight."),
        )
        yield judge(values[2], layer.activation_bytes, mistakes, case=case + "bytes. ")


def _network(shape, channels, filters):
    """One convolution on a grid of two or three axes."""
    convolution = {2: layers.Conv2D, 3: layers.Conv3D}[len(shape)]
    inputs = keras.Input((*shape, channels))
    return keras.Model(inputs, convolution(filters, 3, padding="same")(inputs))


@check
def disagreement(answer):
    """Entropy of the mean minus mean of the entropies, in bits: ``answer(answers)`` of shape ``(K, ...)`` returns ``(...)``."""
    pixels = np.array([[0.5, 0.5, 0.5], [0.99, 0.5, 0.01], [0.9, 0.8, 0.7], [0.2, 0.9, 0.6]]).T
    entropy, right = uncertainty.entropy(pixels), uncertainty.disagreement(pixels)
    of_mean = uncertainty.entropy(pixels.mean(axis=0))
    mistakes = (
        (-right, "The sign is wrong: the entropy of the mean comes first, and is never the smaller one."),
        (right * np.log(2), "That is in nats: take logarithms to base 2 for bits."),
        (of_mean, "That is the entropy of the mean, all of it. Subtract what each answer is unsure of by itself."),
        (entropy.mean(axis=0), "That is the mean of the entropies. Subtract it from the entropy of the mean."),
        (pixels.var(axis=0), "That is the variance, another measure of disagreement; here take the entropies."),
        (right.mean(), "Return one value for each pixel; yours is their mean."),
        (of_mean - entropy.sum(axis=0), "You subtract the sum of the entropies; subtract their mean."),
    )
    yield judge(
        call(answer, pixels), right, mistakes, shapes={pixels.shape: "Average over the answers, the first axis."}
    )
    certain = np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    result = np.asarray(call(answer, certain), float)
    if np.isnan(result).any():
        yield "Probabilities of 0 and 1 give NaN: 0 times the logarithm of 0 counts as 0. uncertainty.entropy minds that."
    yield judge(result, uncertainty.disagreement(certain), case="For answers that are certain: ")
