"""The answers to the exercises of notebook 03 building."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from utils import unet
from utils.checks.base import Waiting, call, check, number

_MAKES_LARGER = (layers.UpSampling2D, layers.Conv2DTranspose, layers.Resizing)
_PADDING_HINTS = dict.fromkeys((20, 22), " Each 3x3 convolution takes 2 pixels off unless it has padding='same'.")


@check
def double_conv(answer):
    """Two 3x3 convolutions, each followed by a ReLU: ``answer(x, filters)``."""
    generator = np.random.default_rng(0)
    image, other = generator.random((2, 24, 24, 3), dtype=np.float32)
    dotted, change = image.copy(), 4 * other - 2
    dotted[12, 12] += 5  # so we see how far the influence of one pixel reaches
    result = call(answer, np.stack([image, dotted, image + change, image - change]), 16)
    if isinstance(result, (tuple, list)):
        return f"Return the features alone; your function returned {len(result)} things."
    features = np.asarray(result)
    if features.ndim != 4:
        return f"The result has the shape {features.shape}; it should be a batch of feature maps, (N, H, W, filters)."
    complaint = _channels_and_size("The result", features, 24)
    if complaint:
        return complaint
    reach = np.flatnonzero(np.abs(features[1] - features[0]).max(axis=(1, 2)) > 1e-6)
    rows = np.ptp(reach) + 1 if reach.size else 0
    if rows != 5:
        reason = {
            0: "Does x go through both convolutions?",
            1: "The kernels see a single pixel; they should be 3x3.",
            3: "That is one convolution. Feed what the first one returns to a second one.",
        }.get(rows, "That is more than two 3x3 convolutions.")
        return f"One changed pixel reaches {rows} x {rows} pixels of the result; it should be 5 x 5. {reason}"
    # Without a ReLU inside, going the same way forward and back changes the result by opposite amounts.
    above = (features[[0, 2, 3]] > 1e-3).all(axis=0)
    straight = np.allclose((features[2] + features[3])[above], 2 * features[0][above], rtol=1e-3)
    if features.min() < 0:
        where = (
            "No ReLU is there at all; each convolution needs one."
            if straight
            else "Something cuts off after the first convolution."
        )
        return f"The result has negative values: a ReLU is missing after the second convolution. {where}"
    if straight:
        return (
            "Nothing is cut off between the convolutions: a ReLU is missing after the first one, so the two do no more than "
            "one 5x5 convolution."
        )
    return None


@check
def strided_level(answer):
    """An encoder level that goes down with a strided convolution: ``answer(x, filters) -> (skip, down)``."""
    generator = np.random.default_rng(0)
    images = np.repeat(generator.random((1, 24, 24, 3), dtype=np.float32), 3, axis=0)
    images[1, 12, 12] += 5  # these two differ from the first in one pixel, so we see how far its influence reaches
    images[2, 11, 11] += 5
    result = call(answer, images, 16)
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return f"Return two things, (skip, down); your function returned {type(result).__name__}."
    if any(part is None for part in result):
        raise Waiting
    skip, down = (np.asarray(part) for part in result)
    if skip.ndim == down.ndim == 4 and skip.shape[1] < down.shape[1]:
        return "The order is (skip, down): first the features at full size, then the smaller ones."
    hints = {11: " The strided convolution needs padding='same' too.", 24: " Give the last convolution strides=2."}
    for what, features, size in (("skip", skip, 24), ("down", down, 12)):
        complaint = _channels_and_size(what, features, size, hints)
        if complaint:
            return complaint
    for what, features in (("skip", skip), ("down", down)):
        if features.min() < 0:
            return f"{what} has negative values: a ReLU is missing after its last convolution."
    pooled = skip.reshape(3, 12, 2, 12, 2, 16)
    if np.allclose(down, pooled.max(axis=(2, 4)), atol=1e-5) or np.allclose(down, pooled.mean(axis=(2, 4)), atol=1e-5):
        return "down is a pooled skip. Here a convolution with strides=2 shall learn how to go down."
    reach = np.flatnonzero(np.abs(skip[1] - skip[0]).max(axis=(1, 2)) > 1e-6)
    if np.ptp(reach) < 4:
        return "One changed pixel reaches 3 x 3 pixels of skip: that is one convolution. A double convolution reaches 5 x 5."
    rows = sorted(np.ptp(np.flatnonzero(np.abs(down[k] - down[0]).max(axis=(1, 2)) > 1e-6)) + 1 for k in (1, 2))
    return {
        (1, 2): "down does not come from skip. Feed skip to the strided convolution.",
        (2, 3): "The strided convolution has a 1x1 kernel and looks at one pixel in four only; give it a 3x3 kernel.",
        (3, 3): "The strided convolution has a 2x2 kernel; give it a 3x3 kernel.",
        (4, 4): "down has been pooled. Give the third convolution strides=2 and leave the pooling out.",
        (5, 5): "down has been pooled. Give the third convolution strides=2 and leave the pooling out.",
    }.get(tuple(rows))


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


@check
def crop_mask(answer):
    """The centred part of masks: ``answer(masks, size)`` with ``(N, H, W, 1)`` gives ``(N, size, size, 1)``."""
    for side, size in ((16, 6), (20, 8), (10, 8)):
        masks = np.arange(2 * side * side).reshape(2, side, side, 1)  # every value tells where it was
        border = (side - size) // 2
        right = masks[:, border : border + size, border : border + size]
        result = np.asarray(call(answer, masks.copy(), size))
        if result.shape == right.shape and np.array_equal(result, right):
            continue
        return f"For masks {masks.shape} and size={size}: {_crop_mistake(masks, size, border, result)}"
    return None


@check
def skips(answer):
    """A U-Net whose skips are taken before the pooling: ``answer(input_shape, depth, base)`` returns a model."""
    for side, depth, base in ((32, 2, 4), (48, 3, 2)):
        model = call(answer, (side, side, 3), depth, base)
        if not isinstance(model, keras.Model):
            return f"Return a keras.Model; your function returned {type(model).__name__}."
        if model.output_shape[1:] != (side, side, 1):
            return f"For {side} x {side} pixels the output is {model.output_shape[1:]}; it should be {(side, side, 1)}."
        complaint = _skip_mistake(model, side, depth)
        if complaint:
            return f"For {side} x {side} pixels and depth={depth}: {complaint}"
        wanted = unet.build_unet((side, side, 3), depth=depth, base=base, norm="none").count_params()
        if model.count_params() != wanted:
            return (
                f"The skips are right, but the model has {model.count_params():,} parameters where `build` has {wanted:,}. "
                "Keep everything else as it was."
            )
    return None


@check
def heads(answer):
    """The heads of three tasks: ``{task: (channels, activation, loss)}``."""
    answer = call(answer)
    if any(answer.get(task) is None for task in _HEADS):
        raise Waiting
    for task, right in _HEADS.items():
        head = answer[task]
        if isinstance(head, str) or len(head) != 3:
            return f"{task}: give three things, (channels, activation, loss); you gave {head!r}."
        if tuple(head) not in right:
            return f"{task}: {_head_mistake(task, *head)}"
    return None


_HEADS = {
    "leaf": [(1, "sigmoid", "binary_crossentropy"), (2, "softmax", "sparse_categorical_crossentropy")],
    "street": [(4, "softmax", "sparse_categorical_crossentropy")],
    "chest": [(3, "sigmoid", "binary_crossentropy")],
}
"""The tasks of the exercise "choose the head", each with the heads that fit; the paper's network has two channels."""


