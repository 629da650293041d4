"""The checks of notebook 13: an empty stub waits, a right answer passes, each typical mistake gets its own hint."""

import numpy as np
import pytest

from utils import checks, cluster, records

shards, gradient, ring, percentile = (
    checks.shards_of_worker, checks.scaled_gradient, checks.ring_bytes, checks.percentile,
)  # fmt: skip


def through(gradient, scale, before=True, back=True, half=False):
    """A gradient through float16, with one of the usual mistakes."""
    with np.errstate(over="ignore"):
        rounded = np.float16(gradient * scale if before else gradient)
        if half:
            return np.float32(rounded / np.float16(scale))
        return np.float32(rounded) / np.float32(scale if back and before else 1)


def blocks(files, worker, workers):
    """Neighbours together, what is left over to the last: 7 files for 3 workers as 2, 2 and 3."""
    size = len(files) // workers
    return files[worker * size : None if worker == workers - 1 else (worker + 1) * size]


def place(shift=0, back=False, ordered=True):
    def answer(seconds, share):
        values = np.sort(seconds)[::-1] if back else np.sort(seconds) if ordered else seconds
        return values[min(int(np.ceil(round(share * len(values), 9))) - 1 + shift, len(values) - 1)]

    return answer


CASES = [
    *((check, lambda *args: None, "Waiting") for check in (shards, gradient, ring, percentile)),
    *((check, lambda *args: 1 / 0, "stopped with ZeroDivisionError") for check in (shards, gradient, ring, percentile)),
    (shards, records.of_worker, "Right."),
    (shards, blocks, "Right."),
    (shards, lambda files, worker, workers: files, "every worker reads every file"),
    (shards, lambda files, worker, workers: files[worker + 1 :: workers], "nobody reads shard_000"),
    (shards, lambda files, worker, workers: files[worker : worker + 1], "nobody reads"),
    (shards, lambda files, worker, workers: files[: len(files) - worker], "more than one worker"),
    (shards, lambda files, worker, workers: [k for k in range(len(files))][worker::workers], "is no file of the list"),
    (shards, lambda files, worker, workers: files[worker], "return a list"),
    (shards, lambda files, w, n: files[1:] if w == 0 else files[:1] if w == 1 else [], "deal them out evenly"),
    (gradient, through, "Right."),
    (gradient, lambda g, s: through(g, s, before=False), "Scale before you round"),
    (gradient, lambda g, s: through(g, s, back=False), "still scaled"),
    (gradient, lambda g, s: through(g, s, half=True), "in float32 again, divide"),
    (gradient, lambda g, s: g, "never passed through float16"),
    (gradient, lambda g, s: np.float16(through(g, s)), "The result is float16"),
    (gradient, lambda g, s: -through(g, s), "other values"),
    (ring, cluster.ring_bytes, "Right."),
    (ring, lambda size, n: (n - 1) * size, "to every other worker"),
    (ring, lambda size, n: (n - 1) / n * size, "one way round"),
    (ring, lambda size, n: 2 * size, "its own arrives complete"),
    (ring, lambda size, n: 2 * (n - 1) * size, "one part of the array"),
    (ring, lambda size, n: 2 * size / n, "takes n - 1 messages"),
    (ring, lambda size, n: size**2, "it should be"),
    (percentile, place(), "Right."),
    (percentile, np.quantile, "Right."),
    (percentile, lambda seconds, share: seconds.mean(), "that is the mean"),
    (percentile, place(ordered=False), "not sorted"),
    (percentile, place(back=True), "count from the fastest"),
    (percentile, lambda seconds, share: seconds.max(), "slowest of all"),
    (percentile, place(1), "one place too far"),
    (percentile, lambda seconds, share: share * seconds.max(), "share of the slowest"),
    (percentile, lambda seconds, share: 5.0, "another number"),
]


@pytest.mark.parametrize(("check", "answer", "words"), CASES)
def test_what_is_said_about_an_answer(capsys, check, answer, words):
    check(answer)
    out = capsys.readouterr().out
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words in out, out
