"""From arrays to batches with ``tf.data``, and more images out of few: turned, bent, cropped.

The steps of :func:`dataset` come in this order, and each has a reason for its place:

1. ``cache``: what is the same in every epoch is done once.
2. ``shuffle``: after the cache, so that every epoch has another order; before batching, so that it mixes images.
3. ``map(augment)``: after the cache, or every epoch would see the same turn of an image again.
4. ``batch``: last of the steps, the others work on single images.
5. ``prefetch``: the next batch is prepared while the network works on this one.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from scipy import ndimage

from utils import validate


def dataset(
    images, masks, *, classes=2, weights=None, batch_size=8, shuffle=False, augment=False, seed=0, drop_remainder=None
) -> tf.data.Dataset:
    """Feed images and masks to a network in batches.

    Args:
        images: float ``(N, H, W, C)``, 0..1.
        masks: ``(N, H, W, 1)``, 0 and 1, or with more than two classes the integers 0 to ``classes - 1``.
        classes: how many classes a mask may name, the background counted.
        weights: ``(N, H, W, 1)``, how much each pixel counts in the loss; by default all the same.
        batch_size: images in a batch; all of them if there are fewer.
        shuffle: bring the images into another order in every epoch. For training only.
        augment: show every square image in another position in every epoch, see :func:`augment`. For training only.
        seed: with the same seed (and the same ``keras.utils.set_random_seed``, if that was called) a data set made anew
            gives the same batches, epoch after epoch.
        drop_remainder: leave out the last batch of an epoch where it is smaller than the others, so that a compiled
            network meets one shape only. By default as ``shuffle``: with another order in every epoch no image is
            left out for good, while an evaluation must count each one.

    Returns:
        Batches of images and masks, float32; with weights, of images, masks and weights, which Keras multiplies with
        the losses of the pixels.

    Raises:
        ValueError: no pairs of images and masks, see :mod:`utils.validate`; or not square, where ``augment`` is on.
    """
    images, masks = validate.pair(images, masks, classes)
    height, width = images.shape[1:3]
    if augment and height != width:
        raise ValueError(f"images are {height} x {width}; augment needs square ones: crop them, or use augment=False.")
    # A weight is one more channel of the mask until the batch is made, so it makes every turn that the mask makes.
    maps = (masks,) if weights is None else (masks, weights)
    data = tf.data.Dataset.from_tensor_slices((images, maps))
    data = data.map(lambda image, maps: (image, tf.concat([tf.cast(one, tf.float32) for one in maps], axis=-1)))
    data = data.cache()
    if shuffle:
        data = data.shuffle(len(images), seed=seed, reshuffle_each_iteration=True)
    if augment:
        data = _augmented(data, seed)
    drop_remainder = shuffle if drop_remainder is None else drop_remainder
    data = data.batch(min(batch_size, len(images)), drop_remainder=drop_remainder)
    if weights is not None:
        data = data.map(lambda image, maps: (image, maps[..., :1], maps[..., 1:]))
    options = tf.data.Options()
    options.autotune.enabled = False  # the thread that tunes a pipeline sleeps, and the end of an epoch may wait for it
    return data.prefetch(2).with_options(options)


def _augmented(data, seed):
    """Pairs in random positions, others in every epoch."""
    numbers = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    data = tf.data.Dataset.zip(data, numbers)
    return data.map(lambda pair, number: augment(*pair, [seed, number]), num_parallel_calls=2)


def augment(image, mask, seed):
    """Show an image and its mask in one of the eight positions of a square: four turns, each also mirrored.

    Image and mask make the same turn, and pixels only change places: nothing is interpolated, a mask stays 0 and 1.

    Args:
        image: ``(S, S, C)``.
        mask: ``(S, S, 1)``, or more channels that belong to the same pixels.
        seed: two whole numbers. The same pair gives the same position; over many pairs all eight are equally likely.

    Returns:
        The image, and the mask as float32, same shapes as before.
    """
    position = tf.random.stateless_uniform([], seed, 0, 8, tf.int32)

    def turned(array):
        mirrored = tf.cond(position < 4, lambda: array, lambda: tf.image.transpose(array))
        return tf.ensure_shape(tf.image.rot90(mirrored, position % 4), array.shape)

    return turned(image), tf.cast(turned(mask), tf.float32)


# ---- Elastic deformation ---------------------------------------------------------------------------------------------
# Source: Ronneberger, Fischer, Brox, "U-Net", 2015, section 3.1: random displacement vectors on a coarse 3 x 3 grid,
# from a Gaussian of 10 pixels standard deviation, and bicubic interpolation to a displacement for every pixel.


def displacement_field(shape, seed=0, *, deviation=10.0, grid=3) -> np.ndarray:
    """Draw a smooth displacement field: where each pixel of a deformed image looks for its value.

    ``output[y, x] = input[y + field[0, y, x], x + field[1, y, x]]``

    Args:
        shape: height and width in pixels.
        seed: whole number or ``numpy.random.Generator``.
        deviation: standard deviation of the vectors at the points of the grid, in pixels.
        grid: points along each side; the outer ones lie on the corners.

    Returns:
        float32 ``(2, H, W)``, in pixels, downward and to the right.
    """
    return interpolate_field(np.random.default_rng(seed).normal(0, deviation, (2, grid, grid)), shape)


def interpolate_field(coarse, shape) -> np.ndarray:
    """Interpolate vectors on a coarse grid ``(2, G, G)`` to every pixel, bicubically: float32 ``(2, H, W)``.

    The outer points lie on the centres of the corner pixels. Beyond the sides the grid is mirrored, so the field
    arrives there without slope.
    """
    axes = (np.linspace(0, points - 1, side) for points, side in zip(np.shape(coarse)[1:], shape))
    places = np.meshgrid(*axes, indexing="ij")
    parts = [ndimage.map_coordinates(part, places, float, order=3, mode="mirror") for part in coarse]
    return np.stack(parts).astype(np.float32)


def deform(image, mask, field):
    """Move the pixels of an image and of its mask by the same displacement field.

    Args:
        image: ``(H, W, C)``, 0..1; interpolated with bicubic splines, then cut to 0..1.
        mask: ``(H, W, 1)`` of any dtype; takes the nearest pixel, so no new value appears.
        field: ``(2, H, W)``, see :func:`displacement_field`. What lies beyond the sides of the image is mirrored.

    Returns:
        The image as float32 and the mask, same shapes as before.
    """
    places = np.indices(field.shape[1:]) + field

    def moved(array, order):
        channels = np.moveaxis(array, -1, 0)
        return np.stack([ndimage.map_coordinates(c, places, order=order, mode="mirror") for c in channels], axis=-1)

    return np.clip(moved(image, 3), 0, 1).astype(np.float32), moved(mask, 0)


def elastic_copies(images, masks, count, *, seed=0, deviation=None, grid=3):
    """Make a data set ``count`` times as large: the N images as they are, then deformed copies, each in its own way.

    The deviation is :func:`paper_deviation` unless you give another one, see :func:`displacement_field`.
    """
    rng, shape = np.random.default_rng(seed), images.shape[1:3]
    deviation = paper_deviation(min(shape)) if deviation is None else deviation
    pairs = list(zip(images, masks))
    for image, mask in pairs * (count - 1):
        pairs.append(deform(image, mask, displacement_field(shape, rng, deviation=deviation, grid=grid)))
    images, masks = zip(*pairs)
    return np.stack(images), np.stack(masks)


def paper_deviation(side) -> float:
    """The standard deviation of the paper, 10 pixels on 512, in the same share of another side."""
    return 10.0 * side / 512


def folding_share(field) -> float:
    """Share of pixels where a displacement field turns the image inside out: its Jacobian determinant is 0 or less.

    What is folded shows the same part twice, mirrored: a sign that the deformation is too strong.
    """
    (yy, yx), (xy, xx) = (np.gradient(part) for part in np.asarray(field, float))
    return float((((1 + yy) * (1 + xx) - yx * xy) <= 0).mean())


# ---- Crops of large images -----------------------------------------------------------------------------------------


def stretch(image, low=1.0, high=99.5) -> np.ndarray:
    """Stretch the brightness of ``(H, W)`` so that these percentiles become 0 and 1, and take the square root.

    float32, 0..1; what lies beyond the percentiles is cut, and an image of one value becomes 0.
    """
    image = np.asarray(image, np.float64)
    bottom, top = np.percentile(image, [low, high])
    return np.sqrt(np.clip((image - bottom) / max(top - bottom, 1e-12), 0, 1)).astype(np.float32)


def to_rgb(image) -> np.ndarray:
    """A grey image three times, for a network that takes colours: ``(H, W)`` to float32 ``(H, W, 3)``."""
    return np.repeat(np.asarray(image, np.float32)[..., None], 3, axis=-1)


def random_crops(images, labels, count, *, size=64, seed=0, bend=2.0, zoom=1.2, light=0.2):
    """Cut square crops at random places, each turned, zoomed, bent and lit in its own way.

    Args:
        images, labels: lists of images ``(H, W)``, 0..1, and of their label maps.
        count: how many crops; images with more pixels are cut more often.
        size: side of a crop in pixels.
        bend: standard deviation of the elastic deformation in pixels, 0 for none.
        zoom: crops are enlarged or reduced by up to this factor, 1 or more. With 1 they are not turned either.
        light: brightness and contrast change by up to this share, 0 for no change.

    Returns:
        float32 ``(count, size, size, 3)``, 0..1, and int32 ``(count, size, size)``, the numbers of the objects as they
        were. Beyond the sides of an image it is mirrored.
    """
    rng = np.random.default_rng(seed)
    images = [np.asarray(image, np.float32) for image in images]
    margin = 0 if zoom == 1 and bend == 0 else size // 2
    pairs = [[np.pad(one, margin, mode="reflect") for one in pair] for pair in zip(images, labels)]
    share = np.array([image.size for image in images]) / sum(image.size for image in images)
    crops = [_crop(*pairs[rng.choice(len(pairs), p=share)], size, margin, rng, bend, zoom, light) for _ in range(count)]
    images, labels = zip(*crops)
    return to_rgb(np.stack(images)), np.stack(labels).astype(np.int32)


def _crop(image, labels, size, margin, rng, bend, zoom, light):
    """One crop from an image that has a margin on each side."""
    side = size + 2 * margin
    row, column = (rng.integers(length - side + 1) for length in image.shape)
    image, labels = (array[row : row + side, column : column + side] for array in (image, labels))
    if margin:
        field = displacement_field((side, side), rng, deviation=bend)
        field = field + (_turn_and_zoom(side, rng, zoom) if zoom > 1 else 0)
        image, labels = (array[..., 0] for array in deform(image[..., None], labels[..., None], field))
        image, labels = (array[margin:-margin, margin:-margin] for array in (image, labels))
    return _relit(image, light, rng), labels


def _relit(image, light, rng):
    """An image with other contrast and brightness."""
    contrast, brightness = 1 + rng.uniform(-light, light), rng.uniform(-light, light) / 2
    return np.clip((image - image.mean()) * contrast + image.mean() + brightness, 0, 1)


def _turn_and_zoom(side, rng, zoom):
    """A displacement field that turns by any angle and zooms around the centre."""
    angle, scale = rng.uniform(0, 2 * np.pi), np.exp(rng.uniform(-1, 1) * np.log(zoom))
    y, x = np.indices((side, side)) - (side - 1) / 2
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    return np.stack([cosine * y - sine * x - y, sine * y + cosine * x - x])


# ---- Windows from whole images -----------------------------------------------------------------------------------------


def windows(
    read, count, size, *, channels=3, batch_size=8, flips="all", foreground=1 / 3, light=0.0, seed=0, each=1
) -> tf.data.Dataset:
    """Draw windows from whole images without end, while others are read: no copy of the data set in memory.

    Args:
        read: function of a number below ``count``: an image ``(H, W, C)``, its target and its pixel weights ``(H, W)``.
        count: how many images there are; all are drawn equally often.
        size: side of a window in pixels. It may reach over the sides of an image, which is mirrored there.
        channels: of the images.
        batch_size: windows in a batch.
        flips: ``"all"``: each window in one of the eight positions of a square; ``"mirror"``: left and right; ``"none"``.
        foreground: this share of the windows has a pixel of one class, drawn at random, in its middle, as in nnU-Net.
        light: brightness and contrast change by up to this share, as in :func:`random_crops`.
        seed: the same seed gives the same windows.
        each: windows drawn from an image that was read; more where reading takes long.

    Returns:
        Batches of images, targets and weights: float32 ``(N, size, size, C)``, then ``(N, size, size, 1)`` twice.
    """

    def draw(number):
        rng = np.random.default_rng(number)
        pair = read(int(rng.integers(count)))
        return [
            np.stack(parts)
            for parts in zip(*(_window(*pair, size, flips, foreground, light, rng) for _ in range(each)))
        ]

    shapes = [(each, size, size, channels), (each, size, size, 1), (each, size, size, 1)]

    def drawn(number):
        return tuple(map(tf.ensure_shape, tf.numpy_function(draw, [number], [tf.float32] * 3), shapes))

    data = (
        tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=False).map(drawn, num_parallel_calls=2).unbatch()
    )
    data = data.shuffle(8 * each, seed=seed) if each > 1 else data
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.batch(batch_size, drop_remainder=True).prefetch(2).with_options(options)


def _window(image, target, weight, size, flips, foreground, light, rng):
    """One window of an image, its target and its weights, as float32 with channels."""
    height, width = target.shape
    middle = [rng.integers(min(size // 4, side // 2), max(side - size // 4, side // 2 + 1)) for side in (height, width)]
    if rng.random() < foreground:
        step = 1 + target.size // 1_000_000
        some = (target * (weight > 0)).ravel()[rng.integers(step) :: step]
        there = np.bincount(some)[1:].nonzero()[0] + 1
        if len(there):
            middle = divmod(rng.choice(np.flatnonzero(some == rng.choice(there))) * step, width)
    rows, columns = (_mirrored(m - size // 2, size, side) for m, side in zip(middle, (height, width)))
    parts = [array[rows][:, columns] for array in (image, target[..., None], weight[..., None])]
    turn, mirror = rng.integers(4) * (flips == "all"), rng.integers(2) * (flips != "none")
    parts = [np.rot90(part[:, ::-1] if mirror else part, turn) for part in parts]
    image, *others = (np.ascontiguousarray(part, np.float32) for part in parts)
    return [_relit(image, light, rng) if light else image, *others]


def _mirrored(first, count, size):
    """Which rows of an image lie at ``count`` places from ``first`` on, which may lie beyond it; mirrored there."""
    places = np.abs(np.arange(first, first + count))
    period = max(2 * size - 2, 1)
    places = places % period
    return np.minimum(places, period - places) if size > 1 else places * 0
