"""The answers to the exercises of notebook 08 the paper."""

from __future__ import annotations

import numpy as np

from utils import elastic, instances, unet
from utils.checks.base import Waiting, call, check


@check
def valid_output(answer):
    """The side of an unpadded U-Net's output: ``answer(size, depth)``."""
    for size, depth in ((572, 4), (188, 4), (64, 1), (140, 3), (700, 4)):
        expected = dict(unet.valid_sizes(depth, size, 1))[size]
        result = call(answer, size, depth)
        if np.ndim(result) or isinstance(result, bool):
            return "Return one number: the side of the output in pixels."
        if result == expected:
            continue
        given = f"For size {size} and depth {depth} you return {result:g}"
        down = size
        for _ in range(depth):
            down = (down - 4) / 2
        known = {
            size: "that is the input: without padding each 3x3 convolution takes 2 pixels off.",
            size - 184: "that is right for four poolings only; depth is an argument.",
            down - 4: "that is the side at the bottom. The way up is missing.",
            (down - 4) * 2**depth: "on the way up each level has two convolutions too: 4 pixels off after each doubling.",
            size - 8 * depth - 4: "you count every convolution at full resolution; deeper down a pixel is 2, 4, ... wide.",
            expected + 4: "the last double convolution is missing.",
        }  # fmt: skip
        bottom = down
        for _ in range(depth):
            bottom = bottom * 2 - 4
        known.setdefault(bottom, "the two convolutions at the bottom are missing.")
        if not float(result).is_integer():
            return f"{given}, which is no whole number. Take 4 off before each halving."
        return f"{given}; {known.get(result, f'it should be {expected}.')}"
    return None


@check
def weights_by_hand(answer):
    """The second part of the weight map: ``answer(labels, w0, sigma)``, ``(H, W)``, 0 on objects."""
    labels = np.zeros((7, 12), np.int32)
    labels[1:6, 1:4], labels[2:5, 6:8], labels[0:2, 10:12] = 3, 7, 2
    for w0, sigma in ((10.0, 5.0), (4.0, 2.0)):
        d1, d2 = instances.distances(labels)
        ground = labels == 0
        expected = ground * w0 * np.exp(-((d1 + d2) ** 2) / (2 * sigma**2))
        result = call(answer, labels.copy(), w0, sigma)
        if np.shape(result) != labels.shape:
            return f"Return one weight a pixel, shape {labels.shape}; yours has the shape {np.shape(result)}."
        result = np.asarray(result, float)
        if np.allclose(result, expected, atol=1e-4):
            continue
        mistakes = {
            "You have used the first distance twice. d2 is the distance to the second nearest object.": 2 * d1,
            "The square is taken of the sum, (d1 + d2)**2, not of each distance.": np.sqrt(d1**2 + d2**2),
            "You have used d1 alone. The weight depends on the sum of both distances.": d1,
            "You have used d2 alone. The weight depends on the sum of both distances.": d2,
        }
        for words, distance in mistakes.items():
            wrong = w0 * np.exp(-(distance**2) / (2 * sigma**2))
            if np.allclose(result[ground], wrong[ground], atol=1e-4):
                return words
        total = d1 + d2
        if np.allclose(result[ground], (w0 * np.exp(-total / (2 * sigma**2)))[ground], atol=1e-4):
            return "The sum of the distances is not squared."
        if np.allclose(result[ground], (w0 * np.exp(-(total**2) / (2 * sigma)))[ground], atol=1e-4):
            return "Sigma is not squared."
        if np.allclose(result[ground], (w0 * np.exp(-(total**2) / sigma**2))[ground], atol=1e-4):
            return "The 2 below the line is missing: 2 * sigma**2."
        if np.allclose(result[ground], np.exp(-(total**2) / (2 * sigma**2))[ground], atol=1e-4):
            return "The factor w0 is missing."
        if np.allclose(result[ground], expected[ground] + 1, atol=1e-4):
            return "On ground your weights are 1 too large. Return the second part of the formula only, without w_c."
        if np.allclose(result[ground], expected[ground], atol=1e-4):
            return "On ground all is right. On objects the weight is 0 here: it is the gap that shall be learned."
        row, column = np.unravel_index(np.abs((result - expected) * ground).argmax(), labels.shape)
        return (
            f"At row {row}, column {column}, d1 is {d1[row, column]:.2f} and d2 is {d2[row, column]:.2f}, so for w0 = {w0:g} "
            f"and sigma = {sigma:g} the weight is {expected[row, column]:.3f}; yours is {result[row, column]:.3f}."
        )
    return None


