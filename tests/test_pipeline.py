"""From arrays to batches: checked, shuffled, turned together with their masks, repeatable."""

import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from utils import folders, pipeline, project, shapes


@pytest.fixture(scope="module")
def samples():
    return shapes.draw(26, size=32)


def epoch(data):
    """All images and masks of one pass through the data."""
    images, masks = zip(*((image.numpy(), mask.numpy()) for image, mask in data))
    return np.concatenate(images), np.concatenate(masks)


def contents(arrays):
    return sorted(np.ascontiguousarray(array).tobytes() for array in arrays)


# ---- Order and batches -------------------------------------------------------------------------------------------------


def test_without_shuffle_every_picture_comes_once_in_order(samples):
    data = pipeline.dataset(samples.images, samples.masks, batch_size=8)
    images, masks = epoch(data)
    assert np.array_equal(images, samples.images) and np.array_equal(masks, samples.masks)
    assert images.dtype == masks.dtype == np.float32
    assert [len(image) for image, _ in data] == [8, 8, 8, 2] and len(data) == 4


def test_shuffled_batches_are_full_and_have_a_fixed_shape(samples):
    data = pipeline.dataset(samples.images, samples.masks, batch_size=8, shuffle=True)
    assert [spec.shape for spec in data.element_spec] == [(8, 32, 32, 3), (8, 32, 32, 1)]
    assert len(data) == 3 and len(epoch(data)[0]) == 24


def test_dropping_the_remainder_can_be_chosen(samples):
    kept = pipeline.dataset(samples.images, samples.masks, shuffle=True, drop_remainder=False)
    images, masks = epoch(kept)
    assert contents(images) == contents(samples.images) and contents(masks) == contents(
        samples.masks.astype(np.float32)
    )
    assert len(epoch(pipeline.dataset(samples.images, samples.masks, drop_remainder=True))[0]) == 24


def test_shuffling_keeps_every_picture_with_its_mask(samples):
    mask_of = {image.tobytes(): mask for image, mask in zip(samples.images, samples.masks)}
    images, masks = epoch(pipeline.dataset(samples.images, samples.masks, shuffle=True))
    assert all(np.array_equal(mask_of[image.tobytes()], mask) for image, mask in zip(images, masks))
    assert not np.array_equal(images, samples.images[:24])


def test_over_epochs_every_picture_has_its_turn(samples):
    data = pipeline.dataset(samples.images, samples.masks, shuffle=True)
    seen = {image.tobytes() for _ in range(6) for image in epoch(data)[0]}
    assert len(seen) == 26


# ---- Repeatable, and different in every epoch --------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{"shuffle": True}, {"augment": True}, {"shuffle": True, "augment": True}])
def test_the_same_seed_gives_the_same_epochs_and_no_epoch_equals_another(samples, settings):
    one, again, other = (pipeline.dataset(samples.images, samples.masks, seed=s, **settings) for s in (5, 5, 6))
    epochs = [epoch(one)[0] for _ in range(3)]
    for images in epochs:
        assert np.array_equal(images, epoch(again)[0])
    assert not np.array_equal(epochs[0], epochs[1]) and not np.array_equal(epochs[1], epochs[2])
    assert not np.array_equal(epochs[0], epoch(other)[0])


def test_a_global_seed_set_before_is_part_of_what_repeats(samples):
    def first():
        keras.utils.set_random_seed(3)
        return epoch(pipeline.dataset(samples.images, samples.masks, shuffle=True, augment=True))[0]

    assert np.array_equal(first(), first())


# ---- Augmentation ------------------------------------------------------------------------------------------------------


def eight(array):
    """The eight positions of a square, one after another, by flips and turns."""
    return [np.rot90(square, k) for square in (array, np.transpose(array, (1, 0, 2))) for k in range(4)]


def test_positions_are_the_eight_symmetries_of_the_square():
    array = np.random.default_rng(0).random((6, 6, 3))
    tables = pipeline.positions(6)
    assert tables.shape == (8, 6, 6)
    assert all(sorted(table.ravel()) == list(range(36)) for table in tables), "every pixel once"
    assert contents(array.reshape(36, 3)[tables]) == contents(eight(array))
    assert len(set(contents(eight(array)))) == 8


def test_augment_moves_image_and_mask_alike():
    image = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    mask = (image[..., :1] > 0.5).astype(np.uint8)
    for number in range(40):
        new_image, new_mask = (array.numpy() for array in pipeline.augment(image, mask, [1, number]))
        assert new_image.dtype == new_mask.dtype == np.float32
        assert np.array_equal(new_image[..., :1] > 0.5, new_mask == 1)
        assert new_image.tobytes() in contents(eight(image))


