"""From arrays to batches: check what goes in, then feed it to training with ``tf.data``.

The steps come in this order, and each has a reason for its place:

1. ``cache``: what is the same in every epoch (here: the mask as float32) is done once.
2. ``shuffle``: before batching, so that it mixes pictures and not batches; after the cache, so that every epoch has
   another order.
3. ``map(augment)``: after the cache, or every epoch would see the same turn of a picture again.
4. ``batch``: last of the steps that work on single pictures.
5. ``prefetch``: the next batch is prepared while the network works on this one.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from utils import given


def check_arrays(images, masks, *, classes=2, weights=None, divisible_by=None) -> None:
    """Make sure that pictures and masks are what a network here can learn from.

    Args:
        images: float32 ``(N, H, W, C)``, finite, 0..1.
        masks: uint8, bool or float32 ``(N, H, W, 1)``, nothing but 0 and 1; with more than two classes any integer dtype,
            the number of each pixel's class.
        classes: how many classes a mask may name, the ground counted: 0 to ``classes - 1``.
        weights: if given, how much each pixel counts in the loss: float32 ``(N, H, W, 1)``, finite, 0 or more.
        divisible_by: if given, H and W must be multiples of it; a U-Net with p poolings needs ``2**p``.

    Raises:
        TypeError: an argument is not an array, or has the wrong dtype.
        ValueError: a wrong rank, size, number of pictures or range of values. Every message says what was given, what
            is allowed and what to do.
    """
    for name, array in (("images", images), ("masks", masks)):
        if not (hasattr(array, "shape") and hasattr(array, "dtype")):
            raise TypeError(f"{name} is a {type(array).__name__}; give a NumPy array.")
    images, masks = given.array("images", images), given.array("masks", masks)
    classes = given.whole("classes", classes, 2, None, "there are two or more, the ground counted")
    if divisible_by is not None:
        divisible_by = given.whole("divisible_by", divisible_by, 1, 2**16)
    if images.ndim != 4:
        raise ValueError(f"images have shape {images.shape}; they need four axes (N, H, W, channels).{_hint(images)}")
    if masks.ndim != 4 or masks.shape[-1] != 1:
        raise ValueError(f"masks have shape {masks.shape}; they need four axes (N, H, W, 1).{_hint(masks)}")
    if not images.size:
        raise ValueError(f"images have shape {images.shape}: there are none. Give 1 picture or more.")
    if len(images) != len(masks):
        raise ValueError(f"There are {len(images)} images but {len(masks)} masks; give one mask for every image.")
    if images.shape[1:3] != masks.shape[1:3]:
        raise ValueError(
            f"images are {_size(images)} pixels, masks are {_size(masks)}; both need the same height and width. "
            "Resize masks with nearest neighbours, never with interpolation."
        )
    if divisible_by and (images.shape[1] % divisible_by or images.shape[2] % divisible_by):
        raise ValueError(
            f"images are {_size(images)} pixels; both sides must be multiples of {divisible_by}. Crop or pad them."
        )
    if images.dtype != np.float32:
        rest = " and divide by 255" if images.dtype.kind in "ui" else ""
        raise TypeError(f"images have dtype {images.dtype}; they need float32. Use images.astype('float32'){rest}.")
    if not np.isfinite(images).all():
        broken = np.count_nonzero(~np.isfinite(images))
        raise ValueError(f"images hold {broken} values that are NaN or infinite; 0 to 1 is allowed.")
    low, high = images.min(), images.max()
    if low < 0 or high > 1:
        advice = " Divide by 255." if low >= 0 and 1 < high <= 255 else ""
        raise ValueError(f"images hold values from {low:g} to {high:g}; 0 to 1 is allowed.{advice}")
    if classes > 2:
        _check_classes(masks, classes)
    else:
        _check_two(masks)
    if weights is not None:
        _check_weights(given.array("weights", weights), masks.shape)


def _check_two(masks):
    if masks.dtype not in (np.uint8, np.bool_, np.float32):
        raise TypeError(f"masks have dtype {masks.dtype}; they need uint8, bool or float32. Use masks.astype('uint8').")
    allowed = (masks == 0) | (masks == 1)
    if not allowed.all():
        raise ValueError(f"masks hold {_some_values(masks)}; only 0 and 1 are allowed.{_mask_advice(masks)}")


def _check_classes(masks, classes):
    if masks.dtype.kind not in "ui":
        raise TypeError(
            f"masks have dtype {masks.dtype}; class numbers need an integer dtype. Use masks.astype('uint8'), and never "
            "divide class numbers."
        )
    if masks.min() < 0 or masks.max() >= classes:
        raise ValueError(
            f"masks hold {_some_values(masks)}; with {classes} classes the numbers 0 to {classes - 1} are allowed, "
            "0 for the ground. Count the ground as a class, and give each class the next free number."
        )


def _check_weights(weights, shape):
    if weights.shape != shape:
        raise ValueError(f"weights have shape {weights.shape}, masks {shape}; each pixel of a mask needs one weight.")
    if weights.dtype != np.float32:
        raise TypeError(f"weights have dtype {weights.dtype}; they need float32. Use weights.astype('float32').")
    if not (np.isfinite(weights).all() and weights.min() >= 0):
        raise ValueError("weights hold values that are negative, NaN or infinite; a pixel counts 0 or more.")


def dataset(
    images,
    masks,
    *,
    classes=2,
    weights=None,
    batch_size=8,
    shuffle=False,
    augment=False,
    seed=0,
    drop_remainder=None,
    divisible_by=None,
) -> tf.data.Dataset:
    """Feed pictures and masks to a network in batches.

    Args:
        images: float32 ``(N, H, W, C)``, 0..1.
        masks: uint8 ``(N, H, W, 1)``, 0 or 1, or class numbers.
        classes: how many classes a mask may name, the ground counted, see :func:`check_arrays`.
        weights: float32 ``(N, H, W, 1)``, how much each pixel counts in the loss; by default all the same.
        batch_size: pictures in a batch.
        shuffle: bring the pictures into another order in every epoch. For training only.
        augment: turn and flip every picture together with its mask, another way in every epoch. For training only;
            needs square pictures.
        seed: whole number, -2**63 to 2**63 - 1; with the same seed (and the same ``keras.utils.set_random_seed``, if that
            was called) a newly made data set gives the same batches, epoch after epoch.
        drop_remainder: leave out the last batch of an epoch where it is smaller than the others, so that a compiled
            network meets one shape only. By default as ``shuffle``: with another order in every epoch no picture is
            left out for good, while an evaluation must count each one.
        divisible_by: see :func:`check_arrays`.

    Returns:
        tf.data.Dataset: pairs of float32 ``(batch, H, W, C)`` pictures and float32 ``(batch, H, W, 1)`` masks; with
        weights, triples whose third part is float32 ``(batch, H, W, 1)``, which Keras multiplies with the pixels' losses.

    Raises:
        TypeError, ValueError: as :func:`check_arrays`; a batch size below 1 or larger than the number of pictures
            where the remainder is dropped; pictures that are not square where ``augment`` is on.
    """
    check_arrays(images, masks, classes=classes, weights=weights, divisible_by=divisible_by)
    batch_size = given.whole("batch_size", batch_size, 1, 2**31 - 1, "a batch holds 1 picture or more")
    seed = given.whole("seed", seed, *_SEEDS)
    shuffle, augment = given.flag("shuffle", shuffle), given.flag("augment", augment)
    drop_remainder = shuffle if drop_remainder is None else given.flag("drop_remainder", drop_remainder)
    batch_size = batch_size if drop_remainder else min(batch_size, len(images))
    if drop_remainder and batch_size > len(images):
        raise ValueError(f"batch_size is {batch_size} but there are {len(images)} images: no batch would ever be full.")
    if augment and images.shape[1] != images.shape[2]:
        raise ValueError(
            f"images are {_size(images)} pixels; quarter turns need square ones. Crop them or use augment=False."
        )
    # A weight is one more channel of the mask until the batch is made, so it makes every turn that the mask makes.
    layers = [masks] if weights is None else [masks, weights]
    data = tf.data.Dataset.from_tensor_slices((images, *layers))
    data = data.map(lambda image, *layers: (image, tf.concat([tf.cast(layer, tf.float32) for layer in layers], -1)))
    data = data.cache()
    if shuffle:
        data = data.shuffle(len(images), seed=seed, reshuffle_each_iteration=True)
    if augment:
        dice = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
        data = tf.data.Dataset.zip(data, dice)
        data = data.map(lambda pair, number: _augment_pair(pair, [seed, number]), num_parallel_calls=2)
    data = data.batch(batch_size, drop_remainder=drop_remainder)
    if weights is not None:
        data = data.map(lambda image, both: (image, both[..., :1], both[..., 1:]))
    return data.prefetch(2).with_options(no_autotune())


def no_autotune() -> tf.data.Options:
    """Options without the thread that tunes a pipeline while it runs.

    That thread sleeps between its looks, longer and longer, and now and then the end of an epoch waited until it woke: 3 to 17
    seconds in which nothing ran.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def augment(image, mask, seed):
    """Show a picture and its mask in one of the eight positions of a square: four turns, each also mirrored.

    A position is a table that says which pixel moves where. Image and mask are looked up in the same table, so a mask
    cannot miss a step; and pixels only change places, nothing is interpolated, so a mask stays 0 and 1.

    Args:
        image: float32 ``(S, S, C)``.
        mask: float32 ``(S, S, 1)``, or more channels that belong to the same pixels; other dtypes are converted.
        seed: two whole numbers. The same pair gives the same position; over many pairs all eight are equally likely.

    Returns:
        tuple: image and mask, float32 tensors, same shapes as before.

    Raises:
        TypeError: image or mask is no array or tensor of numbers, or the seed is not made of whole numbers.
        ValueError: a picture that is not square, a mask of another size, or a seed that is not two numbers.
    """
    side = _square(image, mask)
    seed = _pair_of_seeds(seed)
    position = tf.random.stateless_uniform([], seed, 0, 8, tf.int32)
    places = tf.constant(positions(side))[position]
    turned = [tf.gather(tf.reshape(array, (side * side, -1)), places) for array in (image, mask)]
    return turned[0], tf.cast(turned[1], tf.float32)


