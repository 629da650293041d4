"""The answers to the exercises of notebook 04 training."""

from __future__ import annotations

import numpy as np

from utils.checks.base import call, check, number


@check
def cross_entropy(my_loss):
    """Check a function of truth and probability that returns the mean binary cross-entropy."""
    truth = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    probability = np.array([[0.9, 0.2, 0.3], [0.6, 0.1, 0.8]])
    values = -np.where(truth == 1, np.log(probability), np.log(1 - probability))
    answer = call(my_loss, truth, probability)
    if np.shape(answer) != ():
        return f"You return an array of shape {np.shape(answer)}; take the mean over all pixels to get one number."
    value, right = number(answer), values.mean()
    if np.isclose(value, right, rtol=1e-4):
        return None
    for wrong, complaint in (
        (-right, "The sign is turned round: logarithms of probabilities are negative, a loss is positive."),
        (values.sum(), "This is the sum over the pixels; the mean does not grow with the size of the picture."),
        (-np.mean(truth * np.log(probability)), "Only pixels of shape count in your loss; ground needs log(1 - p)."),
        (right / np.log(10), "This is the logarithm to base 10; use the natural one, np.log."),
        (right / np.log(2), "This is the logarithm to base 2; use the natural one, np.log."),
        (np.mean((truth - probability) ** 2), "This is the mean squared error, another loss."),
    ):
        if np.isclose(value, wrong, rtol=1e-4):
            return complaint
    return f"Expected {right:.4f} for a small example, got {value:.4f}. Work out one pixel by hand and compare."


@check
def best_threshold(my_threshold):
    """Check a function of probabilities, masks and thresholds that returns the threshold with the highest pooled IoU."""
    rng = np.random.default_rng(4)
    masks = np.zeros((2, 12, 12, 1), np.uint8)
    masks[0, 2:11, 1:11], masks[1, 5:7, 5:8] = 1, 1
    probability = np.clip(0.42 * masks + rng.uniform(0, 0.5, masks.shape), 0, 1)
    probability[1] = np.clip(probability[1] + 0.22 * (1 - masks[1]), 0, 1)
    thresholds = np.linspace(0.05, 0.95, 19)
    both = [np.sum((probability > t) & (masks == 1)) for t in thresholds]
    either = [np.sum((probability > t) | (masks == 1)) for t in thresholds]
    ious = np.divide(both, either)
    answer = call(my_threshold, probability, masks, thresholds)
    if np.shape(answer) != ():
        return f"You return an array of shape {np.shape(answer)}; return one threshold."
    value, right = number(answer), thresholds[np.argmax(ious)]
    accuracy = [np.mean((probability > t) == masks) for t in thresholds]
    if np.isclose(value, right):
        return None
    if np.isclose(value, np.argmax(ious)) and isinstance(answer, (int, np.integer)):
        return "This is the place of the best threshold in the list; return the threshold that stands there."
    if np.isclose(value, ious.max()):
        return "This is the highest IoU itself; return the threshold that gives it."
    if np.isclose(value, thresholds[np.argmax(accuracy)]):
        return "This threshold has the highest pixel accuracy; choose by IoU."
    if np.isclose(value, thresholds[np.argmin(ious)]):
        return "This threshold has the lowest IoU: look for the largest value, not the smallest."
    if not np.isclose(thresholds, value).any():
        return f"{value:g} is not one of the thresholds; return one from the list."
    return (
        f"The best threshold of a small example is {right:.2f}, you return {value:.2f}. Pool the pixels of all images."
    )
