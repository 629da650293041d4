"""Variants of the U-Net: the U of :mod:`utils.unet` as a set of parts, and what later papers put in their place.

A part is a function. ``block(x, filters, name)`` computes the features of a level, ``join(skip, x, name)`` brings together
the skip connection and what comes from below, ``stem(x)`` prepares the image, ``head(x, classes)`` makes the output.
"""

from __future__ import annotations

import ast
import difflib
import functools
import inspect

import keras
from keras import layers

from utils import receptive_field

CONV = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
"""Options of a convolution that a normalisation follows."""

# ---- The parts of the plain U-Net --------------------------------------------------------------------------------------


def plain_block(x, filters, name):
    """Two 3x3 convolutions, each with batch normalisation and a ReLU: ``(N, H, W, C)`` to ``(N, H, W, filters)``."""
    for i in (1, 2):
        x = layers.Conv2D(filters, 3, **CONV, name=f"{name}_conv{i}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm{i}")(x)
        x = layers.ReLU(name=f"{name}_relu{i}")(x)
    return x


def concatenate(skip, x, name):
    """The plain join: the skip's channels, then those from below."""
    return layers.Concatenate(name=f"{name}_skip")([skip, x])


def no_stem(x):
    """The plain stem: the image as it is."""
    return x


def plain_head(x, classes):
    """The plain head: a 1x1 convolution to ``classes`` channels, with a sigmoid for one and a softmax for more."""
    activation = "sigmoid" if classes == 1 else "softmax"
    return layers.Conv2D(classes, 1, activation=activation, dtype="float32", name="head")(x)


def build(
    input_shape=(64, 64, 3), *, depth=4, base=8, classes=1,
    block=plain_block, join=concatenate, stem=no_stem, head=plain_head,
) -> keras.Model:  # fmt: skip
    """Build a U-Net from parts; with the plain parts it is that of :func:`utils.unet.build_unet`, layer for layer."""
    image, skips = keras.Input(input_shape, name="image"), {}
    x = stem(image)
    for level in range(1, depth + 1):
        skips[level] = block(x, base * 2 ** (level - 1), f"enc{level}")
        x = layers.MaxPooling2D(2, name=f"enc{level}_pool")(skips[level])
    x = block(x, base * 2**depth, "bottleneck")
    for level in range(depth, 0, -1):
        x = layers.UpSampling2D(2, name=f"dec{level}_up")(x)
        x = block(join(skips[level], x, f"dec{level}"), base * 2 ** (level - 1), f"dec{level}")
    return keras.Model(image, head(x, classes))


# ---- Other ways to join ------------------------------------------------------------------------------------------------


def add(skip, x, name):
    """Add the skip instead of concatenating it; a 1x1 convolution makes as many channels of those from below."""
    x = layers.Conv2D(skip.shape[-1], 1, name=f"{name}_fit")(x)
    return layers.Add(name=f"{name}_skip")([skip, x])


def attend(skip, x, name):
    """Multiply each pixel of the skip by a gate, 0..1, that depends on both sides; Oktay et al. 2018, arXiv 1804.03999."""
    seen = layers.Conv2D(skip.shape[-1], 1, name=f"{name}_gate_skip")(skip)
    asked = layers.Conv2D(skip.shape[-1], 1, use_bias=False, name=f"{name}_gate_below")(x)
    both = layers.ReLU(name=f"{name}_gate_relu")(layers.Add(name=f"{name}_gate_sum")([seen, asked]))
    gate = layers.Conv2D(1, 1, activation="sigmoid", name=f"{name}_gate")(both)
    skip = layers.Multiply(name=f"{name}_gate_times")([skip, gate])
    return layers.Concatenate(name=f"{name}_skip")([skip, x])


# ---- Other blocks ------------------------------------------------------------------------------------------------------


def residual_block(x, filters, name):
    """Two convolutions that compute a change, which is added to the input; He et al. 2015, arXiv 1512.03385."""
    start = layers.Conv2D(filters, 1, name=f"{name}_fit")(x)  # as many channels as the change has
    for i in (1, 2):
        x = layers.Conv2D(filters, 3, **CONV, name=f"{name}_conv{i}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm{i}")(x)
        if i == 2:
            x = layers.Add(name=f"{name}_add")([start, x])
        x = layers.ReLU(name=f"{name}_relu{i}")(x)
    return x


