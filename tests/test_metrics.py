"""Scores against counting pixel by pixel, and against scikit-learn-like definitions written out."""

import numpy as np
import pytest
from scipy.spatial import distance

from utils import metrics


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return tuple((rng.random((5, 7, 6, 1)) < share).astype(np.uint8) for share in (0.3, 0.4))


def test_scores_agree_with_counting_by_hand(pair):
    truth, mask = pair
    both = either = right = true = found = 0
    for t, m in zip(truth.ravel().tolist(), mask.ravel().tolist()):
        both += t == m == 1
        either += t == 1 or m == 1
        right += t == m
        true += t
        found += m
    assert metrics.iou(truth, mask) == pytest.approx(both / either)
    assert metrics.dice(truth, mask) == pytest.approx(2 * both / (true + found))
    assert metrics.pixel_accuracy(truth, mask) == pytest.approx(right / truth.size)
    assert metrics.recall(truth, mask) == pytest.approx(both / true)
    assert metrics.precision(truth, mask) == pytest.approx(both / found)


def test_scores_agree_with_scipy_distances(pair):
    truth, mask = (a.ravel().astype(bool) for a in pair)
    assert metrics.iou(truth, mask) == pytest.approx(1 - distance.jaccard(truth, mask))
    assert metrics.dice(truth, mask) == pytest.approx(1 - distance.dice(truth, mask))


def test_per_image_scores_are_those_of_each_image_alone(pair):
    truth, mask = pair
    assert metrics.iou(truth, mask, per_image=True) == pytest.approx([metrics.iou(t, m) for t, m in zip(truth, mask)])
    assert metrics.dice(truth, mask, per_image=True) == pytest.approx([metrics.dice(t, m) for t, m in zip(truth, mask)])


def test_pooled_iou_differs_from_the_mean_over_images():
    truth, mask = np.zeros((2, 4, 4), int), np.zeros((2, 4, 4), int)
    truth[0], mask[0] = 1, 1
    truth[1, 0, 0] = 1
    assert metrics.iou(truth, mask) == pytest.approx(16 / 17)
    assert metrics.iou(truth, mask, per_image=True).mean() == 0.5


def test_empty_masks():
    empty, full = np.zeros((1, 3, 3)), np.ones((1, 3, 3))
    assert metrics.iou(empty, empty) == metrics.dice(empty, empty) == metrics.recall(empty, full) == 1
    assert metrics.iou(full, empty) == metrics.dice(full, empty) == metrics.recall(full, empty) == 0
    assert metrics.iou(empty, empty, per_image=True).tolist() == [1]


def test_a_pixel_on_the_threshold_is_ground():
    assert metrics.to_mask(np.array([0.49, 0.5, 0.51])).tolist() == [0, 0, 1]
    assert metrics.to_mask(np.array([0.2, 0.9]), 0.1).tolist() == [1, 1]


@pytest.mark.parametrize(
    "score", [metrics.iou, metrics.dice, metrics.recall, metrics.precision, metrics.pixel_accuracy]
)
def test_bad_masks_are_refused_with_what_was_given(score):
    good = np.zeros((2, 4, 4, 1), np.uint8)
    with pytest.raises(ValueError, match=r"\(2, 4, 4, 1\).*\(2, 4, 4\)"):
        score(good, good[..., 0])
    with pytest.raises(ValueError, match="predicted holds values from 0.3 to 0.3.*0 and 1 only"):
        score(good, np.full(good.shape, 0.3))
    with pytest.raises(ValueError, match="truth holds values from 255 to 255"):
        score(np.full(good.shape, 255), good)


@pytest.mark.parametrize(
    ("values", "threshold", "message"),
    [
        ([0.1, 3.2], 0.5, "run from 0.1 to 3.2"),
        ([-4, 0.5], 0.5, "Logits"),
        ([0.5], 1.5, "threshold is 1.5"),
        ([np.nan], 0.5, "0..1"),
    ],
)
def test_what_is_not_a_probability_is_refused(values, threshold, message):
    with pytest.raises(ValueError, match=message):
        metrics.to_mask(np.array(values), threshold)


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_boundary_and_interior_iou_equal_erosion_by_scipy(distance):
    from scipy.ndimage import binary_dilation, binary_erosion

    random = np.random.default_rng(distance)
    truth, predicted = (random.random((5, 20, 20)) < 0.9 for _ in range(2))
    square = np.ones((2 * distance + 1,) * 2)

    def rim(mask):
        return mask & ~binary_erosion(mask, square, border_value=1)

    rims = [np.stack([rim(mask) for mask in masks]) for masks in (truth, predicted)]
    expected = (rims[0] & rims[1]).sum() / (rims[0] | rims[1]).sum()
    assert metrics.boundary_iou(truth, predicted, distance) == pytest.approx(expected)

    far = np.stack([binary_erosion(m, square, border_value=1) | ~binary_dilation(m, square) for m in truth])
    expected = (truth & predicted)[far].sum() / max((truth | predicted)[far].sum(), 1)
    assert metrics.interior_iou(truth, predicted, distance) == pytest.approx(
        expected if (truth | predicted)[far].any() else 1
    )


def test_boundary_iou_feels_a_lost_rim_more_than_iou_does():
    truth = np.zeros((1, 40, 40), bool)
    truth[:, 8:32, 8:32] = True
    smaller = np.zeros_like(truth)
    smaller[:, 9:31, 9:31] = True
    assert metrics.iou(truth, smaller) > 0.8 and metrics.boundary_iou(truth, smaller) == 0
    assert metrics.interior_iou(truth, smaller) == 1
