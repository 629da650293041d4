# ruff: noqa: E402
"""How good are the silhouettes of this series' network after so many seconds of training, beside a wider and a larger U-Net?

All networks learn from the same pictures with the same code: batches of 8, turned and flipped, Adam, binary cross-entropy. The
step is compiled with XLA, as in the notebooks; the other two networks take longer without it, with oneDNN or not. Each has the
same seconds. They begin with the training, so they hold the compilation; validation is not counted. The learning rate follows
the series' curve from the end of the first step to the last second, whatever number of steps a network makes in that time, so
that no network has to stop before its rate has come down. Each training runs in a process of its own.

usage of one training: python -m tests.benchmarks.bench.quality NETWORK SEED SECONDS VALIDATIONS PICTURES, which prints JSON
"""

from utils import project

project.start()  # before TensorFlow is loaded: it sets what TensorFlow reads then

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median

import keras
import matplotlib.pyplot as plt

from tests.benchmarks.bench import measure
from utils import pipeline, plots, shapes, training, unet
from utils.plots import base

PICTURE = measure.FOLDER / "quality.png"
GOALS = (0.8, 0.9, 0.95)
"""Values of the IoU whose time is told."""
BATCH = 8
POINTS = 200
"""In so many steps the learning rate follows its curve."""
LATE, GRACE = 2, 0.5
"""A validation counts at a moment if it came so many median steps, or seconds, later at most: it waits for a step's end."""
HELD_UP = 5
"""Seconds; a longer step is told, if the run's other steps are not as long."""
TRIED_SECONDS, TRIED_SEED = 40, 7
"""With what the learning rates of the other two networks were tried."""


@dataclasses.dataclass(frozen=True)
class Network:
    """What is trained, and how it is drawn.

    Attributes:
        network: options of :func:`utils.unet.build_unet`.
        peak: highest learning rate.
        often: into how many parts the time between two rows of the table is divided, with a validation after each: less often
            where it takes long.
        colour, dash: of its line.
    """

    network: dict
    peak: float
    often: int
    colour: str
    dash: str


NETWORKS = {
    "the series' network": Network(training.DEEP.network, training.DEEP.peak, 4, base.BLUE, "-"),
    "the article's network": Network(
        {"depth": 1, "base": 64, "upsampling": "nearest", "norm": "none"}, 3e-3, 2, base.VERMILLION, "--"
    ),
    "the classic U-Net": Network(
        {"depth": 4, "base": 64, "upsampling": "transposed", "norm": "none"}, 1e-4, 1, base.GREEN, ":"
    ),
}
"""The learning rates of the other two were tried, each for ``TRIED_SECONDS``. For the article's network .003 was better than
.001, Adam's own, which the article uses. The classic one learned nothing yet at .0001, .0005 or .002; it keeps the first.
"""


@dataclasses.dataclass
class Run:
    """One training: what each validation found, in order, and what was done in that time.

    Attributes:
        seconds: of training up to each validation.
        iou: what it found.
        first_step: seconds of the first step.
        steps: how many in all.
        step_seconds: of every step, the first one too.
    """

    seconds: list[float] = dataclasses.field(default_factory=list)
    iou: list[float] = dataclasses.field(default_factory=list)
    first_step: float = 0.0
    steps: int = 0
    step_seconds: list[float] = dataclasses.field(default_factory=list)

    def at(self, moment: float) -> float | None:
        """The IoU of the last validation up to a moment, ``LATE`` and ``GRACE`` allowed for; None before the first."""
        until = moment + max(LATE * self.step, GRACE)
        known = [iou for seconds, iou in zip(self.seconds, self.iou) if seconds <= until]
        return known[-1] if known else None

    def reached(self, goal: float) -> float | None:
        """The seconds of the first validation with at least this IoU; None if there is none."""
        return next((seconds for seconds, iou in zip(self.seconds, self.iou) if iou >= goal), None)

    @property
    def step(self) -> float:
        """Median seconds of a step, without the first, which holds the compilation; 0 if there was no other."""
        later = self.step_seconds[1:]
        return median(later) if later else 0.0

    @property
    def longest(self) -> float:
        """Seconds of the longest step, without the first; 0 if there was no other."""
        return max(self.step_seconds[1:], default=0.0)


