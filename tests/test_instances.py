"""Objects: numbered, matched, measured; against brute force on random label maps, and against scikit-image."""

import itertools

import numpy as np
import pytest
from skimage import measure, segmentation

from utils import instances


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
    """The same objects, moved by a pixel or two, one of them renamed, with an invented one."""
    rng = np.random.default_rng(seed)
    moved = np.roll(labels, tuple(rng.integers(-2, 3, 2)), (0, 1)).copy()
    moved[moved == moved.max()] = 50
    moved[:3, :3] = 60
    return moved


def objects(labels):
    """id -> set of pixels."""
    return {int(k): set(zip(*np.nonzero(labels == k))) for k in np.unique(labels) if k}


def iou(a, b):
    return len(a & b) / len(a | b)


PAIRS = [(random_labels(seed), disturbed(random_labels(seed), seed)) for seed in range(25)]


# ---- Numbering ---------------------------------------------------------------------------------------------------------


def flood(mask):
    """Connected objects by flood fill, in reading order."""
    labels, count = np.zeros(mask.shape, int), 0
    for start in zip(*np.nonzero(mask)):
        if labels[start]:
            continue
        count += 1
        waiting = [start]
        while waiting:
            y, x = waiting.pop()
            if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] and not labels[y, x]:
                labels[y, x] = count
                waiting += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return labels


@pytest.mark.parametrize("seed", range(10))
def test_labels_are_those_of_a_flood_fill(seed):
    mask = (np.random.default_rng(seed).random((17, 23)) < 0.55).astype(np.uint8)
    labels = instances.label(mask)
    assert labels.dtype == np.int32 and np.array_equal(labels, flood(mask))


def test_a_corner_does_not_join():
    assert instances.label(np.eye(3)).max() == 3


@pytest.mark.parametrize(
    ("mask", "words"), [(np.zeros((4, 4, 1)), r"mask\[\.\.\., 0\]"), (np.full((4, 4), 0.4), "Cut a probability")]
)
def test_what_is_no_mask_is_refused(mask, words):
    with pytest.raises(ValueError, match=words):
        instances.label(mask)


@pytest.mark.parametrize(
    "function", [instances.gaps, instances.distances, instances.border_classes, instances.weight_map]
)
def test_what_is_no_label_map_is_refused(function):
    with pytest.raises(TypeError, match="whole numbers"):
        function(np.zeros((4, 4), np.float32))
    with pytest.raises(ValueError, match="two axes"):
        function(np.zeros((4, 4, 1), int))
    with pytest.raises(ValueError, match="-1"):
        function(np.full((4, 4), -1))
    with pytest.raises(TypeError, match="label"):
        function(np.zeros((4, 4), bool))


# ---- Matching ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("truth", "predicted"), PAIRS)
def test_the_table_of_overlaps_counts_pixels(truth, predicted):
    rows, columns, table = instances.overlaps(truth, predicted)
    for r, c in itertools.product(range(len(rows) + 1), range(len(columns) + 1)):
        a, b = (0, *rows)[r], (0, *columns)[c]
        assert table[r, c] == ((truth == a) & (predicted == b)).sum()


def best_by_trying(truth, predicted, threshold):
    """Most pairs, then the greatest sum of IoU, over all one-to-one assignments."""
    a, b = list(objects(truth).values()), list(objects(predicted).values())
    if len(a) > len(b):
        a, b = b, a
    best = (0, 0.0)
    for order in itertools.permutations(range(len(b)), len(a)):
        values = [v for k, j in enumerate(order) if (v := iou(a[k], b[j])) >= threshold]
        best = max(best, (len(values), sum(values)))
    return best


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.8])
@pytest.mark.parametrize(("truth", "predicted"), PAIRS[:10])
def test_the_pairs_are_the_best_there_are(truth, predicted, threshold):
    found = instances.match(truth, predicted, threshold)
    count, total = best_by_trying(truth, predicted, threshold)
    assert len(found.pairs) == count and sum(v for *_, v in found.pairs) == pytest.approx(total)
    a, b = objects(truth), objects(predicted)
    for i, j, value in found.pairs:
        assert value == pytest.approx(iou(a[i], b[j])) and value >= threshold
    assert sorted([i for i, *_ in found.pairs] + found.missed) == sorted(a)
    assert sorted([j for _, j, _ in found.pairs] + found.invented) == sorted(b)


