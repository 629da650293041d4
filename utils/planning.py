"""A plan for a folder of images: what to train, on what, for how long, and why; then training and prediction by that plan.

::

    mine = folders.read("my_images")
    train, validation = mine.split()
    chosen = planning.plan(train, seconds=90)       # print(chosen) says why; plan(train, base=16) overrules a choice
    model, history = chosen.train(train, validation)
    probabilities = chosen.predict(model, validation[0].image)
    answer = chosen.result(probabilities)           # a mask, classes or numbered objects

The rules follow those of nnU-Net (Isensee et al., Nature Methods 18, 2021) in spirit, for one small machine: look at the
objects first, then choose the scale, the depth and the window that let the network see one whole object.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from scipy import ndimage

from utils import cost, losses, objects, pipeline, receptive_field, tiling, training, unet, validate

WORDS = {"loss": ("ce", "ce+dice"), "flips": ("all", "mirror", "none"), "markers": ("distance", "border", "parts")}
"""Choices that are words, and what they may be."""

CACHE = 250_000_000
"""Bytes of decoded images that training keeps in memory; what does not fit is read again when its turn comes."""

TILE, PEAK = 512, 450_000_000
"""Largest side of a tile of prediction, and about how many bytes its feature maps may take: 90 a pixel and base channel."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to train and how to predict, each choice with its reason.

    Attributes:
        kind, names, channels: of the data, see :class:`utils.folders.Folder`.
        classes: channels of the output: 1 for a mask, 3 for objects (background, inside, border), else one a class.
        scale: images are reduced to this share of their sides for the network.
        window: side in pixels of a training window, after scaling.
        depth, base: of the network, see :func:`utils.unet.build_unet`.
        loss: ``"ce"`` (cross-entropy) or ``"ce+dice"``.
        batch: windows in a batch.
        flips: ``"all"`` (mirrored, and turned by quarters), ``"mirror"`` (left and right only) or ``"none"``.
        steps, epochs: training steps in all, and after how many parts of them the network is validated.
        light: brightness and contrast of training windows change by up to this share.
        threshold: a mask is where the probability is greater.
        stretch: dark images are brightened as by :func:`utils.pipeline.stretch`.
        seconds: the budget. A slow machine takes fewer steps than planned, to end within a quarter more than that.
        markers: how objects are separated: ``"distance"``, ``"border"`` or ``"parts"``.
        distance: between two markers by distance, in pixels of the image.
        smallest: objects, or parts of a mask, with fewer pixels of the image are dropped.
        ranges: type of number -> the values that become 0 and 1.
        reasons: choice -> one line.
    """

    kind: str
    names: list
    channels: int
    classes: int
    scale: float
    window: int
    depth: int
    base: int
    loss: str
    batch: int
    flips: str
    steps: int
    epochs: int
    light: float = 0.2
    threshold: float = 0.5
    markers: str = "distance"
    distance: int = 5
    smallest: int = 0
    stretch: bool = False
    seconds: float = 90
    ranges: dict = dataclasses.field(default_factory=dict)
    reasons: dict = dataclasses.field(default_factory=dict)

    def __str__(self):
        rows = [(name, str(getattr(self, name)), reason) for name, reason in self.reasons.items()]
        wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
        return "\n".join(f"{name:{wide[0]}}  {value:{wide[1]}}  {reason}" for name, value, reason in rows)

    def build(self) -> keras.Model:
        """A fresh network for images of any height and width that are multiples of ``2**depth``."""
        return unet.build_unet((None, None, self.channels), depth=self.depth, base=self.base, classes=self.classes)

    def windows(self, folder, seed=0, still=False) -> tf.data.Dataset:
        """Batches of images, targets and pixel weights, drawn without end from whole images while training.

        Args:
            folder: a :class:`utils.folders.Folder`; its images are read as they are needed.
            seed: the same seed gives the same windows.
            still: neither flipped nor with more foreground than there is; for validation.

        Returns:
            float32 ``(batch, window, window, C)``, ``(batch, window, window, 1)`` and the same again.
        """
        pixels = max(height * width for height, width in folder.sizes) * self.scale**2
        kept = max(1, 0 if still else int(CACHE / (pixels * (2 * self.channels + 2))))
        read = functools.lru_cache(kept)(lambda k: self._scaled(folder[k]))
        return pipeline.windows(
            read, len(folder), self.window, channels=self.channels, batch_size=self.batch, seed=seed,
            flips="none" if still else self.flips, foreground=0 if still else 1 / 3, light=0 if still else self.light,
            each=1 if len(folder) <= kept else 8,
        )  # fmt: skip

    def train(self, train, validation, seed=0, callbacks=()):
        """Train a network on one folder, validate it on windows of another, and keep the weights of the best epoch.

        Returns:
            tuple: the network and its history, a dict of lists with one value an epoch.
        """
        keras.utils.set_random_seed(seed)
        model = self.build()
        model.compile(
            optimizer=keras.optimizers.Adam(),
            loss=losses.WeightedLoss(dice="dice" in self.loss), weighted_metrics=[_iou(self.classes)], jit_compile=True,
        )  # fmt: skip
        few = max(1, 2_000_000 // (self.batch * self.window**2))
        held = self.windows(validation, seed=1, still=True).take(min(few, 4 * len(validation))).cache()
        best = keras.callbacks.EarlyStopping("val_loss", patience=self.epochs, restore_best_weights=True)
        pace = training.Pace(self.steps, self.seconds * 5 / 4)
        shown = [pace, training.Clock(), training.EpochLine(), best, *callbacks]
        fitted = model.fit(
            self.windows(train, seed), steps_per_epoch=max(1, self.steps // self.epochs), epochs=self.epochs,
            validation_data=held, verbose=0, shuffle=False, callbacks=shown,
        )  # fmt: skip
        return model, fitted.history

    def image(self, array) -> np.ndarray:
        """An array as read from a file, ``(H, W)`` or ``(H, W, 3)``, as the network's input: float32 ``(H, W, C)``, 0..1."""
        array = np.asarray(array)
        whole = np.iinfo(array.dtype).max if array.dtype.kind in "ui" else 1
        low, high = self.ranges.get(array.dtype.name, (0, whole))
        image = np.clip((array.astype(np.float32) - low) / max(high - low, 1e-12), 0, 1)
        image = image[..., None] if image.ndim == 2 else image
        if image.shape[-1] == self.channels:
            return image
        return image.repeat(3, -1) if self.channels == 3 else image.mean(-1, keepdims=True)

    def predict(self, model, image) -> np.ndarray:
        """Probabilities float32 ``(H, W, K)`` for an image float32 ``(H, W, C)``, 0..1, of any size, tile by tile."""
        scaled = self._ready(image)
        step, halo = 2**self.depth, reach(self.depth)
        tile = min(max(scaled.shape[:2]), TILE, max(128, int((PEAK / (90 * self.base)) ** 0.5) - 2 * halo))
        output = tiling.predict_tiled(_call(model), scaled, -(-tile // (2 * step)) * 2 * step, halo, multiple=step)
        return _resized(output, image.shape[:2], "bilinear")

    def result(self, probabilities, threshold=None) -> np.ndarray:
        """int32 ``(H, W)`` from probabilities ``(H, W, K)``: 0 and 1, the likeliest class, or numbered objects."""
        threshold = self.threshold if threshold is None else threshold
        if self.kind == "classes":
            return probabilities.argmax(axis=-1).astype(np.int32)
        if self.kind == "mask":
            mask = probabilities[..., 0] > threshold
            return (objects.remove_small(objects.label(mask), self.smallest) > 0 if self.smallest else mask).astype(
                np.int32
            )
        inside = 1 - probabilities[..., 0]
        if self.markers == "distance":
            labels = _apart(inside, self.distance, threshold)
        elif self.markers == "border":
            seeds = objects.remove_small(objects.label(probabilities[..., 1] > 0.5), self.smallest // 4)
            labels = objects.watershed(seeds, inside > threshold)
        else:
            labels = objects.label(inside > threshold)
        return objects.remove_small(labels, self.smallest)

    def save(self, path) -> Path:
        """Write all that prediction needs, beside the network: ``plan.save("my_unet.json")``."""
        path = Path(path).expanduser().with_suffix(".json")
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n", encoding="utf-8")
        return path

    def _ready(self, image):
        """An image 0..1 as the network gets it: brightened where planned, and reduced."""
        size = [max(1, round(side * self.scale)) for side in image.shape[:2]]
        return np.clip(_resized(_stretched(image) if self.stretch else image, size, "area"), 0, 1)

    def _scaled(self, pair):
        """A pair at the network's scale and small: image float16, target and weight uint8."""
        image = self._ready(pair.image)
        weight = np.ones(pair.target.shape) if pair.weight is None else pair.weight
        target, weight = (_resized(one[..., None], image.shape[:2], "nearest")[..., 0] for one in (pair.target, weight))
        target = objects.border_classes(target) if self.kind == "objects" else target.astype(np.uint8)
        return image.astype(np.float16), target, weight.astype(np.uint8)


def load(path) -> Plan:
    """The plan that :meth:`Plan.save` wrote; ``"my_unet.keras"`` finds ``my_unet.json`` beside it."""
    return Plan(**json.loads(Path(path).expanduser().with_suffix(".json").read_text(encoding="utf-8")))


# ---- Choose ------------------------------------------------------------------------------------------------------------


def plan(dataset, seconds=90, **choices) -> Plan:
    """Choose what a person with experience would choose for these images, on a machine of two cores and 2 GB.

    Args:
        dataset: a :class:`utils.folders.Folder`; up to eight of its pairs are read.
        seconds: how long training may take, about.
        **choices: attributes of :class:`Plan`, to overrule what would be chosen; what depends on them follows.

    Raises:
        ValueError: the folder has problems, or there is no such choice.
    """
    dataset.check()
    made, reasons = {}, {}

    def choose(name, value, reason):
        made[name] = choices.get(name, value)
        reasons[name] = "your choice" if name in choices else reason
        return made[name]

    kind, channels, names = dataset.kind, dataset.channels, list(dataset.names)
    look = _look(dataset)
    choose("kind", kind, f"what the masks hold: {', '.join(names[:5])}")
    choose("channels", channels, "all images are grey" if channels == 1 else "the images have colours")
    classes, reason = {
        "mask": (1, "one probability, of the object"),
        "objects": (3, "background, inside, border: touching objects stay apart"),
    }.get(kind, (len(names), "one a class"))
    classes = choose("classes", classes, reason)
    scale = choose("scale", *_scale(dataset, look, classes, seconds))
    wide = look.wide * scale
    depth = choose("depth", *_depth(wide))
    side = max(max(size) for size in dataset.sizes) * scale
    window = choose("window", *_window(wide, side, depth))
    unet.check_size(window, window, depth)
    base, batch, step = _width(choices, depth, window, channels, classes, seconds)
    choose("base", base, f"the widest with {STEPS} steps in {seconds} s; 8 is the least")
    choose("batch", batch, f"windows; 8 if that leaves {STEPS} steps, else 4")
    choose("loss", *_loss(kind, dataset.shares))
    dark = look.light < 0.2
    seen = f"half of the pixels are darker than {look.light:.2f}"
    choose("light", 0.2, "brightness and contrast change by up to a fifth")
    choose("stretch", dark, f"{seen}: brightened" if dark else f"{seen}, as bright as usual")
    choose("flips", *_flips(names, channels, look.wide, dataset.sizes))
    steps = choose(
        "steps",
        max(20, int((seconds - COMPILE) / step)),
        f"{seconds} s, {COMPILE} of them to compile, at an estimated {step:.2f} s a step",
    )
    choose("epochs", min(steps, max(4, min(20, int(seconds / 10)))), "validated about every ten seconds")
    choose("threshold", 0.5, "as trained; choose another one on the validation images")
    if kind == "objects":
        choose("markers", *_markers(look, scale))
        distance = max(look.separable, key=look.separable.get)
        choose("distance", distance, f"pixels between markers; best on the masks of {[*look.separable]}")
    if kind != "classes":
        choose("smallest", *_smallest(kind, look, dataset.object_sizes))
    for name, value in choices.items():
        validate.option("a choice", name, list(reasons)[3:])
        validate.option(name, value, WORDS.get(name, [value]))
    ranges = {name: [float(low), float(high)] for name, (low, high) in dataset.ranges.items()}
    return Plan(names=names, seconds=seconds, ranges=ranges, reasons=reasons, **made)


STEPS, PASSES, COMPILE, SPEED = 600, 50, 15, 9e9
"""Training steps wanted; how often each image should be seen; seconds before the first step; products a second (of the way
forward) in training, measured on two cores. Where a machine is slower, training ends earlier, see :class:`Plan`."""


@dataclasses.dataclass
class _Look:
    """What was seen in the masks, in pixels of the images."""

    wide: float  # objects at their widest: the median, each object counted by its pixels
    light: float  # the median brightness
    thin: float  # the usual width of the thinnest class
    separable: dict  # distance between markers -> object score of the true masks, separated by distance


def _look(dataset) -> _Look:
    """Measure objects in up to eight pairs."""
    several = dataset.kind == "objects"
    wide, areas, light, thin, found = [], [], [], {}, {}
    radius = math.sqrt(np.median(dataset.object_sizes) / math.pi)
    for k in np.linspace(0, len(dataset) - 1, min(8, len(dataset))).round().astype(int):
        pair = dataset[int(k)]
        whole, _ = pair.target, light.append(np.median(pair.image))
        step = math.ceil(math.sqrt(whole.size / 1e6))
        target = objects.open_gaps(whole[::step, ::step]) > 0 if several else whole[::step, ::step]
        for number in np.unique(target):
            there = target == number
            depth = step * ndimage.distance_transform_edt(np.pad(there, 1, mode="edge"))[1:-1, 1:-1]
            depth = np.minimum(depth, max(whole.shape))  # a class that fills the image has no edge
            thin.setdefault(int(number), []).append(4 * depth[there].mean())
            if number:
                parts = objects.label(there)
                wide += (2 * ndimage.maximum(depth, parts, np.arange(1, parts.max() + 1))).tolist()
                areas += np.bincount(parts.ravel())[1:].tolist()
        if several and len(found.setdefault(0.6, [])) < 4:
            part = _middle(whole)
            for share in (0.6, 0.3, 0.9):
                labels = _apart(part > 0, max(2, round(share * radius)))
                found.setdefault(share, []).append(objects.average_precision(part, labels, 0.5))
    order = np.argsort(wide)
    total = np.cumsum(np.array(areas, float)[order])
    median = np.array(wide)[order][np.searchsorted(total, total[-1] / 2)]
    separable = {max(2, round(share * radius)): float(np.mean(scores)) for share, scores in found.items()}
    thinnest = min(float(np.median(one)) for one in thin.values())
    return _Look(float(median), float(np.median(light)), thinnest, separable)


def _middle(labels, side=512):
    """The middle of a label map."""
    first = [max(0, (length - side) // 2) for length in labels.shape]
    return labels[first[0] : first[0] + side, first[1] : first[1] + side]


def _apart(probability, distance, threshold=0.5):
    """Objects separated by distance; for larger ones the distances are blurred more."""
    return objects.split_touching(probability, distance, threshold, max(1, distance / 7))


def _scale(dataset, look, classes, seconds):
    """Halve the images while objects are wider than a network sees well, or there are too many pixels for the time."""
    limit, scale = field(4) / 2, 1.0
    pixels = (seconds - COMPILE) * SPEED / products(4, 8, dataset.channels, classes)
    passes = pixels / sum(height * width for height, width in dataset.sizes)
    while (look.wide * scale > limit or (passes / scale**2 < PASSES and look.wide * scale >= 64)) and (
        look.thin * scale >= 12 and min(map(min, dataset.sizes)) * scale >= 128
    ):
        scale /= 2
    there = f"objects are {look.wide:.0f} px wide"
    if look.wide * scale > limit:
        return scale, f"{there}; {look.thin:.0f} px thin parts would vanish below"
    seen = f"half of the {field(4)} px in view or less"
    if scale < 1 and look.wide * 2 * scale <= limit:
        return scale, f"{there}; reduced {look.wide * scale:.0f}, and each image is seen {passes / scale**2:.0f} times"
    return scale, f"{there}, {seen}" if scale == 1 else f"{there}; reduced {look.wide * scale:.0f}, {seen}"


def _markers(look, scale):
    """How to separate objects: by distance where that separates those of the masks, else by the border class."""
    score = max(look.separable.values())
    if score >= 0.9:
        return "distance", f"separates the masks' objects: object score {score:.2f}"
    if look.wide * scale >= 6:
        return "border", f"by distance the objects of the masks come out with a score of {score:.2f} only"
    return "parts", f"objects of {look.wide:.0f} px are too thin for an inside and a border"


def _smallest(kind, look, sizes):
    """How many pixels a part needs, where objects are compact; pieces of a net or of lines may have any size."""
    usual = 2 * math.sqrt(np.median(sizes) / math.pi)
    if kind == "mask" and look.wide < usual / 2:
        return (
            0,
            f"parts of any size: what is sought is {look.wide:.0f} px wide where a disc of its size has {usual:.0f}",
        )
    return int(np.percentile(sizes, 5) / 2), "pixels: half of the 5th percentile of the objects"


def _depth(wide):
    depth = 4 if wide <= field(4) / 2 else 5
    return depth, f"sees {field(depth)} px, at least twice an object's {wide:.0f} px"


def _window(wide, side, depth):
    step = 2**depth
    window = min(max(128, 2 * wide), 256, max(side, step))
    window = -(-int(window) // step) * step
    return window, f"two objects of {wide:.0f} px; 128 to 256, within the images"


def _width(choices, depth, window, channels, classes, seconds):
    """The widest network with enough steps in the time, a batch, and the seconds that a step takes."""
    batch = choices.get("batch", 8)
    for base in [choices["base"]] if "base" in choices else (32, 24, 16, 12, 8):
        step = batch * window**2 * products(depth, base, channels, classes) / SPEED
        if seconds - COMPILE >= STEPS * step:
            return base, batch, step
    return (base, batch, step) if "batch" in choices else (base, 4, step / 2)


def _loss(kind, shares):
    name, share = min(list(shares.items())[1:] or [("", 1)], key=lambda item: item[1])
    if share < 0.1 and kind != "objects":
        return "ce+dice", f"{name} has {share:.1%} of the pixels: cross-entropy alone may miss it, Dice does not"
    return "ce", "cross-entropy: no class is rare"


def _flips(names, channels, wide, sizes):
    if any(re.search(r"(?i)(^|[^a-z])(left|right)([^a-z]|$)", name) for name in names):
        return "none", "left and right are classes; mirrored, one would be the other"
    height = np.median([size[0] for size in sizes])
    if channels == 3 and wide > height / 4:
        return "mirror", "large objects in photographs have an upper side; left and right are alike"
    return "all", "mirrored and turned by quarters: eight images from one"


@functools.cache
def field(depth) -> int:
    """How many pixels a U-Net sees, at least: 188 with four poolings."""
    return receptive_field.of_layers(unet.build_unet((2**depth, 2**depth, 1), depth=depth, base=1))[-1].rows[0]


@functools.cache
def reach(depth) -> int:
    """How far the outer pixels of a tile see beyond it, as a multiple of ``2**depth``: what a halo needs."""
    step = 2**depth
    model = unet.build_unet((step, step, 1), depth=depth, base=1)
    first, last = (receptive_field.theoretical(model, (k, k)) for k in (0, step - 1))
    return -(-max(-first.top, last.bottom - step) // step) * step


@functools.cache
def products(depth, base, channels, classes) -> float:
    """Products of the way through the network, for one pixel."""
    side = 2**depth
    return cost.macs(unet.build_unet((side, side, channels), depth=depth, base=base, classes=classes)) / side**2


# ---- Inside --------------------------------------------------------------------------------------------------------------


@functools.lru_cache(1)
def _call(model):
    """The network as a graph, made once for each size of window."""
    return (
        tf.function(lambda batch: model(batch, training=False), autograph=False)
        if isinstance(model, keras.Model)
        else model
    )


def _stretched(image):
    """What :func:`utils.pipeline.stretch` does, with little memory."""
    step = 1 + image.size // 4_000_000
    low, high = np.percentile(image[::step, ::step], [1, 99.5])
    return np.sqrt(np.clip((image - np.float32(low)) / np.float32(max(high - low, 1e-12)), 0, 1))


def _resized(array, size, method):
    """``(H, W, C)`` in another size."""
    return array if array.shape[:2] == tuple(size) else tf.image.resize(array, size, method).numpy()


def _iou(classes):
    if classes == 1:
        return keras.metrics.BinaryIoU([1], threshold=0.5, name="iou", dtype="float32")
    return keras.metrics.IoU(classes, [*range(1, classes)], sparse_y_pred=False, name="iou", dtype="float32")
