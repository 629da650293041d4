"""Volumes: balls, shells and tubes to find in three dimensions, and the U-Net of ``utils/unet.py`` with ten lines changed.

A filled ball and a hollow one are to be found whole; a tube along the depth axis is not. In a slice across that axis a hollow
ball and a tube are both rings, so here the third axis is needed, as context is in the series' images.
"""

from __future__ import annotations

import inspect
import types

import numpy as np

from utils import shapes, unet

SHAPE = (12, 24, 24)
"""Depth, height and width of a volume."""

WALL = 1.5
"""Thickness of a shell or a tube in voxels."""

CHANGES = {
    "2D(": "3D(",
    "Conv2DTranspose(": "Conv3DTranspose(",
    '(2, interpolation=method.removesuffix("+conv")': "(2",
    "shape[1:3]": "shape[1:4]",
    "for axis in (1, 2)]": "for axis in (1, 2, 3)]",
    "check_size(*input_shape[:2], depth, padding)": "[check_size(size, size, depth, padding) for size in input_shape[:3]]",
}
"""What is replaced in ``unet.py``, old -> new. Keras interpolates volumes by nearest neighbours only."""


def source() -> str:
    """The text of ``unet.py`` with the changes made: save it as a file to have a 3-D U-Net of your own."""
    text = inspect.getsource(unet)
    for old, new in CHANGES.items():
        text = text.replace(old, new)
    return text


unet_3d = types.ModuleType("unet_3d")
"""The changed text as a module; ``unet_3d.build_unet`` takes an input shape of depth, height, width, channels.

Source: Cicek, Abdulkadir, Lienkamp, Brox, Ronneberger, "3D U-Net", 2016, arXiv 1606.06650.
"""
exec(compile(source(), "unet_3d.py", "exec"), unet_3d.__dict__)


KINDS = ("ball", "shell", "tube")
"""What a volume may show. A tube runs through all slices and is background."""


def draw(count, *, split="train", seed=0):
    """Draw volumes of two things side by side, each a filled ball, a hollow one or a tube.

    Args:
        count, split, seed: as for :func:`utils.shapes.draw`.

    Returns:
        tuple: volumes, float32 ``(N, D, H, W, 1)``, 0..1, and the silhouettes of balls and shells, uint8 of the same shape.
    """
    volumes, masks = np.empty((count, *SHAPE, 1), np.float32), np.zeros((count, *SHAPE, 1), np.uint8)
    for number in range(count):
        rng = np.random.default_rng([seed, shapes.SPLITS[split], number, 3])
        light = np.full(SHAPE, rng.uniform(0.2, 0.5))
        for left in (0, SHAPE[2] // 2):
            kind, radius = rng.choice(KINDS), rng.uniform(3.5, 5.5)
            centre = [rng.uniform(radius, side - radius) for side in (*SHAPE[:2], SHAPE[2] // 2)]
            away = np.indices(SHAPE) + 0.5 - np.reshape(centre, (3, 1, 1, 1)) - np.reshape((0, 0, left), (3, 1, 1, 1))
            distance = np.sqrt((away[kind == "tube" :] ** 2).sum(axis=0)) - radius  # a tube's is to its axis
            edge = distance if kind == "ball" else np.abs(distance + WALL / 2) - WALL / 2
            light += np.clip(0.5 - edge, 0, 1) * rng.uniform(0.2, 0.4)
            masks[number, ..., 0] |= np.uint8((distance <= 0) & (kind != "tube"))
        volumes[number, ..., 0] = np.clip(light + rng.normal(0, 0.05, SHAPE), 0, 1)
    return volumes, masks