class ForSeconds(keras.callbacks.Callback):
    """Sets the learning rate by the clock, validates at given seconds, and stops when the time is over.

    Args:
        run: the :class:`Run` to write into.
        seconds: of the training.
        moments: seconds at which to validate, rising; at the end it validates in any case.
        peak: highest learning rate.
        validate: a function of the network that returns the IoU.
        clock: a function that returns seconds.
    """

    def __init__(self, run: Run, seconds: float, moments: Sequence[float], peak: float, validate, clock=None):
        super().__init__()
        self.run, self.limit, self.moments, self.validate = run, seconds, [*moments], validate
        self.clock = clock or time.perf_counter
        curve = training.learning_rate(POINTS, peak)
        self.rates = [float(curve(step)) for step in range(POINTS + 1)]

    def on_train_begin(self, logs=None):
        self.model.optimizer.learning_rate.assign(self.rates[0])
        self.start, self.ended = self.clock(), 0.0

    def on_train_batch_end(self, batch, logs=None):
        elapsed = self.clock() - self.start
        run = self.run
        run.steps += 1
        run.first_step = run.first_step or elapsed
        run.step_seconds.append(round(elapsed - self.ended, 4))
        over = elapsed >= self.limit
        if over or (self.moments and elapsed >= self.moments[0]):
            self.moments = [moment for moment in self.moments if moment > elapsed]
            before = self.clock()
            run.seconds.append(elapsed)
            run.iou.append(self.validate(self.model))
            self.start += self.clock() - before
        self.ended, self.model.stop_training = elapsed, over
        done = (elapsed - run.first_step) / max(1e-9, self.limit - run.first_step)
        self.model.optimizer.learning_rate.assign(self.rates[min(POINTS, round(POINTS * done))])


def train(network: Network, seed: int, seconds: float, validations: int, pictures: int) -> Run:
    """Train a network for some seconds, from a seed; validate it at the end of so many equal parts of them."""
    images, validation = shapes.draw(1000), shapes.draw(pictures, split="validation")
    data = pipeline.dataset(images.images, images.masks, batch_size=BATCH, shuffle=True, augment=True, seed=seed)
    keras.utils.set_random_seed(seed)
    model = unet.build_unet(**network.network)
    model.compile(optimizer=keras.optimizers.Adam(network.peak), loss="binary_crossentropy", jit_compile=True)

    def validate(model):
        return training.iou_at_half(validation.masks, training.predict(model, validation.images))

    project.keep_freed_memory(2**31 - 1, apart=2**25)  # time is measured here, not memory
    run = Run()
    follow = ForSeconds(run, seconds, evenly(seconds, validations), network.peak, validate)
    model.fit(data, epochs=10**6, verbose=0, shuffle=False, callbacks=[follow])
    return run


