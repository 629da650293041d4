"""The answers to the exercises are checked here, in words.

Every check takes what the reader wrote and prints one of three things: that it is waiting (the stub still returns ``None``),
that the answer is right, or that it is not and which mistake it looks like. A check never raises an error, so a notebook
runs from top to bottom with all exercises unsolved.
"""

from __future__ import annotations

import functools

import numpy as np


def check(examine):
    """Turn a function that returns a complaint, or None where all is well, into a check that speaks.

    The wrapped function is called with the reader's answer. It raises :class:`Waiting` where the stub is still empty.
    """

    @functools.wraps(examine)
    def speak(answer):
        try:
            complaint = examine(answer)
        except Waiting:
            print("… Waiting for your answer.")
        except Exception as error:  # whatever the reader's code does, the notebook goes on
            print(f"✗ Your code stopped with {type(error).__name__}: {error}")
        else:
            print(f"✗ {complaint}" if complaint else "✓ Right.")

    return speak


class Waiting(Exception):
    """The reader has not written anything yet."""


def call(answer, *args):
    """Call the reader's function; raises :class:`Waiting` where it returns ``None``."""
    result = answer(*args) if callable(answer) else answer
    if result is None:
        raise Waiting
    return result


def number(value):
    """The reader's value as a float."""
    return float(np.asarray(value))


# ---- 01 architecture ---------------------------------------------------------------------------------------------------


@check
def max_pooling(answer):
    """Max pooling with windows of any size: ``answer(features, size)`` for an ``(H, W, C)`` array."""
    generator = np.random.default_rng(0)
    for shape, size in (((6, 4, 2), 2), ((9, 6, 1), 3), ((7, 5, 2), 2)):
        features = generator.permutation(np.prod(shape)).reshape(shape).astype(np.float32)
        rows, columns = shape[0] // size, shape[1] // size
        result = np.asarray(call(answer, features.copy(), size), float)
        cut = features[: rows * size, : columns * size].astype(float)
        windows = cut.reshape(rows, size, columns, size, shape[2])
        right = windows.max(axis=(1, 3))
        if result.shape == right.shape and np.array_equal(result, right):
            continue
        case = f"For an array of shape {shape} and size {size}: "
        if result.shape == right.shape[:2] and shape[2] > 1:
            return case + "the channels are gone. Pool each channel on its own, over rows and columns only."
        if result.shape[:2] == (shape[0] - size + 1, shape[1] - size + 1):
            return case + f"your windows overlap. Move the window by {size} pixels each time, not by 1."
        if result.shape != right.shape:
            hint = " Rows and columns that do not fill a window are left out." if shape[0] % size else ""
            return case + f"the result has the shape {result.shape}; it should be {right.shape}.{hint}"
        if np.allclose(result, windows.mean(axis=(1, 3))):
            return case + "that is the mean of each window (average pooling). Here the largest value is asked for."
        if np.array_equal(result, windows[:, 0, :, 0]):
            return case + "you keep the first pixel of each window, not the largest."
        wrong = int((result != right).sum())
        return case + f"{wrong} of {right.size} values are not the largest of their window."
    return None


@check
def receptive_field_rule(answer):
    """The growth rule: ``answer(layers)`` for a list of ``(kernel, stride)``, first layer first; in pixels."""
    mistakes = {
        "step": "The step never grows. After a layer with stride 2, neighbouring pixels lie twice as far apart in the input.",
        "late": "You change the step too early: a layer adds (kernel - 1) * step with the step BEFORE its own stride.",
        "zero": "Start with 1: before any layer, a pixel sees itself.",
        "kernel": "A kernel of k pixels adds k - 1 steps, because the pixel in the middle of it was seen before.",
        "pool": "A pooling layer has a window too: it adds (kernel - 1) * step like any other layer.",
    }
    suspects = set(mistakes)
    complaint = None
    two = [(3, 1), (3, 1)]
    encoder = [*two, (2, 2), *two]
    for layers in ([], two[:1], two, [*two, (2, 2)], encoder, [*encoder, (2, 2), *two], [(5, 1), (3, 2), (3, 1)]):
        result, right = number(call(answer, list(layers))), _field(layers)
        suspects = {name for name in suspects if _field(layers, name) == result}
        if result != right and complaint is None:
            complaint = f"For the layers {layers} you say {result:g} px; it is {right} px."
    if complaint is None:
        return None
    reasons = [mistakes[name] for name in mistakes if name in suspects]
    rule = "Each layer adds (kernel - 1) * step; then its stride multiplies the step."
    return f"{complaint} {reasons[0] if reasons else rule}"


