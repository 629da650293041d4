"""How far from the machine's limit does the series' network train, and where does the time go?

Work is counted as 2 * utils.cost.macs(model) floating-point operations a picture for a forward pass and three times that for a
training step. The limit is the rate of a large float32 matrix product, the faster one of NumPy's and TensorFlow's. Every
network is built and run in a process of its own, which stays and is asked for a few steps at a time: so processes with
different settings can be measured in turn. The parent process loads no TensorFlow.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from statistics import median

from tests.benchmarks.bench import measure, memory, trace
from utils import project

AIM = 0.6
"""Share of the matrix product's rate that a training step of the recipe shall reach."""
DEPTH = 4
SIDE = 2048
"""Rows and columns of the matrices."""
WIDE = {"batch": 8, "size": 64, "channels": 64}
"""The convolution that is compared with: 3x3, as many channels in as out."""
SAME_STEPS = 5
"""Training steps after which the weights are compared."""
BUDGET = {"quick": 40, "full": 700}
"""Seconds after which no further network is begun."""
IN_A_ROW = 8
"""Convolutions of a level that run in one call, so that the call itself takes little of the time."""
CALLS = 8
"""Such calls in a measurement, after one that is not counted."""
A_ROUND = 0.4
"""Seconds that one measurement of a round shall take, or longer."""
PAUSE = 0.3
"""Seconds after a matrix product of NumPy: its threads go on looking for work for a while, and would slow down what follows."""


@dataclasses.dataclass(frozen=True)
class Variant:
    """A network and the settings with which it is trained; by default the recipe of notebook 04.

    Attributes:
        name: what is told about it.
        base, size, batch, norm: of the network, its pictures and its step.
        xla: compile the step with XLA.
        policy: of Keras, for the type of numbers.
        steps_at_once: training steps that Keras runs in one call.
        memory: what is done with freed memory: ``"series"``: as utils.training does; ``"smaller"``: arrays above 16 MB are
            given back at once; ``"all"``: all of it is kept.
        environment: variables that the process gets.
    """

    name: str
    base: int = 8
    size: int = 64
    batch: int = 8
    norm: str = "batch"
    xla: bool = True
    policy: str = "float32"
    steps_at_once: int = 1
    memory: str = "series"
    environment: dict = dataclasses.field(default_factory=dict)


RECIPE = Variant("recipe of notebook 04")
_ONEDNN = {"TF_ENABLE_ONEDNN_OPTS": "1"}


def sizes(quick: bool) -> list[Variant]:
    """Networks that differ from the recipe in one size."""
    wider = [Variant("16 channels at the top", base=16)]
    if quick:
        return wider
    return [
        *wider,
        Variant("32 channels at the top", base=32),
        Variant("128 x 128 pictures", size=128),
        Variant("256 x 256 pictures", size=256),
        Variant("batch 4", batch=4),
        Variant("batch 16", batch=16),
    ]


def tried(quick: bool) -> list[Variant]:
    """Settings that differ from the recipe's in one thing or two."""
    some = [
        Variant("not compiled by XLA", xla=False),
        Variant("freed arrays above 16 MB given back at once", memory="smaller"),
    ]
    if quick:
        return some
    return [
        *some,
        Variant("no normalisation", norm="none"),
        Variant("group normalisation", norm="group"),
        Variant("one thread", environment={"TF_NUM_INTRAOP_THREADS": "1"}),
        Variant("oneDNN on, not compiled by XLA", xla=False, environment=_ONEDNN),
        Variant("bfloat16 (mixed_bfloat16)", policy="mixed_bfloat16"),
        Variant("the recipe once more"),
        Variant("XLA's fusion emitters on", environment={"XLA_FLAGS": "--xla_cpu_use_fusion_emitters=true"}),
        Variant("five steps in one call", steps_at_once=5),
        Variant("all freed memory kept", memory="all"),
    ]


# ---- The tables --------------------------------------------------------------------------------------------------------


