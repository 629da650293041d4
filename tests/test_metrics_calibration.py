"""Kinds of errors, pixels near an edge, and calibration, against loops, scipy and numbers worked out by hand."""

import numpy as np
import pytest
from scipy import ndimage

from utils import metrics


def test_missed_and_invented_pixels_are_told_apart():
    truth = np.array([[1, 1], [0, 0]], np.uint8)
    mask = np.array([[1, 0], [1, 0]], np.uint8)
    missed, invented = metrics.errors(truth, mask)
    assert missed.tolist() == [[False, True], [False, False]]
    assert invented.tolist() == [[False, False], [True, False]]


def test_missed_and_invented_pixels_are_all_that_is_wrong():
    rng = np.random.default_rng(0)
    truth, mask = (rng.random((3, 8, 9, 1)) < 0.5).astype(np.uint8), (rng.random((3, 8, 9, 1)) < 0.4).astype(np.uint8)
    missed, invented = metrics.errors(truth, mask)
    assert not (missed & invented).any()
    assert 1 - (missed | invented).mean() == pytest.approx(metrics.pixel_accuracy(truth, mask))
    assert 1 - missed.sum() / truth.sum() == pytest.approx(metrics.recall(truth, mask))
    assert 1 - invented.sum() / mask.sum() == pytest.approx(metrics.precision(truth, mask))


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_pixels_near_an_edge_are_those_of_scipys_dilation_and_erosion(distance):
    masks = np.random.default_rng(1).random((4, 20, 17)) < 0.03
    masks = np.stack([ndimage.binary_dilation(mask, iterations=3) for mask in masks])
    square = np.ones((2 * distance + 1,) * 2, bool)
    expected = [
        ndimage.maximum_filter(m, footprint=square, mode="nearest")
        & ~ndimage.minimum_filter(m, footprint=square, mode="nearest")
        for m in masks
    ]
    assert np.array_equal(metrics.near_edge(masks, distance), expected)
    assert np.array_equal(metrics.near_edge(masks[..., None], distance)[..., 0], expected)


def test_the_pictures_border_is_no_edge():
    masks = np.zeros((1, 6, 6), np.uint8)
    assert not metrics.near_edge(masks + 1).any() and not metrics.near_edge(masks).any()
    masks[:, :, :3] = 1
    assert metrics.near_edge(masks)[0].any(axis=0).tolist() == [False, False, True, True, False, False]


def test_bad_masks_and_distances_are_refused():
    with pytest.raises(ValueError, match="distance is 0"):
        metrics.near_edge(np.zeros((1, 4, 4)), 0)
    with pytest.raises(ValueError, match=r"shape \(4, 4\)"):
        metrics.near_edge(np.zeros((4, 4)))
    with pytest.raises(ValueError, match=r"shape \(1, 4, 4, 3\)"):
        metrics.near_edge(np.zeros((1, 4, 4, 3)))
    with pytest.raises(ValueError, match="0 and 1 only"):
        metrics.near_edge(np.full((1, 4, 4), 255))


def test_calibration_agrees_with_counting_pixel_by_pixel():
    rng = np.random.default_rng(2)
    probability = rng.random((3, 10, 10, 1)).astype(np.float32)
    truth = (rng.random(probability.shape) < probability**2).astype(np.uint8)
    found = metrics.calibration(truth, probability, bins=5)
    error = 0.0
    for k in range(5):
        pairs = [(t, p) for t, p in zip(truth.ravel(), probability.ravel()) if k / 5 <= p < (k + 1) / 5]
        share, mean = np.mean([t for t, _ in pairs]), np.mean([p for _, p in pairs])
        assert found.count[k] == len(pairs)
        assert (found.share[k], found.probability[k]) == (pytest.approx(share), pytest.approx(mean))
        error += len(pairs) / truth.size * abs(share - mean)
    assert found.error == pytest.approx(error)
    assert found.edges == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])


def test_honest_probabilities_have_a_small_error_and_boastful_ones_a_large_one():
    rng = np.random.default_rng(3)
    honest = rng.random(200_000)
    truth = (rng.random(honest.size) < honest).astype(int)
    boastful = np.where(honest > 0.5, 0.99, 0.01)
    assert metrics.calibration(truth, honest).error < 0.01
    assert metrics.calibration(truth, boastful).error == pytest.approx(0.24, abs=0.01)


def test_the_limits_of_the_bins_and_empty_bins():
    found = metrics.calibration([0, 1, 1, 1], [0.0, 0.5, 0.5, 1.0], bins=4)
    assert found.count.tolist() == [1, 0, 2, 1]
    assert np.isnan(found.share[1]) and np.isnan(found.probability[1])
    assert found.error == pytest.approx(0.25), "two of four pixels are .5 away"


@pytest.mark.parametrize(
    ("truth", "probability", "bins", "message"),
    [
        ([0, 1], [0.5], 10, "shape"),
        ([0, 255], [0.5, 0.5], 10, "0 and 1 only"),
        ([0, 1], [0.5, 1.5], 10, "0..1"),
        ([0, 1], [0.5, 0.5], 0, "bins is 0"),
        ([], [], 10, "no pixel"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(truth, probability, bins, message):
    with pytest.raises(ValueError, match=message):
        metrics.calibration(np.array(truth), np.array(probability), bins)
