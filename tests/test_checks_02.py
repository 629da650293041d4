"""The checks of notebook 02: an empty stub waits, a right answer passes, typical mistakes are named."""

import numpy as np
import pytest

from utils import checks, metrics


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


@pytest.mark.parametrize("check", [checks.iou, checks.joint_augmentation])
def test_an_empty_stub_waits(capsys, check):
    assert said(capsys, check, lambda *args: None).startswith("…")


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
