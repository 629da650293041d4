"""How much memory does a training step take, and what lets a learner train the article's network in 2 GB?

Every figure comes from a process of its own, so that none sees what another one left behind. The parent process loads no
TensorFlow. MB are 10**6 bytes.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression, median

from tests.benchmarks.bench import measure
from utils import project

AIM_RECIPE = 1200
"""MB in all that training the series' network may take."""
LIMITS = (2000, 1500)
"""MB of a small machine, and of what a notebook of the series may take."""
ARTICLE_BATCH, ARTICLE_SIZE = 8, 256
"""Pictures a step, and height and width of one, as the article trains."""
BUDGET = {"quick": 30, "full": 900}
"""Seconds after which no further process is begun."""
PATIENCE = 240
"""Seconds after which a measurement is given up."""


@dataclasses.dataclass(frozen=True)
class Trial:
    """One training to be measured.

    Attributes:
        name: what is told about it.
        network: ``"recipe"`` for notebook 04's network and data, ``"series"`` for a network of that kind, ``"article"``.
        size: height and width of a picture.
        base: channels of the first level.
        batch: pictures a step.
        xla: compile the step with XLA.
        start: with the settings of :func:`utils.project.start`.
        accumulate: steps whose gradients are added before the weights change.
        remat: compute the maps of each block a second time, in the backward pass.
        steps: training steps; the first one compiles and is not counted among the seconds.
        runs: how often it is measured, each time in a process of its own.
        environment: variables that the process gets.
    """

    name: str
    network: str = "series"
    size: int = 64
    base: int = 8
    batch: int = 8
    xla: bool = True
    start: bool = True
    accumulate: int = 1
    remat: bool = False
    steps: int = 2
    runs: int = 1
    environment: dict = dataclasses.field(default_factory=dict)


RECIPE = Trial("recipe of notebook 04", network="recipe", steps=12, runs=3)
BASE = Trial("batch 8, as the recipe but a few random pictures")


def grid(quick: bool) -> list[Trial]:
    """The recipe with its pictures, the same with a few random ones, then one thing of that changed at a time."""
    if quick:
        return [dataclasses.replace(RECIPE, runs=1)]
    trials = [RECIPE, BASE]
    trials += [Trial(f"batch {batch}", batch=batch) for batch in (4, 16)]
    trials += [Trial(f"{size} x {size} pictures", size=size) for size in (128, 256)]
    trials += [Trial(f"{base} channels at the top", base=base) for base in (16, 32)]
    return [*trials, Trial("not compiled by XLA", xla=False)]


def ways(quick: bool) -> list[Trial]:
    """Ways to train the article's network; the first is the article's own, then come those that tell causes apart."""

    def way(name, batch=ARTICLE_BATCH, **changes):
        steps = (3 if batch > 2 else 4) - (1 if quick else 0)
        changes = {"size": ARTICLE_SIZE, "xla": True, "steps": steps, **changes}
        return Trial(name, network="article", base=64, batch=batch, **changes)

    no_onednn, onednn = {"TF_ENABLE_ONEDNN_OPTS": "0"}, {"TF_ENABLE_ONEDNN_OPTS": "1"}
    usual = way("as the article: batch 8, TensorFlow's defaults", xla=False, start=False, environment=onednn)
    single = way("batch 1, XLA", 1)
    if quick:
        return [usual, single]
    return [
        usual,
        way("batch 8, oneDNN off only", xla=False, start=False, environment=no_onednn),
        way("batch 8, settings of project.start", xla=False),
        way("batch 8, XLA"),
        way("batch 4, XLA", 4),
        way("batch 2, XLA", 2),
        single,
        way("batch 1 eight times, accumulated, XLA", 1, accumulate=ARTICLE_BATCH, steps=ARTICLE_BATCH),
        way("batch 8, crops of 128, XLA", size=128),
        way("batch 8, blocks computed again, XLA", remat=True),
    ]


# ---- The tables --------------------------------------------------------------------------------------------------------


def tables(quick: bool) -> list[measure.Table]:
    """Memory by size, batch and width against the computed maps; ways to train the article's network."""
    seconds = BUDGET["quick" if quick else "full"]
    until = time.monotonic() + seconds
    smaller, learners = measured_all(grid(quick), until), measured_all(ways(quick), until)
    made = [by_size(smaller), article(learners)]
    names = {trial.name for trial, _ in smaller + learners}
    if missing := [trial.name for trial in grid(quick) + ways(quick) if trial.name not in names]:
        note = f"Not begun after {seconds} s: {'; '.join(missing)}."
        made[1] = dataclasses.replace(made[1], notes=[*made[1].notes, note])
    return made


