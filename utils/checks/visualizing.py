"""The answers to the exercises of notebook 05 visualizing."""

from __future__ import annotations

import functools

import numpy as np

from utils import metrics, training, unet
from utils.checks.base import Waiting, call, check, number


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


# ---- An ablation -------------------------------------------------------------------------------------------------------

LEVELS = (1, 2, 3, 4)
"""The skip connections of the series' network."""


@check
def ablation(answer):
    """Drops in IoU: ``answer(model, images, masks)`` returns the untouched IoU and ``{part: drop}``.

    The parts are the skip connections 1 to 4 and at least one that the reader chose.
    """
    model, weights, images, masks = _small_network()
    model.set_weights(weights)
    result = call(answer, model, images.copy(), masks.copy())
    changed = any(not np.array_equal(a, b) for a, b in zip(model.get_weights(), weights))
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return "Return two things: the IoU of the untouched network, and a dict with a drop for every part you silence."
    if any(part is None for part in result):
        raise Waiting
    if changed:
        return "Your function changes the network it is given, so all that follows uses a damaged one. Silence a copy."
    given, drops = number(result[0]), result[1]
    if not isinstance(drops, dict):
        return f"The second thing is a {type(drops).__name__}; return a dict, part -> drop in IoU."
    untouched, each = _iou_without(), {level: _iou_without(level) for level in LEVELS}
    if not np.isclose(given, untouched, atol=0.003):
        mask = metrics.to_mask(training.predict(model, images))
        per_image = metrics.iou(masks, mask, per_image=True).mean()
        reasons = {
            per_image: "That is the mean over the pictures; pool the pixels of all pictures.",
            metrics.dice(masks, mask): "That is the Dice score.",
            metrics.pixel_accuracy(masks, mask): "That is the pixel accuracy.",
            0.0: "That is the drop of the untouched network; return its IoU.",
        }
        reason = next((text for value, text in reasons.items() if np.isclose(given, value, atol=0.003)), None)
        reason = reason or "Use the network, images and masks that your function is given, and a threshold of .5."
        return f"The untouched network has an IoU of {untouched:.2f} on the check's pictures, you say {given:.2f}. {reason}"
    missing = [level for level in LEVELS if level not in drops]
    if missing:
        return f"The dict has no key {', '.join(map(str, missing))}; the keys for the skips are the numbers 1 to 4."
    found = [number(drops[level]) for level in LEVELS]
    right = [untouched - each[level] for level in LEVELS]
    downward, upward = _drops_one_after_another(LEVELS), _drops_one_after_another(LEVELS[::-1])[::-1]
    one_after_another = "You silence each skip on top of the one before; begin with the untouched network every time."
    mistakes = (
        (
            [each[level] for level in LEVELS],
            "These are the scores that are left; a drop is the untouched score minus that.",
        ),
        (
            [-drop for drop in right],
            "The sign is turned round: a drop is the untouched score minus the score that is left.",
        ),
        ([0.0] * 4, "All drops of the skips are 0. Does the changed network predict, or the untouched one?"),
        (downward, one_after_another),
        (upward, one_after_another),
        ([drop / untouched for drop in right], "These are shares of the untouched score; return the difference."),
        (right[::-1], "The levels are in the wrong order: skip 1 is the one at full resolution."),
    )
    if not np.allclose(found, right, atol=0.003):
        for values, complaint in mistakes:
            if np.allclose(found, values, atol=0.003):
                return complaint
        wrong = next(k for k in range(4) if not np.isclose(found[k], right[k], atol=0.003))
        return f"For skip {LEVELS[wrong]} of the check's network you give a drop of {found[wrong]:.2f}, not {right[wrong]:.2f}."
    own = {part: number(drop) for part, drop in drops.items() if part not in LEVELS}
    if not own:
        return "The four skips are right. Now add a part of your own choice: a layer, a channel, a colour of the image."
    for part, drop in own.items():
        if not untouched - 1 <= drop <= untouched + 1e-9:
            return f"A drop of {drop:.2f} for '{part}' cannot be: the score that is left would lie outside 0..1."
        if drop == 0:
            return f"Silencing '{part}' changes nothing at all. Did you predict with the changed network?"
    return None


