"""The checks of notebook 02: an empty stub waits, a right answer passes, each typical mistake gets its own hint."""

import numpy as np
import pytest

from utils import checks, metrics, shapes, validate


def overlap(truth, predicted):
    return np.sum(truth & predicted), np.sum(truth | predicted)


def iou(truth, predicted, empty=1.0):
    both, either = overlap(truth, predicted)
    return both / either if either else empty


def smoothed_iou(truth, predicted):
    both, either = overlap(truth, predicted)
    return (both + 1e-7) / (either + 1e-7)


def move(array, turns, mirror):
    array = np.rot90(array, turns)
    return array[:, ::-1] if mirror else array


def both(function):
    return lambda image, mask, turns, mirror: (function(image, turns, mirror), function(mask, turns, mirror))


def in_place(image, mask, turns, mirror):
    image[:], mask[:] = move(image, turns, mirror).copy(), move(mask, turns, mirror).copy()
    return image, mask


def scene(kind="square", shift=0.0, count=1, **numbers):
    plan = shapes.plan(list(range(8, 8 + count)), seed=2)
    plan.present[:] = [True, False, False, False]
    numbers = {"outlined": True, "radius": 0.62, "angle": 0.0, "x": 0.5 + shift, "y": 0.5} | numbers
    plan.kind[:, 0] = shapes.KINDS.index(kind)
    for name, value in numbers.items():
        getattr(plan, name)[:, 0] = value
    return plan


def one_hot(classes, count):
    return (classes[..., None] == np.arange(count)).astype("float32")


