"""The checks of notebook 04: an empty stub waits, a right answer passes, typical mistakes are named."""

import numpy as np
import pytest

from utils import checks


def said(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out


def bce(truth, p):
    return -np.mean(truth * np.log(p) + (1 - truth) * np.log(1 - p))


def ious(probability, masks, thresholds):
    cut = [(probability > t) for t in thresholds]
    return np.array([(c & (masks == 1)).sum() / (c | (masks == 1)).sum() for c in cut])


@pytest.mark.parametrize("check", [checks.cross_entropy, checks.best_threshold])
def test_an_empty_stub_waits(capsys, check):
    assert said(capsys, check, lambda *args: None).startswith("…")


def test_the_right_loss_passes(capsys):
    assert said(capsys, checks.cross_entropy, bce).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda t, p: -bce(t, p), "sign"),
        (lambda t, p: bce(t, p) * t.size, "sum"),
        (lambda t, p: -np.mean(t * np.log(p)), "ground"),
        (lambda t, p: bce(t, p) / np.log(10), "base 10"),
        (lambda t, p: -(t * np.log(p) + (1 - t) * np.log(1 - p)), "array"),
        (lambda t, p: 1 / 0, "ZeroDivisionError"),
        (lambda t, p: 0.123, "Expected"),
    ],
)
def test_a_wrong_loss_is_recognised(capsys, wrong, word):
    text = said(capsys, checks.cross_entropy, wrong)
    assert text.startswith("✗") and word in text


def test_the_right_threshold_passes(capsys):
    assert said(capsys, checks.best_threshold, lambda p, m, t: t[np.argmax(ious(p, m, t))]).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda p, m, t: int(np.argmax(ious(p, m, t))), "place"),
        (lambda p, m, t: ious(p, m, t).max(), "IoU itself"),
        (lambda p, m, t: t[np.argmax([np.mean((p > c) == m) for c in t])], "accuracy"),
        (lambda p, m, t: t[np.argmin(ious(p, m, t))], "lowest"),
        (lambda p, m, t: 0.123, "not one of"),
        (lambda p, m, t: ious(p, m, t), "array"),
    ],
)
def test_a_wrong_threshold_is_recognised(capsys, wrong, word):
    text = said(capsys, checks.best_threshold, wrong)
    assert text.startswith("✗") and word in text
