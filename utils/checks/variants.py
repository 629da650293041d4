"""The answers to the exercises of notebook 11 variants."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from utils.checks.base import Wrong, call, check, judge, number


@check
def residual_block(answer):
    """Two 3x3 convolutions whose result is added to the input, then a ReLU: ``answer(x, filters)``."""
    image = keras.Input((12, 12, 3))
    result = call(answer, image, 8)
    if not keras.utils.is_keras_tensor(result):
        yield "Return what the last layer returns for x."
    shape, network = tuple(result.shape[1:]), keras.Model(image, result)
    if shape[-1] == 16:
        yield "There are 16 channels, twice as many as `filters`: you concatenate. Add with layers.Add."
    if shape != (12, 12, 8):
        yield f"For 12 x 12 x 3 and filters=8 the shape is {shape}; it should be (12, 12, 8). Is padding='same' everywhere?"
    kernels = [one for one in network.layers if isinstance(one, layers.Conv2D) and one.kernel_size == (3, 3)]
    if len(kernels) != 2:
        yield f"There are {len(kernels)} 3x3 convolutions; it should be 2."
    x = np.random.default_rng(0).normal(size=(4, 12, 12, 3)).astype(np.float32)
    usual = np.asarray(network(x))
    for one in kernels:
        one.kernel.assign(0 * one.kernel)
    still = np.asarray(network(x))
    if np.ptp(still) == 0:
        yield "With the 3x3 kernels at zero nothing of x is left. Add x itself, after a 1x1 convolution, to what they make."
    if usual.min() < 0:
        yield "The result has negative values: a ReLU is missing after the sum."
    start = [one for one in network.layers if isinstance(one, layers.Conv2D) and one.kernel_size == (1, 1)]
    if not start:
        yield "x has 3 channels and the change has 8: a 1x1 convolution with `filters` channels makes them fit."
    kernels[1].bias.assign(0 * kernels[1].bias - 9) if kernels[1].use_bias else None
    norms = [one for one in network.layers if isinstance(one, layers.BatchNormalization)]
    if norms:
        norms[-1].beta.assign(0 * norms[-1].beta - 9)
    if kernels[1].use_bias or norms:
        if np.allclose(np.asarray(network(x)), still, atol=1e-5):
            yield "A ReLU before the sum keeps the change from being negative. The second ReLU comes after the sum."


@check
def separable_parameters(answer):
    """The weights of a separable 3x3 convolution without biases: ``answer(inputs, filters)``."""
    for inputs, filters in ((3, 8), (64, 128)):
        right, full = 9 * inputs + inputs * filters, 9 * inputs * filters
        mistakes = (
            (
                full,
                "That is the usual 3x3 convolution. Here each channel has one 3x3 kernel, and 1x1 kernels mix them.",
            ),
            (9 * inputs, "That is the first half; the 1x1 convolution across the channels is missing."),
            (inputs * filters, "That is the 1x1 convolution; the 3x3 kernels, one a channel, are missing."),
            (9 * filters + inputs * filters, "The 3x3 comes first: it has one kernel for each channel that comes in."),
            (9 + inputs * filters, "Every channel that comes in has a 3x3 kernel of its own."),
            (right + filters, "There are no biases here: a normalisation follows."),
            (right + inputs + filters, "There are no biases here: a normalisation follows."),
        )
        case = f"For {inputs} channels in and {filters} out: "
        yield judge(number(call(answer, inputs, filters)), right, mistakes, case=case, rtol=0)


@check
def space_to_depth(answer):
    """Each patch of 2 x 2 pixels becomes one pixel: ``answer(images)``, ``(N, H, W, C)`` to ``(N, H/2, W/2, 4 C)``."""
    n, height, width, channels = 2, 4, 6, 3
    images = np.arange(n * height * width * channels).reshape(n, height, width, channels)
    try:
        result = np.asarray(call(answer, images))
    except ValueError as error:
        raise Wrong(f"NumPy says: {error}. Reshape to (N, H/2, 2, W/2, 2, C) first.") from error
    small, parts = (
        (n, height // 2, width // 2, 4 * channels),
        images.reshape(n, height // 2, 2, width // 2, 2, channels),
    )

    def ordered(*axes):
        return parts.transpose(axes).reshape(small)

    mistakes = (
        (
            images.reshape(small),
            "A reshape alone keeps the order of memory, so pixels of one row meet. Transpose in between.",
        ),
        (ordered(0, 1, 3, 4, 2, 5), "Column comes before row inside your patches: exchange the axes of the two twos."),
        (
            ordered(0, 1, 3, 5, 2, 4),
            "The colours are to come last: red, green, blue of the first pixel, then the second.",
        ),
        (ordered(0, 3, 1, 2, 4, 5), "You have exchanged rows and columns of the small image."),
        (images[:, ::2, ::2], "You keep one pixel of four; all four are to become channels."),
    )
    shapes = {
        (n, height // 2, width // 2, channels): "There are 3 channels; it should be 12: no number may be lost.",
        parts.shape: "That is the first reshape. Bring both twos behind the small image's axes, then reshape again.",
    }
    yield judge(result, ordered(0, 1, 3, 2, 4, 5), mistakes, shapes)
