"""Look inside a Keras model: shapes level by level, feature maps, and how far each layer sees.

The receptive field of a pixel in some layer is the part of the input picture that can change its value. It follows from the
layers' kernel sizes and strides alone, whatever the weights are. Source of the growth rule: Araujo, Norris, Sim, "Computing
Receptive Fields of Convolutional Neural Networks", Distill 2019, doi 10.23915/distill.00021.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
from fractions import Fraction
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from utils import given

_POINTWISE = (
    layers.InputLayer, layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU, layers.Softmax, layers.Activation,
    layers.BatchNormalization, layers.Dropout, layers.SpatialDropout2D, layers.GaussianNoise, layers.GaussianDropout,
    layers.Rescaling, layers.Dense, layers.Identity,
)  # fmt: skip
_MERGES = (
    layers.Concatenate, layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum,
)  # fmt: skip
_CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
_POOLINGS = (layers.MaxPooling2D, layers.AveragePooling2D)
_WHOLE_PICTURE = (layers.GroupNormalization, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D)


class Box(NamedTuple):
    """A rectangle of input pixels: rows ``top`` to ``bottom - 1``, columns ``left`` to ``right - 1``.

    A box may reach beyond the picture: rows below 0 or from the picture's height on are padding.
    """

    top: int
    bottom: int
    left: int
    right: int

    def inside(self, height, width) -> np.ndarray:
        """The box's pixels that lie in a picture of this size, as a bool array ``(height, width)``.

        Raises:
            TypeError, ValueError: a size that is not a whole number, 1 to 65536, or a box of other things than whole numbers.
        """
        height, width = given.whole("height", height, 1, 2**16), given.whole("width", width, 1, 2**16)
        for name, value in zip(self._fields, self):
            given.whole(f"the box's {name}", value)
        pixels = np.zeros((height, width), bool)
        pixels[max(self.top, 0) : max(self.bottom, 0), max(self.left, 0) : max(self.right, 0)] = True
        return pixels


@dataclasses.dataclass(frozen=True)
class ReceptiveField:
    """How far the pixels of one layer's output see.

    Attributes:
        layer: the layer's name.
        shape: height, width and channels of its output.
        step: distance between two neighbouring pixels of the output, in input pixels.
        rows: smallest and largest height of a pixel's receptive field, in input pixels. They differ where it matters how a
            pixel lies relative to the pooling grid.
        columns: the same for the width.
    """

    layer: str
    shape: tuple[int, int, int]
    step: Fraction
    rows: tuple[int, int]
    columns: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Block:
    """One block of a U-Net's drawing.

    Attributes:
        name: ``"image"``, ``"enc1"``, ..., ``"bottleneck"``, ``"dec1"``, ..., ``"head"``.
        role: ``"image"``, ``"encoder"``, ``"bottleneck"``, ``"decoder"`` or ``"head"``.
        level: 1 at full resolution, one more for every pooling.
        shape: height, width and channels of what the block puts out.
        skip: channels that arrive over the skip connection, 0 where there is none.
        below: channels that arrive from the level below, 0 outside the decoder.
    """

    name: str
    role: str
    level: int
    shape: tuple[int, int, int]
    skip: int = 0
    below: int = 0


# ---- How far a layer sees ----------------------------------------------------------------------------------------------


def receptive_field(model) -> list[ReceptiveField]:
    """How far the pixels of every layer see, from the model's own graph.

    Follows each output pixel back through the graph: a convolution widens the interval of rows it sees by its kernel, a
    pooling maps it to a finer grid, an upsampling to a coarser one, a concatenation takes the union of its branches. The
    picture is taken as endless, so no border cuts a field short. Where two branches of a merge see rectangles of which
    neither holds the other, the result is the smallest rectangle around both.

    Args:
        model: a functional Keras model of two-dimensional layers, channels last, with a fixed input size.

    Returns:
        list[ReceptiveField]: one entry a layer, in the order of the graph; the last one is the output.

    Raises:
        TypeError: not a functional Keras model.
        ValueError: a layer that this function does not know, whose name and type the message gives; a layer used more than
            once; an input size that is not fixed.
    """
    _check_model(model)
    found = []
    for name, (rows, columns) in _trace(model).items():
        height, width, channels = _shape(model.get_layer(name))
        found.append(
            ReceptiveField(name, (height, width, channels), rows.step, rows.extent(height), columns.extent(width))
        )
    return found


def theoretical_field(model, pixel, layer=None) -> Box:
    """The input pixels that one pixel of a layer's output can see.

    Args:
        model: see :func:`receptive_field`.
        pixel: row and column in the layer's output.
        layer: the layer's name; the last layer by default.

    Returns:
        Box: in input pixels; it may reach beyond the picture, because padding is not cut off.

    Raises:
        ValueError: see :func:`receptive_field`; also an unknown layer or a pixel outside its output.
    """
    _check_model(model)
    layer = _layer(model, layer)
    row, column = _pixel(pixel, layer)
    rows, columns = _trace(model)[layer.name]
    (top, bottom), (left, right) = rows(row), columns(column)
    return Box(top, bottom + 1, left, right + 1)


def perturbed_field(model, pixel, layer=None, *, tried=None, chunk=256) -> np.ndarray:
    """Find by experiment which input pixels change one pixel of a layer's output.

    A black picture goes through a copy of the model again and again, each time with one other pixel lit. In the copy all
    kernels are positive and all biases 0, so that no ReLU can cut off a signal, no two signals can cancel, and the lit pixel
    wins every max pooling it takes part in: the output differs from 0 exactly where the layers connect the two pixels.
    Activations that squash (sigmoid, softmax, tanh) are replaced by none.

    Args:
        model: a functional Keras model with input ``(H, W, C)`` of fixed size. It is not changed.
        pixel: row and column in the layer's output.
        layer: the layer's name; the last layer by default.
        tried: bool ``(H, W)``, the input pixels to try, one forward pass each; all by default.
        chunk: how many pictures go through at once.

    Returns:
        np.ndarray: bool ``(H, W)``, True where lighting the input pixel changed the output pixel.

    Raises:
        ValueError: an unknown layer, a pixel outside its output, or ``tried`` of another size than the picture.
    """
    _check_model(model)
    layer = _layer(model, layer)
    row, column = _pixel(pixel, layer)
    chunk = given.whole("chunk", chunk, 1)
    height, width, channels = model.inputs[0].shape[1:]
    tried = np.ones((height, width), bool) if tried is None else given.array("tried", tried)
    if not np.isin(tried, (0, 1)).all():
        raise ValueError("tried holds values other than True and False; mark the pixels to try with True.")
    tried = tried.astype(bool)
    if tried.shape != (height, width):
        raise ValueError(f"tried has the shape {tried.shape}; the model's picture is {(height, width)}.")
    copy = _open_copy(model)
    copy = keras.Model(copy.inputs[0], copy.get_layer(layer.name).output)
    places = np.argwhere(tried)
    changed = np.zeros((height, width), bool)
    for start in range(0, len(places), chunk):
        batch = places[start : start + chunk]
        pictures = np.zeros((len(batch), height, width, channels), np.float32)
        pictures[np.arange(len(batch)), batch[:, 0], batch[:, 1]] = 1
        answer = np.asarray(copy(pictures, training=False))[:, row, column]
        changed[batch[:, 0], batch[:, 1]] = (answer != 0).any(axis=-1)
    return changed


class _Axis:
    """Which input rows (or columns) each position along one axis of a tensor sees; the axis has no end."""

    def __init__(self, step, see):
        self.step, self._see = step, functools.lru_cache(maxsize=None)(see)

    def __call__(self, position):
        """First and last input row that this position sees."""
        return self._see(position)

    def extent(self, size):
        """Smallest and largest number of input rows that a position from 0 to size - 1 sees."""
        extents = [last - first + 1 for first, last in map(self, range(size))]
        return min(extents), max(extents)

    def window(self, stride, before, reach):
        """The axis after a window of ``reach + 1`` positions that moves in strides."""
        return _Axis(
            self.step * stride,
            lambda i: (self(i * stride - before)[0], self(i * stride - before + reach)[1]),
        )

    def spread(self, factor, first, last):
        """The axis after an upsampling; first and last give the source positions of a new position."""
        return _Axis(self.step / factor, lambda i: (self(first(i))[0], self(last(i))[1]))


def _trace(model):
    """Name of every layer -> (rows, columns), two ``_Axis``."""
    seen, by_name = {}, {}
    if isinstance(model, keras.Sequential):
        raise TypeError(f"model is {given.shown(model)}; give a functional Keras model, keras.Model(inputs, outputs).")
    uses = {entry["name"]: len(entry["inbound_nodes"]) for entry in model.get_config()["layers"]}
    for layer in model.layers:
        if uses[layer.name] > 1:
            raise ValueError(
                f"The layer '{layer.name}' ({type(layer).__name__}) is used more than once; receptive_field follows models "
                "in which each layer is used once. Give every place a layer of its own."
            )
        if isinstance(layer, layers.InputLayer):
            axes = tuple(_Axis(Fraction(1), lambda i: (i, i)) for _ in range(2))
        else:
            try:
                sources = layer.input if isinstance(layer.input, (list, tuple)) else [layer.input]
                axes = _follow(layer, [seen[id(source)] for source in sources])
            except KeyError:
                raise ValueError(
                    f"The layer '{layer.name}' ({type(layer).__name__}) takes its input from outside the model; "
                    "receptive_field follows functional models whose layers belong to one graph."
                ) from None
        seen[id(layer.output)] = by_name[layer.name] = axes
    return by_name


def _follow(layer, sources):
    """The two axes of a layer's output from those of its inputs."""
    if isinstance(layer, _WHOLE_PICTURE):
        raise ValueError(
            f"The layer '{layer.name}' ({type(layer).__name__}) mixes all pixels of the picture, so behind it every pixel "
            "sees everything; build the model without it to see what the convolutions alone do."
        )
    if isinstance(layer, _POINTWISE):
        return sources[0]
    if isinstance(layer, _MERGES):
        return tuple(_union([source[axis] for source in sources]) for axis in (0, 1))
    return tuple(_move(layer, axis, sources[0][axis]) for axis in (0, 1))


