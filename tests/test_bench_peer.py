"""The peer's task: drawn fast and as specified the same, its loss and its network as described."""

import importlib
import importlib.util
import sys

import keras
import numpy as np
import pytest

from tests.benchmarks.bench import limit, peer, peer_network, peer_task

# ---- The generator -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [16, 33, 64, 192])
def test_drawn_in_windows_the_bytes_are_those_of_the_specification(side):
    for fast, slow in zip(peer_task.draw(40, 3, side), peer_task.as_specified(40, 3, side)):
        assert fast.dtype == slow.dtype == np.uint8
        assert fast.tobytes() == slow.tobytes()


def test_fewer_pictures_are_the_first_of_more_and_a_seed_decides():
    images, masks = peer_task.draw(5, 1)
    assert images.shape == (5, 192, 192, 1) and masks.shape == (5, 192, 192, 6)
    assert np.array_equal(images, peer_task.draw(8, 1)[0][:5])
    assert not np.array_equal(images, peer_task.draw(5, 2)[0])


def test_an_image_is_all_its_shapes_together_with_holes_in_the_mesh():
    images, masks = (part.astype(bool) for part in peer_task.draw(30))
    others = masks[..., [k for k, name in enumerate(peer_task.NAMES) if name != "mesh"]].any(-1)
    odd = np.zeros((192, 192), bool)
    odd[1::2, 1::2] = True
    assert np.array_equal(images[..., 0], others | (masks[..., peer_task.NAMES.index("mesh")] & odd))


def test_the_shapes_have_the_areas_of_the_description():
    side, size = 64, 12
    area = {name: getattr(peer_task, name)(side, 30, 31, size).sum() for name in peer_task.NAMES}
    assert area["square"] == 11**2
    assert area["mesh"] == 5 * 6  # rows 25 to 35 and columns 26 to 36: the odd ones among them are 6 and 5
    assert area["triangle"] == 12 * 13 // 2
    assert area["plus"] == 2 * 2 * 12 - 4
    assert area["disc"] == sum(y * y + x * x < 144 for y in range(-12, 13) for x in range(-12, 13))
    assert area["ring"] == sum(8.4**2 <= y * y + x * x < 144 for y in range(-12, 13) for x in range(-12, 13))
    triangle = peer_task.triangle(side, 30, 31, size)
    assert triangle[35, 25:37].all() and triangle[24].sum() == 1 and triangle[24, 25]  # its right angle is lower left


def test_no_shape_is_cut_by_the_border():
    images, _ = peer_task.draw(300)
    assert not (images[:, 0].any() or images[:, -1].any() or images[:, :, 0].any() or images[:, :, -1].any())


def test_the_share_of_each_class_is_that_of_many_pictures():
    drawn = 100 * peer_task.draw(1000, 5, 64)[1].mean((1, 2))
    means, deviations = peer_task.shares(64)
    assert np.all(np.abs(drawn.mean(0) - means) < 4 * deviations / np.sqrt(1000))
    assert drawn.std(0) == pytest.approx(deviations, rel=0.1)


# ---- Loss and networks -------------------------------------------------------------------------------------------------


def test_the_loss_is_half_crossentropy_and_half_dice_by_hand():
    masks = np.zeros((2, 2, 2, 6), np.uint8)
    masks[0, 0, 0, 0] = masks[0, 1, :, 1] = masks[1, :, :, 3] = 1
    probability = np.random.default_rng(0).uniform(0.05, 0.95, masks.shape)
    logits = np.log(probability / (1 - probability)).astype(np.float32)
    for got, mask, p in zip(np.asarray(peer.loss(masks, logits)), masks, probability):
        crossentropy = -np.mean(np.where(mask, np.log(p), np.log(1 - p)))
        dice = [
            (2 * (mask[..., k] * p[..., k]).sum() + 1) / (mask[..., k].sum() + p[..., k].sum() + 1) for k in range(6)
        ]
        assert got == pytest.approx(crossentropy / 2 + (1 - np.mean(dice)) / 2, rel=1e-5)


def test_the_validation_loss_is_the_mean_over_all_pictures_in_batches_of_any_size():
    images, masks = peer_task.draw(7)
    model = keras.Sequential([keras.Input((192, 192, 1)), keras.layers.Conv2D(6, 1)])
    alone = [float(peer.loss(m[None], model(i[None].astype(np.float32)))[0]) for i, m in zip(images, masks)]
    mean, error = peer.validation_loss(model, images, masks, batch_size=3)
    assert mean == pytest.approx(np.mean(alone), rel=1e-5)
    assert error == pytest.approx(np.std(alone) / np.sqrt(7), rel=1e-3)


