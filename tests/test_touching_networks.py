"""The two shipped networks of notebook 08 score what their cards say, and the weight map shows."""

import pytest

from tests.benchmarks import make_paper_weights, studies_paper
from utils import instances, project, training, weights


@pytest.mark.parametrize("name", make_paper_weights.NETWORKS)
def test_a_network_scores_what_its_card_says(name):
    card = weights.card(name)
    test = instances.touching(card["test"]["images"], split="test", seed=card["test"]["seed"])
    network = weights.load_shipped(name)
    for score, value in studies_paper.score_touching(network, test).items():
        assert value == pytest.approx(card["test"][score], abs=0.01), score
    assert network.count_params() == card["parameters"] and card["network"] == studies_paper.TOUCHING.network
    assert card["training"]["images"] == studies_paper.TOUCHING.images
    assert (project.DATA / card["file"]).stat().st_size < 1_000_000


def test_the_weight_map_shows():
    with_weights, plain = (weights.card(name)["test"] for name in make_paper_weights.NETWORKS)
    assert with_weights["matched"] > plain["matched"] + 0.3 and with_weights["merged"] < plain["merged"] - 0.3
    assert training.TEST_SEED == plain["seed"]
