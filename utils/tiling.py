"""Predict images of any size in tiles of one size: the overlap-tile strategy.

Source: Ronneberger, Fischer, Brox, "U-Net", 2015, section 2: each tile is predicted from a larger window, whose missing part
beyond the image's border is mirrored.
"""

from __future__ import annotations

import dataclasses
import functools

import keras
import numpy as np

from utils import validate

MODES = ("reflect", "symmetric", "edge", "zero")


@dataclasses.dataclass(frozen=True)
class Tile:
    """A part of an image, and the window that it is predicted from."""

    rows: slice  # of the image: the tile, which ends at the image's border
    columns: slice
    top: int  # where the window begins, in pixels of the image; negative beyond its border
    left: int
    size: int  # side of the window
    inside: tuple[slice, slice]  # the part of the window's output that belongs to the tile


def tiles(height, width, tile, halo, multiple=16):
    """Yield the :class:`Tile` s of an image, row by row; all lengths are in pixels.

    A window reaches beyond its tile by the halo, on each side. Tile and halo must be multiples of ``multiple``, 2 to the power
    of the network's poolings, so that every window lies on the grid on which it pools.
    """
    for name, length in (("tile", tile), ("halo", halo)):
        if length % multiple:
            near = -(-length // multiple) * multiple
            raise ValueError(f"{name} is {length} px; the poolings need a multiple of {multiple}, for example {near}.")
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            rows, columns = slice(top, min(top + tile, height)), slice(left, min(left + tile, width))
            inside = slice(halo, halo + rows.stop - top), slice(halo, halo + columns.stop - left)
            yield Tile(rows, columns, top - halo, left - halo, tile + 2 * halo, inside)


def padded_index(first, count, size, mode="reflect") -> np.ndarray:
    """Which rows (or columns) of an image to look up for places that may lie beyond it; results as those of ``numpy.pad``.

    Args:
        first, count: the first place, negative before the image, and how many.
        size: of the image, along this axis.
        mode: ``"reflect"`` mirrors at the centre of the last pixel, which is not repeated: 2 1 | 0 1 2. ``"symmetric"`` repeats
            it: 1 0 | 0 1 2. ``"edge"`` repeats it all the way: 0 0 | 0 1 2.
    """
    places = np.arange(first, first + count)
    if mode == "edge" or size == 1:
        return np.clip(places, 0, size - 1)
    period, mirror = {"reflect": (2 * size - 2, 2 * size - 2), "symmetric": (2 * size, 2 * size - 1)}[mode]
    return np.minimum(places % period, mirror - places % period)


def window(image, tile, mode="reflect") -> np.ndarray:
    """Take the window ``(size, size, C)`` of a :class:`Tile` out of an image ``(H, W, C)``, without reading the rest of it."""
    inner = "edge" if mode == "zero" else mode
    rows = padded_index(tile.top, tile.size, image.shape[0], inner)
    columns = padded_index(tile.left, tile.size, image.shape[1], inner)
    part = np.asarray(image[np.ix_(rows, columns)])
    if mode == "zero":
        part[rows != tile.top + np.arange(tile.size)] = 0
        part[:, columns != tile.left + np.arange(tile.size)] = 0
    return part


def stream(predict, image, tile, halo, mode="reflect", multiple=16):
    """Yield each :class:`Tile` and its output ``(rows, columns, K)`` at once: memory does not grow with the image.

    Arguments and errors as for :func:`predict_tiled`.
    """
    validate.option("mode", mode, MODES)
    call = functools.partial(predict, training=False) if isinstance(predict, keras.Model) else predict
    for one in tiles(*image.shape[:2], tile, halo, multiple):
        batch = validate.images(window(image, one, mode)[None])
        output = np.asarray(call(batch))
        if output.shape[:3] != batch.shape[:3]:
            got = f"For a window {batch.shape} the network returned {output.shape}"
            raise ValueError(f"{got}; height and width must stay. Build the network with padding='same'.")
        yield one, output[0][one.inside]


def predict_tiled(predict, image, tile, halo, mode="reflect", multiple=16, out=None) -> np.ndarray:
    """Predict an image in tiles and combine their outputs.

    Args:
        predict: a network, or any function from ``(1, size, size, C)`` to ``(1, size, size, K)``; size is ``tile + 2 * halo``.
        image: floats in 0..1, ``(H, W, C)``, an array or a ``numpy.memmap``.
        tile, halo, multiple: see :func:`tiles`.
        mode: what stands beyond the border, one of ``MODES``, see :func:`padded_index`.
        out: array ``(H, W, K)`` to write into, for example a ``numpy.memmap``; a new float32 one by default.

    Raises:
        ValueError: an unknown mode, lengths off the grid, a window that is no image, or an output of another size.
    """
    for one, output in stream(predict, image, tile, halo, mode, multiple):
        if out is None:
            out = np.zeros((*image.shape[:2], output.shape[-1]), np.float32)
        out[one.rows, one.columns] = output
    return out
