"""Losses against Keras and against the formulas written out."""

import keras
import numpy as np
import pytest

from utils import losses


@pytest.fixture
def pair():
    rng = np.random.default_rng(1)
    truth = (rng.random((3, 8, 5, 1)) < 0.3).astype(np.float32)
    return truth, rng.uniform(0, 1, truth.shape).astype(np.float32)


def dice_loss(truth, probability):
    """The formula, image by image."""
    return [1 - (2 * (t * p).sum() + 1) / (t.sum() + p.sum() + 1) for t, p in zip(truth, probability)]


def test_binary_cross_entropy_is_the_one_of_keras(pair):
    truth, p = pair
    pixels = losses.binary_cross_entropy(truth, p)
    assert pixels.dtype == np.float64
    assert pixels[..., 0] == pytest.approx(keras.losses.binary_crossentropy(truth, p).numpy(), rel=1e-4)


def test_a_certain_mistake_costs_much_but_not_infinitely_much():
    assert losses.binary_cross_entropy([1, 0], [0.0, 1.0]) == pytest.approx([-np.log(1e-7)] * 2)
    assert losses.binary_cross_entropy([1, 0], [1.0, 0.0]) == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize("gamma", [0, 1, 2.0, 5])
def test_focal_is_the_one_of_keras(pair, gamma):
    truth, p = pair
    theirs = keras.losses.BinaryFocalCrossentropy(gamma=gamma, reduction="none")(truth, p)
    assert losses.focal(truth, p, gamma)[..., 0] == pytest.approx(theirs.numpy(), rel=1e-3, abs=1e-6)


def test_soft_dice_is_one_minus_dice_of_each_image(pair):
    truth, p = pair
    for prediction in (p, (p > 0.5).astype(np.float32), truth, 1 - truth):
        found = losses.soft_dice_loss(truth.astype(np.uint8), keras.ops.convert_to_tensor(prediction))
        assert found.numpy() == pytest.approx(dice_loss(truth, prediction), rel=1e-5, abs=1e-6)


def test_bce_dice_is_the_sum_of_its_parts(pair):
    truth, p = pair
    found = losses.bce_dice_loss(truth, keras.ops.convert_to_tensor(p)).numpy()
    entropy = losses.binary_cross_entropy(truth, p).mean(axis=(1, 2, 3))
    assert found == pytest.approx(entropy + dice_loss(truth, p), rel=1e-4)


@pytest.mark.parametrize("loss", [losses.soft_dice_loss, losses.bce_dice_loss])
def test_a_model_with_one_of_our_losses_loads_again_without_naming_it(tmp_path, loss):
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(1, 1, activation="sigmoid")])
    model.compile(loss=loss)
    model.save(tmp_path / "m.keras")
    assert keras.saving.load_model(tmp_path / "m.keras").loss is loss


def test_class_weights_give_every_class_the_same_total():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        classes = int(rng.integers(2, 6))
        labels = rng.integers(0, rng.integers(1, classes + 1), (3, 6, 6)).astype(np.uint8)
        weights = losses.class_weights(labels, classes)
        assert weights.shape == (classes,) and weights.dtype == np.float32
        here = np.unique(labels)
        assert [weights[labels][labels == k].sum() for k in here] == pytest.approx(
            [labels.size / len(here)] * len(here)
        )
        assert weights[labels].mean() == pytest.approx(1) and not np.delete(weights, here).any()
