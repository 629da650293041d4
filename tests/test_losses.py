"""Losses against Keras and against the formulas written out."""

import keras
import numpy as np
import pytest

from utils import losses


@pytest.fixture
def pair():
    rng = np.random.default_rng(1)
    truth = (rng.random((3, 8, 8, 1)) < 0.3).astype(np.float32)
    return truth, rng.uniform(0, 1, truth.shape).astype(np.float32)


def test_binary_cross_entropy_is_the_one_of_keras(pair):
    truth, p = pair
    keras_says = float(keras.losses.BinaryCrossentropy()(truth, p))
    assert losses.binary_cross_entropy(truth, p).mean() == pytest.approx(keras_says, rel=1e-5)


def test_a_certain_mistake_costs_much_but_not_infinitely_much():
    assert losses.binary_cross_entropy([1, 0], [0.0, 1.0]) == pytest.approx([-np.log(1e-7)] * 2)
    assert losses.binary_cross_entropy([1, 0], [1.0, 0.0]) == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize(
    ("truth", "p", "message"),
    [([1, 0], [0.5], "shape"), ([255], [0.5], "0 and 1 only"), ([1], [1.2], "0..1"), ([1], [np.nan], "NaN")],
)
def test_bad_input_is_refused(truth, p, message):
    with pytest.raises(ValueError, match=message):
        losses.binary_cross_entropy(truth, p)


def test_soft_dice_of_masks_is_one_minus_dice(pair):
    truth, p = pair
    mask = (p > 0.5).astype(np.float32)
    found = np.asarray(losses.soft_dice_loss(truth, mask))
    for image in range(len(truth)):
        both, sizes = (truth[image] * mask[image]).sum(), truth[image].sum() + mask[image].sum()
        assert found[image] == pytest.approx(1 - (2 * both + 1) / (sizes + 1), rel=1e-5)


def test_a_model_with_the_dice_loss_loads_again_without_naming_it(tmp_path):
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(1, 1, activation="sigmoid")])
    model.compile(loss=losses.soft_dice_loss)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert loaded.loss is losses.soft_dice_loss


@pytest.mark.parametrize("gamma", [0, 1, 2.0, 5])
def test_focal_equals_keras(gamma):
    random = np.random.default_rng(3)
    truth, probability = (
        random.integers(0, 2, (4, 6, 6, 1)).astype("float32"),
        random.random((4, 6, 6, 1)).astype("float32"),
    )
    theirs = keras.losses.BinaryFocalCrossentropy(gamma=gamma)(truth, probability)
    assert losses.focal(truth, probability, gamma).mean() == pytest.approx(float(theirs), rel=1e-4)


def test_focal_refuses_a_negative_gamma():
    with pytest.raises(ValueError, match="gamma is -1"):
        losses.focal([1], [0.5], -1)


def test_bce_dice_is_the_sum_of_its_parts():
    random = np.random.default_rng(4)
    truth, probability = (
        random.integers(0, 2, (3, 5, 5, 1)).astype("float32"),
        random.random((3, 5, 5, 1)).astype("float32"),
    )
    both = np.asarray(losses.bce_dice_loss(truth, keras.ops.convert_to_tensor(probability)))
    entropy = losses.binary_cross_entropy(truth, probability).mean(axis=(1, 2, 3))
    dice = 1 - (2 * (truth * probability).sum((1, 2, 3)) + 1) / (truth.sum((1, 2, 3)) + probability.sum((1, 2, 3)) + 1)
    assert both == pytest.approx(entropy + dice, rel=1e-4)
