"""The answers to the exercises of notebook 13 scaling up."""

from __future__ import annotations

import numpy as np

from utils import cluster
from utils.checks.base import call, check, judge, number


@check
def shards_of_worker(answer):
    """The files that a worker reads: ``answer(files, worker, workers)``, workers counted from 0."""
    for count, workers in ((8, 2), (7, 3), (4, 4)):
        files = [f"shard_{k:03d}" for k in range(count)]
        mine = [call(answer, files, worker, workers) for worker in range(workers)]
        case = f"{count} files, {workers} workers: "
        if not all(isinstance(one, (list, tuple)) for one in mine):
            yield f"{case}return a list of files; yours is of type {type(mine[0]).__name__}."
        every, sizes = sum(map(list, mine), []), list(map(len, mine))
        if all(list(one) == files for one in mine):
            yield f"{case}every worker reads every file, so each epoch shows each image {workers} times."
        if unknown := set(every) - set(files):
            yield f"{case}{sorted(map(str, unknown))[0]} is no file of the list. Return some of the files as they are."
        if lost := [name for name in files if name not in every]:
            yield f"{case}nobody reads {', '.join(lost)}. Workers are counted from 0, and what is left over is read too."
        if twice := sorted({name for name in every if every.count(name) > 1}):
            yield f"{case}{twice[0]} is read by more than one worker."
        if max(sizes) - min(sizes) > 1:
            yield f"{case}the workers read {sizes} files. The fewest decide how long all can go on; deal them out evenly."


@check
def scaled_gradient(answer):
    """A gradient that passes through float16 with a loss scale: ``answer(gradient, scale)``, float32 in and out."""
    gradient, scale = np.float32([0.25, -3e-6, 2e-8, -1e-9, 4e-10]), 2.0**14
    with np.errstate(over="ignore"):
        through = np.float16(gradient * np.float32(scale))
        right = np.float32(through) / np.float32(scale)
        mistakes = (
            (np.float32(np.float16(gradient)), "small values became 0. Scale before you round; in float32 again, divide."),
            (np.float32(through), "the values are still scaled. Divide by the scale at the end."),
            (gradient, "that is the gradient as it was: it never passed through float16. np.float16(...) rounds."),
        )  # fmt: skip
        value = np.asarray(call(answer, gradient, scale))
        if value.dtype == np.float16:
            yield "The result is float16, where small values become 0. Return float32."
        close = {"rtol": 1e-7, "atol": 1e-12}
        yield judge(
            value, right, mistakes, case="With a scale of 16,384: ", otherwise="these are other values.", **close
        )


@check
def ring_bytes(answer):
    """What each worker sends in a ring all-reduce: ``answer(size, workers)``, both in bytes."""
    for workers in (4, 2, 8, 1):
        size = 2_000_000.0
        value = number(call(answer, size, workers))
        mistakes = (
            ((workers - 1) * size, "that is the whole array to every other worker. In a ring, a message is one part of it."),
            ((workers - 1) / workers * size, "that is one way round. After the sums are complete, they go round once more."),
            (2 * size, "a worker sends n - 1 parts each time round, not n: its own arrives complete."),
            (2 * (workers - 1) * size, "a message is one part of the array, a number of workers-th of its size."),
            (2 * size / workers, "each time round takes n - 1 messages, not one."),
        )  # fmt: skip
        case = f"For {size:,.0f} bytes and {workers} worker{'s' * (workers > 1)}: "
        yield judge(value, cluster.ring_bytes(size, workers), mistakes, case=case)


@check
def percentile(answer):
    """The latency that a share of requests does not exceed: ``answer(seconds, share)``."""
    rng = np.random.default_rng(13)
    for count, share in ((200, 0.99), (200, 0.5), (10, 0.9)):
        seconds = rng.gamma(2, 0.01, count)
        ordered, rank = np.sort(seconds), int(np.ceil(round(share * count, 9))) - 1
        mistakes = (
            (seconds.mean(), "that is the mean, which a few slow requests hide in."),
            (seconds[rank], "the seconds are not sorted yet."),
            (ordered[::-1][rank], "you sorted from slow to fast; count from the fastest."),
            (ordered[-1], "that is the slowest of all."),
            (ordered[rank + 1 if rank + 1 < count else rank], "one place too far: places are counted from 0."),
            (share * ordered[-1], "that is a share of the slowest; it asks for a share of the requests."),
        )
        value = number(call(answer, seconds, share))
        case = f"For {count} requests and a share of {share}: "
        if np.isclose(value, np.quantile(seconds, share)) and not np.isclose(value, ordered[rank]):
            value = ordered[rank]  # between two requests: another definition of the same
        yield judge(value, ordered[rank], mistakes, case=case, otherwise="it is another number.", atol=1e-9)
