"""What a network costs, from the shapes of a built Keras model: multiplications, and memory for its feature maps.

A MAC (multiply-accumulate) is one product added to a sum, the unit of work of a convolution. A 3x3 convolution with C
inputs and F outputs on H x W pixels makes ``3 * 3 * C * F * H * W`` of them; the zeros of ``padding="same"`` count too.
Biases, normalisations, activations, pooling and interpolation do not, as is usual.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

_NORMS = (layers.BatchNormalization, layers.GroupNormalization)
_IN_PLACE = (layers.ReLU, layers.Activation, layers.Dropout, *_NORMS)


class LayerCost(NamedTuple):
    """The cost of one layer for one image; ``kept`` says whether training keeps the output for the backward pass."""

    name: str
    kind: str
    shape: tuple[int, int, int]
    parameters: int
    macs: int
    activation_bytes: int
    kept: bool


def layer_table(model) -> list[LayerCost]:
    """The cost of every layer of a functional model with a fixed input size, in the order in which they run."""
    kept, table = _kept(model), []
    for layer in model.layers:
        out = layer.output
        facts = layer.name, type(layer).__name__, out.shape[1:], layer.count_params()
        table.append(LayerCost(*facts, _layer_macs(layer), _bytes(out), id(out) in kept))
    return table


def macs(model) -> int:
    """How many multiply-accumulates one image takes on its way through the model."""
    return sum(map(_layer_macs, model.layers))


def activation_memory(model, batch_size=1, training=True) -> int:
    """How many bytes the feature maps of a batch take.

    With ``training=True``: all maps that the backward pass reads again, so they must stay until it comes by. A training
    step needs at least this (unless maps are computed twice), plus weights, gradients, the optimiser's averages,
    gradients of the maps and workspace.

    With ``training=False``: the largest sum of maps that exist at the same moment when the layers run one by one and a
    map is dropped after its last use; activations and normalisations write over their input. A skip connection keeps
    its map until the decoder has used it.
    """
    if training:
        return batch_size * sum(row.activation_bytes for row in layer_table(model) if row.kept)
    last_use = {id(tensor): step for step, layer in enumerate(model.layers) for tensor in _inputs(layer)}
    last_use |= {id(tensor): len(model.layers) for tensor in model.outputs}
    alive, most = {}, 0
    for step, layer in enumerate(model.layers):
        still = {key: size for key, size in alive.items() if last_use.get(key, step) > step}
        alive = still if isinstance(layer, _IN_PLACE) else alive  # in place, the input goes before the output comes
        most = max(most, sum(alive.values()) + _bytes(layer.output))
        alive = still | {id(layer.output): _bytes(layer.output)}
    return batch_size * most


def _layer_macs(layer):
    """Every weight of a kernel is used once for every pixel: of the output, or of the input where it scatters."""
    if not hasattr(layer, "kernel"):
        if layer.weights and not isinstance(layer, _NORMS):
            raise ValueError(
                f"The layer '{layer.name}' ({type(layer).__name__}) has weights that cannot be counted here."
            )
        return 0
    grid = layer.input if isinstance(layer, layers.Conv2DTranspose) else layer.output
    return math.prod(layer.kernel.shape) * math.prod(grid.shape[1:-1])


def _kept(model):
    """The identities of the tensors that the backward pass reads; the loss reads the model's output.

    The gradient of a convolution or a normalisation is computed from its input, that of a ReLU or a sigmoid from its
    output, that of max pooling from both: where was the maximum? Concatenation, crop and interpolation need neither.
    """
    kept = {id(tensor) for tensor in model.outputs}
    for layer in model.layers:
        if hasattr(layer, "kernel") or isinstance(layer, (layers.MaxPooling2D, *_NORMS)):
            kept |= {id(tensor) for tensor in _inputs(layer)}
        bends = getattr(layer, "activation", keras.activations.linear) is not keras.activations.linear
        if bends or isinstance(layer, (layers.MaxPooling2D, layers.ReLU)):
            kept.add(id(layer.output))
    return kept


def _inputs(layer):
    """The tensors that go into a layer; none for the model's input."""
    return keras.tree.flatten(layer.input)


def _bytes(tensor):
    """Bytes of a tensor for one image."""
    return math.prod(tensor.shape[1:]) * np.dtype(tensor.dtype).itemsize
