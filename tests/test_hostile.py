"""Random and hostile input to every public function of utils: the right answer, or an error that says what is wrong.

An error counts as explained if a ``raise`` of utils itself made it: one that comes up from the inside of Python, NumPy, Keras
or TensorFlow does not, nor does a warning of NumPy. Every function has a case with arguments that work; one or two of them
are then replaced by something else. What is returned after all must have the shape, type and range that the docstring says.
"""

from __future__ import annotations

import contextlib
import dataclasses
import dis
import functools
import importlib
import inspect
import io
import itertools
import os
import pkgutil
import random
import time
import warnings
from datetime import date
from pathlib import Path
from unittest import mock

import ipywidgets
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import utils
from utils import (
    classes,
    cost,
    elastic,
    experiments,
    explore,
    folders,
    inspect_model,
    instances,
    label_folders,
    losses,
    metrics,
    nuclei,
    pipeline,
    plots,
    project,
    shapes,
    tiling,
    training,
    unet,
    weights,
)
from utils import given as checked

HOME = Path(utils.__path__[0]).resolve()
EXPLAINED = (TypeError, ValueError, FileNotFoundError, FileExistsError, NotADirectoryError)
SECONDS = 10
"""No call may take longer: the arguments that work are small, and the others are refused or small as well."""


# ---- What is tried -----------------------------------------------------------------------------------------------------


class Rude:
    """An object that answers nothing, not even what it is."""

    def __repr__(self):
        raise RuntimeError("rude")


NUMBERS = (
    None, True, False, 0, 1, -1, 2, 3, 7, 255, 2**31, 2**40, 2**63, 2**64, -(2**63), 10**30, 10**5000, 0.0, 0.5, 1.0, 1.5,
    -0.5, 1e-300, 1e300, 3e38, float("nan"), float("inf"), -float("inf"), 1 + 2j, np.int8(-1), np.uint8(255), np.float32(0.5),
    np.float64("nan"), np.bool_(True), np.array(3), np.array(0.5),
)  # fmt: skip
OTHERS = (
    "", "text", "1", "nan", "same", "valid", "train", "../x", "a/b", "x" * 5000, "\0", "\ud800", "ü.keras", b"bytes",
    Path("none/there"), (), [], {}, set(), [None], [[]], [1], [0, 1], (3, 3), (1, 2, 3), (-1, 2, 3), (16, 16, 3), [[1], [1, 2]],
    ["a", "b"], [1.5, 2.5, 3.5], {"a": 1}, object(), Rude(), int, len, print, date(2020, 1, 1), range(3), range(2**40),
    slice(1, 2), Ellipsis, NotImplemented, io.StringIO("x"), keras.Input((16, 16, 3)), tf.constant([1.0, 2.0]),
    tf.constant("x"), iter([1]), (None, None), (5, 5), (8, 99), (-1, 0), (0.5, 0.5), ("a", "b"),
)  # fmt: skip
SHAPES = ((0,), (1,), (3,), (2, 3), (0, 4, 4, 1), (2, 0, 4, 1), (2, 4, 4), (2, 4, 4, 0), (2, 8, 8, 1), (2, 16, 16, 1),
          (2, 16, 16, 3), (2, 15, 17, 1), (1, 16, 16, 2), (3, 16, 16, 1), (2, 2, 2, 2, 2))  # fmt: skip
DTYPES = (np.float32, np.float64, np.float16, np.uint8, np.int64, np.int8, bool, object, "U3", "S3", complex, "M8[s]")


def filled(shape, dtype, value):
    """An array of one value, as far as the dtype can hold it; the first entry is another one."""
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        array = np.full(shape, value).astype(dtype)
        if array.size and np.dtype(dtype).kind in "fiub":
            array.flat[0] = 0
        return array
    return np.empty(shape, dtype)


ARRAYS = tuple(filled(shape, np.float32, 1) for shape in SHAPES) + tuple(
    filled((2, 16, 16, channels), dtype, value)
    for channels in (1, 3)
    for dtype, value in [
        *((dtype, 1) for dtype in DTYPES), (np.uint8, 255), (np.float32, np.nan), (np.float32, np.inf), (np.float32, 255),
        (np.float64, 1e300), (np.float32, -1), (np.float32, 0.5), (np.int64, 7), (np.int8, -1),
    ]
)  # fmt: skip
JUNK = (*NUMBERS, *OTHERS, *ARRAYS)

random_arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=5))
)
anything = st.one_of(
    st.sampled_from(JUNK),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.one_of(st.integers(-2, 70), st.floats(), st.none(), st.text(max_size=3)), max_size=5),
    random_arrays,
)


# ---- What works --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Case:
    """A public function, arguments that work, and what must be true of every answer.

    Attributes:
        call: the function, or a way to call it, with keyword arguments only.
        works: makes arguments that work, anew for every call.
        right: takes the answer and the arguments, and asserts.
        examples: how many random calls.
    """

    call: object
    works: object
    right: object = None
    examples: int = 30


@functools.cache
def network(compiled=False, size=16):
    keras.utils.set_random_seed(0)
    model = unet.build_unet((size, size, 3), depth=1, base=4, norm="none", name="tiny")
    if compiled:
        model.compile(optimizer="sgd", loss="binary_crossentropy")
    return model


@functools.cache
def samples(size=16):
    return shapes.draw(2, size=size)


def features(height=8, width=8, channels=2):
    return keras.Input((height, width, channels))


def masks(seed=0):
    return (np.random.default_rng(seed).random((2, 8, 8, 1)) > 0.5).astype(np.uint8)


def probability():
    return np.random.default_rng(2).random((2, 8, 8, 1)).astype(np.float32)


@plots.figure
def tiny_figure(number=0, cut=0.5):
    """A figure for explore."""
    figure = plots.base.plt.figure(figsize=(0.5, 0.5))
    return figure, f"number {number}, cut {cut}"


def between(low, high):
    """An answer that is a float in this range."""

    def right(answer, given):
        assert isinstance(answer, float) and low <= answer <= high, answer

    return right


