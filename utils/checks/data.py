"""The answers to the exercises of notebook 02 data."""

from __future__ import annotations

import dataclasses

import numpy as np

from utils import shapes
from utils.checks.base import call, check, number

BLIND = 45
"""Side in pixels of the window that must not tell the middle of the reader's scene from bare ground."""


@check
def blind_window(answer):
    """Check the reader's ``answer()``: the plan of one picture whose middle a window of 45 x 45 pixels takes for ground."""
    plan = call(answer)
    if isinstance(plan, shapes.Samples):
        return "You returned the painted picture. Return its plan; the check paints it."
    if not isinstance(plan, shapes.Plan):
        return f"You returned a {type(plan).__name__}; return a plan, such as vary(...) gives."
    if len(plan) != 1:
        return f"The plan describes {len(plan)} pictures; give the plan of one."
    if not plan.present.any():
        return "There is no shape in the plan, so there is nothing to miss. Set present to True for one of them."
    drawn, bare = (shapes.paint(p) for p in (plan, dataclasses.replace(plan, present=np.zeros_like(plan.present))))
    middle = drawn.masks.shape[1] // 2
    if not drawn.masks[0, middle, middle, 0]:
        return (
            "The middle of the picture is ground in your mask, so a window that says ground is right. "
            "Put a shape there; the hole of a ring is ground."
        )
    rows, columns = np.nonzero(np.any(drawn.images != bare.images, axis=-1)[0])
    if not len(rows):
        return "Nothing of the outline is left in the picture, so nobody could find the shape. Make it smaller."
    nearest = np.maximum(np.abs(rows - middle), np.abs(columns - middle)).min()
    if nearest == 0 and drawn.styles[0, middle, middle] == shapes.STYLE_NAMES.index("filled"):
        return "The shape is filled: its colour shows in the middle, so the smallest window can tell. Draw its outline."
    if nearest == 0:
        return "The line itself runs through the middle of the picture. Move the shape so that the line keeps away from it."
    largest = 2 * nearest - 1
    if largest < BLIND:
        return (
            f"The windows look the same up to {largest} x {largest} pixels; {BLIND} x {BLIND} is asked for. "
            "Move the line further away from the middle, on all sides: the corners of the window meet it first where the "
            "line is round or turned."
        )
    return None


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
    if abs(number(answer(truth, empty))) > 1e-6:
        return "The empty mask against a truth with a shape must score 0."
    with np.errstate(all="ignore"):
        nothing = answer(empty, empty)
    if nothing is None or not abs(number(nothing) - 1) < 1e-6:
        return "Where mask and truth are both empty, the union is 0 pixels. They agree, so return 1 in that case."
    return None


@check
def one_hot(answer):
    """Check the reader's ``answer(classes, count)``: one channel per class, ``(H, W)`` to ``(H, W, count)``."""
    classes, count = np.array([[0, 2, 2], [3, 0, 2], [3, 3, 0], [0, 0, 2]], np.uint8), 6
    right = (classes[..., None] == np.arange(count)).astype(float)
    given = np.asarray(call(answer, classes.copy(), count))
    if given.shape in (classes.shape, (*classes.shape, 1)):
        values = given.reshape(classes.shape).astype(float)
        if np.allclose(values, classes / classes.max()) or np.allclose(values, classes / (count - 1)):
            return (
                "You divided the ids by a maximum. A class id is a name, not an amount: between 0 and 1 there is room for one "
                "question only. Make a channel of 0 and 1 for each class."
            )
        return f"There is one value a pixel, shape {given.shape}; asked for is one channel per class, (4, 3, 6)."
    if given.shape == (count, *classes.shape):
        return "The channels come first, shape (6, 4, 3). Keras has them last: (4, 3, 6)."
    if given.shape == (*classes.shape, count - 1):
        return "The ground has no channel: there are 5 of 6. Softmax must be able to answer ground too."
    if given.shape == (*classes.shape, len(np.unique(classes))):
        return (
            "You made channels for the classes of this one map only. Another map would give another shape; "
            "make one for each of 0 to count - 1."
        )
    if given.shape != right.shape:
        return f"The shape is {given.shape}; a map of (4, 3) and 6 classes make (4, 3, 6)."
    given = given.astype(float)
    mistakes = (
        (
            right * np.arange(count),
            "Channel k holds the number k where the class is. Each channel asks yes or no: 0 or 1.",
        ),
        (1 - right, "Your channels are turned over: 1 where the class is not."),
        (255 * right, "Your channels hold 0 and 255; they should hold 0 and 1."),
        (
            right @ np.eye(count, k=-1),
            "Channel 0 does not show the ground but the next class. Channel k shows class k.",
        ),
    )
    for wrong, words in mistakes:
        if np.array_equal(given, wrong):
            return words
    if not np.array_equal(given, right):
        row, column = np.argwhere(np.any(given != right, axis=-1))[0]
        found = ", ".join(f"{value:g}" for value in given[row, column])
        return (
            f"A pixel of class {classes[row, column]} holds {found}; it needs one 1, in channel {classes[row, column]}."
        )
    return None


