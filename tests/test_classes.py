"""Labels and scores for several classes, held against loops, scikit-image and Keras, on random inputs."""

import dataclasses
import itertools

import keras
import numpy as np
import pytest

from utils import classes, metrics, project, shapes, training, unet, weights

RANDOM = range(20)


def case(seed, images=3, side=6):
    """Random truth, prediction and number of classes; the last class may be missing."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 6))
    top = int(rng.integers(1, count + 1))
    truth, predicted = (rng.integers(0, top, (images, side, side)).astype(np.uint8) for _ in range(2))
    return truth, predicted, count


def random_probability(shape, count, seed):
    return classes.softmax(np.random.default_rng(seed).normal(0, 2, (*shape, count)))


# ---- Labels ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", RANDOM)
def test_one_hot_is_one_in_the_channel_of_the_class(seed):
    truth, _, count = case(seed)
    hot = classes.one_hot(truth, count)
    assert hot.shape == (*truth.shape, count) and hot.dtype == np.float32
    for place in np.ndindex(truth.shape):
        assert hot[place].tolist() == [float(k == truth[place]) for k in range(count)]


@pytest.mark.parametrize("seed", RANDOM)
def test_softmax_and_cross_entropy_are_those_of_keras(seed):
    truth, _, count = case(seed)
    logits = np.random.default_rng(seed).normal(0, 3, (*truth.shape, count))
    probability = classes.softmax(logits)
    assert np.allclose(probability, keras.ops.softmax(logits), atol=1e-6)
    loss = classes.cross_entropy(truth, probability)
    sparse = keras.losses.sparse_categorical_crossentropy(truth, probability.astype(np.float32))
    dense = keras.losses.categorical_crossentropy(classes.one_hot(truth, count), probability.astype(np.float32))
    assert loss.shape == truth.shape
    assert np.allclose(loss, sparse, atol=1e-4) and np.allclose(loss, dense, atol=1e-4)


def test_softmax_does_not_overflow():
    assert np.allclose(classes.softmax([1000.0, 1000.0, 0.0]), [0.5, 0.5, 0])


@pytest.mark.parametrize("seed", RANDOM)
def test_two_classes_are_a_sigmoid_of_the_difference(seed):
    logits = np.random.default_rng(seed).normal(0, 3, (50, 2))
    assert np.allclose(classes.softmax(logits)[:, 1], 1 / (1 + np.exp(logits[:, 0] - logits[:, 1])))


def test_a_probability_of_zero_costs_what_keras_says():
    assert classes.cross_entropy(np.array([0]), [[0.0, 1.0]])[0] == pytest.approx(-np.log(1e-7))


@pytest.mark.parametrize("seed", RANDOM)
def test_class_weights_give_every_class_the_same_total(seed):
    truth, _, count = case(seed)
    weights = classes.class_weights(truth, count)
    everywhere = classes.pixel_weights(truth[..., None], weights)
    assert everywhere.shape == (*truth.shape, 1) and everywhere.dtype == np.float32
    totals = [everywhere[truth[..., None] == k].sum() for k in range(count) if (truth == k).any()]
    assert np.allclose(totals, truth.size / len(totals))
    assert everywhere.mean() == pytest.approx(1)
    assert all(weights[k] == 0 for k in range(count) if not (truth == k).any())


# ---- Scores ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", RANDOM)
def test_confusion_counts_pairs(seed):
    truth, predicted, count = case(seed)
    table = np.zeros((count, count), int)
    for place in np.ndindex(truth.shape):
        table[truth[place], predicted[place]] += 1
    assert np.array_equal(classes.confusion(truth, predicted, count), table)


@pytest.mark.parametrize("seed", RANDOM)
def test_pooled_scores_are_those_of_each_class_as_a_mask(seed):
    truth, predicted, count = case(seed)
    iou, dice = (score(truth, predicted, count) for score in (classes.class_iou, classes.class_dice))
    for k in range(count):
        masks = truth == k, predicted == k
        if not (masks[0] | masks[1]).any():
            assert np.isnan(iou[k]) and np.isnan(dice[k])
            continue
        assert iou[k] == pytest.approx(metrics.iou(*masks)) and dice[k] == pytest.approx(metrics.dice(*masks))
        assert dice[k] == pytest.approx(2 * iou[k] / (1 + iou[k]))


@pytest.mark.parametrize("seed", RANDOM)
def test_scores_per_image_are_the_pooled_scores_of_single_images(seed):
    truth, predicted, count = case(seed, side=3)
    for score in (classes.class_iou, classes.class_dice):
        rows = score(truth, predicted, count, per_image=True)
        assert rows.shape == (len(truth), count)
        for k in range(len(truth)):
            assert np.array_equal(rows[k], score(truth[k : k + 1], predicted[k : k + 1], count), equal_nan=True)


@pytest.mark.parametrize("seed", RANDOM)
def test_the_adapted_rand_table_of_scikit_image_is_ours(seed):
    comparison = pytest.importorskip("skimage.metrics")
    truth, predicted, count = case(seed)
    table = comparison.contingency_table(truth, predicted).toarray()
    ours = classes.confusion(truth, predicted, count)
    assert np.array_equal(ours[: table.shape[0], : table.shape[1]], table.astype(int))
    assert ours.sum() == table.sum() == truth.size


@pytest.mark.parametrize(("seed", "ground"), list(itertools.product(RANDOM, (False, True))))
def test_mean_iou_by_a_loop(seed, ground):
    truth, predicted, count = case(seed, side=3)

    def of(t, p):
        values = []
        for k in range(0 if ground else 1, count):
            both, either = np.sum((t == k) & (p == k)), np.sum((t == k) | (p == k))
            if either:
                values.append(both / either)
        return np.mean(values) if values else None

    pooled = of(truth, predicted)
    each = [value for value in map(of, truth, predicted) if value is not None]
    for expected, per_image in ((pooled, False), (np.mean(each) if each else None, True)):
        found = classes.mean_iou(truth, predicted, count, ground=ground, per_image=per_image)
        assert np.isnan(found) if expected is None else found == pytest.approx(expected)


def test_an_image_without_shapes_does_not_count():
    truth = np.zeros((2, 2, 2), np.uint8)
    truth[0, 0] = 1
    assert classes.mean_iou(truth, truth * 0, 3, per_image=True) == 0
    assert np.isnan(classes.mean_iou(truth * 0, truth * 0, 3, per_image=True))
    assert classes.mean_iou(truth * 0, truth * 0, 3, ground=True) == 1


@pytest.mark.parametrize("seed", RANDOM)
def test_soft_iou_of_a_certain_prediction_is_iou(seed):
    truth, predicted, count = case(seed)
    sure = classes.one_hot(predicted, count)
    assert np.allclose(classes.soft_iou(truth, sure), classes.class_iou(truth, predicted, count), equal_nan=True)


@pytest.mark.parametrize("seed", RANDOM)
def test_soft_iou_by_a_loop(seed):
    truth, _, count = case(seed)
    probability = random_probability(truth.shape, count, seed)
    for k, value in enumerate(classes.soft_iou(truth, probability)):
        both = either = 0.0
        for place in np.ndindex(truth.shape):
            t, p = float(truth[place] == k), probability[place][k]
            both, either = both + t * p, either + t + p - t * p
        assert value == pytest.approx(both / either)


def test_the_class_is_the_largest_and_the_first_of_equals():
    assert classes.class_of(np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]])).tolist() == [1, 0]


def test_the_score_to_follow_is_the_pooled_mean_iou_of_shapes():
    truth, _, count = case(3)
    probability = random_probability(truth.shape, count, 3)
    found = classes.shape_score(truth[..., None], probability)
    assert found == pytest.approx(classes.mean_iou(truth, probability.argmax(-1), count))


# ---- Pictures ----------------------------------------------------------------------------------------------------------


def test_pictures_are_filled_and_of_three_kinds_and_the_same_in_parts():
    drawn = classes.draw(70, split="test", seed=5)
    assert set(np.unique(drawn.classes)) == {0, 1, 2, 3} and drawn.styles.max() == 1
    assert np.array_equal(classes.draw([69, 3], split="test", seed=5).images, drawn.images[[69, 3]])
    outlined = classes.draw(20, outlined=True, overlaps=True, kinds=shapes.KINDS)
    assert outlined.styles.max() == 2 and outlined.classes.max() > 3


def test_smaller_shapes_stay_inside_as_the_large_ones_did():
    large, small = classes.plan(100, scale=1), classes.plan(100, scale=0.5)
    assert np.allclose(small.radius, large.radius / 2)
    for name in ("x", "y"):
        for plan in (large, small):
            place = getattr(plan, name)
            assert (place >= 0.85 * plan.radius - 1e-5).all() and (place <= 1 - 0.85 * plan.radius + 1e-5).all()
    assert np.allclose(large.x, shapes.plan(100, kinds=classes.KINDS).x, atol=1e-6)
    assert np.corrcoef(large.x.ravel(), small.x.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("level", ["standard", "hard"])
def test_shapes_stay_apart_unless_asked(level):
    free, apart = (classes.plan(200, level=level, overlaps=overlaps) for overlaps in (True, False))
    assert (apart.present <= free.present).all() and apart.present.any(axis=1).all()
    for k, present in enumerate(apart.present):
        here = np.flatnonzero(present)
        for first, second in itertools.combinations(here, 2):
            distance = np.hypot(apart.x[k, first] - apart.x[k, second], apart.y[k, first] - apart.y[k, second])
            assert distance > apart.radius[k, first] + apart.radius[k, second]
        for slot in np.flatnonzero(free.present[k] & ~present):
            gone = [
                np.hypot(free.x[k, slot] - free.x[k, j], free.y[k, slot] - free.y[k, j])
                <= free.radius[k, slot] + free.radius[k, j]
                for j in here[here < slot]
            ]
            assert any(gone), "a shape was left out for nothing"
    assert (free.present.sum() - apart.present.sum()) > 10 and (apart.present.sum(axis=1) > 1).sum() > 20


def test_the_label_stack_keeps_what_is_covered():
    plan = classes.plan(60, level="hard", overlaps=True)
    top, stack = shapes.paint(plan).classes, classes.label_stack(plan, 4)
    assert stack.shape == (60, 64, 64, 3) and stack.dtype == np.uint8
    assert np.array_equal(stack.any(axis=-1), top > 0)
    for k in (1, 2, 3):
        assert stack[..., k - 1][top == k].all()
    assert (stack.sum(axis=-1) > 1).any()
    single = dataclasses.replace(plan, present=plan.present & (np.arange(4) == 0))
    assert np.array_equal(
        classes.label_stack(single, 4), classes.one_hot(shapes.paint(single).classes, 4)[..., 1:].astype(np.uint8)
    )


def test_copied_layers_give_the_same_features_and_a_new_head():
    source, target = (
        unet.build_unet((16, 16, 3), depth=1, base=4),
        unet.build_unet((16, 16, 3), depth=1, base=4, classes=4),
    )
    assert classes.copy_layers(source, target) == ["head"]
    images = np.random.default_rng(0).random((2, 16, 16, 3), dtype=np.float32)
    features = [
        training.predict(keras.Model(m.input, m.get_layer("dec1_relu2").output), images) for m in (source, target)
    ]
    assert np.array_equal(*features)


# ---- The network that comes with the series ----------------------------------------------------------------------------


def test_the_shipped_network_scores_as_its_card_says():
    card, model = weights.card("unet_classes"), weights.load_shipped("unet_classes")
    assert card["classes"] == list(classes.NAMES) and card["parameters"] == model.count_params()
    test = classes.draw(card["test"]["images"], split="test", seed=card["test"]["seed"])
    predicted = classes.class_of(training.predict(model, test.images))
    found = classes.class_iou(test.classes, predicted, 4)
    assert classes.mean_iou(test.classes, predicted, 4) == pytest.approx(card["test"]["mean IoU"], abs=0.002)
    assert card["test"]["mean IoU"] > 0.85
    for name, value in zip(classes.NAMES[1:], found[1:]):
        assert value == pytest.approx(card["test"][f"IoU {name}"], abs=0.002)
    assert (project.DATA / card["file"]).stat().st_size < 2_200_000


# ---- Complaints --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: classes.one_hot(np.array([0.0, 0.5]), 3), TypeError, "never divide"),
        (lambda: classes.one_hot(np.array([0, 3]), 3), ValueError, "the classes are 0 to 2"),
        (lambda: classes.one_hot(np.array([-1, 1]), 3), ValueError, "run from -1"),
        (lambda: classes.one_hot(np.array([0, 0]), 1), ValueError, "2 classes or more"),
        (lambda: classes.one_hot(np.array([0, 0]), 2.5), TypeError, "whole number"),
        (lambda: classes.confusion(np.zeros((2, 2), int), np.zeros((2, 3), int), 2), ValueError, "must be the same"),
        (lambda: classes.confusion(np.zeros((2, 2), int), np.zeros((2, 2)), 2), TypeError, "predicted have dtype"),
        (lambda: classes.soft_iou(np.zeros((2, 2), int), np.zeros((2, 2, 2)) + 3), ValueError, "softmax first"),
        (lambda: classes.soft_iou(np.zeros((2, 2), int), np.zeros((2, 3))), ValueError, "one axis more"),
        (lambda: classes.cross_entropy(np.array([2]), [[0.5, 0.5]]), ValueError, "0 to 1"),
        (lambda: classes.class_weights(np.zeros((0, 2), int), 2), ValueError, "no labels"),
        (lambda: classes.plan(3, scale=0), ValueError, "above 0"),
        (lambda: classes.plan(3, scale=1.5), ValueError, "at most 1"),
        (lambda: classes.label_stack(classes.plan(9, kinds=("cross",)), 4, 16), ValueError, "0 to 3"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
