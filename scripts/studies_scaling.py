"""The studies of notebook 13: memory by the number of images, and the learning rate that goes with a larger batch.

``python -m scripts.studies_scaling WAY FOLDER COUNT`` passes through images once and prints what that added to the peak.
"""

from __future__ import annotations

import functools
import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import psutil

from scripts import experiments
from scripts.experiments import Study
from scripts.run_notebooks import peak_memory
from utils import project, records, shapes
from utils.experiments import change

COUNTS = (1_000, 10_000, 50_000)
DRAWN, PER_SHARD = 1_000, 500
"""Images that are drawn; the larger folders hold each of them several times. Images in a shard."""
BATCHES = {"8": (8, 1), "32": (32, 1), "32, rate x 2": (32, 2), "32, rate x 4": (32, 4)}
"""Condition -> images in a batch, and the factor of the learning rate."""


@functools.cache
def folder():
    """A temporary folder with a shard for every ``PER_SHARD`` images of the largest count; it lasts as long as this program."""
    kept = tempfile.TemporaryDirectory()
    drawn = shapes.draw(DRAWN)
    ready = [records.example(*pair) for pair in zip(drawn.images, drawn.masks)]
    records.write(kept.name, itertools.islice(itertools.cycle(ready), COUNTS[-1]), COUNTS[-1] // PER_SHARD)
    return kept


def memory(way, count, seed) -> dict[str, float]:
    """Megabytes that one pass through so many images adds to a new process."""
    command = [sys.executable, "-m", "scripts.studies_scaling", way, folder().name, str(count)]
    done = subprocess.run(command, cwd=project.ROOT, capture_output=True, encoding="utf-8", check=True)
    return {"megabytes": float(done.stdout.split()[-1])}


def read_once(way, names) -> None:
    """Pass through the images of some shards once: streamed, or all of them held in arrays first."""
    if way == "shards":
        for _ in records.dataset(names, buffer=PER_SHARD):
            pass
        return
    held = [np.empty((len(names) * PER_SHARD, 64, 64, channels), np.float32) for channels in (3, 1)]
    for k, batch in enumerate(records.dataset(names, 100).as_numpy_iterator()):
        for array, part in zip(held, batch):
            array[100 * k : 100 * (k + 1)] = part


def main() -> None:
    """The command line."""
    way, place, count = sys.argv[1:]
    names = sorted(map(str, Path(place).glob("*.tfrecord")))[: int(count) // PER_SHARD]
    read_once(way, names[:1])  # what the machinery itself needs
    process = psutil.Process()
    before = peak_memory(process)  # getrusage would begin with the peak of what started this process
    read_once(way, names)
    print((peak_memory(process) - before) / 1e6)


STUDIES = {
    "batch": Study(
        {
            name: functools.partial(
                experiments.follow, change(depth=3, base=4, images=500, batch_size=batch, peak=2.5e-3 * factor)
            )
            for name, (batch, factor) in BATCHES.items()
        },
        (0, 1, 2, 3, 4),
    ),
    "memory": Study(
        {f"{way} {count}": functools.partial(memory, way, count) for count in COUNTS for way in ("arrays", "shards")}
    ),
}

if __name__ == "__main__":
    main()
