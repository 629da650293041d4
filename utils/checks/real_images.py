"""The answers to the exercises of notebook 09 real images."""

from __future__ import annotations

import keras
import numpy as np

from utils import instances, unet
from utils.checks.base import call, check


@check
def on_both_sides(answer):
    """How many objects lie in test and training pixels: ``answer(labels, test)``."""
    rng = np.random.default_rng(9)
    for _ in range(3):
        labels = np.kron(rng.permutation(36).reshape(6, 6), np.ones((5, 5), int)).astype(np.int32)
        labels[(labels > 0) & (labels < 12)] = 0
        labels[labels == 20] = 1000
        test = np.zeros(labels.shape, bool)
        test[rng.integers(6, 12) :, rng.integers(6, 12) :] = True
        result = call(answer, labels.copy(), test.copy())
        inside, outside = (set(labels[where].tolist()) - {0} for where in (test, ~test))
        expected = len(inside & outside)
        if np.ndim(result) or isinstance(result, (bool, set, list)):
            return "Return one number: how many objects."
        if result == expected:
            continue
        known = (
            (expected + 1, "that is one too many. The ground, 0, is no object."),
            (len(inside), "that counts all objects of the test part, also those that lie in it entirely."),
            (len(outside), "that counts all objects of the training part."),
            (len(inside - outside), "that counts the objects that lie in the test part only."),
            (len(inside | outside), "that counts all objects."),
        )
        words = [text for value, text in known if value == result]
        words = words or ["look for numbers that occur where test is true and also where it is false."]
        return f"There are {expected} objects on both sides, you return {result:g}; " + " Or: ".join(words)
    return None


@check
def object_score(answer):
    """The object score from a table of IoU: ``answer(table, threshold)``, table ``(T, P)``."""
    tables = (
        np.array([[0.8, 0.0, 0.0], [0.0, 0.55, 0.3], [0.0, 0.0, 0.62], [0.0, 0.1, 0.0]]),
        np.array([[0.9, 0.0], [0.0, 0.0]]),
        np.array([[0.7, 0, 0, 0, 0], [0, 0.95, 0, 0, 0]]),
    )
    for table in tables:
        for threshold in (0.5, 0.6, 0.9):
            true, predicted = table.shape
            pairs = int((table >= threshold).sum())
            expected = pairs / (true + predicted - pairs)
            result = call(answer, table.copy(), threshold)
            if np.ndim(result):
                return "Return one number, 0 to 1."
            if np.isclose(result, expected):
                continue
            known = (
                (pairs, "that is the number of pairs. Divide it by pairs + missed + invented."),
                (pairs / true, "that is the share of true objects that were found; invented ones are not counted."),
                (
                    pairs / predicted,
                    "that is the share of predicted objects that are right; missed ones are not counted.",
                ),
                (2 * pairs / (true + predicted), "that counts each pair twice, as Dice does; here it counts once."),
                (pairs / (true + predicted), "below the line each pair is counted twice: take the pairs off once."),
                ((table > 0).sum() / (true + predicted - (table > 0).sum()), "you do not use the threshold."),
                (table[table >= threshold].mean() if pairs else -1, "that is the mean IoU of the pairs."),
            )
            words = next(
                (words for value, words in known if np.isclose(result, value)), f"it should be {expected:.3f}."
            )
            counts = f"{true} true objects, {predicted} predicted, {pairs} pairs at IoU {threshold}"
            return f"{counts}: you return {result:.3f}; {words}"
    return None


@check
def moved_weights(answer):
    """Give a network with three classes the weights of one with one class, but for the head: ``answer(source, target)``."""
    shape = (16, 16, 3)
    source, target = (unet.build_unet(shape, depth=2, base=2, classes=classes) for classes in (1, 3))
    rng = np.random.default_rng(9)
    source.set_weights([rng.uniform(0.5, 1.5, weight.shape).astype(np.float32) for weight in source.get_weights()])
    before = {layer.name: layer.get_weights() for layer in target.layers}
    kept = [weight.copy() for weight in source.get_weights()]
    result = call(answer, source, target)
    if not isinstance(result, keras.Model):
        return "Return the target network."
    if result.output_shape[-1] != 3:
        return f"The network you return has {result.output_shape[-1]} class; return the target, which has 3."
    if any(not np.array_equal(a, b) for a, b in zip(kept, source.get_weights())):
        return "The source network has changed: you copied in the wrong direction."
    same, partly = set(), set()
    for layer in source.layers:
        pairs = list(zip(layer.get_weights(), result.get_layer(layer.name).get_weights()))
        if layer.name != "head" and pairs:
            equal = [np.array_equal(a, b) for a, b in pairs]
            (same if all(equal) else partly).add(layer.name)
            if any(equal) and not all(equal):
                return (
                    f"Of layer {layer.name} only {sum(equal)} of {len(equal)} arrays were copied. A normalisation also keeps "
                    "its running averages: get_weights() has all."
                )
    if not same:
        return "No layer has the source's weights. layer.set_weights(other.get_weights()) copies them."
    if partly:
        return f"{len(partly)} layers still have their own weights, for example {sorted(partly)[0]}."
    head = result.get_layer("head").get_weights()
    if not all(np.array_equal(a, b) for a, b in zip(head, before["head"])):
        return "The head has changed. It has three classes here and must start from its own random weights."
    return None


@check
def seeds_and_growth(answer):
    """Objects from three probabilities: ``answer(output)``, ``(H, W, 3)`` to a label map ``(H, W)``."""
    truth = np.zeros((24, 40), np.int32)
    truth[4:14, 3:12], truth[4:14, 12:22], truth[15:22, 26:38] = 1, 2, 3
    classes = instances.border_classes(truth)
    output = np.full((*truth.shape, 3), 0.05)
    np.put_along_axis(output, classes[..., None].astype(int), 0.9, axis=-1)
    output[3, 3:22] = 0.4, 0.25, 0.35  # ground is most likely, but object as a whole is more likely than ground
    truth[3, 3:12], truth[3, 12:22] = 1, 2
    result = call(answer, output.copy())
    result = np.asarray(result)
    if result.shape != truth.shape:
        return f"Return a label map of shape {truth.shape}; yours has the shape {result.shape}."
    if result.dtype == bool or result.dtype.kind not in "iu":
        return f"A label map holds whole numbers; yours has dtype {result.dtype}."
    inside = classes == 1
    count = len(np.unique(result[result > 0]))
    if np.array_equal(result > 0, inside):
        return "These are the seeds only. Let them grow over the border: instances.watershed(seeds, mask)."
    if count == 2:
        return "Two nuclei that touch are one object in your map. Number the inside alone, before it grows."
    if count > 3:
        return f"You find {count} objects, there are 3. Is the border numbered as an object of its own?"
    if np.array_equal(result > 0, classes > 0):
        return (
            "Your objects miss a row of pixels where ground has .40, inside .25 and border .35: together object is more likely "
            "than ground. Grow where the probability of ground is below .5."
        )
    if not np.array_equal(result > 0, truth > 0):
        return "Your objects cover other pixels than those where the probability of ground is below .5."
    found = instances.match(truth, result, 0.9)
    if len(found.pairs) != 3:
        return "The pixels are right, but shared out between the objects in another way than a watershed does."
    return None
