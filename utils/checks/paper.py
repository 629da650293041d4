"""The answers to the exercises of notebook 08 the paper."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from utils import objects, pipeline, unet
from utils.checks.base import call, check, judge, number, parts


@check
def valid_output(answer):
    """The side of an unpadded U-Net's output: ``answer(size, depth)``."""
    for size, depth in ((572, 4), (188, 4), (64, 1), (140, 3), (700, 4)):
        result = number(call(answer, size, depth), "Return one number: the side of the output in pixels.")
        right, bottom = unet.output_size(size, depth), (size + 4) // 2**depth - 8
        mistakes = (
            (size, "that is the input: without padding each 3x3 convolution takes 2 pixels off."),
            (size - 184, "that is right for four poolings only; depth is an argument."),
            (bottom, "that is the side at the bottom. The way up is missing."),
            (bottom * 2**depth, "on the way up each level has two convolutions too: 4 pixels off after each doubling."),
            (size - 8 * depth - 4, "you count every convolution at full resolution; deeper down pixels are wider."),
            (right + 4, "the last double convolution is missing."),
            (right + 4 * 2**depth, "the two convolutions at the bottom are missing."),
        )
        otherwise = f"it should be {right}."
        if not result.is_integer():
            otherwise = "that is not a whole number. Take 4 off before each halving."
        case = f"For size {size} and depth {depth} you return {result:g}; "
        yield judge(result, right, mistakes, case=case, otherwise=otherwise, rtol=0)


@check
def weights_by_hand(answer):
    """The second part of the weight map: ``answer(labels, w0, sigma)``, ``(H, W)``, 0 on objects."""
    labels = np.zeros((7, 12), np.int32)
    labels[1:6, 1:4], labels[2:5, 6:8], labels[0:2, 10:12] = 3, 7, 2
    background = labels == 0
    d1, d2 = objects.nearest_distances(labels)
    square = (d1 + d2) ** 2
    for w0, sigma in ((10.0, 5.0), (4.0, 2.0)):
        right = objects.weight_map(labels, w0, sigma, balance=False) - 1
        double = 2 * sigma**2
        exponents = (
            ((2 * d1) ** 2 / double, "You have used d1 twice. d2 is the distance to the second nearest object."),
            ((d1**2 + d2**2) / double, "The square is taken of the sum, (d1 + d2)**2, not of each distance."),
            (d1**2 / double, "You have used d1 alone. The weight depends on the sum of both distances."),
            (d2**2 / double, "You have used d2 alone. The weight depends on the sum of both distances."),
            ((d1 + d2) / double, "The sum of the distances is not squared."),
            (square / (2 * sigma), "Sigma is not squared."),
            (square / sigma**2, "The 2 in the denominator is missing: 2 * sigma**2."),
            (square / double + np.log(w0), "The factor w0 is missing."),
        )
        mistakes = [(background * w0 * np.exp(-exponent), sentence) for exponent, sentence in exponents]
        mistakes += [(right + background, "On the background your weights are 1 too large: leave w_c out.")]
        result = np.asarray(call(answer, labels, w0, sigma), float)
        if result.shape != labels.shape:
            yield f"Return one weight a pixel, shape {labels.shape}; yours has the shape {result.shape}."
        place = np.unravel_index(np.abs((result - right) * background).argmax(), labels.shape)
        otherwise = (
            f"At row {place[0]}, column {place[1]}, d1 is {d1[place]:.2f} and d2 is {d2[place]:.2f}, so for w0 = {w0:g} "
            f"and sigma = {sigma:g} the weight is {right[place]:.3f}; yours is {result[place]:.3f}."
        )
        yield judge(result * background, right, mistakes, otherwise=otherwise, atol=1e-4)
        if not np.allclose(result, right, atol=1e-4):
            yield "On the background all is right. On objects the weight is 0 here: it is the gap that the network must learn."


