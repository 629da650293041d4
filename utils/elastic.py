"""Bend pictures and masks smoothly: elastic deformation.

Source: Ronneberger, Fischer, Brox, "U-Net", 2015, section 3.1: random displacement vectors on a coarse 3 x 3 grid, drawn from a
Gaussian of 10 pixels standard deviation, and bicubic interpolation to a displacement for every pixel.

A field says where each output pixel looks for its value: ``output[y, x] = input[y + field[0, y, x], x + field[1, y, x]]``.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from utils import given

SIDE_2015 = 512
"""Side, in pixels, of the EM images of the paper, to which its 10 pixels belong."""


def paper_deviation(side) -> float:
    """The paper's standard deviation, 10 pixels on 512, in the same share of another side.

    Raises:
        TypeError, ValueError: a side that is not a number of 0 or more.
    """
    return 10.0 * given.number("side", side, 0, 1e9) / SIDE_2015


def field(shape, seed=0, *, deviation=10.0, grid=3) -> np.ndarray:
    """Draw a smooth displacement field.

    Args:
        shape: height and width in pixels.
        seed: whole number or ``numpy.random.Generator``.
        deviation: standard deviation of the vectors at the grid's points, in pixels, 0 or more.
        grid: points along each side, 2 or more; the outer ones lie on the corners.

    Returns:
        float32 ``(2, H, W)``: displacement in pixels, downward and to the right.

    Raises:
        TypeError, ValueError: a number of another kind or out of range.
    """
    deviation = given.number("deviation", deviation, 0, 1e6, "give 0 pixels or more, at most a million")
    grid = given.whole("grid", grid, 2, 1000, "a field needs 2 x 2 points or more, at most 1000 x 1000")
    if not isinstance(seed, np.random.Generator):
        seed = given.whole("seed", seed, 0)
    coarse = np.random.default_rng(seed).normal(0, deviation, (2, grid, grid))
    return interpolate(coarse, shape)


def interpolate(coarse, shape) -> np.ndarray:
    """Interpolate vectors on a coarse grid to every pixel, bicubically.

    Args:
        coarse: float ``(2, G, G)``; the outer points lie on the centres of the picture's corner pixels.
        shape: height and width in pixels, 2 or more each.

    Returns:
        float32 ``(2, H, W)``, equal to ``coarse`` at its points. Beyond the sides the grid is mirrored, so the field arrives
        there without slope.

    Raises:
        TypeError, ValueError: vectors or a shape of another kind or size.
    """
    coarse = given.finite("coarse", coarse).astype(float)
    if coarse.ndim != 3 or len(coarse) != 2 or min(coarse.shape[1:]) < 2:
        raise ValueError(f"coarse has shape {coarse.shape}; it needs (2, rows, columns) with 2 or more of each.")
    height, width = _sides(shape)
    rows = np.linspace(0, coarse.shape[1] - 1, height)
    columns = np.linspace(0, coarse.shape[2] - 1, width)
    places = np.meshgrid(rows, columns, indexing="ij")
    return np.stack([ndimage.map_coordinates(part, places, order=3, mode="mirror") for part in coarse]).astype(
        np.float32
    )


def deform(image, mask, field):
    """Move the pixels of a picture and of its mask by the same field.

    Args:
        image: float32 ``(H, W, C)``, 0..1; interpolated with bicubic splines, then cut to 0..1.
        mask: ``(H, W, 1)`` of any dtype, 0 and 1 or class numbers; takes the nearest pixel, so no new value appears.
        field: ``(2, H, W)``, see :func:`field`. What lies beyond the picture's sides is mirrored.

    Returns:
        tuple: image float32 and mask of its own dtype, same shapes.

    Raises:
        TypeError, ValueError: no finite numbers, or shapes that do not fit.
    """
    image, mask, field = given.finite("image", image), given.array("mask", mask), given.finite("field", field)
    if image.ndim != 3 or mask.ndim != 3:
        raise ValueError(f"image has shape {image.shape}, mask {mask.shape}; both need (H, W, channels).")
    if field.ndim != 3 or not image.shape[:2] == mask.shape[:2] == field.shape[1:] or len(field) != 2:
        raise ValueError(
            f"image is {image.shape[:2]}, mask {mask.shape[:2]}, field {field.shape}; all need the same height and width, and "
            "the field 2 parts."
        )
    if not image.size or not mask.size:
        raise ValueError(f"image has shape {image.shape}, mask {mask.shape}; both need a pixel.")
    if np.abs(field).max() > 1e9:
        raise ValueError(f"field reaches {np.abs(field).max():g} pixels; at most 1e9 are allowed.")
    return np.clip(_look_up(image, field, 3), 0, 1).astype(np.float32), _look_up(mask, field, 0)


def copies(images, masks, count, *, seed=0, deviation=None, grid=3):
    """Make a larger training set: the pictures as they are, and deformed copies, each with a field of its own.

    Args:
        images: float32 ``(N, H, W, C)``, 0..1.
        masks: ``(N, H, W, 1)``.
        count: how many times as many pictures as before, 1 or more; 1 adds none.
        seed: whole number.
        deviation: as for :func:`field`; by default that of :func:`paper_deviation`.
        grid: as for :func:`field`.

    Returns:
        tuple: images float32 ``(N * count, H, W, C)`` and masks ``(N * count, H, W, 1)``; the first N are the given ones.

    Raises:
        TypeError, ValueError: as :func:`deform` and :func:`field`.
    """
    count = given.whole("count", count, 1, 10_000, "give 1 or more, at most 10,000")
    seed = given.whole("seed", seed, 0)
    images, masks = given.finite("images", images), given.array("masks", masks)
    if images.ndim != 4 or masks.ndim != 4 or len(images) != len(masks) or not len(images):
        raise ValueError(f"images have shape {images.shape}, masks {masks.shape}; give (N, H, W, C) and (N, H, W, 1).")
    rng = np.random.default_rng(seed)
    shape = images.shape[1:3]
    deviation = paper_deviation(min(shape)) if deviation is None else deviation
    pairs = [
        deform(image, mask, field(shape, rng, deviation=deviation, grid=grid))
        for _ in range(count - 1)
        for image, mask in zip(images, masks)
    ]
    more = [np.stack(parts) for parts in zip(*pairs)] or [images[:0], masks[:0]]
    return np.concatenate([images, more[0]]), np.concatenate([masks, more[1]])


def folds(field) -> float:
    """Share of pixels where a field turns the picture inside out: its Jacobian determinant is 0 or less there.

    Args:
        field: ``(2, H, W)``.

    Returns:
        float, 0..1. What is folded shows the same part twice, mirrored: a sign that the deformation is too strong.

    Raises:
        TypeError, ValueError: no finite numbers, or another shape; a gradient needs 2 pixels along each side.
    """
    field = given.finite("field", field).astype(float)
    if field.ndim != 3 or len(field) != 2 or min(field.shape[1:]) < 2 or np.abs(field).max() > 1e9:
        raise ValueError(
            f"field is {given.shown(field)}; give (2, H, W) with H and W of 2 or more, at most 1e9 pixels long."
        )
    (yy, yx), (xy, xx) = (np.gradient(part) for part in field)
    return float((((1 + yy) * (1 + xx) - yx * xy) <= 0).mean())


def _look_up(array, field, order):
    """The array's values at displaced places, each channel by itself."""
    places = np.indices(field.shape[1:]) + field
    known = array.astype(np.float32) if array.dtype == np.float16 else array  # SciPy does not know half precision
    parts = [ndimage.map_coordinates(known[..., k], places, order=order, mode="mirror") for k in range(array.shape[-1])]
    return np.stack(parts, axis=-1).astype(array.dtype, copy=False)


def _sides(shape):
    sides = given.many("shape", shape)
    if len(sides) != 2:
        raise ValueError(f"shape is {given.shown(shape)}; give height and width.")
    rule = "a picture needs 2 pixels or more along each side, at most 65,536"
    return tuple(given.whole("a side in shape", side, 2, 2**16, rule) for side in sides)