def positions(side) -> np.ndarray:
    """The eight positions of a square of pixels, as tables for looking up.

    Args:
        side: pixels along one side, 1 to 8192.

    Returns:
        np.ndarray: int32 ``(8, side, side)``. Entry ``[p, y, x]`` is the number of the pixel (counted row by row) that
        is seen at row y, column x in position p. Positions 0 to 3 are quarter turns counterclockwise, 4 to 7 the same
        turns of the square mirrored along its diagonal.

    Raises:
        TypeError, ValueError: a side that is not a whole number, or out of range.
    """
    side = given.whole("side", side, 1, 8192)
    pixels = np.arange(side * side, dtype=np.int32).reshape(side, side)
    return np.stack([np.rot90(square, turns) for square in (pixels, pixels.T) for turns in range(4)])


def _augment_pair(pair, seed):
    """Call :func:`augment`, whose name is an argument's inside :func:`dataset`."""
    return augment(*pair, seed)


def _square(image, mask) -> int:
    """The side of a square picture whose mask has the same size, or an error that says what was given."""
    for name, array in (("image", image), ("mask", mask)):
        if not (hasattr(array, "shape") and hasattr(array, "dtype")):
            raise TypeError(f"{name} is {given.shown(array)}; give an array or a tensor.")
        if not tf.is_tensor(array):
            given.array(name, array)
        elif not (array.dtype.is_floating or array.dtype.is_integer or array.dtype.is_bool):
            raise TypeError(f"{name} is {given.shown(array)}; give an array of numbers.")
        if len(array.shape) != 3 or 0 in array.shape:
            raise ValueError(f"{name} has shape {tuple(array.shape)}; it needs (S, S, C), a single square picture.")
    if not image.shape[0] == image.shape[1] == mask.shape[0] == mask.shape[1]:
        raise ValueError(
            f"image has shape {tuple(image.shape)}, mask {tuple(mask.shape)}; both must be square, and of the same size."
        )
    return image.shape[0]


