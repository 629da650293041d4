"""The study of notebook 12: the same network with skip connections and without, trained briefly."""

import functools

import keras
import numpy as np

from scripts.experiments import Study
from utils import diffusion, drawings, metrics, project, training

STEPS, IMAGES = 500, 4000
NETWORKS = {"with skips": {}, "without skips": {"skips": False}}
TIMES = {"little noise": 0.05, "much noise": 0.5}


@functools.cache
def pictures(split):
    """What is learned from, or tested on, and its kinds."""
    count, seed = (IMAGES, 0) if split == "train" else (500, training.TEST_SEED)
    return drawings.draw(count, split=split, seed=seed)


def train(condition, seed, steps=STEPS) -> keras.Model:
    """Build a network and train it from a seed."""
    keras.utils.set_random_seed(seed)
    model = diffusion.build_denoiser(**NETWORKS[condition])
    diffusion.compile_denoiser(model, steps, average=0.99)
    model.fit(diffusion.dataset(*pictures("train"), seed=seed), steps_per_epoch=steps, verbose=0)
    return model


def recognised(model, count, fresh=1.0) -> float:
    """Share of drawings that are recognised as what was asked for."""
    asked = np.arange(count) % 5
    found = drawings.recognise(diffusion.sample(model, diffusion.noise(count), asked, fresh=fresh)[1][-1])
    return float((found == asked).mean())


def score(model) -> dict[str, float]:
    """IoU of the picture that is predicted from a little and from much noise."""
    scores, (test, kinds) = {}, pictures("test")
    for name, time in TIMES.items():
        times = np.full((len(test), 1), time, np.float32)
        noisy = np.asarray(diffusion.add_noise(test, diffusion.noise(len(test), 1), times))
        predicted = model.predict([noisy, times, diffusion.one_hot(kinds)], verbose=0)
        scores[f"IoU, {name}"] = metrics.iou(test > 0.5, predicted > 0.5)
    return scores


def run(condition, seed) -> dict[str, float]:
    """Train and score."""
    return score(train(condition, seed))


STUDIES = {"drawing": Study({name: functools.partial(run, name) for name in NETWORKS})}


def write_pictures(count=10):
    """Write ``data/drawings_skips.npz``: what the networks of seed 0 predict from a little noise, and draw, 255 for 1."""
    asked = np.arange(count) % 5
    test, kinds = pictures("test")
    some = test[[np.flatnonzero(kinds == kind)[k // 5] for k, kind in enumerate(asked)]]
    times, noise = np.full((count, 1), TIMES["little noise"], np.float32), diffusion.noise(count, 1)
    noisy, networks = np.asarray(diffusion.add_noise(some, noise, times)), {name: train(name, 0) for name in NETWORKS}
    found = {"noisy": (noisy + 1) / 2}
    for name, model in networks.items():
        found[f"one call, {name}"] = model.predict([noisy, times, diffusion.one_hot(asked)], verbose=0)
    for name, model in networks.items():
        found[f"drawn, {name}"] = diffusion.sample(model, diffusion.noise(count), asked)[1][-1]
    held = {name: np.uint8(np.rint(255 * np.clip(one, 0, 1))) for name, one in found.items()}
    np.savez_compressed(project.DATA / "drawings_skips.npz", **held)
