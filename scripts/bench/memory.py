"""How much memory does a training step take, and what lets a learner train the article's network in 2 GB?

Every figure comes from a process of its own, so that none sees what another one left behind. MB are 10**6 bytes.
"""

from __future__ import annotations

import dataclasses
import time

import keras
import numpy as np
import psutil

from scripts import notebooks
from scripts.bench import measure
from utils import cost, pipeline, shapes, training, unet


@dataclasses.dataclass(frozen=True)
class Trial:
    """One training to be measured.

    The network is ``"recipe"``: notebook 04's with its pictures; ``"series"``: such a one with a few random pictures;
    ``"article"``: the article's with random pictures. The first of an epoch's steps is not counted among the seconds.
    """

    name: str
    network: str = "series"
    size: int = 64
    base: int = 8
    batch: int = 8
    xla: bool = True
    steps: int = 3
    environment: dict = dataclasses.field(default_factory=dict)


RECIPE = Trial("recipe of notebook 04", network="recipe", steps=12)
SERIES = [
    dataclasses.replace(RECIPE, name="the same, set as for a small machine", environment=notebooks.small_machine()),
    Trial("a few random pictures"),
    Trial("the same, batch 16", batch=16),
    Trial("the same, 256 x 256 pictures", size=256),
    Trial("the same, 32 channels at the top", base=32),
    Trial("the same, not compiled by XLA", xla=False),
]
ARTICLE = Trial(
    "as the article: batch 8, TensorFlow's defaults", "article", 256, 64, 8, False, 3, {"TF_ENABLE_ONEDNN_OPTS": "1"}
)
WAYS = [ARTICLE, dataclasses.replace(ARTICLE, name="batch 8, settings of project.start", environment={})]
WAYS += [dataclasses.replace(WAYS[1], name=f"batch {batch}, XLA", batch=batch, xla=True) for batch in (8, 4, 2, 1)]


def tables(quick: bool) -> list[measure.Table]:
    """Memory of the series' training by size, batch and width; ways to train the article's network."""
    runs = [measured(RECIPE) for _ in range(1 if quick else 3)]
    most = max(runs, key=lambda row: row["peak (MB)"])
    series, ways = [most, *map(measured, [] if quick else SERIES)], [*map(measured, WAYS[::5] if quick else WAYS)]
    for row in series:
        row["step / computed"] = row["step = peak - imports (MB)"] / row["computed maps (MB)"]
        del row["seconds for 8 pictures"]
    for row in ways:
        row |= {f"under {limit} GB": "yes" if row["peak (MB)"] < 1000 * limit else "no" for limit in (2, 1.5)}
    peaks, times = measure.spread(row["peak (MB)"] for row in runs), "in one run" if quick else "the largest of 3 runs"
    least = min(ways, key=lambda row: row["peak (MB)"])
    return [
        measure.table(
            "Memory of a training step",
            series,
            "Resident memory of a process, tracing and compiling of the step included: two epochs of some steps, with "
            "validation. Computed: utils.cost.activation_memory(model, batch, training=True).",
            f"The recipe's peaks: {peaks} MB. Figures and other networks of notebook 04 are not in it.",
            headline=f"Training the series' network takes {most['peak (MB)']:,.0f} MB at its peak, {times}.",
        ),
        measure.table(
            "What lets a learner train the article's network",
            ways,
            "utils.unet.article_unet: 407,809 parameters, 256 x 256 x 3, plain fit. Seconds: of the steps after the first.",
            headline=f"The article's network, trained as in the article, takes {ways[0]['peak (MB)']:,.0f} MB; "
            f"{least['training']}: {least['peak (MB)']:,.0f} MB.",
        ),
    ]


def measured(trial: Trial) -> dict:
    """A row of a table: what a trial took in a process of its own."""
    row = measure.fresh(run, trial, environment=trial.environment)
    print(f"{trial.name}: peak {row['peak (MB)']:.0f} MB", flush=True)
    return row


def run(trial: Trial) -> dict:
    """Train as a trial says, in this process."""
    imports, ends, rng = psutil.Process().memory_info().rss / 1e6, [], np.random.default_rng(0)
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter()))
    options = {"verbose": 0, "callbacks": [watch]}

    def random(count):
        images = rng.random((count, trial.size, trial.size, 3), dtype=np.float32)
        return images, (images[..., :1] > 0.5).astype(np.uint8)

    keras.utils.set_random_seed(0)
    learn, held_out = random(trial.batch * trial.steps), random(2)
    if trial.network == "article":
        model = unet.article_unet((trial.size, trial.size, 3), base=trial.base)
        model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"], jit_compile=trial.xla)
        model.fit(learn[0], learn[1].astype(np.float32), batch_size=trial.batch, **options)
    else:
        recipe = training.DEEP
        if trial.network == "recipe":
            drawn = shapes.draw(recipe.images), shapes.draw(recipe.validation, split="validation")
            learn, held_out = ((samples.images, samples.masks) for samples in drawn)
        data = pipeline.dataset(*learn, batch_size=trial.batch, shuffle=True, augment=True).take(trial.steps)
        model = unet.build_unet((trial.size, trial.size, 3), **recipe.network | {"base": trial.base})
        training.compile_model(model, recipe.steps, peak=recipe.peak)
        model.jit_compile = trial.xla
        model.fit(data, validation_data=pipeline.dataset(*held_out, batch_size=trial.batch), epochs=2, **options)
    peak, maps = measure.usage().ru_maxrss * 1.024e-3, cost.activation_memory(model, trial.batch, training=True) / 1e6
    return {
        "training": trial.name, "size": f"{trial.size} x {trial.size}", "base": trial.base, "batch": trial.batch,
        "imports (MB)": imports, "peak (MB)": peak, "step = peak - imports (MB)": peak - imports, "computed maps (MB)": maps,
        "seconds for 8 pictures": measure.spread(8 / trial.batch * (b - a) for a, b in zip(ends, ends[1:])),
    }  # fmt: skip