def _pair_of_seeds(seed):
    """Two whole numbers as TensorFlow takes them; a number that is known only when the graph runs stays as it is."""
    numbers = seed if tf.is_tensor(seed) else given.many("seed", seed)
    if tf.is_tensor(seed) and len(seed.shape) == 1 and seed.dtype.is_integer:
        numbers = list(tf.unstack(seed))
    if not isinstance(numbers, list) or len(numbers) != 2:
        raise ValueError(f"seed is {given.shown(seed)}; give two whole numbers.")
    return [n if tf.is_tensor(n) else given.whole("a number of the seed", n, *_SEEDS) for n in numbers]


_SEEDS = -(2**63), 2**63 - 1


def _size(array) -> str:
    """Return height and width of an array of pictures, in words."""
    return f"{array.shape[1]} x {array.shape[2]}"


def _hint(array) -> str:
    """Say what to do about an array with the wrong axes."""
    if array.ndim == 4:
        return " Choose one channel: array[..., :1]."
    if array.ndim == 3 and array.shape[-1] in (1, 3):
        return " For a single picture use array[None]."
    return " A missing channel axis is added with array[..., None]." if array.ndim == 3 else ""


def _some_values(array, most=5) -> str:
    """Name the values of an array, or the smallest few and the largest."""
    values = np.unique(np.round(np.asarray(array, float), 3))
    listed = ", ".join(f"{value:.3g}" for value in values[:most])
    return f"the values {listed}" if len(values) <= most else f"{len(values)} values ({listed}, ... {values[-1]:.3g})"


def _mask_advice(masks) -> str:
    """Guess from the values what happened to a mask, and say what to do."""
    values = np.unique(masks)
    if len(values) <= 2 and values[-1] == 255:
        return " Divide by 255."
    if len(values) > 2 and values[0] >= 0 and (values[-1] <= 1 or values[-1] == 255):
        return " In-between values come from interpolation: turn or resize masks with nearest neighbours."
    return " Use (masks > 0) if every other value means the shape."
