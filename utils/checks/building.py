"""The answers to the exercises of notebook 03 building."""

from __future__ import annotations

import numpy as np

from utils.checks.base import Waiting, call, check, number


@check
def strided_level(answer):
    """An encoder level that goes down with a strided convolution: ``answer(x, filters) -> (skip, down)``."""
    generator = np.random.default_rng(0)
    pair = np.repeat(generator.random((1, 24, 24, 3), dtype=np.float32), 2, axis=0)
    pair[1, 12, 12] += 5  # the two images differ in one pixel, so we see how far its influence reaches
    result = call(answer, pair, 16)
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return f"Return two things, (skip, down); your function returned {type(result).__name__}."
    if any(part is None for part in result):
        raise Waiting
    skip, down = (np.asarray(part) for part in result)
    if skip.ndim == down.ndim == 4 and skip.shape[1] < down.shape[1]:
        return "The order is (skip, down): first the features at full size, then the smaller ones."
    for what, features, size in (("skip", skip, 24), ("down", down, 12)):
        if features.shape[-1] != 16:
            return f"{what} has {features.shape[-1]} channels; asked for were filters=16. Give `filters` to each convolution."
        if features.shape[1:3] != (size, size):
            hint = {
                22: " Each 3x3 convolution takes 2 pixels off unless it has padding='same'.",
                20: " Each 3x3 convolution takes 2 pixels off unless it has padding='same'.",
                11: " The strided convolution needs padding='same' too.",
                24: " Give the last convolution strides=2.",
            }.get(features.shape[1], "")
            given = f"{features.shape[1]} x {features.shape[2]}"
            return f"{what} is {given} for a 24 x 24 image; it should be {size} x {size}.{hint}"
    for what, features in (("skip", skip), ("down", down)):
        if features.min() < 0:
            return f"{what} has negative values: a ReLU is missing after its last convolution."
    pooled = skip.reshape(2, 12, 2, 12, 2, 16)
    if np.allclose(down, pooled.max(axis=(2, 4)), atol=1e-5) or np.allclose(down, pooled.mean(axis=(2, 4)), atol=1e-5):
        return "down is a pooled skip. Here a convolution with strides=2 shall learn how to go down."
    reach = np.flatnonzero(np.abs(skip[1] - skip[0]).max(axis=(1, 2)) > 1e-6)
    if np.ptp(reach) < 4:
        return "One changed pixel reaches 3 x 3 pixels of skip: that is one convolution. A double convolution reaches 5 x 5."
    return None


@check
def double_conv_parameters(answer):
    """The number of parameters of a double 3x3 convolution: ``answer(inputs, filters)``."""
    for inputs, filters in ((3, 8), (64, 128), (192, 64)):
        given, first, second = number(call(answer, inputs, filters)), 9 * inputs * filters, 9 * filters * filters
        right = first + second + 2 * filters
        if given == right:
            continue
        one_size = 2 * (first + filters)
        kernel_of_3 = 3 * (inputs + filters) * filters + 2 * filters
        reasons = {
            first + second: "The biases are missing: each convolution has one for every channel it makes.",
            one_size: "The second convolution does not see the input: it gets the channels that the first one made.",
            first + filters: "That is the first convolution alone; the block has two.",
            kernel_of_3: "A 3x3 kernel has 9 weights for each pair of channels, not 3.",
            first + second + 2: "A convolution has one bias for every channel it makes, not a single one.",
        }
        rule = "Weights: 3 * 3 * channels in * channels out, twice; biases: channels out, twice."
        return (
            f"For {inputs} channels in and {filters} out you say {given:,.0f}, but Keras counts {right:,}. "
            f"{reasons.get(given, rule)}"
        )
    return None
