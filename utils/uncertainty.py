"""Several answers for one image: how far they disagree, and whether pixels without a clear answer are the wrong ones.

Three ways to get them: several networks (an ensemble), one network that drops values at random, one network that sees the
image turned and mirrored. All give probabilities ``(K, N, H, W, 1)``; their mean along the first axis is the prediction.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from scipy import special, stats

# ---- Several answers -------------------------------------------------------------------------------------------------


def ensemble(models, images) -> np.ndarray:
    """What each network says, ``(K, N, H, W, 1)``.

    Source: Lakshminarayanan, Pritzel, Blundell, "Simple and scalable predictive uncertainty estimation using deep ensembles",
    2017, arXiv 1612.01474.
    """
    return np.stack([model.predict(images, batch_size=50, verbose=0) for model in models])


class AlwaysDropout(layers.Dropout):
    """Dropout that also drops when the network predicts."""

    def call(self, inputs, training=None):
        """Drop, whatever ``training`` says."""
        return super().call(inputs, training=True)


def dropout_on(model) -> keras.Model:
    """A copy of the network whose dropout layers also drop when it predicts; its normalisation predicts as before.

    Source: Gal and Ghahramani, "Dropout as a Bayesian approximation", 2016, arXiv 1506.02142.
    """

    def clone(layer):
        kind = AlwaysDropout if isinstance(layer, layers.Dropout) else type(layer)
        return kind.from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def turns_and_flips(model, images) -> np.ndarray:
    """What one network says about square images in eight positions, turned back, ``(8, N, H, W, 1)``.

    Source: Wang, Li, Aertsen, Deprest, Ourselin, Vercauteren, "Aleatoric uncertainty estimation with test-time augmentation for
    medical image segmentation with convolutional neural networks", 2019, arXiv 1807.07356.
    """
    answers = []
    for mirror in (1, -1):
        for turns in range(4):
            moved = np.rot90(images[:, :, ::mirror], turns, axes=(1, 2))
            answer = model.predict(np.ascontiguousarray(moved), batch_size=50, verbose=0)
            answers.append(np.rot90(answer, -turns, axes=(1, 2))[:, :, ::mirror])
    return np.stack(answers)


# ---- How unsure, and why ---------------------------------------------------------------------------------------------


def entropy(probability) -> np.ndarray:
    """How unsure a probability of foreground is, in bits, same shape: 0 for a certain pixel, 1 at .5."""
    probability = np.asarray(probability, np.float64)
    return (special.entr(probability) + special.entr(1 - probability)) / np.log(2)


def disagreement(answers) -> np.ndarray:
    """The part of the entropy that the answers owe to each other: of their mean, minus their mean; ``(K, ...)`` to ``(...)``.

    It is the mutual information between the answer and who gives it. Source: Houlsby, Huszar, Ghahramani, Lengyel, "Bayesian
    active learning for classification and preference learning", 2011, arXiv 1112.5745.
    """
    return entropy(np.mean(answers, axis=0)) - entropy(answers).mean(axis=0)


# ---- Does it know where it is wrong? ---------------------------------------------------------------------------------


def auroc(wrong, unsure) -> float:
    """How often a wrong pixel is less sure than a right one, of all such pairs, 0..1; .5 is chance, ties count half.

    Source: Hendrycks and Gimpel, "A baseline for detecting misclassified and out-of-distribution examples in neural networks",
    2017, arXiv 1610.02136.

    Args:
        wrong: bool, any shape, with both kinds in it.
        unsure: same shape; the larger, the less sure.
    """
    wrong, ranks = np.ravel(wrong), stats.rankdata(unsure)
    count = np.count_nonzero(wrong)
    return float((ranks[wrong].sum() - count * (count + 1) / 2) / (count * (wrong.size - count)))


def errors_left(wrong, unsure, set_aside) -> float:
    """The share of wrong pixels among the others, once the least sure pixels are set aside for a person to look at.

    Source: Geifman and El-Yaniv, "Selective classification for deep neural networks", 2017, arXiv 1705.08500.

    Args:
        wrong, unsure: as for :func:`auroc`.
        set_aside: share of the pixels, 0 up to 1.
    """
    wrong, unsure = np.ravel(wrong), np.ravel(unsure)
    kept = np.argsort(unsure, kind="stable")[: wrong.size - round(set_aside * wrong.size)]
    return float(wrong[kept].mean())
