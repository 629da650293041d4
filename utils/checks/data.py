"""The answers to the exercises of notebook 02 data."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np

from utils import metrics, shapes
from utils.checks.base import call, check, judge, number, parts

BLIND = 45
"""Side in pixels of the window in which the middle of the reader's scene must look like bare background."""


@check
def blind_window(answer):
    """The plan of one image whose middle a window of 45 x 45 pixels takes for background: ``answer()``."""
    plan = call(answer)
    if isinstance(plan, shapes.Samples):
        yield "You returned the painted image. Return its plan; the check paints it."
    if not isinstance(plan, shapes.Plan):
        yield f"You returned a {type(plan).__name__}; return a plan, such as vary(...) gives."
    if len(plan) != 1:
        yield f"The plan describes {len(plan)} images; give the plan of one."
    if not plan.present.any():
        yield "There is no shape in the plan, so there is nothing to miss. Set present to True for one of them."
    drawn, bare = (shapes.paint(p) for p in (plan, dataclasses.replace(plan, present=np.zeros_like(plan.present))))
    middle = drawn.masks.shape[1] // 2
    if not drawn.masks[0, middle, middle, 0]:
        yield "The middle is background in your mask, as is the hole of a ring. Put a shape there."
    rows, columns = np.nonzero(np.any(drawn.images != bare.images, axis=-1)[0])
    if not len(rows):
        yield "Nothing of the outline is left in the image, so nobody could find the shape. Make it smaller."
    nearest = np.maximum(np.abs(rows - middle), np.abs(columns - middle)).min()
    if nearest == 0 and drawn.styles[0, middle, middle] == shapes.STYLE_NAMES.index("filled"):
        yield "The shape is filled: its colour shows in the middle, so the smallest window can tell. Draw its outline."
    if nearest == 0:
        yield "The line itself runs through the middle of the image. Move the shape so that the line keeps away from it."
    largest = 2 * nearest - 1
    if largest < BLIND:
        yield (
            f"The windows look the same up to {largest} x {largest} pixels; {BLIND} x {BLIND} is asked for. Move the line "
            "further away, on all sides: the corners of the window meet it first where the line is round or turned."
        )


@check
def iou(answer):
    """The IoU of two masks: ``answer(truth, predicted)`` is a number from 0 to 1."""
    truth, mask = np.zeros((6, 6, 1), np.uint8), np.zeros((6, 6, 1), np.uint8)
    truth[1:5, 1:5] = 1  # 16 pixels
    mask[3:6, 2:6] = 1  # 12 pixels, 6 of them on the truth
    both, either, right = 6, 22, metrics.iou(truth, mask)
    accuracy, dice = metrics.pixel_accuracy(truth, mask), metrics.dice(truth, mask)
    mistakes = (
        (accuracy, "That is the accuracy: it also counts background that both agree on. IoU does not."),
        (dice, "That is Dice: twice the overlap, divided by the two areas added up. IoU divides by the union."),
        (both / 28, "You divided by the two areas added up. That counts the overlap twice; the union counts it once."),
        (both / 16, "You divided by the truth's area. The union also holds what the mask covers beyond the truth."),
        (both / 12, "You divided by the mask's area. The union also holds what the truth covers beyond the mask."),
        (both, "That is the number of pixels in the overlap. Divide it by the number of pixels in the union."),
        (either / both, "That is the union divided by the overlap; turn the fraction over."),
        (1 - right, "That is one minus the IoU. A perfect mask must score 1."),
    )
    found = number(call(answer, truth, mask))
    otherwise = f"An overlap of {both} pixels and a union of {either} make {right:.3f}, you gave {found:.3f}."
    yield judge(found, right, mistakes, otherwise=otherwise)
    empty = np.zeros_like(truth)
    yield judge(number(call(answer, truth, truth)), 1, otherwise="A mask that equals the truth must score 1.")
    yield judge(number(call(answer, truth, empty)), 0, otherwise="An empty mask against a shape must score 0.")
    with np.errstate(all="ignore"):
        nothing = answer(empty, empty)
    if nothing is None or not np.isclose(number(nothing), 1):
        yield "Where mask and truth are both empty, the union is 0 pixels. They agree, so return 1 in that case."