def tables(quick: bool) -> list[measure.Table]:
    """The limit, the rates by size, where the recipe's time goes, and what else was tried."""
    rounds = 4
    begin, seconds = time.monotonic(), BUDGET["quick" if quick else "full"]

    def left():
        return begin + seconds - time.monotonic()

    with Worker(RECIPE) as base:
        said(f"{RECIPE.name}: compiled in {base.ready['compiled']:.0f} s")
        limit, limit_table = _limit(base, rounds)
        where_tables = _where(base, limit)
        said("the trace of a step was read")
        alone = _alone(base, limit, rounds)
        said("the convolutions of each level alone")
        rates = [_rates(RECIPE, base, base, limit, rounds)]
        asked = sizes(quick)
        rates += [_rates(variant, None, base, limit, rounds - 1) for variant in measure_while(left, asked)]
        predicted = _predicted(base, rounds)
        asked += tried(quick)
        attempts = [_attempt(variant, base, 6 if quick else 8) for variant in measure_while(left, tried(quick))]
        attempt_table = _attempt_table(attempts, base.ready)
    by_name = {row["name"]: row for row in rates}
    missing = {variant.name for variant in asked} - {row["name"] for row in rates + attempts}
    notes = [verdict(by_name[RECIPE.name]["shares"])]
    notes += _why(where_tables["seconds"], base.ready["level_macs"], where_tables["rate"], by_name)
    return [
        limit_table,
        _rate_table(rates, notes),
        where_tables["levels"],
        where_tables["kinds"],
        alone,
        dataclasses.replace(attempt_table, notes=[*attempt_table.notes, *missed(missing, seconds)]),
        predicted,
    ]


def measure_while(left, variants):
    """Variants as long as there is time left, which ``left()`` tells in seconds."""
    for variant in variants:
        if left() > 0:
            yield variant
        else:
            said(f"{variant.name}: no time is left")


def missed(names, seconds: float) -> list[str]:
    """A sentence about what was not measured; none if all was."""
    return [f"Not begun after {seconds:.0f} s: {', '.join(sorted(names))}."] if names else []