def measured_all(trials: Sequence[Trial], until: float = math.inf) -> list[tuple[Trial, dict]]:
    """Measure trials one after the other, and say how far it is; none is begun when ``time.monotonic()`` is past ``until``.

    Returns:
        list: each trial that was begun, with what :func:`largest` makes of its runs.
    """
    found = []
    for number, trial in enumerate(trials, 1):
        begin, runs = time.perf_counter(), []
        while len(runs) < trial.runs and time.monotonic() <= until:
            runs.append(measured(trial))
        if not runs:
            print(f"{number}/{len(trials)} {trial.name}: no time is left", flush=True)
            continue
        figures = largest(runs)
        found.append((trial, figures))
        told = figures.get("failed") or (
            f"peak {measure.spread(figures['peaks'])} MB, {measure.spread(figures['seconds'])} s a step"
        )
        print(f"{number}/{len(trials)} {trial.name}: {told} ({time.perf_counter() - begin:.0f} s)", flush=True)
    return found


def largest(runs: Sequence[dict]) -> dict:
    """The figures of the run with the largest peak.

    Returns:
        dict: those figures, ``peaks``: MB of every run, ``lost``: why runs gave no figures; ``{"failed": why}`` if none did.
    """
    done = [at for at in runs if "failed" not in at]
    if not done:
        return runs[0]
    lost = [at["failed"] for at in runs if "failed" in at]
    return max(done, key=lambda at: at["peak"]) | {"peaks": [at["peak"] for at in done], "lost": lost}


def by_size(found) -> measure.Table:
    """Memory of the series' training, against the memory of the feature maps that :mod:`utils.cost` computes."""
    columns = [
        "training", "size", "base", "batch", "imports (MB)", "built (MB)", "peak (MB)", "step = peak - imports (MB)",
        "second epoch (MB)", "computed maps (MB)", "step / computed", "(second epoch - imports) / computed",
    ]  # fmt: skip
    rows = []
    for trial, at in found:
        row = [trial.name, f"{trial.size} x {trial.size}", trial.base, trial.batch]
        if "failed" in at:
            rows.append([*row, at["failed"], *[""] * (len(columns) - 5)])
            continue
        step, later = at["peak"] - at["imports"], at["later"] - at["imports"]
        rows.append(
            [*row, at["imports"], at["built"], at["peak"], step, at["later"], at["maps"], step / at["maps"],
             later / at["maps"]]
        )  # fmt: skip
    done = [(trial, at) for trial, at in found if "failed" not in at]
    recipe = next(((trial, at) for trial, at in done if trial.network == "recipe"), None)
    base = next((at for trial, at in done if trial.name == BASE.name), None)
    headline = ""
    notes = [
        "Resident memory of a process, a new one for every run. The peak includes tracing and compiling the step, which the "
        "first step brings; the peak of the second epoch, steps and validation, does not. Computed: "
        "utils.cost.activation_memory(model, batch, training=True).",
    ]
    if base:
        below = f'The rows below "{BASE.name}" change one thing of that row.'
        notes.append(f"{below} {pictures(recipe[1], base)}" if recipe else below)
    if told := line(done):
        notes.append(told)
    if recipe:
        number = len(recipe[1]["peaks"])
        headline = f"Training the series' network takes {recipe[1]['peak']:,.0f} MB at its peak, "
        headline += "in one run." if number == 1 else f"the largest of {number} runs."
        notes.append(judged(*recipe))
    return measure.Table("Memory of a training step", columns, rows, notes, headline)


def judged(trial: Trial, at: dict) -> str:
    """What is to be said of the recipe: the peak of each run, and whether the largest reaches the aim."""
    lost = f" Runs that failed: {'; '.join(at['lost'])}." if at["lost"] else ""
    times = "once" if len(at["peaks"]) == 1 else f"{len(at['peaks'])} times"
    return (
        f"The {trial.name} with its {at['pictures']:,} pictures, measured {times}: a peak of {measure.spread(at['peaks'])} MB."
        f"{lost} The largest counts: {verdict(at['peak'], AIM_RECIPE)} The training only, {2 * trial.steps} steps of it; "
        "figures and other networks of the notebook are not in it."
    )


def pictures(recipe: dict, base: dict) -> str:
    """A sentence: what the recipe's pictures take, beside the same training with a few random ones."""
    built, most = (recipe[name] - base[name] for name in ("built", "peak"))
    return (
        f"The recipe's row has its {recipe['pictures']:,} drawn pictures in place of {base['pictures']:,} random ones: "
        f"{built:,.0f} MB more before its first step (built), {most:,.0f} MB more at its peak."
    )