def is_score(answer, given):
    if given.get("per_image"):
        assert answer.dtype == np.float64 and answer.shape == (len(given["truth"]),)
    assert np.all((np.asarray(answer) >= 0) & (np.asarray(answer) <= 1)), answer


def is_image(answer, size):
    assert answer.images.dtype == np.float32 and answer.images.shape[1:] == (size, size, 3) and len(answer) >= 1
    assert answer.images.min() >= 0 and answer.images.max() <= 1
    assert answer.masks.dtype == np.uint8 and set(np.unique(answer.masks)) <= {0, 1}
    for chart, most in ((answer.classes, 6), (answer.instances, 4), (answer.styles, 2)):
        assert chart.dtype == np.uint8 and chart.shape == answer.images.shape[:3] and chart.max() <= most
    assert np.array_equal(answer.masks[..., 0] > 0, answer.classes > 0)


def is_drawn(answer, given):
    is_image(answer, int(given.get("size", 16)))
    try:
        wanted = int(given["count"])
    except TypeError:
        wanted = len(given["count"])
    assert len(answer) == wanted


def is_symbol(channels):
    def right(answer, given):
        for tensor in answer if isinstance(answer, tuple) else (answer,):
            assert (keras.ops.is_tensor(tensor) or isinstance(tensor, keras.KerasTensor)) and tensor.shape[
                -1
            ] == channels(given)
            assert all(side is None or side > 0 for side in tensor.shape[1:3])

    return right


def is_model(answer, given):
    assert isinstance(answer, keras.Model) and len(answer.output_shape) == 4 and min(answer.output_shape[1:]) >= 1


def is_whole(answer, given):
    assert isinstance(answer, int) and answer >= 0


def is_wholly(true):
    assert true


def is_text(answer, given):
    assert isinstance(answer, str) and answer


def is_none(answer, given):
    assert answer is None


def is_dataset(answer, given):
    for image, mask, *_ in answer.take(1):
        assert image.dtype == mask.dtype == tf.float32 and image.shape[:3] == mask.shape[:3] and mask.shape[3] == 1
        assert 1 <= len(image) and float(tf.reduce_max(image)) <= 1


def is_pair(answer, given):
    image, mask = answer
    assert image.shape == given["image"].shape and mask.shape == given["mask"].shape and mask.dtype == tf.float32


def is_table_of_positions(answer, given):
    side = int(given["side"])
    assert answer.shape == (8, side, side) and answer.dtype == np.int32
    assert np.array_equal(np.sort(answer.reshape(8, -1)), np.tile(np.arange(side * side), (8, 1)))


def is_scores(answer, given):
    assert all(isinstance(value, float) and 0 <= value <= 1 for value in answer.values())


def is_loss(answer, given):
    """Whatever was put in; from real masks and probabilities, never less than 0."""
    answer = np.asarray(answer)
    assert answer.shape == given["truth"].shape[:1]
    with np.errstate(invalid="ignore"):
        usual = all(np.all((np.asarray(given[name]) >= 0) & (np.asarray(given[name]) <= 1)) for name in given)
    assert not usual or np.all(answer >= -1e-6)


def like_truth(low, high):
    def right(answer, given):
        assert answer.dtype == np.float64 and answer.shape == np.shape(given["truth"])
        assert np.isfinite(answer).all() and np.all((answer >= low) & (answer <= high))

    return right


def follow_without_training(**given):
    """Everything of follow_recipe but the training, which is tried by itself."""
    with mock.patch.object(training, "train"):
        return training.follow_recipe(**given)[0]


def train_without_steps(**given):
    """Everything of train but the steps: the callbacks are called as for one epoch."""

    def fit(model, data, callbacks, **_):
        for callback in callbacks:
            callback.set_model(model)
            callback.on_train_begin()
            callback.on_epoch_end(0, {"loss": 1.0})
            callback.on_train_end()

    with mock.patch.object(keras.Model, "fit", fit), mock.patch.object(project, "release_memory"):
        return training.train(**given)


def as_words(call, *names):
    """A way to call a function whose first arguments are nameless, or any number of them."""

    def inner(**given):
        first = [given.pop(name) for name in names if name in given]
        return call(*first, **given)

    return inner


WORKS = object()
"""Stands for a file or folder that is not there yet."""


def save_somewhere(call, ending):
    def inner(**given):
        if given["path"] is WORKS:
            given["path"] = Path(f"{random.random()}{ending}")
        return call(**given)

    return inner


def is_file(answer, given):
    assert isinstance(answer, Path) and answer.stat().st_size > 0


def is_drawing(answer, given):
    inside = answer.shape == (int(given["height"]), int(given["width"])) and answer.dtype == bool
    assert inside


def is_field(answer, given):
    assert answer.shape == (16, 16) and (answer.dtype == bool or abs(answer.sum() - 1) < 1e-6 or answer.min() >= 0)


def is_maps(answer, given):
    for value in answer.values():
        assert value.dtype == np.float32 and value.ndim == 4 and len(value) == len(given["images"])


def is_square(answer, given):
    assert isinstance(answer, int) and answer >= 1 and answer % 2 == 1


def is_calibration(answer, given):
    assert 0 <= answer.error <= 1 and answer.count.sum() == np.size(given["truth"])
    assert len(answer.edges) == len(answer.count) + 1 == int(given["bins"]) + 1


def is_same_shape(dtype):
    def right(answer, given):
        first = next(iter(given.values()))
        for array in answer if isinstance(answer, tuple) else (answer,):
            assert array.dtype == dtype and array.shape == np.shape(first) and array.max(initial=0) <= 1

    return right


def paint_changed(part, value, size):
    changed = dataclasses.replace(shapes.plan(2), **{part: value} if part else {})
    return shapes.paint(changed, size)


def plan_works():
    return {"plan": shapes.plan(2), "size": 16}


def is_sizes(answer, given):
    assert len(answer) == int(given["count"]) and all(i > o >= 1 and i >= given["at_least"] for i, o in answer)


PAIR = {"truth": masks, "predicted": lambda: masks(1)}


def fresh(**makers):
    """Arguments that are made anew for every call."""
    return lambda: {
        name: make() if hasattr(make, "__wrapped__") or inspect.isfunction(make) else make
        for name, make in makers.items()
    }


