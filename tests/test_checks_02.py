"""The checks of notebook 02: an empty stub waits, a right answer passes, typical mistakes are named."""

import copy

import numpy as np
import pytest

from utils import checks, metrics, pipeline, shapes


def said(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out


def overlap(truth, predicted):
    return np.sum(truth & predicted), np.sum(truth | predicted)


def iou(truth, predicted):
    both, either = overlap(truth, predicted)
    return both / either if either else 1.0


def move(array, turns, mirror):
    array = np.rot90(array, turns)
    return array[:, ::-1] if mirror else array


CHECKS = [
    checks.blind_window, checks.iou, checks.one_hot, checks.split_by_scene, checks.joint_augmentation, checks.ready_mask,
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
def test_an_empty_stub_waits(capsys, check):
    assert said(capsys, check, lambda *args: None) == "… Waiting for your answer.\n"


@pytest.mark.parametrize("check", CHECKS)
def test_code_that_fails_is_reported(capsys, check):
    assert said(capsys, check, lambda *args: 1 / 0).startswith("✗ Your code stopped with ZeroDivisionError")


@pytest.mark.parametrize("answer", [iou, metrics.iou, lambda t, p: float(iou(t == 1, p == 1))])
def test_the_right_iou_passes(capsys, answer):
    assert said(capsys, checks.iou, answer) == "✓ Right.\n"


def nan_for_empty(truth, predicted):
    both, either = overlap(truth, predicted)
    return np.float64(both) / either


def accuracy_for_empty(truth, predicted):
    return 0.0 if truth.sum() + predicted.sum() == 0 else iou(truth, predicted)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda t, p: np.mean(t == p), "accuracy"),
        (lambda t, p: metrics.dice(t, p), "Dice"),
        (lambda t, p: overlap(t, p)[0] / (t.sum() + p.sum()), "twice"),
        (lambda t, p: overlap(t, p)[0] / t.sum(), "truth's area"),
        (lambda t, p: overlap(t, p)[0] / p.sum(), "mask's area"),
        (lambda t, p: overlap(t, p)[0], "number of pixels"),
        (lambda t, p: overlap(t, p)[1] / overlap(t, p)[0], "turn the fraction over"),
        (lambda t, p: 1 - iou(t, p), "one minus"),
        (lambda t, p: 0.9, "0.273"),
        (lambda t, p: 6 / 22, "must score 1"),
        (nan_for_empty, "both empty"),
        (accuracy_for_empty, "both empty"),
        (lambda t, p: t["mask"], "IndexError"),
        (lambda t: 1.0, "TypeError"),
    ],
)
def test_every_mistake_in_the_iou_gets_its_own_message(capsys, wrong, word):
    with np.errstate(all="ignore"):
        text = said(capsys, checks.iou, wrong)
    assert text.startswith("✗") and word in text


def test_the_right_augmentation_passes(capsys):
    assert said(capsys, checks.joint_augmentation, lambda i, m, t, f: (move(i, t, f), move(m, t, f))) == "✓ Right.\n"
    assert said(capsys, checks.joint_augmentation, lambda i, m, t, f: [move(i, t, f), move(m, t, f)]) == "✓ Right.\n"