def said(text: str) -> None:
    """Say how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def _limit(base, rounds):
    """The rates of matrix products and of a wide convolution."""
    kinds = ("numpy", "tensorflow", "convolution", "convolution, XLA")
    flops = {kind: 2 * SIDE**3 for kind in kinds[:2]}
    flops |= {kind: 2 * 9 * WIDE["channels"] ** 2 * WIDE["size"] ** 2 * WIDE["batch"] for kind in kinds[2:]}
    tasks = {}
    for kind in kinds:
        tasks[kind] = functools.partial(base.ask, do="product", kind=kind)
        tasks[f"pause after {kind}"] = functools.partial(time.sleep, PAUSE)
    seconds = measure.in_turn(tasks, rounds)
    rates = {kind: [flops[kind] / one / 1e9 for one in seconds[kind]] for kind in kinds}
    faster = max(kinds[:2], key=lambda kind: median(rates[kind]))
    names = {
        "numpy": f"matrix product {SIDE} x {SIDE}, NumPy",
        "tensorflow": f"matrix product {SIDE} x {SIDE}, TensorFlow",
        "convolution": "3x3 convolution {batch} x {size} x {size}, {channels} to {channels} channels".format(**WIDE),
    }
    names["convolution, XLA"] = names["convolution"] + ", XLA"
    rows = [
        [names[kind], measure.spread(rates[kind]), measure.spread(measure.ratios(rates[kind], rates[faster]))]
        for kind in kinds
    ]
    said(f"the limit: {measure.spread(rates[faster])} GFLOP/s")
    notes = [
        f"float32, on the threads that TensorFlow and NumPy take by themselves. Taken as the limit: {names[faster]}."
    ]
    table = measure.Table("The machine's limit", ["what", "GFLOP/s", "share of the limit"], rows, notes)
    return {"kind": faster, "flops": median(rates[faster]) * 1e9}, table


def rate(base, limit) -> float:
    """Operations a second of the matrix product that is the limit, measured now."""
    begin = time.perf_counter()
    base.ask(do="product", kind=limit["kind"])
    seconds = time.perf_counter() - begin
    time.sleep(PAUSE)
    return 2 * SIDE**3 / seconds


def _rates(variant, worker, base, limit, rounds):
    """Rates of a network's forward pass and training step, in turn with the limit's matrix product."""
    with contextlib.ExitStack() as stack:
        worker = worker or stack.enter_context(Worker(variant))
        ready = worker.ready
        tasks = {
            "product": functools.partial(base.ask, do="product", kind=limit["kind"]),
            "pause": functools.partial(time.sleep, PAUSE),
            "forward": functools.partial(worker.ask, do="predict", way="graph", count=ready["forwards"]),
            "step": functools.partial(worker.ask, do="steps", count=ready["steps"]),
        }
        seconds = measure.in_turn(tasks, rounds)
    flops = 2 * ready["macs"] * variant.batch
    product = [2 * SIDE**3 / one for one in seconds["product"]]
    forward = [flops * ready["forwards"] / one for one in seconds["forward"]]
    step = [3 * flops * ready["steps"] / one for one in seconds["step"]]
    shares = measure.ratios(step, product)
    said(f"{variant.name}: a step at {measure.spread(rate / 1e9 for rate in step)} GFLOP/s")
    return {
        "name": variant.name,
        "variant": variant,
        "macs": ready["macs"],
        "forward": forward,
        "step": step,
        "forward shares": measure.ratios(forward, product),
        "shares": shares,
        "images": [variant.batch * ready["steps"] / one for one in seconds["step"]],
    }


def _rate_table(rates, notes):
    columns = [
        "network", "channels at the top", "size", "batch", "million MACs a picture", "forward (GFLOP/s)",
        "forward / limit", "training step (GFLOP/s)", "step / limit", "pictures a second in training",
    ]  # fmt: skip
    rows = [
        [
            row["name"], row["variant"].base, f"{row['variant'].size} x {row['variant'].size}", row["variant"].batch,
            row["macs"] / 1e6, *(measure.spread(rate / 1e9 for rate in row["forward"]),
            measure.spread(row["forward shares"]), measure.spread(rate / 1e9 for rate in row["step"]),
            measure.spread(row["shares"]), measure.spread(row["images"])),
        ]
        for row in rates
    ]  # fmt: skip
    notes = [
        "Depth 4, batch normalisation, nearest upsampling; each row changes one thing of the first. The training step is the "
        "one of utils.training.compile_model; the forward pass runs inside a tf.function, as in utils.training.predict. "
        "Shares: against a matrix product of the same round.",
        *notes,
    ]
    recipe = rates[0]
    headline = (
        f"A training step of notebook 04 runs at {median(recipe['step']) / 1e9:.0f} GFLOP/s, {median(recipe['shares']):.0%} of "
        f"the rate of a large matrix product, and takes {median(recipe['images']):.0f} pictures a second."
    )
    return measure.Table("Rates by width, size and batch", columns, rows, notes, headline)


def verdict(shares) -> str:
    """Whether the aim was reached, as a sentence."""
    reached = "reached" if median(shares) >= AIM else "not reached"
    return (
        f"Aim: a training step of the recipe at {AIM:.0%} of the matrix product's rate or more. "
        f"It ran at {median(shares):.0%} ({min(shares):.0%} to {max(shares):.0%}): {reached}."
    )


def bound(seconds: dict, flops: float, rate: float) -> float:
    """The share of the limit that a step would reach if its convolutions ran at the limit and all else took as long.

    Args:
        seconds: of a step, by ``(level, kind)``.
        flops: of a step.
        rate: the limit, in operations a second.
    """
    other = sum(time for (_, kind), time in seconds.items() if kind not in trace.CONVOLUTIONS)
    ideal = flops / rate
    return ideal / (ideal + other)


def _why(seconds, level_macs, rate, by_name):
    """Sentences that say what keeps the recipe from the limit; every number is computed from the tables."""
    if not seconds:
        return []
    levels = level_rows(seconds, level_macs, RECIPE.batch, rate)
    top = levels[0]
    best = max(levels, key=lambda row: row["share of limit"])
    whole = sum(seconds.values())
    convolutions = sum(row["convolutions"] for row in levels)
    notes = [
        f"Where it goes (next tables): convolutions take {convolutions / whole:.0%} of the traced step, everything else "
        f"{1 - convolutions / whole:.0%}. Level 1, at full resolution with {RECIPE.base} channels, makes "
        f"{top['macs share']:.0%} of the products in {(top['convolutions'] + top['other']) / whole:.0%} of the time: its "
        f"convolutions run at {top['share of limit']:.0%} of the limit, those of level {best['level']} at "
        f"{best['share of limit']:.0%}.",
        "Computed, not measured: if every convolution ran at the limit and all else took as long as now, the step would "
        f"reach {bound(seconds, 6 * sum(level_macs) * RECIPE.batch, rate):.0%} of it.",
    ]
    wider = [
        f"{row['name']}: {median(row['shares']):.0%}" for row in by_name.values() if row["variant"].base > RECIPE.base
    ]
    return [*notes, f"The training step of wider networks: {'; '.join(wider)}." if wider else ""]


def level_rows(seconds: dict, level_macs, batch: int, rate: float) -> list[dict]:
    """What each level does and how fast.

    Args:
        seconds: of a step, by ``(level, kind)``.
        level_macs: multiply-accumulates of each level's convolutions for one picture, level 1 first.
        batch: pictures in a step.
        rate: the limit, in operations a second.
    """
    rows = []
    for level, macs in enumerate(level_macs, 1):
        mine = {kind: time for (at, kind), time in seconds.items() if at == level}
        convolutions = sum(mine.get(kind, 0.0) for kind in trace.CONVOLUTIONS)
        achieved = 6 * macs * batch / convolutions if convolutions else math.nan
        rows.append(
            {
                "level": level,
                "macs share": macs / sum(level_macs),
                "convolutions": convolutions,
                "other": sum(mine.values()) - convolutions,
                "rate": achieved,
                "share of limit": achieved / rate,
            }
        )
    return rows


def _where(base, limit):
    """Where the time of the recipe's step goes, by level and by kind of work."""
    before = rate(base, limit)
    base.ask(do="steps", count=SAME_STEPS)
    begin = time.perf_counter()
    base.ask(do="steps", count=base.ready["steps"])
    untraced = (time.perf_counter() - begin) / base.ready["steps"]
    traced = base.ask(do="trace", count=12)
    now = (before + rate(base, limit)) / 2
    seconds = {(level, kind): time for level, kind, time in traced.get("seconds", [])}
    if not seconds:
        empty = [measure.Table(f"Where a step's time goes, by {what}", [what], [], [traced["failed"]]) for what in
                 ("level", "kind of work")]  # fmt: skip
        return {"seconds": {}, "rate": now, "levels": empty[0], "kinds": empty[1]}
    whole = sum(seconds.values())
    level_macs = base.ready["level_macs"]
    rows = [
        [
            row["level"], f"{RECIPE.size >> row['level'] - 1} x {RECIPE.size >> row['level'] - 1}",
            RECIPE.base << row["level"] - 1, row["macs share"], row["convolutions"] / whole, row["other"] / whole,
            row["rate"] / 1e9, row["share of limit"],
        ]
        for row in level_rows(seconds, level_macs, RECIPE.batch, now)
    ]  # fmt: skip
    without = sum(time for (level, _), time in seconds.items() if not level)
    rows.append(["none: loss, Adam, gaps, between the steps", "", "", 0, 0, without / whole, "", ""])
    columns = [
        "level", "size", "channels", "share of the products", "time: its convolutions", "time: all else of it",
        "convolutions (GFLOP/s)", "convolutions / limit",
    ]  # fmt: skip
    notes = [
        f"TensorFlow's trace of the recipe's compiled step: for each piece the median of {traced['count']} steps, "
        f"{whole * 1e3:.1f} ms together; steps just before, without the trace, took {untraced * 1e3:.1f} ms each. Where "
        "pieces run at the same time, each gets an equal part of that time. Encoder and decoder of a level are together, and "
        f"the last 1x1 convolution is in level 1. The limit, measured just before and after the trace: {now / 1e9:.0f} "
        "GFLOP/s.",
    ]
    levels = measure.Table("Where a step's time goes, by level", columns, rows, notes)
    by_kind = defaultdict(float)
    for (_, kind), time_ in seconds.items():
        by_kind[kind] += time_
    flops = 2 * sum(level_macs) * RECIPE.batch
    rows = [
        [kind, by_kind[kind] * 1e3, by_kind[kind] / whole,
         *([flops / by_kind[kind] / 1e9, flops / by_kind[kind] / now] if kind in trace.CONVOLUTIONS else ["", ""])]
        for kind in trace.KINDS if by_kind[kind]
    ]  # fmt: skip
    columns = ["kind of work", "ms a step", "share", "GFLOP/s", "GFLOP/s / limit"]
    notes = [
        "From the same trace. 'Nothing runs': inside of the compiled step, on no thread. 'Between the steps': from the end of "
        "the compiled step to the begin of the next one: memory given back and fetched, the next batch, Python."
    ]
    kinds = measure.Table("Where a step's time goes, by kind of work", columns, rows, notes)
    return {"seconds": seconds, "rate": now, "levels": levels, "kinds": kinds}


