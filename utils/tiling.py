"""Predict pictures of any size in tiles of one size: the overlap-tile strategy.

Source: Ronneberger, Fischer, Brox, "U-Net", 2015, section 2: each tile is predicted from a larger window, whose missing part
beyond the picture's border is mirrored.
"""

from __future__ import annotations

import dataclasses
import operator

import numpy as np

from utils import project, shapes

MODES = ("reflect", "symmetric", "edge", "zero")


@dataclasses.dataclass(frozen=True)
class Tile:
    """A part of a picture, and the window that it is predicted from.

    Attributes:
        rows, columns: slices of the picture: the tile, cut at the picture's border.
        top, left: where the window begins, in pixels of the picture; negative beyond its border.
        size: side of the window.
        inside: slices of the window's output that belong to the tile.
    """

    rows: slice
    columns: slice
    top: int
    left: int
    size: int
    inside: tuple[slice, slice]


def tiles(height, width, tile, halo, multiple=16):
    """Yield the tiles of a picture, row by row.

    Args:
        height, width: of the picture, in pixels.
        tile: side of a tile.
        halo: how far the window reaches beyond its tile, on each side.
        multiple: tile and halo must be multiples of it, so that every window lies on the grid on which the network pools: 2 to
            the power of its poolings.

    Yields:
        Tile

    Raises:
        ValueError: sizes out of range, or off the grid; the message names the next ones.
    """
    tile, halo, multiple = (operator.index(number) for number in (tile, halo, multiple))
    if min(height, width, tile, multiple) < 1 or halo < 0:
        raise ValueError(
            f"picture {height} x {width}, tile {tile}, halo {halo}, multiple {multiple}: sides are 1 pixel or more, a halo is "
            "0 or more."
        )
    for name, length in (("tile", tile), ("halo", halo)):
        if length % multiple:
            next_one = -(-length // multiple) * multiple
            raise ValueError(
                f"{name} is {length} px; windows must lie on the grid of the poolings. Use a multiple of {multiple}, for "
                f"example {next_one}."
            )
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            rows, columns = slice(top, min(top + tile, height)), slice(left, min(left + tile, width))
            inside = slice(halo, halo + rows.stop - top), slice(halo, halo + columns.stop - left)
            yield Tile(rows, columns, top - halo, left - halo, tile + 2 * halo, inside)


def beyond(first, count, size, mode="reflect") -> np.ndarray:
    """Which rows (or columns) of a picture to look up for places that may lie beyond it.

    Args:
        first: the first place; negative before the picture.
        count: how many places.
        size: of the picture, along this axis.
        mode: ``"reflect"`` mirrors at the centre of the last pixel, which is not repeated: 2 1 | 0 1 2. ``"symmetric"`` repeats
            it: 1 0 | 0 1 2. ``"edge"`` repeats it all the way: 0 0 | 0 1 2. (Names and results as those of ``numpy.pad``.)

    Returns:
        integer array ``(count,)``, 0 to size - 1.
    """
    places = np.arange(first, first + count)
    if mode == "edge" or size == 1:
        return np.clip(places, 0, size - 1)
    if mode == "symmetric":
        places = places % (2 * size)
        return np.where(places < size, places, 2 * size - 1 - places)
    if mode == "reflect":
        places = places % (2 * size - 2)
        return np.where(places < size, places, 2 * size - 2 - places)
    raise ValueError(f"mode is {mode!r}; choose one of {', '.join(map(repr, MODES))}.")


def window(picture, tile, mode="reflect") -> np.ndarray:
    """Cut the window of a tile out of a picture; only the window is copied.

    Args:
        picture: ``(H, W, C)``, an array or a ``numpy.memmap``.
        tile: a :class:`Tile`.
        mode: what stands beyond the border, one of ``MODES``, see :func:`beyond`.

    Returns:
        array ``(size, size, C)``
    """
    height, width = picture.shape[:2]
    axes = [(tile.top, height), (tile.left, width)]
    rows, columns = (beyond(first, tile.size, size, "edge" if mode == "zero" else mode) for first, size in axes)
    cut = np.asarray(picture[np.ix_(rows, columns)])
    if mode == "zero":
        there = [
            (np.arange(first, first + tile.size) >= 0) & (np.arange(first, first + tile.size) < size)
            for first, size in axes
        ]
        cut = cut * np.logical_and.outer(*there)[..., None].astype(cut.dtype)
    return cut


def stream(predict, picture, tile, halo, mode="reflect", multiple=16):
    """Predict tile by tile and hand each over at once: what is in memory does not depend on the picture's size.

    Args:
        predict: a network, or any function from ``(1, size, size, C)`` to ``(1, size, size, K)``; size is ``tile + 2 * halo``.
        picture: ``(H, W, C)``, an array or a ``numpy.memmap``.
        tile, halo, multiple: see :func:`tiles`.
        mode: what stands beyond the border, one of ``MODES``.

    Yields:
        tuple: a :class:`Tile` and its output, ``(rows, columns, K)``.

    Raises:
        ValueError: a picture without three axes, an unknown mode, or an output that is not as large as its window.
    """
    if np.ndim(picture) != 3:
        raise ValueError(f"picture has shape {np.shape(picture)}; it needs (H, W, channels).")
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; choose one of {', '.join(map(repr, MODES))}.")
    for one in tiles(*picture.shape[:2], tile, halo, multiple):
        output = np.asarray(predict(window(picture, one, mode)[None]))
        if output.ndim != 4 or output.shape[:3] != (1, one.size, one.size):
            raise ValueError(
                f"For a window (1, {one.size}, {one.size}, {picture.shape[2]}) the network returned {output.shape}; it must "
                f"return (1, {one.size}, {one.size}, channels). A network without padding needs its own bookkeeping."
            )
        yield one, output[0][one.inside]


def predict_tiled(predict, picture, tile, halo, mode="reflect", multiple=16, out=None) -> np.ndarray:
    """Predict a picture in tiles and put their outputs together.

    Args:
        predict, picture, tile, halo, mode, multiple: see :func:`stream`.
        out: array ``(H, W, K)`` to write into, for example a ``numpy.memmap``; a new one by default.

    Returns:
        float32 ``(H, W, K)``, or ``out``.
    """
    for one, output in stream(predict, picture, tile, halo, mode, multiple):
        if out is None:
            out = np.zeros((*picture.shape[:2], output.shape[-1]), np.float32)
        out[one.rows, one.columns] = output
    project.release_memory(collect=False)
    return out


def scene(blocks=8, seed=0) -> shapes.Samples:
    """Draw a large picture with shapes as large, in pixels, as those of the series' 64 x 64 pictures.

    Blocks of 128 x 128 px, four shapes each, on one ground: its colour and its waves are the same in all blocks and go on
    across their sides.

    Args:
        blocks: along each side; 8 give 1024 x 1024.
        seed: as for :func:`utils.shapes.draw`.

    Returns:
        Samples: one picture. (Its ``instances`` number the shapes of each block from 1 to 4 again.)
    """
    plan = shapes.plan(operator.index(blocks) ** 2, split="test", seed=seed)
    plan.present[:] = True
    free_x, free_y = ((place - 0.85 * plan.radius) / (1 - 1.7 * plan.radius) for place in (plan.x, plan.y))
    for part in (plan.radius, plan.line, plan.specks[..., 2], plan.lines[..., 3]):
        part /= 2
    plan.x[:], plan.y[:] = (plan.radius + (1 - 2 * plan.radius) * free for free in (free_x, free_y))  # none is cut off
    ground = plan.ground[0].copy()
    plan.colour[:] = np.clip(plan.colour + (ground - plan.ground)[:, None], 0, 1)
    plan.ground[:], plan.slope[:] = ground, 0
    plan.waves[:] = plan.waves[:1]
    plan.waves[..., :2] = np.rint(2 * plan.waves[..., :2])  # whole cycles, so that a wave fits its block
    painted = shapes.paint(plan, 128)

    def together(array):
        rows = array.reshape(blocks, blocks, *array.shape[1:])
        joined = np.moveaxis(rows, 1, 2).reshape(blocks * 128, blocks * 128, *array.shape[3:])
        return joined[None]

    return shapes.Samples(*(together(getattr(painted, part.name)) for part in dataclasses.fields(painted)))