def line(done) -> str:
    """The straight line, by least squares, from the computed maps to the peaks of trainings of one kind, as sentences.

    Those are trainings of random pictures that are compiled by XLA. Empty for fewer than three sizes of the maps.
    """
    alike = {trial.name: at for trial, at in done if trial.network == "series" and trial.xla}
    maps, peaks = ([at[name] for at in alike.values()] for name in ("maps", "peak"))
    if len(set(maps)) < 3:
        return ""
    slope, constant = linear_regression(maps, peaks)
    off = {name: at["peak"] - constant - slope * at["maps"] for name, at in alike.items()}
    farthest = max(off, key=lambda name: abs(off[name]))
    return (
        f"By least squares over the {len(alike)} rows of random pictures that are compiled by XLA: peak = {constant:,.0f} MB + "
        f"{measure.shown(slope)} x computed maps. The largest deviation: {abs(off[farthest]):,.0f} MB "
        f"{'above' if off[farthest] > 0 else 'below'} the line ({farthest}). The constant is imports "
        f"({median(at['imports'] for at in alike.values()):,.0f} MB), runtime and compiler."
    )


def article(found) -> measure.Table:
    """What lets a learner train the article's network."""
    whole = f"{ARTICLE_BATCH} pictures of {ARTICLE_SIZE} x {ARTICLE_SIZE}"
    columns = ["way", "imports (MB)", "peak (MB)", "computed maps (MB)", f"seconds for the pixels of {whole}"]
    columns += [f"under {limit / 1000:g} GB" for limit in LIMITS]
    rows, peaks, counted = [], {}, []
    for trial, at in found:
        if "failed" in at:
            rows.append([trial.name, at["failed"], *[""] * (len(columns) - 2)])
            continue
        peaks[trial.name] = at["peak"]
        counted.append(len(at["seconds"]))
        passed = ["yes" if at["peak"] < limit else "no" for limit in LIMITS]
        seconds = measure.spread(at_full_size(trial, at["seconds"]))
        rows.append([trial.name, at["imports"], at["peak"], at["maps"], seconds, *passed])
    steps = f", {min(counted)} to {max(counted)} of them" if counted else ""
    notes = [
        "utils.unet.article_unet: 407,809 parameters, 256 x 256 x 3 unless crops are named, plain fit. From the second row on "
        "with the settings of project.start unless 'only' is said. Seconds: the median (smallest to largest) of the steps "
        f"after the first{steps}, scaled to as many pixels as {whole} have; a crop of 128 is a quarter of a picture. Computed "
        "again: with keras.RematScope. Computed maps: without computing any of them again.",
    ]
    for limit in LIMITS:
        fitting = under(peaks, limit)
        notes.append(
            f"Under {limit / 1000:g} GB: {len(fitting)} of {len(peaks)}"
            + (f": {'; '.join(fitting)}." if fitting else ".")
        )
    headline, usual = "", ways(True)[0].name
    if usual in peaks:
        headline = f"The article's network, trained as in the article, takes {peaks[usual]:,.0f} MB"
        least = min(peaks, key=peaks.get)
        headline += "." if least == usual else f"; {least}: {peaks[least]:,.0f} MB."
    return measure.Table("What lets a learner train the article's network", columns, rows, notes, headline)


def at_full_size(trial: Trial, seconds: Sequence[float]) -> list[float]:
    """Seconds of a trial's steps, scaled to as many pixels as the article has in a step."""
    times = ARTICLE_BATCH * ARTICLE_SIZE**2 / (trial.batch * trial.size**2)
    return [times * one for one in seconds]


def under(peaks: dict[str, float], limit: float) -> list[str]:
    """The names of what stays below a limit, the largest first."""
    return sorted((name for name, peak in peaks.items() if peak < limit), key=lambda name: -peaks[name])


def verdict(megabytes: float, aim: float) -> str:
    """Whether an aim was reached, as a sentence."""
    reached = "reached" if megabytes < aim else f"not reached, {megabytes - aim:.0f} MB too many"
    return f"{megabytes:.0f} MB in all; the aim was less than {aim:.0f} MB: {reached}."


# ---- One measurement, in a process of its own --------------------------------------------------------------------------


def measured(trial: Trial) -> dict:
    """Run a trial in another process and return its figures, or ``{"failed": why}``."""
    command = [sys.executable, "-m", __name__, json.dumps(dataclasses.asdict(trial))]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **trial.environment}
    try:
        done = subprocess.run(
            command, cwd=project.ROOT, env=environment, capture_output=True, encoding="utf-8", timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"given up after {PATIENCE} s"}
    answers = [line[1:] for line in done.stdout.splitlines() if line.startswith("@")]
    if done.returncode or not answers:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        return {"failed": f"failed with code {done.returncode}: {last[:120]}"}
    return json.loads(answers[-1])


def memory_of(status: str, name: str) -> float:
    """MB behind a name in the text of ``/proc/self/status``.

    Raises:
        ValueError: there is no such line.
    """
    found = re.search(rf"^{name}:\s*(\d+) kB$", status, re.MULTILINE)
    if not found:
        raise ValueError(f"There is no line {name} in kB.")
    return int(found[1]) * 1024 / 1e6


