"""The checks of notebook 05: an empty stub waits, a right answer passes, typical mistakes are named."""

import numpy as np
import pytest

from utils import checks


def said(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out


def inside(p, low, high):
    return (p >= low) & (p < high)


def right_bin(t, p, low, high):
    return p[inside(p, low, high)].mean(), t[inside(p, low, high)].mean()


@pytest.mark.parametrize("check", [checks.error_kinds, checks.calibration_bin])
def test_an_empty_stub_waits(capsys, check):
    assert said(capsys, check, lambda *args: None).startswith("…")


def test_a_half_filled_stub_waits(capsys):
    assert said(capsys, checks.error_kinds, lambda t, m: ((t == 1) & (m == 0), None)).startswith("…")


@pytest.mark.parametrize(
    "answer",
    [
        lambda t, m: ((t == 1) & (m == 0), (t == 0) & (m == 1)),
        lambda t, m: (t > m, m > t),
        lambda t, m: [(t & (1 - m)), (m & (1 - t))],
    ],
)
def test_the_right_kinds_of_errors_pass(capsys, answer):
    assert said(capsys, checks.error_kinds, answer).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda t, m: (m > t, t > m), "swapped"),
        (lambda t, m: (t != m, t != m), "all wrong pixels"),
        (lambda t, m: (t - m, m - t), "wraps round"),
        (lambda t, m: (t.astype(int) - m, m.astype(int) - t), "-1"),
        (lambda t, m: t != m, "two arrays"),
        (lambda t, m: ((t > m).sum(), (m > t).sum()), "one value a pixel"),
        (lambda t, m: (t == 1, m == 1), "no error"),
        (lambda t, m: (t * 0, m * 0), "count 0 missed"),
        (lambda t, m: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_wrong_kinds_of_errors_are_recognised(capsys, wrong, word):
    text = said(capsys, checks.error_kinds, wrong)
    assert text.startswith("✗") and word in text


@pytest.mark.parametrize("answer", [right_bin, lambda *a: np.array(right_bin(*a)), lambda *a: list(right_bin(*a))])
def test_the_right_bin_passes(capsys, answer):
    assert said(capsys, checks.calibration_bin, answer).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda t, p, a, b: right_bin(t, p, a, b)[::-1], "swapped"),
        (lambda t, p, a, b: (p[inside(p, a, b)].mean(), t[inside(p, a, b)].sum()), "how many"),
        (lambda t, p, a, b: (p[inside(p, a, b)].mean(), t[inside(p, a, b)].sum() / t.size), "all pixels"),
        (lambda t, p, a, b: (p[inside(p, a, b)].mean(), inside(p, a, b).mean()), "fall into the bin"),
        (lambda t, p, a, b: (p[inside(p, a, b)].mean(), t.mean()), "among all pixels"),
        (lambda t, p, a, b: (p[inside(p, a, b)].mean(), ((p > 0.5) == t)[inside(p, a, b)].mean()), "gets right"),
        (lambda t, p, a, b: ((a + b) / 2, t[inside(p, a, b)].mean()), "middle"),
        (lambda t, p, a, b: (p[(p > a) & (p <= b)].mean(), t[(p > a) & (p <= b)].mean()), "limit"),
        (lambda t, p, a, b: 0.5, "two numbers"),
        (lambda t, p, a, b: (0.111, 0.222), "expected"),
    ],
)
def test_a_wrong_bin_is_recognised(capsys, wrong, word):
    text = said(capsys, checks.calibration_bin, wrong)
    assert text.startswith("✗") and word in text
