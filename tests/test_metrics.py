"""Scores against counting pixel by pixel, against SciPy and TensorFlow, and against numbers worked out by hand."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from utils import metrics, shapes

SEEDS = range(20)


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return tuple((rng.random((5, 7, 6, 1)) < share).astype(np.uint8) for share in (0.3, 0.4))


# ---- One class ---------------------------------------------------------------------------------------------------------


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


def test_per_image_scores_are_those_of_each_image_alone(pair):
    for score in (metrics.iou, metrics.dice):
        found = score(*pair, per_image=True)
        assert found.shape == (5,) and found == pytest.approx([score(t, m) for t, m in zip(*pair)])


def test_an_axis_for_the_channel_makes_no_difference(pair):
    truth, mask = pair
    for score in (metrics.iou, metrics.dice, metrics.pixel_accuracy, metrics.recall, metrics.precision):
        assert score(truth, mask[..., 0]) == score(truth[..., 0], mask) == score(truth.astype(float), mask > 0)
    assert (metrics.iou(truth, mask[..., 0], per_image=True) == metrics.iou(truth, mask, per_image=True)).all()


def test_empty_masks():
    empty, full = np.zeros((1, 3, 3)), np.ones((1, 3, 3))
    assert metrics.iou(empty, empty) == metrics.dice(empty, empty) == 1
    assert metrics.recall(empty, full) == metrics.precision(full, empty) == 1
    assert metrics.iou(full, empty) == metrics.dice(full, empty) == metrics.recall(full, empty) == 0
    assert metrics.iou(empty, empty, per_image=True).tolist() == [1]


def test_a_pixel_on_the_threshold_is_background():
    mask = metrics.to_mask(np.array([0.49, 0.5, 0.51], np.float32))
    assert mask.tolist() == [0, 0, 1] and mask.dtype == np.uint8
    assert metrics.to_mask(np.array([0.2, 0.9]), 0.1).tolist() == [1, 1]
    assert metrics.to_mask(np.array([0.1], np.float32), np.float64(0.1)).tolist() == [0], "0.1 is 0.1, of any dtype"


def test_silhouette_scores():
    samples = shapes.draw(12, seed=3)
    probability = np.random.default_rng(0).random(samples.masks.shape) * 0.6 + samples.masks * 0.4
    for threshold in (0.5, 0.3):
        mask = (probability > threshold).astype(np.uint8)
        found = metrics.silhouette_scores(samples, probability, threshold)
        assert list(found) == ["iou", "dice", "accuracy", "filled", "outlined"]
        for name in ("iou", "dice"):
            assert found[name] == getattr(metrics, name)(samples.masks, mask)
        assert found["accuracy"] == pytest.approx((samples.masks == mask).mean())
        for style in (1, 2):
            assert found[shapes.STYLE_NAMES[style]] == pytest.approx(mask[..., 0][samples.styles == style].mean())


# ---- Errors, edges, calibration ----------------------------------------------------------------------------------------


def test_the_two_kinds_of_errors(pair):
    truth, mask = pair
    negatives, positives = metrics.error_masks([[1, 1], [0, 0]], [[1, 0], [1, 0]])
    assert negatives.tolist() == [[False, True], [False, False]] and positives.tolist() == [
        [False, False],
        [True, False],
    ]
    negatives, positives = metrics.error_masks(truth, mask)
    assert not (negatives & positives).any()
    assert 1 - (negatives | positives).mean() == pytest.approx(metrics.pixel_accuracy(truth, mask))
    assert 1 - negatives.sum() / truth.sum() == pytest.approx(metrics.recall(truth, mask))
    assert 1 - positives.sum() / mask.sum() == pytest.approx(metrics.precision(truth, mask))


def around(masks, distance):
    """Pixels whose square holds foreground and background, by dilation and erosion; the picture goes on beyond its side."""
    square = np.ones((2 * distance + 1,) * 2)
    grown = [ndimage.binary_dilation(mask, square) for mask in masks]
    return np.stack(grown) & ~np.stack([ndimage.binary_erosion(mask, square, border_value=1) for mask in masks])


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_pixels_near_an_edge_are_those_of_dilation_and_erosion(distance):
    masks = np.random.default_rng(1).random((4, 20, 17)) < 0.03
    masks = np.stack([ndimage.binary_dilation(mask, iterations=3) for mask in masks])
    expected = around(masks, distance)
    assert np.array_equal(metrics.near_edge(masks, distance), expected)
    assert np.array_equal(metrics.near_edge(masks[..., None].astype(np.uint8), distance)[..., 0], expected)


def test_the_pictures_border_is_no_edge_and_images_do_not_touch():
    masks = np.zeros((1, 6, 6), np.uint8)
    assert not metrics.near_edge(masks + 1).any() and not metrics.near_edge(masks).any()
    masks[:, :, :3] = 1
    assert metrics.near_edge(masks)[0].any(axis=0).tolist() == [False, False, True, True, False, False]
    assert not metrics.near_edge(np.stack([np.zeros((6, 6)), np.ones((6, 6))])).any()


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_boundary_and_interior_iou_by_erosion(distance):
    random = np.random.default_rng(distance)
    truth, predicted = (random.random((5, 20, 20)) < 0.97 for _ in range(2))
    rims = [masks & around(masks, distance) for masks in (truth, predicted)]
    expected = (rims[0] & rims[1]).sum() / (rims[0] | rims[1]).sum()
    assert metrics.boundary_iou(truth, predicted, distance) == pytest.approx(expected)
    far = ~around(truth, distance)
    expected = (truth & predicted & far).sum() / ((truth | predicted) & far).sum()
    assert metrics.interior_iou(truth, predicted, distance) == pytest.approx(expected)


def test_calibration_agrees_with_counting_pixel_by_pixel():
    rng = np.random.default_rng(2)
    probability = rng.random((3, 10, 10, 1)).astype(np.float32)
    truth = (rng.random(probability.shape) < 1 - probability).astype(np.uint8)
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


def test_the_limits_of_the_bins_and_empty_bins():
    found = metrics.calibration([0, 1, 1, 1], [0.0, 0.5, 0.5, 1.0], bins=4)
    assert found.count.tolist() == [1, 0, 2, 1]
    assert np.isnan(found.share[1]) and np.isnan(found.probability[1])
    assert found.error == pytest.approx(0.25), "two of four pixels are .5 away"


# ---- Several classes ---------------------------------------------------------------------------------------------------


def case(seed, side=6):
    """Random truth, prediction and number of classes; some classes may be missing."""
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(2, 6))
    top = int(rng.integers(1, classes + 1))
    return *rng.integers(0, top, (2, 3, side, side)).astype(np.uint8), classes


@pytest.mark.parametrize("seed", SEEDS)
def test_class_scores_are_those_of_the_confusion_matrix(seed):
    truth, predicted, classes = case(seed)
    table = tf.math.confusion_matrix(truth.ravel(), predicted.ravel(), classes).numpy()
    iou, dice = (score(truth, predicted[..., None], classes) for score in (metrics.class_iou, metrics.class_dice))
    for k in range(classes):
        both, sizes = table[k, k], table[k].sum() + table[:, k].sum()
        if sizes:
            assert iou[k] == pytest.approx(both / (sizes - both)) and dice[k] == pytest.approx(2 * both / sizes)
        else:
            assert np.isnan(iou[k]) and np.isnan(dice[k])


@pytest.mark.parametrize("seed", SEEDS)
def test_class_scores_per_image_are_those_of_single_images(seed):
    truth, predicted, classes = case(seed, side=3)
    for score in (metrics.class_iou, metrics.class_dice):
        rows = score(truth, predicted, classes, per_image=True)
        alone = [score(t[None], p[None], classes) for t, p in zip(truth, predicted)]
        assert rows.shape == (3, classes) and np.array_equal(rows, alone, equal_nan=True)


@pytest.mark.parametrize(("seed", "background"), list(itertools.product(SEEDS, (False, True))))
def test_mean_iou_by_a_loop(seed, background):
    truth, predicted, classes = case(seed, side=2)

    def of(t, p):
        values = []
        for k in range(0 if background else 1, classes):
            both, either = np.sum((t == k) & (p == k)), np.sum((t == k) | (p == k))
            if either:
                values.append(both / either)
        return np.mean(values) if values else np.nan

    each = [value for value in map(of, truth, predicted) if not np.isnan(value)]
    for expected, per_image in ((of(truth, predicted), False), (np.mean(each) if each else np.nan, True)):
        found = metrics.mean_iou(truth, predicted, classes, background=background, per_image=per_image)
        assert found == pytest.approx(expected, nan_ok=True)


def test_an_image_without_shapes_does_not_count():
    truth = np.zeros((2, 2, 2), np.uint8)
    truth[0, 0] = 1
    assert metrics.mean_iou(truth, truth * 0, 3, per_image=True) == 0
    assert np.isnan(metrics.mean_iou(truth * 0, truth * 0, 3, per_image=True))
    assert metrics.mean_iou(truth * 0, truth * 0, 3, background=True) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_soft_iou_by_a_loop(seed):
    truth, predicted, classes = case(seed, side=4)
    probability = np.random.default_rng(seed).dirichlet(np.ones(classes), truth.shape)
    for k, value in enumerate(metrics.soft_iou(truth, probability)):
        both = either = 0.0
        for place in np.ndindex(truth.shape):
            t, p = float(truth[place] == k), probability[place][k]
            both, either = both + t * p, either + t + p - t * p
        assert value == pytest.approx(both / either)
    sure = np.eye(classes, dtype=np.float32)[predicted]
    hard = metrics.class_iou(truth, predicted, classes)
    assert metrics.soft_iou(truth, sure) == pytest.approx(hard, nan_ok=True), "of a certain prediction it is the IoU"


def test_a_mask_of_0_and_255_and_an_uncut_probability_are_cut_at_a_half():
    rng = np.random.default_rng(3)
    truth, probability = rng.random((2, 9, 9)) < 0.4, rng.random((2, 9, 9))
    cut = metrics.to_mask(probability)
    for score in (
        metrics.iou,
        metrics.dice,
        metrics.recall,
        metrics.precision,
        metrics.pixel_accuracy,
        metrics.boundary_iou,
    ):
        assert score(truth * np.uint8(255), probability) == score(truth, cut)
    assert np.array_equal(metrics.error_masks(truth, probability), metrics.error_masks(truth, cut))
