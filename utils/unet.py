"""The U-Net of Ronneberger, Fischer and Brox (MICCAI 2015, arXiv 1505.04597), block by block, for any depth and width.

A layer's name says where it is: "enc1_conv1" is the first convolution at full resolution, "dec1_up" the last upsampling.
"""

import math

import keras
from keras import layers

from utils import validate

UPSAMPLINGS = ("transposed", "nearest", "bilinear", "nearest+conv", "bilinear+conv")
NORMS = {
    "none": lambda x, name: x,
    "batch": lambda x, name: layers.BatchNormalization(momentum=0.9, name=name)(x),
    "group": lambda x, name: layers.GroupNormalization(math.gcd(x.shape[-1], 8), name=name)(x),
}


def double_conv(x, filters, name, *, norm="none", padding="same", dropout=0.0):
    """Two 3x3 convolutions with ReLUs: ``(N, H, W, C)`` to ``(N, H, W, filters)``, or 4 px smaller if "valid"."""
    start = {"kernel_initializer": "he_normal", "use_bias": norm == "none"}  # a norm subtracts any bias again
    for i in (1, 2):
        x = layers.Conv2D(filters, 3, padding=padding, name=f"{name}_conv{i}", **start)(x)
        x = NORMS[norm](x, f"{name}_norm{i}")
        x = layers.ReLU(name=f"{name}_relu{i}")(x)
    return layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x


def encoder_level(x, filters, name, **block):
    """One level down: the features that the skip connection carries across, and the same pooled to half the size."""
    skip = double_conv(x, filters, name, **block)
    return skip, layers.MaxPooling2D(2, name=f"{name}_pool")(skip)


def upsample(x, filters, name, method="transposed"):
    """Double height and width; to ``filters`` channels where a convolution takes part, else the channels stay."""
    if method == "transposed":
        return layers.Conv2DTranspose(filters, 2, strides=2, kernel_initializer="he_normal", name=f"{name}_up")(x)
    x = layers.UpSampling2D(2, interpolation=method.removesuffix("+conv"), name=f"{name}_up")(x)
    if method.endswith("+conv"):
        x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal", name=f"{name}_upconv")(x)
    return x


def decoder_level(x, skip, filters, name, *, upsampling="transposed", **block):
    """One level up: upsample, concatenate with the middle of the skipped features, if any, then a double convolution."""
    x = upsample(x, filters, name, upsampling)
    if skip is not None:
        if skip.shape[1:3] != x.shape[1:3]:  # convolutions without padding made x smaller
            extra = [skip.shape[axis] - x.shape[axis] for axis in (1, 2)]
            skip = layers.Cropping2D([(n // 2, n - n // 2) for n in extra], name=f"{name}_crop")(skip)
        x = layers.Concatenate(name=f"{name}_skip")([skip, x])
    return double_conv(x, filters, name, **block)


def build_unet(
    input_shape=(64, 64, 3), *, depth=4, base=8, classes=1, upsampling="nearest", norm="batch", padding="same",
    dropout=0.0, skips=None, activation=None, name="unet",
) -> keras.Model:  # fmt: skip
    """Build a U-Net: images ``(N, H, W, C)`` in 0..1 to ``(N, H, W, classes)``; a ValueError says what is allowed.

    Args:
        input_shape: height, width, channels; sizes are multiples of ``2**depth`` or None, or see :func:`valid_sizes`.
        depth, base: number of poolings, 1 in the article and 4 in the paper; channels at the top, doubled by each.
        classes, activation: channels of the output; "sigmoid" (default for one), "softmax" (for more) or "linear".
        dropout, skips: share of values dropped at the bottom in training; levels with a skip, 1 at the top (None: all).
    """
    activation = activation or ("sigmoid" if classes == 1 else "softmax")
    validate.option("upsampling", upsampling, UPSAMPLINGS)
    validate.option("norm", norm, NORMS)
    validate.option("padding", padding, ("same", "valid"))
    validate.option("activation", activation, ("sigmoid", "linear", "softmax")[: 1 + classes])  # softmax takes two
    block, carried, levels = {"norm": norm, "padding": padding}, {}, range(1, depth + 1)
    for level in skips or ():
        validate.option("a level in skips", level, levels)
    check_size(*input_shape[:2], depth, padding)

    x = inputs = keras.Input(input_shape, name="image")
    for level in levels:
        carried[level], x = encoder_level(x, base * 2 ** (level - 1), f"enc{level}", **block)
    x = double_conv(x, base * 2**depth, "bottleneck", dropout=dropout, **block)
    skips = {level: carried[level] for level in (levels if skips is None else skips)}
    for level in reversed(levels):
        x = decoder_level(x, skips.get(level), base * 2 ** (level - 1), f"dec{level}", upsampling=upsampling, **block)
    x = layers.Conv2D(classes, 1, activation=activation, dtype="float32", name="head")(x)
    return keras.Model(inputs, x, name=name)


def article_unet(input_shape=(256, 256, 3), base=64) -> keras.Model:
    """The article's network, compiled as there: 407,809 parameters for images with three channels."""
    model = build_unet(input_shape, depth=1, base=base, upsampling="nearest", norm="none", name="article_unet")
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def paper_unet(input_shape=(572, 572, 1), classes=2) -> keras.Model:
    """The 2015 paper's network: 572 x 572 x 1 to 388 x 388 x 2 with 31,030,658 parameters."""
    options = {"upsampling": "transposed", "norm": "none", "padding": "valid", "dropout": 0.5, "name": "paper_unet"}
    return build_unet(input_shape, depth=4, base=64, classes=classes, **options)


def output_size(size, depth) -> int | None:
    """The side in pixels that comes out without padding, None where a pooling would meet an odd one or none is left."""
    output = size - 12 * 2**depth + 8  # a double convolution takes 4 px of its level: 4 * 2**level in the image
    return output if output > 0 and (size + 4) % 2**depth == 0 else None


def valid_sizes(depth, at_least=1, count=5) -> list[tuple[int, int]]:
    """Sides that come through without padding, and what comes out, in pixels: (188, 4), (204, 20), ... for depth 4."""
    step, first = 2**depth, max(at_least, 12 * 2**depth - 7)
    first += -(first + 4) % step
    return [(size, output_size(size, depth)) for size in range(first, first + count * step, step)]


def check_size(height, width, depth, padding="same") -> None:
    """Raise a ValueError that names what fits, unless an image of this height and width comes through."""
    step = 2**depth
    for side, size in (("height", height), ("width", width)):
        if padding == "same" and size and size % step:
            need = f"a multiple of {step} (at most depth={max(d for d in range(depth) if size % 2**d == 0)} fits)"
            near = [f"{n} px" for n in (size - size % step, size - size % step + step) if n]
        elif padding == "valid" and not output_size(size or 0, depth):
            need = "a size that stays even, and above 0, without padding"
            near = [f"{n} px (output {out} px)" for n, out in valid_sizes(depth, (size or 0) - step, 2)]
        else:
            continue
        raise ValueError(f"The {side} is {size} px; depth={depth} needs {need}: resize or pad to {' or '.join(near)}.")