def test_all_eight_positions_are_equally_likely_and_follow_from_the_seed():
    image = np.arange(16, dtype=np.float32).reshape(4, 4, 1)
    seeds = np.array([[2, k] for k in range(1600)])
    data = tf.data.Dataset.from_tensor_slices(seeds).map(lambda seed: pipeline.augment(image, image, seed)[0])
    found = [turned.tobytes() for turned in data.as_numpy_iterator()]
    names, counts = np.unique(found, return_counts=True)
    assert len(names) == 8
    assert ((counts - 200) ** 2 / 200).sum() < 24.3, "chi square with 7 degrees of freedom, one in a thousand"
    assert found[:50] == [pipeline.augment(image, image, seed)[0].numpy().tobytes() for seed in seeds[:50]]


def test_augmented_pictures_are_the_pictures_in_one_of_eight_positions_with_their_masks(samples):
    allowed = {
        image.tobytes(): mask.tobytes()
        for one_image, one_mask in zip(samples.images, samples.masks.astype(np.float32))
        for image, mask in zip(eight(one_image), eight(one_mask))
    }
    images, masks = epoch(pipeline.dataset(samples.images, samples.masks, augment=True))
    assert all(allowed[image.tobytes()] == mask.tobytes() for image, mask in zip(images, masks))
    assert sum(np.array_equal(new, old) for new, old in zip(images, samples.images)) < 13, "most of them turned"


# ---- Sources -----------------------------------------------------------------------------------------------------------


def test_an_exported_folder_feeds_the_same_batches(samples, tmp_path):
    images, masks = folders.load(folders.export(samples, tmp_path / "shapes"))
    one = epoch(pipeline.dataset(images, masks, shuffle=True, augment=True))
    other = epoch(pipeline.dataset(samples.images, samples.masks, shuffle=True, augment=True))
    assert np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])


def test_a_model_can_be_fitted_on_it(samples):
    model = keras.Sequential([keras.layers.Conv2D(1, 1, activation="sigmoid")])
    model.compile(loss="binary_crossentropy")
    data = pipeline.dataset(samples.images, samples.masks, shuffle=True, augment=True)
    history = model.fit(data, epochs=2, shuffle=False, verbose=0)  # Keras need not shuffle: the pipeline does
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize("settings", [{}, {"shuffle": True, "augment": True, "batch_size": 2}])
def test_no_thread_that_tunes_the_pipeline_can_hold_up_an_epochs_end(samples, settings):
    data = pipeline.dataset(samples.images, samples.masks, **settings)
    assert data.options().autotune.enabled is False
    assert data.repeat(2).options().autotune.enabled is False


def test_the_pipeline_costs_little():
    many = shapes.draw(400)
    data = pipeline.dataset(many.images, many.masks, shuffle=True, augment=True)
    epoch(data)
    spent = []
    for _ in range(3):
        start = time.process_time()
        for _batch in data:
            pass
        spent.append((time.process_time() - start) / 400)
    assert min(spent) < 0.0015, f"{1000 * min(spent):.2f} ms of processor time a picture; about 0.25 were measured"


