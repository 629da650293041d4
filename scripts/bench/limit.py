"""How far from the machine's limit does the series' network train, and where does the time go?

Work is counted as 2 * utils.cost.macs(model) floating-point operations a picture for a forward pass and three times that for a
training step; the limit is the rate of a large matrix product of NumPy. Every network is compiled in a process of its own, and
stays there, so that networks with different settings take turns. Notebook 04 reads these tables.
"""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
import time
from collections import Counter
from functools import partial
from statistics import mean

import keras
import numpy as np
import tensorflow as tf

from scripts import notebooks
from scripts.bench import measure, trace
from scripts.bench.measure import Table, Worker, ratios, spread
from utils import cost, training, unet

MATRIX = np.random.default_rng(0).standard_normal((2048, 2048), dtype=np.float32)
SAME_STEPS = 5
"""Steps after which weights are compared."""


@dataclasses.dataclass(frozen=True)
class Variant:
    """A network and the settings with which it is trained; by default the recipe of notebook 04."""

    name: str
    base: int = 8
    size: int = 64
    batch: int = 8
    norm: str = "batch"
    xla: bool = True
    policy: str = "float32"
    at_once: int = 1
    environment: dict = dataclasses.field(default_factory=dict)


RECIPE = Variant("recipe of notebook 04")
SIZES = [
    Variant("16 channels at the top", base=16),
    Variant("32 channels at the top", base=32),
    Variant("128 x 128 pictures", size=128),
    Variant("batch 16", batch=16),
]
TRIED = [
    Variant("not compiled by XLA", xla=False),
    Variant("the recipe once more"),
    Variant("set as for a small machine", environment=notebooks.small_machine()),
    Variant("no normalisation", norm="none"),
    Variant("group normalisation", norm="group"),
    Variant("one thread", environment={"TF_NUM_INTRAOP_THREADS": "1"}),
    Variant("oneDNN on, not compiled by XLA", xla=False, environment={"TF_ENABLE_ONEDNN_OPTS": "1"}),
    Variant("bfloat16 (mixed_bfloat16)", policy="mixed_bfloat16"),
    Variant("XLA's fusion emitters on", environment={"XLA_FLAGS": "--xla_cpu_use_fusion_emitters=true"}),
    Variant("five steps in one call", at_once=5),
]