def _field(layers, mistake=None):
    """Receptive field of a stack of (kernel, stride), right or with one of the typical mistakes."""
    seen, step = int(mistake != "zero"), 1
    for kernel, stride in layers:
        if mistake == "late":
            step *= stride
        if not (mistake == "pool" and stride > 1):
            seen += (kernel - (mistake != "kernel")) * step
        if mistake not in ("late", "step"):
            step *= stride
    return seen


# ---- 02 data -----------------------------------------------------------------------------------------------------------


@check
def iou(answer):
    """Check the reader's IoU of two masks: ``answer(truth, predicted)`` is a number from 0 to 1."""
    truth = np.zeros((6, 6, 1), np.uint8)
    truth[1:5, 1:5] = 1  # 16 pixels
    mask = np.zeros_like(truth)
    mask[3:6, 2:6] = 1  # 12 pixels, 6 of them on the truth: 6 / 22
    empty = np.zeros_like(truth)
    found = number(call(answer, truth, mask))
    both, either = 6, 22
    mistakes = {
        20 / 36: "That is the accuracy: it also counts ground that both agree on. IoU looks at shape pixels only.",
        12 / 28: "That is Dice: it divides twice the overlap by the two areas added up. IoU divides by the union.",
        both / 28: "You divided by the two areas added up, which counts the overlap twice. The union counts it once.",
        both / 16: "You divided by the truth's area. The union also holds what the mask covers beyond the truth.",
        both / 12: "You divided by the mask's area. The union also holds what the truth covers beyond the mask.",
        both: "That is the number of pixels in the overlap. Divide it by the number of pixels in the union.",
        either / both: "That is the union divided by the overlap; turn the fraction over.",
        1 - both / either: "That is one minus the IoU. A perfect mask must score 1.",
    }
    for value, words in mistakes.items():
        if abs(found - value) < 1e-6:
            return words
    if abs(found - both / either) > 1e-6:
        return f"An overlap of {both} pixels and a union of {either} make {both / either:.3f}, you gave {found:.3f}."
    if not abs(number(answer(truth, truth)) - 1) < 1e-6:
        return "A mask that equals the truth must score 1."
    if number(answer(truth, empty)) != 0:
        return "The empty mask against a truth with a shape must score 0."
    with np.errstate(all="ignore"):
        nothing = answer(empty, empty)
    if nothing is None or not abs(number(nothing) - 1) < 1e-6:
        return "Where mask and truth are both empty, the union is 0 pixels. They agree, so return 1 in that case."
    return None


@check
def joint_augmentation(answer):
    """Check the reader's ``answer(image, mask, turns, mirror)``: quarter turns, then a mirror, for both alike."""
    image = np.random.default_rng(2).random((6, 6, 3)).astype(np.float32)
    mask = np.zeros((6, 6, 1), np.uint8)
    mask[0, 1:4] = mask[1:3, 1] = 1  # no position of this corner equals another
    expected = {
        (turns, mirror): tuple(np.rot90(array, turns)[:, :: -1 if mirror else 1] for array in (image, mask))
        for turns in range(4)
        for mirror in (False, True)
    }
    for (turns, mirror), (right_image, right_mask) in expected.items():
        given = call(answer, image.copy(), mask.copy(), turns, mirror)
        if not isinstance(given, (tuple, list)) or len(given) != 2:
            return "Return two things: the new image and the new mask."
        new_image, new_mask = (np.asarray(array) for array in given)
        case = f"turns={turns}, mirror={mirror}"
        if new_image.shape != image.shape or new_mask.shape != mask.shape:
            return f"The shapes must stay (6, 6, 3) and (6, 6, 1); yours are {new_image.shape} and {new_mask.shape}."
        if np.array_equal(new_image, right_image) and np.array_equal(new_mask, right_mask):
            if new_image.dtype != image.dtype or new_mask.dtype != mask.dtype:
                return (
                    f"The pixels are right, but the dtypes changed from {image.dtype} and {mask.dtype} to "
                    f"{new_image.dtype} and {new_mask.dtype}. Moving pixels needs no arithmetic."
                )
            continue
        if np.array_equal(new_image, right_image) and np.array_equal(new_mask, mask):
            return f"With {case} the image moves but the mask stays where it was. Do the same to both."
        if np.array_equal(new_mask, right_mask) and np.array_equal(new_image, image):
            return f"With {case} the mask moves but the image stays where it was. Do the same to both."
        found = _position(new_image, image)
        if found != _position(new_mask, mask):
            return f"With {case} image and mask move differently. Do exactly the same to both."
        if np.array_equal(new_image, right_image[::-1, ::-1]) and mirror and turns % 2 == 0:
            return f"With {case} you mirrored top and bottom. Mirror left and right: reverse the columns."
        if not mirror and np.array_equal(new_image, np.rot90(image, -turns)):
            return f"With {case} you turned clockwise. np.rot90 turns counterclockwise, as asked."
        if mirror and np.array_equal(new_image, np.rot90(image[:, ::-1], turns)):
            return f"With {case} you mirrored before turning. The order matters: turn first, then mirror."
        return f"With {case} image and mask move together, but to another place than asked: turn first, then mirror."
    return None


