"""How a check speaks: it waits, it agrees, or it says which mistake an answer looks like."""

from __future__ import annotations

import copy
import functools

import numpy as np


class Waiting(Exception):
    """The reader has not written anything yet."""


class Wrong(Exception):
    """What is wrong with an answer, in words."""


def check(examine):
    """Turn a generator of complaints into a check that speaks and never raises.

    ``examine`` is called with the reader's answer. It yields a complaint, or None where all is well so far; the first
    complaint is printed, and nothing after it is run. It may also raise :class:`Waiting` or :class:`Wrong`.
    """

    @functools.wraps(examine)
    def speak(answer):
        try:
            complaint = next(filter(None, examine(answer)), None)
        except Waiting:
            print("… Waiting for your answer.")
            return
        except Wrong as wrong:
            complaint = wrong
        except Exception as error:  # whatever the reader's code does, the notebook goes on
            complaint = f"Your code stopped with {type(error).__name__}: {error}"
        print(f"✗ {complaint}" if complaint else "✓ Right.")

    return speak


def call(answer, *args):
    """The reader's value, or what the reader's function returns for copies of these arrays and lists."""
    if callable(answer):
        answer = answer(*(copy.deepcopy(arg) if isinstance(arg, (np.ndarray, list)) else arg for arg in args))
    if answer is None:
        raise Waiting
    return answer


def number(value, advice="Return one number."):
    """The reader's value as a float, if it is one number."""
    array = np.asarray(value)
    if array.ndim or array.dtype.kind not in "iuf":
        raise Wrong(f"{advice} Yours is {_kind(value)}.")
    return float(array)


def parts(value, count, advice):
    """The reader's values, if there are that many and none is still empty."""
    if not isinstance(value, (tuple, list, np.ndarray)) or len(value) != count:
        raise Wrong(f"{advice} Yours is {_kind(value)}.")
    if any(part is None for part in value):
        raise Waiting
    return value


def judge(value, right, mistakes=(), shapes=None, case="", otherwise=None, rtol=1e-4, atol=1e-6):
    """Compare a value with the right one, then with wrong ones: None if it is right, or a complaint.

    Args:
        value, right: numbers or arrays, equal up to the tolerances.
        mistakes: pairs of a wrong value, of any shape, and the sentence for it.
        shapes: dict from a wrong shape to the sentence for it.
        case: words that every complaint begins with.
        otherwise: the last word on a value of the right shape; by default it names the first place that differs.
    """
    value, right = np.asarray(value, float), np.asarray(right, float)
    for known, sentence in ((right, None), *mistakes):
        if value.shape == np.shape(known) and np.allclose(value, known, rtol, atol, equal_nan=True):
            return sentence and case + sentence
    if value.shape != right.shape:
        return case + (shapes or {}).get(value.shape, f"The shape is {value.shape}; it should be {right.shape}.")
    if otherwise:
        return case + otherwise
    if not value.ndim:
        return f"{case}You return {value:.4g}; it should be {right:.4g}."
    differ = ~np.isclose(value, right, rtol, atol, equal_nan=True)
    place = tuple(np.argwhere(differ)[0].tolist())
    first = f"The first, at {list(place)}, is {value[place]:.4g}; it should be {right[place]:.4g}."
    return f"{case}{differ.sum()} of {differ.size} values are wrong. {first}"


def _kind(value):
    if getattr(value, "shape", ()):
        return f"an array of shape {tuple(value.shape)}"
    kind = type(value).__name__
    return f"a {kind} of {len(value)}" if isinstance(value, (tuple, list, dict, set)) else f"of type {kind}"