class Network:
    """A compiled network and its data; ``ready`` tells what its first steps show, and how many of them take 0.4 s."""

    def __init__(self, variant: Variant):
        keras.config.set_dtype_policy(variant.policy)
        keras.utils.set_random_seed(0)
        options = training.DEEP.network | {"base": variant.base, "norm": variant.norm}
        self.variant, self.model = variant, unet.build_unet((variant.size, variant.size, 3), **options)
        training.compile_model(self.model, training.DEEP.steps, peak=training.DEEP.peak)
        self.model.jit_compile, self.model.steps_per_execution = variant.xla, variant.at_once
        self.model.make_train_function()
        rng = np.random.default_rng(0)
        self.images = rng.random((variant.batch, variant.size, variant.size, 3), dtype=np.float32)
        pair = self.images, (self.images[..., :1] > 0.5).astype(np.float32)
        self.batches = iter(tf.data.Dataset.from_tensors(pair).repeat())
        first = self.steps(variant.at_once)
        self.steps(SAME_STEPS - variant.at_once)
        digest = hashlib.sha256(b"".join(weight.tobytes() for weight in self.model.get_weights())).hexdigest()
        before, seconds, usage = measure.usage(), self.steps(SAME_STEPS), measure.usage()
        macs = Counter()
        for row in cost.layer_table(self.model):
            macs[(variant.size // row.shape[0]).bit_length()] += row.macs
        self.ready = {
            "first": first, "faults": (usage.ru_minflt - before.ru_minflt) / SAME_STEPS, "memory": usage.ru_maxrss * 1.024e-3,
            "digest": digest, "macs": macs, "count": SAME_STEPS * max(1, min(6, round(0.4 / seconds))),
        }  # fmt: skip

    def steps(self, count) -> float:
        """Seconds of training steps: a multiple of those that Keras takes at once."""
        start = time.perf_counter()
        for _ in range(count // self.variant.at_once):
            self.model.train_function(self.batches)
        return time.perf_counter() - start

    def forward(self, count) -> float:
        """Seconds of forward passes, as ``model.predict`` makes them."""
        start = time.perf_counter()
        for _ in range(count):
            self.model.predict_on_batch(self.images)
        return time.perf_counter() - start

    def trace(self, count):
        """Seconds of a step, and how they are shared out: see :func:`trace.read`."""
        with tempfile.TemporaryDirectory() as folder:
            with tf.profiler.experimental.Profile(folder):
                self.steps(count)
            return trace.read(folder, self.variant.size)


def tables(quick: bool) -> list[Table]:
    """The rates by size, where the recipe's time goes, and what else was tried."""
    with Worker(None, Network, RECIPE) as recipe:
        rates, levels = [rates_of(RECIPE, recipe)], by_level(recipe)
        for variant in SIZES[:1] if quick else SIZES:
            with Worker(variant.environment, Network, variant) as worker:
                rates.append(rates_of(variant, worker))
        attempts = [attempt(variant, recipe) for variant in (TRIED[:2] if quick else TRIED)]
    return [rate_table(rates), levels, tried(attempts, recipe.ready)]


def product() -> float:
    """Seconds of a large matrix product; it waits afterwards, as its threads go on looking for work for a while."""
    start = time.perf_counter()
    MATRIX @ MATRIX
    seconds = time.perf_counter() - start
    time.sleep(0.3)
    return seconds


def rates_of(variant, worker) -> dict:
    """GFLOP/s of the matrix product, of a network's forward pass and of its training step, in turn; then a row of the table."""
    count, macs = worker.ready["count"], worker.ready["macs"].total()
    forward, step = (partial(worker.ask, method, count) for method in ("forward", "steps"))
    seconds = measure.in_turn({"limit": product, "forward": forward, "step": step}, 4)
    work = {"limit": 2 * 2048**3, "forward": 2 * macs * variant.batch * count, "step": 6 * macs * variant.batch * count}
    limit, forward, step = ([work[name] / one / 1e9 for one in seconds[name]] for name in work)
    print(f"{variant.name}: a step at {spread(step)} GFLOP/s", flush=True)
    return {
        "network": variant.name, "channels at the top": variant.base, "size": f"{variant.size} x {variant.size}",
        "batch": variant.batch, "million MACs a picture": macs / 1e6, "forward (GFLOP/s)": spread(forward),
        "forward / limit": spread(ratios(forward, limit)), "training step (GFLOP/s)": spread(step),
        "step / limit": spread(ratios(step, limit)),
        "pictures a second in training": spread(variant.batch * count / one for one in seconds["step"]),
    }  # fmt: skip


def rate_table(rows: list[dict]) -> Table:
    """The table of the rates; the recipe's stand first."""
    rate, share, pictures = (float(text.split()[0]) for text in [*rows[0].values()][7:])
    return measure.table(
        "Rates by width, size and batch",
        rows,
        "Each row changes one thing of the first. The training step is that of utils.training.compile_model, the forward pass "
        "that of model.predict. The limit: a float32 matrix product, 2048 x 2048, of the same round. The aim is 60% of it.",
        headline=f"A training step of notebook 04 runs at {rate:.0f} GFLOP/s, {share:.0%} of the rate of a large matrix "
        f"product, and takes {pictures:.0f} pictures a second.",
    )


def by_level(recipe) -> Table:
    """Where the time of the recipe's step goes, by level; the limit is measured before and after."""
    limits, count, macs = [product()], recipe.ready["count"], recipe.ready["macs"]
    untraced = recipe.ask("steps", count) / count
    whole, parts = recipe.ask("trace", 12)
    limit, rows = 2 * 2048**3 / mean([*limits, product()]), []
    for level in sorted(+macs):
        convolutions, other = (parts.get((level, kind), 0.0) for kind in (True, False))
        rate, side = 6 * macs[level] * RECIPE.batch / convolutions, RECIPE.size >> level - 1
        rows.append({
            "level": level, "size": f"{side} x {side}", "channels": RECIPE.base << level - 1,
            "share of the products": macs[level] / macs.total(), "time: its convolutions": convolutions / whole,
            "time: all else of it": other / whole, "convolutions (GFLOP/s)": rate / 1e9, "convolutions / limit": rate / limit,
        })  # fmt: skip
    rest = 1 - sum(row["time: its convolutions"] + row["time: all else of it"] for row in rows)
    rows.append(
        dict.fromkeys(rows[0], "") | {"level": "none: Adam, gaps, between the steps", "time: all else of it": rest}
    )
    return measure.table(
        "Where a step's time goes, by level",
        rows,
        f"TensorFlow's trace of the recipe's compiled step: medians of 11 steps, {whole * 1e3:.1f} ms each; steps just before, "
        f"without the trace, took {untraced * 1e3:.1f} ms. Where pieces run at the same time, each gets an equal part of that "
        "time. A piece belongs to the level of the largest map that it touches.",
    )


def attempt(variant, recipe):
    """The ratios of a picture's time with other settings to the recipe's, in turn, and what is known of that network."""
    with Worker(variant.environment, Network, variant) as worker:
        counts = [one.ready["count"] for one in (recipe, worker)]
        tasks = {one: partial(one.ask, "steps", count) for one, count in zip((recipe, worker), counts)}
        usual, other = ([s / count for s in one] for count, one in zip(counts, measure.in_turn(tasks, 8).values()))
    found = spread(ratios(other, usual))
    print(f"{variant.name}: {found} of the recipe's time", flush=True)
    return variant.name, found, worker.ready


def tried(attempts, recipe) -> Table:
    """The table of what was tried; the recipe stands first."""
    rows = [
        {
            "tried": name, "time of a picture / recipe's": ratio, "first step (s)": at["first"],
            "page faults a step": at["faults"], "most memory held (MB)": at["memory"],
            "same weights to the bit": "yes" if at["digest"] == recipe["digest"] else "no",
        }
        for name, ratio, at in [(RECIPE.name, "1", recipe), *attempts]
    ]  # fmt: skip
    note = f"Below 1: faster than the recipe. Same weights: all of them after {SAME_STEPS} steps from the same start."
    return measure.table("What was tried", rows, f"{note} Memory: of a process after a few steps on one batch.")