def _alone(base, limit, rounds):
    """The second convolution of each level, alone: as it is, with channels first, and as a product of shifted copies."""
    ways = ("convolution", "channels first", "shifted copies")
    shapes = [(RECIPE.size >> level, RECIPE.base << level) for level in range(DEPTH + 1)]
    tasks = {
        (size, channels, way): functools.partial(base.ask, do="alone", size=size, channels=channels, way=way)
        for size, channels in shapes
        for way in ways
    }
    answers = {key: [] for key in tasks}
    products = []
    for turn in range(rounds + 1):
        product = rate(base, limit)
        for key, task in tasks.items():
            seconds = task()["seconds"]
            if turn:
                answers[key].append(seconds)
        if turn:
            products.append((product + rate(base, limit)) / 2)
    rows = []
    for size, channels in shapes:
        flops = 2 * 9 * channels**2 * size**2 * RECIPE.batch
        plain, first, copies = (answers[size, channels, way] for way in ways)
        rates = [flops / one for one in plain]
        rows.append(
            [f"{size} x {size}", channels, measure.spread(one / 1e9 for one in rates),
             measure.spread(measure.ratios(rates, products)), measure.spread(measure.ratios(first, plain)),
             measure.spread(measure.ratios(copies, plain))]
        )  # fmt: skip
    columns = [
        "size",
        "channels in and out",
        "convolution (GFLOP/s)",
        "convolution / limit",
        "time with channels first / time",
        "time as shifted copies / time",
    ]
    notes = [
        f"Forward only, batch {RECIPE.batch}, compiled by XLA, {CALLS} times {IN_A_ROW} in a row; the limit is measured "
        "before and after every round. Channels first: the other layout of the maps, (N, C, H, W). Shifted copies: nine of the "
        "map side by side, then one matrix product."
    ]
    return measure.Table("The convolution of each level alone", columns, rows, notes)