@functools.cache
def _small_network():
    """A U-Net with random weights and the layers' names of the series' network, pictures, and masks that it nearly finds."""
    rng = np.random.default_rng(10)
    model = unet.build_unet((32, 32, 3), depth=4, base=4)
    for weight in model.weights:
        if weight.name == "kernel":
            weight.assign(rng.normal(0, np.sqrt(2 / np.prod(weight.shape[:-1])), weight.shape))
        elif weight.name == "beta":
            weight.assign(rng.normal(0.2, 0.2, weight.shape))  # keeps channels alive
    images = rng.random((6, 32, 32, 3), dtype=np.float32)
    probability = training.predict(model, images).astype(np.float64)
    logits = np.log(probability / (1 - probability))
    cut = np.quantile(logits, 0.6)
    model.get_layer("head").bias.assign([-cut])
    masks = (logits > cut).astype(np.uint8)
    masks[0] = 1  # so that the mean over the pictures is another number than the pooled score
    masks = np.where(rng.random(masks.shape) < 0.03, 1 - masks, masks)
    return model, model.get_weights(), images, masks


@functools.cache
def _iou_without(*levels):
    """The small network's IoU when the kernels that read some skips are cleared: another way to silence them."""
    model, weights, images, masks = _small_network()
    for level in levels:
        kernel = model.get_layer(f"dec{level}_conv1").kernel
        values = np.asarray(kernel).copy()
        values[:, :, : 4 * 2 ** (level - 1)] = 0
        kernel.assign(values)
    left = metrics.iou(masks, metrics.to_mask(training.predict(model, images)))
    model.set_weights(weights)
    return left


def _drops_one_after_another(levels):
    """The drops of someone who silences each skip in the network that the ones before have been cut from."""
    return [_iou_without() - _iou_without(*levels[: k + 1]) for k in range(len(levels))]


# ---- Tiles -------------------------------------------------------------------------------------------------------------


@check
def tiles(answer):
    """A picture predicted in tiles: ``answer(predict, picture, tile, halo)`` gives what ``predict(picture)`` gives."""
    tile, halo, reach = 12, 4, 4
    picture = np.random.default_rng(3).random((36, 48, 3)).astype(np.float32)
    whole, windows = _blur(picture), []

    def predict(window):
        windows.append(np.shape(window))
        return _blur(np.asarray(window))

    try:
        result = call(answer, predict, picture.copy(), tile, halo)
    except Waiting:
        raise
    except Exception:
        if any(0 in window for window in windows):
            return (
                "You predict an empty window: for the first tiles top - halo or left - halo is negative, and Python counts "
                "negative numbers from the other end. Begin at max(top - halo, 0)."
            )
        if any(len(window) != 3 for window in windows):
            shape = next(window for window in windows if len(window) != 3)
            return f"predict takes one picture (height, width, channels); you give it the shape {shape}."
        raise
    result, most = np.asarray(result), tile + 2 * halo
    if not windows:
        return "Your function never calls predict. Call it once for each tile, with the tile's window."
    if result.shape != whole.shape:
        reason = (
            "The halo is still there: of each prediction keep the tile alone."
            if result.size > whole.size
            else "One value is wanted for every pixel of the picture."
        )
        return f"For a picture of 36 x 48 px you return the shape {result.shape}; it should be {whole.shape}. {reason}"
    if max(max(window[:2]) for window in windows) > most:
        height, width = max((window[:2] for window in windows), key=max)
        whole_at_once = (height, width) == picture.shape[:2]
        reason = (
            "A picture that has to be cut does not fit as a whole." if whole_at_once else "Add it once on each side."
        )
        return (
            f"You give predict a window of {height} x {width} px; a tile of {tile} with a halo of {halo} has {most} at most. "
            f"{reason}"
        )
    wrong = ~np.isclose(result, whole, atol=1e-5)[..., 0]
    if not wrong.any():
        return None
    if np.allclose(result, _in_tiles(picture, tile, 0), atol=1e-5):
        return "No window reaches beyond its tile, so pixels at the tiles' borders do not see their neighbours: seams."
    if np.allclose(result, _in_tiles(picture, tile, halo // 2), atol=1e-5):
        return "Your windows reach half as far as they should: the halo goes on each side of the tile."
    shifted = _in_tiles(picture, tile, halo, crop=lambda cut: halo)
    if np.allclose(result, shifted, atol=1e-5):
        return (
            "The tiles at the picture's border are shifted: there the window has no halo on one side, so its tile begins at "
            "0, not at halo."
        )
    if np.allclose(result, _in_tiles(picture, tile, halo, crop=lambda cut: 0), atol=1e-5):
        return "All tiles but the first are shifted: a window begins with its halo, so skip that many rows and columns."
    rows, columns = (np.arange(n) for n in whole.shape[:2])
    border = np.minimum.outer(np.minimum(rows, rows[::-1]), np.minimum(columns, columns[::-1])) < reach
    if not wrong[~border].any():
        return (
            "Right inside, but not along the picture's border. Did you pad the picture? Let a window end where the picture "
            "ends, as the whole prediction does."
        )
    seam = np.minimum.outer(*(np.minimum(n % tile, -1 - n % -tile) for n in (rows, columns))) < reach
    if not wrong[~seam].any():
        return "Right in the middle of the tiles, wrong near their borders: seams. How far do your windows reach?"
    row, column = (int(n) for n in np.argwhere(wrong)[0])
    return (
        f"{wrong.mean():.0%} of the pixels differ from the whole prediction; the first at row {row}, column {column}."
    )


def _blur(picture):
    """A stand-in for a network: two box filters with a ReLU between, (h, w, channels) to (h, w, 1), 4 px of reach."""
    values = picture.mean(axis=-1)
    for shift in (0.3, 0):
        padded = np.pad(values, 2)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5)) if values.size else values[..., None, None]
        values = np.maximum(windows.mean(axis=(2, 3)) - shift, 0) + shift
    return values[..., None]