def test_nothing_is_written_to_standard_error():
    code = (
        "from utils import project; project.start()\n"
        "from utils import pipeline, shapes\n"
        "s = shapes.draw(20)\n"
        "data = pipeline.dataset(s.images, s.masks, shuffle=True, augment=True)\n"
        "next(iter(data))\n"
        "for _ in range(2): list(data)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=project.ROOT, capture_output=True, text=True)
    assert run.returncode == 0 and run.stderr == ""


# ---- Bad input ---------------------------------------------------------------------------------------------------------

BAD = {
    "a list": (lambda i, m: (i.tolist(), m), TypeError, ["images is a list", "NumPy array"]),
    "no mask at all": (lambda i, m: (i, None), TypeError, ["masks is a NoneType"]),
    "uint8 images": (lambda i, m: ((i * 255).astype(np.uint8), m), TypeError, ["uint8", "float32", "divide by 255"]),
    "float64 images": (lambda i, m: (i.astype(float), m), TypeError, ["float64", "astype('float32')"]),
    "images of 0..255": (lambda i, m: (i * 255, m), ValueError, ["images hold values from 0 to", "Divide by 255"]),
    "images of -1..1": (lambda i, m: (i * 2 - 1, m), ValueError, ["from -1 to", "0 to 1 is allowed"]),
    "a NaN": (lambda i, m: (np.where(i == i[0, 0, 0, 0], np.float32(np.nan), i), m), ValueError, ["NaN"]),
    "one image alone": (lambda i, m: (i[0], m[0]), ValueError, ["(32, 32, 3)", "four axes", "array[None]"]),
    "masks without a channel": (lambda i, m: (i, m[..., 0]), ValueError, ["(4, 32, 32)", "array[..., None]"]),
    "masks of three channels": (lambda i, m: (i, m.repeat(3, -1)), ValueError, ["(4, 32, 32, 3)", "array[..., :1]"]),
    "no images": (lambda i, m: (i[:0], m[:0]), ValueError, ["there are none"]),
    "fewer masks": (lambda i, m: (i, m[:3]), ValueError, ["4 images but 3 masks"]),
    "smaller masks": (lambda i, m: (i, m[:, :16]), ValueError, ["32 x 32", "16 x 32", "nearest"]),
    "masks of 0 and 255": (lambda i, m: (i, m * 255), ValueError, ["the values 0, 255", "only 0 and 1", "Divide by 255"]),
    "interpolated masks": (lambda i, m: (i, (m + np.roll(m, 1, 1)) / np.float32(2)), ValueError, ["0.5", "interpolation"]),
    "class ids": (lambda i, m: (i, m * 3), ValueError, ["the values 0, 3", "(masks > 0)"]),
    "int64 masks": (lambda i, m: (i, m.astype(int)), TypeError, ["int64", "astype('uint8')"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_arrays_are_named_with_what_is_allowed_and_what_to_do(samples, case):
    damage, error, words = BAD[case]
    images, masks = samples.images[:4], samples.masks[:4]
    pipeline.check_arrays(images, masks)
    for function in (pipeline.check_arrays, pipeline.dataset):
        with pytest.raises(error) as caught:
            function(*damage(images, masks))
        for word in words:
            assert word in str(caught.value)


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.float32])
def test_masks_of_these_dtypes_are_fine(samples, dtype):
    pipeline.check_arrays(samples.images, samples.masks.astype(dtype))


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"batch_size": 0}, ValueError, ["batch_size is 0", "1 picture or more"]),
        ({"batch_size": 2.5}, TypeError, ["batch_size is 2.5", "whole number"]),
        ({"batch_size": 27, "shuffle": True}, ValueError, ["batch_size is 27", "26 images"]),
        ({"seed": "now"}, TypeError, ["seed is 'now'"]),
        ({"divisible_by": 64}, ValueError, ["32 x 32", "multiples of 64"]),
    ],
)
def test_bad_settings_are_named(samples, settings, error, words):
    with pytest.raises(error) as caught:
        pipeline.dataset(samples.images, samples.masks, **settings)
    for word in words:
        assert word in str(caught.value)


def test_only_square_pictures_can_be_turned(samples):
    with pytest.raises(ValueError, match="24 x 32.*square.*augment=False"):
        pipeline.dataset(samples.images[:, :24], samples.masks[:, :24], augment=True)
    assert len(pipeline.dataset(samples.images[:, :24], samples.masks[:, :24])) == 4


def test_class_numbers_and_weights_turn_with_the_picture():
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, (12, 8, 8, 1)).astype(np.uint8)
    images, weights = (labels / 4).astype(np.float32), (labels * 10).astype(np.float32)
    data = pipeline.dataset(images, labels, classes=4, weights=weights, batch_size=4, shuffle=True, augment=True)
    assert int(data.cardinality()) == 3
    for image, mask, weight in data:
        assert np.array_equal(image * 4, mask) and np.array_equal(mask * 10, weight) and weight.shape == (4, 8, 8, 1)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"masks": np.full((2, 8, 8, 1), 4, np.uint8)}, ValueError, "0 to 3 are allowed"),
        ({"masks": np.full((2, 8, 8, 1), 0.25, np.float32)}, TypeError, "never divide class numbers"),
        ({"weights": np.ones((2, 8, 8), np.float32)}, ValueError, "one weight"),
        ({"weights": np.ones((2, 8, 8, 1))}, TypeError, "weights.astype"),
        ({"weights": np.full((2, 8, 8, 1), -1, np.float32)}, ValueError, "0 or more"),
        ({"weights": np.full((2, 8, 8, 1), np.nan, np.float32)}, ValueError, "NaN"),
    ],
)
def test_wrong_class_numbers_and_weights_are_named(change, error, message):
    good = {"images": np.zeros((2, 8, 8, 3), np.float32), "masks": np.zeros((2, 8, 8, 1), np.uint8)}
    with pytest.raises(error, match=message):
        pipeline.check_arrays(**(good | change), classes=4)