@check
def one_hot(answer):
    """One channel per class: ``answer(classes, count)``, ``(H, W)`` to ``(H, W, count)``."""
    classes, count = np.array([[0, 2, 2], [3, 0, 2], [3, 3, 0], [0, 0, 2]], np.uint8), 6
    right = keras.utils.to_categorical(classes, count)
    divided = (
        "You divided the ids by a maximum. A class id is a name, not an amount: make a channel of 0 and 1 for each."
    )
    mistakes = (
        (classes / 3, divided),
        (classes / 5, divided),
        (right * np.arange(count), "Channel k holds the number k where the class is. It asks yes or no: 0 or 1."),
        (1 - right, "Your channels are inverted: 1 where the class is not."),
        (255 * right, "Your channels hold 0 and 255; they should hold 0 and 1."),
        (np.roll(right, -1, axis=-1) * (np.arange(6) < 5), "Channel 0 shows the next class, not the background."),
    )
    shapes = {
        (4, 3): "There is one value a pixel, shape (4, 3); asked for is one channel per class, (4, 3, 6).",
        (6, 4, 3): "The channels come first, shape (6, 4, 3). Keras has them last: (4, 3, 6).",
        (4, 3, 5): "The background has no channel: there are 5 of 6. Softmax must be able to answer background too.",
        (4, 3, 3): "You made channels for the classes of this one map only; make one for each of 0 to count - 1.",
    }
    result = np.asarray(call(answer, classes, count))
    yield judge(result[..., 0] if result.shape == (4, 3, 1) else result, right, mistakes, shapes)


@check
def split_by_scene(answer):
    """Image numbers for training and for the test, whole scenes in each: ``answer(scene_of)``."""
    generator = np.random.default_rng(4)
    for scenes in (np.arange(12), 10 + 4 * generator.permutation(20)[:8]):
        scene_of = generator.permutation(np.repeat(scenes, generator.integers(3, 8, len(scenes))))
        advice = "Return two things: the numbers of the training images and those of the test images."
        train, test = (np.ravel(part) for part in parts(call(answer, scene_of), 2, advice))
        if bool in (train.dtype, test.dtype):
            yield "You returned True and False. Return image numbers; np.flatnonzero turns one into the other."
        if not train.size or not test.size:
            some = ", ".join(map(str, sorted(scenes)[:4]))
            yield f"One of the parts is empty. The scenes here are numbered {some} and so on: np.unique(scene_of)."
        if not {train.dtype.kind, test.dtype.kind} <= {"i", "u"}:
            yield "Image numbers must be whole numbers; use .astype(int)."
        both, common = np.concatenate([train, test]), np.intersect1d(train, test)
        if np.array_equal(np.unique(both), np.sort(scenes)):
            yield "These are the numbers of scenes. Return the numbers of the images that belong to them."
        if common.size:
            yield f"{common.size} images are in both parts."
        if not np.array_equal(np.sort(both), np.arange(len(scene_of))):
            yield f"The parts must hold each of {len(scene_of)} images once; yours hold {len(train)} and {len(test)}."
        in_train, in_test = np.unique(scene_of[train]), np.unique(scene_of[test])
        torn, quarter = np.intersect1d(in_train, in_test).size, len(scenes) // 4
        if torn:
            yield (
                f"{torn} of {len(scenes)} scenes have images in both parts: memory would pass this test. Choose scenes "
                "first, then take all of their images."
            )
        if len(in_train) == quarter:
            yield "The parts are swapped: a quarter of the scenes is for the test. Training comes first."
        if len(in_test) != quarter:
            yield f"The test holds {len(in_test)} of {len(scenes)} scenes; a quarter is {quarter}."