def _position(moved, original):
    """The turns and the mirror that lead from one array to the other, or None."""
    for turns in range(4):
        for mirror in (False, True):
            if np.array_equal(moved, np.rot90(original, turns)[:, :: -1 if mirror else 1]):
                return turns, mirror
    return None


# ---- 03 building -------------------------------------------------------------------------------------------------------


@check
def strided_level(answer):
    """An encoder level that goes down with a strided convolution: ``answer(x, filters) -> (skip, down)``."""
    generator = np.random.default_rng(0)
    pair = np.repeat(generator.random((1, 24, 24, 3), dtype=np.float32), 2, axis=0)
    pair[1, 12, 12] += 5  # the two images differ in one pixel, so we see how far its influence reaches
    result = call(answer, pair, 16)
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return f"Return two things, (skip, down); your function returned {type(result).__name__}."
    if any(part is None for part in result):
        raise Waiting
    skip, down = (np.asarray(part) for part in result)
    if skip.ndim == down.ndim == 4 and skip.shape[1] < down.shape[1]:
        return "The order is (skip, down): first the features at full size, then the smaller ones."
    for what, features, size in (("skip", skip, 24), ("down", down, 12)):
        if features.shape[-1] != 16:
            return f"{what} has {features.shape[-1]} channels; asked for were filters=16. Give `filters` to each convolution."
        if features.shape[1:3] != (size, size):
            hint = {
                22: " Each 3x3 convolution takes 2 pixels off unless it has padding='same'.",
                20: " Each 3x3 convolution takes 2 pixels off unless it has padding='same'.",
                11: " The strided convolution needs padding='same' too.",
                24: " Give the last convolution strides=2.",
            }.get(features.shape[1], "")
            given = f"{features.shape[1]} x {features.shape[2]}"
            return f"{what} is {given} for a 24 x 24 image; it should be {size} x {size}.{hint}"
    for what, features in (("skip", skip), ("down", down)):
        if features.min() < 0:
            return f"{what} has negative values: a ReLU is missing after its last convolution."
    pooled = skip.reshape(2, 12, 2, 12, 2, 16)
    if np.allclose(down, pooled.max(axis=(2, 4)), atol=1e-5) or np.allclose(down, pooled.mean(axis=(2, 4)), atol=1e-5):
        return "down is a pooled skip. Here a convolution with strides=2 shall learn how to go down."
    reach = np.flatnonzero(np.abs(skip[1] - skip[0]).max(axis=(1, 2)) > 1e-6)
    if np.ptp(reach) < 4:
        return "One changed pixel reaches 3 x 3 pixels of skip: that is one convolution. A double convolution reaches 5 x 5."
    return None