def _predicted(base, rounds):
    """The forward pass of the recipe's network called as it is, and compiled before."""
    ways = {
        "called layer by layer, as utils.training.predict does for fewer than five batches": "eager",
        "inside a tf.function, as utils.training.predict does from five batches on": "graph",
        "inside a tf.function, compiled by XLA": "xla",
    }
    first = {name: base.ask(do="predict", way=way, count=1) for name, way in ways.items()}
    tasks = {name: functools.partial(base.ask, do="predict", way=way, count=10) for name, way in ways.items()}
    seconds = measure.in_turn(tasks, rounds)
    usual, *_ = ways
    rows = [
        [
            name,
            measure.spread(measure.ratios(seconds[name], seconds[usual])),
            measure.spread(one / 10 / RECIPE.batch * 1e3 for one in seconds[name]),
            first[name]["seconds"],
            "yes" if first[name]["digest"] == first[usual]["digest"] else "no",
        ]
        for name in ways
    ]
    said("ways to predict")
    columns = ["forward pass", "time / layer by layer", "ms a picture", "first call (s)", "same output to the bit"]
    return measure.Table("Ways to predict with the recipe's network", columns, rows, [f"Batch {RECIPE.batch}."])


def _attempt(variant, base, rounds):
    """The time of a picture in training with other settings, against the recipe in turn."""
    try:
        worker = Worker(variant)
    except RuntimeError as reason:
        said(f"{variant.name}: {reason}")
        return {"name": variant.name, "failed": str(reason)}
    with worker:
        tasks = {
            "recipe": functools.partial(base.ask, do="steps", count=base.ready["steps"]),
            "other": functools.partial(worker.ask, do="steps", count=worker.ready["steps"]),
        }
        seconds = measure.in_turn(tasks, rounds)
        ready = worker.ready
    recipe = [one / base.ready["steps"] / RECIPE.batch for one in seconds["recipe"]]
    other = [one / ready["steps"] / variant.batch for one in seconds["other"]]
    found = measure.ratios(other, recipe)
    said(f"{variant.name}: {measure.spread(found)} of the recipe's time")
    same = "yes" if ready["digest"] == base.ready["digest"] else "no"
    return {"name": variant.name, "ratios": found, "same": same, "ready": ready}