def trained(name: str, seed: int, seconds: float, validations: int, pictures: int) -> Run:
    """What :func:`train` returns, from a process of its own."""
    told = [name, *map(str, (seed, seconds, validations, pictures))]
    command = [sys.executable, "-m", "tests.benchmarks.bench.quality", *told]
    done = subprocess.run(command, cwd=project.ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    run = Run(**json.loads(done.stdout.splitlines()[-1]))
    print(f"{name}, seed {seed}: {run.steps} steps in {run.seconds[-1]:.0f} s, IoU {run.iou[-1]:.3f}", flush=True)
    return run


# ---- Tables and picture ------------------------------------------------------------------------------------------------


def several(values: Sequence[float | None], otherwise: str) -> str:
    """Median and range of several values; a single one alone; how many are there, if some are not."""
    known = [value for value in values if value is not None]
    if not known:
        return otherwise
    text = measure.spread(known) if len(known) > 1 else measure.shown(float(known[0]))
    return text if len(known) == len(values) else f"{text}, {len(known)} of {len(values)} runs"


def times(runs: dict[str, list[Run]]) -> str:
    """How many runs a network has, as text."""
    count = len(next(iter(runs.values())))
    return "1 run" if count == 1 else f"{count} runs"


def by_seconds(runs: dict[str, list[Run]], moments: Sequence[float], pictures: int) -> measure.Table:
    """The table of the IoU at some moments."""
    rows = [
        [name, *(several([run.at(moment) for run in found], "–") for moment in moments)] for name, found in runs.items()
    ]
    columns = ["network", *(f"after {moment:g} s" for moment in moments)]
    first, *others = runs
    ahead = [
        moment for moment in moments
        if all(_worst(runs[first], moment) > _best(runs[other], moment) for other in others)
    ]  # fmt: skip
    notes = [
        f"Aim: every run of {first} above every run of the others. Reached after "
        f"{', '.join(f'{moment:g}' for moment in ahead) or 'no number of'} s, of {len(moments)} moments looked at.",
        f"A value is that of the last validation up to the moment, or at most {LATE} median steps of its run or {GRACE} s "
        "later.",
    ]
    ends = [f"{name} {several([run.at(moments[-1]) for run in found], 'nothing')}" for name, found in runs.items()]
    runs_each = times(runs) if len(runs[first]) == 1 else f"median and range of {times(runs)}"
    headline = f"IoU after {moments[-1]:g} s of training, compilation included, {runs_each}: {', '.join(ends)}."
    title = f"IoU over all pixels of {pictures} validation pictures, by seconds of training"
    return measure.Table(title, columns, rows, notes, headline)


def _worst(found, moment):
    return min(run.at(moment) or 0 for run in found)


def _best(found, moment):
    return max(run.at(moment) or 0 for run in found)


def by_network(runs: dict[str, list[Run]]) -> measure.Table:
    """The table of what each network did in its time."""
    rows = []
    for name, found in runs.items():
        options = NETWORKS[name]
        parameters = unet.build_unet(**options.network).count_params()
        rows.append([
            name, parameters, f"{options.peak:g}", several([run.first_step for run in found], ""),
            several([run.step for run in found], ""), several([run.longest for run in found], ""),
            several([BATCH * run.steps for run in found], ""),
            *(several([run.reached(goal) for run in found], "not reached") for goal in GOALS),
        ])  # fmt: skip
    columns = [
        "network", "parameters", "highest learning rate", "first step with compilation, s", "median later step, s",
        "longest later step, s", "pictures seen", *(f"IoU {goal:g} after, s" for goal in GOALS),
    ]  # fmt: skip
    notes = [
        "A goal counts as reached at the first validation that shows it, so its seconds are those of a validation. "
        "What a network would reach with more time was not measured.",
        *held_up(runs),
        *compared(list(runs)),
    ]  # fmt: skip
    return measure.Table("What each network did in its time", columns, rows, notes)


def held_up(runs: dict[str, list[Run]]) -> list[str]:
    """A sentence on the runs in which a step took far longer than the others; none if there are no such runs."""
    found = [
        f"{name}, run {number} of {len(those)} ({measure.shown(run.longest)} s, its median step {measure.shown(run.step)} s)"
        for name, those in runs.items()
        for number, run in enumerate(those, 1)
        if run.longest > max(HELD_UP, 2 * run.step)
    ]
    if not found:
        return []
    return [
        f"A later step took more than {HELD_UP} s in {'; '.join(found)}. What held it up was not measured; those seconds are "
        "in the run's time."
    ]


def compared(names: Sequence[str]) -> list[str]:
    """Sentences on what the networks are, and on how their learning rates were chosen."""
    first, *others = names
    each = "; ".join(f"{name}: {described(NETWORKS[name].network)}" for name in names)
    return [
        f"{each[0].upper()}{each[1:]}.",
        f"The highest learning rates of {' and '.join(others)} were tried for {TRIED_SECONDS} s each with seed {TRIED_SEED}, "
        f"while the recipe of {first} was tuned for long: the comparison favours {first}.",
    ]


def described(options: dict) -> str:
    """Options of a network in words."""
    norm = "no" if options["norm"] == "none" else options["norm"]
    return (
        f"depth {options['depth']}, {options['base']} channels at the top, {options['upsampling']} upsampling, "
        f"{norm} normalisation"
    )


def apart(heights: Sequence[float], distance: float) -> list[float]:
    """Places for labels, as near to these heights as they can be with a distance between them; none below 0."""
    order = sorted(range(len(heights)), key=lambda k: heights[k])
    places, below = [0.0] * len(heights), -distance
    for k in order:
        places[k] = below = max(heights[k], below + distance)
    return places


def lines(runs: dict[str, list[Run]], seconds: float):
    """A figure of the IoU over the seconds: every run a thin line.

    Args:
        runs: of each network.
        seconds: that each run had; the last step of a run may end later.

    Returns:
        tuple: the figure and a text that says what it shows, with the medians after so many seconds.
    """
    fig, axis = plt.subplots(figsize=(base.WIDTH, 4.2))
    heights, told = [], []
    for name, found in runs.items():
        look = NETWORKS[name]
        for run in found:
            axis.plot(run.seconds, run.iou, look.dash, color=look.colour, marker="o", markersize=3, linewidth=1.2)
        heights.append(median(run.iou[-1] for run in found))
        known = [iou for run in found if (iou := run.at(seconds)) is not None]
        told.append(f"{name} {median(known):.2f}" if known else f"{name} nothing")
    axis.set(
        xlabel="seconds of training, compilation included",
        ylabel="IoU of validation pictures",
        ylim=(0, 1),
        xlim=(0, None),
    )
    axis.grid(color="#E5E5E5", linewidth=0.8)
    end = max(run.seconds[-1] for found in runs.values() for run in found)
    for name, height in zip(runs, apart(heights, 0.07)):
        axis.annotate(name, (end, height), (8, 0), textcoords="offset points", color=NETWORKS[name].colour, va="center")
    return fig, f"IoU over seconds of training, {times(runs)} a network. After {seconds:g} s: {', '.join(told)}."


def tables(quick: bool) -> list[measure.Table]:
    seconds, parts, seeds, pictures = (30, 2, (0,), 100) if quick else (90, 3, (0, 1, 2), 200)
    networks = dict(list(NETWORKS.items())[:2]) if quick else NETWORKS
    runs = {name: [] for name in networks}
    for seed in seeds:
        for name, network in networks.items():
            runs[name].append(trained(name, seed, seconds, parts * network.often, pictures))
    with plt.rc_context(plots.STYLE):
        figure, alt = lines(runs, seconds)
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(PICTURE)
        plt.close(figure)
    table = by_seconds(runs, evenly(seconds, parts), pictures)
    table.notes = [*table.notes, f"![{alt}]({PICTURE.parent.name}/{PICTURE.name})"]
    return [table, by_network(runs)]


def evenly(seconds: float, parts: int) -> list[float]:
    """The ends of so many equal parts of some seconds."""
    return [seconds * part / parts for part in range(1, parts + 1)]


if __name__ == "__main__":
    asked, *numbers = sys.argv[1:]
    print(json.dumps(dataclasses.asdict(train(NETWORKS[asked], *map(int, numbers)))))
