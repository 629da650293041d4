"""Checks that several figures share: how many panels, which values, and whether what belongs together fits together."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from utils import given

PANELS, INCHES = 200, 50
"""How many panels a figure may have, and how long its sides may be."""


def subplots(rows=1, columns=1, **more):
    """A figure and its panels, as ``plt.subplots`` makes them, but not without end.

    Args:
        rows, columns: how many panels below and beside each other, 200 in all.
        more: for ``plt.subplots``.

    Raises:
        TypeError, ValueError: no panel, too many of them, or a figure that is too large.
    """
    rows, columns = (
        given.whole(f"the number of {name} of panels", n, 1, PANELS)
        for name, n in (("rows", rows), ("columns", columns))
    )
    if rows * columns > PANELS:
        raise ValueError(f"{rows} x {columns} panels are too many; a figure can have {PANELS}.")
    for name, inches in zip(("width", "height"), more.get("figsize", ())):
        given.number(f"the {name} of the figure in inches", inches, 0.01, INCHES)
    return plt.subplots(rows, columns, **more)


def in_rows(count, columns, side):
    """How many columns a number of pictures takes, and how many rows; also whether the width of one is in order.

    Args:
        count: of the pictures.
        columns: what was given for it; None for all in a row, at most 6.
        side: width of a picture in inches that was given, or None.

    Raises:
        TypeError, ValueError: no picture, or a number outside its limits.
    """
    given.whole("the number of pictures", count, 1, PANELS)
    if side is not None:
        given.number("side", side, 0.05, INCHES)
    columns = min(count, 6) if columns is None else given.whole("columns", columns, 1, PANELS)
    return -(-count // columns), columns


def check_lengths(**lists) -> None:
    """See that lists hold one entry each for the same things; None stands for no list.

    Raises:
        TypeError: what has no length.
        ValueError: different lengths.
    """
    lengths = {name: len(entries) for name, entries in lists.items() if entries is not None}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"The numbers of entries differ: {said}; give one for each.")


def told_apart(items, looks):
    """Each item with a look of its own.

    Args:
        items: what is drawn, one or more.
        looks: colours, markers and the like.

    Raises:
        ValueError: nothing to draw, or more than there are looks: what is left over would not be drawn.
    """
    looks = list(looks)
    if not 1 <= len(items) <= len(looks):
        raise ValueError(f"There are {len(items)} things to draw; 1 to {len(looks)} of them can be told apart.")
    return list(zip(items, looks))


def curve(name, values) -> np.ndarray:
    """Finite numbers ``(n,)``, one or more.

    Raises:
        TypeError, ValueError: others.
    """
    values = given.finite(name, values)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"{name} has shape {values.shape}; give a list of numbers.")
    return values


def check_shares(name, values) -> None:
    """See that all values of a dictionary, or of a list, lie in 0..1, and that there are some.

    Raises:
        TypeError, ValueError: others.
    """
    pairs = list(values.items() if hasattr(values, "items") else enumerate(values))
    if not pairs:
        raise ValueError(f"{name} is {given.shown(values)}; it needs one entry or more.")
    for key, value in pairs:
        given.number(f"{name} at {given.shown(key)}", value, 0, 1)


def colour_picture(name, image) -> np.ndarray:
    """A colour picture ``(H, W, 3)`` of finite numbers.

    Raises:
        TypeError, ValueError: others.
    """
    image = given.finite(name, image)
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"{name} has shape {image.shape}; a colour picture has (H, W, 3).")
    return image


def mask_of(name, mask) -> np.ndarray:
    """A mask of 0 and 1 as ``(H, W)``, from ``(H, W)`` or ``(H, W, 1)``.

    Raises:
        TypeError, ValueError: another shape, or other values.
    """
    mask = given.finite(name, mask)
    if mask.ndim not in (2, 3) or mask.shape[2:] not in ((), (1,)) or not mask.size:
        raise ValueError(f"{name} has shape {mask.shape}; a mask has (H, W) or (H, W, 1).")
    if not np.isin(mask, (0, 1)).all():
        raise ValueError(f"{name} runs from {mask.min():g} to {mask.max():g}; a mask holds 0 and 1.")
    return mask.reshape(mask.shape[:2])


def check_sizes(**pictures) -> None:
    """See that pictures and maps have the same height and width.

    Raises:
        ValueError: they have not, or one has no height and width.
    """
    sizes = {name: np.shape(picture)[:2] for name, picture in pictures.items()}
    if len(set(sizes.values())) > 1 or any(len(size) < 2 for size in sizes.values()):
        said = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise ValueError(f"Heights and widths do not fit together: {said}; all must be the same.")


def check_square(name, picture) -> int:
    """The side of a square picture.

    Raises:
        ValueError: it is not square.
    """
    size = np.shape(picture)[:2]
    if len(size) < 2 or size[0] != size[1]:
        raise ValueError(f"{name} has shape {np.shape(picture)}; it must be as high as it is wide.")
    return size[0]


def borders_of_tiles(tile, side):
    """Where tiles meet in a picture.

    Args:
        tile: side of a tile in pixels.
        side: longer side of the picture.

    Raises:
        TypeError, ValueError: not a whole number, or so small that lines would cover the picture.
    """
    tile = given.whole("tile", tile, 1)
    if side > 100 * tile:
        raise ValueError(f"tile is {tile} and the picture {side} pixels; 100 tiles beside each other can be drawn.")
    return range(tile, side, tile)
