"""The checks of notebook 07: an empty stub waits, a right answer passes, typical mistakes are named."""

import numpy as np
import pytest

from utils import checks, classes

CHECKS = (
    checks.softmax,
    checks.categorical,
    checks.confusion_table,
    checks.iou_from_table,
    checks.weights_of_classes,
)


def said(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out


@pytest.mark.parametrize("check", CHECKS)
def test_an_empty_stub_waits(capsys, check):
    assert said(capsys, check, lambda *args: None).startswith("…")


@pytest.mark.parametrize("check", CHECKS)
def test_an_error_is_told(capsys, check):
    assert "ZeroDivisionError" in said(capsys, check, lambda *args: 1 / 0)


def table_by_loop(truth, predicted, count):
    table = np.zeros((count, count), int)
    np.add.at(table, (truth.ravel(), predicted.ravel()), 1)
    return table


def assigned(truth, predicted, count):
    table = np.zeros((count, count), int)
    table[truth, predicted] += 1
    return table


def table_iou(table):
    both = np.diag(table)
    union = table.sum(0) + table.sum(1) - both
    return np.divide(both, union, out=np.full(len(table), np.nan), where=union > 0)


def of_table(formula):
    """An answer that divides the diagonal by something, NaN where that is 0."""

    def answer(table):
        with np.errstate(all="ignore"):
            return formula(np.diag(table), table.sum(1), table.sum(0), table.sum())

    return answer


def pixels(labels, count):
    return np.bincount(labels.ravel(), minlength=count)


def weigh(labels, count):
    n = pixels(labels, count)
    return np.where(n > 0, labels.size / (np.count_nonzero(n) * np.maximum(n, 1)), 0)


def exp(z):
    return np.exp(z)


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (checks.softmax, classes.softmax),
        (checks.categorical, lambda t, p: classes.cross_entropy(t, p).mean()),
        (checks.categorical, lambda t, p: -(np.eye(4)[t] * np.log(p)).sum(-1).mean()),
        (checks.confusion_table, table_by_loop),
        (checks.confusion_table, classes.confusion),
        (checks.iou_from_table, table_iou),
        (checks.iou_from_table, of_table(lambda b, r, c, n: b / (r + c - b))),
        (checks.weights_of_classes, weigh),
        (checks.weights_of_classes, lambda t, n: list(classes.class_weights(t, n))),
    ],
)
def test_right_answers_pass(capsys, check, answer):
    assert said(capsys, check, answer).startswith("✓")


@pytest.mark.parametrize(
    ("check", "wrong", "word"),
    [
        (checks.softmax, lambda z: exp(z), "exponentials. Divide"),
        (checks.softmax, lambda z: exp(z) / exp(z).sum(), "whole array"),
        (checks.softmax, lambda z: exp(z) / exp(z).sum(-1, keepdims=True), "overflow"),
        (checks.softmax, lambda z: 1 / (1 + exp(-z)), "sigmoid"),
        (checks.softmax, lambda z: z / z.sum(-1, keepdims=True), "logits themselves"),
        (checks.softmax, lambda z: np.log(classes.softmax(z)), "logarithm"),
        (checks.softmax, lambda z: exp(z) / exp(z).sum(0), "axis 0"),
        (checks.softmax, lambda z: classes.softmax(z)[..., 0], "shape"),
        (checks.softmax, lambda z: classes.softmax(2 * z), "shares are others"),
        (checks.softmax, lambda z: z * 0 + 1, "add up to 5.00"),
        (checks.categorical, lambda t, p: -classes.cross_entropy(t, p).mean(), "sign"),
        (checks.categorical, lambda t, p: classes.cross_entropy(t, p).sum(), "sum over the pixels"),
        (checks.categorical, lambda t, p: classes.cross_entropy(t, p), "right loss of each pixel"),
        (checks.categorical, lambda t, p: classes.cross_entropy(t, p)[:2], "shape"),
        (checks.categorical, lambda t, p: -(np.eye(4)[t] * np.log(p)).mean(), "all channels"),
        (checks.categorical, lambda t, p: -np.log(p.max(-1)).mean(), "largest"),
        (checks.categorical, lambda t, p: -np.log2(np.exp(-classes.cross_entropy(t, p))).mean(), "base 2"),
        (checks.categorical, lambda t, p: -np.log(np.exp(-classes.cross_entropy(t, p)).mean()), "mean first"),
        (checks.categorical, lambda t, p: (1 - np.exp(-classes.cross_entropy(t, p))).mean(), "1 - p"),
        (checks.categorical, lambda t, p: -np.log(p).sum(-1).mean(), "all classes"),
        (
            checks.categorical,
            lambda t, p: -(np.eye(4)[t] * np.log(p) + (1 - np.eye(4)[t]) * np.log(1 - p)).sum(-1).mean(),
            "binary",
        ),
        (checks.categorical, lambda t, p: 0.0, "expected"),
        (checks.confusion_table, lambda t, p, n: table_by_loop(t, p, n).T, "swapped"),
        (checks.confusion_table, lambda t, p, n: table_by_loop(t, p, 3), "those classes that occur"),
        (checks.confusion_table, lambda t, p, n: table_by_loop(t, p, n)[1:, 1:], "ground is missing"),
        (checks.confusion_table, lambda t, p, n: table_by_loop(t, p, n) / t.size, "shares"),
        (checks.confusion_table, assigned, "np.add.at"),
        (checks.confusion_table, lambda t, p, n: np.diag(np.diag(table_by_loop(t, p, n))), "beside the diagonal"),
        (checks.confusion_table, lambda t, p, n: np.zeros((n, n)), "counts 0 pixels"),
        (checks.confusion_table, lambda t, p, n: np.zeros(n), "shape"),
        (checks.iou_from_table, of_table(lambda b, r, c, n: b / r), "recall"),
        (checks.iou_from_table, of_table(lambda b, r, c, n: b / c), "precision"),
        (checks.iou_from_table, of_table(lambda b, r, c, n: 2 * b / (r + c)), "Dice"),
        (checks.iou_from_table, of_table(lambda b, r, c, n: b / (r + c)), "twice"),
        (checks.iou_from_table, of_table(lambda b, r, c, n: b / n), "all pixels"),
        (checks.iou_from_table, lambda t: np.nan_to_num(table_iou(t)), "return NaN"),
        (checks.iou_from_table, lambda t: np.nanmean(table_iou(t)), "one for each class"),
        (checks.iou_from_table, lambda t: table_iou(t)[1:], "4 values"),
        (checks.iou_from_table, lambda t: np.zeros(4), "expected"),
        (checks.weights_of_classes, lambda t, n: pixels(t, n) / t.size, "how frequent"),
        (checks.weights_of_classes, lambda t, n: np.array([1.0, 1.0, np.inf, 1.0]), "infinite"),
        (checks.weights_of_classes, lambda t, n: weigh(t, n) * 3 / 4, "divided by count"),
        (checks.weights_of_classes, lambda t, n: weigh(t, n) * 7, "mean weight"),
        (checks.weights_of_classes, lambda t, n: weigh(t, n) + (np.arange(n) == 2), "its weight is 0"),
        (checks.weights_of_classes, lambda t, n: np.sqrt(weigh(t, n)), "totals"),
        (checks.weights_of_classes, lambda t, n: weigh(t, n)[:3], "shape"),
        (checks.weights_of_classes, lambda t, n: classes.pixel_weights(t, weigh(t, n)), "one a class"),
    ],
)
def test_wrong_answers_are_recognised(capsys, check, wrong, word):
    text = said(capsys, check, wrong)
    assert text.startswith("✗") and word in text, text
