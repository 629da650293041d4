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
from statistics import median

from tests.benchmarks.bench import measure
from utils import project

AIM_RECIPE = 1200
"""MB in all that training the series' network may take."""
LIMITS = (2000, 1500)
"""MB of a small machine, and of what a notebook of the series may take."""
ARTICLE_BATCH = 8
BUDGET = {"quick": 75, "full": 440}
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
        keep_little: without them, but with its :func:`utils.project.keep_freed_memory`.
        accumulate: steps whose gradients are added before the weights change.
        remat: ``""``, ``"layers"`` or ``"blocks"``: which maps are computed a second time, in the backward pass.
        steps: training steps.
        environment: variables that the process gets.
    """

    name: str
    network: str = "series"
    size: int = 64
    base: int = 8
    batch: int = 8
    xla: bool = True
    start: bool = True
    keep_little: bool = False
    accumulate: int = 1
    remat: str = ""
    steps: int = 2
    environment: dict = dataclasses.field(default_factory=dict)


RECIPE = Trial("recipe of notebook 04", network="recipe", steps=12)


def grid(quick: bool) -> list[Trial]:
    """The recipe first, then one thing changed at a time."""
    trials = [RECIPE]
    if quick:
        return trials
    trials += [Trial(f"batch {batch}", batch=batch) for batch in (4, 16)]
    trials += [Trial(f"{size} x {size} pictures", size=size) for size in (128, 256)]
    trials += [Trial(f"{base} channels at the top", base=base) for base in (16, 32)]
    return [*trials, Trial("not compiled by XLA", xla=False)]


def ways(quick: bool) -> list[Trial]:
    """Ways to train the article's network; the first is the article's own."""

    def way(name, batch=ARTICLE_BATCH, xla=False, **changes):
        return Trial(name, network="article", size=changes.pop("size", 256), base=64, batch=batch, xla=xla, **changes)

    no_onednn, onednn = {"TF_ENABLE_ONEDNN_OPTS": "0"}, {"TF_ENABLE_ONEDNN_OPTS": "1"}
    trials = [
        way("as the article: batch 8, TensorFlow's defaults", start=False, environment=onednn),
        way("batch 1, XLA", 1, xla=True, steps=3),
    ]
    if quick:
        return trials
    return [
        *trials,
        way("batch 8, crops of 128, XLA", size=128, xla=True),
        way("batch 2, XLA", 2, xla=True, steps=3),
        way("batch 4, XLA", 4, xla=True),
        way("batch 8, XLA", xla=True),
        way("batch 1 eight times, accumulated, XLA", 1, xla=True, accumulate=ARTICLE_BATCH, steps=ARTICLE_BATCH),
        way("batch 1 eight times, gradients accumulated", 1, accumulate=ARTICLE_BATCH, steps=ARTICLE_BATCH),
        way("batch 1", 1, steps=3),
        way("batch 2", 2, steps=3),
        way("batch 4", 4),
        way("batch 8, crops of 128", size=128),
        way("batch 8, settings of project.start"),
        way("batch 8, oneDNN off only", start=False, environment=no_onednn),
        way("batch 8, each block's maps computed again (RematScope)", remat="blocks"),
        way("batch 8, blocks computed again, XLA", remat="blocks", xla=True),
        way("batch 8, each layer's map computed again (RematScope)", remat="layers"),
        way("batch 8, keep_freed_memory only", start=False, keep_little=True, environment=onednn),
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
    """Measure trials one after the other, and say how far it is; none is begun when ``time.monotonic()`` is past ``until``."""
    found = []
    for number, trial in enumerate(trials, 1):
        begin = time.perf_counter()
        if time.monotonic() > until:
            print(f"{number}/{len(trials)} {trial.name}: no time is left", flush=True)
            continue
        figures = measured(trial)
        found.append((trial, figures))
        told = figures.get("failed") or f"peak {figures['peak']:.0f} MB, {figures['seconds']:.2f} s a step"
        print(f"{number}/{len(trials)} {trial.name}: {told} ({time.perf_counter() - begin:.0f} s)", flush=True)
    return found


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
    headline = "".join(
        f"Training the series' network takes {at['peak']:,.0f} MB at its peak."
        for trial, at in found
        if trial.network == "recipe" and "failed" not in at
    )
    notes = [
        "Resident memory of a process. The peak includes tracing and compiling the step, which the first step brings; the "
        "peak of the second epoch, steps and validation, does not. Computed: utils.cost.activation_memory(model, batch, "
        "training=True).",
    ]
    for trial, at in found:
        if trial.network == "recipe" and "failed" not in at:
            notes.append(
                f"The {trial.name} with its 1000 + 200 pictures: {verdict(at['peak'], AIM_RECIPE)} The training only, "
                f"{2 * trial.steps} steps of it; figures and other networks of the notebook are not in it."
            )
    return measure.Table("Memory of a training step", columns, rows, notes, headline)


def article(found) -> measure.Table:
    """What lets a learner train the article's network."""
    columns = ["way", "imports (MB)", "peak (MB)", "computed maps (MB)", f"seconds for {ARTICLE_BATCH} pictures"]
    columns += [f"under {limit / 1000:g} GB" for limit in LIMITS]
    rows, peaks = [], {}
    for trial, at in found:
        if "failed" in at:
            rows.append([trial.name, at["failed"], *[""] * (len(columns) - 2)])
            continue
        peaks[trial.name] = at["peak"]
        seconds = at["seconds"] * ARTICLE_BATCH / trial.batch
        passed = ["yes" if at["peak"] < limit else "no" for limit in LIMITS]
        rows.append([trial.name, at["imports"], at["peak"], at["maps"], seconds, *passed])
    notes = [
        "utils.unet.article_unet: 407,809 parameters, 256 x 256 x 3 unless crops are named, plain fit. From the second row on "
        "with the settings of project.start unless 'only' is said. Seconds: the median of the steps after the first, scaled "
        "to as many pictures as the article's batch has; a crop of 128 is a quarter of a picture. Computed maps: without "
        "computing any of them again.",
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
    """Train as a trial says, in this process, and return its figures in MB and seconds."""
    if trial.start:
        project.start()
    elif trial.keep_little:
        project.keep_freed_memory(4_000_000)
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

    def pictures(count):
        images = rng.random((count, trial.size, trial.size, 3), dtype=np.float32)
        return images, (images[..., :1] > 0.5).astype(np.uint8)

    keras.utils.set_random_seed(0)
    if trial.network == "article":
        model = _article(trial.size, trial.base, trial.remat)
        optimizer = keras.optimizers.Adam(
            gradient_accumulation_steps=trial.accumulate if trial.accumulate > 1 else None
        )
        model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"], jit_compile=trial.xla)
        figures |= {"built": resident()}
        images, masks = pictures(trial.batch * trial.steps)
        model.fit(images, masks.astype(np.float32), batch_size=trial.batch, epochs=1, verbose=0, callbacks=[watch])
        counted = model if not trial.remat else _article(trial.size, trial.base, "")
    else:
        recipe = training.DEEP
        network = {**recipe.network, "base": trial.base}
        if trial.network == "recipe":
            drawn, validation = shapes.draw(recipe.images), shapes.draw(recipe.validation, split="validation")
            images, masks, held = drawn.images, drawn.masks, (validation.images, validation.masks)
        else:
            (images, masks), held = pictures(trial.batch * trial.steps), pictures(2)
        data = pipeline.dataset(images, masks, batch_size=trial.batch, shuffle=True, augment=True).take(trial.steps)
        model = counted = unet.build_unet((trial.size, trial.size, 3), **network)
        training.compile_model(model, recipe.steps, peak=recipe.peak)
        if not trial.xla:
            model.compile(optimizer=model.optimizer, loss=model.loss, jit_compile=False)
        figures |= {"built": resident()}
        training.train(model, data, held, 2, callbacks=[watch])
    figures |= {"later": peak(), "seconds": median(watch.seconds[1:])}
    maps = cost.activation_memory(counted, trial.batch, training=True) / 1e6
    return figures | {"peak": max(watch.first, figures["later"]), "maps": maps}


def _article(size, base, remat):
    """The article's network; its maps computed again in the backward pass, layer by layer or block by block."""
    import keras
    from keras import layers

    from utils import unet

    plain = unet.article_unet((size, size, 3), base=base)
    if not remat:
        return plain
    if remat == "layers":  # mode="full" would take the model for a layer too, and fails as soon as it is trained
        with keras.RematScope(mode="list_of_layers", layer_names=[layer.name for layer in plain.layers]):
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
