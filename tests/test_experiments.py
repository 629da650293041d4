"""The tables of the experiments: made with today's conditions, read without guessing, and made again for one cell."""

import numpy as np
import pytest

from tests.benchmarks import experiments as command
from utils import experiments, training


def test_a_change_reaches_the_network_or_the_recipe():
    changed = experiments.change(depth=2, epochs=1)
    assert changed.network == {**experiments.BASE.network, "depth": 2} and changed.epochs == 1
    assert experiments.BASE.network["depth"] == 4 and experiments.BASE.epochs == 4


@pytest.mark.parametrize("condition", experiments.RECIPES["images"])
def test_few_images_get_as_many_steps(condition):
    recipe = experiments.RECIPES["images"][condition]
    assert 0.95 * experiments.BASE.steps <= recipe.steps <= experiments.BASE.steps
    assert recipe.images == int(condition.split()[0]) and recipe.augment == condition.endswith("augmented")


@pytest.mark.parametrize("study", [*experiments.RECIPES, "silenced"])
def test_the_table_is_complete(study):
    table = experiments.read(study)
    expected = command.studies()[study]
    assert set(table.values) == set(expected.conditions)
    for scores in table.values.values():
        assert {"iou", "boundary", "interior", "filled", "outlined"} <= set(scores)
        assert all(len(values) == len(expected.seeds) for values in scores.values())
        assert all(((0 <= values) & (values <= 1)).all() for name, values in scores.items() if name != "parameters")


def write(folder, text):
    (folder / "try.csv").write_text(text, encoding="utf-8")


def test_a_table_is_read_as_it_was_written(tmp_path):
    study = command.Study(
        {"a": lambda seed: {"iou": seed / 10}, "b": lambda seed: {"iou": 0.5, "dice": 0.25}}, (2, 0, 1)
    )
    command.run("try", study, tmp_path)
    command.run("try", study, tmp_path)  # nothing is left to do
    table = experiments.read("try", tmp_path)
    assert table.of("iou")["a"].tolist() == [0.0, 0.1, 0.2] and list(table.of("dice")) == ["b"]
    assert "TensorFlow" in table.made and len((tmp_path / "try.csv").read_text().splitlines()) == 2 + 3 + 6


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# made\ncondition,seed,value\n", "has the columns"),
        ("# made\ncondition,seed,score,value\na,0,iou\n", "line 3 is damaged"),
        ("# made\ncondition,seed,score,value\na,0,iou,much\n", "line 3 is damaged: a,0,iou,much"),
    ],
)
def test_a_damaged_table_is_named(tmp_path, text, message):
    write(tmp_path, text)
    with pytest.raises(ValueError, match=message):
        experiments.read("try", tmp_path)


def test_unknown_studies_and_scores_are_named(tmp_path):
    write(tmp_path, "# made\ncondition,seed,score,value\na,0,iou,0.5\n")
    with pytest.raises(ValueError, match="no study 'tries'.*there are: try"):
        experiments.read("tries", tmp_path)
    with pytest.raises(ValueError, match="no score 'dice'; it has iou"):
        experiments.read("try", tmp_path).of("dice")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2, 3], [4, 5, 6], True),
        ([4, 5, 6], [1, 2, 3], True),
        ([1, 2, 4], [4, 5, 6], False),
        ([1, 5, 9], [4, 5, 6], False),
    ],
)
def test_apart_means_that_the_ranges_do_not_meet(first, second, expected):
    assert experiments.apart(first, second) is expected


def test_two_seeds_are_no_spread():
    with pytest.raises(ValueError, match="3 seeds"):
        experiments.apart([1, 2], [3, 4, 5])


def test_one_cell_of_the_table_comes_out_again():
    """The thinnest network, seed 0, trained again: within the spread of its three seeds, widened by that spread."""
    stored = experiments.read("width").of("iou")["4"]
    model, _ = training.follow_recipe(experiments.RECIPES["width"]["4"], 0)
    again = experiments.score(model, command.test_pictures())["iou"]
    room = max(np.ptp(stored), 0.01)
    assert stored.min() - room <= again <= stored.max() + room
