"""How good are the silhouettes of this series' network after so many seconds of training, beside a wider and a larger U-Net?

All learn from the same pictures with the same code: batches of 8, turned and flipped, Adam, binary cross-entropy, XLA. The
seconds hold the compilation and leave out validation. The learning rate follows the series' curve by the clock, so that no
network has to stop before its rate has come down. Each training runs in a process of its own, in the environment of this one.

usage, to print the tables of some networks and store nothing:
    python -m scripts.bench.quality [--networks ours article classic] [--seeds 0 1 2] [--seconds 90]
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from statistics import median
from typing import NamedTuple

import keras

from scripts.bench import measure
from scripts.bench.measure import spread
from utils import metrics, pipeline, shapes, training, unet

GOALS = (0.8, 0.9, 0.95)
"""Values of the IoU whose time is told."""
BATCH, PARTS = 8, 3
"""Pictures in a step, and moments in the table."""
POINTS = 200
"""In so many steps the learning rate follows its curve."""


class Network(NamedTuple):
    """What is trained: options of ``unet.build_unet``, highest learning rate, validations a moment: few if they are slow."""

    name: str
    options: dict
    peak: float
    often: int


ARTICLE = {"depth": 1, "base": 64, "upsampling": "nearest", "norm": "none"}
NETWORKS = {
    "ours": Network("the series' network", training.DEEP.network, training.DEEP.peak, 4),
    "article": Network("the article's network", ARTICLE, 3e-3, 2),
    "classic": Network("the classic U-Net", ARTICLE | {"depth": 4, "upsampling": "transposed"}, 1e-4, 1),
}
"""The learning rates of the other two were tried, for 40 s each. For the article's network .003 was better than .001, Adam's
own, which the article uses. The classic one learned nothing yet at .0001, .0005 or .002; it keeps the first."""


@dataclasses.dataclass
class Run:
    """One training: IoU and seconds of the validation that was due at a moment, by moments; when each step ended."""

    iou: dict[float, float] = dataclasses.field(default_factory=dict)
    seconds: dict[float, float] = dataclasses.field(default_factory=dict)
    steps: list[float] = dataclasses.field(default_factory=list)

    def reached(self, goal: float) -> float | None:
        """The seconds of the first validation with at least this IoU; None if there is none."""
        return next((self.seconds[moment] for moment, iou in self.iou.items() if iou >= goal), None)


class ForSeconds(keras.callbacks.Callback):
    """Sets the learning rate by the clock, validates when a moment is due, stops after the last, tells it in ``run``."""

    def __init__(self, moments, peak, validate, clock=time.perf_counter):
        super().__init__()
        self.run, self.due, self.end, self.validate, self.clock = Run(), [*moments], moments[-1], validate, clock
        curve = training.learning_rate(POINTS, peak)
        self.rates = [float(curve(step)) for step in range(POINTS + 1)]

    def on_train_begin(self, logs=None):
        """Start the clock."""
        self.model.optimizer.learning_rate.assign(self.rates[0])
        self.start = self.clock()

    def on_train_batch_end(self, batch, logs=None):
        """Look at the clock, and do what it is time for."""
        before = self.clock()
        now = before - self.start
        self.run.steps.append(now)
        if over := [moment for moment in self.due if moment <= now]:
            self.run.iou |= dict.fromkeys(over, self.validate(self.model))
            self.run.seconds |= dict.fromkeys(over, now)
            self.due = self.due[len(over) :]
            self.start += self.clock() - before
        self.model.stop_training = not self.due
        first = self.run.steps[0]
        done = (now - first) / max(1e-9, self.end - first)
        self.model.optimizer.learning_rate.assign(self.rates[min(POINTS, round(POINTS * done))])


def train(network: Network, seed: int, seconds: float, pictures: int) -> Run:
    """Train a network for some seconds, from a seed, and validate it on so many pictures, at equal distances in time."""
    drawn, held_out = shapes.draw(1000), shapes.draw(pictures, split="validation")
    data = pipeline.dataset(drawn.images, drawn.masks, batch_size=BATCH, shuffle=True, augment=True, seed=seed)
    keras.utils.set_random_seed(seed)
    model, optimizer = unet.build_unet(**network.options), keras.optimizers.Adam(network.peak)
    iou = keras.metrics.BinaryIoU([1], 0.5, name="iou")  # as utils.training.compile_model
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=[iou], jit_compile=True)

    def validate(model):
        return metrics.iou(held_out.masks, metrics.to_mask(model.predict(held_out.images, verbose=0)))

    follow = ForSeconds(evenly(seconds, PARTS * network.often), network.peak, validate)
    model.fit(data, epochs=10**6, verbose=0, callbacks=[follow])
    return follow.run


def evenly(seconds: float, parts: int) -> list[float]:
    """The ends of so many equal parts of some seconds."""
    return [seconds * part / parts for part in range(1, parts + 1)]


def trained(names, seeds, seconds, pictures=200) -> list[measure.Table]:
    """Train networks from each seed, every one in a new process, in turn; return both tables."""
    runs = {name: [] for name in names}
    for seed in seeds:
        for name, found in runs.items():
            found.append(run := measure.fresh(train, NETWORKS[name], seed, seconds, pictures))
            print(f"{name}, seed {seed}: {len(run.steps)} steps, IoU {run.iou[seconds]:.3f}", flush=True)
    return [by_seconds(runs, evenly(seconds, PARTS), pictures), by_network(runs)]


def by_seconds(runs: dict[str, list[Run]], moments, pictures) -> measure.Table:
    """The table of the IoU at some moments."""
    rows = []
    for name, found in runs.items():
        scores = {f"after {moment:g} s": spread(run.iou[moment] for run in found) for moment in moments}
        rows.append({"network": NETWORKS[name].name} | scores)
    last, count = f"after {moments[-1]:g} s", len(next(iter(runs.values())))
    times = "1 run" if count == 1 else f"median and range of {count} runs"
    ends = ", ".join(f"{row['network']} {row[last]}" for row in rows)
    return measure.table(
        f"IoU over all pixels of {pictures} validation pictures, by seconds of training",
        rows,
        "A value is that of the first step that ends after so many seconds.",
        headline=f"IoU {last} of training, compilation included, {times}: {ends}.",
    )


def by_network(runs: dict[str, list[Run]]) -> measure.Table:
    """The table of what each network did in its time."""
    rows = []
    for name, found in runs.items():
        network = NETWORKS[name]
        later = [median([b - a for a, b in zip(run.steps, run.steps[1:])] or run.steps) for run in found]
        times = {f"IoU {goal:g} after, s": [run.reached(goal) for run in found] for goal in GOALS}
        rows.append({
            "network": network.name, "depth": network.options["depth"], "channels at the top": network.options["base"],
            "parameters": unet.build_unet(**network.options).count_params(), "highest learning rate": f"{network.peak:g}",
            "first step with compilation, s": spread(run.steps[0] for run in found),
            "median later step, s": spread(later),
            "pictures seen": spread(BATCH * len(run.steps) for run in found),
        } | {goal: "not by all" if None in seconds else spread(seconds) for goal, seconds in times.items()})  # fmt: skip
    return measure.table(
        "What each network did in its time",
        rows,
        "A goal counts as reached at the first validation that shows it. The learning rates of the other networks were tried "
        "for 40 s each, while the recipe of the series' network was tuned for long: the comparison favours that network.",
    )


def tables(quick: bool) -> list[measure.Table]:
    """Both tables of this question."""
    return trained(["ours", "article"], [0], 30, 100) if quick else trained(NETWORKS, [0, 1, 2], 90)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m scripts.bench.quality", description="IoU against seconds of training."
    )
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=[*NETWORKS])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=90)
    asked = parser.parse_args()
    print("", *(table.text() for table in trained(asked.networks, asked.seeds, asked.seconds)), sep="\n\n")
