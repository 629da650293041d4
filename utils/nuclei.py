"""One real picture: nuclei under a fluorescence microscope, each outlined by a person.

What it is, where it comes from and how it may be used is said in ``data/nuclei/ATTRIBUTION.md``; ``data/nuclei/card.json`` has
the checksums. The functions below also work on pictures of your own: grey ``(H, W)`` with a label map ``(H, W)``.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np
from PIL import Image

from utils import elastic, given, instances, metrics, project

FOLDER = project.DATA / "nuclei"
QUADRANTS = ("upper left", "upper right", "lower left", "lower right")
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""The IoU that a pair of objects must reach, from easy to strict."""


# ---- The picture -------------------------------------------------------------------------------------------------------


def load(folder=FOLDER) -> tuple[np.ndarray, np.ndarray]:
    """Read the picture and its label map, after comparing their checksums with the card.

    Args:
        folder: holds ``image.png``, ``labels.png`` and ``card.json``.

    Returns:
        tuple: the picture, float32 ``(512, 512)``, 0..1, and its label map, int32 ``(512, 512)``: 0 = ground, 1, 2, ... =
        nuclei, in the order of the file's own numbers.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is not the one that the card describes.
    """
    folder = given.path("folder", folder)
    arrays = []
    for name, expected in card(folder)["sha256"].items():
        path = folder / name
        if not path.is_file():
            raise FileNotFoundError(f"There is no {name} in {folder.name}/, though its card names it; get it again.")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected:
            raise ValueError(
                f"{name} is damaged or another file: its SHA-256 starts with {found[:12]}, the card says {expected[:12]}. "
                "Get the file again."
            )
        with Image.open(path, formats=["PNG"]) as picture:
            arrays.append(np.asarray(picture))
    image, labels = arrays
    return image.astype(np.float32) / np.float32(255), renumber(labels)


def card(folder=FOLDER) -> dict:
    """What ``card.json`` says: checksums, size, number of nuclei, source and licence.

    Raises:
        FileNotFoundError: there is none.
    """
    path = given.path("folder", folder) / "card.json"
    if not path.is_file():
        raise FileNotFoundError(f"There is no card.json in {path.parent.name}/; get the folder again.")
    return json.loads(path.read_text(encoding="utf-8"))


def renumber(labels) -> np.ndarray:
    """Give the objects of a label map the numbers 1, 2, ... without gaps, in the order of their old numbers; int32.

    Raises:
        TypeError, ValueError: as :func:`utils.instances.check_labels`.
    """
    labels = instances.check_labels("labels", labels)
    found = np.union1d([0], labels)
    return np.searchsorted(found, labels).astype(np.int32)


def quadrant(array, name) -> np.ndarray:
    """Cut one of the four quadrants out of a picture or map.

    Args:
        array: ``(H, W)`` or ``(H, W, C)``, H and W even.
        name: one of ``QUADRANTS``.

    Returns:
        ``(H / 2, W / 2)`` or ``(H / 2, W / 2, C)``, a view.

    Raises:
        TypeError, ValueError: not a picture, sides that are not even, or an unknown quadrant.
    """
    if not isinstance(name, str) or name not in QUADRANTS:
        raise ValueError(f"There is no quadrant {given.shown(name)}; there are: {', '.join(QUADRANTS)}.")
    array = given.array("array", array)
    if array.ndim not in (2, 3):
        raise ValueError(f"array has shape {array.shape}; a picture has (H, W) or (H, W, C).")
    height, width = array.shape[:2]
    if not height or not width or height % 2 or width % 2:
        raise ValueError(f"The picture is {height} x {width}; both sides must be even to be cut in half.")
    row, column = divmod(QUADRANTS.index(name), 2)
    height, width = height // 2, width // 2
    return array[row * height : (row + 1) * height, column * width : (column + 1) * width]


def stretch(image, low=1.0, high=99.5) -> np.ndarray:
    """Stretch brightness so that nuclei of usual brightness fill the range, and take the square root.

    Args:
        image: ``(H, W)``, any range.
        low, high: percentiles that become 0 and 1; what lies beyond is cut.

    Returns:
        float32 ``(H, W)``, 0..1. A picture of one value becomes 0.

    Raises:
        TypeError, ValueError: no finite numbers, not two axes, or percentiles out of range.
    """
    image = given.array("image", image).astype(np.float64)
    if image.ndim != 2 or not image.size:
        raise ValueError(
            f"image has shape {image.shape}; it needs two axes (H, W). Use image.mean(axis=-1) for colours."
        )
    if not np.isfinite(image).all():
        raise ValueError("image holds values that are NaN or infinite; give finite numbers.")
    low, high = given.number("low", low), given.number("high", high)
    if not 0 <= low < high <= 100:
        raise ValueError(f"low is {low} and high {high}; percentiles need 0 <= low < high <= 100.")
    bottom, top = np.percentile(image, [low, high])
    return np.sqrt(np.clip((image - bottom) / max(top - bottom, 1e-12), 0, 1)).astype(np.float32)


