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
"""How many times as fast as the peer's generator drawing should be."""

ROUNDS = 5
PEER_PIXELS = 20 * 192**2
"""Pixels that the peer's generator draws in a measurement; the faster ones draw ten times as many."""


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
    """``utils.shapes.draw`` beside the peer's generator, at three sizes."""
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
        "Pictures a second: the series' and the peer's, in turn, one process",
        (
            "size, px",
            "series, standard level",
            "peer's task as specified",
            "ratio",
            "ratio if only the noise were drawn",
        ),
        rows,
        [
            "The series' pictures have three channels, texture, noise, smooth edges and distractors, and come with masks and "
            "three maps; the peer's have one channel of 0 and 1 and six masks.",
            f"The aim is {AIM} times the peer's speed: {verdict(reached, AIM)}.",
            "The last column compares NumPy's float32 normal numbers for the same pixels, and nothing else, with the peer's "
            "generator. Pictures with this noise cannot be drawn faster than that in one process.",
        ],
        f"The series draws {rows[0][1]} pictures of {rows[0][0]} px a second, {rows[0][3]} times the peer's generator.",
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
                each["paint"] - each["bare"],
            )
        )  # fmt: skip
    return Table(
        "Where the time goes, µs a picture",
        ("size, px", "in all", "plan", "noise", "ground and rounding", "shapes, lines, specks"),
        rows,
        [
            "Medians. Plan, and noise alone, are measured; the last two columns are differences: a painted plan without shapes "
            "less the noise, and the full plan less that one. The stages need not add up to the whole, which also joins parts."
        ],
    )


def same_task(rounds, factor, sizes=(64, 128, 192, 256)) -> Table:
    """The peer's own task: as specified, and with each shape drawn into its window only."""
    rows, reached = [], []
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
        rows.append((size, *map(measure.spread, (speeds["fast"], speeds["slow"], ratio))))
    return Table(
        "Pictures a second of the peer's task, the same bytes, in turn, one process",
        ("size, px", "windows only", "as specified", "ratio"),
        rows,
        [f"The aim is {AIM} times the speed: {verdict(reached, AIM)}."],
        f"Drawn in windows, the peer's own come {min(reached):.0f} to {max(reached):.0f} times as fast, byte for byte.",
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
        [f"The time grows with the number of pictures to the power {power:.2f}; linear is 1."],
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
        [
            f"From 64 px on, the time of a picture grows with its pixels to the power {power:.2f}; linear is 1. "
            "In small pictures the plan, whose cost does not depend on the size, weighs more."
        ],
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


def verdict(values, aim) -> str:
    """Whether values reach an aim, in words."""
    reached = sum(value >= aim for value in values)
    if reached == len(values):
        return "reached at every size"
    return f"reached at {reached} of {len(values)} sizes" if reached else "not reached at any size"