def test_more_pairs_are_better_than_a_better_pair():
    truth, predicted = np.zeros((1, 13), int), np.zeros((1, 13), int)
    truth[0, :10], truth[0, 10:] = 1, 2
    predicted[0, :2], predicted[0, 2:12] = 1, 2  # IoU: (1, 1) .20, (1, 2) .67, (2, 2) .18
    pairs = instances.match(truth, predicted, 0.15).pairs
    assert [(i, j) for i, j, _ in pairs] == [(1, 1), (2, 2)]


@pytest.mark.parametrize(("truth", "predicted"), PAIRS)
def test_average_precision_counts_pairs_missed_and_invented(truth, predicted):
    scores = instances.average_precision(truth, predicted)
    assert scores.shape == (10,)
    for threshold, score in zip(instances.THRESHOLDS, scores):
        # Above .5 a pair is never in doubt, so it can be counted without an assignment.
        a, b = objects(truth).values(), objects(predicted).values()
        pairs = sum(iou(x, y) >= threshold for x, y in itertools.product(a, b))
        everything = len(a) + len(b) - pairs
        assert score == pytest.approx(pairs / everything if everything else 1)
    assert instances.average_precision(truth, predicted, 0.5) == scores[0]


def test_empty_maps():
    nothing, one = np.zeros((5, 5), int), np.pad(np.ones((2, 2), int), ((0, 3), (0, 3)))
    assert instances.average_precision(nothing, nothing, 0.5) == 1
    assert instances.average_precision(one, nothing, 0.5) == instances.average_precision(nothing, one, 0.5) == 0
    assert instances.match(one, nothing).missed == [1] and instances.match(nothing, one).invented == [1]
    assert instances.merged_and_split(nothing, one) == ([], [])


@pytest.mark.parametrize("threshold", [0, -0.5, 1.1])
def test_a_threshold_out_of_range_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold"):
        instances.match(np.zeros((3, 3), int), np.zeros((3, 3), int), threshold)


def test_maps_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match="same height and width"):
        instances.match(np.zeros((3, 3), int), np.zeros((3, 4), int))


@pytest.mark.parametrize("seed", range(40))
def test_merged_and_split_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    truth = random_labels(seed, 20)
    predicted = truth.copy() if seed % 2 else random_labels(seed + 100, 20)
    for old, new in rng.integers(1, 40, (25, 2)):  # join some
        predicted[predicted == old] = new
    predicted[:, int(rng.integers(20))] = 0  # cut some
    predicted = instances.label(predicted > 0) if seed % 3 else predicted
    a, b = objects(truth), objects(predicted)
    merged, split = set(), set()
    for i, one in a.items():
        for other in b.values():
            if len(one & other) > len(one) / 2 and any(
                len(two & other) > len(two) / 2 for k, two in a.items() if k != i
            ):
                merged.add(i)
        if sum(len(one & other) > len(other) / 2 for other in b.values()) >= 2:
            split.add(i)
    assert instances.merged_and_split(truth, predicted) == (sorted(merged), sorted(split))


def test_exactly_half_is_not_more_than_half():
    truth, predicted = np.array([[1, 1, 2, 2]]), np.array([[0, 3, 3, 0]])
    assert instances.merged_and_split(truth, predicted) == ([], [])
    assert instances.merged_and_split(np.array([[1, 1, 2, 2]]), np.array([[3, 3, 3, 3]])) == ([1, 2], [])
    assert instances.merged_and_split(np.array([[1, 1, 1, 1]]), np.array([[3, 0, 4, 4]])) == ([], [1])