def as_input(image) -> np.ndarray:
    """A grey picture three times, as the channels of a network for colours: ``(H, W)`` to float32 ``(H, W, 3)``.

    Raises:
        TypeError, ValueError: no numbers of at most 3e38.
    """
    image = given.finite("image", image)
    if image.size and np.abs(image.astype(np.float64)).max() > 3e38:
        raise ValueError("image holds numbers beyond 3e38; scale it to 0..1.")
    return np.repeat(image.astype(np.float32)[..., None], 3, axis=-1)


# ---- Much out of little ------------------------------------------------------------------------------------------------


def crops(images, labels, count, *, size=64, seed=0, bend=2.0, zoom=1.2, light=0.2):
    """Cut square crops at random places, each turned, zoomed, bent and lit in its own way.

    Args:
        images: list of ``(H, W)`` pictures, 0..1.
        labels: list of label maps of the same sizes.
        count: how many crops; pictures with more pixels are cut more often.
        size: side of a crop in pixels.
        seed: whole number.
        bend: standard deviation of the elastic deformation in pixels, see :func:`utils.elastic.field`; 0 for none.
        zoom: crops are enlarged or reduced by up to this factor, 1 or more. With 1 they are not turned either.
        light: brightness and contrast change by up to this share, 0 for no change.

    Returns:
        tuple: float32 ``(count, size, size, 3)``, 0..1, and int32 ``(count, size, size)``, the numbers of the objects as
        they were. Beyond a picture's sides it is mirrored.

    Raises:
        TypeError, ValueError: pictures and label maps that do not fit, or a number of another kind or out of range.
    """
    images = [as_input(one)[..., 0] for one in given.many("images", images)]
    labels = [given.array("a label map", one) for one in given.many("labels", labels)]
    count, size = (
        given.whole("count", count, 1, 10**6, "count must be 1 or more, at most a million"),
        given.whole("size", size, 2, 2**12),
    )
    zoom, bend, light = (given.number(*one) for one in (("zoom", zoom), ("bend", bend), ("light", light)))
    seed = given.whole("seed", seed, 0)
    if not images or len(images) != len(labels):
        raise ValueError(
            f"There are {len(images)} pictures and {len(labels)} label maps; give one map for each picture."
        )
    for image, one in zip(images, labels):
        if image.ndim != 2 or image.shape != np.shape(one):
            raise ValueError(f"A picture is {image.shape}, its label map {np.shape(one)}; both need the same (H, W).")
        if min(image.shape) < size:
            raise ValueError(f"A picture is {image.shape[0]} x {image.shape[1]}; crops of {size} do not fit into it.")
    if not 1 <= zoom <= 100 or not 0 <= bend <= 1e6 or not 0 <= light < 1:
        raise ValueError(
            f"zoom={zoom}, bend={bend}, light={light}; zoom must be 1 or more, bend 0 or more, light at least 0 and below 1."
        )
    rng = np.random.default_rng(seed)
    margin = 0 if zoom == 1 and bend == 0 else size // 2
    padded = [[np.pad(array, margin, mode="reflect") for array in pair] for pair in zip(images, labels)]
    share = np.array([image.size for image in images]) / sum(image.size for image in images)
    cut = [_crop(*padded[rng.choice(len(padded), p=share)], size, margin, rng, bend, zoom, light) for _ in range(count)]
    pictures, maps = zip(*cut)
    return as_input(np.stack(pictures)), np.stack(maps).astype(np.int32)


def _crop(image, labels, size, margin, rng, bend, zoom, light):
    """One crop from a picture that has a margin on each side."""
    side = size + 2 * margin
    row, column = (rng.integers(length - side + 1) for length in image.shape)
    image, labels = (array[row : row + side, column : column + side] for array in (image, labels))
    if margin:
        field = elastic.field((side, side), rng, deviation=bend) + (_turn(side, rng, zoom) if zoom > 1 else 0)
        image, labels = (array[..., 0] for array in elastic.deform(image[..., None], labels[..., None], field))
        image, labels = (array[margin:-margin, margin:-margin] for array in (image, labels))
    contrast, brightness = 1 + rng.uniform(-light, light), rng.uniform(-light, light) / 2
    return np.clip((image - image.mean()) * contrast + image.mean() + brightness, 0, 1), labels