@check
def double_conv_parameters(answer):
    """The number of parameters of a double 3x3 convolution: ``answer(inputs, filters)``."""
    for inputs, filters in ((3, 8), (64, 128), (192, 64)):
        given, first, second = number(call(answer, inputs, filters)), 9 * inputs * filters, 9 * filters * filters
        right = first + second + 2 * filters
        if given == right:
            continue
        one_size = 2 * (first + filters)
        kernel_of_3 = 3 * (inputs + filters) * filters + 2 * filters
        reasons = {
            first + second: "The biases are missing: each convolution has one for every channel it makes.",
            one_size: "The second convolution does not see the input: it gets the channels that the first one made.",
            first + filters: "That is the first convolution alone; the block has two.",
            kernel_of_3: "A 3x3 kernel has 9 weights for each pair of channels, not 3.",
            first + second + 2: "A convolution has one bias for every channel it makes, not a single one.",
        }
        rule = "Weights: 3 * 3 * channels in * channels out, twice; biases: channels out, twice."
        return (
            f"For {inputs} channels in and {filters} out you say {given:,.0f}, but Keras counts {right:,}. "
            f"{reasons.get(given, rule)}"
        )
    return None


# ---- 04 training -------------------------------------------------------------------------------------------------------


@check
def cross_entropy(my_loss):
    """Check a function of truth and probability that returns the mean binary cross-entropy."""
    truth = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    probability = np.array([[0.9, 0.2, 0.3], [0.6, 0.1, 0.8]])
    values = -np.where(truth == 1, np.log(probability), np.log(1 - probability))
    answer = call(my_loss, truth, probability)
    if np.shape(answer) != ():
        return f"You return an array of shape {np.shape(answer)}; take the mean over all pixels to get one number."
    value, right = number(answer), values.mean()
    if np.isclose(value, right, rtol=1e-4):
        return None
    for wrong, complaint in (
        (-right, "The sign is turned round: logarithms of probabilities are negative, a loss is positive."),
        (values.sum(), "This is the sum over the pixels; the mean does not grow with the size of the picture."),
        (-np.mean(truth * np.log(probability)), "Only pixels of shape count in your loss; ground needs log(1 - p)."),
        (right / np.log(10), "This is the logarithm to base 10; use the natural one, np.log."),
        (right / np.log(2), "This is the logarithm to base 2; use the natural one, np.log."),
        (np.mean((truth - probability) ** 2), "This is the mean squared error, another loss."),
    ):
        if np.isclose(value, wrong, rtol=1e-4):
            return complaint
    return f"Expected {right:.4f} for a small example, got {value:.4f}. Work out one pixel by hand and compare."


@check
def best_threshold(my_threshold):
    """Check a function of probabilities, masks and thresholds that returns the threshold with the highest pooled IoU."""
    rng = np.random.default_rng(4)
    masks = np.zeros((2, 12, 12, 1), np.uint8)
    masks[0, 2:11, 1:11], masks[1, 5:7, 5:8] = 1, 1
    probability = np.clip(0.42 * masks + rng.uniform(0, 0.5, masks.shape), 0, 1)
    probability[1] = np.clip(probability[1] + 0.22 * (1 - masks[1]), 0, 1)
    thresholds = np.linspace(0.05, 0.95, 19)
    both = [np.sum((probability > t) & (masks == 1)) for t in thresholds]
    either = [np.sum((probability > t) | (masks == 1)) for t in thresholds]
    ious = np.divide(both, either)
    answer = call(my_threshold, probability, masks, thresholds)
    if np.shape(answer) != ():
        return f"You return an array of shape {np.shape(answer)}; return one threshold."
    value, right = number(answer), thresholds[np.argmax(ious)]
    accuracy = [np.mean((probability > t) == masks) for t in thresholds]
    if np.isclose(value, right):
        return None
    if np.isclose(value, np.argmax(ious)) and isinstance(answer, (int, np.integer)):
        return "This is the place of the best threshold in the list; return the threshold that stands there."
    if np.isclose(value, ious.max()):
        return "This is the highest IoU itself; return the threshold that gives it."
    if np.isclose(value, thresholds[np.argmax(accuracy)]):
        return "This threshold has the highest pixel accuracy; choose by IoU."
    if np.isclose(value, thresholds[np.argmin(ious)]):
        return "This threshold has the lowest IoU: look for the largest value, not the smallest."
    if not np.isclose(thresholds, value).any():
        return f"{value:g} is not one of the thresholds; return one from the list."
    return (
        f"The best threshold of a small example is {right:.2f}, you return {value:.2f}. Pool the pixels of all images."
    )


# ---- 05 visualizing ----------------------------------------------------------------------------------------------------