def _union(axes):
    return _Axis(min(a.step for a in axes), lambda i: (min(a(i)[0] for a in axes), max(a(i)[1] for a in axes)))


def _move(layer, axis, source):
    """One axis of a layer's output from that axis of its input."""
    if isinstance(layer, layers.Conv2DTranspose):
        reach = (layer.kernel_size[axis] - 1) * layer.dilation_rate[axis]
        stride = layer.strides[axis]
        if layer.output_padding is None and reach + 1 >= stride:
            before = max(reach + 1 - stride, 0) // 2 if layer.padding == "same" else 0
            return source.spread(stride, lambda i: -((reach - i - before) // stride), lambda i: (i + before) // stride)
    elif isinstance(layer, _CONVOLUTIONS):
        reach = (layer.kernel_size[axis] - 1) * layer.dilation_rate[axis]
        return source.window(layer.strides[axis], _padding(layer, axis, layer.strides[axis], reach), reach)
    elif isinstance(layer, _POOLINGS):
        reach = layer.pool_size[axis] - 1
        return source.window(layer.strides[axis], _padding(layer, axis, layer.strides[axis], reach), reach)
    elif isinstance(layer, layers.UpSampling2D):
        size = layer.size[axis]
        if layer.interpolation == "nearest":
            return source.spread(size, lambda i: i // size, lambda i: i // size)
        if layer.interpolation == "bilinear":
            # The centre of new pixel i lies at (i + 1/2) / size - 1/2 between the old pixels' centres.
            centre = lambda i: Fraction(2 * i + 1, 2 * size) - Fraction(1, 2)  # noqa: E731
            return source.spread(size, lambda i: math.floor(centre(i)), lambda i: math.ceil(centre(i)))
    elif isinstance(layer, layers.Cropping2D):
        return source.window(1, -layer.cropping[axis][0], 0)
    elif isinstance(layer, layers.ZeroPadding2D):
        return source.window(1, layer.padding[axis][0], 0)
    raise ValueError(
        f"The layer '{layer.name}' is a {type(layer).__name__} with settings that receptive_field cannot follow. It knows "
        "convolutions, max and average pooling, nearest and bilinear upsampling, transposed convolutions with a kernel at "
        "least as large as the stride, cropping, zero padding, concatenation and layers that treat each pixel alone."
    )


def _padding(layer, axis, stride, reach):
    """Rows that "same" padding puts before the first row of a window of reach + 1 rows."""
    if layer.padding != "same":
        return 0
    if stride == 1:
        return reach // 2
    size = layer.input.shape[1 + axis]
    if size is None:
        raise ValueError(f"The layer '{layer.name}' pads by its input's size; build the model with a fixed input size.")
    return max((-(-size // stride) - 1) * stride + reach + 1 - size, 0) // 2


def _open_copy(model):
    """A copy through which every signal passes: positive kernels, no bias, no activation that squashes."""

    def clone(layer):
        config = layer.get_config()
        if config.get("activation") in ("sigmoid", "softmax", "tanh"):
            config["activation"] = "linear"
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone)
    for layer in copy.layers:
        for weight in layer.weights:
            if weight.name.endswith("kernel"):
                weight.assign(np.full(weight.shape, 1 / np.prod(weight.shape[:-1]), np.float32))
            elif weight.name.endswith("bias"):
                weight.assign(np.zeros(weight.shape, np.float32))
    return copy


# ---- Shapes and feature maps -------------------------------------------------------------------------------------------


def blocks(model) -> list[Block]:
    """The blocks of a U-Net with their shapes, read from the model's layers.

    Args:
        model: a U-Net whose layers are named as in :mod:`utils.unet`.

    Returns:
        list[Block]: image, encoder levels downward, bottleneck, decoder levels upward, head.

    Raises:
        TypeError: not a functional Keras model.
        ValueError: the model has no layers of these names.
    """
    _check_model(model)
    names = {layer.name for layer in model.layers}
    depth = sum(f"enc{level}_pool" in names for level in range(1, len(names)))
    wanted = {"head"} | {f"dec{level}_up" for level in range(1, depth + 1)}
    if not depth or wanted - names:
        raise ValueError(
            f"The model '{model.name}' has no layers named like enc1_pool, dec1_up and head; build it with utils.unet."
        )

    def incoming(name):
        return tuple(model.get_layer(name).input.shape[1:])

    found = [Block("image", "image", 1, tuple(model.inputs[0].shape[1:]))]
    found += [Block(f"enc{level}", "encoder", level, incoming(f"enc{level}_pool")) for level in range(1, depth + 1)]
    found.append(Block("bottleneck", "bottleneck", depth + 1, incoming(f"dec{depth}_up")))
    for level in range(depth, 0, -1):
        up = model.get_layer(f"dec{level}_upconv" if f"dec{level}_upconv" in names else f"dec{level}_up")
        below = up.output.shape[-1]
        skip = model.get_layer(f"dec{level}_skip").output.shape[-1] - below if f"dec{level}_skip" in names else 0
        shape = incoming(f"dec{level - 1}_up" if level > 1 else "head")
        found.append(Block(f"dec{level}", "decoder", level, shape, skip, below))
    return [*found, Block("head", "head", 1, _shape(model.get_layer("head")))]


def shape_table(model) -> str:
    """The shape of what every layer puts out, as text; layers that treat each pixel alone are left out.

    Args:
        model: a functional Keras model with a fixed input size.

    Returns:
        str: a heading and one line a layer: name, height x width, channels.

    Raises:
        TypeError: not a functional Keras model.
        ValueError: an input size that is not fixed.
    """
    _check_model(model)
    return _table(
        ("layer", "height x width", "channels"),
        [(layer.name, f"{h} x {w}", c) for layer in _shown(model) for h, w, c in [_shape(layer)]],
    )


def field_table(model) -> str:
    """The receptive field of every layer, as text; layers that treat each pixel alone are left out.

    Args:
        model: see :func:`receptive_field`.

    Returns:
        str: a heading and one line a layer: name, height x width, distance of neighbouring pixels and height of the
        receptive field, both in input pixels.

    Raises:
        TypeError, ValueError: as for :func:`receptive_field`.
    """
    fields = {field.layer: field for field in receptive_field(model)}
    return _table(
        ("layer", "height x width", "step", "sees"),
        [
            (f.layer, f"{f.shape[0]} x {f.shape[1]}", f"{f.step} px", f"{span(f.rows)} px")
            for f in (fields[layer.name] for layer in _shown(model))
        ],
    )


def span(limits) -> str:
    """A smallest and a largest value as text: ``"92-100"``, or ``"18"`` where they agree.

    Raises:
        TypeError: no numbers.
        ValueError: not two numbers, or the first one is the larger.
    """
    pair = given.many("limits", limits)
    if len(pair) != 2:
        raise ValueError(f"limits is {given.shown(limits)}; give two numbers, the smallest and the largest.")
    for value in pair:
        given.number("a limit", value)
    smallest, largest = pair
    if smallest > largest:
        raise ValueError(f"limits is {given.shown(limits)}; the smallest value comes first.")
    return f"{smallest}" if smallest == largest else f"{smallest}-{largest}"


def feature_maps(model, images, names, *, chunk=32) -> dict[str, np.ndarray]:
    """What the named layers put out for some images, in one pass through the model.

    Args:
        model: a functional Keras model.
        images: float ``(N, H, W, C)``, as the model takes them.
        names: names of layers, see ``model.summary()``.
        chunk: how many images go through at once.

    Returns:
        dict: name -> float32 ``(N, h, w, c)``, in the order of ``names``.

    Raises:
        ValueError: no names, an unknown layer (the message suggests the nearest name), or images that are not
            four-dimensional, of another size than the model's, or not finite.
        TypeError: no functional model, no numbers, or names that are no texts.
    """
    _check_model(model)
    names = [names] if isinstance(names, str) else given.many("names", names)
    chunk = given.whole("chunk", chunk, 1)
    if not names:
        raise ValueError("No layers were named; give at least one name from model.summary().")
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"A layer is {given.shown(name)}; give its name, a text.")
    images = _images(model, images)
    probe = keras.Model(model.inputs[0], [_layer(model, name).output for name in names])
    parts = [probe(images[i : i + chunk], training=False) for i in range(0, len(images), chunk)]
    return {name: np.concatenate([np.asarray(part[k], np.float32) for part in parts]) for k, name in enumerate(names)}


def _shown(model):
    """The layers that move pixels or change channels: what a table shows."""
    hidden = tuple(kind for kind in _POINTWISE if kind not in (layers.InputLayer, layers.Dense))
    return [layer for layer in model.layers if not isinstance(layer, (*hidden, layers.GroupNormalization))]


def _shape(layer):
    """Height, width and channels of a layer's output."""
    shape = tuple(layer.output.shape[1:])
    if len(shape) != 3 or None in shape:
        raise ValueError(
            f"The layer '{layer.name}' puts out the shape {shape}; a height, a width and channels are needed, all fixed. "
            "Build the model with a fixed input size, for example (64, 64, 3)."
        )
    return shape


def _layer(model, name):
    """The layer of this name, or the last one; an unknown name is an error that suggests a known one."""
    if name is None:
        return model.layers[-1]
    if not isinstance(name, str):
        raise TypeError(f"The layer is {given.shown(name)}; give its name, a text.")
    known = [layer.name for layer in model.layers]
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=3) or known[:3]
        raise ValueError(f"The model has no layer '{name}'; did you mean {' or '.join(near)}?")
    return model.get_layer(name)


def _pixel(pixel, layer):
    """Row and column as integers, checked against the layer's output."""
    height, width, _ = _shape(layer)
    row, column = _two("pixel", pixel)
    if not (0 <= row < height and 0 <= column < width):
        raise ValueError(
            f"The pixel {given.shown((row, column))} lies outside the {height} x {width} output of '{layer.name}'; "
            f"rows are 0 to {height - 1}, columns 0 to {width - 1}."
        )
    return row, column


def _two(name, pair):
    """Two whole numbers, a row and a column."""
    values = given.many(name, pair)
    if len(values) != 2:
        raise ValueError(f"{name} is {given.shown(pair)}; give two whole numbers, row and column.")
    return tuple(given.whole(f"a number of {name}", value) for value in values)


def _check_model(model):
    """Raise an error unless this is a built model with one input, functional or a sequence of layers."""
    if not isinstance(model, keras.Model) or len(getattr(model, "inputs", None) or ()) != 1:
        raise TypeError(
            f"model is {given.shown(model)}; give a built Keras model with one input, as from unet.build_unet."
        )


def _images(model, images):
    """Images as float32 (N, H, W, C) of the size that the model takes, or an error in words."""
    images = given.finite("images", images)
    if images.size and np.abs(images).max() > np.finfo(np.float32).max:
        raise ValueError(
            f"images runs from {images.min():g} to {images.max():g}; float32 cannot hold that, 0..1 is usual."
        )
    images = images.astype(np.float32)
    if images.ndim != 4 or not images.size:
        raise ValueError(f"images has the shape {images.shape}; give (N, H, W, C), for one image image[None].")
    if any(wanted not in (None, there) for wanted, there in zip(model.inputs[0].shape[1:], images.shape[1:])):
        raise ValueError(
            f"images has the shape {images.shape}; this model takes (N, {', '.join(map(str, model.inputs[0].shape[1:]))})."
        )
    return images


def _table(headings, rows):
    """Rows as aligned text, the first column to the left and the others to the right."""
    rows = [tuple(map(str, row)) for row in (headings, *rows)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(headings))]
    lines = ["   ".join([row[0].ljust(widths[0]), *(v.rjust(w) for v, w in zip(row[1:], widths[1:]))]) for row in rows]
    return "\n".join(lines)


# ---- What a trained network uses (notebook 05) -------------------------------------------------------------------------


def without_skip(model, *levels) -> keras.Model:
    """The same network with the features of some skip connections replaced by zeros.

    All shapes and weights stay as they are: the decoder receives zeros where the encoder's features were.

    Args:
        model: a U-Net whose layers are named as in :mod:`utils.unet`. It is not changed.
        levels: the skip connections to silence, 1 at full resolution.

    Returns:
        keras.Model: a new network with copies of the weights.

    Raises:
        TypeError: not a functional Keras model, or a level that is not a whole number.
        ValueError: no level, or a level without a skip connection; the message lists those there are.
    """
    _check_model(model)
    levels = [given.whole("a level", level) for level in levels]
    names = {layer.name for layer in model.layers}
    there = [level for level in range(1, len(names)) if f"dec{level}_skip" in names]
    if not levels or set(levels) - set(there):
        named = ", ".join(map(given.shown, levels)) or "no level"
        known = ", ".join(map(str, there)) or "none"
        raise ValueError(f"You gave {named}; this network has skip connections at the levels: {known}.")
    silent = {f"dec{level}_skip" for level in levels}

    def call(layer, *args, **kwargs):
        if layer.name in silent:
            skip, below = args[0]
            return layer([keras.ops.zeros_like(skip), below])
        return layer(*args, **kwargs)

    changed = keras.models.clone_model(model, call_function=call)
    changed.set_weights(model.get_weights())
    return changed


def input_gradients(model, images, pixel, *, chunk=25) -> np.ndarray:
    """How strongly every input pixel moves one output pixel, image by image.

    A sigmoid or softmax at the end is left out: where the network is sure it is flat, and would hide everything below it.

    Args:
        model: a functional Keras model that ends in one layer with one channel, such as a U-Net for silhouettes.
        images: float ``(N, H, W, C)``.
        pixel: row and column in the output.
        chunk: how many images go through at once.

    Returns:
        np.ndarray: float32 ``(N, H, W)``, 0 or more: the sizes of the gradients, summed over the colours.

    Raises:
        TypeError: no functional model, no numbers, or a pixel that is not two whole numbers.
        ValueError: a pixel outside the output, more than one output channel, or images that are not four-dimensional, of
            another size than the model's, or not finite.
    """
    import tensorflow as tf

    _check_model(model)
    images, chunk = _images(model, images), given.whole("chunk", chunk, 1)
    last = model.layers[-1]
    row, column = _pixel(pixel, last)
    if _shape(last)[2] != 1:
        raise ValueError(f"The output has {_shape(last)[2]} channels; input_gradients takes a network with one.")
    logits = _without_activation(model)
    found = []
    for start in range(0, len(images), chunk):
        batch = tf.convert_to_tensor(images[start : start + chunk])
        with tf.GradientTape() as tape:
            tape.watch(batch)
            # No image influences another one's output, so the gradient of the sum holds each image's own gradient.
            value = tf.reduce_sum(logits(batch, training=False)[:, row, column, 0])
        found.append(np.abs(tape.gradient(value, batch).numpy()).sum(axis=-1))
    return np.concatenate(found)


def effective_receptive_field(model, images, pixel) -> np.ndarray:
    """How much of one output pixel's sensitivity falls on each input pixel, as a mean over images.

    Source: Luo, Li, Urtasun, Zemel, "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks",
    NeurIPS 2016, arXiv 1701.04128.

    Args:
        model, images, pixel: see :func:`input_gradients`.

    Returns:
        np.ndarray: float64 ``(H, W)``, 0 or more, sum 1.

    Raises:
        ValueError: see :func:`input_gradients`; also where no input pixel moves the output pixel.
    """
    mean = input_gradients(model, images, pixel).mean(axis=0, dtype=np.float64)
    if not mean.sum() > 0:
        raise ValueError(f"No input pixel moves the output pixel {tuple(pixel)} in these images; give other images.")
    return mean / mean.sum()


def square_holding(field, pixel, share) -> int:
    """Side of the smallest square around a pixel that holds a share of a field.

    Args:
        field: ``(H, W)`` array, 0 or more.
        pixel: row and column of the square's centre.
        share: 0..1, more than 0.

    Returns:
        int: the side in pixels, always odd; parts of the square may lie outside the field.

    Raises:
        TypeError: no numbers, or a pixel that is not two whole numbers.
        ValueError: a share outside 0..1, a pixel outside the field, a field of another shape, with negative, NaN or infinite
            values, or one that is 0 everywhere.
    """
    field = given.finite("field", field).astype(np.float64)
    if field.ndim != 2 or not field.size:
        raise ValueError(f"field has the shape {field.shape}; give (H, W).")
    if field.min() < 0:
        raise ValueError(f"field holds {field.min():g}; it must be 0 or more.")
    if field.max() > 1e150:  # the sum of the largest numbers would be infinite
        field = field / field.max()
    row, column = _two("pixel", pixel)
    rule = "it must be more than 0 and at most 1"
    share = given.number("share", share, 0, 1, rule)
    if share == 0:
        raise ValueError(f"share is 0; {rule}.")
    if not (0 <= row < field.shape[0] and 0 <= column < field.shape[1]):
        raise ValueError(
            f"The pixel {given.shown((row, column))} lies outside the field of {field.shape[0]} x {field.shape[1]} pixels; "
            "rows and columns count from 0."
        )
    if not field.sum() > 0:
        raise ValueError("The field is 0 everywhere; no square holds a share of it.")
    rows, columns = np.ogrid[: field.shape[0], : field.shape[1]]
    ring = np.maximum(np.abs(rows - row), np.abs(columns - column))
    held = np.cumsum(np.bincount(ring.ravel(), weights=field.ravel())) / field.sum()
    return 2 * int(np.searchsorted(held, share - 1e-9)) + 1


def _without_activation(model):
    """A copy that ends before the last layer's activation."""

    def clone(layer):
        config = layer.get_config()
        if layer is model.layers[-1] and "activation" in config:
            config["activation"] = "linear"
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy
