"""Predict pictures of any size in tiles of one size: the overlap-tile strategy.

Source: Ronneberger, Fischer, Brox, "U-Net", 2015, section 2: each tile is predicted from a larger window, whose missing part
beyond the picture's border is mirrored.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from utils import given, project, shapes

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
        TypeError: sizes that are not whole numbers.
        ValueError: sizes out of range, or off the grid; the message names the next ones.
    """
    named = {"height": height, "width": width, "tile": tile, "halo": halo, "multiple": multiple}
    height, width, tile, halo, multiple = (given.whole(*one, -(2**31), 2**31 - 1) for one in named.items())
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

    Raises:
        TypeError, ValueError: numbers of another kind or out of range, an unknown mode.
    """
    first, count = given.whole("first", first, -(2**40), 2**40), given.whole("count", count, 1, 2**31 - 1)
    size, mode = given.whole("size", size, 1, 2**40), given.choice("mode", mode, MODES)
    if count > 2**24:
        raise ValueError(f"count is {count}; at most 2**24 places are looked up at once.")
    if mode == "zero":
        raise ValueError("mode is 'zero'; beyond the picture there is nothing to look up then. Choose another one.")
    places = np.arange(first, first + count)
    if mode == "edge" or size == 1:
        return np.clip(places, 0, size - 1)
    if mode == "symmetric":
        places = places % (2 * size)
        return np.where(places < size, places, 2 * size - 1 - places)
    places = places % (2 * size - 2)
    return np.where(places < size, places, 2 * size - 2 - places)


def window(picture, tile, mode="reflect") -> np.ndarray:
    """Cut the window of a tile out of a picture; only the window is copied.

    Args:
        picture: ``(H, W, C)``, an array or a ``numpy.memmap``.
        tile: a :class:`Tile`.
        mode: what stands beyond the border, one of ``MODES``, see :func:`beyond`.

    Returns:
        array ``(size, size, C)``

    Raises:
        TypeError, ValueError: not a tile, not a picture, an unknown mode.
    """
    _check_picture(picture)
    if not isinstance(tile, Tile):
        raise TypeError(f"tile is {given.shown(tile)}; give one that tiling.tiles yields.")
    mode = given.choice("mode", mode, MODES)
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
        TypeError: no function, or no array.
        ValueError: a picture without three axes, an unknown mode, or an output that is not as large as its window.
    """
    _check_picture(picture)
    predict, mode = given.function("predict", predict), given.choice("mode", mode, MODES)
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

    Raises:
        TypeError, ValueError: as :func:`stream`; an ``out`` that does not fit.
    """
    _check_picture(picture)
    if out is not None and (not isinstance(out, np.ndarray) or out.ndim != 3 or out.shape[:2] != np.shape(picture)[:2]):
        raise ValueError(f"out is {given.shown(out)}; give an array (H, W, K) of the picture's height and width.")
    for one, output in stream(predict, picture, tile, halo, mode, multiple):
        if out is None:
            out = np.zeros((*picture.shape[:2], output.shape[-1]), np.float32)
        elif out.shape[-1] != output.shape[-1]:
            raise ValueError(
                f"out has {out.shape[-1]} channels, the network returned {output.shape[-1]}; both must be one."
            )
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

    Raises:
        TypeError, ValueError: a number of another kind or out of range.
    """
    blocks = given.whole("blocks", blocks, 1, 64, "1 to 64 blocks along each side are drawn")
    plan = shapes.plan(blocks**2, split="test", seed=seed)
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


def _check_picture(picture):
    """Raise an error unless this is an array of numbers (H, W, C) with a pixel; its values are not read."""
    if not isinstance(picture, np.ndarray) or picture.dtype.kind not in "buif":
        raise TypeError(f"picture is {given.shown(picture)}; give an array of numbers, or a numpy.memmap.")
    if picture.ndim != 3 or not picture.size:
        raise ValueError(f"picture has shape {picture.shape}; it needs (H, W, channels), and a pixel.")
