"""Make the tables of the experiments: ``make experiments`` for all studies, ``make experiments STUDY="skips loss"`` for some.

A study's runs are added to ``data/experiments/<study>.csv`` one by one; a run that is there already is not made again, so an
interrupted command goes on where it was. Delete the file to make a study anew.
"""

import csv
import dataclasses
import datetime
import functools
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from utils import project

with project.quiet():
    import tensorflow as tf

import keras

from utils import experiments, inspect_model, shapes, training


@dataclasses.dataclass(frozen=True)
class Study:
    """Conditions, each a function from a seed to a dict of scores, and the seeds to run them with."""

    conditions: dict[str, Callable]
    seeds: tuple[int, ...] = experiments.SEEDS


@functools.cache
def test_pictures():
    """The pictures that scores are reported on."""
    return shapes.draw(500, split="test", seed=training.TEST_SEED)


@functools.lru_cache(1)
def trained(seed):
    """The base network, trained from a seed."""
    return training.follow_recipe(experiments.BASE, seed)[0]


def follow(recipe, seed) -> dict[str, float]:
    """Train by a recipe and score."""
    model, history = training.follow_recipe(recipe, seed)
    return experiments.score(model, test_pictures()) | {"parameters": model.count_params()}


def silence(levels, seed) -> dict[str, float]:
    """Train the base, silence some of its skips, score."""
    model = trained(seed)
    return experiments.score(inspect_model.without_skip(model, *levels) if levels else model, test_pictures())


def already(recipe, seed, folder) -> dict[str, float]:
    """The scores of the same recipe and seed in a table of another study; nothing if there are none."""
    for name, recipes in experiments.RECIPES.items():
        same = [condition for condition, other in recipes.items() if other == recipe]
        if same and (folder / f"{name}.csv").exists():
            rows = csv.reader((folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()[2:])
            if scores := {
                key: float(value) for condition, s, key, value in rows if (condition, s) == (same[0], str(seed))
            }:
                return scores
    return {}


def studies() -> dict[str, Study]:
    """All studies: those of notebook 06, and what the modules ``studies_*`` beside this one define."""
    found = {
        name: Study({condition: functools.partial(follow, recipe) for condition, recipe in recipes.items()})
        for name, recipes in experiments.RECIPES.items()
    }
    cuts = {"all": (), **{f"without {level}": (level,) for level in (1, 2, 3, 4)}, "none": (1, 2, 3, 4)}
    found["silenced"] = Study({name: functools.partial(silence, levels) for name, levels in cuts.items()})
    for path in sorted(Path(__file__).parent.glob("studies_*.py")):
        found |= importlib.import_module(f"tests.benchmarks.{path.stem}").STUDIES
    return found


def made() -> str:
    """The first line of a table."""
    return (
        f"# make experiments, {datetime.date.today().isoformat()}, TensorFlow {tf.__version__}, Keras {keras.__version__}, "
        f"{os.cpu_count()} cores"
    )


def run(name, study, folder=experiments.FOLDER) -> None:
    """Make the runs of a study that its table does not have yet, and add them to it."""
    path = folder / f"{name}.csv"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{made()}\n{','.join(experiments.COLUMNS)}\n", encoding="utf-8")
    there = {tuple(row[:2]) for row in csv.reader(path.read_text(encoding="utf-8").splitlines()[2:])}
    for seed in study.seeds:  # a seed at a time, so that an unfinished table is even
        for condition, function in study.conditions.items():
            if (condition, str(seed)) in there:
                continue
            print(f"{name}: {condition}, seed {seed}", flush=True)
            known = getattr(function, "func", None) is follow and already(function.args[0], seed, folder)
            scores = known or function(seed)
            print("  ".join(f"{key} {value:.4g}" for key, value in scores.items()), flush=True)
            with path.open("a", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerows((condition, seed, key, f"{value:.6g}") for key, value in scores.items())
            project.release_memory()


def main():
    project.start()
    known = studies()
    names = sys.argv[1:] or list(known)
    if unknown := set(names) - set(known):
        raise SystemExit(f"There is no study {', '.join(sorted(unknown))}; there are: {', '.join(known)}.")
    for name in names:
        run(name, known[name])


if __name__ == "__main__":
    main()
