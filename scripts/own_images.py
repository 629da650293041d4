"""Draw folders of images as people bring them, plan, train, and score on images held out: one line a folder.

usage: python -m scripts.own_images FOLDER [NAME ...]    every set of ``SETS`` by default; draws what is not there yet
"""

import resource
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage, spatial

from utils import folders, metrics, objects, planning

PARTS = ("train", "validation", "test")


def nuclei():
    """The quadrants of the image of nuclei, as notebook 09 uses them."""
    image, labels = folders.nuclei()
    parts = {"upper right": "train", "lower right": "train", "upper left": "validation", "lower left": "test"}
    for name, part in parts.items():
        crop = np.rint(folders.quadrant(image, name) * 255).astype(np.uint8)
        yield part, name.replace(" ", "_"), crop, folders.quadrant(labels, name).astype(np.uint8)


def several(draw, counts):
    """Images that ``draw`` makes from a generator, so many for each part."""
    for part, count in zip(PARTS, counts):
        for k in range(count):
            yield part, f"{part}_{k}", *draw(np.random.default_rng([PARTS.index(part), k]))


def noise(rng, shape, size):
    """Smooth noise with standard deviation 1."""
    field = ndimage.gaussian_filter(rng.normal(size=shape), size, mode="wrap")
    return field / field.std()


def membranes(rng, side=512, count=280):
    """Thin dark lines between cells with dark specks inside, grey, and a mask of the lines."""
    points = rng.uniform(0, side, (count, 2))
    nearest, _ = spatial.cKDTree(points).query(np.indices((side, side)).reshape(2, -1).T, k=2)
    lines = (nearest[:, 1] - nearest[:, 0] < 3).reshape(side, side)
    specks = noise(rng, (side, side), 2) > 2.4
    image = ndimage.gaussian_filter(np.where(lines | specks, 70.0, 165.0), 1) + rng.normal(0, 18, (side, side))
    return image + 12 * noise(rng, (side, side), 40), lines * 255


def blob(rng, height, width, radius):
    """One large object with a wavy outline."""
    rows, columns = np.mgrid[:height, :width]
    y, x = rng.uniform(0.4, 0.6) * height, rng.uniform(0.4, 0.6) * width
    angle = np.arctan2(rows - y, columns - x)
    wave = sum(rng.normal(0, 0.3 / k) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in range(2, 6))
    return np.hypot(rows - y, columns - x) < radius * np.clip(1 + wave, 0.4, 1.6)


def photograph(rng, there):
    """Colours for an object with parts on a ground with texture: the colours of both overlap between images."""
    shape, parts = there.shape, [rng.uniform(40, 215, 3) for _ in range(4)]
    ground = np.where(noise(rng, shape, 25)[..., None] > 0, parts[0], 0.7 * parts[0] + 0.3 * parts[1])
    spots = np.where(noise(rng, shape, 12)[..., None] > 0.5, parts[2], parts[3])
    rim = there & ~ndimage.binary_erosion(there, iterations=3)
    image = np.where(there[..., None], spots, ground) * np.where(rim, 0.6, 1.0)[..., None]
    return ndimage.gaussian_filter(image, (1, 1, 0)) + rng.normal(0, 12, (*shape, 3))


def pets(rng):
    """A photograph of one animal-like blob, and a trimap: 1 object, 2 background, 3 border."""
    height, width = (int(side) for side in rng.integers(300, 500, 2))
    there = blob(rng, height, width, rng.uniform(70, 120))
    border = ndimage.binary_dilation(there, iterations=4) & ~ndimage.binary_erosion(there, iterations=4)
    return photograph(rng, there), np.where(border, 3, np.where(there, 1, 2))


