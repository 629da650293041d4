"""The answers to the exercises of notebook 09 real images."""

from __future__ import annotations

import keras
import numpy as np

from utils import objects, unet
from utils.checks.base import call, check, judge, number


@check
def on_both_sides(answer):
    """How many objects lie in test and training pixels: ``answer(labels, test)``."""
    rng = np.random.default_rng(9)
    values, counts = [], []
    for _ in range(3):
        labels = np.kron(rng.permutation(36).reshape(6, 6), np.ones((5, 5), int)).astype(np.int32)
        labels[(labels > 0) & (labels < 12)] = 0
        labels[labels == 20] = 1000
        test = np.zeros(labels.shape, bool)
        test[rng.integers(6, 12) :, rng.integers(6, 12) :] = True
        values.append(number(call(answer, labels, test), "Return one number: how many objects."))
        inside, outside = (set(labels[where].tolist()) - {0} for where in (test, ~test))
        both = len(inside & outside)
        counts.append((both, both + 1, len(inside), len(outside), len(inside - outside), len(inside | outside)))
    right, more, in_test, in_training, in_test_only, everywhere = np.transpose(counts)
    mistakes = (
        (more, "that is one too many. The background, 0, is no object."),
        (in_test, "that counts all objects of the test part, also those that lie in it entirely."),
        (in_training, "that counts all objects of the training part."),
        (in_test_only, "that counts the objects that lie in the test part only."),
        (everywhere, "that counts all objects."),
    )
    first = int(np.argmax(right != values))
    case = f"There are {right[first]} objects on both sides, you return {values[first]:g}; "
    otherwise = "look for numbers that occur where test is true and also where it is false."
    yield judge(values, right, mistakes, case=case, otherwise=otherwise)


@check
def object_score(answer):
    """The object score from a table of IoU: ``answer(table, threshold)``, table ``(T, P)``."""
    tables = (
        np.array([[0.8, 0.0, 0.0], [0.0, 0.55, 0.3], [0.0, 0.0, 0.62], [0.0, 0.1, 0.0]]),
        np.array([[0.9, 0.0], [0.0, 0.0]]),
        np.array([[0.7, 0, 0, 0, 0], [0, 0.95, 0, 0, 0]]),
    )
    for table, threshold in ((table, threshold) for table in tables for threshold in (0.5, 0.6, 0.9)):
        (true, predicted), reached, touching = table.shape, table >= threshold, (table > 0).sum()
        pairs = reached.sum()
        mistakes = (
            (pairs, "that is the number of pairs. Divide it by pairs + false negatives + false positives."),
            (pairs / true, "that is the share of true objects that were found; false positives are not counted."),
            (pairs / predicted, "that is the share of predictions that are right; false negatives are not counted."),
            (2 * pairs / (true + predicted), "that counts each pair twice, as Dice does; here it counts once."),
            (pairs / (true + predicted), "below the line each pair is counted twice: take the pairs off once."),
            (touching / (true + predicted - touching), "you do not use the threshold."),
            (table[reached].mean() if pairs else -1, "that is the mean IoU of the pairs."),
        )
        result, right = number(call(answer, table, threshold)), pairs / (true + predicted - pairs)
        counts = f"{true} true objects, {predicted} predicted, {pairs} pairs at IoU {threshold}"
        case, otherwise = f"{counts}: you return {result:.3f}; ", f"it should be {right:.3f}."
        yield judge(result, right, mistakes, case=case, otherwise=otherwise)


@check
def moved_weights(answer):
    """Give a network with three classes the weights of one with one class, but for the head: ``answer(source, target)``."""
    source, target = (unet.build_unet((16, 16, 3), depth=2, base=2, classes=classes) for classes in (1, 3))
    rng = np.random.default_rng(9)
    kept = [rng.uniform(0.5, 1.5, weight.shape).astype(np.float32) for weight in source.get_weights()]
    source.set_weights(kept)
    fresh_head = target.get_layer("head").get_weights()
    result = call(answer, source, target)
    if not isinstance(result, keras.Model):
        yield "Return the target network."
    if result.output_shape[-1] != 3:
        yield f"The network you return has {result.output_shape[-1]} class; return the target, which has 3."
    if not all(map(np.array_equal, kept, source.get_weights())):
        yield "The source network has changed: you copied in the wrong direction."
    copied = {}
    for layer in source.layers:
        if layer.name != "head" and layer.weights:
            equal = list(map(np.array_equal, layer.get_weights(), result.get_layer(layer.name).get_weights()))
            copied[layer.name] = all(equal)
            if any(equal) and not all(equal):
                only = f"Of layer {layer.name} only {sum(equal)} of {len(equal)} arrays were copied."
                yield f"{only} A normalisation also keeps its running averages: get_weights() has all."
    if not any(copied.values()):
        yield "No layer has the source's weights. layer.set_weights(other.get_weights()) copies them."
    if not all(copied.values()):
        left = [name for name, same in copied.items() if not same]
        yield f"{len(left)} layers still have their own weights, for example {left[0]}."
    if not all(map(np.array_equal, fresh_head, result.get_layer("head").get_weights())):
        yield "The head has changed. It has three classes here and must start from its own random weights."


@check
def markers_and_growth(answer):
    """Objects from three probabilities: ``answer(output)``, ``(H, W, 3)`` to a label map ``(H, W)``."""
    truth = np.zeros((24, 40), np.int32)
    truth[4:14, 3:12], truth[4:14, 12:22], truth[15:22, 26:38] = 1, 2, 3
    classes = objects.border_classes(truth)
    output = np.full((*truth.shape, 3), 0.05)
    np.put_along_axis(output, classes[..., None].astype(int), 0.9, axis=-1)
    output[3, 3:22] = 0.4, 0.25, 0.35  # background is most likely, but object as a whole is more likely than background
    right = objects.from_borders(output, smallest=1)
    result = np.asarray(call(answer, output))
    if result.shape != right.shape:
        yield f"Return a label map of shape {right.shape}; yours has the shape {result.shape}."
    if result.dtype.kind not in "iu":
        yield f"A label map holds whole numbers; yours has dtype {result.dtype}."
    count = len(np.unique(result[result > 0]))
    if np.array_equal(result > 0, classes == 1):
        yield "These are the markers only. Let them grow over the border: objects.watershed(markers, mask)."
    if count == 2:
        yield "Two nuclei that touch are one object in your map. Number the inside alone, before it grows."
    if count > 3:
        yield f"You find {count} objects, there are 3. Is the border numbered as an object of its own?"
    if np.array_equal(result > 0, classes > 0):
        yield (
            "Your objects miss a row of pixels where background has .40, inside .25 and border .35: together object is more "
            "likely than background. Grow where the probability of background is below .5."
        )
    if not np.array_equal(result > 0, right > 0):
        yield "Your objects cover other pixels than those where the probability of background is below .5."
    if len(objects.match(right, result, 0.9).pairs) != 3:
        yield "The pixels are right, but shared out between the objects in another way than a watershed does."