def split(scene_of, share=4, seed=0):
    scenes = np.random.default_rng(seed).permutation(np.unique(scene_of))
    is_test = np.isin(scene_of, scenes[: len(scenes) // share])
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def at_random(scene_of):
    order = np.random.default_rng(0).permutation(len(scene_of))
    return order[len(order) // 4 :], order[: len(order) // 4]


def ready(loaded):
    return (loaded >= 128).astype("uint8")[..., None]


def own_maximum(loaded):
    return (loaded / max(loaded.max(), 1))[..., None]


def uint8(cut):
    return lambda loaded: cut(loaded).astype("uint8")[..., None]


hot, parts, augment, mask, window = (
    checks.one_hot, checks.split_by_scene, checks.joint_augmentation, checks.ready_mask, checks.blind_window
)  # fmt: skip

CASES = [
    *((check, lambda *args: None, "Waiting") for check in (checks.iou, hot, parts, augment, mask, window)),
    *(
        (check, lambda *args: 1 / 0, "stopped with ZeroDivisionError")
        for check in (checks.iou, hot, parts, augment, mask, window)
    ),
    (checks.iou, iou, "Right."),
    (checks.iou, smoothed_iou, "Right."),
    (augment, both(move), "Right."),
    (augment, in_place, "Right."),
    (window, scene, "Right."),
    (window, lambda: scene("disc", radius=0.6), "Right."),
    (window, scene(shift=0.01), "Right."),
    (hot, one_hot, "Right."),
    (hot, lambda c, n: np.eye(n, dtype=bool)[c], "Right."),
    (parts, split, "Right."),
    (parts, lambda s: [part.tolist() for part in split(s, seed=3)], "Right."),
    (mask, ready, "Right."),
    (mask, lambda m: np.rint(m / 255)[..., None].astype("float32"), "Right."),
    (mask, lambda m: (m > 127)[..., None], "Right."),
    (checks.iou, lambda t, p: np.mean(t == p), "accuracy"),
    (checks.iou, metrics.dice, "Dice"),
    (checks.iou, lambda t, p: overlap(t, p)[0] / (t.sum() + p.sum()), "twice"),
    (checks.iou, lambda t, p: overlap(t, p)[0] / t.sum(), "truth's area"),
    (checks.iou, lambda t, p: overlap(t, p)[0] / p.sum(), "mask's area"),
    (checks.iou, lambda t, p: overlap(t, p)[0], "number of pixels"),
    (checks.iou, lambda t, p: overlap(t, p)[1] / overlap(t, p)[0], "turn the fraction over"),
    (checks.iou, lambda t, p: 1 - iou(t, p), "one minus"),
    (checks.iou, lambda t, p: 0.9, "make 0.273, you gave 0.900"),
    (checks.iou, lambda t, p: 6 / 22, "equals the truth must score 1"),
    (checks.iou, lambda t, p: max(iou(t, p), 0.1), "must score 0"),
    (checks.iou, lambda t, p: np.float64(overlap(t, p)[0]) / overlap(t, p)[1], "both empty"),
    (checks.iou, lambda t, p: iou(t, p, empty=0.0), "both empty"),
    (checks.iou, lambda t, p: t, "Return one number. Yours is an array of shape (6, 6, 1)."),
    (checks.iou, lambda t: 1.0, "TypeError"),
    (augment, lambda i, m, t, f: (move(i, t, f), m), "mask stays where it was"),
    (augment, lambda i, m, t, f: (i, move(m, t, f)), "image stays where it was"),
    (augment, lambda i, m, t, f: (move(i, t, f), move(m, -t, f)), "move differently"),
    (augment, both(lambda a, t, f: np.rot90(a, t)[::-1] if f else np.rot90(a, t)), "top and bottom"),
    (augment, both(lambda a, t, f: move(a, -t, f)), "clockwise"),
    (augment, both(lambda a, t, f: np.rot90(a[:, ::-1] if f else a, t)), "mirrored before turning"),
    (
        augment,
        both(lambda a, t, f: move(a, t, f) * 1.0),
        "dtypes changed from float32 and uint8 to float32 and float64",
    ),
    (augment, both(lambda a, t, f: move(a, t, f)[..., 0]), "shapes must stay"),
    (augment, both(lambda a, t, f: np.rot90(a, t)), "mirror=True the image is not where it should be"),
    (augment, lambda i, m, t, f: move(i, t, f), "two things"),
    (window, lambda: shapes.paint(scene()), "painted image"),
    (window, lambda: 45, "returned a int"),
    (window, lambda: scene(count=2), "2 images"),
    (window, lambda: scene(present=False), "no shape"),
    (window, lambda: scene("ring", radius=0.48), "hole of a ring"),
    (window, lambda: scene(shift=0.9), "is background in your mask"),
    (window, lambda: scene(outlined=False), "filled"),
    (window, lambda: scene("disc", radius=2.0), "Nothing of the outline"),
    (window, lambda: scene("square", shift=0.42), "The line itself"),
    (window, lambda: scene("disc", radius=0.34), "up to 25 x 25"),
    (window, lambda: scene(angle=0.3), "up to 39 x 39"),
    (hot, lambda c, n: c / c.max(), "divided the ids"),
    (hot, lambda c, n: (c / (n - 1))[..., None], "divided the ids"),
    (hot, lambda c, n: c, "one value a pixel"),
    (hot, lambda c, n: np.moveaxis(one_hot(c, n), -1, 0), "channels come first"),
    (hot, lambda c, n: one_hot(c, n)[..., 1:], "background has no channel"),
    (hot, lambda c, n: c[..., None] == np.unique(c), "this one map only"),
    (hot, lambda c, n: one_hot(c, n).reshape(-1, n), "The shape is (12, 6); it should be (4, 3, 6)."),
    (hot, lambda c, n: one_hot(c, n) * np.arange(n), "number k"),
    (hot, lambda c, n: 1 - one_hot(c, n), "inverted"),
    (hot, lambda c, n: 255 * one_hot(c, n), "0 and 255"),
    (hot, lambda c, n: one_hot(c, n + 1)[..., 1:], "next class"),
    (hot, lambda c, n: 0 * one_hot(c, n), "12 of 72 values are wrong"),
    (parts, at_random, "scenes have images in both parts"),
    (parts, lambda s: (np.flatnonzero(s >= 3), np.flatnonzero(s < 3)), "One of the parts is empty"),
    (parts, lambda s: (np.unique(s)[3:], np.unique(s)[:3]), "numbers of scenes"),
    (parts, lambda s: split(s)[::-1], "swapped"),
    (parts, lambda s: split(s, share=2), "a quarter is 3"),
    (parts, lambda s: split(s)[0], "two things"),
    (parts, lambda s: (~np.isin(s, [1, 2, 3]), np.isin(s, [1, 2, 3])), "np.flatnonzero"),
    (parts, lambda s: (np.arange(3.0), np.arange(3.0, 6)), "whole numbers"),
    (parts, lambda s: (np.arange(len(s)), split(s)[1]), "images are in both parts"),
    (parts, lambda s: (split(s)[0][1:], split(s)[1]), "images once"),
    (mask, lambda m: ready(m)[..., 0], "channel axis is missing"),
    (mask, lambda m: ready(m)[None, ..., 0], "The shape is (1, 5, 4)"),
    (mask, lambda m: m[..., None], "values up to 255"),
    (mask, lambda m: (m / 255)[..., None], "In-between values are left"),
    (mask, lambda m: (m / m.max())[..., None], "NaN"),
    (mask, own_maximum, "own largest value, 200"),
    (mask, uint8(lambda m: m > 0), "Every value above 0"),
    (mask, uint8(lambda m: m // 255), "Only 255"),
    (mask, uint8(lambda m: m > m.max() / 2), "half of its own largest"),
    (mask, lambda m: 1 - ready(m), "swapped"),
    (mask, uint8(lambda m: m > 128), "From 128 on"),
    (mask, lambda m: ready(m).astype(int), "dtype is int64"),
]


@pytest.mark.parametrize(("check", "answer", "words"), CASES)
def test_what_is_said_about_an_answer(capsys, check, answer, words):
    check(answer)
    out = capsys.readouterr().out
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words in out, out


def test_a_mask_that_passes_is_one_that_training_takes():
    loaded = np.array([[0, 127], [128, 255]], np.uint8)
    assert validate.pair(np.zeros((1, 2, 2, 3), np.float32), ready(loaded)[None])[1].ravel().tolist() == [0, 0, 1, 1]
