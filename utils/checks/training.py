"""The answers to the exercises of notebook 04 training."""

from __future__ import annotations

import keras
import numpy as np

from utils import losses, metrics
from utils.checks.base import call, check, judge, number


@check
def cross_entropy(my_loss):
    """A function of truth and probability that returns the mean binary cross-entropy."""
    truth = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    probability = np.array([[0.9, 0.2, 0.3], [0.6, 0.1, 0.8]])
    values = losses.binary_cross_entropy(truth, probability)
    right = values.mean()
    mistakes = (
        (-right, "The sign is wrong: logarithms of probabilities are negative, a loss is positive."),
        (values.sum(), "This is the sum over the pixels; the mean does not grow with the size of the image."),
        (-np.mean(truth * np.log(probability)), "Only foreground counts in your loss; background needs log(1 - p)."),
        (right / np.log(10), "This is the logarithm to base 10; use the natural one, np.log."),
        (right / np.log(2), "This is the logarithm to base 2; use the natural one, np.log."),
        (np.mean((truth - probability) ** 2), "This is the mean squared error, another loss."),
    )
    result = number(call(my_loss, truth, probability), "Return one number: take the mean over all pixels.")
    otherwise = f"Expected {right:.4f} for a small example, got {result:.4f}. Work out one pixel by hand and compare."
    yield judge(result, right, mistakes, otherwise=otherwise)


@check
def best_threshold(my_threshold):
    """A function of probabilities, masks and thresholds that returns the threshold with the highest pooled IoU."""
    rng = np.random.default_rng(5)
    masks = np.zeros((2, 12, 12, 1), np.uint8)
    masks[0, 2:11, 1:11], masks[1, 5:7, 5:8] = 1, 1
    probability = np.clip(0.42 * masks + rng.uniform(0, 0.5, masks.shape), 0, 1)
    probability[1] = np.clip(probability[1] + 0.22 * (1 - masks[1]), 0, 1)
    thresholds = np.linspace(0.05, 0.95, 19)
    each_mask = [metrics.to_mask(probability, threshold) for threshold in thresholds]
    ious = [metrics.iou(masks, mask) for mask in each_mask]
    accuracy = [metrics.pixel_accuracy(masks, mask) for mask in each_mask]
    each = [metrics.iou(masks, mask, per_image=True).mean() for mask in each_mask]
    right = thresholds[np.argmax(ious)]
    mistakes = (
        (np.argmax(ious), "This is the place of the best threshold in the list; return the threshold itself."),
        (max(ious), "This is the highest IoU itself; return the threshold that gives it."),
        (thresholds[np.argmax(accuracy)], "This threshold has the highest pixel accuracy; choose by IoU."),
        (thresholds[np.argmin(ious)], "This threshold has the lowest IoU: look for the largest value."),
        (thresholds[np.argmax(each)], "This threshold has the best mean over the images; pool all pixels."),
    )
    result = number(call(my_threshold, probability, masks, thresholds), "Return one threshold.")
    otherwise = f"{result:g} is not one of the thresholds; return one from the list."
    if np.isclose(thresholds, result).any():
        otherwise = f"The best threshold of a small example is {right:.2f}, you return {result:.2f}. Pool all images."
    yield judge(result, right, mistakes, otherwise=otherwise)


@check
def soft_dice(my_dice_loss):
    """A function of truth and probability, ``(N, H, W, 1)``, that returns the mean soft Dice loss of the images."""
    truth = np.zeros((2, 4, 4, 1))
    truth[0, :3], truth[1, 0, 0] = 1, 1
    p = np.random.default_rng(7).uniform(0.05, 0.95, truth.shape)
    p[0, 0], p[1, 0, 0] = 0.9, 0.7  # the first image is the better one, so pooling shows
    right = np.mean(losses.soft_dice_loss(truth, p))

    def loss(p=p, axis=(1, 2, 3), total=np.sum, twice=2, above=1, below=1):
        return 1 - np.mean((twice * total(truth * p, axis) + above) / (total(truth + p, axis) + below))

    both, sizes = np.sum(truth * p, axis=(1, 2, 3)), np.sum(truth + p, axis=(1, 2, 3))
    soft_iou = 1 - np.mean((both + 1) / (sizes - both + 1))
    by_pixel = 1 - np.mean((2 * truth * p + 1) / (truth + p + 1))
    mistakes = (
        (losses.soft_dice_loss(truth, p), "You return one loss for each image; take their mean to get one number."),
        (1 - right, "This is the Dice score, which is high for a good mask; a loss is 1 minus it."),
        (loss(p > 0.5), "You turn the probabilities into a mask first. A threshold has no slope to learn from."),
        (loss(axis=None), "You sum over all images together; sum over each image, then take the mean over the images."),
        (loss(axis=0), "You sum over axis 0, the images; sum over height, width and channel, axis=(1, 2, 3)."),
        (by_pixel, "You divide pixel by pixel; the sums over an image come first, then one division."),
        (loss(total=np.mean), "You take means over the pixels where the formula has sums, so the + 1 outweighs them."),
        (loss(twice=1), "The overlap counts twice: 2 in front of the first sum is missing."),
        (loss(above=0, below=0), "The + 1 above and below the line is missing; it keeps empty masks from 0 / 0."),
        (loss(above=0), "The + 1 stands below the line only; above it keeps a perfect loss at 0."),
        (soft_iou, "This is a soft IoU: below the line, Dice has the sum of both sizes."),
    )
    result = call(my_dice_loss, truth, p)
    if np.shape(result) != (2,):
        result = number(result, "Sum over height, width and channel of an image, then take the mean over the images.")
    otherwise = f"Expected {right:.4f} for a small example, got {np.mean(result):.4f}. Work out one image by hand."
    yield judge(result, right, mistakes, otherwise=otherwise)


