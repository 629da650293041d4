"""The answers to the exercises of notebook 05 visualizing."""

from __future__ import annotations

import functools

import numpy as np

from utils import metrics, unet
from utils.checks.base import Waiting, call, check, judge, number, parts


@check
def error_kinds(answer):
    """The two kinds of wrong pixels: ``answer(truth, mask)`` returns bool arrays, false negatives and false positives."""
    truth, mask = np.zeros((8, 8, 1), np.uint8), np.zeros((8, 8, 1), np.uint8)
    truth[1:6, 1:5], mask[2:7, 1:5] = 1, 1
    mask[0, 6:8] = 1  # 4 false negatives, 4 + 2 false positives
    negative, positive = metrics.error_masks(truth, mask)
    advice = "Return two arrays: first the false negatives, then the false positives."
    arrays = list(map(np.asarray, parts(call(answer, truth, mask), 2, advice)))
    if any(255 in array for array in arrays):
        yield "Some values are 255: in uint8, 0 - 1 wraps round to 255. Compare the masks instead of subtracting them."
    if any(-1 in array for array in arrays):
        yield "Some values are -1: a difference holds both kinds at once, one with a minus. Compare, for each kind alone."
    kinds = "False negative: foreground in the truth, background in the mask; false positive: the other way round."
    for name, array, right, other, whole in (
        ("false negatives", arrays[0], negative, positive, truth),
        ("false positives", arrays[1], positive, negative, mask),
    ):
        mistakes = (
            (other, f"You return the other kind. {kinds}"),
            (negative | positive, "These are all wrong pixels. Who says foreground, the truth or the mask?"),
            (whole, "A pixel on which both agree is no error. Ask what the other mask says about the same pixel."),
        )
        otherwise = f"There are {right.sum()}, you mark {np.count_nonzero(array)} pixels. {kinds}"
        yield judge(array, right, mistakes, case=f"The {name}: ", otherwise=otherwise)


@check
def calibration_bin(answer):
    """One bin of a reliability diagram: ``answer(truth, probability, low, high)``, mean probability and foreground share."""
    rng = np.random.default_rng(5)
    probability = rng.random((4, 9, 9, 1)).round(3)
    truth = (rng.random(probability.shape) < 0.6 * probability).astype(np.uint8)
    probability[0, 0, :2, 0] = 0.2, 0.4
    for low, high in ((0.2, 0.4), (0.6, 0.7)):
        inside = (probability >= low) & (probability < high)
        mean, share, found = probability[inside].mean(), truth[inside].mean(), truth[inside].sum()
        agree = np.mean((probability[inside] > 0.5) == truth[inside])
        limit = "A pixel exactly on a limit is in the wrong bin: low belongs to the bin, high to the next one."
        bins = ((probability > low) & (probability <= high), (probability >= low) & (probability <= high))
        mistakes = (
            ((share, mean), "The two are swapped: first the mean probability, then the share of foreground."),
            ((mean, found), "The second number counts the bin's foreground; divide by the size of the bin."),
            ((mean, found / truth.size), "You divide by all pixels; the share is taken among the bin's pixels only."),
            ((mean, inside.mean()), "The second number is the share of all pixels that fall into the bin."),
            ((mean, truth.mean()), "The second number is the share among all pixels; take the bin's pixels only."),
            ((mean, agree), "The second number is how often the mask is right in the bin; count the foreground."),
            (((low + high) / 2, share), "The first number is the middle of the bin; take its mean probability."),
            *(((probability[pixels].mean(), truth[pixels].mean()), limit) for pixels in bins),
        )
        advice = "Return two numbers: the mean probability of the bin's pixels, and the share of foreground among them."
        first, second = map(number, parts(call(answer, truth, probability, low, high), 2, advice))
        expected = f"you give {first:.3f} and {second:.3f}; expected are {mean:.3f} and {share:.3f}."
        otherwise = f"For {low} <= p < {high} {expected}"
        yield judge((first, second), (mean, share), mistakes, otherwise=otherwise, atol=1e-7, rtol=0)