def test_the_peers_network_has_its_7_78_million_parameters():
    network = peer_network.network()
    assert round(network.count_params() / 1e6, 2) == 7.78
    assert network.output_shape == (None, 192, 192, 6)


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="PyTorch is not installed")
def test_the_peers_network_in_pytorch_has_as_many():
    torch = importlib.import_module("torch")
    network = peer_network.torch_network(torch)
    assert sum(p.numel() for p in network.parameters()) == peer_network.network().count_params()
    assert tuple(network(torch.zeros(1, 3, 32, 32)).shape) == (1, 6, 32, 32)


def test_folding_keeps_every_value_and_unfolding_undoes_it():
    x = np.arange(2 * 8 * 12 * 3, dtype=np.float32).reshape(2, 8, 12, 3)
    folded = np.asarray(peer.fold(x, 4))
    assert folded.shape == (2, 2, 3, 48)
    assert np.array_equal(folded[1, 1, 2].reshape(4, 4, 3), x[1, 4:8, 8:12])
    assert np.array_equal(np.asarray(peer.unfold(folded, 4)), x)


def test_the_loss_of_folded_masks_and_logits_is_the_same():
    _, masks = peer_task.draw(3)
    logits = np.random.default_rng(0).normal(-2, 2, masks.shape).astype(np.float32)
    folded = peer.loss(peer.folded(masks, 4), peer.fold(logits, 4))
    assert np.asarray(folded) == pytest.approx(np.asarray(peer.loss(masks, logits)), rel=1e-5)


def test_our_network_answers_for_every_pixel_and_class():
    network = peer.build(peer.Recipe(block=4, base=4, depth=1))
    assert network.output_shape == (None, 48, 48, 96)
    assert np.asarray(peer.unfold(network(np.zeros((1, 192, 192, 1), np.float32)), 4)).shape == (1, 192, 192, 6)


# ---- Following a training ----------------------------------------------------------------------------------------------


def test_the_first_moment_at_the_loss_counts_and_the_lowest_is_found():
    run = [
        peer.Moment(10, 80, 0.3),
        peer.Moment(20, 160, 0.02),
        peer.Moment(30, 240, 0.01),
        peer.Moment(40, 320, 0.015),
    ]
    assert peer.reached(run, 0.02) is run[1]
    assert peer.reached(run, 0.001) is None
    assert peer.lowest(run) is run[2]


def test_every_epoch_holds_every_image_once_in_another_order():
    order = peer.epochs(10, 25, 0)
    assert len(order) == 25
    assert sorted(order[:10]) == sorted(order[10:20]) == list(range(10))
    assert not np.array_equal(order[:10], order[10:20])


def test_the_verdict_on_the_time_follows_the_figures():
    fast = [peer.Moment(50, 80, 0.02)]
    slow = [peer.Moment(150, 80, 0.02)]
    never = [peer.Moment(50, 80, 0.2)]
    assert "The aim is 120 s: reached." in peer.until_reached({0: fast}, True).text()
    assert "The aim is 120 s: not reached with every seed." in peer.until_reached({0: fast, 1: slow}, False).text()
    assert "not reached, 1 of 2 runs missed the loss." in peer.until_reached({0: fast, 1: never}, False).text()


def test_chance_explains_a_difference_in_few_pictures_only():
    stated = [1 + 0.5 / np.sqrt(40), 2 - 0.1 / np.sqrt(40)]  # a standard error of 40 pictures in both
    told = peer.by_chance(np.array([1, 2]), np.array([0.5, 0.1]), stated, counts=(40, 400))
    assert "0.37 with 40 pictures" in told and "not confirmed" in told  # exp(-1): two squares of 1
    assert "is confirmed" in peer.by_chance(np.array([1, 2]), np.array([0.5, 0.1]), [1, 2])


def test_a_training_by_the_clock_ends_in_time_and_looks_at_its_end():
    data, validation = peer_task.draw(8), peer_task.draw(4, 1)
    small = peer.Recipe(block=4, base=4, depth=1)
    _, moments = peer.train(data, validation, 10**4, 0, recipe=small, every=1, looks=0.3, seconds=15, started=0)
    assert len(moments) > 1 and 15 <= moments[-1].seconds < 40
    assert all(later.images > earlier.images for earlier, later in zip(moments, moments[1:]))
    assert moments[-1].since_start > moments[-1].seconds and moments[-1].error > 0


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="without PyTorch a step takes too long to compile")
def test_the_peers_process_makes_a_step_when_it_is_asked():
    with limit.Process([sys.executable, "-m", peer_network.__name__]) as process:
        assert process.ready == {"framework": "PyTorch"}
        assert process.ask(batch=1)["seconds"] > 0