def resident() -> float:
    """MB that this process holds now; where only Linux would tell, the most that it held."""
    status = _status()
    return memory_of(status, "VmRSS") if status else peak()


def peak() -> float:
    """The most MB that this process held since its start, or since :func:`forget_peak`."""
    status = _status()
    if status:
        return memory_of(status, "VmHWM")
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def forget_peak() -> None:
    """Let :func:`peak` begin anew, where the system allows it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def _status() -> str:
    try:
        return Path("/proc/self/status").read_text()
    except OSError:
        return ""


def run(trial: Trial) -> dict:
    """Train as a trial says, in this process, and return its figures.

    Returns:
        dict: ``imports``, ``built``, ``later``, ``peak``: MB resident; ``maps``: MB of computed maps; ``seconds``: of each
        counted step; ``pictures``: how many there were, those of the validation too.
    """
    if trial.start:
        project.start()
    import keras
    import numpy as np

    from utils import cost, pipeline, shapes, training, unet

    class Watch(keras.callbacks.Callback):
        """Takes the time of every step, and the peak up to the end of the first step or, if there are two, epoch."""

        seconds, first = [], 0.0

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.forget()

        def on_train_batch_begin(self, batch, logs=None):
            self.begin = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            self.seconds.append(time.perf_counter() - self.begin)
            if len(self.seconds) == 1:
                self.forget()

        def forget(self):
            self.first = max(self.first, peak())
            forget_peak()

    figures = {"imports": resident()}
    watch = Watch()
    rng = np.random.default_rng(0)

    def random(count):
        images = rng.random((count, trial.size, trial.size, 3), dtype=np.float32)
        return images, (images[..., :1] > 0.5).astype(np.uint8)

    keras.utils.set_random_seed(0)
    if trial.network == "article":
        model = _article(trial.size, trial.base, trial.remat)
        optimizer = keras.optimizers.Adam(
            gradient_accumulation_steps=trial.accumulate if trial.accumulate > 1 else None
        )
        model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"], jit_compile=trial.xla)
        figures |= {"built": resident(), "pictures": trial.batch * trial.steps}
        images, masks = random(trial.batch * trial.steps)
        model.fit(images, masks.astype(np.float32), batch_size=trial.batch, epochs=1, verbose=0, callbacks=[watch])
        counted = model if not trial.remat else _article(trial.size, trial.base, False)
    else:
        recipe = training.DEEP
        network = {**recipe.network, "base": trial.base}
        if trial.network == "recipe":
            drawn, validation = shapes.draw(recipe.images), shapes.draw(recipe.validation, split="validation")
            images, masks, held = drawn.images, drawn.masks, (validation.images, validation.masks)
        else:
            (images, masks), held = random(trial.batch * trial.steps), random(2)
        data = pipeline.dataset(images, masks, batch_size=trial.batch, shuffle=True, augment=True).take(trial.steps)
        model = counted = unet.build_unet((trial.size, trial.size, 3), **network)
        training.compile_model(model, recipe.steps, peak=recipe.peak)
        if not trial.xla:
            model.compile(optimizer=model.optimizer, loss=model.loss, jit_compile=False)
        figures |= {"built": resident(), "pictures": len(images) + len(held[0])}
        training.train(model, data, held, 2, callbacks=[watch])
    figures |= {"later": peak(), "seconds": watch.seconds[1:]}
    maps = cost.activation_memory(counted, trial.batch, training=True) / 1e6
    return figures | {"peak": max(watch.first, figures["later"]), "maps": maps}


def _article(size, base, remat):
    """The article's network; if asked for, its maps are computed again in the backward pass, block by block."""
    import keras
    from keras import layers

    from utils import unet

    if not remat:
        return unet.article_unet((size, size, 3), base=base)

    class Block(layers.Layer):
        """Layers that are computed again as one: only what goes into the first one is kept."""

        def __init__(self, model, **options):
            super().__init__(**options)
            self.model = model

        def call(self, inputs):
            return self.model(inputs)

    def block(x, filters, name):
        inside = keras.Input(x.shape[1:])
        model = keras.Model(inside, unet.double_conv(inside, filters, name))
        with keras.RematScope(mode="full"):
            return Block(model, name=f"{name}_block")(x)

    inputs = keras.Input((size, size, 3), name="image")
    skip = block(inputs, base, "enc1")
    x = block(layers.MaxPooling2D(2)(skip), 2 * base, "bottleneck")
    x = block(layers.Concatenate()([skip, layers.UpSampling2D(2)(x)]), base, "dec1")
    return keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid", name="head")(x))


if __name__ == "__main__":
    print("@" + json.dumps(run(Trial(**json.loads(sys.argv[1])))), flush=True)
