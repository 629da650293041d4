"""How fast are pictures drawn?"""

from __future__ import annotations

from functools import partial
from statistics import median

from scripts.bench import measure, peer_task
from scripts.bench.measure import shown, spread
from utils import shapes

AIM = 20
"""How many times as fast as the plain version of the peer's generator drawing should be."""
PIXELS = 20 * 192**2
"""Pixels that the plain version draws in a measurement; the faster ones draw more."""
PLAIN = "our plain version of the nearest peer's generator"


def tables(quick: bool) -> list[measure.Table]:
    """The series' pictures and the peer's, each beside the plain version of the peer's generator."""

    def series(count, size):
        shapes.draw(count, size=size)

    def windows(count, size):
        peer_task.draw(count, side=size)

    ours = beside_plain("series, standard level", series, 4, (64, 128, 256), quick)
    return [against_the_peer(*ours), same_task(*beside_plain("windows only", windows, 10, (64, 128, 192, 256), quick))]


def beside_plain(name, draw, times, sizes, quick):
    """Rows, and ratios: pictures a second of a function, which draws so many times as many, and of the plain version."""
    rounds, factor = (3, 1) if quick else (5, 4)
    rows, found = [], []
    for size in sizes:
        counts = [many * factor * PIXELS // size**2 for many in (times, 1)]
        tasks = {name: partial(draw, counts[0], size), "plain": partial(peer_task.as_specified, counts[1], side=size)}
        fast, plain = ([count / s for s in one] for count, one in zip(counts, measure.in_turn(tasks, rounds).values()))
        found.append(measure.ratios(fast, plain))
        rows.append({"size, px": size, name: spread(fast), "plain version": spread(plain), "ratio": spread(found[-1])})
    return rows, found


def about(found) -> str:
    """What the plain version is, and at how many sizes the aim is reached."""
    reached = sum(median(ratio) >= AIM for ratio in found)
    return (
        "The peer's own generator was not run: the plain version is ours, written from the peer's description, and makes a "
        f"shape at a time with operations on whole arrays. The aim is {AIM} times its speed: reached at {reached} of "
        f"{len(found)} sizes."
    )


def against_the_peer(rows, found) -> measure.Table:
    """``utils.shapes.draw`` beside our plain version of the peer's generator."""
    return measure.table(
        f"Pictures a second: the series, and {PLAIN}, in turn, one process",
        rows,
        "The series' pictures have three channels, texture, noise, distractors, and come with masks and three maps; the "
        "peer's have one channel of 0 and 1 and six masks.",
        about(found),
        headline=f"The series draws {rows[0]['series, standard level']} pictures of 64 px a second, {rows[0]['ratio']} times "
        f"as many as {PLAIN}.",
    )


def same_task(rows, found) -> measure.Table:
    """The peer's own task: by our plain version, and with each shape drawn into its window only."""
    medians, single = [median(ratio) for ratio in found], sum(found, [])
    return measure.table(
        f"Pictures a second of the peer's task: in windows, and by {PLAIN}, the same bytes, in turn, one process",
        rows,
        about(found),
        headline=f"Drawn in windows, the same pictures come {min(medians):.0f} to {max(medians):.0f} times as fast as from "
        f"{PLAIN}, byte for byte; those are medians by size, and single ratios go from {shown(min(single))} to "
        f"{shown(max(single))}.",
    )
