"""How far a network sees: from its graph, by experiment, and by gradients.

The receptive field of a pixel in some layer is the part of the input image that can change its value. It follows from
kernels and strides alone. Source of the rule: Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural
Networks", Distill 2019, doi 10.23915/distill.00021.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers

POINTWISE = (layers.ReLU, layers.Activation, layers.BatchNormalization, layers.Dropout)  # tables leave these out
_MERGES = (layers.Concatenate, layers.Add, layers.Multiply)
_WINDOWS = (layers.Conv2D, layers.DepthwiseConv2D, layers.MaxPooling2D, layers.AveragePooling2D)


class Box(NamedTuple):
    """A rectangle of input pixels; what lies beyond the image (rows below 0, for example) is padding."""

    top: int
    bottom: int
    left: int
    right: int

    def inside(self, height, width) -> np.ndarray:
        """The box's pixels that lie in an image of this size, as a bool array ``(height, width)``."""
        pixels = np.zeros((height, width), bool)
        pixels[max(self.top, 0) : max(self.bottom, 0), max(self.left, 0) : max(self.right, 0)] = True
        return pixels


class LayerField(NamedTuple):
    """How far the pixels of one layer's output see, in input pixels.

    ``jump`` is the distance of neighbouring pixels; ``rows`` and ``columns`` are the smallest and the largest field.
    They differ where it matters how a pixel lies on the pooling grid.
    """

    layer: str
    shape: tuple[int, int, int]
    jump: Fraction
    rows: tuple[int, int]
    columns: tuple[int, int]


class _Axis(NamedTuple):
    """Rows (or columns) of a tensor: their distance, and the first and last input row that a position sees."""

    jump: Fraction
    sees: Callable[[int], tuple[int, int]]

    def extent(self, size):
        extents = [last - first + 1 for first, last in map(self.sees, range(size))]
        return min(extents), max(extents)


def of_layers(model) -> list[LayerField]:
    """How far the pixels of every layer see, from the model's graph; the last entry is the output.

    The image is taken as endless, so no border cuts a field. Where the branches of a concatenation see different
    rectangles, the field is the smallest one around both.
    """
    found, rows, columns = [], _trace(model, axis=0), _trace(model, axis=1)
    for layer in model.layers:
        down, across, shape = rows[layer.name], columns[layer.name], layer.output.shape[1:]
        found.append(LayerField(layer.name, shape, down.jump, down.extent(shape[0]), across.extent(shape[1])))
    return found


def theoretical(model, pixel, layer=None) -> Box:
    """The input pixels that one pixel (row, column) of a layer's output can see; of the last layer by default."""
    name = layer or model.layers[-1].name
    (top, bottom), (left, right) = (_trace(model, axis)[name].sees(pixel[axis]) for axis in (0, 1))
    return Box(top, bottom + 1, left, right + 1)


def _trace(model, axis):
    """Follow the graph from the image: name of every layer -> its ``_Axis``."""
    image = _Axis(Fraction(1), lambda i: (i, i))
    seen, found = {id(model.inputs[0]): image}, {}
    for layer in model.layers:
        sources = [seen[id(tensor)] for tensor in keras.tree.flatten(layer.input)] or [image]
        seen[id(layer.output)] = found[layer.name] = _follow(layer, axis, sources)
    return found


def _follow(layer, axis, sources):
    """A position of the output sees what the positions that it reads see, in all sources."""
    stride, reads = _window(layer, axis)

    @functools.cache
    def sees(i):
        first, last = reads(i)
        return min(source.sees(first)[0] for source in sources), max(source.sees(last)[1] for source in sources)

    return _Axis(stride * min(source.jump for source in sources), sees)


