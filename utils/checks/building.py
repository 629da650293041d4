"""The answers to the exercises of notebook 03 building."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from utils import unet
from utils.checks.base import Waiting, call, check, judge, number, parts

_MAKES_LARGER = (layers.UpSampling2D, layers.Conv2DTranspose, layers.Resizing)


@check
def double_conv(answer):
    """Two 3x3 convolutions, each followed by a ReLU: ``answer(x, filters)``."""
    image, other = np.random.default_rng(0).random((2, 24, 24, 3), dtype=np.float32)
    dotted, change = image.copy(), 4 * other - 2
    dotted[12, 12] += 5  # to see how far the influence of one pixel reaches
    result = call(answer, np.stack([image, dotted, image + change, image - change]), 16)
    if isinstance(result, (tuple, list)):
        yield f"Return the features alone; your function returned {len(result)} things."
    features = np.asarray(result)
    yield _size_mistake("The result", features, 24)
    rows = _reach(features[1] - features[0])
    reason = {
        0: "Does x go through both convolutions?",
        1: "The kernels see a single pixel; they should be 3x3.",
        3: "That is one convolution. Feed what the first one returns to a second one.",
    }.get(rows, "That is more than two 3x3 convolutions.")
    if rows != 5:
        yield f"One changed pixel reaches {rows} x {rows} pixels of the result; it should be 5 x 5. {reason}"
    # Without a ReLU inside, going the same way forward and back changes the result by opposite amounts.
    above = (features[[0, 2, 3]] > 1e-3).all(axis=0)
    straight = np.allclose((features[2] + features[3])[above], 2 * features[0][above], rtol=1e-3)
    if features.min() < 0 and straight:
        yield "The result has negative values: no ReLU is there at all; each convolution needs one."
    if features.min() < 0:
        yield "The result has negative values: a ReLU is missing after the second convolution."
    if straight:
        yield "A ReLU is missing after the first convolution: without it the two can do no more than one 5x5 convolution."


@check
def strided_level(answer):
    """An encoder level that goes down with a strided convolution: ``answer(x, filters) -> (skip, down)``."""
    images = np.repeat(np.random.default_rng(0).random((1, 24, 24, 3), dtype=np.float32), 3, axis=0)
    images[1, 12, 12] += 5  # these two differ from the first in one pixel, to see how far its influence reaches
    images[2, 11, 11] += 5
    skip, down = map(np.asarray, parts(call(answer, images, 16), 2, "Return two things, (skip, down)."))
    if skip.ndim == down.ndim == 4 and skip.shape[1] < down.shape[1]:
        yield "The order is (skip, down): first the features at full size, then the smaller ones."
    for what, features, size in (("skip", skip, 24), ("down", down, 12)):
        yield _size_mistake(what, features, size)
        if features.min() < 0:
            yield f"{what} has negative values: a ReLU is missing after its last convolution."
    windows = skip.reshape(3, 12, 2, 12, 2, 16)
    if any(np.allclose(down, pool(windows, axis=(2, 4)), atol=1e-5) for pool in (np.max, np.mean)):
        yield "down is a pooled skip. Here a convolution with strides=2 is to learn how to go down."
    if _reach(skip[1] - skip[0]) < 5:
        yield "One changed pixel reaches 3 x 3 pixels of skip: that is one convolution. A double convolution reaches 5 x 5."
    pooled = "down has been pooled. Give the third convolution strides=2 and leave the pooling out."
    yield {
        (1, 2): "down does not come from skip. Feed skip to the strided convolution.",
        (2, 3): "The strided convolution has a 1x1 kernel and looks at one pixel in four only; give it a 3x3 kernel.",
        (3, 3): "The strided convolution has a 2x2 kernel; give it a 3x3 kernel.",
        (4, 4): pooled,
        (5, 5): pooled,
    }.get(tuple(sorted(_reach(down[k] - down[0]) for k in (1, 2))))


def _reach(change):
    """How many rows of features ``(H, W, C)`` a change has reached."""
    rows = np.flatnonzero(np.abs(change).max(axis=(1, 2)) > 1e-6)
    return int(np.ptp(rows)) + 1 if rows.size else 0


def _size_mistake(what, features, size):
    """What is wrong with the shape of features made from 24 x 24 pixels with ``filters=16``; None if nothing is."""
    if features.ndim != 4:
        return f"{what} has the shape {features.shape}; it should be a batch of feature maps, (N, H, W, filters)."
    _, height, width, channels = features.shape
    if channels != 16:
        return f"{what} has {channels} channels; with filters=16 it should have 16. Give `filters` to each convolution."
    if (height, width) == (size, size):
        return None
    unpadded = " Each 3x3 convolution takes 2 pixels off unless it has padding='same'."
    hints = {20: unpadded, 22: unpadded, 24: " Give the last convolution strides=2."}
    hints[11] = " The strided convolution needs padding='same' too."
    return f"{what} is {height} x {width} for a 24 x 24 image; it should be {size} x {size}.{hints.get(height, '')}"


@check
def double_conv_parameters(answer):
    """The number of parameters of a double 3x3 convolution: ``answer(inputs, filters)``."""
    for inputs, filters in ((3, 8), (64, 128), (192, 64)):
        image, first, second = keras.Input((8, 8, inputs)), 9 * inputs * filters, 9 * filters * filters
        right = keras.Model(image, unet.double_conv(image, filters, "block")).count_params()
        kernel_of_3 = (first + second) // 3 + 2 * filters
        mistakes = (
            (first + second, "The biases are missing: each convolution has one for every channel it makes."),
            (2 * (first + filters), "The second convolution gets the channels that the first one made, not the input."),
            (first + filters, "That is the first convolution alone; the block has two."),
            (kernel_of_3, "A 3x3 kernel has 9 weights for each pair of channels, not 3."),
            (first + second + 2, "A convolution has one bias for every channel it makes, not a single one."),
        )
        value = number(call(answer, inputs, filters))
        case = f"For {inputs} channels in and {filters} out you say {value:,.0f}, but Keras counts {right:,}. "
        rule = "Weights: 3 * 3 * channels in * channels out, twice; biases: channels out, twice."
        yield judge(value, right, mistakes, case=case, otherwise=rule, rtol=0)


@check
def crop_mask(answer):
    """The centred part of masks: ``answer(masks, size)`` with ``(N, H, W, 1)`` gives ``(N, size, size, 1)``."""
    for side, size in ((16, 6), (20, 8), (10, 8)):
        masks = np.arange(2 * side * side).reshape(2, side, side, 1)  # every value tells where it was
        border = (side - size) // 2
        squares = {
            side: "Nothing was cut off.",
            side - border: f"You cut {border} pixels off one end only; cut them off both.",
            max(size - border, 0): "A slice ends at start + size, not at size.",
            max(size - 2 * border, 0): f"{2 * border} pixels go in all, half of them on each side.",
            size + 1: "That is one row too many.",
            size - 1: "That is one row too few.",
        }
        shapes = {(2, n, n, 1): f"The result is {n} x {n}, not {size} x {size}. {why}" for n, why in squares.items()}
        shapes |= {
            (2, size, side, 1): "Only the rows are cropped; crop the columns too.",
            (2, side, size, 1): "Only the columns are cropped; crop the rows too.",
            (0, size, side, 1): "The first axis counts the masks; crop the second and the third.",
            (2, size, size): "Keep all four axes, (N, H, W, 1).",
        }
        result = np.asarray(call(answer, masks, size))
        right = masks[:, border : border + size, border : border + size]
        otherwise = _place_mistake(result, side, border) if result.shape == right.shape else None
        case = f"For masks {masks.shape} and size={size}: "
        yield judge(result, right, (), shapes, case, otherwise)


def _place_mistake(result, side, border):
    """Where a crop of the right size was cut out, if it was cut out of the masks, which count their pixels."""
    if not ((np.diff(result, axis=1) == side).all() and (np.diff(result, axis=2) == 1).all()):
        return "Pixels that were not neighbours are neighbours now. It looks resized. Cut, do not shrink."
    top, left = divmod(int(result[0, 0, 0, 0]), side)
    places = {(0, 0): "in the upper left corner", (2 * border, 2 * border): "in the lower right corner"}
    if (top, left) in places:
        return f"You cut the window out {places[top, left]}. The network loses as much on each side: take the middle."
    near = "Off by one: you" if max(abs(top - border), abs(left - border)) == 1 else "You"
    return f"{near} begin at row {top}, column {left}; {border} pixels go on each side, so begin at {border}."


@check
def whole_unet(answer):
    """The series' U-Net in plain Keras: ``answer(input_shape, depth, base)`` returns a model."""
    for side, depth, base in ((32, 2, 4), (48, 3, 2)):
        model = call(answer, (side, side, 3), depth, base)
        if not isinstance(model, keras.Model):
            yield f"Return a keras.Model; your function returned {type(model).__name__}."
        if model.output_shape[1:] != (side, side, 1):
            yield f"For {side} x {side} pixels the output is {model.output_shape[1:]}; it should be {(side, side, 1)}."
        for complaint in _skip_mistakes(model, side, depth):
            yield f"For {side} x {side} pixels and depth={depth}: {complaint}"
        right, plain = (
            unet.build_unet((side, side, 3), depth=depth, base=base, norm=norm) for norm in ("batch", "none")
        )
        count, wanted, bare = (network.count_params() for network in (model, right, plain))
        yield {
            wanted: None,
            bare: "The skips are right, but no normalisation is there: add one after each convolution, without its bias.",
            wanted
            + (wanted - bare) // 3: "Leave out the biases (use_bias=False): the normalisation subtracts them again.",
        }.get(count, f"The skips are right, but {count:,} parameters are not the library's {wanted:,}.")
        if not np.allclose(_answer_to_known_weights(model), _answer_to_known_weights(right), atol=1e-4):
            yield (
                "Skips and parameters are right, but for the same weights the output is not the library's. After each "
                "convolution come normalisation, then ReLU; the way up repeats pixels; the head has a sigmoid."
            )