TINY = training.Recipe(
    network={"input_shape": (64, 64, 3), "depth": 1, "base": 1, "norm": "none"}, images=2, validation=1, batch_size=2
)
IMAGES, STUDY = "the images", "skips"
pictures = {"model": network, "images": lambda: samples().images}


def class_map(seed=0):
    return np.random.default_rng(seed).integers(0, 3, (2, 16, 16)).astype(np.uint8)


def class_probability(seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(3), (2, 16, 16))


def label_map(shift=0):
    labels = np.zeros((16, 16), np.int32)
    labels[2:8, 2 + shift : 8 + shift], labels[8:14, 2:9], labels[3:6, 11:15] = 3, 5, 9
    return labels


def picture():
    return np.random.default_rng(0).random((16, 16, 3)).astype(np.float32)


def answers(batch):
    """Stands in for a network."""
    return batch[..., :1].astype(np.float32)


def is_one_hot(answer, given):
    assert answer.dtype == np.float32 and answer.shape == (*np.shape(given["labels"]), int(given["count"]))
    assert (answer.sum(axis=-1) == 1).all()


def is_softmax(answer, given):
    assert answer.dtype == np.float64 and answer.shape == np.shape(given["logits"])
    assert np.allclose(answer.sum(axis=-1), 1) and np.isfinite(answer).all()


def like_labels(dtype, low=0.0, high=np.inf):
    def right(answer, given):
        assert answer.dtype == dtype and answer.shape == np.shape(given["labels"])
        assert not answer.size or (answer.min() >= low and answer.max() <= high)

    return right


def is_class_scores(answer, given):
    assert answer.shape[-1] == int(given["count"] if "count" in given else np.shape(given["probability"])[-1])
    assert np.all(np.isnan(answer) | ((answer >= 0) & (answer <= 1 + 1e-9)))


def is_share_or_nan(answer, given):
    assert isinstance(answer, float) and (np.isnan(answer) or 0 <= answer <= 1)


def is_confusion(answer, given):
    assert answer.shape == (int(given["count"]),) * 2 and answer.sum() == np.size(given["truth"])


def is_class_map(answer, given):
    assert answer.dtype == np.uint8 and answer.shape == np.shape(given["probability"])[:-1]


def is_plan(answer, given):
    assert isinstance(answer, shapes.Plan) and len(answer) >= 1


def is_stack(answer, given):
    assert answer.dtype == np.uint8 and answer.shape == (2, *(int(given["size"]),) * 2, int(given["count"]) - 1)


def is_samples(answer, given):
    assert isinstance(answer, shapes.Samples) and len(answer) >= 1


def is_labels(answer, given):
    first = next(iter(given.values()))
    assert answer.dtype.kind == "i" and answer.shape == np.shape(first)[:2] and answer.min(initial=0) >= 0


def is_overlap_table(answer, given):
    true_ids, predicted_ids, table = answer
    assert table.shape in ((len(true_ids) + 1, len(predicted_ids) + 1), (len(true_ids), len(predicted_ids)))
    assert table.min(initial=0) >= 0 and np.isfinite(table).all()


def is_matches(answer, given):
    found = [i for i, _, _ in answer.pairs] + answer.missed
    assert sorted(found) == sorted(set(np.unique(given["truth"]).tolist()) - {0})


def is_precision(answer, given):
    assert np.ndim(answer) == np.ndim(given["thresholds"])
    assert np.all((np.asarray(answer) >= 0) & (np.asarray(answer) <= 1))


def is_distances(answer, given):
    assert all(part.dtype == np.float32 and part.shape == np.shape(given["labels"]) for part in answer)
    assert (answer[0] <= answer[1]).all()


def is_displacement(answer, given):
    assert answer.dtype == np.float32 and answer.shape == (2, *(int(side) for side in given["shape"]))
    assert np.isfinite(answer).all()


def is_deformed(answer, given):
    image, mask = answer
    assert (
        image.dtype == np.float32 and image.shape == np.shape(given["image"]) and 0 <= image.min() <= image.max() <= 1
    )
    assert mask.shape == np.shape(given["mask"]) and np.isin(mask, given["mask"]).all()


def is_copies(answer, given):
    assert len(answer[0]) == len(answer[1]) == len(given["images"]) * int(given["count"])


def is_tiles(answer, given):
    covered = np.zeros((given["height"], given["width"]), int)
    for one in answer:
        covered[one.rows, one.columns] += 1
    assert (covered == 1).all()


def some_tiles(**given):
    """The tiles as a list, and no more than some thousand of them."""
    found = list(itertools.islice(tiling.tiles(**given), 5000))
    return found if len(found) < 5000 and int(given["height"]) * int(given["width"]) < 10**7 else None


def is_places(answer, given):
    assert answer.shape == (int(given["count"]),) and answer.min() >= 0 and answer.max() < given["size"]


def is_tiled(answer, given):
    assert np.array_equal(answer[..., 0], np.asarray(given["picture"])[..., 0].astype(np.float32))


def quiet_report(**given):
    with contextlib.redirect_stdout(io.StringIO()):
        return label_folders.report(**given)


def is_crops(answer, given):
    count, size = int(given["count"]), int(given["size"])
    images, labels = answer
    assert (
        images.dtype == np.float32 and images.shape == (count, size, size, 3) and 0 <= images.min() <= images.max() <= 1
    )
    assert labels.dtype == np.int32 and labels.shape == (count, size, size)


def is_stretched(answer, given):
    assert (
        answer.dtype == np.float32
        and answer.shape == np.shape(given["image"])
        and 0 <= answer.min() <= answer.max() <= 1
    )


def is_fates(answer, given):
    assert set(answer) == set(np.unique(given["truth"]).tolist()) - {0}
    assert all(word in ("merged", "split", "missed", "found") and 0 <= iou <= 1 for word, iou in answer.values())


LABELS = {"truth": label_map, "predicted": lambda: label_map(1)}
CLASSES = {"truth": class_map, "predicted": lambda: class_map(1), "count": 3}

