"""The two shipped networks of notebook 08 score what their cards say, and the weight map shows."""

import numpy as np
import pytest

from tests.benchmarks import make_paper_weights, studies_paper
from utils import instances, project, training, unet, weights


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


def test_targets_of_the_study():
    labels = instances.touching(2).instances
    drawn, none = studies_paper.targets("as drawn", labels)
    assert none is None and np.array_equal(drawn[..., 0], labels > 0)
    for kind, top in (("gap", None), ("gap, balanced", 4), ("gap, weight map", 12)):
        masks, pixel_weights = studies_paper.targets(kind, labels)
        assert masks.sum() < drawn.sum() and (masks <= drawn).all() and masks.shape == (2, 64, 64, 1)
        assert (pixel_weights is None) == (top is None)
        if top:
            assert pixel_weights.shape == masks.shape and top - 4 < pixel_weights.max() < top


def test_initial_weights_are_drawn_anew():
    network = unet.build_unet((16, 16, 3), depth=1, base=8, norm="none")
    before = network.get_weights()
    studies_paper.redraw(network, studies_paper.small, 0)
    kernels = [layer.kernel.numpy() for layer in network.layers if hasattr(layer, "kernel")]
    assert np.concatenate([kernel.ravel() for kernel in kernels]).std() == pytest.approx(0.01, rel=0.05)
    assert len({round(float(kernel.ravel()[0]), 9) for kernel in kernels}) == len(kernels)
    after = [weight.copy() for weight in network.get_weights()]
    studies_paper.redraw(network, studies_paper.small, 0)
    assert all(map(np.array_equal, after, network.get_weights())) and not np.array_equal(before[0], after[0])


def test_every_momentum_builds_up_the_same_step():
    for momentum in (0.9, 0.99):
        optimizer = studies_paper.sgd(momentum, 100)
        assert float(optimizer.momentum) == momentum
        schedule = optimizer._learning_rate
        assert max(float(schedule(step)) for step in range(100)) / (1 - momentum) == pytest.approx(1, rel=1e-3)