@check
def moved_pair(answer):
    """Move image and mask by a field: ``answer(image, mask, field)``, both moved; bicubic and nearest."""
    rng = np.random.default_rng(8)
    image = rng.random((24, 24, 3)).astype(np.float32)
    mask = np.zeros((24, 24, 1), np.uint8)
    mask[6:17, 4:15] = 1
    field = elastic.field((24, 24), 5, deviation=2.5)
    result = call(answer, image.copy(), mask.copy(), field.copy())
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return "Return two arrays: the moved image and the moved mask."
    if any(part is None for part in result):
        raise Waiting
    moved, moved_mask = (np.asarray(part) for part in result)
    for name, part, before in (("image", moved, image), ("mask", moved_mask, mask)):
        if part.shape != before.shape:
            return (
                f"The moved {name} has the shape {part.shape}; it was {before.shape}. Look each channel up by itself."
            )
    right, right_mask = elastic.deform(image, mask, field)
    inner = (slice(7, -7), slice(7, -7))  # whatever you do beyond the border
    cut = np.clip(moved, 0, 1)
    off = np.abs(cut - right)[inner].mean()
    if not np.isin(moved_mask, (0, 1)).all():
        return (
            "Your mask holds values other than 0 and 1: it was interpolated. A mask takes the nearest pixel, order=0."
        )
    if np.array_equal(moved_mask, mask):
        return "The mask has not moved. Image and mask need the same field."
    for words, other in (
        ("You subtract the field. Here output[y, x] is looked up at y + field[0], x + field[1].", -field),
        (
            "You have swapped the two parts of the field: part 0 belongs to the rows, part 1 to the columns.",
            field[::-1],
        ),
    ):
        if np.abs(cut - elastic.deform(image, mask, other)[0])[inner].mean() < 0.02 < off:
            return words
    if off > 1e-3:
        for order, name in ((0, "nearest neighbour"), (1, "bilinear")):
            if np.abs(cut - _looked_up(image, field, order))[inner].mean() < 1e-3:
                return f"Your image is {name}, order={order}. Bicubic is order=3."
        return "Your image is another one. Add the field to np.indices((H, W)), and look up each channel with order=3."
    if (moved_mask != right_mask)[inner].mean() > 0.01:
        return "The image is right, the mask is not: it must be looked up at the same places as the image."
    if moved.min() < 0 or moved.max() > 1:
        low, high = moved.min(), moved.max()
        return f"Your image holds values from {low:.2f} to {high:.2f}: bicubic overshoots at edges. Cut it to 0..1."
    return None


def _looked_up(image, field, order):
    """The image looked up with another order of interpolation, by hand."""
    places = np.indices(field.shape[1:]) + field
    places = np.clip(places, 0, np.array(image.shape[:2])[:, None, None] - 1)
    if order == 0:
        rows, columns = np.rint(places).astype(int)
        return image[rows, columns]
    low = np.minimum(places.astype(int), np.array(image.shape[:2])[:, None, None] - 2)
    (top, left), (down, right) = low, places - low
    down, right = down[..., None], right[..., None]
    above = (1 - right) * image[top, left] + right * image[top, left + 1]
    below = (1 - right) * image[top + 1, left] + right * image[top + 1, left + 1]
    return (1 - down) * above + down * below


@check
def enough_halo(answer):
    """The smallest halo that changes no pixel: ``answer(reach, poolings)``, in pixels."""
    for reach, poolings in ((22, 2), (9, 1), (48, 4), (50, 3), (102, 4)):
        step = 2**poolings
        expected = -(-reach // step) * step
        result = call(answer, reach, poolings)
        if np.ndim(result) or isinstance(result, bool):
            return "Return one number: the halo in pixels."
        if result == expected:
            continue
        right = f"it should be {expected}."
        known = (
            (reach, f"with {poolings} poolings windows must begin at multiples of {step}; round up."),
            (reach // step * step, "that is rounded down: pixels at the tile's edge see further than that."),
            (2 * reach, "the reach counts to one side, and a halo is on each side already."),
            (-(-2 * reach // step) * step, "the reach counts to one side, and a halo is on each side already."),
            (expected + step, f"{reach} is a multiple of {step} already." if reach == expected else right),
            (
                -(-reach // poolings) * poolings,
                f"each pooling halves: the step is 2 ** {poolings} = {step}, not {poolings}.",
            ),
        )
        words = next((words for value, words in known if value == result), right)
        return f"For a reach of {reach} and {poolings} poolings you return {result:g}; {words}"
    return None


@check
def mirror(answer):
    """Continue a picture by its mirror image: ``answer(picture, border)``, the border pixels not repeated."""
    picture = np.random.default_rng(3).random((6, 9, 3)).astype(np.float32)
    for border in (2, 4):
        pad = ((border, border), (border, border), (0, 0))
        result = call(answer, picture.copy(), border)
        expected = np.pad(picture, pad, mode="reflect")
        if np.shape(result) != expected.shape:
            if np.shape(result) == np.pad(picture, border, mode="reflect").shape:
                return "You have continued the colours too: the last axis needs (0, 0)."
            return (
                f"The shape should be {expected.shape}, {border} pixels more on each side; yours is {np.shape(result)}."
            )
        result = np.asarray(result)
        if np.allclose(result, expected):
            continue
        for mode, words in {
            "symmetric": "You repeat the border's pixels. Mirror at their centres: row 1 comes above row 0.",
            "edge": "You repeat the last pixel all the way; a mirror image is wanted.",
            "wrap": "You continue with the other side of the picture. A mirror image is wanted.",
            "constant": "Beyond the border there are zeros. That is what a network's padding does; a mirror image is wanted.",
        }.items():
            if np.allclose(result, np.pad(picture, pad, mode=mode)):
                return words
        if not np.allclose(result[border:-border, border:-border], picture):
            return "The picture itself must stand in the middle, unchanged."
        if np.allclose(result[:, border:-border], expected[:, border:-border]):
            return "Above and below all is right; to the left or to the right it is not."
        if np.allclose(result[border:-border], expected[border:-border]):
            return "To the left and to the right all is right; above or below it is not."
        return "Beyond the border your picture is not the mirror image: row -1 is row 1, row -2 is row 2."
    return None