CASES = {
    "classes.one_hot": Case(classes.one_hot, fresh(labels=class_map, count=3), is_one_hot),
    "classes.softmax": Case(classes.softmax, fresh(logits=class_probability), is_softmax, 60),
    "classes.cross_entropy": Case(
        classes.cross_entropy, fresh(labels=class_map, probability=class_probability), like_labels(np.float64, -1e-5)
    ),
    "classes.class_weights": Case(
        classes.class_weights, fresh(labels=class_map, count=3),
        lambda a, g: is_wholly(a.dtype == np.float32 and a.shape == (int(g["count"]),) and a.min() >= 0),
    ),
    "classes.pixel_weights": Case(
        classes.pixel_weights, fresh(labels=class_map, weights=lambda: [1.0, 2.0, 0.5]), like_labels(np.float32)
    ),
    "classes.plan": Case(
        classes.plan, fresh(count=2, split="test", seed=3, kinds=("disc", "star"), scale=0.7, outlined=False, overlaps=True),
        is_plan,
    ),
    "classes.draw": Case(classes.draw, fresh(count=2, chunk=64), is_samples),
    "classes.join": Case(classes.join, fresh(parts=lambda: [samples(), samples()]), is_samples),
    "classes.label_stack": Case(
        classes.label_stack, fresh(plan=lambda: classes.plan(2), count=4, size=16), is_stack
    ),
    "classes.copy_layers": Case(classes.copy_layers, fresh(source=network, target=network), lambda a, g: list(a)),
    "classes.confusion": Case(classes.confusion, fresh(**CLASSES), is_confusion),
    "classes.class_iou": Case(classes.class_iou, fresh(**CLASSES, per_image=True), is_class_scores),
    "classes.class_dice": Case(classes.class_dice, fresh(**CLASSES, per_image=True), is_class_scores),
    "classes.mean_iou": Case(classes.mean_iou, fresh(**CLASSES, ground=False, per_image=True), is_share_or_nan),
    "classes.soft_iou": Case(
        classes.soft_iou, fresh(truth=class_map, probability=class_probability), is_class_scores
    ),
    "classes.class_of": Case(classes.class_of, fresh(probability=class_probability), is_class_map),
    "classes.shape_score": Case(
        classes.shape_score, fresh(masks=lambda: class_map()[..., None], probability=class_probability), is_share_or_nan
    ),
    "instances.label": Case(instances.label, fresh(mask=lambda: masks()[0, ..., 0]), is_labels, 60),
    "instances.overlaps": Case(instances.overlaps, fresh(**LABELS), is_overlap_table),
    "instances.iou_table": Case(instances.iou_table, fresh(**LABELS), is_overlap_table),
    "instances.match": Case(instances.match, fresh(**LABELS, threshold=0.5), is_matches),
    "instances.average_precision": Case(
        instances.average_precision, fresh(**LABELS, thresholds=(0.5, 0.9)), is_precision
    ),
    "instances.merged_and_split": Case(
        instances.merged_and_split, fresh(**LABELS), lambda a, g: is_wholly(len(a) == 2)
    ),
    "instances.distances": Case(instances.distances, fresh(labels=label_map), is_distances),
    "instances.weight_map": Case(
        instances.weight_map, fresh(labels=label_map, w0=10.0, sigma=5.0, balance=True), like_labels(np.float32)
    ),
    "instances.gaps": Case(instances.gaps, fresh(labels=label_map), is_labels),
    "instances.border_classes": Case(
        instances.border_classes, fresh(labels=label_map, width=1), like_labels(np.uint8, 0, 2)
    ),
    "instances.split_touching": Case(
        instances.split_touching,
        fresh(probability=lambda: probability()[0, ..., 0], min_distance=5, threshold=0.5, smooth=1.0), is_labels,
    ),
    "instances.watershed": Case(instances.watershed, fresh(seeds=label_map, inside=lambda: label_map() > 0), is_labels),
    "instances.check_labels": Case(
        instances.check_labels, fresh(name="labels", labels=label_map), lambda a, g: is_wholly(a.dtype.kind == "i")
    ),
    "instances.touching": Case(instances.touching, fresh(count=1, split="test", seed=1, size=16), is_samples, 20),
    "instances.tally": Case(
        instances.tally,
        fresh(truths=lambda: [label_map()], predictions=lambda: [label_map(1)], threshold=0.5),
        lambda a, g: is_wholly(a["objects"] == a["matched"] + a["missed"]),
    ),
    "elastic.paper_deviation": Case(elastic.paper_deviation, fresh(side=64), between(0, np.inf)),
    "elastic.field": Case(
        elastic.field, fresh(shape=(16, 16), seed=0, deviation=2.0, grid=3), is_displacement
    ),
    "elastic.interpolate": Case(
        elastic.interpolate, fresh(coarse=lambda: np.ones((2, 3, 3)), shape=(16, 16)), is_displacement
    ),
    "elastic.deform": Case(
        elastic.deform,
        fresh(image=picture, mask=lambda: label_map()[..., None], field=lambda: elastic.field((16, 16))), is_deformed,
    ),
    "elastic.copies": Case(
        elastic.copies,
        fresh(images=lambda: samples().images, masks=lambda: samples().masks, count=2, seed=0, deviation=1.0, grid=3),
        is_copies, 20,
    ),
    "elastic.folds": Case(elastic.folds, fresh(field=lambda: elastic.field((16, 16))), between(0, 1)),
    "tiling.tiles": Case(
        some_tiles, fresh(height=40, width=24, tile=16, halo=16, multiple=16), lambda a, g: a and is_tiles(a, g)
    ),
    "tiling.beyond": Case(tiling.beyond, fresh(first=-3, count=9, size=4, mode="reflect"), is_places),
    "tiling.window": Case(
        tiling.window, fresh(picture=picture, tile=lambda: next(tiling.tiles(16, 16, 16, 16)), mode="reflect"),
        lambda a, g: is_wholly(a.shape[:2] == (48, 48)),
    ),
    "tiling.stream": Case(
        lambda **given: list(tiling.stream(**given)),
        fresh(predict=lambda: answers, picture=picture, tile=16, halo=0, mode="reflect", multiple=16),
        lambda a, g: is_wholly(len(a) >= 1), 20,
    ),
    "tiling.predict_tiled": Case(
        tiling.predict_tiled,
        fresh(predict=lambda: answers, picture=picture, tile=16, halo=0, mode="reflect", multiple=16,
              out=lambda: np.zeros((16, 16, 1), np.float32)), is_tiled, 20,
    ),
    "tiling.scene": Case(tiling.scene, fresh(blocks=1, seed=0), is_samples, 10),
    "label_folders.load": Case(
        label_folders.load, fresh(folder="shapes", smallest=16), lambda a, g: is_wholly(len(a) == 2), 20
    ),
    "label_folders.report": Case(quiet_report, fresh(folder="shapes", smallest=16), lambda a, g: is_flag(a), 20),
    "label_folders.examine": Case(
        label_folders.examine, fresh(folder="shapes", smallest=16), lambda a, g: is_wholly(len(a) == 3), 20
    ),
    "nuclei.load": Case(nuclei.load, fresh(folder=nuclei.FOLDER), lambda a, g: is_wholly(a[0].shape == (512, 512))),
    "nuclei.card": Case(nuclei.card, fresh(folder=nuclei.FOLDER), lambda a, g: a["sha256"]),
    "nuclei.renumber": Case(nuclei.renumber, fresh(labels=label_map), is_labels),
    "nuclei.quadrant": Case(
        nuclei.quadrant, fresh(array=picture, name="upper left"),
        lambda a, g: is_wholly(2 * a.shape[0] == np.shape(g["array"])[0]),
    ),
    "nuclei.stretch": Case(
        nuclei.stretch, fresh(image=lambda: picture()[..., 0], low=1.0, high=99.5), is_stretched
    ),
    "nuclei.as_input": Case(
        nuclei.as_input, fresh(image=lambda: picture()[..., 0]), lambda a, g: is_wholly(a.shape[-1] == 3)
    ),
    "nuclei.crops": Case(
        nuclei.crops,
        fresh(images=lambda: [picture()[..., 0]], labels=lambda: [label_map()], count=2, size=8, seed=0, bend=1.0, zoom=1.2,
              light=0.2), is_crops, 20,
    ),
    "nuclei.objects": Case(nuclei.objects, fresh(output=picture, smallest=2), is_labels),
    "nuclei.without_small": Case(nuclei.without_small, fresh(labels=label_map, smallest=10), is_labels),
    "nuclei.score": Case(nuclei.score, fresh(**LABELS), is_scores),
    "nuclei.fates": Case(nuclei.fates, fresh(**LABELS), is_fates),
    "nuclei.middle": Case(
        nuclei.middle, fresh(labels=label_map, number=3), lambda a, g: is_wholly(len(a) == 2 and min(a) >= 0)
    ),
    "shapes.picture_numbers": Case(
        shapes.picture_numbers, fresh(count=2, most=100), lambda a, g: is_wholly(1 <= len(a) <= g["most"])
    ),
    "cost.layer_table": Case(cost.layer_table, fresh(model=network)),
    "cost.parameters": Case(cost.parameters, fresh(model=network), is_whole),
    "cost.macs": Case(cost.macs, fresh(model=network), is_whole),
    "cost.activation_memory": Case(
        cost.activation_memory, fresh(model=network, batch_size=2, training=True), is_whole, 40
    ),
    "experiments.change": Case(
        experiments.change, fresh(recipe=TINY, epochs=2, base=4, peak=0.1, loss="mse"), lambda a, g: a.steps
    ),
    "experiments.score": Case(
        experiments.score, fresh(model=lambda: network(size=64), samples=lambda: samples(64)), is_scores
    ),
    "experiments.read": Case(experiments.read, fresh(study=STUDY, folder=experiments.FOLDER)),
    "experiments.Table.of": Case(
        as_words(lambda score: experiments.read(STUDY).of(score), "score"), fresh(score="iou")
    ),
    "experiments.apart": Case(
        experiments.apart, fresh(first=(1, 2, 3), second=(4, 5, 6)), lambda a, g: is_flag(a), 40
    ),
    "explore.move": Case(
        as_words(explore.move, "draw"),
        fresh(draw=lambda: tiny_figure, still=None, number=lambda: [1, 2], cut=lambda: (0.1, 0.2)), is_none, 10,
    ),
    "explore.panel": Case(
        as_words(explore.panel, "draw"),
        fresh(draw=lambda: tiny_figure, start=lambda: {"number": 1}, number=lambda: [1, 2]), examples=10,
    ),
    "explore.view_of": Case(explore.view_of, fresh(widget=ipywidgets.HTML())),
    "folders.export": Case(
        lambda **g: folders.export(**{**g, "folder": f"{random.random()}" if g["folder"] is WORKS else g["folder"]}),
        fresh(samples=samples, folder=WORKS, overwrite=False), lambda a, g: sorted(a.iterdir()),
    ),
    "folders.load": Case(lambda **g: folders.load(**g), fresh(folder="shapes", size=None)),
    "inspect_model.Box.inside": Case(
        lambda top, height, width: inspect_model.Box(top, 4, 1, 3).inside(height, width),
        fresh(top=1, height=5, width=6), is_drawing, 40,
    ),
    "inspect_model.receptive_field": Case(inspect_model.receptive_field, fresh(model=network)),
    "inspect_model.theoretical_field": Case(
        inspect_model.theoretical_field, fresh(model=network, pixel=(3, 4), layer="head"),
        lambda a, g: is_whole(a.bottom - a.top - 1, g), 40,
    ),
    "inspect_model.perturbed_field": Case(
        inspect_model.perturbed_field,
        fresh(model=network, pixel=(3, 4), layer="enc1_conv1", tried=lambda: np.eye(16, dtype=bool), chunk=64), is_field, 20,
    ),
    "inspect_model.blocks": Case(inspect_model.blocks, fresh(model=network)),
    "inspect_model.shape_table": Case(inspect_model.shape_table, fresh(model=network), is_text),
    "inspect_model.field_table": Case(inspect_model.field_table, fresh(model=network), is_text),
    "inspect_model.span": Case(inspect_model.span, fresh(limits=(1, 2)), is_text, 60),
    "inspect_model.feature_maps": Case(
        inspect_model.feature_maps, fresh(**pictures, names=lambda: ["head", "enc1_conv1"], chunk=1), is_maps, 30
    ),
    "inspect_model.without_skip": Case(as_words(inspect_model.without_skip, "model", "level"), fresh(model=network, level=1)),
    "inspect_model.input_gradients": Case(
        inspect_model.input_gradients, fresh(**pictures, pixel=(3, 4), chunk=1),
        lambda a, g: is_maps({0: a[..., None]}, g), 20,
    ),
    "inspect_model.effective_receptive_field": Case(
        inspect_model.effective_receptive_field, fresh(**pictures, pixel=(3, 4)), is_field, 20
    ),
    "inspect_model.square_holding": Case(
        inspect_model.square_holding, fresh(field=lambda: np.ones((5, 5)), pixel=(2, 2), share=0.5), is_square, 80
    ),
    "losses.binary_cross_entropy": Case(
        losses.binary_cross_entropy, fresh(truth=masks, probability=probability), like_truth(0, 17), 80
    ),
    "losses.focal": Case(
        losses.focal, fresh(truth=masks, probability=probability, gamma=2.0), like_truth(0, 17), 80
    ),
    "losses.soft_dice_loss": Case(losses.soft_dice_loss, fresh(truth=masks, probability=probability), is_loss, 60),
    "losses.bce_dice_loss": Case(losses.bce_dice_loss, fresh(truth=masks, probability=probability), is_loss, 60),
    "metrics.to_mask": Case(
        metrics.to_mask, fresh(probability=probability, threshold=0.5), is_same_shape(np.uint8), 80
    ),
    "metrics.pixel_accuracy": Case(metrics.pixel_accuracy, fresh(**PAIR), between(0, 1), 80),
    "metrics.iou": Case(metrics.iou, fresh(**PAIR, per_image=True), is_score, 80),
    "metrics.dice": Case(metrics.dice, fresh(**PAIR, per_image=False), is_score, 80),
    "metrics.recall": Case(metrics.recall, fresh(**PAIR), between(0, 1), 80),
    "metrics.precision": Case(metrics.precision, fresh(**PAIR), between(0, 1), 80),
    "metrics.errors": Case(metrics.errors, fresh(**PAIR), is_same_shape(bool), 80),
    "metrics.near_edge": Case(metrics.near_edge, fresh(masks=masks, distance=1), is_same_shape(bool), 80),
    "metrics.calibration": Case(
        metrics.calibration, fresh(truth=masks, probability=probability, bins=10), is_calibration, 80
    ),
    "metrics.boundary_iou": Case(metrics.boundary_iou, fresh(**PAIR, distance=1), between(0, 1), 80),
    "metrics.interior_iou": Case(
        metrics.interior_iou, fresh(truth=lambda: np.zeros((2, 8, 8, 1)), predicted=masks, distance=1), between(0, 1), 80
    ),
    "pipeline.check_arrays": Case(
        pipeline.check_arrays,
        fresh(images=lambda: samples().images, masks=lambda: samples().masks, classes=2,
              weights=lambda: np.ones((2, 16, 16, 1), np.float32), divisible_by=4), is_none, 80,
    ),
    "pipeline.dataset": Case(
        pipeline.dataset,
        fresh(images=lambda: samples().images, masks=lambda: samples().masks, classes=2, weights=None, batch_size=2,
              shuffle=True, augment=True, seed=0, drop_remainder=None, divisible_by=None), is_dataset, 30,
    ),
    "pipeline.augment": Case(
        pipeline.augment, fresh(image=lambda: samples().images[0], mask=lambda: samples().masks[0], seed=lambda: [0, 1]),
        is_pair, 40,
    ),
    "pipeline.positions": Case(pipeline.positions, fresh(side=4), is_table_of_positions, 40),
    "project.keep_freed_memory": Case(project.keep_freed_memory, fresh(at_most=4_000_000, apart=128_000), is_none, 40),
    "shapes.draw": Case(
        shapes.draw, fresh(count=2, split="test", seed=3, level="easy", size=16, kinds=("disc", "star")), is_drawn, 60
    ),
    "shapes.plan": Case(
        shapes.plan, fresh(count=2, split="test", seed=3, level="easy", kinds="disc"),
        lambda a, g: is_image(shapes.paint(a[:2], 16), 16), 60,
    ),
    "shapes.paint": Case(shapes.paint, plan_works, lambda a, g: is_image(a, int(g["size"])), 30),
    "training.Recipe": Case(
        training.Recipe,
        fresh(network=lambda: {"depth": 1}, images=8, validation=1, epochs=1, batch_size=4, peak=0.1, loss="mse",
              augment=True, repeats=1), lambda a, g: is_whole(a.steps, g), 40,
    ),
    "training.Recipe.steps": Case(lambda epochs: dataclasses.replace(TINY, epochs=epochs).steps, fresh(epochs=3), is_whole),
    "training.learning_rate": Case(
        training.learning_rate, fresh(steps=20, peak=0.1), lambda a, g: between(0, 1e301)(float(a(0)), g), 40
    ),
    "training.compile_model": Case(
        training.compile_model, fresh(model=lambda: network(compiled=True, size=32), steps=3, peak=0.1, loss="mse"),
        is_none, 15,
    ),
    "training.train": Case(
        train_without_steps,
        fresh(model=lambda: network(compiled=True),
              data=lambda: pipeline.dataset(samples().images, samples().masks, batch_size=2, shuffle=True),
              validation=lambda: (samples().images, samples().masks), epochs=1, history=None, callbacks=(), seconds=1e-6,
              score=lambda: training.iou_at_half), lambda a, g: is_whole(len(a), g), 20,
    ),
    "training.follow_recipe": Case(
        follow_without_training, fresh(recipe=TINY, seed=0), is_model, 10
    ),
    "training.score": Case(training.score, fresh(model=network, samples=samples, threshold=0.5), is_scores, 30),
    "training.iou_at_half": Case(
        training.iou_at_half, fresh(masks=masks, probability=probability), between(0, 1), 60
    ),
    "training.predict": Case(
        training.predict, fresh(**pictures, batch_size=1), lambda a, g: is_maps({0: a}, g), 30
    ),
    "training.check_samples": Case(training.check_samples, fresh(samples=samples), is_none),
    "unet.double_conv": Case(
        unet.double_conv, fresh(x=features, filters=3, name="block", norm="batch", padding="valid", dropout=0.5),
        is_symbol(lambda g: int(g["filters"])), 20,
    ),
    "unet.encoder_level": Case(
        unet.encoder_level, fresh(x=features, filters=3, name="level", padding="valid", dropout=0.0),
        is_symbol(lambda g: int(g["filters"])), 20,
    ),
    "unet.upsample": Case(
        unet.upsample, fresh(x=features, filters=3, name="up", method="nearest+conv"),
        is_symbol(lambda g: int(g["filters"])), 20,
    ),
    "unet.decoder_level": Case(
        unet.decoder_level, fresh(x=features, skip=lambda: features(19, 17, 4), filters=3, name="level",
                                  upsampling="transposed", norm="none", padding="valid"),
        is_symbol(lambda g: int(g["filters"])), 20,
    ),
    "unet.build_unet": Case(
        unet.build_unet,
        fresh(input_shape=(16, 16, 3), depth=1, base=1, classes=1, upsampling="nearest", norm="none", padding="same",
              dropout=0.0, skips=(1,), activation="sigmoid", name="unet"), is_model, 40,
    ),
    "unet.article_unet": Case(unet.article_unet, fresh(input_shape=(16, 16, 3), base=1), is_model, 20),
    "unet.paper_unet": Case(unet.paper_unet, fresh(input_shape=(572, 572, 1), classes=2), is_model, 5),
    "unet.valid_sizes": Case(unet.valid_sizes, fresh(depth=2, at_least=40, count=3), is_sizes, 60),
    "unet.check_size": Case(unet.check_size, fresh(height=16, width=16, depth=2, padding="same"), is_none, 60),
    "weights.save": Case(
        save_somewhere(weights.save, ".keras"), fresh(model=network, path=WORKS, overwrite=False), is_file, 15
    ),
    "weights.save_weights": Case(
        save_somewhere(weights.save_weights, ".weights.h5"), fresh(model=network, path=WORKS, overwrite=False), is_file, 15
    ),
    "weights.load": Case(weights.load, fresh(path="tiny.keras"), is_model, 15),
    "weights.card": Case(weights.card, fresh(name=weights.SHIPPED, folder=project.DATA), lambda a, g: a["network"]["depth"]),
    "weights.load_shipped": Case(
        weights.load_shipped, fresh(name=weights.SHIPPED, folder=project.DATA), is_model, 15
    ),
    "weights.load_weights": Case(
        weights.load_weights, fresh(model=network, path="tiny.weights.h5"), is_none, 15
    ),
    "weights.sha256": Case(weights.sha256, fresh(path="tiny.keras"), lambda a, g: int(a, 16)),
    "given.shown": Case(checked.shown, fresh(value=1), is_text, 100),
    "given.whole": Case(checked.whole, fresh(name="n", value=1, low=0, high=9), lambda a, g: is_whole(a, g)),
    "given.number": Case(
        lambda value: checked.number("n", value, 0, 1), fresh(value=0.5), between(0, 1), 60
    ),
    "given.flag": Case(lambda value: checked.flag("f", value), fresh(value=True), lambda a, g: is_flag(a)),
    "given.choice": Case(lambda value: checked.choice("c", value, ("a", "b")), fresh(value="a"), is_text),
    "given.array": Case(lambda value: checked.array("a", value), fresh(value=(1, 2)), lambda a, g: a.shape, 100),
    "given.finite": Case(lambda value: checked.finite("a", value), fresh(value=(1, 2)), lambda a, g: a.shape, 100),
    "given.many": Case(
        lambda value: checked.many("m", value[:9] if isinstance(value, range) else value), fresh(value=(1, 2)),
        lambda a, g: is_whole(len(a), g), 60,
    ),
    "given.path": Case(lambda value: checked.path("p", value), fresh(value="a"), lambda a, g: a.name, 100),
    "given.function": Case(lambda value: checked.function("f", value), fresh(value=len), lambda a, g: callable(a)),
}  # fmt: skip

