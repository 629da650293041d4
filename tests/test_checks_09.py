"""The checks of notebook 09: an empty stub waits, a right answer passes, each typical mistake gets its own hint."""

import numpy as np
import pytest

from utils import checks, objects


def sides(labels, test):
    return [set(labels[where].tolist()) for where in (test, ~test)]


def count(combine):
    return lambda labels, test: len(combine(*sides(labels, test)) - {0})


def pairs(table, threshold):
    return (table >= threshold).sum()


def score(table, threshold):
    return pairs(table, threshold) / (sum(table.shape) - pairs(table, threshold))


def copied(*skipped):
    def answer(source, target):
        for layer in source.layers:
            if not layer.name.startswith(("head", *skipped)):
                target.get_layer(layer.name).set_weights(layer.get_weights())
        return target

    return answer


def trainable_only(source, target):
    for layer in source.layers:
        if layer.name != "head":
            for mine, theirs in zip(target.get_layer(layer.name).trainable_weights, layer.trainable_weights):
                mine.assign(theirs)
    return target


def with_a_new_head(source, target):
    head = copied()(source, target).get_layer("head")
    head.set_weights([np.zeros_like(weight) for weight in head.get_weights()])
    return target


def backwards(source, target):
    copied()(target, source)
    return target


def grown(seeds=lambda output: output[..., 1] > 0.5, mask=lambda output: output[..., 0] < 0.5):
    return lambda output: objects.watershed(objects.label(seeds(output)), mask(output))


crossing, ap, moved, growth = checks.on_both_sides, checks.object_score, checks.moved_weights, checks.markers_and_growth
CASES = [
    *((check, lambda *args: None, "Waiting") for check in (crossing, ap, moved, growth)),
    *((check, lambda *args: 1 / 0, "stopped with ZeroDivisionError") for check in (crossing, ap, moved, growth)),
    (crossing, count(set.intersection), "Right."),
    (ap, score, "Right."),
    (moved, copied(), "Right."),
    (growth, grown(), "Right."),
    (growth, grown(seeds=lambda output: output.argmax(-1) == 1), "Right."),
    (crossing, lambda labels, test: count(set.intersection)(labels, test) + 1, "background, 0, is no object"),
    (crossing, count(lambda inside, outside: inside), "entirely"),
    (crossing, count(lambda inside, outside: outside), "training part"),
    (crossing, count(lambda inside, outside: inside - outside), "test part only"),
    (crossing, count(set.union), "counts all objects."),
    (crossing, lambda labels, test: sides(labels, test)[0], "one number"),
    (crossing, lambda labels, test: 1000, "also where it is false"),
    (ap, pairs, "number of pairs"),
    (ap, lambda table, t: pairs(table, t) / len(table), "false positives are not counted"),
    (ap, lambda table, t: pairs(table, t) / table.shape[1], "false negatives are not counted"),
    (ap, lambda table, t: 2 * pairs(table, t) / sum(table.shape), "as Dice does"),
    (ap, lambda table, t: pairs(table, t) / sum(table.shape), "pairs off once"),
    (ap, lambda table, t: score(table, 1e-9), "do not use the threshold"),
    (ap, lambda table, t: table[table >= t].mean(), "mean IoU"),
    (ap, lambda table, t: [1, 2], "one number"),
    (ap, lambda table, t: 0.123, "should be"),
    (moved, lambda source, target: target, "No layer has"),
    (moved, copied("dec"), "still have their own"),
    (moved, trainable_only, "running averages"),
    (moved, with_a_new_head, "head has changed"),
    (moved, backwards, "wrong direction"),
    (moved, lambda source, target: source, "return the target"),
    (moved, lambda source, target: 7, "Return the target network"),
    (moved, lambda source, target: target.set_weights(source.get_weights()) or target, "ValueError"),
    (growth, lambda output: objects.label(output[..., 1] > 0.5), "markers only"),
    (growth, lambda output: objects.label(output[..., 0] < 0.5), "touch are one object"),
    (growth, grown(mask=lambda output: output.argmax(-1) > 0), "miss a row"),
    (growth, grown(mask=lambda output: output[..., 0] < 2), "other pixels"),
    (growth, lambda output: (output[..., 0] < 0.5) * (1 + np.digitize(np.indices((24, 40))[1], [8, 24])), "shared out"),
    (growth, lambda output: output, "label map of shape"),
    (growth, lambda output: output[..., 1], "dtype"),
    (growth, lambda output: grown()(output) * (1 + np.indices((24, 40))[0] % 2), "the border numbered"),
    (growth, lambda output: np.roll(grown()(output), 4, 1) * (grown()(output) > 0), "other pixels"),
]


@pytest.mark.parametrize(("check", "answer", "words"), CASES)
def test_what_is_said_about_an_answer(capsys, check, answer, words):
    check(answer)
    out = capsys.readouterr().out
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words in out, out


def test_the_score_is_that_of_the_library():
    """From label maps, by way of the table, the exercise's score is `objects.average_precision`."""
    truth = np.repeat([[1, 1, 1, 1, 2, 2, 3, 3]], 2, 0)
    predicted = np.repeat([[1, 1, 1, 0, 2, 2, 0, 4]], 2, 0)
    table = objects.iou_table(truth, predicted)[2]
    for threshold in (0.5, 0.6, 0.9):
        assert score(table, threshold) == pytest.approx(objects.average_precision(truth, predicted, threshold))