@check
def ready_mask(answer):
    """A mask of 0..255, ``(H, W)``, becomes one of 0 and 1, ``(H, W, 1)``: ``answer(loaded)``."""
    sharp = np.zeros((5, 4), np.uint8)
    sharp[1:4, 1:3] = 255
    faint = np.array([[0, 1, 60, 0], [60, 127, 128, 1], [60, 200, 190, 60], [0, 128, 127, 60], [0, 0, 1, 0]], np.uint8)
    cases = {
        "with 0 and 255": sharp,
        "without a shape": np.zeros_like(sharp),
        "that is faint": faint,
        "with a soft rim": np.maximum(sharp, faint),
    }
    for name, loaded in cases.items():
        with np.errstate(all="ignore"):
            result = np.asarray(call(answer, loaded))
        loaded, top = loaded[..., None], loaded.max()
        right = loaded >= 128
        mistakes = (
            (loaded, f"It still holds values up to {top}; 0 and 1 are wanted."),
            (loaded / 255, "In-between values are left. Dividing keeps them; decide for each pixel."),
            (loaded / max(top, 1), f"You divided by its own largest value, {top}, which differs from mask to mask."),
            (np.full(right.shape, np.nan), "There are NaN. You divided by its largest value, which is 0 here."),
            (1 - right, "Background and foreground are swapped: 1 is the foreground."),
            (
                loaded > 0,
                "Every value above 0 became foreground, so the shape grew by the whole soft rim. The threshold is 128.",
            ),
            (loaded == 255, "Only 255 became foreground, so the rim is lost. The threshold is 128."),
            (loaded > top / 2, "You used half of its own largest value. Use the same threshold for every mask, 128."),
        )
        shapes = {(5, 4): "The channel axis is missing. Use mask[..., None]."}
        otherwise = "Some pixels are wrong. From 128 on a pixel is foreground, up to 127 it is background."
        yield judge(result, right, mistakes, shapes, f"For a mask {name}: ", otherwise)
    if result.dtype not in (np.uint8, np.bool_, np.float32):
        yield f"The values are right, but the dtype is {result.dtype}; a mask is uint8. Use mask.astype('uint8')."


@check
def joint_augmentation(answer):
    """Quarter turns, then a mirror, for both alike: ``answer(image, mask, turns, mirror)``."""
    image = np.random.default_rng(2).random((6, 6, 3)).astype(np.float32)
    mask = np.zeros((6, 6, 1), np.uint8)
    mask[0, 1:4] = mask[1:3, 1] = 1  # no position of this corner equals another
    both = np.dstack([image, mask])

    def moved(array, turns, mirror):
        return np.rot90(array, turns)[:, :: -1 if mirror else 1]

    for turns, mirror in ((turns, mirror) for turns in range(4) for mirror in (False, True)):
        advice = "Return two things: the new image and the new mask."
        new_image, new_mask = map(np.asarray, parts(call(answer, image, mask, turns, mirror), 2, advice))
        if (new_image.shape, new_mask.shape) != (image.shape, mask.shape):
            yield f"The shapes must stay (6, 6, 3) and (6, 6, 1); yours are {new_image.shape} and {new_mask.shape}."
        right_image, right_mask = moved(image, turns, mirror), moved(mask, turns, mirror)
        mistakes = (
            (np.dstack([right_image, mask]), "the image moves but the mask stays where it was. Do the same to both."),
            (np.dstack([image, right_mask]), "the mask moves but the image stays where it was. Do the same to both."),
            (np.rot90(moved(both, 0, mirror), turns), "you mirrored before turning. Turn first, then mirror."),
            (moved(both, -turns, mirror), "you turned clockwise. np.rot90 turns counterclockwise, as asked."),
            (np.rot90(both, turns)[::-1], "you mirrored top and bottom. Mirror left and right: reverse the columns."),
        )
        case = f"With turns={turns}, mirror={mirror} "
        otherwise = "the image is not where it should be: turn first, then mirror, and do the same to both."
        if np.array_equal(new_image, right_image) != np.array_equal(new_mask, right_mask):
            otherwise = "image and mask move differently. Do exactly the same to both."
        yield judge(np.dstack([new_image, new_mask]), moved(both, turns, mirror), mistakes, None, case, otherwise)
        before, after = (image.dtype, mask.dtype), (new_image.dtype, new_mask.dtype)
        if before != after:
            yield (
                f"The pixels are right, but the dtypes changed from {before[0]} and {before[1]} to {after[0]} and {after[1]}. "
                "Moving pixels needs no arithmetic."
            )