# ---- Which mistake is it? ----------------------------------------------------------------------------------------------


def _channels_and_size(what, features, size, hints=()):
    """What is wrong with the shape of features made from 24 x 24 pixels with ``filters=16``; None if nothing is."""
    if features.shape[-1] != 16:
        return (
            f"{what} has {features.shape[-1]} channels; asked for were filters=16. Give `filters` to each convolution."
        )
    if features.shape[1:3] != (size, size):
        given = f"{features.shape[1]} x {features.shape[2]}"
        hint = (_PADDING_HINTS | dict(hints)).get(features.shape[1], "")
        return f"{what} is {given} for a 24 x 24 image; it should be {size} x {size}.{hint}"
    return None


def _crop_mistake(masks, size, border, result):
    """What went wrong where masks, which count their pixels, should have been cropped."""
    side, total = masks.shape[1], 2 * border
    if result.ndim != 4:
        return f"the result has the shape {result.shape}; keep all four axes, (N, H, W, 1)."
    if result.shape[0] != 2 or result.shape[3] != 1:
        return (
            f"the result has the shape {result.shape}. The first axis counts the masks; crop the second and the third."
        )
    rows, columns = result.shape[1:3]
    if (rows, columns) in ((size, side), (side, size)):
        return f"only the {'rows' if rows == size else 'columns'} are cropped; the other axis still has {side} pixels."
    if (rows, columns) != (size, size):
        reason = {
            side: "Nothing was cut off.",
            side - border: f"You cut {border} pixels off one end only; cut them off both.",
            max(size - border, 0): "A slice ends at start + size, not at size.",
            max(side - 2 * total, 0): f"{total} is what goes in all, half of it on each side.",
            size + 1: "That is one row too many.",
            size - 1: "That is one row too few.",
        }.get(rows, "")
        return f"the result is {rows} x {columns}; it should be {size} x {size}. {reason}".rstrip()
    if not ((np.diff(result, axis=1) == side).all() and (np.diff(result, axis=2) == 1).all()):
        return (
            "the result has the right size, but pixels that were not neighbours are neighbours now. It looks resized: the "
            "whole mask made smaller. Cut, do not shrink."
        )
    top, left = divmod(int(result[0, 0, 0, 0]), side)
    places = {0: "in the upper left corner", total: "in the lower right corner"}
    if top == left and top in places:
        return f"you cut the window out {places[top]}. The network loses as much on each side, so take the middle."
    if max(abs(top - border), abs(left - border)) == 1:
        return (
            f"off by one: you begin at row {top}, column {left}; {border} pixels go on each side, so begin at {border}."
        )
    return f"you begin at row {top}, column {left}; {border} pixels go on each side, so begin at {border}."


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


