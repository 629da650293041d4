"""The checks of notebook 04: an empty stub waits, a right answer passes, each typical mistake gets its own hint."""

import keras
import numpy as np
import pytest
from keras import layers

from utils import checks, shapes


def bce(t, p):
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


def ious(probability, masks, thresholds):
    cut = [(probability > t) for t in thresholds]
    return np.array([(c & (masks == 1)).sum() / (c | (masks == 1)).sum() for c in cut])


def mean_of_images(probability, masks, thresholds):
    return np.mean([ious(p[None], m[None], thresholds) for p, m in zip(probability, masks)], axis=0)


def dice(t, p, axis=(1, 2, 3), above=1, below=1, twice=2, total=np.sum):
    return 1 - np.mean((twice * total(t * p, axis=axis) + above) / (total(t + p, axis=axis) + below))


def soft_iou(t, p):
    both, sizes = np.sum(t * p, axis=(1, 2, 3)), np.sum(t + p, axis=(1, 2, 3))
    return 1 - np.mean((both + 1) / (sizes - both + 1))


def trained(bias=-20.0, last="sigmoid", *, scale=40.0, held=0.5, epochs=1, kernel=5, before=(), stride=1):
    """A function that returns a network which finds discs with its first weights: the mean of a window, a threshold at .5."""

    def my_training(images, masks):
        weights = np.zeros((kernel, kernel, 2, 1))
        weights[:, :, 0] = scale / kernel**2
        head = layers.Conv2D(1, kernel, stride, "same", activation=last)
        model = keras.Sequential([keras.Input(images.shape[1:]), *(each() for each in before), head])
        head.set_weights([weights, np.array([bias])])
        model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse", run_eagerly=True)
        if epochs:
            masks = masks[:4, ::stride, ::stride]
            model.fit(images[:4], masks, epochs=epochs, validation_split=held, verbose=0)
        return model

    return my_training


def fails(images, masks):
    raise ValueError("incompatible with the layer")


RUNS = {"run 1": "sees too little", "run 2": "shape everywhere", "run 3": "flipped", "run 4": "blank"}
loss, threshold, soft_dice, failures, own = (
    checks.cross_entropy, checks.best_threshold, checks.soft_dice, checks.failures, checks.own_training
)  # fmt: skip