# ---- An ablation -------------------------------------------------------------------------------------------------------

LEVELS = (1, 2, 3, 4)
"""The skip connections of the series' network."""
CLOSE = {"rtol": 0, "atol": 0.003}


@check
def ablation(answer):
    """Drops in IoU: ``answer(model, images, masks)`` returns the untouched IoU and ``{part: drop}``.

    The parts are the skip connections 1 to 4 and at least one that the reader chose.
    """
    model, weights, images, masks = _small_network()
    model.set_weights(weights)
    result = call(answer, model, images, masks)
    changed = not all(map(np.array_equal, model.get_weights(), weights))
    model.set_weights(weights)
    advice = "Return two things: the IoU of the untouched network, and a dict with a drop for every part you take away."
    whole, drops = parts(result, 2, advice)
    if changed:
        yield "Your function changes the network it is given, so all that follows uses a damaged one. Change a copy."
    if not isinstance(drops, dict):
        yield f"The second thing is a {type(drops).__name__}; return a dict, part -> drop in IoU."
    mask, untouched, whole = _mask_without(), _iou_without(), number(whole)
    per_image = metrics.iou(masks, mask, per_image=True).mean()
    mistakes = (
        (per_image, "That is the mean over the images; pool the pixels of all images."),
        (metrics.dice(masks, mask), "That is the Dice score."),
        (metrics.pixel_accuracy(masks, mask), "That is the pixel accuracy."),
        (0, "That is the drop of the untouched network; return its IoU."),
    )
    case = f"The untouched network has an IoU of {untouched:.2f} on the check's images, you say {whole:.2f}. "
    otherwise = "Use the network, images and masks that your function is given, and a threshold of .5."
    yield judge(whole, untouched, mistakes, None, case, otherwise, **CLOSE)
    missing = [level for level in LEVELS if level not in drops]
    if missing:
        yield f"The dict has no key {', '.join(map(str, missing))}; the keys for the skips are the numbers 1 to 4."
    found = np.array([number(drops[level]) for level in LEVELS])
    right = untouched - np.array([_iou_without(level) for level in LEVELS])
    growing = [untouched - _iou_without(*LEVELS[: k + 1]) for k in range(4)]
    shrinking = [untouched - _iou_without(*LEVELS[k:]) for k in range(4)]
    on_top = "You zero each skip on top of the one before; begin with the untouched network every time."
    mistakes = (
        (untouched - right, "These are the scores that are left; a drop is the untouched score minus that."),
        (-right, "The sign is wrong: a drop is the untouched score minus the score that is left."),
        (np.zeros(4), "All drops of the skips are 0. Does the changed network predict, or the untouched one?"),
        (growing, on_top),
        (shrinking, on_top),
        (right / untouched, "These are shares of the untouched score; return the difference."),
        (right[::-1], "The levels are in the wrong order: skip 1 is the one at full resolution."),
    )
    k = int(np.argmax(~np.isclose(found, right, **CLOSE)))
    otherwise = f"For skip {LEVELS[k]} of the check's network you give a drop of {found[k]:.2f}, not {right[k]:.2f}."
    yield judge(found, right, mistakes, otherwise=otherwise, **CLOSE)
    own = {part: number(drop) for part, drop in drops.items() if part not in LEVELS}
    if not own:
        yield "The four skips are right. Now add a part of your own choice: a layer, a channel, a colour of the image."
    for part, drop in own.items():
        if not untouched - 1 <= drop <= untouched + 1e-9:
            yield f"A drop of {drop:.2f} for '{part}' cannot be: the score that is left would lie outside 0..1."
        if drop == 0:
            yield f"Taking '{part}' away changes nothing at all. Did you predict with the changed network?"


