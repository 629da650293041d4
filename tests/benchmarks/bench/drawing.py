"""How fast are pictures drawn, and does the cost of one stay the same as there are more of them, or larger ones?"""

from __future__ import annotations

import dataclasses
import math
from functools import partial
from statistics import median

import numpy as np

from tests.benchmarks.bench import measure, peer_task
from tests.benchmarks.bench.measure import Table
from utils import shapes

AIM = 20
"""How many times as fast as the plain version of the peer's generator drawing should be."""

ROUNDS = 5
PEER_PIXELS = 20 * 192**2
"""Pixels that the plain version draws in a measurement; the faster ones draw more."""

LINEAR = 0.05
"""A power that differs from 1 by no more than this counts as linear."""

PLAIN = "our plain version of the nearest peer's generator"
ABOUT_PLAIN = (
    "The peer's own generator was not run: the plain version is ours, written from the peer's description, and makes a shape "
    "at a time with operations on whole arrays."
)
"""What stands for the peer's generator here: :func:`peer_task.as_specified`."""


def tables(quick: bool) -> list[Table]:
    """All tables of this question."""
    rounds = 3 if quick else ROUNDS
    factor = 1 if quick else 4
    return [
        against_the_peer(rounds, factor),
        stages(rounds, factor),
        same_task(rounds, factor),
        more_pictures((64, 256, 1024) if quick else (64, 256, 1024, 4096), rounds),
        larger_pictures((16, 32, 64, 128, 256, 512), rounds, factor),
    ]


def against_the_peer(rounds, factor, sizes=(64, 128, 256)) -> Table:
    """``utils.shapes.draw`` beside our plain version of the peer's generator, at three sizes."""
    rows, reached = [], []
    for size in sizes:
        ours, theirs = factor * 4 * PEER_PIXELS // size**2, factor * PEER_PIXELS // size**2
        keys = shapes.plan(ours).keys
        seconds = measure.in_turn(
            {
                "ours": partial(shapes.draw, ours, size=size),
                "theirs": partial(peer_task.as_specified, theirs, side=size),
                "noise": partial(noise, keys, size),
            },
            rounds,
        )
        speeds = {"ours": [ours / s for s in seconds["ours"]], "theirs": [theirs / s for s in seconds["theirs"]]}
        ratio = measure.ratios(speeds["ours"], speeds["theirs"])
        reached.append(median(ratio))
        bound = measure.ratios([ours / s for s in seconds["noise"]], speeds["theirs"])
        rows.append((size, *map(measure.spread, (speeds["ours"], speeds["theirs"], ratio)), measure.spread(bound)))
    return Table(
        f"Pictures a second: the series, and {PLAIN}, in turn, one process",
        (
            "size, px",
            "series, standard level",
            "plain version",
            "ratio",
            "ratio if only the noise were drawn",
        ),
        rows,
        [
            "The series' pictures have three channels, texture, noise, smooth edges and distractors, and come with masks and "
            "three maps; the peer's have one channel of 0 and 1 and six masks.",
            ABOUT_PLAIN,
            f"The aim is {AIM} times the plain version's speed: {verdict(reached, AIM)}.",
            "The last column compares NumPy's float32 normal numbers for the same pixels, and nothing else, with the plain "
            "version. Pictures with this noise cannot be drawn faster than that in one process.",
        ],
        f"The series draws {rows[0][1]} pictures of {rows[0][0]} px a second, {rows[0][3]} times as many as {PLAIN}.",
    )


def stages(rounds, factor, sizes=(64, 128, 256)) -> Table:
    """Where the time of ``utils.shapes.draw`` goes."""
    rows = []
    for size in sizes:
        count, chunk = factor * 3 * PEER_PIXELS // size**2, max(1, 64**3 // size**2)
        parts = [range(first, min(count, first + chunk)) for first in range(0, count, chunk)]
        full = [shapes.plan(part) for part in parts]
        bare = [without_shapes(plan) for plan in full]
        keys = np.concatenate([plan.keys for plan in full])
        seconds = measure.in_turn(
            {
                "draw": partial(shapes.draw, count, size=size),
                "plan": partial(each_of, shapes.plan, parts),
                "paint": partial(each_of, partial(shapes.paint, size=size), full),
                "bare": partial(each_of, partial(shapes.paint, size=size), bare),
                "noise": partial(noise, keys, size),
            },
            rounds,
        )
        each = {name: 1e6 * median(values) / count for name, values in seconds.items()}
        rows.append(
            (
                size, each["draw"], each["plan"], each["noise"], each["bare"] - each["noise"],
                each["paint"] - each["bare"], each["draw"] - each["plan"] - each["paint"],
            )
        )  # fmt: skip
    return Table(
        "Where the time goes, µs a picture",
        (
            "size, px",
            "draw, in all",
            "plan",
            "paint: noise",
            "paint: ground and rounding",
            "paint: shapes, lines, specks",
            "all else",
        ),
        rows,
        [
            "From medians; the columns after the second add up to it. Measured are draw, plan, paint as a whole, and the noise "
            "alone. The others are differences: ground and rounding is a painted plan without shapes less the noise; shapes, "
            "lines, specks is the full plan painted less that one; all else is draw less plan and paint: whole arrays are "
            "made, and the parts put into them. A difference below 0 is the machine's drift."
        ],
    )