def cars(rng, height=640, width=960):
    """A photograph of one large object with windows and wheels of other colours, and its mask."""
    rows, columns = np.mgrid[:height, :width]
    y, x = rng.uniform(280, 360), rng.uniform(420, 540)
    long, high = rng.uniform(230, 320), rng.uniform(90, 120)
    body = (np.abs(columns - x) / long) ** 6 + (np.abs(rows - y) / high) ** 4 < 1
    cabin = (np.abs(columns - x) / (0.55 * long)) ** 4 + (np.abs(rows - y + high) / (0.8 * high)) ** 4 < 1
    wheels = np.zeros_like(body)
    for side in (-0.6, 0.6):
        wheels |= np.hypot(rows - y - 0.9 * high, columns - x - side * long) < 0.45 * high
    there = body | cabin | wheels
    image = photograph(rng, there)
    window = (np.abs(columns - x) / (0.4 * long)) ** 4 + (np.abs(rows - y + 1.1 * high) / (0.4 * high)) ** 4 < 1
    image[window] = 0.3 * image[window] + 0.7 * np.median(image[~there], axis=0)
    image[wheels] = 40 + rng.normal(0, 10, (wheels.sum(), 3))
    return image, there * 255


def big_objects(rng, side=512):
    """One rectangle of about 240 px on a noisy ground, grey, and its mask."""
    mask = np.zeros((side, side), bool)
    height, width = rng.integers(200, 280, 2)
    top, left = rng.integers(0, side - height), rng.integers(0, side - width)
    mask[top : top + height, left : left + width] = True
    return np.where(mask, 170.0, 60.0) + rng.normal(0, 30, mask.shape), mask * 255


SETS = {
    "nuclei": nuclei,
    "membranes": lambda: several(membranes, (24, 4, 6)),
    "pets": lambda: several(pets, (40, 8, 12)),
    "cars": lambda: several(cars, (24, 4, 6)),
    "big_objects": lambda: several(big_objects, (12, 3, 6)),
}


def draw(name, folder):
    """Write a set as ``train/images``, ``train/masks`` and so on, unless it is there."""
    if not folder.is_dir():
        for part, stem, *arrays in SETS[name]():
            for kind, array in zip(("images", "masks"), arrays):
                path = folder / part / kind / f"{stem}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.clip(array, 0, 255).astype(np.uint8)).save(path)
    return folder


def score(chosen, model, test) -> dict[str, float]:
    """Scores over all images of a folder, as means."""
    rows = []
    for pair in test:
        found, known = chosen.result(chosen.predict(model, pair.image)), np.ones(pair.target.shape, bool)
        known = known if pair.weight is None else pair.weight > 0
        truth, found = np.where(known, pair.target, 0), np.where(known, found, 0)
        if chosen.kind == "classes":
            row = {"iou": np.mean([metrics.iou(truth == k, found == k) for k in range(1, chosen.classes)])}
        else:
            if chosen.kind == "mask":  # without the slivers that the void cuts off
                truth, found = (objects.remove_small(objects.label(one), chosen.smallest) for one in (truth, found))
            row = {"objects": truth.max(), "found": found.max()} | objects.scores(truth, found)
            truth, found = truth > 0, found > 0
        row["accuracy"] = np.mean((truth == found)[known])
        rows.append(row)
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def main(folder, names, **choices):
    """Print the plan and the scores of each set."""
    for name in names:
        path = draw(name, Path(folder) / name)
        train, validation = folders.read(path).split()
        start = time.perf_counter()
        chosen = planning.plan(train, **choices)
        print(f"\n{name}, planned in {time.perf_counter() - start:.1f} s", chosen, sep="\n", flush=True)
        model, history = chosen.train(train, validation)
        seconds = time.perf_counter() - start
        scores = score(chosen, model, folders.read(path, split="test"))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        shown = "  ".join(f"{key} {value:.3f}" for key, value in scores.items())
        print(
            f"{name}: {seconds:.0f} s ({history['seconds'][-1]:.0f} s of steps), {memory:.0f} MB: {shown}", flush=True
        )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or SETS)