def both(function):
    return lambda i, m, turns, mirror: (function(i, turns, mirror), function(m, turns, mirror))


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda i, m, t, f: (move(i, t, f), m), "mask stays where it was"),
        (lambda i, m, t, f: (i, move(m, t, f)), "image stays where it was"),
        (lambda i, m, t, f: (move(i, t, f), np.rot90(m, t)), "mask"),
        (lambda i, m, t, f: (move(i, t, f), move(m, -t, f)), "move differently"),
        (both(lambda a, t, f: np.rot90(a, t)[::-1] if f else np.rot90(a, t)), "top and bottom"),
        (both(lambda a, t, f: move(a, -t, f)), "clockwise"),
        (both(lambda a, t, f: np.rot90(a[:, ::-1] if f else a, t)), "mirrored before turning"),
        (both(lambda a, t, f: move(a, t, f) * 1.0), "dtypes changed"),
        (lambda i, m, t, f: (move(i, t, f).astype(float), move(m, t, f)), "to float64 and uint8"),
        (both(lambda a, t, f: move(a, t, f)[..., 0]), "shapes must stay"),
        (lambda i, m, t, f: move(i, t, f), "two things"),
        (both(lambda a, t, f: np.rot90(a, t)), "mirror=True"),
        (lambda i, m, t, f: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_every_mistake_in_the_augmentation_gets_its_own_message(capsys, wrong, word):
    text = said(capsys, checks.joint_augmentation, wrong)
    assert text.startswith("✗") and word in text


def test_the_reader_cannot_damage_the_check(capsys):
    def in_place(image, mask, turns, mirror):
        image[:], mask[:] = move(image, turns, mirror).copy(), move(mask, turns, mirror).copy()
        return image, mask

    assert said(capsys, checks.joint_augmentation, in_place) == "✓ Right.\n"


# ---- A scene that hides its middle -------------------------------------------------------------------------------------


def scene(kind="square", shift=0.0, count=1, **numbers):
    plan = shapes.plan(list(range(8, 8 + count)), seed=2)
    plan.present[:] = [True, False, False, False]
    numbers = {"outlined": True, "radius": 0.62, "angle": 0.0, "x": 0.5 + shift, "y": 0.5} | numbers
    plan.kind[:, 0] = shapes.KINDS.index(kind)
    for name, value in numbers.items():
        getattr(plan, name)[:, 0] = value
    return plan


def two_shapes():
    plan = scene()
    plan.present[0, 1], plan.outlined[0, 1], plan.radius[0, 1], plan.x[0, 1], plan.y[0, 1] = (
        True,
        False,
        0.1,
        0.02,
        0.02,
    )
    return plan


@pytest.mark.parametrize(
    "answer", [scene, lambda: scene("disc", radius=0.6), lambda: scene(shift=0.01), two_shapes, scene()]
)
def test_many_scenes_pass(capsys, answer):
    assert said(capsys, checks.blind_window, answer) == "✓ Right.\n"


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda: shapes.paint(scene()), "painted picture"),
        (lambda: 45, "an int|a int"),
        (lambda: scene(count=2), "2 pictures"),
        (lambda: scene(present=False), "no shape"),
        (lambda: scene("ring", radius=0.48), "hole of a ring"),
        (lambda: scene(shift=0.9), "is ground in your mask"),
        (lambda: scene(outlined=False), "filled"),
        (lambda: scene("disc", radius=2.0), "Nothing of the outline"),
        (lambda: scene("square", shift=0.42), "The line itself"),
        (lambda: scene("disc", radius=0.34), "up to 25 x 25"),
        (lambda: scene(angle=0.3), "up to 39 x 39"),
    ],
)
def test_every_mistake_in_the_scene_gets_its_own_message(capsys, wrong, word):
    text = said(capsys, checks.blind_window, wrong)
    assert text.startswith("✗") and any(part in text for part in word.split("|")), text


# ---- One channel per class ---------------------------------------------------------------------------------------------


def one_hot(classes, count):
    return (classes[..., None] == np.arange(count)).astype("float32")


@pytest.mark.parametrize(
    "answer",
    [one_hot, lambda c, n: np.eye(n)[c], lambda c, n: np.eye(n, dtype=int)[c], lambda c, n: np.eye(n, dtype=bool)[c]],
)
def test_the_right_one_hot_passes(capsys, answer):
    assert said(capsys, checks.one_hot, answer) == "✓ Right.\n"


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda c, n: c / c.max(), "divided the ids"),
        (lambda c, n: (c / (n - 1))[..., None], "divided the ids"),
        (lambda c, n: c, "one value a pixel"),
        (lambda c, n: (c > 0)[..., None], "one value a pixel"),
        (lambda c, n: np.moveaxis(one_hot(c, n), -1, 0), "channels come first"),
        (lambda c, n: one_hot(c, n)[..., 1:], "ground has no channel"),
        (lambda c, n: c[..., None] == np.unique(c), "this one map only"),
        (lambda c, n: one_hot(c, n).reshape(-1, n), "(12, 6)"),
        (lambda c, n: one_hot(c, n) * np.arange(n), "number k"),
        (lambda c, n: 1 - one_hot(c, n), "turned over"),
        (lambda c, n: 255 * one_hot(c, n), "0 and 255"),
        (lambda c, n: one_hot(c, n + 1)[..., 1:], "next class"),
        (lambda c, n: 0 * one_hot(c, n), "A pixel of class 0 holds 0, 0, 0, 0, 0, 0"),
    ],
)
def test_every_mistake_in_the_one_hot_gets_its_own_message(capsys, wrong, word):
    text = said(capsys, checks.one_hot, wrong)
    assert text.startswith("✗") and word in text, text


# ---- Split by scene ----------------------------------------------------------------------------------------------------


