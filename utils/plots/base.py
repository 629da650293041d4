"""How a figure is shown: one style sheet, one palette, and a text beside every picture."""

from __future__ import annotations

import functools
import io

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from PIL import Image

from utils import given
from utils.plots import guard
from utils.plots.inputs import check_lengths, in_rows, subplots

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
GREY = "#666666"

SPLIT_COLOURS = {"train": BLUE, "validation": ORANGE, "test": GREEN}
STYLE_COLOURS = {"ground": GREY, "filled": BLUE, "outlined": ORANGE}
CLASS_COLOURS = {
    "ground": GREY, "disc": BLUE, "square": ORANGE, "triangle": GREEN, "ring": PURPLE, "cross": VERMILLION, "star": YELLOW,
}  # fmt: skip
LEVEL_COLOURS = (BLUE, SKY, GREEN, ORANGE, VERMILLION)
"""Encoder and decoder level 1, 2, ... from the top of the U downward."""
MISSED, INVENTED, FOUND = VERMILLION, SKY, "#D9D9D9"
"""Error maps: silhouette pixels that the network missed, ground pixels that it took for a shape, correct silhouette."""
IMAGE_MAP, PROBABILITY_MAP, SIGNED_MAP = "gray", "viridis", "PuOr"

STYLE = {
    "figure.facecolor": "white", "savefig.facecolor": "white", "axes.facecolor": "white", "figure.dpi": 100,
    "font.size": 11, "axes.titlesize": 11, "axes.labelsize": 11, "xtick.labelsize": 10, "ytick.labelsize": 10,
    "legend.fontsize": 10, "axes.spines.top": False, "axes.spines.right": False, "lines.linewidth": 2,
    "image.interpolation": "nearest", "legend.frameon": False, "figure.constrained_layout.use": True,
}  # fmt: skip
"""The style sheet. The white ground makes figures readable on dark themes too."""

LARGE = 60_000
"""Bytes of a PNG from which on it is stored with fewer colours, so that a notebook stays small."""

WIDTH = 9.0
"""Width of a full figure in inches: 900 pixels, which fits a laptop's notebook column."""


def figure(draw):
    """Make a function that returns ``(figure, alt text)`` into one that shows the figure with its alt text.

    Raises:
        TypeError: not a function.
    """
    given.function("draw", draw)

    @functools.wraps(draw)
    def show(*args, **kwargs):
        show_png(*render(show, *args, **kwargs))

    return show


def render(draw, *args, **kwargs) -> tuple[bytes, str]:
    """What a figure of this package would show: the bytes of its PNG, and its alternative text.

    Args:
        draw: a function made with :func:`figure`.
        args, kwargs: its arguments.

    Raises:
        TypeError, ValueError: ``draw`` is not a figure, or it cannot draw these arguments, or would show them wrong without a
            word (:func:`utils.plots.guard.check_seen`). The message says what was given, and what the figure takes.
    """
    if not (callable(draw) and hasattr(draw, "__wrapped__")):
        raise TypeError(f"draw is {given.shown(draw)}; give a function of utils.plots that draws a figure.")
    arguments = guard.arguments(draw.__wrapped__, args, kwargs)
    before = set(plt.get_fignums())
    try:
        with plt.rc_context(STYLE), guard.clipping() as records:
            answer = draw.__wrapped__(*args, **kwargs)
            guard.check_answer(answer)
            fig, alt = answer
            guard.check_seen(fig, records)
            buffer = io.BytesIO()
            fig.savefig(buffer, format="png")
    except Exception as error:
        raise guard.in_words(draw, arguments, error) from error
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)
    return smaller(buffer.getvalue()), alt


def smaller(png: bytes) -> bytes:
    """A PNG of more than ``LARGE`` bytes with 256 colours of its own in place of millions; a smaller one as it is.

    Raises:
        TypeError: no bytes.
        ValueError: more bytes than that, and no picture.
    """
    if not isinstance(png, bytes):
        raise TypeError(f"png is {given.shown(png)}; give the bytes of a PNG file.")
    if len(png) <= LARGE:
        return png
    buffer = io.BytesIO()
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    except Exception as error:
        raise ValueError(f"png holds {len(png):,} bytes that are not a PNG file: {error}") from error
    return buffer.getvalue()


def show_png(png: bytes, alt: str) -> None:
    """Show PNG bytes with alternative text; the plain text of the output is the same description.

    Raises:
        TypeError: no bytes, or no text.
        ValueError: bytes of something else, or an empty text.
    """
    if not isinstance(png, bytes):
        raise TypeError(f"png is {given.shown(png)}; give the bytes of a PNG file.")
    if not png.startswith(b"\x89PNG"):
        raise ValueError(f"png is {given.shown(png)}; the bytes of a PNG file begin with \\x89PNG.")
    guard.check_text(alt)
    display({"image/png": png, "text/plain": alt}, raw=True, metadata={"image/png": {"alt": alt}})


def fill_rows(axes, rows, titles, cmap) -> None:
    """Show rows of pictures ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)``, 0..1, in rows of axes, a title over each column."""
    for axis_row, row in zip(axes, rows):
        check_lengths(titles=titles, pictures_of_a_row=row)
        for axis, picture in zip(axis_row, row):
            picture = np.asarray(picture)
            axis.imshow(picture[..., 0] if picture.shape[2:] == (1,) else picture, cmap=cmap, vmin=0, vmax=1)
            axis.set_axis_off()
    for axis, title in zip(axes[0], titles):
        axis.set_title(title)


@figure
def pictures(images, titles=None, *, alt, columns=None, cmap=IMAGE_MAP, limits=(0, 1), side=None):
    """Show images or maps side by side.

    Args:
        images: a sequence of ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)`` arrays.
        titles: one text a picture, or None.
        alt: what the pictures show.
        columns: how many in a row; all by default, at most 6.
        cmap: colour map for single-channel pictures.
        limits: values at the two ends of the colour map, or None for each picture's own.
        side: width of a picture in inches.
    """
    images = [np.asarray(image) for image in given.many("images", images)]
    check_lengths(images=images, titles=titles or None)
    rows, columns = in_rows(len(images), columns, side)
    side = min(WIDTH / columns, 3) if side is None else side
    low, high = (None, None) if limits is None else limits
    if limits is not None and not given.number("limits[0]", low) < given.number("limits[1]", high):
        raise ValueError(f"limits are {given.shown(limits)}; the first must be the smaller one.")
    fig, axes = subplots(rows, columns, figsize=(side * columns, (side + 0.3 * bool(titles)) * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for k, (axis, image) in enumerate(zip(axes.flat, images)):
        axis.imshow(image[..., 0] if image.shape[2:] == (1,) else image, cmap=cmap, vmin=low, vmax=high)
        if titles:
            axis.set_title(titles[k])
    return fig, alt
