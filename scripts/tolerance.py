"""A plugin of pytest for nbval: a cell's numbers may differ by what its metadata states, and by nothing else.

A cell says ``"tolerance": 0.02`` (the largest difference of any number in its output) or ``"tolerance": "5 %"`` (relative to
the stored number). A number within it counts as the stored one. Words, the number of lines, and every other number are
compared strictly, as in any other cell.
"""

from __future__ import annotations

import functools
import re

from nbval.plugin import IPyNbCell

# The spaces before a number belong to it: in a column, 9.8 and 10.1 have different ones.
NUMBER = re.compile(r"( *[-+\N{MINUS SIGN}]?(?<![\w.])(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?)")


def settle(stored: str, found: str, tolerance: float | str) -> str:
    """The found text, with every number that is within the tolerance of the stored text's number written as that one.

    Texts that differ in anything but their numbers, or in how many numbers they hold, come back as they were found.
    """
    old, new = NUMBER.split(stored), NUMBER.split(found)
    if old[::2] != new[::2]:
        return found
    numbers = (a if within(value(a), value(b), tolerance) else b for a, b in zip(old[1::2], new[1::2]))
    return "".join(word + number for word, number in zip(old[::2], [*numbers, ""]))


def value(text: str) -> float:
    """The number that a text says."""
    return float(text.replace(",", "").replace("\N{MINUS SIGN}", "-").replace(" ", ""))


def within(stored: float, found: float, tolerance: float | str) -> bool:
    """Whether a number is near enough to the stored one."""
    if isinstance(tolerance, str):
        tolerance = abs(stored) * float(tolerance.removesuffix("%")) / 100
    return abs(found - stored) <= tolerance + 1e-9


def settle_outputs(stored: list, found: list, tolerance: float | str) -> list:
    """The found outputs of a cell, their texts settled; the k-th is compared with the k-th."""
    for old, new in zip(stored, found):
        for a, b in ((old, new), (old.get("data", {}), new.get("data", {}))):
            for kind in ("text", "text/plain", "text/html", "text/markdown"):
                if isinstance(a.get(kind), str) and isinstance(b.get(kind), str):
                    b[kind] = settle(a[kind], b[kind], tolerance)
    return found


def accept(compare):
    """nbval's comparison of a cell's outputs, made to accept what the cell's tolerance allows."""

    @functools.wraps(compare)
    def tolerant(self, test, ref, skip_compare=None):
        tolerance = self.cell.metadata.get("tolerance")
        if tolerance is not None:
            test = settle_outputs(ref, test, tolerance)
        return compare(self, test, ref, skip_compare)

    return tolerant


def pytest_configure():
    """Put the comparison in place."""
    if not hasattr(IPyNbCell.compare_outputs, "__wrapped__"):
        IPyNbCell.compare_outputs = accept(IPyNbCell.compare_outputs)
