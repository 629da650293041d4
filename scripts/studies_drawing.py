"""The study of notebook 12: the same network with skip connections and without, trained briefly."""

import functools

import keras
import numpy as np

from scripts.experiments import Study
from utils import diffusion, drawings, metrics, training

STEPS, IMAGES, DRAWN = 1000, 4000, 200
NETWORKS = {"with skips": {}, "without skips": {"skips": False}}
TIMES = {"little noise": 0.2, "much noise": 0.7}


@functools.cache
def pictures(split):
    """What is learned from, or tested on."""
    return drawings.draw(
        IMAGES if split == "train" else 500, split=split, seed=0 if split == "train" else training.TEST_SEED
    )[0]


def train(condition, seed, steps=STEPS) -> keras.Model:
    """Build a network and train it from a seed."""
    keras.utils.set_random_seed(seed)
    model = diffusion.build_denoiser(**NETWORKS[condition])
    diffusion.compile_denoiser(model, steps, average=0.99)
    model.fit(diffusion.dataset(pictures("train"), seed=seed), steps_per_epoch=steps, verbose=0)
    return model


def score(model, drawn=DRAWN) -> dict[str, float]:
    """Share of recognised drawings; IoU of the clean picture that is predicted from a little and from much noise."""
    test = pictures("test")
    found = {
        "recognised": float((drawings.recognise(diffusion.sample(model, diffusion.noise(drawn))[1][-1]) >= 0).mean())
    }
    for name, time in TIMES.items():
        times = np.full((len(test), 1), time, np.float32)
        noisy = np.asarray(diffusion.add_noise(test, diffusion.noise(len(test), 1), times))
        predicted = model.predict([noisy, times], verbose=0)
        found[f"IoU, {name}"] = metrics.iou(test > 0.5, predicted > 0.5)
    return found


def run(condition, seed) -> dict[str, float]:
    """Train and score."""
    return score(train(condition, seed))


STUDIES = {"drawing": Study({name: functools.partial(run, name) for name in NETWORKS})}