EXEMPT = {
    "project.start": "takes no argument",
    "project.check_utils": "takes no argument",
    "project.compile_in_little_memory": "takes no argument",
    "project.release_memory": "takes no argument",
    "project.install_missing": "takes no argument",
    "project.quiet": "takes no argument",
    "pipeline.no_autotune": "takes no argument",
    "cost.LayerCost": "a record that a function returns",
    "instances.Matches": "a record that a function returns",
    "label_folders.Pair": "a record that a function returns",
    "tiling.Tile": "a record that a function yields",
    "experiments.Table": "a record that a function returns",
    "inspect_model.Block": "a record that a function returns",
    "inspect_model.Box": "a record that a function returns",
    "inspect_model.ReceptiveField": "a record that a function returns",
    "metrics.Calibration": "a record that a function returns",
    "shapes.Level": "a record; the three there are stand in shapes",
    "shapes.Plan": "a record that a reader may change; shapes.paint checks every part",
    "shapes.Samples": "a record that a function returns; taking pictures from it is tried in test_shapes",
    "training.History": "a record that a function returns",
}
EXEMPT_PACKAGES = {
    "checks": "a check answers whatever a reader wrote, in words, and never raises: the tests of each check try that",
    "plots": "tried in test_hostile_plots.py, with small figures and fewer oddities: a figure takes longer than a function",
}


