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

FLIPS = ("all", "mirror", "none")
LOSSES = ("ce", "ce+dice")
CACHE = 250_000_000
"""Bytes of decoded images that training keeps in memory; what does not fit is read again when its turn comes."""


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
        threshold: a mask is where the probability is greater.
        markers: how objects are separated: ``"distance"``, ``"border"`` or ``"parts"``.
        distance: between two markers by distance, in pixels of the image.
        smallest: objects with fewer pixels of the image are dropped.
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
    threshold: float = 0.5
    markers: str = "distance"
    distance: int = 5
    smallest: int = 0
    ranges: dict = dataclasses.field(default_factory=dict)
    reasons: dict = dataclasses.field(default_factory=dict)

    def __str__(self):
        rows = [(name, _shown(getattr(self, name)), reason) for name, reason in self.reasons.items()]
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
        kept = max(2, int(CACHE / (pixels * (2 * self.channels + 2))))
        read = functools.lru_cache(kept)(lambda k: self._scaled(folder[k]))
        return pipeline.windows(
            read, len(folder), self.window, channels=self.channels, batch_size=self.batch, seed=seed,
            flips="none" if still else self.flips, foreground=0 if still else 1 / 3, each=1 if len(folder) <= kept else 8,
        )  # fmt: skip

    def train(self, train, validation, seed=0, callbacks=()):
        """Train a network on one folder, validate it on windows of another, and keep the weights of the best epoch.

        Returns:
            tuple: the network and its history, a dict of lists with one value an epoch.
        """
        keras.utils.set_random_seed(seed)
        model = self.build()
        model.compile(
            optimizer=keras.optimizers.Adam(training.learning_rate(self.steps)),
            loss=losses.WeightedLoss(dice="dice" in self.loss), weighted_metrics=[_iou(self.classes)], jit_compile=True,
        )  # fmt: skip
        few = max(1, 2_000_000 // (self.batch * self.window**2))
        held = self.windows(validation, seed=1, still=True).take(min(few, 4 * len(validation))).cache()
        best = keras.callbacks.EarlyStopping("val_loss", patience=self.epochs, restore_best_weights=True)
        shown = [keras.callbacks.TerminateOnNaN(), training.Clock(), training.EpochLine(), best, *callbacks]
        fitted = model.fit(
            self.windows(train, seed), steps_per_epoch=max(1, self.steps // self.epochs), epochs=self.epochs,
            validation_data=held, verbose=0, callbacks=shown,
        )  # fmt: skip
        return model, fitted.history

    def image(self, array) -> np.ndarray:
        """An array as read from a file, ``(H, W)`` or ``(H, W, 3)``, as the network's input: float32 ``(H, W, C)``, 0..1."""
        array = np.asarray(array)
        low, high = self.ranges.get(array.dtype.name) or _range(array.dtype)
        image = np.clip((array.astype(np.float32) - low) / max(high - low, 1e-12), 0, 1)
        image = image[..., None] if image.ndim == 2 else image
        if image.shape[-1] == self.channels:
            return image
        return image.repeat(3, -1) if self.channels == 3 else image.mean(-1, keepdims=True)

    def predict(self, model, image) -> np.ndarray:
        """Probabilities float32 ``(H, W, K)`` for an image float32 ``(H, W, C)``, 0..1, of any size, tile by tile."""
        height, width = image.shape[:2]
        scaled = _resized(image, self.scale)
        step, halo = 2**self.depth, reach(self.depth)
        tile = -(-min(max(scaled.shape[:2]), 512) // (2 * step)) * 2 * step
        output = tiling.predict_tiled(_call(model), scaled, tile, halo, multiple=step)
        if self.scale != 1:
            output = tf.image.resize(output, (height, width), "bilinear").numpy()
        return output

    def result(self, probabilities, threshold=None) -> np.ndarray:
        """int32 ``(H, W)`` from probabilities ``(H, W, K)``: 0 and 1, the likeliest class, or numbered objects."""
        threshold = self.threshold if threshold is None else threshold
        if self.kind == "classes":
            return probabilities.argmax(axis=-1).astype(np.int32)
        if self.kind == "mask":
            return (probabilities[..., 0] > threshold).astype(np.int32)
        inside = 1 - probabilities[..., 0]
        if self.markers == "distance":
            labels = objects.split_touching(inside, self.distance, threshold, max(1, self.distance / 7))
        elif self.markers == "border":
            seeds = objects.remove_small(objects.label(probabilities[..., 1] > 0.5), self.smallest)
            labels = objects.watershed(seeds, inside > threshold)
        else:
            labels = objects.label(inside > threshold)
        return objects.remove_small(labels, self.smallest)

    def save(self, path) -> Path:
        """Write all that prediction needs, beside the network: ``plan.save("my_unet.json")``."""
        path = Path(path).expanduser().with_suffix(".json")
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n", encoding="utf-8")
        return path

    def _scaled(self, pair):
        """A pair at the network's scale and small: image float16, target and weight uint8."""
        image, weight = _resized(pair.image, self.scale), pair.weight
        target, weight = (None if one is None else _nearest(one, image.shape[:2]) for one in (pair.target, weight))
        target = objects.border_classes(target) if self.kind == "objects" else target.astype(np.uint8)
        weight = np.ones(target.shape, np.uint8) if weight is None else weight.astype(np.uint8)
        return image.astype(np.float16), target, weight


def load(path) -> Plan:
    """The plan that :meth:`Plan.save` wrote; ``"my_unet.keras"`` finds ``my_unet.json`` beside it."""
    return Plan(**json.loads(Path(path).expanduser().with_suffix(".json").read_text(encoding="utf-8")))


# ---- Choose ------------------------------------------------------------------------------------------------------------


def plan(dataset, seconds=90, **choices) -> Plan:
    """Choose what a person with experience would choose for these images, on a machine of two cores and 2 GB.

    Args:
        dataset: a :class:`utils.folders.Folder`; up to eight of its pairs are read.
        seconds: how long training may take, about.
        **choices: any attribute of :class:`Plan`, to overrule the choice; what depends on it follows.

    Raises:
        ValueError: the folder has problems, or there is no such choice.
    """
    dataset.check()
    for name in choices:
        validate.option("a choice", name, [field.name for field in dataclasses.fields(Plan)])
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
        "objects": (3, "background, inside and border, so that touching objects can be separated"),
    }.get(kind, (len(names), "one a class"))
    classes = choose("classes", classes, reason)
    scale = choose("scale", *_scale(dataset, look))
    wide = look.wide * scale
    depth = choose("depth", *_depth(wide))
    side = max(max(size) for size in dataset.sizes) * scale
    window = choose("window", *_window(wide, side, depth))
    base, batch, step = _width(depth, window, channels, classes, seconds, choices)
    choose("base", base, f"the widest network that makes {WANTED} steps in {seconds} s, or 8")
    batch = choose("batch", batch, f"{batch * window**2 / 1e3:.0f} thousand pixels a step")
    choose("loss", *_loss(kind, dataset.shares))
    choose("flips", *_flips(names, channels, look.wide, dataset.sizes))
    steps = choose("steps", max(20, int((seconds - COMPILE) / step)), f"{seconds} s at about {step:.2f} s a step")
    choose("epochs", min(steps, max(4, min(20, seconds // 10))), "validated about every ten seconds")
    choose("threshold", 0.5, "as trained; choose another one on the validation images")
    if kind == "objects":
        choose("markers", *look.markers)
        choose("distance", look.distance, "of the median object's radius, .6")
        choose("smallest", look.smallest, "half of the smallest objects")
    return Plan(**{"names": names, "ranges": {k: list(map(float, v)) for k, v in dataset.ranges.items()}, **choices, **made},
                reasons=reasons)  # fmt: skip


WANTED = 600
COMPILE = 15
"""Seconds before the first step."""


@dataclasses.dataclass
class _Look:
    """What was seen in the masks, in pixels of the images."""

    wide: float  # width of the objects at their widest, the median of all object pixels
    thin: float  # usual width of the thinnest class
    markers: tuple = ("distance", "")
    distance: int = 5
    smallest: int = 0


def _look(dataset):
    wide, thin, areas = [], {}, []
    for k in np.linspace(0, len(dataset) - 1, min(8, len(dataset))).round().astype(int):
        target = dataset[int(k)].target
        step = max(1, math.ceil(math.sqrt(target.size / 2e6)))
        target = target[::step, ::step]
        if dataset.kind == "objects":
            target = (objects.border_classes(target) > 0).astype(np.int32) * (objects.border_classes(target) == 1)
        for number in np.unique(target[target > 0]):
            there = target == number
            depth = ndimage.distance_transform_edt(np.pad(there, 1, mode="edge"))[1:-1, 1:-1] * step
            parts = objects.label(there)
            index = np.arange(1, parts.max() + 1)
            wide += (2 * ndimage.maximum(depth, parts, index)).tolist()
            areas += np.bincount(parts.ravel())[1:].tolist()
            thin.setdefault(int(number), []).append(4 * depth[there].mean())
    if not areas:
        return _Look(32, 32)
    sizes = dataset.object_sizes
    radius = math.sqrt(np.median(sizes) / math.pi)
    return _Look(
        _median(wide, areas), min(np.median(one) for one in thin.values()),
        distance=max(2, round(0.6 * radius)), smallest=int(np.percentile(sizes, 2) / 2),
    )  # fmt: skip


def _median(values, weights):
    order = np.argsort(values)
    total = np.cumsum(np.asarray(weights, float)[order])
    return float(np.asarray(values)[order][np.searchsorted(total, total[-1] / 2)])


def _scale(dataset, look):
    limit, scale = field(4) / 2, 1.0
    while look.wide * scale > limit and look.thin * scale >= 8 and min(map(min, dataset.sizes)) * scale >= 64:
        scale /= 2
    if scale == 1:
        return 1.0, f"objects are {look.wide:.0f} px wide, at most half of the {field(4)} px that four poolings see"
    return scale, f"objects are {look.wide:.0f} px wide; reduced, half of the {field(4)} px that four poolings see"


def _depth(wide):
    depth = 4 if wide <= field(4) / 2 else 5
    return depth, f"it sees {field(depth)} px, twice the {wide:.0f} px of an object at this scale, or more"


def _window(wide, side, depth):
    step = 2**depth
    window = min(max(128, 2 * wide), 256, max(side, step))
    window = -(-int(window) // step) * step
    return window, f"about two objects of {wide:.0f} px, 128 to 256, no larger than the images"


def _width(depth, window, channels, classes, seconds, choices):
    batch = choices.get("batch", 8)
    for base in (choices["base"],) if "base" in choices else (32, 24, 16, 12, 8):
        step = seconds_a_step(depth, base, window, batch, channels, classes)
        if (seconds - COMPILE) / step >= WANTED:
            break
    if "batch" not in choices and (seconds - COMPILE) / step < WANTED:
        batch, step = 4, step / 2
    return base, batch, step


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
    """How far a U-Net sees to each side at most, as a multiple of ``2**depth``: what a halo needs."""
    step = 2**depth
    model = unet.build_unet((step, step, 1), depth=depth, base=1)
    boxes = [(k, receptive_field.theoretical(model, (k, k))) for k in (0, step - 1)]
    far = max(max(k - box.top, box.bottom - 1 - k) for k, box in boxes)
    return -(-far // step) * step


def seconds_a_step(depth, base, window, batch, channels=3, classes=1) -> float:
    """Estimate how long a training step takes on two cores: its products, and the bytes of its feature maps.

    Both rates were measured on one machine; another one may be half or twice as fast.
    """
    model = unet.build_unet((window, window, channels), depth=depth, base=base, classes=classes)
    return batch * (3 * cost.macs(model) / 30e9 + cost.activation_memory(model) / 1.5e9)


# ---- Inside --------------------------------------------------------------------------------------------------------------


@functools.lru_cache(1)
def _call(model):
    """The network as a graph, made once for each size of window."""
    graph = tf.function(lambda batch: model(batch, training=False))
    return lambda batch: graph(tf.convert_to_tensor(batch)).numpy()


def _resized(image, scale):
    if scale == 1:
        return image
    size = [max(1, round(side * scale)) for side in image.shape[:2]]
    return np.clip(tf.image.resize(image, size, "area").numpy(), 0, 1)


def _nearest(array, size):
    if array.shape == size:
        return array
    rows, columns = ((np.arange(new) + 0.5) * old // new for new, old in zip(size, array.shape))
    return array[np.ix_(rows.astype(int), columns.astype(int))]


def _iou(classes):
    if classes == 1:
        return keras.metrics.BinaryIoU([1], threshold=0.5, name="iou")
    return keras.metrics.IoU(classes, [*range(1, classes)], sparse_y_pred=False, name="iou")


def _range(dtype):
    return (0, 1) if dtype.kind in "fb" else (0, np.iinfo(dtype).max)


def _shown(value):
    return f"{value:g}" if isinstance(value, float) else str(value)