def _skip_mistake(model, side, depth):
    """What is wrong with the skips of a U-Net, level by level; None if nothing is."""
    producers = {id(layer.output): layer for layer in model.layers}
    joints = [layer for layer in model.layers if isinstance(layer, layers.Concatenate)]
    if len(joints) != depth:
        return f"the model concatenates {len(joints)} times; {depth} levels need {depth} skips."
    sizes = sorted((joint.output.shape[1] for joint in joints), reverse=True)
    if sizes != [side // 2**k for k in range(depth)]:
        met = ", ".join(map(str, sizes))
        return (
            f"the features meet at {met} pixels, and at full size ({side}) nothing arrives from the encoder. Take the skip "
            "before the pooling, and upsample before you concatenate."
        )
    for joint in joints:
        size = joint.output.shape[1]
        level = (side // size).bit_length()
        branches = [_before(tensor, producers) for tensor in joint.input]
        plain = [branch for branch in branches if not any(isinstance(layer, _MAKES_LARGER) for layer in branch)]
        if not plain:
            return (
                f"at {size} pixels both branches have been upsampled: the skip was taken after a pooling and enlarged again, "
                "so its detail is gone. Take it before the pooling."
            )
        if len(plain) == len(branches):
            return f"at {size} pixels both branches come from the way down; one must come up from below."
        convolutions = sum(isinstance(layer, layers.Conv2D) for layer in plain[0])
        if convolutions != 2 * level:
            return (
                f"the skip at {size} pixels has passed {convolutions} convolutions; it should pass all {2 * level} up to its "
                "level's end."
            )
    return None


def _head_mistake(task, channels, activation, loss):
    """What is wrong with a head for one of the three tasks."""
    if "relu" in (activation if isinstance(activation, (tuple, list)) else str(activation).lower()):
        return "a ReLU cuts negative logits off, so the sigmoid after it never gives less than .5. Leave the ReLU out."
    if activation not in ("sigmoid", "softmax"):
        return f"the activation is {activation!r}; choose 'sigmoid' or 'softmax'."
    if activation == "softmax" and channels == 1:
        return "a softmax over a single channel is 1 for every pixel, whatever the logit. Use a sigmoid."
    if task == "street" and activation == "sigmoid":
        return "a pixel is exactly one of the classes. Sigmoids do not know of each other: two of them can say yes at once."
    if task == "chest" and activation == "softmax":
        return "a softmax shares out a total of 1. Where heart and lung overlap both should be near 1: use sigmoids."
    if task == "street" and channels == 3:
        return "3 channels leave none for the pixels that are neither road nor pavement nor car. They are a class too."
    if task == "chest" and channels == 4:
        return "'none of them' needs no channel here: all three sigmoids may be low at once."
    if task == "leaf" and activation == "sigmoid" and channels == 2:
        return "one sigmoid says leaf or not; a second one would have to repeat it. The masks have one channel."
    if (channels, activation) not in [head[:2] for head in _HEADS[task]]:
        return f"{channels!r} channels do not fit; think of what one pixel can be, and count."
    if activation == "softmax" and loss == "categorical_crossentropy":
        return "'categorical_crossentropy' wants one-hot labels, one channel a class. These labels are class numbers."
    if activation == "sigmoid":
        return f"the loss {loss!r} does not go with a sigmoid: each channel is a yes or no of its own."
    return f"the loss {loss!r} does not go with a softmax and class numbers; look for it in the table."
