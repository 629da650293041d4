# ruff: noqa: E402
"""Does a larger picture cost more time per megapixel, or more memory, when it is predicted in tiles?

usage of one size: python -m tests.benchmarks.bench.growth PICTURE SIDE RUNS PARTS, which prints its figures as JSON

Each size is predicted in a process of its own. The picture is a memory-mapped file of uint8, the result another one of float16.
Pages of such files are counted as resident, although the system takes them back whenever memory is needed; what it cannot take
back is anonymous memory. Both are read from Linux's ``/proc``.
"""

from utils import project

if __name__ == "__main__":
    project.start()  # before TensorFlow is loaded: it sets what TensorFlow reads then

import contextlib
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import mean, median

import numpy as np

from tests.benchmarks.bench import measure
from utils import tiling

TILE, HALO = 256, 96
"""All sides are multiples of the tile: no window is predicted for less than a tile. The halo is that of notebook 08."""

PERIOD = 512
"""The picture repeats after this many pixels, which are two tiles: away from the border, the result must repeat as well."""

QUICK, FULL = {512: 5, 1024: 3, 2048: 1}, {512: 5, 1024: 3, 2048: 3, 4096: 3, 8192: 2}
"""The sides, and how often each is predicted."""
PARTS = {"quick": 1, "full": 3}
"""How often the first 512 px are predicted before and after each run."""
LIMIT = 1.1
"""The largest quotient of two sizes' figures that is called flat."""

STATUS = Path("/proc/self/status")


# ---- Memory ------------------------------------------------------------------------------------------------------------


def memory(status: str) -> dict[str, int]:
    """The memory in bytes that ``/proc/PID/status`` names: now resident of each kind, and the peak of all together."""
    return {name: 1024 * int(kilobytes) for name, kilobytes in re.findall(r"(Rss\w+|VmHWM):\s+(\d+) kB", status)}