def _attempt_table(attempts, recipe):
    columns = [
        "tried", "time of a picture / recipe's", "first step (s)", "page faults a step", "most memory held (MB)",
        "same weights to the bit",
    ]  # fmt: skip
    rows = [[RECIPE.name, "1", recipe["compiled"], recipe["faults"], recipe["peak"], "yes"]]
    for one in attempts:
        if "failed" in one:
            rows.append([one["name"], one["failed"], *[""] * (len(columns) - 2)])
        else:
            ready = one["ready"]
            at = [ready["compiled"], ready["faults"], ready["peak"]]
            rows.append([one["name"], measure.spread(one["ratios"]), *at, one["same"]])
    measured = [one for one in attempts if "failed" not in one]
    notes = [
        f"Below 1: faster than the recipe. Same weights: after {SAME_STEPS} steps from the same start, all weights compared "
        "with the recipe's. Memory: of a process that has run a few steps on one batch.",
        faster(measured),
    ]
    return measure.Table("What was tried", columns, rows, notes)


def faster(attempts, clearly: float = 0.97) -> str:
    """Which attempts were faster by a few percent at least, and in nine of ten rounds, as a sentence."""
    found = sorted(
        (one for one in attempts if median(one["ratios"]) <= clearly and _often(one["ratios"])),
        key=lambda one: median(one["ratios"]),
    )
    if not found:
        return f"Faster than the recipe by {1 - clearly:.0%} or more, and in nine of ten rounds: none."
    told = "; ".join(
        f"{one['name']}, {1 - median(one['ratios']):.0%} less time, "
        + ("same weights to the bit" if one["same"] == "yes" else "other weights")
        for one in found
    )
    return f"Faster than the recipe by {1 - clearly:.0%} or more, and in nine of ten rounds: {told}."


def _often(ratios):
    return sum(ratio < 1 for ratio in ratios) >= 0.9 * len(ratios)


# ---- A process that runs one network -----------------------------------------------------------------------------------


