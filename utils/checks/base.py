"""How a check speaks: it waits, it agrees, or it says which mistake an answer looks like."""

from __future__ import annotations

import functools

import numpy as np


def check(examine):
    """Turn a function that returns a complaint, or None where all is well, into a check that speaks.

    The wrapped function is called with the reader's answer. It raises :class:`Waiting` where the stub is still empty.
    """

    @functools.wraps(examine)
    def speak(answer):
        try:
            complaint = examine(answer)
        except Waiting:
            print("… Waiting for your answer.")
        except Exception as error:  # whatever the reader's code does, the notebook goes on
            print(f"✗ Your code stopped with {type(error).__name__}: {error}")
        else:
            print(f"✗ {complaint}" if complaint else "✓ Right.")

    return speak


class Waiting(Exception):
    """The reader has not written anything yet."""


def call(answer, *args):
    """Call the reader's function; raises :class:`Waiting` where it returns ``None``."""
    result = answer(*args) if callable(answer) else answer
    if result is None:
        raise Waiting
    return result


def number(value):
    """The reader's value as a float."""
    return float(np.asarray(value))
