"""How a figure is shown: one style sheet, one palette, and a text beside every picture."""

from __future__ import annotations

import functools
import io

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.colors import to_rgb
from PIL import Image

__all__ = [
    "BLACK", "ORANGE", "SKY", "GREEN", "YELLOW", "BLUE", "VERMILLION", "PURPLE", "GREY",
    "SPLIT_COLOURS", "STYLE_COLOURS", "CLASS_COLOURS", "LEVEL_COLOURS", "FALSE_NEGATIVE", "FALSE_POSITIVE", "TRUE_POSITIVE",
    "IMAGE_MAP", "PROBABILITY_MAP", "SIGNED_MAP", "STYLE", "WIDTH", "figure", "pictures", "render", "show_png", "smaller",
]  # fmt: skip

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
GREY = "#666666"

SPLIT_COLOURS = {"train": BLUE, "validation": ORANGE, "test": GREEN}
STYLE_COLOURS = {"background": GREY, "filled": BLUE, "outlined": ORANGE}
CLASS_COLOURS = {
    "background": GREY, "disc": BLUE, "square": ORANGE, "triangle": GREEN, "ring": PURPLE, "cross": VERMILLION,
    "star": YELLOW,
}  # fmt: skip
LEVEL_COLOURS = (BLUE, SKY, GREEN, ORANGE, VERMILLION)
"""Encoder and decoder level 1, 2, ... from the top of the U downward."""
FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE = VERMILLION, SKY, "#D9D9D9"
"""Error maps: shape taken for background, background taken for shape, shape that was found."""
IMAGE_MAP, PROBABILITY_MAP, SIGNED_MAP = "gray", "viridis", "PuOr"

STYLE = {
    "figure.facecolor": "white", "savefig.facecolor": "white", "axes.facecolor": "white", "figure.dpi": 100,
    "font.size": 11, "axes.titlesize": 11, "axes.labelsize": 11, "xtick.labelsize": 10, "ytick.labelsize": 10,
    "legend.fontsize": 10, "axes.spines.top": False, "axes.spines.right": False, "lines.linewidth": 2,
    "image.interpolation": "nearest", "legend.frameon": False, "figure.constrained_layout.use": True,
}  # fmt: skip
"""The style sheet. A white background keeps a figure readable on dark themes too."""

LARGE = 60_000
"""Bytes of a PNG from which on it is stored with fewer colours, so that a notebook stays small."""

WIDTH = 9.0
"""Width of a full figure in inches: 900 pixels, which fits a laptop's notebook column."""


# ---- Showing -----------------------------------------------------------------------------------------------------------


def figure(draw):
    """Make a function that returns a figure, or ``(figure, alt text)``, into one that shows it with an alt text."""

    @functools.wraps(draw)
    def show(*args, **kwargs):
        show_png(*render(show, *args, **kwargs))

    return show


def render(draw, *args, **kwargs) -> tuple[bytes, str]:
    """What a figure of this package would show for these arguments: the bytes of its PNG, and its alternative text."""
    before = set(plt.get_fignums())
    try:
        with plt.rc_context(STYLE):
            drawn = draw.__wrapped__(*args, **kwargs)
            fig, alt = drawn if isinstance(drawn, tuple) else (drawn, panels(drawn))
            buffer = io.BytesIO()
            fig.savefig(buffer, format="png")
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)
    return smaller(buffer.getvalue()), alt


def panels(fig) -> str:
    """What can be said of any figure: how many panels it has, and what stands above and beside them."""
    axes = [axis for axis in fig.axes if axis.get_subplotspec() and axis.get_visible()]
    said = [text for axis in axes for text in (axis.get_ylabel(), axis.get_title()) if text]
    return f"{len(axes)} pictures: {', '.join(said)}." if said else f"{len(axes)} pictures."


def smaller(png: bytes) -> bytes:
    """A PNG of more than ``LARGE`` bytes with 256 colours of its own instead of millions; a smaller one as it is."""
    if len(png) <= LARGE:
        return png
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def show_png(png: bytes, alt: str) -> None:
    """Show PNG bytes with alternative text; the plain text of the output is the same description."""
    display({"image/png": png, "text/plain": alt}, raw=True, metadata={"image/png": {"alt": alt}})


# ---- What several figures draw -----------------------------------------------------------------------------------------


def rgb(colours) -> np.ndarray:
    """Colours as an array ``(n, 3)``, 0..1; a map of whole numbers that indexes it becomes a picture."""
    return np.array([to_rgb(colour) for colour in colours])


def bare(axis, title="") -> None:
    """No ticks, a thin grey frame."""
    axis.set(xticks=[], yticks=[], title=title)
    axis.spines[:].set(visible=True, color=GREY)


def dashed_frame(axis, corner, width, height, thickness=4) -> None:
    """A frame that shows on any picture: yellow dashes on a black line."""
    for colour, line, dash in ((BLACK, thickness, "-"), (YELLOW, thickness / 2, "--")):
        axis.add_patch(plt.Rectangle(corner, width, height, fill=False, edgecolor=colour, lw=line, ls=dash))


def legend_below(fig, colours, hatches=None) -> None:
    """Say below a figure what its colours mean: label -> colour, and label -> hatch where there are any."""
    patches = [
        plt.Rectangle((0, 0), 1, 1, facecolor=colour, edgecolor=GREY, hatch=(hatches or {}).get(label), label=label)
        for label, colour in colours.items()
    ]
    fig.legend(handles=patches, loc="outside lower center", ncols=len(patches))


def tile_borders(axis, tile, image, linewidth) -> None:
    """Dotted white lines where the tiles of an image meet."""
    for border in range(tile, max(image.shape[:2]), tile):
        for line in (axis.axhline, axis.axvline):
            line(border - 0.5, color="white", linewidth=linewidth, linestyle=":")


def fill_rows(axes, rows, titles, cmap) -> None:
    """Show rows of pictures ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)``, 0..1, in rows of axes, a title over each column."""
    for axis_row, row in zip(axes, rows):
        for axis, picture in zip(axis_row, row):
            axis.imshow(picture, cmap=cmap, vmin=0, vmax=1)
            axis.set_axis_off()
    for axis, title in zip(axes[0], titles):
        axis.set_title(title)


@figure
def pictures(images, titles=None, *, columns=None, cmap=IMAGE_MAP, limits=(0, 1), side=None):
    """Show images or maps side by side.

    Args:
        images: a sequence of ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)`` arrays.
        titles: one text a picture, or None.
        columns: how many in a row; all by default, at most 6.
        cmap: colour map for single-channel pictures.
        limits: values at the two ends of the colour map, or None for each picture's own.
        side: width of a picture in inches.
    """
    columns = columns or min(len(images), 6)
    rows = -(-len(images) // columns)
    side = side or min(WIDTH / columns, 3)
    low, high = limits or (None, None)
    fig, axes = plt.subplots(rows, columns, figsize=(side * columns, (side + 0.3 * bool(titles)) * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, image, title in zip(axes.flat, images, titles or [""] * len(images)):
        axis.imshow(image, cmap=cmap, vmin=low, vmax=high)
        axis.set_title(title)
    return fig
