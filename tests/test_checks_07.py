"""The checks of notebook 07: an empty stub waits, a right answer passes, each typical mistake gets its own hint."""

import numpy as np
import pytest

from utils import checks


def softmax(z, axis=-1):
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def chosen(t, p):
    return np.take_along_axis(p, t[..., None], axis=-1)[..., 0]


def loss(t, p):
    return -np.log(chosen(t, p))


def binary(t, p):
    hot = np.eye(4)[t]
    return -(hot * np.log(p) + (1 - hot) * np.log(1 - p)).sum(-1).mean()


def confusion(truth, predicted, count):
    table = np.zeros((count, count), int)
    np.add.at(table, (truth.ravel(), predicted.ravel()), 1)
    return table


def assigned(truth, predicted, count):
    table = np.zeros((count, count), int)
    table[truth, predicted] += 1
    return table


def of_table(formula):
    """An answer that divides the diagonal by something, NaN where that is 0."""

    def answer(table):
        with np.errstate(all="ignore"):
            return formula(np.diag(table), table.sum(1), table.sum(0), table.sum())

    return answer


def weigh(labels, count):
    pixels = np.bincount(labels.ravel(), minlength=count)
    return np.where(pixels > 0, labels.size / (np.count_nonzero(pixels) * np.maximum(pixels, 1)), 0)


exponent, categorical, table, ratio, weights = (
    checks.softmax, checks.categorical, checks.confusion_table, checks.iou_from_table, checks.weights_of_classes
)  # fmt: skip
ious = of_table(lambda both, rows, columns, n: both / (rows + columns - both))

CASES = [
    *((check, lambda *args: None, "Waiting") for check in (exponent, categorical, table, ratio, weights)),
    *(
        (check, lambda *args: 1 / 0, "stopped with ZeroDivisionError")
        for check in (exponent, categorical, table, ratio, weights)
    ),
    (exponent, softmax, "Right."),
    (categorical, lambda t, p: loss(t, p).mean(), "Right."),
    (table, confusion, "Right."),
    (ratio, ious, "Right."),
    (weights, lambda t, n: weigh(t, n).tolist(), "Right."),
    (exponent, np.exp, "exponentials. Divide"),
    (exponent, lambda z: np.exp(z) / np.exp(z).sum(), "whole array"),
    (exponent, lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True), "overflow"),
    (exponent, lambda z: 1 / (1 + np.exp(-z)), "sigmoid"),
    (exponent, lambda z: z / z.sum(-1, keepdims=True), "logits themselves"),
    (exponent, lambda z: np.log(softmax(z)), "logarithm"),
    (exponent, lambda z: np.exp(z) / np.exp(z).sum(0), "axis 0"),
    (exponent, lambda z: np.exp(z) / np.exp(z).sum(1, keepdims=True), "axis 1"),
    (exponent, lambda z: softmax(z)[..., 0], "The shape is (3, 4)"),
    (exponent, lambda z: softmax(2 * z), "out of the sum"),
    (categorical, lambda t, p: -loss(t, p).mean(), "sign"),
    (categorical, lambda t, p: loss(t, p).sum(), "sum over the pixels"),
    (categorical, loss, "right loss of each pixel"),
    (categorical, lambda t, p: loss(t, p)[:2], "Return one number"),
    (categorical, lambda t, p: loss(t, p).mean() / 4, "all channels"),
    (categorical, lambda t, p: -np.log(p.max(-1)).mean(), "largest"),
    (categorical, lambda t, p: loss(t, p).mean() / np.log(2), "base 2"),
    (categorical, lambda t, p: -np.log(chosen(t, p).mean()), "mean first"),
    (categorical, lambda t, p: (1 - chosen(t, p)).mean(), "1 - p"),
    (categorical, lambda t, p: -np.log(p).sum(-1).mean(), "all classes"),
    (categorical, binary, "binary"),
    (categorical, lambda t, p: 0.0, "You return 0; it should be"),
    (table, lambda t, p, n: confusion(t, p, n).T, "swapped"),
    (table, lambda t, p, n: confusion(t, p, 3), "those classes that occur"),
    (table, lambda t, p, n: confusion(t, p, n)[1:, 1:], "background is missing"),
    (table, lambda t, p, n: confusion(t, p, n) / t.size, "shares"),
    (table, lambda t, p, n: confusion(t, p, n) / np.maximum(confusion(t, p, n).sum(1, keepdims=True), 1), "shares"),
    (table, assigned, "np.add.at"),
    (table, lambda t, p, n: np.diag(np.diag(confusion(t, p, n))), "beside the diagonal"),
    (table, lambda t, p, n: np.zeros((n, n)), "values are wrong"),
    (table, lambda t, p, n: np.zeros(n), "The shape is (5,)"),
    (ratio, of_table(lambda both, rows, columns, n: both / rows), "recall"),
    (ratio, of_table(lambda both, rows, columns, n: both / columns), "precision"),
    (ratio, of_table(lambda both, rows, columns, n: 2 * both / (rows + columns)), "Dice"),
    (ratio, of_table(lambda both, rows, columns, n: both / (rows + columns)), "twice"),
    (ratio, of_table(lambda both, rows, columns, n: both / n), "all pixels"),
    (ratio, lambda t: np.nan_to_num(ious(t)), "return NaN"),
    (ratio, lambda t: np.nanmean(ious(t)), "one for each class"),
    (ratio, lambda t: ious(t)[1:], "The shape is (3,)"),
    (ratio, lambda t: np.zeros(4), "values are wrong"),
    (weights, lambda t, n: np.bincount(t.ravel(), minlength=n) / t.size, "how frequent"),
    (weights, lambda t, n: np.array([1.0, 1.0, np.inf, 1.0]), "infinite"),
    (weights, lambda t, n: weigh(t, n) * 3 / 4, "divided by count"),
    (weights, lambda t, n: weigh(t, n) * 7, "mean weight of a pixel is 7"),
    (weights, lambda t, n: weigh(t, n) + (np.arange(n) == 2), "its weight is 0"),
    (weights, lambda t, n: np.sqrt(weigh(t, n)), "totals"),
    (weights, lambda t, n: weigh(t, n)[:3], "There are 4 classes"),
    (weights, lambda t, n: weigh(t, n)[t], "one a class"),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # a softmax that overflows
@pytest.mark.parametrize(("check", "answer", "words"), CASES)
def test_what_is_said_about_an_answer(capsys, check, answer, words):
    check(answer)
    out = capsys.readouterr().out
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words in out, out