# ---- Distances and weights ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_distances_and_weights_by_brute_force(seed):
    labels = random_labels(seed, 14)
    d1, d2 = instances.distances(labels)
    weights = instances.weight_map(labels, w0=7, sigma=3)
    sets = objects(labels)
    share = (labels == 0).mean()
    for y, x in np.ndindex(labels.shape):
        nearest = sorted(min(np.hypot(y - v, x - u) for v, u in pixels) for pixels in sets.values())
        first, second = (nearest + [np.inf, np.inf])[:2]
        assert d1[y, x] == pytest.approx(first, abs=1e-4) and d2[y, x] == pytest.approx(second, abs=1e-4)
        balance = 1 if share in (0, 1) else 0.5 / (share if labels[y, x] == 0 else 1 - share)
        extra = 7 * np.exp(-((first + second) ** 2) / 18) if labels[y, x] == 0 else 0
        assert weights[y, x] == pytest.approx(balance + extra, rel=1e-4)
    assert weights.dtype == d1.dtype == d2.dtype == np.float32


def test_classes_are_balanced_and_the_mean_is_one():
    labels = random_labels(3)
    weights = instances.weight_map(labels, w0=0)
    assert weights.mean() == pytest.approx(1) and weights[labels > 0].sum() == pytest.approx(weights[labels == 0].sum())
    assert (instances.weight_map(labels, w0=0, balance=False) == 1).all()


def test_fewer_than_two_objects_have_no_gap():
    one = np.zeros((9, 9), int)
    assert (instances.weight_map(one) == 1).all() and np.isinf(instances.distances(one)[0]).all()
    one[2:5, 2:5] = 4
    d1, d2 = instances.distances(one)
    assert d1[3, 3] == 0 and d1[3, 8] == 4 and np.isinf(d2).all()
    assert (instances.weight_map(one, balance=False) == 1).all()


def test_a_gap_between_two_walls_weighs_as_the_formula_says():
    labels = np.zeros((5, 9), int)
    labels[:, :4], labels[:, 5:] = 1, 2
    weights = instances.weight_map(labels, balance=False)
    assert weights[2, 4] == pytest.approx(1 + 10 * np.exp(-4 / 50)) and (weights[labels > 0] == 1).all()


@pytest.mark.parametrize("parts", [{"w0": -1}, {"sigma": 0}, {"sigma": np.nan}, {"w0": np.nan}])
def test_weights_out_of_range_are_refused(parts):
    with pytest.raises(ValueError, match=next(iter(parts))):
        instances.weight_map(np.zeros((3, 3), int), **parts)


# ---- Gaps and borders --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_after_gaps_nothing_touches(seed):
    labels = random_labels(seed)
    apart = instances.gaps(labels)
    for a, b in ((apart[1:], apart[:-1]), (apart[:, 1:], apart[:, :-1])):
        assert not ((a != b) & (a > 0) & (b > 0)).any()
    for y, x in np.ndindex(labels.shape):
        around = [
            labels[v, u] for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)) if 0 <= v < 24 and 0 <= u < 24
        ]
        assert apart[y, x] == (0 if any(0 < k < labels[y, x] for k in around) else labels[y, x])
    assert apart.dtype == labels.dtype


def test_a_gap_is_one_pixel_wide():
    labels = np.repeat([[1, 2]], 4, 0).repeat(4, 1)
    assert (instances.gaps(labels) == [1, 1, 1, 1, 0, 2, 2, 2]).all()


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_borders_by_brute_force(seed, width):
    labels = random_labels(seed, 16)
    classes = instances.border_classes(labels, width)
    for y, x in np.ndindex(labels.shape):
        near = [labels[v, u] for v, u in np.ndindex(labels.shape) if abs(v - y) + abs(u - x) <= width]
        expected = 0 if not labels[y, x] else 1 + any(k != labels[y, x] for k in near)
        assert classes[y, x] == expected
    assert classes.dtype == np.uint8


@pytest.mark.parametrize("seed", range(6))
def test_a_border_of_one_pixel_is_that_of_scikit_image(seed):
    labels = random_labels(seed)
    expected = segmentation.find_boundaries(labels, connectivity=1, mode="inner")
    assert np.array_equal(instances.border_classes(labels) == 2, expected)


