"""Compute the statistics of the shapes data set and write them into its card: ``python -m scripts.shapes_statistics``."""

from __future__ import annotations

import re

import numpy as np

from utils import project, shapes

CARD = project.DATA / "shapes_card.md"
TABLE = re.compile(r"(?s)(?<=<!-- statistics: begin -->\n).*(?=\n<!-- statistics: end -->)")
COUNT = 500


def table() -> str:
    """The settings and the statistics of every level, as markdown."""
    levels = list(shapes.LEVELS.values())
    drawn = [shapes.draw(COUNT, level=level.name) for level in levels]

    def span(values, digits=0):
        return " to ".join(f"{value:.{digits}f}" for value in values)

    def percent(values):
        return [f"{100 * value:.0f} %" for value in values]

    rows = [
        ("shapes in an image", [span(level.shapes) for level in levels]),
        ("radius, share of the side", [span(level.radius, 2) for level in levels]),
        ("contrast to the background", [span(level.contrast, 2) for level in levels]),
        ("thickness of outlines, share of the side", [f"{level.line:.3f}" for level in levels]),
        ("strength of the texture", [f"{level.texture:.2f}" for level in levels]),
        ("noise, standard deviation", [f"{level.noise:.2f}" for level in levels]),
        ("distractor lines", [span(level.lines) for level in levels]),
        ("distractor specks", [span(level.specks) for level in levels]),
        ("pixels on a silhouette", percent(s.masks.mean() for s in drawn)),
        ("the same, emptiest image", percent(s.masks.mean(axis=(1, 2, 3)).min() for s in drawn)),
        ("the same, fullest image", percent(s.masks.mean(axis=(1, 2, 3)).max() for s in drawn)),
        ("pixels on filled shapes", percent(np.mean(s.styles == 1) for s in drawn)),
        ("pixels on outlined shapes", percent(np.mean(s.styles == 2) for s in drawn)),
    ]
    rows += [
        (f"pixels on a {n}", percent(np.mean(s.classes == k) for s in drawn)) for k, n in enumerate(shapes.KINDS, 1)
    ]
    lines = ["| | " + " | ".join(level.name for level in levels) + " |", "|---" * (len(levels) + 1) + "|"]
    return "\n".join(lines + [f"| {name} | " + " | ".join(values) + " |" for name, values in rows])


def stored() -> str:
    """The table that the card holds."""
    return TABLE.search(CARD.read_text(encoding="utf-8"))[0]


if __name__ == "__main__":
    CARD.write_text(TABLE.sub(lambda _: table(), CARD.read_text(encoding="utf-8")), encoding="utf-8")
    print(table())
