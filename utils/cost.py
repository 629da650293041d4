"""What a network costs: parameters, multiplications, memory for its feature maps.

Everything is computed from the shapes of a built Keras model; nothing is run or measured.

- **Parameters** are the numbers that a network stores, trained or not.
- A **MAC** (multiply-accumulate) is one product added to a sum, the unit of work of a convolution. A 3x3 convolution with C
  inputs and F outputs on H x W pixels makes ``3 * 3 * C * F * H * W`` of them; the zeros of ``padding="same"`` count as
  inputs. Biases, normalisations, activations, pooling and interpolation are not counted, as is usual.
- **Activation memory** is what the feature maps take. Training keeps every map that the backward pass reads again; see
  :func:`activation_memory`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import keras
from keras import layers

from utils import given

NORMALISATIONS = (layers.BatchNormalization, layers.GroupNormalization, layers.LayerNormalization)
MULTIPLYING = (layers.Conv2D, layers.Conv2DTranspose, layers.DepthwiseConv2D, layers.Dense)

# The gradient of a convolution or a normalisation is computed from its input, that of a ReLU or a sigmoid from its output,
# and that of max pooling from both: where was the maximum? Concatenating, cropping and interpolating need neither.
_READ_INPUT = (*MULTIPLYING, *NORMALISATIONS, layers.MaxPooling2D)
_READ_OUTPUT = (layers.ReLU, layers.Activation, layers.Softmax, layers.MaxPooling2D)
_IN_PLACE = (layers.ReLU, layers.Activation, layers.Softmax, layers.Dropout, *NORMALISATIONS)


class LayerCost(NamedTuple):
    """The cost of one layer for one image.

    Attributes:
        name: the layer's name.
        kind: its class, for example ``"Conv2D"``.
        shape: its output for one image, ``(H, W, C)``.
        parameters: how many numbers it stores.
        macs: its multiply-accumulates.
        activation_bytes: size of its output in bytes.
        kept: whether training keeps that output for the backward pass.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    macs: int
    activation_bytes: int
    kept: bool


def layer_table(model: keras.Model) -> list[LayerCost]:
    """The cost of every layer, in the order in which they run.

    Args:
        model: a functional Keras model with a fixed input size, every layer used once and with one output.

    Returns:
        list: one :class:`LayerCost` a layer, the input included.

    Raises:
        TypeError: not a functional model, or a layer with weights that this module cannot count.
        ValueError: a size that is not fixed, or a layer that is used more than once.
    """
    _check(model)
    kept = _kept(model)
    return [
        LayerCost(
            layer.name,
            type(layer).__name__,
            tuple(layer.output.shape[1:]),
            layer.count_params(),
            _layer_macs(layer),
            _bytes(layer.output),
            id(layer.output) in kept,
        )
        for layer in model.layers
    ]


def parameters(model: keras.Model) -> int:
    """How many numbers the model stores, trained or not (batch normalisation's running averages are not trained).

    Errors as for :func:`layer_table`.
    """
    return sum(row.parameters for row in layer_table(model))


def macs(model: keras.Model) -> int:
    """How many multiply-accumulates one image takes on its way through the model. Errors as for :func:`layer_table`."""
    return sum(row.macs for row in layer_table(model))