# ---- A table of scores -------------------------------------------------------------------------------------------------

BLANK, EVERYWHERE, NEAR, FLIPPED, GOOD = "blank", "shape everywhere", "sees too little", "flipped", "good"


def failed_runs(samples) -> dict[str, dict[str, float]]:
    """Score four masks that are wrong on purpose, each in a way that a run can fail.

    Args:
        samples: images from :func:`utils.shapes.draw`.

    Returns:
        dict: for each run ``accuracy``, ``iou``, and ``filled`` and ``outlined``, the recalls on the two styles.
    """
    filled, outlined = samples.styles[..., None] == 1, samples.styles[..., None] == 2
    masks = {
        "run 1": filled | (outlined & metrics.near_edge(outlined, 3)),
        "run 2": np.ones_like(samples.masks),
        "run 3": samples.masks[:, :, ::-1],
        "run 4": np.zeros_like(samples.masks),
    }
    scores = {run: metrics.silhouette_scores(samples, mask) for run, mask in masks.items()}
    return {run: {name: row[name] for name in ("accuracy", "iou", "filled", "outlined")} for run, row in scores.items()}


_FAILURES = {"run 1": NEAR, "run 2": EVERYWHERE, "run 3": FLIPPED, "run 4": BLANK}
_WHY_NOT = {
    ("run 1", FLIPPED): "Run 1 finds all of the filled shapes; masks that lie elsewhere would lose both styles alike.",
    ("run 1", GOOD): "Run 1 is blind to something: compare its two recalls.",
    ("run 2", GOOD): "Run 2 finds every silhouette, but look at its accuracy: what does it do with the background?",
    ("run 2", BLANK): "A blank mask finds nothing; run 2 finds every silhouette.",
    ("run 3", NEAR): "Run 3 loses about as much of both styles; with too small a view, only outlines suffer.",
    ("run 3", BLANK): "Run 3 finds a part of both styles; a blank mask finds nothing.",
    ("run 4", GOOD): "The accuracy of run 4 is the share of background: any blank mask has it. Look at its IoU.",
    ("run 4", NEAR): "Run 4 does not find the filled shapes either, and those a small view can find.",
}


@check
def failures(answer):
    """A dict that says for each of :func:`failed_runs` what is wrong with it."""
    answer = call(answer)
    if not isinstance(answer, dict):
        yield f'Give a dict such as {{"run 1": "{BLANK}"}}; this is of type {type(answer).__name__}.'
    words = (BLANK, EVERYWHERE, NEAR, FLIPPED, GOOD)
    answer = {run: word.strip().lower() if isinstance(word, str) else word for run, word in answer.items()}
    for run in _FAILURES:
        if answer.get(run) is None:
            yield f"{run.capitalize()} is not in your answer yet."
        if answer[run] not in words:
            yield f"{answer[run]!r} is none of the words to choose from: {', '.join(words)}."
    for run, right in _FAILURES.items():
        if answer[run] != right:
            other = f"{run.capitalize()} is not '{answer[run]}'. Which scores would you expect of such a mask?"
            yield _WHY_NOT.get((run, answer[run]), other)


# ---- A training of one's own -------------------------------------------------------------------------------------------


def discs(count, rng):
    """Draw noisy images ``(count, 32, 32, 2)`` with a disc that shows in the first channel only, and their masks."""
    rows, columns, radius = rng.uniform([[8], [8], [5]], [[24], [24], [10]], (3, count))[..., None, None]
    masks = np.hypot(np.arange(32)[:, None] - rows, np.arange(32) - columns) < radius
    images = rng.normal(0.35, 0.15, (count, 32, 32, 2)) + 0.3 * np.stack([masks, np.zeros_like(masks)], -1)
    return images.clip(0, 1).astype(np.float32), masks[..., None].astype(np.float32)


@check
def own_training(my_training):
    """A function of images and masks that builds a network, trains it, and returns it."""
    images, masks = discs(100, np.random.default_rng(8))
    model = call(my_training, images[:80], masks[:80])
    new, truth = images[80:], masks[80:]
    if not isinstance(model, keras.Model):
        yield f"Return the trained keras.Model; yours is of type {type(model).__name__}."
    output, in_training = (np.asarray(model(new, training=mode)) for mode in (False, True))
    if output.shape != truth.shape:
        yield f"For images of shape {new.shape} the output has the shape {output.shape}; it should be {truth.shape}."
    if output.min() < 0 or output.max() > 1:
        yield f"The output reaches from {output.min():.1f} to {output.max():.1f}: logits. The last layer needs a sigmoid."
    if not int(getattr(getattr(model, "optimizer", None), "iterations", 0)):
        yield "This network has not taken one training step: compile it, then call fit."
    if output.min() >= 0.5:
        yield "No output is below .5: a ReLU comes before the sigmoid. Give the last convolution the sigmoid alone."
    iou, then = (metrics.iou(truth, metrics.to_mask(each)) for each in (output, in_training))
    if iou < 0.7 <= then:
        yield f"IoU {iou:.2f}, with training=True {then:.2f}: the averages of batch normalisation lag. Set momentum=0.9."
    if np.ptp(output) < 0.05:
        yield "The output is the same grey everywhere, as with a learning rate that is too large; start Adam at 1e-3."
    if iou <= truth.mean():
        yield f"On new images IoU is {iou:.2f}; calling every pixel foreground gives {truth.mean():.2f}. Train for longer."
    if iou < 0.7:
        yield f"It learns: on new images IoU is {iou:.2f}, and .70 is within reach. Train for longer, or see farther."
    if "val_loss" not in getattr(getattr(model, "history", None), "history", ()):
        yield f"It works, with IoU {iou:.2f}, but nothing was held back: give fit validation_data or validation_split."