@functools.cache
def _small_network():
    """A U-Net with random weights and the layers' names of the series' network, images, and masks that it nearly finds."""
    rng = np.random.default_rng(10)
    model = unet.build_unet((32, 32, 3), depth=4, base=4)
    for weight in model.weights:
        if weight.name == "kernel":
            weight.assign(rng.normal(0, np.sqrt(2 / np.prod(weight.shape[:-1])), weight.shape))
        elif weight.name == "beta":
            weight.assign(rng.normal(0.2, 0.2, weight.shape))  # keeps channels alive
    images = rng.random((6, 32, 32, 3), dtype=np.float32)
    probability = model.predict(images, verbose=0).astype(np.float64)
    logits = np.log(probability / (1 - probability))
    threshold = np.quantile(logits, 0.6)
    model.get_layer("head").bias.assign([-threshold])
    masks = (logits > threshold).astype(np.uint8)
    masks[0] = 1  # so that the mean over the images is another number than the pooled score
    masks = np.where(rng.random(masks.shape) < 0.03, 1 - masks, masks)
    return model, model.get_weights(), images, masks


@functools.cache
def _mask_without(*levels):
    """What the small network finds when the kernels that read some skips are cleared: another way to zero them."""
    model, weights, images, _ = _small_network()
    for level in levels:
        kernel = model.get_layer(f"dec{level}_conv1").kernel
        values = np.asarray(kernel).copy()
        values[:, :, : 4 * 2 ** (level - 1)] = 0
        kernel.assign(values)
    mask = metrics.to_mask(model.predict(images, verbose=0))
    model.set_weights(weights)
    return mask


def _iou_without(*levels):
    return metrics.iou(_small_network()[3], _mask_without(*levels))


# ---- Tiles -------------------------------------------------------------------------------------------------------------


@check
def tiles(answer):
    """An image predicted in tiles: ``answer(predict, image, tile, halo)`` gives what ``predict(image)`` gives."""
    tile, halo, reach = 12, 4, 4
    image = np.random.default_rng(3).random((36, 48, 3)).astype(np.float32)
    whole, windows = _blur(image), []

    def predict(window):
        windows.append(np.shape(window))
        return _blur(np.asarray(window))

    try:
        result = np.asarray(call(answer, predict, image, tile, halo))
    except Waiting:
        raise
    except Exception:
        if any(0 in window for window in windows):
            yield (
                "You predict an empty window: for the first tiles top - halo or left - halo is negative, and Python counts "
                "negative numbers from the other end. Begin at max(top - halo, 0)."
            )
        for window in windows:
            if len(window) != 3:
                yield f"predict takes one image (height, width, channels); you give it the shape {window}."
        raise
    if not windows:
        yield "Your function never calls predict. Call it once for each tile, with the tile's window."
    shape = f"For an image of 36 x 48 px you return the shape {result.shape}; it should be {whole.shape}."
    if result.size > whole.size:
        yield f"{shape} The halo is still there: of each prediction keep the tile alone."
    if result.shape != whole.shape:
        yield f"{shape} One value is wanted for every pixel of the image."
    (height, width), most = max((window[:2] for window in windows), key=max), tile + 2 * halo
    if (height, width) == image.shape[:2]:
        yield "You give predict the whole image. One that has to be cut into tiles does not fit as a whole."
    if max(height, width) > most:
        yield f"You give predict {height} x {width} px; tile and halo make {most}. Add the halo once on each side."
    mistakes = (
        (_in_tiles(image, tile, 0), "No window reaches beyond its tile, so pixels at its border miss neighbours."),
        (_in_tiles(image, tile, halo // 2), "Your windows reach half as far as they should: a halo on each side."),
        (_in_tiles(image, tile, halo, begin=halo), "The tiles at the image's border are shifted: no halo there."),
        (_in_tiles(image, tile, halo, begin=0), "All tiles but the first are shifted: skip the halo."),
    )
    wrong = ~np.isclose(result, whole, atol=1e-5)[..., 0]
    rows, columns = (np.arange(n) for n in whole.shape[:2])
    border = np.minimum.outer(np.minimum(rows, rows[::-1]), np.minimum(columns, columns[::-1])) < reach
    seam = np.minimum.outer(*(np.minimum(n % tile, -1 - n % -tile) for n in (rows, columns))) < reach
    otherwise = f"{wrong.mean():.0%} of the pixels differ from the whole prediction."
    if not wrong[~border].any():
        otherwise = "Wrong along the image's border only. Did you pad it? Let windows end where the image ends."
    elif not wrong[~seam].any():
        otherwise = "Right in the middle of the tiles, wrong near their borders: seams. How far do your windows reach?"
    yield judge(result, whole, mistakes, otherwise=otherwise, atol=1e-5)


def _blur(image):
    """A stand-in for a network: two box filters with a ReLU between, (h, w, channels) to (h, w, 1), 4 px of reach."""
    values = image.mean(axis=-1)
    for shift in (0.3, 0):
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, 2), (5, 5))
        values = np.maximum(windows.mean(axis=(2, 3)) - shift, 0) + shift
    return values[..., None]