class Process:
    """A process that says when it is ready, and then answers what it is asked, a line of JSON after an @ each time.

    Attributes:
        ready: what it said when it was ready.

    Args:
        command: its command line.
        environment: variables that it gets besides those of this process.

    Raises:
        RuntimeError: the process ended.
    """

    def __init__(self, command, environment=None):
        self.process = subprocess.Popen(
            command, cwd=project.ROOT, env={**os.environ, **(environment or {})}, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.ready = self._answer()

    def ask(self, **what) -> dict:
        """Have the process do something, and wait for its answer."""
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self):
        for line in self.process.stdout:
            if line.startswith("@"):
                return json.loads(line[1:])
        raise RuntimeError(f"its process ended with code {self.process.wait()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Worker(Process):
    """A process that has built and compiled one network, and runs steps of it when it is asked.

    When it is ready, it says the seconds of the first step, steps a round, MACs, and a digest of the weights.
    """

    def __init__(self, variant: Variant):
        command = [sys.executable, "-m", __name__, json.dumps(dataclasses.asdict(variant))]
        super().__init__(command, {"TF_CPP_MIN_LOG_LEVEL": "3", **variant.environment})


def serve(variant: Variant) -> None:
    """Build and compile the network of a variant in this process, then do what each line of standard input asks for."""
    project.start()
    network = _Network(variant)
    print("@" + json.dumps(network.ready), flush=True)
    for line in sys.stdin:
        print("@" + json.dumps(network.do(**json.loads(line)) or {}), flush=True)


class _Network:
    """A compiled network, its data, and what can be done with it."""

    def __init__(self, variant):
        import keras
        import numpy as np
        import tensorflow as tf

        from utils import cost, training, unet

        self.tf, self.variant = tf, variant
        keras.config.set_dtype_policy(variant.policy)
        keras.utils.set_random_seed(0)
        network = {**training.DEEP.network, "base": variant.base, "norm": variant.norm}
        self.model = unet.build_unet((variant.size, variant.size, 3), **network)
        training.compile_model(self.model, training.DEEP.steps, peak=training.DEEP.peak)
        if not variant.xla or variant.steps_at_once > 1:
            again = {"optimizer": self.model.optimizer, "loss": self.model.loss}
            self.model.compile(**again, jit_compile=variant.xla, steps_per_execution=variant.steps_at_once)
        rng = np.random.default_rng(0)
        self.images = rng.random((variant.batch, variant.size, variant.size, 3), dtype=np.float32)
        pair = self.images, (self.images[..., :1] > 0.5).astype(np.float32)
        self.batches = iter(tf.data.Dataset.from_tensors(pair).repeat())
        self.model.make_train_function()
        _keep(variant.memory)
        begin, at_once = time.perf_counter(), variant.steps_at_once
        self.steps(at_once)
        self.ready = {"compiled": time.perf_counter() - begin}
        self.steps(SAME_STEPS - at_once)
        self.ready |= {"digest": self._digest(), "macs": cost.macs(self.model)}
        self.ready["level_macs"] = _level_macs(cost.layer_table(self.model))
        faults, begin = _faults(), time.perf_counter()
        self.steps(SAME_STEPS)
        step = (time.perf_counter() - begin) / SAME_STEPS
        count = at_once * max(1, min(30, round(A_ROUND / step / at_once)))
        self.ready |= {"faults": (_faults() - faults) / SAME_STEPS, "steps": count, "peak": memory.peak()}
        self.functions = {}
        self.predict("graph", 1)
        each = self.predict("graph", 2)["seconds"] / 2
        self.ready["forwards"] = max(1, min(60, round(A_ROUND / each)))

    def _digest(self):
        """A short text that differs as soon as a bit of a weight does."""
        return hashlib.sha256(b"".join(weight.tobytes() for weight in self.model.get_weights())).hexdigest()[:16]

    def do(self, do, **options):
        return getattr(self, do)(**options)

    def steps(self, count):
        """Run training steps: a multiple of those that Keras takes at once."""
        for _ in range(count // self.variant.steps_at_once):
            self.model.train_function(self.batches)

    def predict(self, way, count):
        """Run forward passes in one of three ways; seconds of them all and a digest of the output."""
        if ("predict", way) not in self.functions:
            compiled = self.tf.function(lambda images: self.model(images, training=False), jit_compile=way == "xla")
            eager = functools.partial(self.model, training=False)
            self.functions["predict", way] = eager if way == "eager" else compiled
        begin = time.perf_counter()
        for _ in range(count):
            output = self.functions["predict", way](self.images).numpy()
        return {"seconds": time.perf_counter() - begin, "digest": hashlib.sha256(output.tobytes()).hexdigest()}

    def product(self, kind):
        """A large matrix product, or a wide convolution."""
        self._function(("product", kind))()

    def alone(self, size, channels, way):
        """Seconds of one level's convolution, of which several run one after the other in one call."""
        function = self._function(("alone", way, size, channels))
        function()  # so that threads and caches are as they are in the middle of a training
        begin = time.perf_counter()
        for _ in range(CALLS):
            function()
        return {"seconds": (time.perf_counter() - begin) / CALLS / IN_A_ROW}

    def trace(self, count):
        """Seconds of a step by level and kind of work."""
        tf = self.tf
        with tempfile.TemporaryDirectory() as folder:
            try:
                tf.profiler.experimental.start(folder)
                self.steps(count)
                tf.profiler.experimental.stop()
                found = trace.read(folder, DEPTH)
            except (ImportError, ValueError) as reason:
                return {"failed": f"Not traced: {reason}"}
        middle = trace.middle(found)
        return {"count": len(found), "seconds": [[level, kind, time_] for (level, kind), time_ in middle.items()]}

    def _function(self, key):
        """A function without arguments that waits for its result; made once, and run once."""
        if key in self.functions:
            return self.functions[key]
        import numpy as np

        tf, rng = self.tf, np.random.default_rng(0)

        def normal(*shape):
            return rng.standard_normal(shape, dtype=np.float32)

        what, way, *shape = key
        if way in ("numpy", "tensorflow"):
            a, b = normal(SIDE, SIDE), normal(SIDE, SIDE)
            if way == "numpy":
                function = functools.partial(np.matmul, a, b)
            else:
                inner = tf.function(tf.linalg.matmul)
                tensors = tf.constant(a), tf.constant(b)
                function = lambda: inner(*tensors).numpy()  # noqa: E731
        else:
            batch, size, channels = (self.variant.batch, *shape) if shape else WIDE.values()
            first = way == "channels first"
            maps = tf.constant(normal(*((batch, channels, size, size) if first else (batch, size, size, channels))))
            kernel = tf.constant(normal(3, 3, channels, channels) / math.sqrt(9 * channels))  # keeps the values' size
            plain = functools.partial(tf.nn.conv2d, strides=1, padding="SAME", data_format="NCHW" if first else "NHWC")
            called = shifted if way == "shifted copies" else plain
            repeats = IN_A_ROW if what == "alone" else 1

            def row(maps, kernel):
                for _ in range(repeats):
                    maps = called(maps, kernel)
                return maps

            inner = tf.function(row, jit_compile=what == "alone" or way.endswith("XLA"), autograph=False)
            function = lambda: inner(maps, kernel).numpy()  # noqa: E731
        function()
        self.functions[key] = function
        return function


def shifted(maps, kernel):
    """A 3x3 convolution with zeros around the map, as one matrix product of nine shifted copies.

    Args:
        maps: tensor ``(N, H, W, C)``.
        kernel: tensor ``(3, 3, C, F)``.
    """
    import tensorflow as tf

    batch, height, width, channels = maps.shape
    padded = tf.pad(maps, [[0, 0], [1, 1], [1, 1], [0, 0]])
    copies = [padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    columns = tf.reshape(tf.concat(copies, axis=-1), (batch * height * width, 9 * channels))
    product = tf.linalg.matmul(columns, tf.reshape(kernel, (9 * channels, -1)))
    return tf.reshape(product, (batch, height, width, -1))


def _level_macs(layers):
    """MACs of each level's convolutions from the rows of utils.cost.layer_table, level 1 first."""
    found = defaultdict(int)
    for row in layers:
        place = trace.layer_of(row.name)
        if place:
            found[trace.level_of(place[0], DEPTH)] += row.macs
    return [found[level] for level in sorted(found)]


def _keep(freed):
    """Say what happens with freed memory, as :class:`Variant` names it."""
    if freed in ("series", "smaller"):
        from utils import training

        project.keep_freed_memory(**training._KEPT | ({"apart": 16_000_000} if freed == "smaller" else {}))
    else:
        import ctypes

        project.keep_freed_memory(2**31 - 1, apart=2**25)
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(-4, 0)  # M_MMAP_MAX of glibc's malloc.h: no array gets memory of its own


def _faults():
    """How often this process had to be given a page of memory."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


if __name__ == "__main__":
    serve(Variant(**json.loads(sys.argv[1])))
