"""The checks of notebook 04: an empty stub waits, a right answer passes, typical mistakes are named."""

import dataclasses

import numpy as np
import pytest

from utils import checks, losses, shapes, training


def said(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out


def bce(truth, p):
    return -np.mean(truth * np.log(p) + (1 - truth) * np.log(1 - p))


def ious(probability, masks, thresholds):
    cut = [(probability > t) for t in thresholds]
    return np.array([(c & (masks == 1)).sum() / (c | (masks == 1)).sum() for c in cut])


@pytest.mark.parametrize("check", [checks.cross_entropy, checks.best_threshold, checks.soft_dice])
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
        (lambda p, m, t: t[np.argmax(np.mean([ious(q[None], n[None], t) for q, n in zip(p, m)], axis=0))], "mean over"),
        (lambda p, m, t: ious(p, m, t), "array"),
    ],
)
def test_a_wrong_threshold_is_recognised(capsys, wrong, word):
    text = said(capsys, checks.best_threshold, wrong)
    assert text.startswith("✗") and word in text


# ---- Soft Dice ---------------------------------------------------------------------------------------------------------


def dice(t, p, axis=(1, 2, 3), above=1, below=1, twice=2):
    return 1 - np.mean((twice * np.sum(t * p, axis=axis) + above) / (np.sum(t + p, axis=axis) + below))


def test_the_right_soft_dice_passes(capsys):
    assert said(capsys, checks.soft_dice, dice).startswith("✓")
    assert said(capsys, checks.soft_dice, lambda t, p: np.mean(losses.soft_dice_loss(t, p))).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda t, p: 1 - dice(t, p), "score"),
        (lambda t, p: dice(t, p > 0.5), "slope"),
        (lambda t, p: dice(t, p, axis=None), "all images together"),
        (lambda t, p: dice(t, p, axis=0), "axis 0"),
        (lambda t, p: 1 - np.mean((2 * t * p + 1) / (t + p + 1)), "pixel by pixel"),
        (lambda t, p: 1 - np.mean(means(t, p)), "means over the pixels"),
        (lambda t, p: dice(t, p, twice=1), "counts twice"),
        (lambda t, p: dice(t, p, above=0, below=0), "0 / 0"),
        (lambda t, p: dice(t, p, above=0), "below the line only"),
        (lambda t, p: 1 - np.mean((both(t, p) + 1) / (np.sum(t + p, axis=(1, 2, 3)) - both(t, p) + 1)), "soft IoU"),
        (lambda t, p: 1 - (2 * both(t, p) + 1) / (np.sum(t + p, axis=(1, 2, 3)) + 1), "for each image"),
        (lambda t, p: t * p, "array of shape (2, 4, 4, 1)"),
        (lambda t, p: 0.123, "Expected"),
        (lambda t, p: t @ t, "ValueError"),
    ],
)
def test_a_wrong_soft_dice_is_recognised(capsys, wrong, word):
    text = said(capsys, checks.soft_dice, wrong)
    assert text.startswith("✗") and word in text


def both(t, p):
    return np.sum(t * p, axis=(1, 2, 3))


def means(t, p):
    return (2 * both(t, p) / 16 + 1) / (np.sum(t + p, axis=(1, 2, 3)) / 16 + 1)


# ---- A table of scores -------------------------------------------------------------------------------------------------

RIGHT = {"run 1": "sees too little", "run 2": "shape everywhere", "run 3": "flipped", "run 4": "blank"}


def test_the_table_shows_the_four_failures():
    runs = checks.failed_runs(shapes.draw(40, split="validation"))
    assert list(runs) == list(RIGHT)
    assert runs["run 1"]["filled"] == 1 and 0.3 < runs["run 1"]["outlined"] < 0.8
    assert runs["run 2"]["filled"] == runs["run 2"]["outlined"] == 1 and runs["run 2"]["accuracy"] < 0.5
    assert abs(runs["run 3"]["filled"] - runs["run 3"]["outlined"]) < 0.15 and 0 < runs["run 3"]["iou"] < 0.5
    assert runs["run 4"]["iou"] == 0 and runs["run 4"]["accuracy"] > 0.5


def test_an_empty_table_waits_and_the_right_words_pass(capsys):
    assert said(capsys, checks.failures, None).startswith("…")
    assert said(capsys, checks.failures, RIGHT).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"run 1": "good"}, "two recalls"),
        ({"run 1": "flipped"}, "both styles alike"),
        ({"run 1": "blank"}, "Run 1 is not 'blank'"),
        ({"run 2": "good"}, "what does it do with the ground"),
        ({"run 2": "blank"}, "finds every silhouette"),
        ({"run 3": "sees too little"}, "only outlines suffer"),
        ({"run 3": "blank"}, "finds nothing"),
        ({"run 4": "good"}, "share of ground"),
        ({"run 4": "sees too little"}, "filled shapes either"),
        ({"run 4": None}, "Run 4 is not in your answer"),
        ({"run 4": "empty"}, "none of the words"),
    ],
)
def test_a_wrong_word_is_answered(capsys, wrong, word):
    text = said(capsys, checks.failures, RIGHT | wrong)
    assert text.startswith("✗") and word in text


def test_words_that_are_no_dict_are_refused(capsys):
    assert "Give a dict" in said(capsys, checks.failures, ["blank"])


# ---- One change --------------------------------------------------------------------------------------------------------


def changed(network=(), **fields):
    return dataclasses.replace(training.DEEP, network=training.DEEP.network | dict(network), **fields)


def test_an_empty_recipe_waits(capsys):
    assert said(capsys, checks.one_change, None).startswith("…")


@pytest.mark.parametrize(
    "recipe",
    [changed({"norm": "none"}), changed({"depth": 3}), changed(images=250), changed(peak=1e-3), changed(epochs=2)],
)
def test_one_change_passes(capsys, recipe):
    assert said(capsys, checks.one_change, recipe).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (training.DEEP, "Nothing differs"),
        (changed({"name": "mine"}), "Nothing differs"),
        (changed({"padding": "same"}), "Nothing differs"),
        (changed({"norm": "none"}, images=500), "2 things differ: images, norm"),
        (changed({"depth": 3, "norm": "none"}), "2 things differ"),
        (changed({"depth": 7}), "cannot be built"),
        (changed({"levels": 3}), "cannot be built"),
        (changed(validation=50), "judged"),
        (changed({"classes": 2}), "(64, 64, 2)"),
        (changed({"activation": "logits"}), "logits"),
        (changed(images=4), "one step"),
        (changed(peak=0), "one step"),
        (changed({"base": 16}), "times the multiplications"),
        (training.DEEP.network, "Give a training.Recipe"),
    ],
)
def test_a_recipe_that_teaches_nothing_is_refused(capsys, wrong, word):
    text = said(capsys, checks.one_change, wrong)
    assert text.startswith("✗") and word in text