def _in_tiles(image, tile, halo, begin=None):
    """An image predicted in windows that end with the image; ``begin`` is where in a window its tile begins, if wrong."""
    result = np.zeros((*image.shape[:2], 1))
    for top in range(0, image.shape[0], tile):
        for left in range(0, image.shape[1], tile):
            above, before = min(top, halo), min(left, halo)
            window = image[top - above : top + tile + halo, left - before : left + tile + halo]
            row, column = (above, before) if begin is None else (begin, begin)
            part = _blur(window)[row : row + tile, column : column + tile]
            result[top : top + part.shape[0], left : left + part.shape[1]] = part
    return result


# ---- The worst ---------------------------------------------------------------------------------------------------------


@check
def worst_images(answer):
    """The images with the lowest IoU: ``answer(truth, mask, count)`` returns their positions, the worst first."""
    truth, mask = np.zeros((8, 12, 12, 1), np.uint8), np.zeros((8, 12, 12, 1), np.uint8)
    # Sides of the true and of the found square. Image 2 is empty and found empty: its IoU is 1.
    for k, (side, found) in enumerate(((10, 8), (3, 1), (0, 0), (9, 7), (4, 2), (8, 7), (4, 6), (10, 9))):
        truth[k, 1 : 1 + side, 1 : 1 + side] = 1
        mask[k, 1 : 1 + found, 1 : 1 + found] = 1
    scores = metrics.iou(truth, mask, per_image=True)
    order, axes = np.argsort(scores), (1, 2, 3)
    errors = np.argsort(-(truth != mask).sum(axis=axes), kind="stable")
    recall = np.argsort([metrics.recall(*pair) for pair in zip(truth, mask)], kind="stable")
    for count in (3, 5):
        result, right = np.asarray(call(answer, truth, mask, count)), order[:count]
        if result.dtype == bool:
            yield "You return true and false; return the positions of the images."
        if result.size == 1:
            yield "You return a single number. Score each image by itself: metrics.iou(..., per_image=True)."
        if result.ndim != 1:
            yield f"You return an array of shape {result.shape}; return a list of {count} positions."
        if result.dtype.kind == "f" and np.isin(result, scores).all():
            yield "These are the lowest scores themselves; return the positions of the images, np.argsort gives them."
        if len(result) != count:
            yield f"Asked for {count} images, you return {len(result)}."
        best = "These are the best images: the smallest IoU is the worst, and argsort puts it first."
        mistakes = (
            (right + 1, "All positions are one too high: the first image has the position 0."),
            (order[-count:], best),
            (order[::-1][:count], best),
            (errors[:count], "These have the most wrong pixels; in a large shape that may be little. Take the IoU."),
            (recall[:count], "These have the lowest recall, which forgives false positives. Take the IoU."),
        )
        otherwise = f"The worst of a small example are {right.tolist()}; you return {result.tolist()}."
        if set(result) == set(right):
            otherwise = "The right images in the wrong order: the worst comes first."
        if 2 in result:
            otherwise = "Image 2 has no shape, and none was found: the masks agree, so its IoU is 1, not 0."
        yield judge(result, right, mistakes, otherwise=otherwise)
