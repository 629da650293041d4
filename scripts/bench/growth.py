"""Does a larger picture cost more time per megapixel, or more memory, when it is predicted in tiles?

The picture and the result are memory-mapped files of float16. Pages of such files are counted as resident, although the system
takes them back whenever memory is needed; what it cannot take back is anonymous memory.
"""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from statistics import mean, median

import numpy as np
import psutil

from scripts.bench import measure
from scripts.bench.measure import spread
from utils import shapes, tiling, unet, weights

TILE, HALO = 256, 96
"""All sides are multiples of the tile: no window is predicted for less than a tile. The halo is that of notebook 08."""
PERIOD = 512
"""The picture repeats after this many pixels. So large is also the part that is predicted in turn with the whole."""
QUICK, FULL = {512: 5, 1024: 3, 2048: 1}, {512: 5, 1024: 3, 2048: 3, 4096: 3, 8192: 2}
"""The sides, and how often each is predicted."""


class Watch(threading.Thread):
    """Notes the most anonymous, mapped and resident MB of this process, a hundred times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.over = np.zeros(3), threading.Event()

    def run(self):
        """Look until it is over."""
        while not self.over.wait(0.01):
            now = psutil.Process().memory_info()
            self.most = np.maximum(self.most, np.array([now.rss - now.shared, now.shared, now.rss]) / 1e6)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def predict(folder, side: int, runs: int, parts: int):
    """Draw a picture into a file, and predict it so many times, its first 512 px in turn with it, in this process.

    Returns:
        tuple: seconds of each run; the same over what its pixels take at the speed of the parts just before and after it; MB:
        anonymous before, and what :class:`Watch` saw.
    """
    picture = np.memmap(Path(folder, "picture.raw"), np.float16, "w+", shape=(side, side, 3))
    result = np.memmap(Path(folder, "result.raw"), np.float16, "w+", shape=(side, side, 1))
    times = side // PERIOD
    picture.reshape(times, PERIOD, times, PERIOD, 3)[:] = shapes.draw_scene(PERIOD // 128).images[0][:, None]
    network = unet.build_unet((TILE + 2 * HALO, TILE + 2 * HALO, 3), **weights.card()["network"])
    network.set_weights(weights.load_shipped().get_weights())
    network.compile(jit_compile=True)  # one program instead of a call for each layer

    def seconds(side):
        start = time.perf_counter()
        tiling.predict_tiled(network.predict_on_batch, picture[:side, :side], TILE, HALO, out=result[:side, :side])
        return time.perf_counter() - start

    seconds(PERIOD)
    before = psutil.Process().memory_info()
    with Watch() as watch:
        around, whole = [[seconds(PERIOD) for _ in range(parts)]], []
        for _ in range(runs):
            whole.append(seconds(side))
            around.append([seconds(PERIOD) for _ in range(parts)])
    expected = [times**2 * mean(ahead + behind) for ahead, behind in zip(around, around[1:])]
    return whole, measure.ratios(whole, expected), [(before.rss - before.shared) / 1e6, *watch.most.tolist()]


def tables(quick: bool) -> list[measure.Table]:
    """The one table of this question."""
    sizes, rows, times, memory = QUICK if quick else FULL, [], [], []
    names = ("anonymous memory before, MB", "its peak, MB", "peak of mapped files, MB", "peak of both, MB")
    for side, runs in sizes.items():
        with tempfile.TemporaryDirectory() as folder:
            seconds, relative, megabytes = measure.fresh(predict, folder, side, runs, 1 if quick else 3)
        print(f"{side} px: {median(seconds):.1f} s", flush=True)
        rows.append({
            "side, px": str(side), "megapixels": side**2 / 1e6,
            "seconds a megapixel": spread(1e6 * s / side**2 for s in seconds),
            f"the same over that of {PERIOD} px in turn": spread(relative),
        } | dict(zip(names, map(round, megabytes))))  # fmt: skip
        times.append(relative)
        memory.append(megabytes)
    flat = [max(found) / min(found) for found in ([*map(median, times)], [most for _, most, *_ in memory])]
    return [
        measure.table(
            "Prediction in tiles",
            rows,
            f"Largest over smallest time a megapixel, each over that of {PERIOD} px in the same process: {flat[0]:.2f}; peak "
            f"of anonymous memory: {flat[1]:.2f}. The aim is 1.1 or less for both.",
            f"Windows of {TILE + 2 * HALO} px for tiles of {TILE} px; the shipped network, compiled with XLA. Mapped files are "
            "the picture (6 bytes a pixel), the result (2 bytes) and TensorFlow's libraries.",
            headline=f"Prediction in tiles, from {min(sizes)} to {max(sizes)} px a side: a megapixel takes {spread(times[-1])} "
            f"times as long, the peak of anonymous memory goes from {memory[0][1]:.0f} to {memory[-1][1]:.0f} MB, and that of "
            f"mapped files, picture and result among them, from {memory[0][2]:.0f} to {memory[-1][2]:.0f} MB.",
        )
    ]