@check
def error_kinds(answer):
    """The two kinds of wrong pixels: ``answer(truth, mask)`` returns bool arrays ``missed`` and ``invented``."""
    truth, mask = np.zeros((8, 8, 1), np.uint8), np.zeros((8, 8, 1), np.uint8)
    truth[1:6, 1:5], mask[2:7, 1:5] = 1, 1
    mask[0, 6:8] = 1  # missed: 4 pixels; invented: 4 + 2
    missed, invented = (truth == 1) & (mask == 0), (truth == 0) & (mask == 1)
    result = call(answer, truth.copy(), mask.copy())
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return "Return two arrays: first the missed pixels, then the invented ones."
    if any(part is None for part in result):
        raise Waiting
    first, second = map(np.asarray, result)
    for what, part in (("missed", first), ("invented", second)):
        if part.shape != truth.shape:
            return f"`{what}` has the shape {part.shape}; one value a pixel is wanted, {truth.shape}."
    if 255 in (first.max(), second.max()):
        return "Some values are 255: in uint8, 0 - 1 wraps round to 255. Compare the masks instead of subtracting them."
    if min(first.min(), second.min()) < 0:
        return "Some values are -1: a difference holds both kinds at once, told apart by sign. Compare, for each kind alone."
    first, second = first.astype(bool), second.astype(bool)
    if np.array_equal(first, missed) and np.array_equal(second, invented):
        return None
    if np.array_equal(first, invented) and np.array_equal(second, missed):
        return "The two are swapped. Missed: shape in the truth, ground in the mask. Invented: the other way round."
    wrong = missed | invented
    if np.array_equal(first, wrong) or np.array_equal(second, wrong):
        return "One of your arrays holds all wrong pixels. Tell the two kinds apart: who says shape, the truth or the mask?"
    if np.array_equal(first, truth == 1) or np.array_equal(second, mask == 1):
        return "A pixel on which both agree is no error. Ask what the other mask says about the same pixel."
    right = f"it should be {missed.sum()} and {invented.sum()}"
    return f"You count {first.sum()} missed and {second.sum()} invented pixels; {right}."


@check
def calibration_bin(answer):
    """One bin of a reliability diagram: ``answer(truth, probability, low, high)``, mean probability and share of shape."""
    rng = np.random.default_rng(5)
    probability = rng.random((4, 9, 9, 1)).round(3)
    truth = (rng.random(probability.shape) < 0.6 * probability).astype(np.uint8)
    probability[0, 0, :2, 0] = 0.2, 0.4
    for low, high in ((0.2, 0.4), (0.6, 0.7)):
        result = call(answer, truth.copy(), probability.copy(), low, high)
        if np.shape(result) != (2,):
            return "Return two numbers: the mean probability of the bin's pixels, and the share of them that is shape."
        inside = (probability >= low) & (probability < high)
        mean, share = probability[inside].mean(), truth[inside].mean()
        if np.allclose(np.asarray(result, float), (mean, share), atol=1e-9):
            continue
        first, second = (number(value) for value in result)
        if np.allclose((first, second), (share, mean)):
            return "The two are swapped: first the mean probability, then the share of shape."
        if np.isclose(second, truth[inside].sum()):
            return "The second number is how many of the bin's pixels are shape; divide by the size of the bin."
        if np.isclose(second, truth[inside].sum() / truth.size):
            return "You divide by all pixels; the share is taken among the bin's pixels only."
        if np.isclose(second, inside.mean()):
            return "The second number is the share of pixels that fall into the bin. Ask how many of those are shape."
        if np.isclose(second, truth.mean()):
            return "The second number is the share of shape among all pixels; take the bin's pixels only."
        if np.isclose(second, np.mean((probability[inside] > 0.5) == truth[inside])):
            return "The second number is how many of the bin's pixels the mask gets right; count those that are shape instead."
        if np.isclose(first, (low + high) / 2) and np.isclose(second, share):
            return "The first number is the middle of the bin; take the mean of the probabilities that fall into it."
        limits = ((probability > low) & (probability <= high), (probability >= low) & (probability <= high))
        if any(np.allclose((first, second), (probability[i].mean(), truth[i].mean())) for i in limits):
            return "A pixel exactly on a limit is in the wrong bin: low belongs to the bin, high to the next one."
        right = f"expected are {mean:.3f} and {share:.3f}"
        return f"For {low} <= p < {high} you give {first:.3f} and {second:.3f}; {right}."
    return None