def same_task(rounds, factor, sizes=(64, 128, 192, 256)) -> Table:
    """The peer's own task: by our plain version, and with each shape drawn into its window only."""
    rows, reached, single = [], [], []
    for size in sizes:
        fast, slow = factor * 10 * PEER_PIXELS // size**2, factor * PEER_PIXELS // size**2
        seconds = measure.in_turn(
            {
                "fast": partial(peer_task.draw, fast, side=size),
                "slow": partial(peer_task.as_specified, slow, side=size),
            },
            rounds,
        )
        speeds = {"fast": [fast / s for s in seconds["fast"]], "slow": [slow / s for s in seconds["slow"]]}
        ratio = measure.ratios(speeds["fast"], speeds["slow"])
        reached.append(median(ratio))
        single += ratio
        rows.append((size, *map(measure.spread, (speeds["fast"], speeds["slow"], ratio))))
    return Table(
        f"Pictures a second of the peer's task: in windows, and by {PLAIN}, the same bytes, in turn, one process",
        ("size, px", "windows only", "plain version", "ratio"),
        rows,
        [
            ABOUT_PLAIN,
            f"The aim is {AIM} times the speed: {verdict(reached, AIM)}.",
            fixed_cost(factor * 10 * PEER_PIXELS // 64**2, rounds),
        ],
        f"Drawn in windows, the same pictures come {min(reached):.0f} to {max(reached):.0f} times as fast as from {PLAIN}, "
        f"byte for byte; those are medians by size, and single ratios go from {measure.shown(min(single))} to "
        f"{measure.shown(max(single))}.",
    )


def fixed_cost(count, rounds, size=64, smallest=16) -> str:
    """A sentence: how much of the time of a picture drawn in windows does not depend on its pixels."""
    tasks = {str(side): partial(peer_task.draw, count, side=side) for side in (smallest, size)}
    few, all_pixels = ([1e6 * s / count for s in seconds] for seconds in measure.in_turn(tasks, rounds).values())
    return (
        f"In windows, at {smallest} px, where there is next to nothing to fill, a picture takes {measure.spread(few)} µs; at "
        f"{size} px {measure.spread(all_pixels)} µs: so {100 * median(measure.ratios(few, all_pixels)):.0f} % of the time at "
        f"{size} px does not depend on pixels."
    )


def more_pictures(counts, rounds) -> Table:
    """Does a picture cost the same when there are more of them?"""
    seconds = measure.in_turn({str(n): partial(shapes.draw, n) for n in counts}, rounds)
    first = str(counts[0])
    rows = [
        (
            n,
            measure.spread(1e6 * s / n for s in seconds[str(n)]),
            measure.spread(measure.ratios([s / n for s in seconds[str(n)]], [s / counts[0] for s in seconds[first]])),
        )
        for n in counts
    ]
    power = exponent(counts, [median(seconds[str(n)]) for n in counts])
    return Table(
        "More pictures of 64 px",
        ("pictures", "µs a picture", f"against {first} pictures"),
        rows,
        [f"The time grows with the number of pictures to the power {power:.3f}: {linear(power)}."],
    )


def larger_pictures(sizes, rounds, factor) -> Table:
    """Does a pixel cost the same when pictures are larger?"""
    counts = {size: factor * max(1, 2**20 // size**2) for size in sizes}
    seconds = measure.in_turn({str(size): partial(shapes.draw, counts[size], size=size) for size in sizes}, rounds)
    each = {size: [s / counts[size] for s in seconds[str(size)]] for size in sizes}
    rows = [(size, *(measure.spread(k * s for s in each[size]) for k in (1e6, 1e9 / size**2))) for size in sizes]
    upper = [size for size in sizes if size >= 64]
    power = exponent([size**2 for size in upper], [median(each[size]) for size in upper])
    return Table(
        "Larger pictures",
        ("size, px", "µs a picture", "ns a pixel"),
        rows,
        [f"From 64 px on, the time of a picture grows with its pixels to the power {power:.2f}; linear is 1."],
    )


# ---- Helpers -----------------------------------------------------------------------------------------------------------


def noise(keys, size):
    """Draw as many normal numbers as the pictures of these keys need, from as many random streams, and nothing else."""
    values = np.empty((size, size, 3), np.float32)
    for key in keys:
        stream = np.random.Generator(np.random.PCG64(np.random.SeedSequence([*map(int, key), 1])))
        stream.standard_normal(dtype=np.float32, out=values)


def each_of(function, things):
    """Call a function with one thing after the other."""
    for thing in things:
        function(thing)


def without_shapes(plan):
    """The same plan without shapes, lines and specks: the ground and the noise remain."""
    lines, specks = plan.lines.copy(), plan.specks.copy()
    lines[..., -1] = specks[..., -1] = 0
    return dataclasses.replace(plan, present=np.zeros_like(plan.present), lines=lines, specks=specks)


def exponent(amounts, seconds) -> float:
    """The power of the amount with which the time grows: the slope of a straight line through the logarithms."""
    return float(np.polyfit([math.log(a) for a in amounts], [math.log(s) for s in seconds], 1)[0])


def linear(power) -> str:
    """Whether a power, to three places, counts as linear, in words."""
    near = abs(round(power, 3) - 1) <= LINEAR + 1e-9
    return f"linear, within {LINEAR:g} of 1" if near else f"not linear, more than {LINEAR:g} away from 1"


def verdict(values, aim) -> str:
    """Whether values reach an aim, in words."""
    reached = sum(value >= aim for value in values)
    if reached == len(values):
        return "reached at every size"
    return f"reached at {reached} of {len(values)} sizes" if reached else "not reached at any size"
