"""What stands between a figure and its reader: errors in words, and nothing that is shown wrong without a word."""

from __future__ import annotations

import contextlib
import inspect
import logging
import re
import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from utils import given

PIXELS = 5_000
"""The longest side that a figure may have."""
ROUNDING = 1e-3
"""How far a value may lie outside of its scale without a word."""
CUT_OFF = 0.1
"""The share of a picture's pixels that may lie beyond a scale of 0..1, by no more than 1: notebook 01 cuts off extremes so."""


def arguments(draw, args, kwargs) -> dict:
    """Name -> value of what a function is called with.

    Raises:
        TypeError: Python's own, which names the argument that is missing, unknown or given twice.
    """
    return dict(inspect.signature(draw).bind(*args, **kwargs).arguments)


def takes(draw) -> str:
    """What the docstring of a figure says about its arguments; its first line where it says nothing about them."""
    text = inspect.getdoc(draw) or ""
    found = re.search(r"^Args:\n((?: .*\n?)+)", text, re.MULTILINE)
    return textwrap.dedent(found[1]).rstrip() if found else text.partition("\n")[0]


def in_words(draw, arguments, error) -> TypeError | ValueError:
    """The error of a figure that failed: its name, the cause, what it was given, and what it takes.

    Args:
        draw: the figure.
        arguments: name -> value of what it was given.
        error: what was raised inside of it. Words of :mod:`utils` are passed on as they are.

    Returns:
        TypeError for a TypeError, else ValueError.
    """
    kind = TypeError if isinstance(error, TypeError) else ValueError
    was = ", ".join(f"{name} = {_line(given.shown, value, 100)}" for name, value in arguments.items()) or "nothing"
    words, name = _line(str, error, 400), type(error).__name__
    cause = words if words and type(error) in (TypeError, ValueError) else f"{name} {words}".rstrip()
    return kind(
        f"{draw.__name__} cannot draw this: {cause}\nIt was given: {was}\nIt takes:\n"
        + textwrap.indent(takes(draw) or "nothing that is written down", "  ")
    )


def _line(say, value, most):
    """What a function says about a value, in one line of limited length."""
    try:
        text = " ".join(say(value).split())
    except Exception:  # a value that cannot say what it is
        text = f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= most else text[: most - 3] + "..."


def check_answer(answer) -> None:
    """Look at what a figure's function returned.

    Raises:
        TypeError: not a figure and a text.
        ValueError: an empty text.
    """
    pair = isinstance(answer, tuple) and len(answer) == 2
    if not pair or not isinstance(answer[0], Figure):
        raise TypeError(f"It returned {given.shown(answer)}; a figure returns (figure, text).")
    check_text(answer[1])


def check_text(alt) -> None:
    """Look at the text that stands for a picture.

    Raises:
        TypeError: no text.
        ValueError: an empty one.
    """
    if not isinstance(alt, str):
        raise TypeError(f"alt is {given.shown(alt)}; give a text that says what the picture shows.")
    if not alt.strip():
        raise ValueError(f"alt is {given.shown(alt)}; a picture needs a text that says what it shows.")


@contextlib.contextmanager
def clipping():
    """Collect the ranges of colour pictures that matplotlib cuts to 0..1, which it only tells a log: a list of records."""
    records = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = records.append
    logger = logging.getLogger("matplotlib.image")
    logger.addHandler(handler)
    try:
        yield records
    finally:
        logger.removeHandler(handler)


def check_seen(fig, records=()) -> None:
    """Refuse a figure that would show something wrong without a word.

    Args:
        fig: a drawn matplotlib figure that is not saved yet.
        records: what :func:`clipping` collected while it was drawn.

    Raises:
        ValueError: too many pixels; a picture with values that have no colour, or lie beyond its colours; a line or bar of
            which nothing would be seen; a point of a line outside of its panel.
    """
    size = max(fig.get_size_inches()) * fig.dpi
    if not size <= PIXELS:
        raise ValueError(f"the figure would be {size:,.0f} pixels wide or high; at most {PIXELS:,} are allowed.")
    for fault in _faults(fig, records):
        raise ValueError(fault)


def _faults(fig, records):
    yield from filter(None, map(_cut_colours, records))
    for axis in fig.axes:
        for image in axis.images:
            yield from filter(None, (fault(image) for fault in (_no_colour, _beyond_colours)))
        yield from filter(None, (_outside(line, axis) for line in axis.lines))
        for patch in axis.patches:
            if isinstance(patch, Rectangle) and not np.isfinite(patch.get_bbox().bounds).all():
                yield "a bar or frame has a place or length that is NaN or infinite; give finite numbers."


def _cut_colours(record):
    """What is wrong with a colour picture that was cut to its range; nothing where only rounding was cut off."""
    if len(record.args or ()) == 2:
        low, high = record.args
        if low >= -ROUNDING and high <= 1 + ROUNDING:
            return None
        return f"a colour picture runs from {low:g} to {high:g}; its values must lie in 0..1."
    return "a colour picture has values outside of its range; they must lie in 0..1."


def _no_colour(image):
    """What is wrong with a picture that has pixels without a colour, or colours of another kind."""
    values = image.get_array()
    if not values.size:
        return f"a picture has shape {values.shape}; it needs pixels."
    hidden = np.ma.getmaskarray(values) | ~np.isfinite(np.ma.getdata(values))
    if hidden.any():
        return f"a picture holds {hidden.sum():,} values that are NaN or infinite; give finite numbers."
    if values.ndim == 3 and values.shape[2] != 3:
        return f"a picture has shape {values.shape}; a colour picture has 3 channels."
    if values.ndim == 3 and values.dtype.kind in "iu" and values.max() == 1:
        return "a colour picture holds whole numbers, 0 and 1, which are nearly the same black; give it as float."
    return None


def _beyond_colours(image):
    """What is wrong with a picture on a scale of 0..1 that lies outside of it."""
    values = image.get_array()
    if values.ndim != 2 or not values.size or image.get_clim() != (0, 1):
        return None
    low, high = float(values.min()), float(values.max())
    if low >= -ROUNDING and high <= 1 + ROUNDING:
        return None
    share = np.mean((values < -ROUNDING) | (values > 1 + ROUNDING))
    if low >= -1 - ROUNDING and high <= 2 + ROUNDING and share <= CUT_OFF:
        return None
    return (
        f"a picture runs from {low:g} to {high:g}, its colours from 0 to 1: {share:.0%} of it would all look the same."
    )


def _outside(line, axis):
    """What is wrong with a line that has points where nobody sees them, or points that are no numbers."""
    kinds = {np.asarray(part).dtype.kind for part in (line.get_xdata(orig=True), line.get_ydata(orig=True))}
    if kinds - set("buif"):
        return "a line is drawn from texts or other things that are no numbers; give numbers."
    points = np.asarray(line.get_xydata(), float).reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return "a line has no point with finite numbers; nothing of it would be seen."
    if line.get_transform() is not axis.transData:  # a line across the whole panel
        return None
    ends = np.sort([axis.get_xlim(), axis.get_ylim()], axis=1)
    margin = 1e-6 * np.ptp(ends, axis=1)
    for point in points[((points < ends[:, 0] - margin) | (points > ends[:, 1] + margin)).any(axis=1)]:
        place, (across, up) = f"({point[0]:g}, {point[1]:g})", [f"{low:g}..{high:g}" for low, high in ends]
        return f"the point {place} of a line lies outside of the panel, which shows {across} across and {up} upward."
    return None