def _in_tiles(picture, tile, halo, crop=lambda cut: cut):
    """A picture predicted in windows that end with the picture; ``crop`` says where in a window its tile begins."""
    result = np.zeros((*picture.shape[:2], 1))
    for top in range(0, picture.shape[0], tile):
        for left in range(0, picture.shape[1], tile):
            above, before = min(top, halo), min(left, halo)
            window = picture[top - above : top + tile + halo, left - before : left + tile + halo]
            row, column = crop(above), crop(before)
            part = _blur(window)[row : row + tile, column : column + tile]
            result[top : top + part.shape[0], left : left + part.shape[1]] = part
    return result


# ---- The worst ---------------------------------------------------------------------------------------------------------


@check
def worst_pictures(answer):
    """The pictures with the lowest IoU: ``answer(truth, mask, count)`` returns their numbers, the worst first."""
    truth, mask = np.zeros((8, 12, 12, 1), np.uint8), np.zeros((8, 12, 12, 1), np.uint8)
    # Sides of the true and of the found square. Picture 2 is empty and found empty: its IoU is 1.
    for k, (side, found) in enumerate(((10, 8), (3, 1), (0, 0), (9, 7), (4, 2), (8, 7), (4, 6), (10, 9))):
        truth[k, 1 : 1 + side, 1 : 1 + side] = 1
        mask[k, 1 : 1 + found, 1 : 1 + found] = 1
    scores = metrics.iou(truth, mask, per_image=True)
    best_last = np.argsort(scores)
    for count in (3, 5):
        result = np.asarray(call(answer, truth.copy(), mask.copy(), count))
        right = best_last[:count]
        if result.dtype == bool:
            return "You return true and false; return the numbers of the pictures."
        if result.shape == () or (result.size == 1 and count > 1):
            return "You return a single number. Score each picture by itself: metrics.iou(..., per_image=True)."
        if result.ndim != 1:
            return f"You return an array of shape {result.shape}; return a list of {count} picture numbers."
        if np.allclose(np.sort(result)[:count], np.sort(scores)[: result.size][:count]) and result.dtype.kind == "f":
            return "These are the lowest scores themselves; return the numbers of the pictures, np.argsort gives them."
        if len(result) != count:
            return f"Asked for {count} pictures, you return {len(result)}."
        if np.array_equal(result, right):
            continue
        return _wrong_order(result, right, best_last, truth, mask)
    return None


def _wrong_order(result, right, best_last, truth, mask):
    """What is wrong with a list of worst pictures."""
    count, axes = len(right), (1, 2, 3)
    if np.array_equal(np.sort(result), np.sort(right)):
        return "The right pictures in the wrong order: the worst comes first."
    if np.array_equal(result - 1, right):
        return "All numbers are one too high: the first picture has the number 0."
    if np.array_equal(np.sort(result), np.sort(best_last[-count:])):
        return "These are the best pictures: argsort puts the smallest first, and the smallest IoU is the worst."
    if 2 in result:
        return "Picture 2 has no shape, and none was found: the masks agree, so its IoU is 1, not 0."
    errors = np.argsort(-(truth != mask).sum(axis=axes), kind="stable")[:count]
    if np.array_equal(np.sort(result), np.sort(errors)):
        return "These have the most wrong pixels; in a large shape that may be little. Divide by the union: IoU."
    recall = (truth & mask).sum(axis=axes) / np.maximum(truth.sum(axis=axes), 1) + (truth.sum(axis=axes) == 0)
    if np.array_equal(result, np.argsort(recall, kind="stable")[:count]):
        return "These have the lowest recall, which forgives what was invented. Divide by the union: IoU."
    return (
        f"In a small example the worst are {right.tolist()}, you return {result.tolist()}. Sort by IoU, lowest first."
    )
