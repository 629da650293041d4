"""The task of the nearest peer, six shapes on black, drawn from its description: by a plain version of our own, and fast.

The peer is usuyama/pytorch-unet; its own generator is not used. Every picture holds one of each of ``NAMES``; the target has a
channel for each, and overlaps stay in both channels. The peer draws without a seed; here a seed and a picture's number give
the picture.
"""

from __future__ import annotations

import functools

import numpy as np

SIDE = 192
NAMES = ("square", "disc", "triangle", "ring", "mesh", "plus")
ZOOMS = (0.8, 0.5, 1.0, 0.7, 1.0, 1.2)
CENTRES, SIZES = (0.1, 0.9), (0.06, 0.12)
"""Limits of the uniform distributions of centres and sizes, as fractions of the picture's side."""

STATED = (0.39, 0.61, 0.44, 0.61, 0.65, 0.21)
"""The percentage of pixels of each class as stated for the peer."""

TRAINING, VALIDATION = 2000, 200
LOSS_TO_REACH = 0.020559
"""The validation loss that the peer's own network has after its 40 epochs, as saved in its notebook."""


# ---- As specified ------------------------------------------------------------------------------------------------------


def square(side, row, column, size):
    """Filled square of half side ``size // 2``: bool ``(side, side)``; the limits themselves are outside."""
    rows, columns = np.mgrid[:side, :side]
    half = size // 2
    return (rows > row - half) & (rows < row + half) & (columns > column - half) & (columns < column + half)


def disc(side, row, column, size):
    """Filled disc; the size is its radius, pixels at that distance are outside."""
    rows, columns = np.mgrid[:side, :side]
    return np.sqrt((rows - row) ** 2 + (columns - column) ** 2) < size


def triangle(side, row, column, size):
    """Right triangle, the lower left half of a square of ``size`` pixels with its diagonal."""
    rows, columns = np.mgrid[:side, :side]
    down, across = rows - (row - size // 2), columns - (column - size // 2)
    return (across >= 0) & (across <= down) & (down < size)


def ring(side, row, column, size):
    """Ring from .7 of the radius, which is the size, up to the radius."""
    rows, columns = np.mgrid[:side, :side]
    distance = np.sqrt((rows - row) ** 2 + (columns - column) ** 2)
    return (distance >= 0.7 * size) & (distance < size)


def mesh(side, row, column, size):
    """The pixels of the square whose row and column are odd."""
    rows, columns = np.mgrid[:side, :side]
    return square(side, row, column, size) & (rows % 2 == 1) & (columns % 2 == 1)


def plus(side, row, column, size):
    """Two arms, 2 pixels thick and ``2 * (size // 2)`` long."""
    rows, columns = np.mgrid[:side, :side]
    down, across, half = rows - row, columns - column, size // 2
    upright = (down >= -half) & (down < half) & (across >= -1) & (across < 1)
    level = (down >= -1) & (down < 1) & (across >= -half) & (across < half)
    return upright | level


_SHAPES = (square, disc, triangle, ring, mesh, plus)
_TARGETS = (square, disc, triangle, ring, square, plus)


def as_specified(count, seed=0, side=SIDE):
    """Pictures and masks, drawn a picture at a time with logical operations on whole arrays.

    This is our plain version of the peer's generator, written from the peer's description. Each shape makes its own index
    grids, and is made once for picture and mask; only the mesh, whose target is another shape, is made twice.

    Args:
        count: how many pictures.
        seed: of the random numbers; fewer pictures of a seed are the first of more.
        side: height and width in pixels, 16 or more; the peer's are 192.

    Returns:
        tuple: images uint8 ``(count, side, side, 1)`` and masks uint8 ``(count, side, side, 6)``, 0 and 1.
    """
    random = np.random.default_rng(seed)

    def uniform(low, high):
        return low + (high - low) * random.random()

    images, masks = [], []
    for _ in range(count):
        image, layers = np.zeros((side, side), bool), []
        for shape, target, zoom in zip(_SHAPES, _TARGETS, ZOOMS):
            row, column = int(side * uniform(*CENTRES)), int(side * uniform(*CENTRES))
            size = int(side * uniform(*SIZES) * zoom)
            drawn = shape(side, row, column, size)
            image = np.logical_or(image, drawn)
            layers.append(drawn if target is shape else target(side, row, column, size))
        images.append(image[..., None])
        masks.append(np.stack(layers, axis=-1))
    return np.array(images, np.uint8), np.array(masks, np.uint8)


# ---- The same pictures, faster -----------------------------------------------------------------------------------------


@functools.cache
def _stamp(number, size):
    """A shape on its own small picture, and how far its centre lies from the upper left corner."""
    reach = size + 1
    whole = _TARGETS[number](2 * reach + 1, reach, reach, size)
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
            stamp, up, left = _stamp(number, size)
            top, bottom = row - up, row - up + stamp.shape[0]
            first, last = column - left, column - left + stamp.shape[1]
            mask[top:bottom, first:last, number] = stamp
            if NAMES[number] == "mesh":
                image[top | 1 : bottom : 2, first | 1 : last : 2] = 1
            else:
                image[top:bottom, first:last] |= stamp
    return images, masks


def shares(side=SIDE, steps=100_000):
    """The percentage of a picture that each class covers: mean and standard deviation over all sizes it can have.

    Args:
        side: of the picture in pixels.
        steps: how finely the uniform distribution of the sizes is divided.
    """
    fractions = SIZES[0] + (SIZES[1] - SIZES[0]) * (np.arange(steps) + 0.5) / steps
    means, deviations = [], []
    for number, zoom in enumerate(ZOOMS):
        sizes, times = np.unique((side * fractions * zoom).astype(int), return_counts=True)
        areas = 100 * np.array([_stamp(number, int(size))[0].sum() for size in sizes]) / side**2
        means.append(np.average(areas, weights=times))
        deviations.append(np.sqrt(np.average((areas - means[-1]) ** 2, weights=times)))
    return np.array(means), np.array(deviations)