@check
def split_by_scene(answer):
    """Check the reader's ``answer(scene_of)``: picture numbers for training and for the test, whole scenes in each."""
    generator = np.random.default_rng(4)
    for scenes in (np.arange(12), 10 + 4 * generator.permutation(20)[:8]):
        shots = generator.integers(3, 8, len(scenes))
        scene_of = generator.permutation(np.repeat(scenes, shots))
        given = call(answer, scene_of.copy())
        if not isinstance(given, (tuple, list)) or len(given) != 2:
            return "Return two things: the numbers of the training pictures and those of the test pictures."
        train, test = (np.asarray(part) for part in given)
        if train.dtype == bool or test.dtype == bool:
            return "You returned True and False. Return picture numbers; np.flatnonzero turns one into the other."
        if not all(np.issubdtype(part.dtype, np.integer) for part in (train, test) if part.size):
            return "Picture numbers must be whole numbers; use .astype(int)."
        complaint = _split_complaint(scene_of, train.ravel().tolist(), test.ravel().tolist())
        if complaint:
            return complaint
    return None


def _split_complaint(scene_of, train, test):
    """What is wrong with a split into picture numbers, or None."""
    scenes, pictures = set(scene_of.tolist()), set(range(len(scene_of)))
    if not train or not test:
        some = ", ".join(map(str, sorted(scenes)[:4]))
        return f"One of the parts is empty. The scenes here are numbered {some} and so on; take them from np.unique(scene_of)."
    if set(train) | set(test) == scenes:
        return "These are the numbers of scenes. Return the numbers of the pictures that belong to them."
    if set(train) & set(test):
        return f"{len(set(train) & set(test))} pictures are in both parts."
    if set(train) | set(test) != pictures or len(train) + len(test) != len(pictures):
        return (
            f"The parts must hold each of the {len(pictures)} pictures once; yours hold {len(train)} and {len(test)}."
        )
    in_train, in_test = (set(scene_of[part].tolist()) for part in (train, test))
    if in_train & in_test:
        return (
            f"{len(in_train & in_test)} of {len(scenes)} scenes have pictures in both parts: memory would pass this test. "
            "Choose scenes first, then take all of their pictures."
        )
    quarter = len(scenes) // 4
    if len(in_train) == quarter:
        return "The parts are swapped: a quarter of the scenes is for the test, the rest for training. Training comes first."
    if len(in_test) != quarter:
        return f"The test holds {len(in_test)} of {len(scenes)} scenes; a quarter is {quarter}."
    return None


@check
def ready_mask(answer):
    """Check the reader's ``answer(loaded)``: a mask of 0..255, ``(H, W)``, becomes one of 0 and 1, ``(H, W, 1)``."""
    sharp = np.zeros((5, 4), np.uint8)
    sharp[1:4, 1:3] = 255
    faint = np.array([[0, 1, 60, 0], [60, 127, 128, 1], [60, 200, 190, 60], [0, 128, 127, 60], [0, 0, 1, 0]], np.uint8)
    rim = np.where(sharp == 255, 255, faint)
    cases = {
        "with 0 and 255": sharp,
        "without a shape": np.zeros_like(sharp),
        "that is faint": faint,
        "with a soft rim": rim,
    }
    dtype = None
    for name, loaded in cases.items():
        with np.errstate(all="ignore"):
            result = np.asarray(call(answer, loaded.copy()))
        complaint = _mask_complaint(result, loaded)
        if complaint:
            return f"For a mask {name}: {complaint}"
        dtype = result.dtype
    if dtype not in (np.uint8, np.bool_, np.float32):
        return f"The values are right, but the dtype is {dtype}; check_arrays takes uint8. Use mask.astype('uint8')."
    return None


def _mask_complaint(result, loaded):
    """What is wrong with a mask that was made ready for training, or None."""
    if result.shape == loaded.shape:
        return f"the channel axis is missing; the shape is {result.shape} and should be (5, 4, 1). Use mask[..., None]."
    if result.shape != (*loaded.shape, 1):
        return f"the shape is {result.shape}; it should be (5, 4, 1)."
    values, right = result[..., 0].astype(float), (loaded >= 128).astype(float)
    if not np.isfinite(values).all():
        return "there are NaN. You divided by its largest value, which is 0 here. Compare with a fixed value instead."
    if values.max() > 1:
        return f"it still holds values up to {values.max():g}; 0 and 1 are wanted."
    if not np.isin(values, (0, 1)).all():
        if loaded.max() < 255 and np.allclose(values, loaded / loaded.max()):
            return f"you divided by its own largest value, {loaded.max()}, so another mask is scaled in another way."
        return "in-between values are left. Dividing keeps them; decide for each pixel, shape or ground."
    mistakes = (
        (1 - right, "ground and shape are swapped: 1 is the shape."),
        (loaded > 0, "every value above 0 became shape, so the shape grew by the whole soft rim. Cut at 128."),
        (
            loaded == 255,
            "only 255 became shape (a division, then whole numbers, does that), so the rim is lost. Cut at 128.",
        ),
        (loaded > loaded.max() / 2, "you cut at half of its own largest value. Cut every mask at the same value, 128."),
    )
    for wrong, words in mistakes:
        if np.array_equal(values, wrong) and not np.array_equal(wrong, right):
            return words
    if not np.array_equal(values, right):
        return f"{int((values != right).sum())} of 20 pixels are wrong. From 128 on a pixel is shape, up to 127 it is ground."
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
