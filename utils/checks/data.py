"""The answers to the exercises of notebook 02 data."""

from __future__ import annotations

import numpy as np

from utils.checks.base import call, check, number


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