def _answer_to_known_weights(model):
    """What a network answers if its weights are the same for all channels, so that their order does not matter."""
    rng, known = np.random.default_rng(1), []
    for weight in model.get_weights():
        kernel = weight.ndim == 4
        one = rng.uniform(-0.5, 0.9, (*weight.shape[:2], 1, 1)) if kernel else rng.uniform(0.5, 1.5)
        known.append(np.full(weight.shape, one / weight.shape[2] if kernel else one))
    model.set_weights(known)
    return np.asarray(model(rng.random((1, *model.input_shape[1:])), training=False))


def _skip_mistakes(model, side, depth):
    """What is wrong with the skips of a U-Net, level by level."""
    producers = {id(layer.output): layer for layer in model.layers}
    joints = [layer for layer in model.layers if isinstance(layer, layers.Concatenate)]
    if len(joints) != depth:
        yield f"The model concatenates {len(joints)} times; {depth} levels need {depth} skips."
    sizes = sorted((joint.output.shape[1] for joint in joints), reverse=True)
    if sizes != [side // 2**k for k in range(depth)]:
        yield (
            f"The features meet at {', '.join(map(str, sizes))} pixels, and at full size ({side}) nothing arrives from the "
            "encoder. Take the skip before the pooling, and upsample before you concatenate."
        )
    for joint, size in zip(joints, [joint.output.shape[1] for joint in joints]):
        branches = [_before(tensor, producers) for tensor in joint.input]
        plain = [branch for branch in branches if not any(isinstance(layer, _MAKES_LARGER) for layer in branch)]
        if not plain:
            yield (
                f"At {size} pixels both branches have been upsampled: the skip was taken after a pooling and enlarged again, "
                "so its detail is gone. Take it before the pooling."
            )
        if len(plain) == len(branches):
            yield f"At {size} pixels both branches come from the way down; one must come up from below."
        passed = sum(isinstance(layer, layers.Conv2D) for layer in plain[0])
        wanted = 2 * (side // size).bit_length()
        if passed != wanted:
            yield f"The skip at {size} pixels has passed {passed} convolutions; it should pass all {wanted} down to there."


def _before(tensor, producers):
    """The layers that a tensor has passed, the one that made it included."""
    passed, waiting = {}, [tensor]
    while waiting:
        layer = producers[id(waiting.pop())]
        if layer.name not in passed:
            passed[layer.name] = layer
            if not isinstance(layer, layers.InputLayer):
                waiting += layer.input if isinstance(layer.input, (list, tuple)) else [layer.input]
    return list(passed.values())


_HEADS = {
    "leaf": [(1, "sigmoid", "binary_crossentropy"), (2, "softmax", "sparse_categorical_crossentropy")],
    "street": [(4, "softmax", "sparse_categorical_crossentropy")],
    "chest": [(3, "sigmoid", "binary_crossentropy")],
}
"""The tasks of the exercise "choose the head", each with the heads that fit; the paper's network has two channels."""

_HEAD_MISTAKES = {
    ("street", "sigmoid"): "a pixel belongs to one class only, but two sigmoids can say yes at once. Use a softmax.",
    ("chest", "softmax"): "a softmax shares out a total of 1. Where heart and lung overlap both should be near 1.",
    ("street", 3): "3 channels leave none for pixels that are neither road nor pavement nor car. They are a class too.",
    ("chest", 4): "'none of them' needs no channel here: all three sigmoids may be low at once.",
    ("leaf", "sigmoid", 2): "one sigmoid says leaf or not; a second one would have to repeat it.",
}


@check
def heads(answer):
    """The heads of three tasks: ``{task: (channels, activation, loss)}``."""
    answer = call(answer)
    if any(answer.get(task) is None for task in _HEADS):
        raise Waiting
    for task, right in _HEADS.items():
        head = answer[task]
        if isinstance(head, str) or len(head) != 3:
            yield f"{task}: give three things, (channels, activation, loss); you gave {head!r}."
        if tuple(head) not in right:
            yield f"{task}: {_head_mistake(task, *head)}"


def _head_mistake(task, channels, activation, loss):
    """What is wrong with a head for one of the three tasks."""
    if "relu" in (activation if isinstance(activation, (tuple, list)) else str(activation).lower()):
        return (
            "a ReLU sets negative logits to zero, so the sigmoid after it never gives less than .5. Leave the ReLU out."
        )
    if activation not in ("sigmoid", "softmax"):
        return f"the activation is {activation!r}; choose 'sigmoid' or 'softmax'."
    if activation == "softmax" and channels == 1:
        return "a softmax over a single channel is 1 for every pixel, whatever the logit. Use a sigmoid."
    for mistake, sentence in _HEAD_MISTAKES.items():
        if set(mistake) <= {task, activation, channels}:
            return sentence
    if (channels, activation) not in [head[:2] for head in _HEADS[task]]:
        return f"{channels!r} channels do not fit; think of what one pixel can be, and count."
    if activation == "softmax" and loss == "categorical_crossentropy":
        return "'categorical_crossentropy' wants one-hot labels, one channel a class. These labels are class numbers."
    if activation == "sigmoid":
        return f"the loss {loss!r} does not go with a sigmoid: each channel is a yes or no of its own."
    return f"the loss {loss!r} does not go with a softmax and class numbers; look for it in the table."
