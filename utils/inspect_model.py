"""Look inside a U-Net: its blocks, its shapes level by level, its feature maps; zero its skip connections."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from utils.receptive_field import POINTWISE, aligned


class Block(NamedTuple):
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


def blocks(model) -> list[Block]:
    """The blocks of a network from :mod:`utils.unet`: image, levels downward, bottleneck, levels upward, head."""

    def enters(name):
        return model.get_layer(name).input.shape[1:]

    names = {layer.name for layer in model.layers}
    depth = sum(name.endswith("_pool") for name in names)
    found = [Block("image", "image", 1, model.inputs[0].shape[1:])]
    found += [Block(f"enc{level}", "encoder", level, enters(f"enc{level}_pool")) for level in range(1, depth + 1)]
    found.append(Block("bottleneck", "bottleneck", depth + 1, enters(f"dec{depth}_up")))
    for level in range(depth, 0, -1):
        joined = enters(f"dec{level}_conv1")[-1]
        skip = model.get_layer(f"dec{level}_skip").input[0].shape[-1] if f"dec{level}_skip" in names else 0
        shape = enters(f"dec{level - 1}_up" if level > 1 else "head")
        found.append(Block(f"dec{level}", "decoder", level, shape, skip, joined - skip))
    return [*found, Block("head", "head", 1, model.get_layer("head").output.shape[1:])]


def shape_table(model) -> str:
    """The shape of what every layer puts out, as text; layers that treat each pixel alone are left out."""
    shown = [layer for layer in model.layers if not isinstance(layer, (*POINTWISE, layers.GroupNormalization))]
    rows = [(layer.name, "{} x {}".format(*layer.output.shape[1:3]), layer.output.shape[3]) for layer in shown]
    return aligned([("layer", "height x width", "channels"), *rows])


def feature_maps(model, images, names) -> dict[str, np.ndarray]:
    """What the named layers put out for images ``(N, H, W, C)``, in one pass: name -> float32 ``(N, h, w, c)``."""
    probe = keras.Model(model.inputs[0], {name: model.get_layer(name).output for name in names})
    parts = [probe(images[i : i + 32], training=False) for i in range(0, len(images), 32)]
    return {name: np.concatenate([np.asarray(part[name], np.float32) for part in parts]) for name in names}


def without_skip(model, *levels, means=None) -> keras.Model:
    """A copy of the network whose decoder receives zeros over the skip connections of these levels (1 at the top).

    With ``means``, ``{level: (C,)}``, it receives one value in each channel instead. All shapes and weights stay as they are.
    """
    fixed = {model.get_layer(f"dec{level}_skip").name: means[level] if means else 0 for level in levels}

    def call(layer, *args, **kwargs):
        if layer.name in fixed:
            skip, below = args[0]
            return layer([keras.ops.zeros_like(skip) + fixed[layer.name], below])
        return layer(*args, **kwargs)

    changed = keras.models.clone_model(model, call_function=call)
    changed.set_weights(model.get_weights())
    return changed
