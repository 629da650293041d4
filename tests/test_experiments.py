"""The tables of the experiments: made with today's conditions, read as they were written, and added to run by run."""

import dataclasses

import numpy as np
import pytest

from scripts import experiments as command
from scripts import studies_paper
from utils import experiments, metrics, shapes


def test_a_change_reaches_the_network_or_the_recipe():
    changed = experiments.change(depth=2, epochs=1)
    assert changed == dataclasses.replace(experiments.BASE, epochs=1, network={**experiments.BASE.network, "depth": 2})
    assert experiments.BASE.network["depth"] == 4 and experiments.BASE.epochs == 4


@pytest.mark.parametrize("condition", experiments.RECIPES["images"])
def test_few_images_get_as_many_steps(condition):
    recipe = experiments.RECIPES["images"][condition]
    assert 0.95 * experiments.BASE.steps <= recipe.steps <= experiments.BASE.steps
    assert recipe.images == int(condition.split()[0]) and recipe.augment == condition.endswith("augmented")


def test_there_is_a_table_for_every_study():
    assert {path.stem for path in experiments.FOLDER.glob("*.csv")} == set(command.studies())


@pytest.mark.parametrize("study", command.studies())
def test_the_table_is_complete(study):
    table, expected = experiments.read(study), command.studies()[study]
    assert set(table.values) == set(expected.conditions) and table.study == study
    for scores in table.values.values():
        assert all(len(values) == len(expected.seeds) for values in scores.values())
        assert study not in (*experiments.RECIPES, "silenced") or {"iou", "boundary", "outlined"} <= set(scores)
        for name in set(scores) - {"parameters", "loss", "guess", "ms", "steps", "megabytes"}:
            values, undefined = scores[name], np.isnan(scores[name])
            assert ((0 <= values) & (values <= 1) | undefined).all()
            # A class that is never predicted has no precision, and no other score is undefined.
            assert not undefined.any() or (scores[name.replace("precision", "recall")][undefined] == 0).all()


def test_a_table_is_read_as_it_was_written(tmp_path):
    conditions = {"a, b": lambda seed: {"iou": seed / 10}, "b": lambda seed: {"iou": 0.5, "dice": 0.25}}
    study = command.Study(conditions, (2, 0, 1))
    command.run("try", study, tmp_path)
    command.run("try", study, tmp_path)  # nothing is left to do
    table = experiments.read("try", tmp_path)
    assert table.of("iou")["a, b"].tolist() == [0.0, 0.1, 0.2] and list(table.of("dice")) == ["b"]
    assert table.made.startswith("make experiments") and len((tmp_path / "try.csv").read_text().splitlines()) == 2 + 9


def test_an_interrupted_study_goes_on(tmp_path):
    calls = []

    def fails_once(seed):
        calls.append(seed)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return {"iou": 0.1}

    study = command.Study({"a": fails_once}, (0, 1))
    with pytest.raises(KeyboardInterrupt):
        command.run("try", study, tmp_path)
    command.run("try", study, tmp_path)
    assert calls == [0, 1, 1] and len(experiments.read("try", tmp_path).of("iou")["a"]) == 2


def test_unknown_studies_and_scores_are_named():
    with pytest.raises(FileNotFoundError, match="no study 'skip'.*there are: batch, .*skips"):
        experiments.read("skip")
    with pytest.raises(ValueError, match="'IoU'; choose one of .*'iou'"):
        experiments.read("skips").of("IoU")


def test_scores_of_a_network():
    class Half:
        def predict(self, images, verbose):
            return np.where(np.arange(64)[:, None, None] < 32, samples.masks, 0.5).astype(np.float32)

    samples = shapes.draw(4)
    mask = samples.masks * (np.arange(64) < 32)[:, None, None].astype(np.uint8)
    found = experiments.score(Half(), samples)
    assert list(found)[5:] == ["boundary", "interior", "calibration", "unsure"] and found["unsure"] == 0.5
    assert found["iou"] == mask.sum() / samples.masks.sum()
    assert found["boundary"] == metrics.boundary_iou(samples.masks, mask)
    assert found["interior"] == metrics.interior_iou(samples.masks, mask)
    assert found["calibration"] == pytest.approx(abs(samples.masks[:, 32:].mean() - 0.5) / 2, abs=1e-6)


def test_disjoint_means_that_the_ranges_do_not_meet():
    for first, expected in (([1, 2, 3], True), ([7, 9, 8], True), ([1, 2, 4], False), ([1, 5, 9], False)):
        assert experiments.disjoint(first, [4, 5, 6]) is experiments.disjoint([6, 4, 5], first) is expected


def test_ranges_are_compared_with_that_of_the_reference():
    values = {"a": [0.25, 0.5], "b": [0.5, 0.75], "c": np.array([0.75, 0.875])}
    assert experiments.ranges(values).splitlines() == [
        "a               0.250 to 0.500",
        "b               0.500 to 0.750   the ranges overlap",
        "c               0.750 to 0.875   the ranges do not overlap",
    ]
    assert [line.endswith("the ranges overlap") for line in experiments.ranges(values, "b").splitlines()] == [
        True,
        False,
        True,
    ]


def test_the_step_that_momentum_builds_up_is_the_same():
    for momentum in (0.9, 0.99):
        optimizer = studies_paper.sgd(momentum, 100)
        highest = max(float(optimizer._learning_rate(step)) for step in range(100))
        assert optimizer.momentum == momentum and highest / (1 - momentum) == pytest.approx(1, rel=1e-3)