@check
def moved_pair(answer):
    """Move image and mask by a displacement field: ``answer(image, mask, field)``, both moved; bicubic and nearest."""
    image = np.random.default_rng(8).random((24, 24, 3)).astype(np.float32)
    mask = np.zeros((24, 24, 1), np.uint8)
    mask[6:17, 4:15] = 1
    field = pipeline.displacement_field((24, 24), 5, deviation=2.5)
    advice = "Return two arrays: the moved image and the moved mask."
    moved, moved_mask = map(np.asarray, parts(call(answer, image, mask, field), 2, advice))
    for name, part, before in (("image", moved, image), ("mask", moved_mask, mask)):
        if part.shape != before.shape:
            yield f"The moved {name} has the shape {part.shape}; it was {before.shape}. Look each channel up by itself."
    if not np.isin(moved_mask, (0, 1)).all():
        yield "Your mask holds values other than 0 and 1: it was interpolated. A mask takes the nearest pixel, order=0."
    if np.array_equal(moved_mask, mask):
        yield "The mask has not moved. Image and mask need the same field."
    inner = (slice(7, -7), slice(7, -7))  # whatever you do beyond the border

    def looks_like(other, most=0.01):
        return np.abs(np.clip(moved, 0, 1) - other)[inner].mean() < most

    right, right_mask = pipeline.deform(image, mask, field)
    if not looks_like(right, 1e-3):
        against, swapped = (pipeline.deform(image, mask, other)[0] for other in (-field, field[::-1]))
        places = np.indices((24, 24)) + field
        orders = [[ndimage.map_coordinates(image[..., k], places, order=order) for k in range(3)] for order in (0, 1)]
        nearest, linear = map(np.dstack, orders)
        mistakes = (
            (against, "You subtract the field. Here output[y, x] is looked up at y + field[0], x + field[1]."),
            (swapped, "You have swapped the two parts of the field: part 0 is for the rows, part 1 for the columns."),
            (nearest, "Your image is nearest neighbour, order=0. Bicubic is order=3."),
            (linear, "Your image is bilinear, order=1. Bicubic is order=3."),
        )
        other = "Your image was looked up elsewhere. Add the field to np.indices((H, W)), and look each channel up, order=3."
        yield next((sentence for wrong, sentence in mistakes if looks_like(wrong)), other)
    if (moved_mask != right_mask)[inner].mean() > 0.01:
        yield "The image is right, the mask is not: it must be looked up at the same places as the image."
    low, high = moved.min(), moved.max()
    if low < 0 or high > 1:
        yield f"Your image holds values from {low:.2f} to {high:.2f}: bicubic overshoots at edges. Clip it to 0..1."


@check
def mirror(answer):
    """Continue an image by its mirror image: ``answer(image, border)``, the border pixels not repeated."""
    image = np.random.default_rng(3).random((6, 9, 3)).astype(np.float32)
    modes = {
        "symmetric": "You repeat the border's pixels. Mirror at their centres: row 1 comes above row 0.",
        "edge": "You repeat the last pixel all the way; a mirror image is wanted.",
        "wrap": "You continue with the other side of the image. A mirror image is wanted.",
        "constant": "Beyond the border there are zeros. That is what a network's padding does; a mirror image is wanted.",
    }
    for border in (2, 4):
        rows, columns = (border, border), (border, border)
        right = np.pad(image, (rows, columns, (0, 0)), mode="reflect")
        mistakes = [(np.pad(image, (rows, columns, (0, 0)), mode=mode), words) for mode, words in modes.items()]
        shapes = {
            np.pad(image, border).shape: "You have continued the colours too: the last axis needs (0, 0).",
            image.shape: f"The image has its old size; it grows by {border} pixels on each side.",
        }
        result = np.asarray(call(answer, image, border), float)
        otherwise = "Beyond the border your image is not the mirror image: row -1 is row 1, row -2 is row 2."
        if result.shape == right.shape:
            wrong = ~np.isclose(result, right)
            if wrong[border:-border, border:-border].any():
                otherwise = "The image itself must be in the middle, unchanged."
            elif not wrong[:, border:-border].any():
                otherwise = "Above and below all is right; to the left or to the right it is not."
            elif not wrong[border:-border].any():
                otherwise = "To the left and to the right all is right; above or below it is not."
        yield judge(result, right, mistakes, shapes, otherwise=otherwise)
