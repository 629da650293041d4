"""Objects: numbered, matched, scored, measured, cut apart; against brute force on random label maps."""

import itertools

import numpy as np
import pytest
from scipy import ndimage
from skimage import measure, segmentation

from utils import objects, shapes


def random_labels(seed, size=24, most=6):
    """A label map of random rectangles with random numbers."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((size, size), np.int32)
    for number in rng.choice(np.arange(1, 40), rng.integers(0, most + 1), replace=False):
        top, left = rng.integers(0, size - 3, 2)
        height, width = rng.integers(2, size // 2, 2)
        labels[top : top + height, left : left + width] = number
    return labels


def disturbed(labels, seed):
    """The same objects, moved by a pixel or two, one of them renamed, with a false positive."""
    moved = np.roll(labels, tuple(np.random.default_rng(seed).integers(-2, 3, 2)), (0, 1))
    moved[moved == moved.max()] = 50
    moved[:3, :3] = 60
    return moved


def pixels(labels):
    """id -> set of pixels."""
    return {int(k): set(zip(*np.nonzero(labels == k))) for k in np.unique(labels) if k}


def iou(a, b):
    return len(a & b) / len(a | b)


PAIRS = [(random_labels(seed), disturbed(random_labels(seed), seed)) for seed in range(25)]
EMPTY, ONE = np.zeros((5, 5), int), np.pad(np.ones((2, 2), int), ((0, 3), (0, 3)))


# ---- Numbering ---------------------------------------------------------------------------------------------------------


def test_labels_are_those_of_scipy_and_a_corner_does_not_join():
    masks = (np.random.default_rng(0).random((10, 17, 23)) < 0.55).astype(np.uint8)
    for mask in (np.eye(3), *masks):
        labels = objects.label(mask)
        assert labels.dtype == np.int32 and np.array_equal(labels, ndimage.label(mask)[0])
    assert objects.label(np.eye(3)).max() == 3


def test_small_objects_go_and_the_others_are_numbered_anew():
    labels = np.array([[1, 1, 1, 0, 7], [0, 0, 0, 0, 7], [5, 0, 0, 0, 0]])
    assert objects.remove_small(labels, 2).tolist() == [[1, 1, 1, 0, 2], [0, 0, 0, 0, 2], [0] * 5]
    assert objects.remove_small(labels, 3).tolist() == [[1, 1, 1, 0, 0], [0] * 5, [0] * 5]
    assert not objects.remove_small(labels, 4).any() and objects.remove_small(labels, 0).max() == 3
    assert not objects.remove_small(EMPTY, 5).any() and objects.remove_small(labels * 10**12, 0).dtype == np.int32


# ---- Matching ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("truth", "predicted"), PAIRS)
def test_the_overlap_table_counts_pixels(truth, predicted):
    rows, columns, table = objects.overlap_table(truth, predicted)
    expected = [[((truth == a) & (predicted == b)).sum() for b in (0, *columns)] for a in (0, *rows)]
    assert np.array_equal(table, expected) and rows.tolist() == sorted(pixels(truth))


def best_by_trying(truth, predicted, threshold):
    """Most pairs, then the greatest sum of IoU, over all one-to-one assignments."""
    a, b = list(pixels(truth).values()), list(pixels(predicted).values())
    if len(a) > len(b):
        a, b = b, a
    table = np.array([[iou(x, y) for y in b] for x in a]).reshape(len(a), len(b))
    best = (0, 0.0)
    for order in itertools.permutations(range(len(b)), len(a)):
        values = [v for k, j in enumerate(order) if (v := table[k, j]) >= threshold]
        best = max(best, (len(values), sum(values)))
    return best


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.8])
@pytest.mark.parametrize(("truth", "predicted"), PAIRS[:10])
def test_the_pairs_are_the_best_there_are(truth, predicted, threshold):
    found = objects.match(truth, predicted, threshold)
    count, total = best_by_trying(truth, predicted, threshold)
    assert len(found.pairs) == count and sum(v for *_, v in found.pairs) == pytest.approx(total)
    a, b = pixels(truth), pixels(predicted)
    for i, j, value in found.pairs:
        assert value == pytest.approx(iou(a[i], b[j])) and value >= threshold
    assert sorted([i for i, *_ in found.pairs] + found.false_negatives) == sorted(a)
    assert sorted([j for _, j, _ in found.pairs] + found.false_positives) == sorted(b)


def test_more_pairs_are_better_than_a_better_pair():
    truth, predicted = np.zeros((1, 13), int), np.zeros((1, 13), int)
    truth[0, :10], truth[0, 10:] = 1, 2
    predicted[0, :2], predicted[0, 2:12] = 1, 2  # IoU: (1, 1) .20, (1, 2) .67, (2, 2) .18
    pairs = objects.match(truth, predicted, 0.15).pairs
    assert [(i, j) for i, j, _ in pairs] == [(1, 1), (2, 2)]


def test_a_pair_may_reach_the_threshold_exactly():
    truth, predicted = np.array([[1, 1, 0]]), np.array([[3, 0, 0]])
    assert (
        objects.match(truth, predicted).pairs == [(1, 3, 0.5)] and objects.average_precision(truth, predicted, 0.5) == 1
    )


@pytest.mark.parametrize(("truth", "predicted"), PAIRS)
def test_average_precision_counts_pairs_and_what_is_left_over(truth, predicted):
    scores = objects.average_precision(truth, predicted)
    assert scores.shape == (10,)
    a, b = pixels(truth).values(), pixels(predicted).values()
    values = [iou(x, y) for x, y in itertools.product(a, b)]
    for threshold, score in zip(objects.DSB_THRESHOLDS, scores):
        pairs = sum(value >= threshold for value in values)  # above .5 a pair is never in doubt
        everything = len(a) + len(b) - pairs
        assert score == pytest.approx(pairs / everything if everything else 1)
    single = objects.average_precision(truth, predicted, 0.5)
    assert isinstance(single, float) and single == scores[0]


def test_empty_maps():
    assert objects.average_precision(EMPTY, EMPTY, 0.5) == 1
    assert objects.average_precision(ONE, EMPTY, 0.5) == objects.average_precision(EMPTY, ONE, 0.5) == 0
    assert objects.match(ONE, EMPTY).false_negatives == [1] and objects.match(EMPTY, ONE).false_positives == [1]
    assert objects.segmentation_faults(EMPTY, ONE) == objects.segmentation_faults(ONE, EMPTY) == ([], [])
    assert objects.fates(EMPTY, ONE) == {} and objects.fates(ONE, EMPTY) == {1: ("false negative", 0.0)}


@pytest.mark.parametrize("seed", range(40))
def test_segmentation_faults_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    truth = random_labels(seed, 20)
    predicted = truth.copy() if seed % 2 else random_labels(seed + 100, 20)
    for old, new in rng.integers(1, 40, (25, 2)):  # join some
        predicted[predicted == old] = new
    predicted[:, int(rng.integers(20))] = 0  # cut some
    predicted = objects.label(predicted > 0) if seed % 3 else predicted
    a, b = pixels(truth), pixels(predicted)
    under, over = set(), set()
    for i, one in a.items():
        for other in b.values():
            if len(one & other) > len(one) / 2 and any(
                len(two & other) > len(two) / 2 for k, two in a.items() if k != i
            ):
                under.add(i)
        if sum(len(one & other) > len(other) / 2 for other in b.values()) >= 2:
            over.add(i)
    assert objects.segmentation_faults(truth, predicted) == (sorted(under), sorted(over))


def test_exactly_half_is_not_more_than_half():
    def faults(truth, predicted):
        return objects.segmentation_faults(np.array([truth]), np.array([predicted]))

    assert faults([1, 1, 2, 2], [0, 3, 3, 0]) == ([], [])
    assert faults([1, 1, 2, 2], [3, 3, 3, 3]) == ([1, 2], [])
    assert faults([1, 1, 1, 1], [3, 0, 4, 4]) == ([], [1])


def test_scores_by_hand():
    truth = np.array([[1, 1, 1, 1, 0, 2, 2, 0]])
    predicted = np.array([[4, 4, 4, 0, 0, 2, 2, 9]])
    scores = objects.scores(truth, predicted)
    assert list(scores) == ["iou", "dice", "ap", "ap50", "ap60", "ap70", "ap80", "ap90"]
    assert scores["iou"] == pytest.approx(5 / 7) and scores["dice"] == pytest.approx(10 / 12)
    assert scores["ap50"] == scores["ap70"] == pytest.approx(2 / 3) and scores["ap80"] == pytest.approx(1 / 4)
    assert scores["ap"] == pytest.approx((2 / 3 * 3 + 1 / 4 * 2) / 5)


def test_fates_the_worst_first():
    truth = np.repeat([[1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5]], 2, 0)
    predicted = np.repeat([[1, 1, 1, 1, 1, 1, 5, 5, 0, 6, 0, 0, 7, 7]], 2, 0)
    fates = objects.fates(truth, predicted)
    assert list(fates.items()) == [
        (4, ("false negative", 0.0)), (2, ("under-segmented", 0.3333)), (3, ("over-segmented", 0.5)),
        (1, ("under-segmented", 0.6667)), (5, ("matched", 1.0)),
    ]  # fmt: skip
    both = objects.fates(np.array([[1, 1, 1, 1, 1, 1, 2, 2]]), np.array([[4, 4, 3, 3, 3, 3, 3, 3]]))
    assert both[1] == ("under-segmented", 0.5), "it is over-segmented too"


def test_a_tally_adds_up_pictures():
    counts = objects.tally(*zip(*PAIRS), 0.4)
    matches = [objects.match(*pair, 0.4) for pair in PAIRS]
    faults = [objects.segmentation_faults(*pair) for pair in PAIRS]
    assert counts == {
        "objects": sum(len(pixels(truth)) for truth, _ in PAIRS),
        "matched": sum(len(found.pairs) for found in matches),
        "false_negatives": sum(len(found.false_negatives) for found in matches),
        "false_positives": sum(len(found.false_positives) for found in matches),
        "under_segmented": sum(len(under) for under, _ in faults),
        "over_segmented": sum(len(over) for _, over in faults),
    }


# ---- Distances and weights ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_distances_and_weights_by_brute_force(seed):
    labels = random_labels(seed, 14)
    d1, d2 = objects.nearest_distances(labels)
    weights = objects.weight_map(labels, w0=7, sigma=3)
    sets = pixels(labels)
    share = (labels == 0).mean()
    for y, x in np.ndindex(labels.shape):
        nearest = sorted(min(np.hypot(y - v, x - u) for v, u in one) for one in sets.values())
        first, second = (nearest + [np.inf, np.inf])[:2]
        assert d1[y, x] == pytest.approx(first, abs=1e-4) and d2[y, x] == pytest.approx(second, abs=1e-4)
        balance = 1 if share in (0, 1) else 0.5 / (share if labels[y, x] == 0 else 1 - share)
        extra = 7 * np.exp(-((first + second) ** 2) / 18) if labels[y, x] == 0 else 0
        assert weights[y, x] == pytest.approx(balance + extra, rel=1e-4)
    assert weights.dtype == d1.dtype == d2.dtype == np.float32


def test_without_classes_to_balance_every_pixel_weighs_one():
    for labels, balance in ((random_labels(3), False), (EMPTY, True), (EMPTY + 4, True)):
        assert (objects.weight_map(labels, w0=0, balance=balance) == np.ones(labels.shape)).all()


# ---- Gaps and borders --------------------------------------------------------------------------------------------------


def neighbours(labels, y, x):
    beside = (y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)
    return [labels[v, u] for v, u in beside if 0 <= v < labels.shape[0] and 0 <= u < labels.shape[1]]


@pytest.mark.parametrize("seed", range(12))
def test_gaps_and_borders_by_brute_force(seed):
    labels = random_labels(seed).astype([np.int32, np.uint8][seed % 2])
    opened, classes = objects.open_gaps(labels), objects.border_classes(labels)
    assert opened.dtype == labels.dtype and classes.dtype == np.uint8
    for y, x in np.ndindex(labels.shape):
        here, beside = labels[y, x], neighbours(labels, y, x)
        assert opened[y, x] == (0 if any(0 < k < here for k in beside) else here)
        assert classes[y, x] == (0 if not here else 1 + any(k != here for k in beside))
        assert not opened[y, x] or set(neighbours(opened, y, x)) <= {0, opened[y, x]}, "nothing touches"


# ---- Cutting apart -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_the_parts_cover_the_mask_and_each_is_one_piece(seed):
    mask = random_labels(seed, 40) > 0
    parts = objects.split_touching(mask)
    assert np.array_equal(parts > 0, mask) and parts.dtype == np.int32
    for number in range(1, parts.max() + 1):
        assert measure.label(parts == number, connectivity=1).max() == 1


def test_touching_discs_are_cut_apart_unless_seeds_are_too_near():
    drawn = shapes.draw_touching(10, seed=3)
    masks = drawn.masks[..., 0]
    joined = sum(objects.label(mask).max() for mask in masks)
    cut = [objects.split_touching(mask) for mask in masks]
    scores = [objects.average_precision(*pair, 0.5) for pair in zip(drawn.instances, cut)]
    assert joined < 30 and np.mean(scores) > 0.97
    fewer = [objects.split_touching(mask, min_distance=30).max() for mask in masks]
    assert np.mean(fewer) < 4
    softened = [objects.split_touching(mask * 0.3, threshold=0.2) for mask in masks]
    assert np.array_equal(softened, cut) and not objects.split_touching(masks[0] * 0.3).any()


def test_objects_from_borders_by_a_direct_way():
    rng = np.random.default_rng(0)
    logits = ndimage.gaussian_filter(rng.normal(size=(80, 80, 3)), (3, 3, 0)) * 30
    output = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    parts = measure.label(output[..., 1] > 0.5, connectivity=1)
    kept = [k for k in range(1, parts.max() + 1) if (parts == k).sum() >= 10]
    seeds = sum((parts == k) * n for n, k in enumerate(kept, 1))
    grown = output[..., 0] < 0.5
    distance = ndimage.distance_transform_edt(np.pad(grown, 1, mode="edge"))[1:-1, 1:-1]
    expected = segmentation.watershed(-distance, seeds, mask=grown)
    assert 0 < len(kept) < parts.max() and np.array_equal(objects.from_borders(output, smallest=10), expected)