class Watch(threading.Thread):
    """Notes the most anonymous and the most mapped memory of this process, a hundred times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.anonymous, self.mapped, self.over = 0, 0, threading.Event()

    def run(self):
        while True:
            now = memory(STATUS.read_text())
            self.anonymous = max(self.anonymous, now["RssAnon"])
            self.mapped = max(self.mapped, now["RssFile"] + now["RssShmem"])
            if self.over.wait(0.01):
                return

    def __enter__(self):
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        self.join()
        self.peak = memory(STATUS.read_text())["VmHWM"]


# ---- One size, in a process of its own ---------------------------------------------------------------------------------


def write_picture(path: Path, side: int) -> None:
    """Write a picture of uint8 ``(side, side, 3)`` that repeats one scene, a row of scenes at a time."""
    scene = np.rint(255 * tiling.scene(PERIOD // 128).images[0]).astype(np.uint8)
    row = np.tile(scene, (1, side // PERIOD, 1)).tobytes()
    with path.open("wb") as file:
        for _ in range(side // PERIOD):
            file.write(row)


def repeats(result) -> bool | None:
    """Whether a result repeats as its picture does, away from the border; None where no whole repetition fits."""
    first, second, third = (slice(k * PERIOD, (k + 1) * PERIOD) for k in (1, 2, 3))
    if len(result) < third.stop:
        return None
    return bool(result[first, first].any() and np.array_equal(result[first, first], result[second, second]))


def predict(path: Path, side: int, runs: int, parts: int) -> dict:
    """Predict a stored picture, and its first 512 px ``parts`` times in turn with it; return what it took.

    Returns:
        dict: ``whole``: seconds of each run; ``part``: lists of seconds of the part, one before the first run and one after
        each; ``before``, ``anonymous``, ``mapped``, ``peak``: bytes; ``repeats``: see :func:`repeats`.
    """
    from utils import unet, weights

    network = unet.build_unet((TILE + 2 * HALO, TILE + 2 * HALO, 3), **weights.card()["network"])
    network.set_weights(weights.load_shipped().get_weights())
    network.compile(jit_compile=True)  # one program in place of a call for each layer
    picture = np.memmap(path, np.uint8, "r", shape=(side, side, 3))
    result = np.memmap(path.with_suffix(".out"), np.float16, "w+", shape=(side, side, 1))
    corner = np.zeros((PERIOD, PERIOD, 1), np.float16)

    def answer(window):
        return network.predict_on_batch(window.astype(np.float32) / 255)

    def seconds(array, out):
        start = time.perf_counter()
        tiling.predict_tiled(answer, array, TILE, HALO, out=out)
        return time.perf_counter() - start

    def several():
        return [seconds(picture[:PERIOD, :PERIOD], corner) for _ in range(parts)]

    seconds(picture[:PERIOD, :PERIOD], corner)
    before = memory(STATUS.read_text())["RssAnon"]
    with Watch() as watch:
        part, whole = [several()], []
        for _ in range(runs):
            whole.append(seconds(picture, result))
            part.append(several())
    return {
        "whole": whole, "part": part, "before": before, "anonymous": watch.anonymous, "mapped": watch.mapped,
        "peak": watch.peak, "repeats": repeats(result),
    }  # fmt: skip


# ---- All sizes ---------------------------------------------------------------------------------------------------------


def measured(side: int, runs: int, parts: int) -> dict:
    """Write a picture, predict it in a process of its own, and return that process's figures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture.raw")
        write_picture(path, side)
        command = [sys.executable, "-m", "tests.benchmarks.bench.growth", str(path), *map(str, (side, runs, parts))]
        done = subprocess.run(command, cwd=project.ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{side} px: {median(found['whole']):.1f} s, {found['anonymous'] / 1e6:.0f} MB", flush=True)
    return found


def relative(found: dict, side: int) -> list[float]:
    """Time per pixel of the whole over the mean of its part, measured just before and just after it, for every run."""
    pairs = zip(found["part"], found["part"][1:])
    around = [mean(before + after) * (side / PERIOD) ** 2 for before, after in pairs]
    return measure.ratios(found["whole"], around)


def table(sizes: dict[int, dict]) -> measure.Table:
    """The table of what each size took."""
    rows, times, anonymous, mapped = [], [], [], []
    for side, found in sizes.items():
        megapixels = side**2 / 1e6
        times.append(median(relative(found, side)))
        anonymous.append(found["anonymous"] / 1e6)
        mapped.append(found["mapped"] / 1e6)
        a_megapixel = [seconds / megapixels for seconds in found["whole"]]
        rows.append([
            f"{side}", megapixels, measure.spread(a_megapixel), measure.spread(relative(found, side)),
            round(found["before"] / 1e6), round(anonymous[-1]), round(mapped[-1]), round(found["peak"] / 1e6),
        ])  # fmt: skip
    columns = [
        "side, px", "megapixels", "seconds a megapixel", "the same over that of 512 px in turn",
        "anonymous memory before, MB", "its peak, MB", "peak of mapped files, MB", "peak of both, MB",
    ]  # fmt: skip
    first, last = list(sizes)[0], list(sizes)[-1]
    parts = len(sizes[first]["part"][0])
    runs = ", ".join(f"{len(found['whole'])} of {side} px" for side, found in sizes.items())
    asked = [found["repeats"] for found in sizes.values() if found["repeats"] is not None]
    notes = [
        flat("time a megapixel, each over that of 512 px in the same process", times),
        flat("peak of anonymous memory", anonymous),
        f"Runs: {runs}. Each is divided by the mean of {2 * parts} runs of {PERIOD} px, {parts} just before and {parts} just "
        "after it.",
        f"Windows of {TILE + 2 * HALO} px for tiles of {TILE} px; the shipped network, compiled with XLA. Mapped files are the "
        "picture (3 bytes a pixel), the result (2 bytes) and TensorFlow's libraries; the system takes their pages back when "
        "memory is needed.",
        f"The picture repeats every {PERIOD} px. Results that repeat as well, bit for bit: {sum(asked)} of {len(asked)} "
        f"with a side of {4 * PERIOD} px or more.",
    ]
    headline = (
        f"Prediction in tiles, from {first} to {last} px a side: a megapixel takes "
        f"{measure.spread(relative(sizes[last], last))} times as long, the peak of anonymous memory goes from "
        f"{anonymous[0]:.0f} to {anonymous[-1]:.0f} MB, and that of mapped files, picture and result among them, from "
        f"{mapped[0]:.0f} to {mapped[-1]:.0f} MB."
    )
    return measure.Table("Prediction in tiles", columns, rows, notes, headline)


def flat(what: str, values: list[float]) -> str:
    """A sentence that compares the largest of some values with the smallest, and says if that is flat."""
    quotient = max(values) / min(values)
    return (
        f"Largest over smallest {what}: {measure.shown(quotient)} "
        f"(aim {LIMIT} or less: {'reached' if quotient <= LIMIT else 'not reached'})."
    )


def tables(quick: bool) -> list[measure.Table]:
    if not STATUS.exists():
        raise RuntimeError("This measurement reads memory from /proc, which this system does not have.")
    sides, parts = (QUICK, PARTS["quick"]) if quick else (FULL, PARTS["full"])
    return [table({side: measured(side, runs, parts) for side, runs in sides.items()})]


if __name__ == "__main__":
    print(json.dumps(predict(Path(sys.argv[1]), *map(int, sys.argv[2:]))))