def is_flag(answer):
    assert isinstance(answer, bool)


# ---- The tests ---------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True, scope="module")
def somewhere(tmp_path_factory):
    """A folder for what is written, with a model, its weights and pictures in it."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("hostile"))
    network().save("tiny.keras")
    network().save_weights("tiny.weights.h5")
    folders.export(samples(), "shapes")
    yield
    os.chdir(before)


def raised_here(error) -> bool:
    """Whether a ``raise`` of utils made this error, rather than an operation that failed."""
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return (
        Path(code.co_filename).resolve().is_relative_to(HOME)
        and dis.opname[code.co_code[trace.tb_lasti]] == "RAISE_VARARGS"
    )


def complaint(case, arguments) -> str | None:
    """Call the function; say what is wrong with the outcome, or None."""
    start = time.process_time()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            for kind in (RuntimeWarning, np.exceptions.ComplexWarning, np.exceptions.VisibleDeprecationWarning):
                warnings.simplefilter("error", kind)
            answer = case.call(**arguments)
    except Exception as error:
        if not isinstance(error, EXPLAINED) or not raised_here(error):
            return f"{type(error).__name__} from the inside: {str(error)[:200]}"
        words = str(error)
        return None if (";" in words or ":" in words) and len(words) >= 20 else f"says too little: {words}"
    if time.process_time() - start > SECONDS:
        return f"took {time.process_time() - start:.0f} s"
    try:
        if case.right:
            case.right(answer, arguments)
    except Exception as error:
        return f"a wrong answer: {checked.shown(answer)} ({type(error).__name__}: {str(error)[:200]})"
    return None


def replaced(case, changes):
    return {**case.works(), **changes}


def public():
    """Names of all public functions, classes and methods of utils, without the packages that are exempt."""
    for found in pkgutil.iter_modules(utils.__path__):
        if found.name in EXEMPT_PACKAGES:
            continue
        module = importlib.import_module(f"utils.{found.name}")
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            if inspect.isfunction(value) or inspect.isclass(value):
                yield f"{found.name}.{name}"
            if inspect.isclass(value):
                for part, method in vars(value).items():
                    if not part.startswith("_") and (inspect.isfunction(method) or isinstance(method, property)):
                        yield f"{found.name}.{name}.{part}"


def test_every_public_function_is_tried_or_exempt_with_a_reason():
    names = set(public())
    assert names - set(CASES) - set(EXEMPT) == set(), "give it a case, or a reason"
    assert (set(CASES) | set(EXEMPT)) - names == set(), "these are gone"
    assert not set(CASES) & set(EXEMPT)
    assert all((HOME / name).is_dir() for name in EXEMPT_PACKAGES)


def test_a_case_tries_every_argument():
    for name, case in CASES.items():
        function = functools.reduce(getattr, name.split("."), utils)
        if case.call is function:
            named = {p.name for p in inspect.signature(function).parameters.values() if p.kind != p.VAR_KEYWORD}
            assert named - set(case.works()) <= {"rule"}, name


@pytest.mark.parametrize("name", CASES)
def test_what_works_works(name):
    case = CASES[name]
    answer = case.call(**case.works())
    if case.right:
        case.right(answer, case.works())


def left_out(name, argument, value):
    """Values that are in order but take their time, and functions of a reader that fail by themselves."""
    if argument == "count" and isinstance(value, int) and 500 < value <= shapes.MOST_PICTURES:
        return True
    if name == "training.train" and argument == "score" and any(value is own for own in (int, len)):
        return True
    if (
        name in ("tiling.stream", "tiling.predict_tiled")
        and argument == "predict"
        and any(value is f for f in (int, len))
    ):
        return True
    return (
        name == "unet.paper_unet" and argument == "classes" and isinstance(value, int) and not isinstance(value, bool)
    )


def try_each(case, changes):
    """Call with each of these changes, pairs of an argument and a value; list all outcomes that are wrong."""
    found = []
    for argument, value in changes:
        wrong = complaint(case, replaced(case, {argument: value}))
        if wrong:
            found.append(f"{argument} = {checked.shown(value)}: {wrong}")
    assert not found, "\n" + "\n".join(found)


def try_at_random(case, arguments, leave_out):
    """Call with one or two of the arguments at random; ``leave_out`` says of an argument and a value that they are in order."""

    @settings(
        max_examples=case.examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.dictionaries(st.sampled_from(arguments), anything, min_size=1, max_size=2))
    def attempt(changes):
        if not any(leave_out(*change) for change in changes.items()):
            assert complaint(case, replaced(case, changes)) is None

    attempt()


def from_a_reader(name):
    """The arguments of a case that a reader may give; others are written in utils."""
    return [argument for argument in CASES[name].works() if name != "given.whole" or argument == "value"]


@pytest.mark.parametrize("name", CASES)
def test_every_argument_against_every_oddity(name):
    pairs = ((argument, value) for argument in from_a_reader(name) for value in JUNK)
    try_each(CASES[name], (pair for pair in pairs if not left_out(name, *pair)))


@pytest.mark.parametrize("name", CASES)
def test_random_arguments(name):
    try_at_random(CASES[name], from_a_reader(name), functools.partial(left_out, name))


@pytest.mark.parametrize("part", [field.name for field in dataclasses.fields(shapes.Plan)])
def test_a_plan_that_a_reader_changed(part):
    case = Case(paint_changed, fresh(part=part, value=None, size=16), lambda a, g: is_image(a, 16))
    usual = getattr(shapes.plan(2), part)
    odd = [usual[:1], usual[..., None], usual.astype(float) * np.nan, usual.astype(object), -1 - usual.astype(float)]
    try_each(case, [("value", value) for value in (*JUNK, *odd)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: 1 / 0, "ZeroDivisionError from the inside"),
        (lambda: [][1], "IndexError from the inside"),
        (lambda: np.concatenate([]), "ValueError from the inside"),
        (lambda: np.zeros(1) / np.zeros(1), "RuntimeWarning from the inside"),
        (lambda: 2.0, "a wrong answer"),
        (lambda: checked.whole("n", "x"), None),
        (lambda: 0.5, None),
    ],
)
def test_an_unexplained_outcome_is_seen(change, message):
    found = complaint(Case(lambda **_: change(), dict, between(0, 1)), {})
    assert found is None if message is None else found.startswith(message)


def test_an_empty_text_in_an_array_is_shown():
    assert checked.shown(np.array("")) == repr(np.array(""))