def activation_memory(model: keras.Model, batch_size: int = 1, training: bool = True) -> int:
    """How many bytes the feature maps of a batch take.

    With ``training=True``: the sum of all maps that the backward pass reads again, so they must stay until it comes by: what
    goes into a convolution, a normalisation or a pooling, what comes out of an activation or a pooling, and the model's
    output, which the loss reads. A training step needs at least this (unless maps are computed a second time), plus
    weights, gradients, the optimiser's averages, gradients of the maps and workspace.

    With ``training=False``: the largest sum of maps that exist at the same moment when the layers run one after the other
    and a map is dropped after its last use; activations and normalisations write over their input. A skip connection keeps
    its map until the decoder has used it.

    Args:
        model: as for :func:`layer_table`.
        batch_size: images at once, 1 or more.
        training: which of the two.

    Returns:
        int: bytes.

    Raises:
        TypeError, ValueError: as for :func:`layer_table`, or a batch size below 1.
    """
    batch_size = given.whole("batch_size", batch_size, 1)
    if given.flag("training", training):
        return batch_size * sum(row.activation_bytes for row in layer_table(model) if row.kept)
    _check(model)
    last_use = {id(t): step for step, layer in enumerate(model.layers) for t in _inputs(layer)}
    last_use |= {id(t): len(model.layers) for t in model.outputs}
    alive, most = {}, 0
    for step, layer in enumerate(model.layers):
        if isinstance(layer, _IN_PLACE):  # the input is overwritten, so it goes before the output comes
            alive = {key: size for key, size in alive.items() if last_use.get(key, step) > step}
        alive[id(layer.output)] = _bytes(layer.output)
        most = max(most, sum(alive.values()))
        alive = {key: size for key, size in alive.items() if last_use.get(key, step) > step}
    return batch_size * most


def _layer_macs(layer):
    if not isinstance(layer, MULTIPLYING):
        return 0
    # Every weight of a kernel is used once for every pixel: of the output, or of the input where the layer scatters.
    grid = layer.input if isinstance(layer, layers.Conv2DTranspose) else layer.output
    channels_last = getattr(layer, "data_format", "channels_last") == "channels_last"
    pixels = grid.shape[1:-1] if channels_last else grid.shape[2:]
    return math.prod(layer.kernel.shape) * math.prod(pixels)


def _kept(model):
    """The identities of the tensors that the backward pass reads."""
    kept = {id(t) for t in model.outputs}
    for layer in model.layers:
        if isinstance(layer, _READ_INPUT):
            kept |= {id(t) for t in _inputs(layer)}
        activation = getattr(layer, "activation", None)
        if isinstance(layer, _READ_OUTPUT) or (activation and activation is not keras.activations.linear):
            kept.add(id(layer.output))
    return kept


def _inputs(layer):
    """The tensors that go into a layer; none for the model's input."""
    if isinstance(layer, layers.InputLayer):
        return []
    return list(layer.input) if isinstance(layer.input, (list, tuple)) else [layer.input]


def _bytes(tensor):
    """Bytes of a tensor for one image; the digits of a type's name are its bits, and a bool takes a byte."""
    bits = int("".join(filter(str.isdigit, tensor.dtype)) or 8)
    return math.prod(tensor.shape[1:]) * bits // 8


def _check(model):
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise TypeError(
            f"model is {type(model).__name__}; give a built functional Keras model, as unet.build_unet returns."
        )
    outputs = {id(layer.output) for layer in model.layers}
    for layer in model.layers:
        shape = getattr(layer.output, "shape", None)
        # Keras tells a shared layer's first output only; what it gives the second time is then nobody's output.
        if shape is None or any(id(tensor) not in outputs for tensor in _inputs(layer)):
            raise ValueError(_once(layer.name))
        if None in shape[1:]:
            raise ValueError(
                f"Layer '{layer.name}' gives {tuple(shape)}: its size is not fixed. "
                "Build the model with a fixed height and width."
            )
        if layer.weights and not isinstance(layer, (*MULTIPLYING, *NORMALISATIONS)):
            known = ", ".join(kind.__name__ for kind in (*MULTIPLYING, *NORMALISATIONS))
            raise TypeError(
                f"Layer '{layer.name}' is a {type(layer).__name__}, which cannot be counted; known are {known}."
            )
    if any(id(tensor) not in outputs for tensor in model.outputs):
        raise ValueError(_once(model.name))


def _once(name):
    return (
        f"At '{name}' a layer is used more than once or has several outputs; its cost cannot be told layer by layer. "
        "Use every layer once, with one output."
    )