def _turn(side, rng, zoom):
    """A field that turns by any angle and zooms around the middle."""
    angle, scale = rng.uniform(0, 2 * np.pi), np.exp(rng.uniform(-1, 1) * np.log(zoom))
    y, x = np.indices((side, side)) - (side - 1) / 2
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    return np.stack([cosine * y - sine * x - y, sine * y + cosine * x - x])


# ---- From three classes to objects -------------------------------------------------------------------------------------


def objects(output, smallest=20) -> np.ndarray:
    """Turn probabilities of ground, inside and border into numbered objects.

    Connected parts where inside is more likely than not are seeds; they grow over all that is more likely object than ground.

    Args:
        output: ``(H, W, 3)``, probabilities that sum to 1, classes as in :func:`utils.instances.border_classes`.
        smallest: seeds with fewer pixels are dropped, and so is what grows from none.

    Returns:
        int32 label map ``(H, W)``.

    Raises:
        TypeError, ValueError: no finite numbers, or another shape.
    """
    output = given.finite("output", output)
    if output.ndim != 3 or output.shape[-1] != 3:
        raise ValueError(f"output has shape {output.shape}; it needs (H, W, 3): ground, inside, border.")
    seeds = without_small(instances.label(output[..., 1] > 0.5), smallest)
    return instances.watershed(seeds, output[..., 0] < 0.5)


def without_small(labels, smallest) -> np.ndarray:
    """Turn objects with fewer pixels than this into ground; the others are numbered anew, int32.

    Raises:
        TypeError, ValueError: as :func:`renumber`; a number of pixels below 0.
    """
    labels, smallest = renumber(labels), given.whole("smallest", smallest, 0)
    sizes = np.bincount(labels.ravel())
    return renumber(np.where(sizes[labels] >= smallest, labels, 0))


def score(truth, predicted) -> dict[str, float]:
    """Score a label map, as pixels and as objects.

    Args:
        truth, predicted: label maps ``(H, W)``.

    Returns:
        dict: ``iou`` and ``dice`` of all object pixels together, ``ap50`` ... ``ap90``: the object score at each of
        ``THRESHOLDS``, and ``ap``, their mean. All 0..1.

    Raises:
        TypeError, ValueError: as :func:`utils.instances.overlaps`.
    """
    steps = instances.average_precision(truth, predicted, THRESHOLDS)
    mask, found = (np.asarray(labels) > 0 for labels in (truth, predicted))
    return {
        "iou": metrics.iou(mask, found),
        "dice": metrics.dice(mask, found),
        "ap": float(np.mean(steps)),
        **{f"ap{round(100 * threshold)}": float(value) for threshold, value in zip(THRESHOLDS, steps)},
    }


def fates(truth, predicted) -> dict[int, tuple[str, float]]:
    """What became of each true object, the worst first.

    Args:
        truth, predicted: label maps ``(H, W)``.

    Returns:
        dict: number of the object -> ``(word, IoU)``. The word is ``"merged"`` or ``"split"`` (see
        :func:`utils.instances.merged_and_split`), ``"missed"`` if no predicted object reaches an IoU of .5, else ``"found"``.
        The IoU is the best of any predicted object, rounded to 4 digits. Equal ones are in the order of their numbers.

    Raises:
        TypeError, ValueError: as :func:`utils.instances.overlaps`.
    """
    merged, split = instances.merged_and_split(truth, predicted)
    ids, _, table = instances.iou_table(truth, predicted)
    found = {}
    for number, row in zip(ids.tolist(), table):
        best = round(float(row.max(initial=0.0)), 4)
        word = "missed" if best < 0.5 else "found"
        found[number] = ("merged" if number in merged else "split" if number in split else word, best)
    return dict(sorted(found.items(), key=lambda item: item[1][1]))


def middle(labels, number) -> tuple[int, int]:
    """Row and column of the middle of an object, rounded.

    Raises:
        TypeError, ValueError: as :func:`utils.instances.check_labels`; a number that no object has.
    """
    number = given.whole("number", number, 1, 2**63 - 1)
    places = np.argwhere(instances.check_labels("labels", labels) == number)
    if not len(places):
        raise ValueError(f"There is no object {number}; see numpy.unique(labels) for those there are.")
    row, column = np.rint(places.mean(axis=0)).astype(int)
    return int(row), int(column)
