"""The committed table of seeds: complete, made with today's recipes, and saying what notebook 04 says of it."""

import json

import pytest

from tests.benchmarks import seeds
from utils import project, training


@pytest.fixture
def table():
    return json.loads((project.DATA / "seeds.json").read_text(encoding="utf-8"))


def test_every_network_was_run_from_every_seed(table):
    assert [(run["network"], run["seed"]) for run in table["runs"]] == [
        (name, seed) for name in seeds.NETWORKS for seed in seeds.SEEDS
    ]


def test_the_table_was_made_with_todays_recipes(table):
    assert table["recipes"] == {name: seeds.describe(recipe) for name, recipe in seeds.NETWORKS.items()}


def test_the_deep_network_reaches_its_aims_from_every_seed(table):
    deep = [run for run in table["runs"] if run["network"] == "four levels"]
    assert len(deep) == 3
    for run in deep:
        assert run["iou"] >= 0.95 and run["outlined"] >= 0.95 and run["seconds"] <= 90, run


def test_the_one_level_networks_fail_on_outlined_shapes_only(table):
    for run in table["runs"]:
        if run["network"].startswith("one level"):
            assert run["iou"] < 0.85 and run["outlined"] < 0.75 and run["filled"] > 0.9, run


def test_the_one_level_network_costs_about_as_much_as_the_deep_one_per_image():
    from utils import cost, unet

    deep, shallow = (cost.macs(unet.build_unet(**recipe.network)) for recipe in (training.DEEP, training.ONE_LEVEL))
    assert 0.7 < shallow / deep < 1.5