def _window(layer, axis):
    """A layer's stride, and a function: position in its output -> first and last position it reads in its input."""
    if isinstance(layer, (layers.InputLayer, *POINTWISE, *_MERGES)):
        return 1, lambda i: (i, i)
    if isinstance(layer, layers.Cropping2D):
        return 1, lambda i: (i + layer.cropping[axis][0],) * 2
    if isinstance(layer, _WINDOWS):
        size, stride = getattr(layer, "kernel_size", getattr(layer, "pool_size", None))[axis], layer.strides[axis]
        reach = (size - 1) * getattr(layer, "dilation_rate", (1, 1))[axis]
        lacking = reach + 1 - stride + -(layer.input.shape[axis + 1] or 0) % stride  # what "same" adds
        before = max(lacking, 0) // 2 if layer.padding == "same" else 0
        return stride, lambda i: (i * stride - before, i * stride - before + reach)
    if isinstance(layer, layers.Conv2DTranspose) and layer.kernel_size[axis] >= layer.strides[axis]:
        size, stride = layer.kernel_size[axis], layer.strides[axis]
        before = (size - stride) // 2 if layer.padding == "same" else 0
        return Fraction(1, stride), lambda i: (-((size - 1 - i - before) // stride), (i + before) // stride)
    if isinstance(layer, layers.UpSampling2D) and layer.interpolation == "nearest":
        n = layer.size[axis]
        return Fraction(1, n), lambda i: (i // n, i // n)
    if isinstance(layer, layers.UpSampling2D) and layer.interpolation == "bilinear":
        n = layer.size[axis]  # the centre of new pixel i lies at (2 i + 1 - n) / 2 n among the old ones' centres
        return Fraction(1, n), lambda i: ((2 * i + 1 - n) // (2 * n), -((n - 1 - 2 * i) // (2 * n)))
    raise ValueError(
        f"The layer '{layer.name}' ({type(layer).__name__}) cannot be followed: it mixes all pixels, or its "
        "kind or settings are not known here. Build the model without it."
    )


def by_perturbation(model, pixel, layer=None, *, tried=None, chunk=256) -> np.ndarray:
    """Find by experiment which input pixels change one pixel (row, column) of a layer's output: bool ``(H, W)``.

    A black image goes through a copy of the model again and again, each time with one other pixel lit, of those in
    ``tried`` (bool ``(H, W)``, all by default). The copy has positive kernels, no biases and no activations, so no
    signal is cut off or cancels another: the output differs from 0 exactly where the layers connect the two pixels.
    """
    copy = keras.models.clone_model(model)
    for one in copy.layers:
        one.activation = keras.activations.linear
        if hasattr(one, "kernel"):
            one.kernel.assign(np.full(one.kernel.shape, 1 / np.prod(one.kernel.shape[:-1]), np.float32))
    copy = keras.Model(copy.inputs[0], copy.get_layer(layer or model.layers[-1].name).output)
    height, width, channels = model.inputs[0].shape[1:]
    changed = np.zeros((height, width), bool)
    places = np.argwhere(np.ones((height, width)) if tried is None else tried)
    for start in range(0, len(places), chunk):
        rows, columns = places[start : start + chunk].T
        images = np.zeros((len(rows), height, width, channels), np.float32)
        images[np.arange(len(rows)), rows, columns] = 1
        changed[rows, columns] = np.asarray(copy(images, training=False))[:, pixel[0], pixel[1]].any(axis=-1)
    return changed


def by_gradient(model, images, pixel) -> np.ndarray:
    """How strongly every input pixel moves one output pixel: float32 ``(N, H, W)`` for images ``(N, H, W, C)``.

    The sizes of the gradients, summed over the colours. The network has one output channel; a sigmoid there is left
    out, because it is flat where the network is sure, and would hide everything below.
    """
    logits = keras.models.clone_model(model)
    logits.set_weights(model.get_weights())
    logits.layers[-1].activation = keras.activations.linear
    found = []
    for start in range(0, len(images), 25):
        batch = tf.convert_to_tensor(images[start : start + 25], tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(batch)
            # No image influences another one's output, so the gradient of the sum holds each image's own.
            value = tf.reduce_sum(logits(batch, training=False)[:, pixel[0], pixel[1], 0])
        found.append(np.abs(tape.gradient(value, batch).numpy()).sum(axis=-1))
    return np.concatenate(found)


def effective(model, images, pixel) -> np.ndarray:
    """The mean of :func:`by_gradient`, scaled to a sum of 1: float64 ``(H, W)``; Luo et al. 2016, arXiv 1701.04128."""
    mean = by_gradient(model, images, pixel).mean(axis=0, dtype=np.float64)
    return mean / mean.sum()


def square_holding(field, pixel, share) -> int:
    """Side in pixels, an odd number, of the smallest square around a pixel that holds a share (0..1) of ``(H, W)``."""
    rows, columns = np.indices(field.shape)
    ring = np.maximum(np.abs(rows - pixel[0]), np.abs(columns - pixel[1]))
    held = np.cumsum(np.bincount(ring.ravel(), weights=field.ravel())) / field.sum()
    return 2 * int(np.searchsorted(held, share - 1e-9)) + 1


def span(limits) -> str:
    """A smallest and a largest value as text: ``"92-100"``, or ``"18"`` where they agree."""
    return "-".join(map(str, sorted(set(limits))))


def table(model) -> str:
    """The receptive field of every layer that moves pixels, as text: jump and height in input pixels."""
    fields = [field for layer, field in zip(model.layers, of_layers(model)) if not isinstance(layer, POINTWISE)]
    rows = [(f.layer, f"{f.shape[0]} x {f.shape[1]}", f"{f.jump} px", f"{span(f.rows)} px") for f in fields]
    return aligned([("layer", "height x width", "jump", "sees"), *rows])


def aligned(rows) -> str:
    """Rows of words and numbers as text, the first column to the left and the others to the right."""
    rows = [tuple(map(str, row)) for row in rows]
    first, *others = (max(map(len, column)) for column in zip(*rows))
    return "\n".join("   ".join([row[0].ljust(first), *map(str.rjust, row[1:], others)]) for row in rows)