def squeeze_block(x, filters, name):
    """The plain block, then one factor a channel, 0..1, from the means of all channels; Hu et al. 2017, arXiv 1709.01507."""
    for i in (1, 2):
        x = layers.Conv2D(filters, 3, **CONV, name=f"{name}_conv{i}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm{i}")(x)
        x = layers.ReLU(name=f"{name}_relu{i}")(x)
    means = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    few = layers.Conv2D(filters // 4, 1, activation="relu", name=f"{name}_excite1")(means)
    factors = layers.Conv2D(filters, 1, activation="sigmoid", name=f"{name}_excite2")(few)
    return layers.Multiply(name=f"{name}_times")([x, factors])


def separable_block(x, filters, name):
    """Each 3x3 convolution in two: 3x3 inside each channel, then 1x1 across them; Chollet 2016, arXiv 1610.02357."""
    for i in (1, 2):
        x = layers.DepthwiseConv2D(
            3, padding="same", use_bias=False, depthwise_initializer="he_normal", name=f"{name}_depth{i}"
        )(x)
        x = layers.Conv2D(filters, 1, **CONV, name=f"{name}_conv{i}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm{i}")(x)
        x = layers.ReLU(name=f"{name}_relu{i}")(x)
    return x


# ---- Another stem, more heads, more nodes ------------------------------------------------------------------------------


def patch_stem(x):
    """Make each patch of 2 x 2 pixels one pixel: ``(N, H, W, C)`` to ``(N, H/2, W/2, 4 C)``, its numbers mixed."""
    return layers.Conv2D(4 * x.shape[-1], 2, strides=2, use_bias=False, kernel_initializer="orthogonal", name="stem")(x)


def patch_head(x, classes):
    """The head for :func:`patch_stem`: each pixel becomes a patch of 2 x 2."""
    activation = "sigmoid" if classes == 1 else "softmax"
    return layers.Conv2DTranspose(classes, 2, strides=2, activation=activation, dtype="float32", name="head")(x)


def deep_supervision(model, levels=(2, 3)):
    """The same network with further outputs, for training: heads on coarser levels; Lee et al. 2014, arXiv 1409.5185.

    The output of level 2 is half as high and wide as the image, so its target is ``mask[:, ::2, ::2]``, and so on.
    """
    head, outputs = model.get_layer("head"), [model.output]
    for level in levels:
        features = model.get_layer(f"dec{level}_relu2").output
        outputs.append(layers.Conv2D(head.filters, 1, activation=head.activation, name=f"head{level}")(features))
    return keras.Model(model.inputs[0], outputs)


def build_nested(input_shape=(64, 64, 3), *, depth=4, base=8, classes=1, block=plain_block, head=plain_head):
    """U-Net++: from every level of the encoder a decoder starts, and they share nodes; Zhou et al. 2018, arXiv 1807.10165.

    Node (level, column) reads the nodes to its left on its level and, upsampled, the one to its left on the level below.
    """
    image, nodes = keras.Input(input_shape, name="image"), {}
    x = image
    for lowest in range(1, depth + 2):
        nodes[lowest, 0] = block(x, base * 2 ** (lowest - 1), f"enc{lowest}" if lowest <= depth else "bottleneck")
        for level in range(lowest - 1, 0, -1):
            column = lowest - level
            name = f"mid{level}{column}" if lowest <= depth else f"dec{level}"
            x = layers.UpSampling2D(2, name=f"{name}_up")(nodes[level + 1, column - 1])
            x = layers.Concatenate(name=f"{name}_skip")([*(nodes[level, k] for k in range(column)), x])
            nodes[level, column] = block(x, base * 2 ** (level - 1), name)
        if lowest <= depth:
            x = layers.MaxPooling2D(2, name=f"enc{lowest}_pool")(nodes[lowest, 0])
    return keras.Model(image, head(nodes[1, depth], classes))


def copy_encoder(source, target) -> None:
    """Copy the weights of the encoder and the bottleneck from one network to another."""
    for layer in target.layers:
        if layer.name.startswith(("enc", "bottleneck")) and layer.weights:
            layer.set_weights(source.get_layer(layer.name).get_weights())


def build_supervised(*shape, **options):
    """The plain network with :func:`deep_supervision`."""
    return deep_supervision(build(*shape, **options))


VARIANTS = {
    "plain": build,
    "added skips": functools.partial(build, join=add),
    "residual": functools.partial(build, block=residual_block),
    "squeeze": functools.partial(build, block=squeeze_block),
    "attention": functools.partial(build, join=attend),
    "separable": functools.partial(build, block=separable_block),
    "deep supervision": build_supervised,
    "nested": build_nested,
    "patch stem": functools.partial(build, depth=3, base=16, stem=patch_stem, head=patch_head),
    "pretrained": build,
}
"""Name -> how to build it: ``VARIANTS[name](input_shape, classes=...)``. The last is plain, but for its first weights."""


def sees(model) -> str:
    """The largest receptive field of an output pixel, as text."""
    if any(isinstance(layer, layers.GlobalAveragePooling2D) for layer in model.layers):
        return "the image"
    return f"{receptive_field.of_layers(keras.Model(model.inputs[0], model.get_layer('head').output))[-1].rows[1]} px"


def difference(old, new) -> str:
    """The lines of code in which two functions differ, without docstrings: - in the old one only, + in the new one only."""
    lines = []
    for function in (old, new):
        tree = ast.parse(inspect.getsource(function))
        tree.body[0].name, tree.body[0].body = "part", tree.body[0].body[1:]
        lines.append(ast.unparse(tree).splitlines())
    found = difflib.unified_diff(*lines, lineterm="", n=0)
    return "\n".join(line for line in found if line[:2] not in ("--", "++", "@@"))