def split(scene_of, share=4, seed=0):
    scenes = np.random.default_rng(seed).permutation(np.unique(scene_of))
    is_test = np.isin(scene_of, scenes[: len(scenes) // share])
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def at_random(scene_of):
    order = np.random.default_rng(0).permutation(len(scene_of))
    return order[len(order) // 4 :], order[: len(order) // 4]


def by_number(scene_of):
    return np.flatnonzero(scene_of >= 3), np.flatnonzero(scene_of < 3)


def whole_scenes(scene_of):
    scenes = np.unique(scene_of)
    return scenes[3:], scenes[:3]


@pytest.mark.parametrize("answer", [split, lambda s: split(s, seed=3), lambda s: [part.tolist() for part in split(s)]])
def test_the_right_split_passes(capsys, answer):
    assert said(capsys, checks.split_by_scene, answer) == "✓ Right.\n"


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (at_random, "scenes have pictures in both parts"),
        (by_number, "One of the parts is empty"),
        (whole_scenes, "numbers of scenes"),
        (lambda s: split(s)[::-1], "swapped"),
        (lambda s: split(s, share=2), "a quarter is 3"),
        (lambda s: split(s)[0], "two things"),
        (lambda s: (~np.isin(s, [1, 2, 3]), np.isin(s, [1, 2, 3])), "np.flatnonzero"),
        (lambda s: (np.arange(len(s)), split(s)[1]), "pictures are in both parts"),
        (lambda s: (split(s)[0][1:], split(s)[1]), "pictures once"),
        (lambda s: (np.repeat(split(s)[0], 2), split(s)[1]), "pictures once"),
        (lambda s: (np.arange(len(s)), []), "One of the parts is empty"),
    ],
)
def test_every_mistake_in_the_split_gets_its_own_message(capsys, wrong, word):
    text = said(capsys, checks.split_by_scene, wrong)
    assert text.startswith("✗") and word in text, text


# ---- A mask ready for training -----------------------------------------------------------------------------------------


def ready(loaded):
    return (loaded >= 128).astype("uint8")[..., None]


@pytest.mark.parametrize(
    "answer",
    [ready, lambda m: np.rint(m / 255)[..., None].astype("float32"), lambda m: (m > 127)[..., None]],
)
def test_the_right_mask_passes_and_is_what_training_takes(capsys, answer):
    assert said(capsys, checks.ready_mask, answer) == "✓ Right.\n"
    loaded = np.array([[0, 127], [128, 255]], np.uint8)
    pipeline.check_arrays(np.zeros((1, 2, 2, 3), np.float32), answer(loaded)[None])


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda m: (m >= 128).astype("uint8"), "channel axis is missing"),
        (lambda m: ready(m)[None, ..., 0], "the shape is (1, 5, 4)"),
        (lambda m: m[..., None], "values up to 255"),
        (lambda m: (m / 255)[..., None].astype("float32"), "in-between values are left"),
        (lambda m: (m / m.max())[..., None], "NaN"),
        (lambda m: (m / max(m.max(), 1) if m.max() < 255 else ready(m)[..., 0])[..., None], "own largest value, 200"),
        (lambda m: (m > 0).astype("uint8")[..., None], "Cut at 128"),
        (lambda m: (m // 255)[..., None], "only 255"),
        (lambda m: (m > m.max() / 2).astype("uint8")[..., None], "half of its own largest"),
        (lambda m: 1 - ready(m), "swapped"),
        (lambda m: (m > 128).astype("uint8")[..., None], "From 128 on"),
        (lambda m: (m >= 128).astype(int)[..., None], "dtype is int64"),
        (lambda m: np.round(m / 255)[..., None], "dtype is float64"),
    ],
)
def test_every_mistake_in_the_mask_gets_its_own_message(capsys, wrong, word):
    text = said(capsys, checks.ready_mask, wrong)
    assert text.startswith("✗") and word in text, text


def test_the_checks_give_away_copies(capsys):
    def in_place(loaded):
        loaded[:] = loaded >= 128
        return copy.copy(loaded)[..., None]

    assert said(capsys, checks.ready_mask, in_place) == "✓ Right.\n"


def test_a_smoothed_iou_passes_and_picture_numbers_as_floats_are_named(capsys):
    def smoothed(truth, mask):
        return (np.sum(truth * mask) + 1e-7) / (np.sum(truth | mask) + 1e-7)

    checks.iou(smoothed)
    assert capsys.readouterr().out.startswith("✓")
    checks.split_by_scene(lambda scene_of: (np.arange(3.0), np.arange(3.0, 6)))
    assert "whole numbers" in capsys.readouterr().out
