"""The checks of notebook 09: an empty stub waits, a right answer passes, typical mistakes are named."""

import numpy as np
import pytest

from utils import checks, instances

ALL = [checks.on_both_sides, checks.object_score, checks.moved_weights, checks.seeds_and_growth]


def said(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out


@pytest.mark.parametrize("check", ALL)
def test_an_empty_stub_waits(capsys, check):
    assert said(capsys, check, lambda *args: None).startswith("…")


@pytest.mark.parametrize("check", ALL)
def test_an_error_is_told(capsys, check):
    assert "ZeroDivisionError" in said(capsys, check, lambda *args: 1 / 0)


# ---- Objects on both sides ---------------------------------------------------------------------------------------------


def sides(labels, test):
    return [set(labels[where].tolist()) for where in (test, ~test)]


@pytest.mark.parametrize(
    "answer",
    [
        lambda labels, test: len((sides(labels, test)[0] & sides(labels, test)[1]) - {0}),
        lambda labels, test: sum(1 for k in np.unique(labels)[1:] if 0 < test[labels == k].mean() < 1),
    ],
)
def test_counts_of_both_sides_pass(capsys, answer):
    assert said(capsys, checks.on_both_sides, answer).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda labels, test: len(sides(labels, test)[0] & sides(labels, test)[1]), "ground, 0, is no object"),
        (lambda labels, test: len(sides(labels, test)[0] - {0}), "entirely"),
        (lambda labels, test: len(sides(labels, test)[1] - {0}), "training part"),
        (lambda labels, test: len(sides(labels, test)[0] - sides(labels, test)[1]), "test part only"),
        (lambda labels, test: len(np.unique(labels)) - 1, "all objects"),
        (lambda labels, test: sides(labels, test)[0], "one number"),
        (lambda labels, test: 1000, "also where it is false"),
    ],
)
def test_wrong_counts_are_recognised(capsys, wrong, word):
    out = said(capsys, checks.on_both_sides, wrong)
    assert out.startswith("✗") and word in out


# ---- The score of objects ----------------------------------------------------------------------------------------------


def pairs(table, threshold):
    return (table >= threshold).sum()


def test_right_scores_pass(capsys):
    answer = lambda table, t: pairs(table, t) / (sum(table.shape) - pairs(table, t))  # noqa: E731
    assert said(capsys, checks.object_score, answer).startswith("✓")


def test_the_score_is_that_of_the_library(capsys):
    """From label maps, by way of the table, the exercise's score is `instances.average_precision`."""
    truth = np.repeat([[1, 1, 1, 1, 2, 2, 3, 3]], 2, 0)
    predicted = np.repeat([[1, 1, 1, 0, 2, 2, 0, 4]], 2, 0)
    table = instances.iou_table(truth, predicted)[2]
    for threshold in (0.5, 0.6, 0.9):
        found = pairs(table, threshold)
        expected = instances.average_precision(truth, predicted, threshold)
        assert found / (sum(table.shape) - found) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (pairs, "number of pairs"),
        (lambda table, t: pairs(table, t) / len(table), "invented ones are not counted"),
        (lambda table, t: pairs(table, t) / table.shape[1], "missed ones are not counted"),
        (lambda table, t: 2 * pairs(table, t) / sum(table.shape), "as Dice does"),
        (lambda table, t: pairs(table, t) / sum(table.shape), "pairs off once"),
        (lambda table, t: pairs(table, 1e-9) / (sum(table.shape) - pairs(table, 1e-9)), "do not use the threshold"),
        (lambda table, t: table[table >= t].mean(), "mean IoU"),
        (lambda table, t: [1, 2], "one number"),
        (lambda table, t: 0.123, "should be"),
    ],
)
def test_wrong_scores_are_recognised(capsys, wrong, word):
    out = said(capsys, checks.object_score, wrong)
    assert out.startswith("✗") and word in out


# ---- Weights from another network --------------------------------------------------------------------------------------


def copy_all_but(*skipped, weights=lambda layer: layer.get_weights()):
    def answer(source, target):
        for layer in source.layers:
            if not any(layer.name.startswith(name) for name in ("head", *skipped)):
                target.get_layer(layer.name).set_weights(weights(layer))
        return target

    return answer


def trainable_only(source, target):
    for layer in source.layers:
        if layer.name != "head":
            for mine, theirs in zip(target.get_layer(layer.name).trainable_weights, layer.trainable_weights):
                mine.assign(theirs)
    return target


def with_a_new_head(source, target):
    target = copy_all_but()(source, target)
    target.get_layer("head").set_weights([np.zeros_like(w) for w in target.get_layer("head").get_weights()])
    return target


def backwards(source, target):
    copy_all_but()(target, source)
    return target


def test_copied_weights_pass(capsys):
    assert said(capsys, checks.moved_weights, copy_all_but()).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda source, target: target, "No layer has"),
        (copy_all_but("dec"), "still have their own"),
        (trainable_only, "running averages"),
        (with_a_new_head, "head has changed"),
        (backwards, "wrong direction"),
        (lambda source, target: source, "return the target"),
        (lambda source, target: 7, "Return the target network"),
        (lambda source, target: target.set_weights(source.get_weights()) or target, "ValueError"),
    ],
)
def test_wrong_copies_are_recognised(capsys, wrong, word):
    out = said(capsys, checks.moved_weights, wrong)
    assert out.startswith("✗") and word in out


# ---- Seeds and growth --------------------------------------------------------------------------------------------------


def grow(output, seeds=lambda output: output[..., 1] > 0.5, mask=lambda output: output[..., 0] < 0.5):
    return instances.watershed(instances.label(seeds(output)), mask(output))


def by_argmax(output):
    return grow(output, lambda o: o.argmax(-1) == 1)


@pytest.mark.parametrize("answer", [grow, by_argmax])
def test_right_objects_pass(capsys, answer):
    assert said(capsys, checks.seeds_and_growth, answer).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda output: instances.label(output[..., 1] > 0.5), "seeds only"),
        (lambda output: instances.label(output[..., 0] < 0.5), "touch are one object"),
        (lambda output: grow(output, mask=lambda o: o.argmax(-1) > 0), "miss a row"),
        (lambda output: grow(output, mask=lambda o: o[..., 0] < 2), "other pixels"),
        (lambda output: output, "label map of shape"),
        (lambda output: output[..., 1], "dtype"),
        (lambda output: output.argmax(-1), "2 objects in"),
        (lambda output: instances.label(output[..., 2] > 0.5) * 0 + np.arange(24)[:, None], "is the border"),
    ],
)
def test_wrong_objects_are_recognised(capsys, wrong, word):
    out = said(capsys, checks.seeds_and_growth, wrong)
    assert out.startswith("✗") and (
        word in out or word == "2 objects in" and "touch are one" in out or "Is the border" in out
    )
