"""Make the tables of the experiments: ``make experiments`` for all studies, ``make experiments STUDY="skips loss"`` for some.

A study's runs are added to ``data/experiments/<study>.csv`` one by one; a run that is there already is not made again, so an
interrupted command goes on where it was. Delete the file to run a study again. ``STUDY=seeds`` writes ``data/seeds.json``.
"""

import argparse
import csv
import dataclasses
import datetime
import functools
import importlib
import os
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


def fit(model, data, validation, epochs) -> dict[str, list]:
    """Train a compiled network as the notebooks do, and return its history."""
    watch = [training.Clock(), training.EpochLine()]
    return model.fit(data, validation_data=validation, epochs=epochs, verbose=0, callbacks=watch).history


def follow(recipe, seed) -> dict[str, float]:
    """Train by a recipe and score."""
    model, _ = training.follow_recipe(recipe, seed)
    return experiments.score(model, test_pictures()) | {"parameters": model.count_params()}


def zero_skips(levels, seed) -> dict[str, float]:
    """Train the base network, zero some of its skips, score."""
    model = trained(seed)
    return experiments.score(inspect_model.without_skip(model, *levels) if levels else model, test_pictures())


def already(recipe, seed, folder) -> dict[str, float]:
    """The scores of the same recipe and seed in a table of another study; nothing if there are none."""
    for name, recipes in experiments.RECIPES.items():
        same = [condition for condition, other in recipes.items() if other == recipe]
        if same and (folder / f"{name}.csv").exists():
            rows = csv.reader((folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()[2:])
            scores = {key: float(value) for condition, s, key, value in rows if (condition, s) == (same[0], str(seed))}
            if scores:
                return scores
    return {}


def studies() -> dict[str, Study]:
    """All studies: those of notebook 06, and what the modules ``studies_*`` beside this one define."""
    found = {
        name: Study({condition: functools.partial(follow, recipe) for condition, recipe in recipes.items()})
        for name, recipes in experiments.RECIPES.items()
    }
    cuts = {"all": (), **{f"without {level}": (level,) for level in (1, 2, 3, 4)}, "none": (1, 2, 3, 4)}
    found["silenced"] = Study({name: functools.partial(zero_skips, levels) for name, levels in cuts.items()})
    for path in sorted(Path(__file__).parent.glob("studies_*.py")):
        found |= importlib.import_module(f"scripts.{path.stem}").STUDIES
    return found


def run(name, study, folder=experiments.FOLDER) -> None:
    """Make the runs of a study that its table does not have yet, and add them to it."""
    path = folder / f"{name}.csv"
    if not path.exists():
        made = (
            f"{datetime.date.today()}, TensorFlow {tf.__version__}, Keras {keras.__version__}, {os.cpu_count()} cores"
        )
        path.write_text(f"# make experiments, {made}\n{','.join(experiments.COLUMNS)}\n", encoding="utf-8")
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


def main():
    """The command line."""
    project.start()
    known = studies()
    parser = argparse.ArgumentParser(description="Make the tables of the experiments.")
    parser.add_argument("studies", nargs="*", metavar="study", help=f"{', '.join(known)}; or seeds")
    asked = parser.parse_args().studies
    if unknown := set(asked) - {*known, "seeds"}:
        parser.error(f"there is no study {', '.join(unknown)}; there are {', '.join(known)}, seeds")
    for name in asked or known:
        if name == "seeds":
            importlib.import_module("scripts.seeds").main()
        else:
            run(name, known[name])


if __name__ == "__main__":
    main()