CASES = [
    (failures, None, "Waiting"),
    *((check, lambda *args: None, "Waiting") for check in (loss, threshold, soft_dice, own)),
    *((check, lambda *args: 1 / 0, "stopped with ZeroDivisionError") for check in (loss, threshold, soft_dice, own)),
    (loss, bce, "Right."),
    (threshold, lambda p, m, t: t[np.argmax(ious(p, m, t))], "Right."),
    (soft_dice, dice, "Right."),
    (failures, RUNS, "Right."),
    (failures, {run: f" {word.capitalize()} " for run, word in RUNS.items()}, "Right."),
    (own, trained(), "Right."),
    (loss, lambda t, p: -bce(t, p), "sign"),
    (loss, lambda t, p: bce(t, p) * t.size, "sum"),
    (loss, lambda t, p: -np.mean(t * np.log(p)), "Only foreground counts"),
    (loss, lambda t, p: bce(t, p) / np.log(10), "base 10"),
    (loss, lambda t, p: bce(t, p) / np.log(2), "base 2"),
    (loss, lambda t, p: np.mean((t - p) ** 2), "squared error"),
    (loss, lambda t, p: -(t * np.log(p) + (1 - t) * np.log(1 - p)), "Yours is an array of shape (2, 3)"),
    (loss, lambda t, p: 0.123, "Expected 0.4"),
    (threshold, lambda p, m, t: int(np.argmax(ious(p, m, t))), "place"),
    (threshold, lambda p, m, t: ious(p, m, t).max(), "IoU itself"),
    (threshold, lambda p, m, t: t[np.argmax([np.mean((p > c) == m) for c in t])], "accuracy"),
    (threshold, lambda p, m, t: t[np.argmin(ious(p, m, t))], "lowest"),
    (threshold, lambda p, m, t: t[np.argmax(mean_of_images(p, m, t))], "mean over the images"),
    (threshold, lambda p, m, t: 0.123, "not one of"),
    (threshold, lambda p, m, t: t[1], "you return 0.10"),
    (threshold, ious, "array"),
    (soft_dice, lambda t, p: 1 - dice(t, p), "score"),
    (soft_dice, lambda t, p: dice(t, p > 0.5), "slope"),
    (soft_dice, lambda t, p: dice(t, p, axis=None), "over all images together"),
    (soft_dice, lambda t, p: dice(t, p, axis=0), "axis 0"),
    (soft_dice, lambda t, p: 1 - np.mean((2 * t * p + 1) / (t + p + 1)), "pixel by pixel"),
    (soft_dice, lambda t, p: dice(t, p, total=np.mean), "means over the pixels"),
    (soft_dice, lambda t, p: dice(t, p, twice=1), "counts twice"),
    (soft_dice, lambda t, p: dice(t, p, above=0, below=0), "0 / 0"),
    (soft_dice, lambda t, p: dice(t, p, above=0), "below the line only"),
    (soft_dice, soft_iou, "soft IoU"),
    (soft_dice, lambda t, p: [dice(t[k : k + 1], p[k : k + 1]) for k in range(2)], "for each image"),
    (soft_dice, lambda t, p: t * p, "array of shape (2, 4, 4, 1)"),
    (soft_dice, lambda t, p: 0.123, "Expected"),
    (failures, RUNS | {"run 1": "good"}, "two recalls"),
    (failures, RUNS | {"run 1": "flipped"}, "both styles alike"),
    (failures, RUNS | {"run 1": "blank"}, "Run 1 is not 'blank'"),
    (failures, RUNS | {"run 2": "good"}, "what does it do with the background"),
    (failures, RUNS | {"run 2": "blank"}, "finds every silhouette"),
    (failures, RUNS | {"run 3": "sees too little"}, "only outlines suffer"),
    (failures, RUNS | {"run 3": "blank"}, "finds nothing"),
    (failures, RUNS | {"run 4": "good"}, "share of background"),
    (failures, RUNS | {"run 4": "sees too little"}, "filled shapes either"),
    (failures, RUNS | {"run 4": None}, "Run 4 is not in your answer"),
    (failures, RUNS | {"run 4": "empty"}, "none of the words"),
    (failures, ["blank"], "Give a dict"),
    (own, fails, "stopped with ValueError: incompatible with the layer"),
    (own, lambda images, masks: keras.callbacks.History(), "yours is of type History"),
    (own, trained(stride=2), "the shape (20, 16, 16, 1); it should be (20, 32, 32, 1)"),
    (own, trained(last=None), "logits"),
    (own, trained(epochs=0), "not taken one training step"),
    (own, lambda images, masks: keras.Sequential(trained()(images, masks).layers), "not taken one training step"),
    (own, trained(last=lambda x: keras.ops.sigmoid(keras.ops.relu(x))), "a ReLU comes before the sigmoid"),
    (own, trained(-10.0, scale=15.0, before=[lambda: layers.BatchNormalization(center=False)]), "averages of batch"),
    (own, trained(-1.0, scale=0.0), "the same grey"),
    (own, trained(20.0, scale=-40.0), "calling every pixel foreground gives"),
    (own, trained(kernel=1), "It learns"),
    (own, trained(held=0.0), "nothing was held back"),
]


@pytest.mark.parametrize(("check", "answer", "words"), CASES)
def test_what_is_said_about_an_answer(capsys, check, answer, words):
    check(answer)
    out = capsys.readouterr().out
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words in out, out


def test_the_table_shows_the_four_failures():
    runs = checks.failed_runs(shapes.draw(40, split="validation"))
    assert list(runs) == list(RUNS) and list(runs["run 1"]) == ["accuracy", "iou", "filled", "outlined"]
    assert runs["run 1"]["filled"] == 1 and 0.3 < runs["run 1"]["outlined"] < 0.8
    assert runs["run 2"]["filled"] == runs["run 2"]["outlined"] == 1 and runs["run 2"]["accuracy"] < 0.5
    assert abs(runs["run 3"]["filled"] - runs["run 3"]["outlined"]) < 0.15 and 0 < runs["run 3"]["iou"] < 0.5
    assert runs["run 4"]["iou"] == 0 and runs["run 4"]["accuracy"] > 0.5
