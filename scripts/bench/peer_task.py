"""The task of the nearest peer, six shapes on black, drawn from its description: by a plain version of our own, and fast.

The peer is usuyama/pytorch-unet; its own generator is not used. Every picture holds one of each of ``NAMES``; the target has a
channel for each, and overlaps stay in both channels. The peer draws without a seed; here a seed and a picture's number give the
picture.
"""

from __future__ import annotations

import functools

import numpy as np

SIDE = 192
NAMES = ("square", "disc", "triangle", "ring", "mesh", "plus")
TARGETS = ("square", "disc", "triangle", "ring", "square", "plus")
"""What is drawn, and what its mask holds."""
ZOOMS = (0.8, 0.5, 1.0, 0.7, 1.0, 1.2)
CENTRES, SIZES = (0.1, 0.9), (0.06, 0.12)
"""Limits of the uniform distributions of centres and sizes, as fractions of the picture's side."""


def shape(name, side, row, column, size):
    """One shape: bool ``(side, side)``. Its size is a radius or the length of a side; pixels at the limits are outside."""
    rows, columns = np.mgrid[:side, :side]
    half = size // 2
    if name == "square":
        return (rows > row - half) & (rows < row + half) & (columns > column - half) & (columns < column + half)
    if name == "mesh":
        return shape("square", side, row, column, size) & (rows % 2 == 1) & (columns % 2 == 1)
    down, across = rows - row, columns - column
    if name == "triangle":  # the lower left half of a square, with its diagonal
        return (across >= -half) & (across <= down) & (down < size - half)
    if name == "plus":  # two arms, 2 pixels thick
        upright = (down >= -half) & (down < half) & (across >= -1) & (across < 1)
        return upright | ((down >= -1) & (down < 1) & (across >= -half) & (across < half))
    distance = np.sqrt(down**2 + across**2)
    return (distance < size) if name == "disc" else (distance >= 0.7 * size) & (distance < size)


def as_specified(count, seed=0, side=SIDE):
    """Pictures and masks, drawn a picture at a time with logical operations on whole arrays.

    This is our plain version of the peer's generator. Each shape makes its own index grids.

    Returns:
        tuple: images uint8 ``(count, side, side, 1)`` and masks uint8 ``(count, side, side, 6)``, 0 and 1.
    """
    random = np.random.default_rng(seed)

    def uniform(low, high):
        return low + (high - low) * random.random()

    images, masks = [], []
    for _ in range(count):
        image, layers = np.zeros((side, side), bool), []
        for name, target, zoom in zip(NAMES, TARGETS, ZOOMS):
            row, column = int(side * uniform(*CENTRES)), int(side * uniform(*CENTRES))
            size = int(side * uniform(*SIZES) * zoom)
            drawn = shape(name, side, row, column, size)
            image = np.logical_or(image, drawn)
            layers.append(drawn if target == name else shape(target, side, row, column, size))
        images.append(image[..., None])
        masks.append(np.stack(layers, axis=-1))
    return np.array(images, np.uint8), np.array(masks, np.uint8)


@functools.cache
def _stamp(target, size):
    """A shape on its own small picture, and how far its centre lies from the upper left corner."""
    reach = size + 1
    whole = shape(target, 2 * reach + 1, reach, reach, size)
    rows, columns = (np.flatnonzero(whole.any(axis)) for axis in (1, 0))
    if not len(rows):
        return np.zeros((0, 0), np.uint8), 0, 0
    stamp = whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8)
    return stamp, reach - rows[0], reach - columns[0]


def draw(count, seed=0, side=SIDE):
    """The pictures and masks of :func:`as_specified`, byte for byte; each shape touches only the window that it fills."""
    numbers = np.random.default_rng(seed).random((count, len(NAMES), 3))
    centres = (side * (CENTRES[0] + (CENTRES[1] - CENTRES[0]) * numbers[..., :2])).astype(int)
    sizes = (side * (SIZES[0] + (SIZES[1] - SIZES[0]) * numbers[..., 2]) * ZOOMS).astype(int)
    places = np.concatenate([centres, sizes[..., None]], axis=-1).tolist()
    images = np.zeros((count, side, side, 1), np.uint8)
    masks = np.zeros((count, side, side, len(NAMES)), np.uint8)
    for image, mask, shapes in zip(images[..., 0], masks, places):
        for number, (row, column, size) in enumerate(shapes):
            stamp, up, left = _stamp(TARGETS[number], size)
            top, first = row - up, column - left
            bottom, last = top + stamp.shape[0], first + stamp.shape[1]
            mask[top:bottom, first:last, number] = stamp
            if NAMES[number] == "mesh":
                image[top | 1 : bottom : 2, first | 1 : last : 2] = 1
            else:
                image[top:bottom, first:last] |= stamp
    return images, masks