def test_a_border_without_width_is_refused():
    with pytest.raises(ValueError, match="1 pixel"):
        instances.border_classes(np.ones((3, 3), int), 0)


# ---- Cutting apart -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_the_parts_cover_the_mask_and_each_is_one_piece(seed):
    mask = random_labels(seed, 40) > 0
    parts = instances.split_touching(mask)
    assert np.array_equal(parts > 0, mask) and parts.dtype == np.int32
    for number in range(1, parts.max() + 1):
        assert measure.label(parts == number, connectivity=1).max() == 1


def test_touching_discs_are_cut_apart():
    drawn = instances.touching(20, seed=3)
    joined = sum(instances.label(mask[..., 0]).max() for mask in drawn.masks)
    scores = [
        instances.average_precision(truth, instances.split_touching(mask[..., 0]), 0.5)
        for truth, mask in zip(drawn.instances, drawn.masks)
    ]
    assert joined < 60 and np.mean(scores) > 0.97


def test_seeds_too_near_become_one():
    drawn = instances.touching(10, seed=3)
    assert all(instances.split_touching(mask[..., 0], min_distance=60).max() <= 4 for mask in drawn.masks)
    fewer = [instances.split_touching(mask[..., 0], min_distance=30).max() for mask in drawn.masks]
    assert np.mean(fewer) < 4


def test_seeds_grow_to_fill_what_they_are_in():
    inside = np.zeros((9, 20), bool)
    inside[2:7, 1:18] = True
    inside[8, 19] = True
    seeds = np.zeros(inside.shape, int)
    seeds[4, 3], seeds[4, 14] = 5, 9
    grown = instances.watershed(seeds, inside)
    assert set(np.unique(grown)) == {0, 5, 9} and np.array_equal(grown > 0, inside & (np.arange(20) < 19))
    assert grown[4, 1] == 5 and grown[4, 17] == 9


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="same height"):
        instances.watershed(np.zeros((3, 3), int), np.zeros((3, 4), bool))
    with pytest.raises(ValueError, match="two axes"):
        instances.split_touching(np.zeros((3, 3, 1)))


# ---- Touching discs ----------------------------------------------------------------------------------------------------


def test_discs_meet_and_stay_within_the_picture():
    drawn = instances.touching(30, seed=1)
    assert drawn.images.shape == (30, 64, 64, 3) and set(np.unique(drawn.classes)) == {0, 1}
    for labels in drawn.instances:
        assert set(np.unique(labels)) == {0, 1, 2, 3, 4}
        assert not (labels[0].any() or labels[-1].any() or labels[:, 0].any() or labels[:, -1].any())
        for number in range(1, 5):
            nearest = min(
                np.hypot(y - v, x - u)
                for y, x in zip(*np.nonzero(labels == number))
                for v, u in zip(*np.nonzero((labels > 0) & (labels != number)))
            )
            assert nearest < 4


def test_the_same_seed_gives_the_same_discs_and_a_part_is_a_part():
    a, b = instances.touching(6, seed=5), instances.touching([4, 5], seed=5)
    assert np.array_equal(a.images[4:], b.images)
    other = instances.touching(6, split="test", seed=5)
    assert not np.array_equal(a.instances, other.instances)


def test_a_tally_adds_up_pictures():
    truths, predictions = zip(*PAIRS)
    counts = instances.tally(truths, predictions, 0.4)
    assert counts["objects"] == sum(len(objects(truth)) for truth in truths) == counts["matched"] + counts["missed"]
    assert counts["matched"] + counts["invented"] == sum(len(objects(p)) for p in predictions)
    assert counts["matched"] == sum(len(instances.match(t, p, 0.4).pairs) for t, p in PAIRS)
    both = [instances.merged_and_split(t, p) for t, p in PAIRS]
    assert (counts["merged"], counts["split"]) == tuple(sum(map(len, part)) for part in zip(*both))
