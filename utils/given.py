"""Is it what a function can work with? Every answer is the value in a plain form, or an error in words.

Each function takes the name of an argument and what was given for it. The message of an error says both, and what is allowed.
"""

from __future__ import annotations

import math
import numbers
import operator
import os
import reprlib
from pathlib import Path

import numpy as np

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60


def shown(value) -> str:
    """A value as it stands in an error message: short, an array by its shape and dtype."""
    try:
        if hasattr(value, "shape") and hasattr(value, "dtype") and not isinstance(value, type):
            if value.shape:
                return f"an array of shape {tuple(value.shape)} and dtype {value.dtype}"
            return str(value) or repr(value)
        return _SHORT.repr(value)
    except Exception:  # its own repr fails, or a number has more digits than Python writes out
        return f"a {type(value).__name__} that cannot be shown"


def whole(name, value, low=None, high=None, rule=None) -> int:
    """A whole number as an int.

    Args:
        name: of the argument.
        value: what was given. True and False are no numbers here.
        low, high: smallest and largest value that is allowed; None for no limit.
        rule: what the message says about the limits, in place of "it must lie in low..high".

    Raises:
        TypeError: not a whole number.
        ValueError: outside the limits.
    """
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        found = operator.index(value)
    except Exception:
        raise TypeError(f"{name} is {shown(value)}; give a whole number.") from None
    _check_limits(name, found, low, high, rule)
    return found


def number(name, value, low=None, high=None, rule=None) -> float:
    """A real, finite number as a float. Arguments as for :func:`whole`.

    Raises:
        TypeError: not a real number.
        ValueError: NaN, infinite or outside the limits.
    """
    zero_dimensional = getattr(value, "shape", None) == () and getattr(value, "dtype", None) is not None
    plain = value.item() if zero_dimensional and hasattr(value, "item") else value
    if isinstance(plain, (bool, np.bool_)) or not isinstance(plain, numbers.Real):
        raise TypeError(f"{name} is {shown(value)}; give a number.")
    try:
        found = float(plain)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        limits = rule or _limits(low, high) or "it must be a finite number"
        raise ValueError(f"{name} is {shown(value)}; {limits}.")
    _check_limits(name, found, low, high, rule)
    return found


def flag(name, value) -> bool:
    """True or False, and nothing that only counts as such: the text "no" would count as True.

    Raises:
        TypeError: anything else.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {shown(value)}; give True or False.")
    return bool(value)


def choice(name, value, allowed) -> str:
    """One of some names.

    Raises:
        ValueError: anything else; the message lists the names.
    """
    if not isinstance(value, str) or value not in tuple(allowed):
        raise ValueError(f"{name} is {shown(value)}; choose one of {', '.join(map(repr, allowed))}.")
    return value


def array(name, value) -> np.ndarray:
    """Numbers as an array: what can be read as one, with a dtype of real numbers or bool.

    Raises:
        TypeError: it holds something else, or its rows are of different lengths.
    """
    try:
        found = np.asarray(value)
    except Exception:
        raise TypeError(f"{name} is {shown(value)}; it cannot be read as an array of numbers.") from None
    if found.dtype.kind not in "buif":
        raise TypeError(f"{name} is {shown(value)}, which holds {found.dtype}; give an array of numbers.")
    return found


def finite(name, value) -> np.ndarray:
    """As :func:`array`, without NaN and infinity.

    Raises:
        TypeError: as for :func:`array`.
        ValueError: values that are NaN or infinite.
    """
    found = array(name, value)
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        broken = np.count_nonzero(~np.isfinite(found))
        raise ValueError(f"{name} holds {broken} values that are NaN or infinite; finite numbers are allowed.")
    return found


def many(name, value) -> list:
    """The entries of a list, tuple, array or the like; a text is none.

    Raises:
        TypeError: it has no entries to take one by one.
    """
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{name} is {shown(value)}; give a list.")
    try:
        return list(value)
    except Exception:
        raise TypeError(f"{name} is {shown(value)}; give a list.") from None


def path(name, value) -> Path:
    """The name of a file or folder as a path.

    Raises:
        TypeError: not a text or path.
        ValueError: a name that is empty, too long, holds a zero byte, or cannot be written out.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} is {shown(value)}; give the name of a file or folder.")
    found = Path(value)
    try:
        lengths = [len(os.fsencode(part)) for part in found.parts]
    except UnicodeEncodeError:
        raise ValueError(
            f"{name} is {shown(value)}; no file can be called so: its letters cannot be written out."
        ) from None
    if not str(value) or "\0" in str(value) or max(lengths, default=0) > 200 or sum(lengths) > 4000:
        raise ValueError(f"{name} is {shown(value)}; give a name of 1 to 200 letters without a zero byte.")
    return found


def function(name, value):
    """Something that can be called.

    Raises:
        TypeError: it cannot.
    """
    if not callable(value):
        raise TypeError(f"{name} is {shown(value)}; give a function.")
    return value


def _limits(low, high):
    if low is not None and high is not None:
        return f"it must lie in {low}..{high}"
    if low is not None:
        return f"it must be {low} or more"
    return None if high is None else f"it must be {high} or less"


def _check_limits(name, value, low, high, rule):
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueError(f"{name} is {shown(value)}; {rule or _limits(low, high)}.")
