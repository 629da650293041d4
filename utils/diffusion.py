"""A U-Net that draws: noise is added to pictures, the network learns to take it away, and pictures come out of noise.

Pictures are float32 ``(N, H, W, 1)``, 0 on background and 1 on a shape, as masks are. Noise is added to ``2 * picture - 1``.
Sources: Ho, Jain and Abbeel, "Denoising diffusion probabilistic models", 2020 (arXiv 2006.11239), for the process and the
network; Nichol and Dhariwal, 2021 (2102.09672), for the cosine; Hoogeboom, Heek and Salimans, 2023 (2301.11093), for its
shift; Song, Meng and Ermon, 2021 (2010.02502), for the steps of :func:`sample`; Lugmayr and others, 2022 (2201.09865), for
the known part.
"""

from __future__ import annotations

import dataclasses
import functools

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from utils import shapes, training, unet

SIZE, FREQUENCIES, SHIFT = 32, 16, 6.0
"""Side of a picture, frequencies of the embedding of the time, shift of the cosine schedule."""


# ---- Pictures and noise ------------------------------------------------------------------------------------------------


def draw(count, *, split="train", seed=0) -> tuple[np.ndarray, np.ndarray]:
    """Draw one white shape a picture, wholly inside it: pictures ``(N, 32, 32, 1)``, 0..1, and kinds, indices of ``shapes.KINDS``."""
    plan = shapes.plan(count, split=split, seed=seed, level="easy")
    shrink = (0.5 - plan.radius) / (0.5 - 0.85 * plan.radius)  # of the area that the centre may lie in
    x, y = (0.5 + (place - 0.5) * shrink for place in (plan.x, plan.y))
    return silhouettes(plan, plan.kind[:, 0], x[:, 0], y[:, 0], plan.radius[:, 0], plan.angle[:, 0]), plan.kind[:, 0]


def silhouettes(plan, kind, x, y, radius, angle) -> np.ndarray:
    """Paint a white shape on black instead of what a plan shows: pictures ``(N, 32, 32, 1)``, edges antialiased."""
    plan = dataclasses.replace(plan, **{name: np.array(array) for name, array in vars(plan).items()})
    for slots, values in zip((plan.kind, plan.x, plan.y, plan.radius, plan.angle), (kind, x, y, radius, angle)):
        slots[:, 0] = values
    plan.present[:] = np.arange(shapes.SHAPES) == 0
    plan.colour[:] = 1
    for array in (plan.outlined, plan.background, plan.slope, plan.waves, plan.lines, plan.specks, plan.noise):
        array[:] = 0
    return shapes.paint(plan, SIZE).images[..., :1]


def shares(time, shift=SHIFT):
    """How much of the picture and how much noise there is at a time, 0..1; their squares add up to 1.

    The cosine schedule has ``cos`` and ``sin`` of a quarter turn times ``time``; ``shift`` times as much noise for each share of
    the picture suits pictures that can still be recognised when single pixels cannot.
    """
    angle = np.pi / 2 * time
    angle = ops.arctan2(shift * ops.sin(angle), ops.cos(angle))
    return ops.cos(angle), ops.sin(angle)


def add_noise(picture, noise, time):
    """The noisy picture at a time: ``picture`` and ``noise`` ``(N, H, W, 1)``, ``time`` ``(N, 1)``, 0..1."""
    signal, spread = (share[:, :, None, None] for share in shares(time))
    return signal * (2 * picture - 1) + spread * noise


def noise_in(noisy, picture, signal, spread):
    """The noise that a noisy picture holds if this is the picture in it: :func:`add_noise`, solved for the noise."""
    return (noisy - signal * (2 * picture - 1)) / spread


def dataset(pictures, batch_size=32, seed=0) -> tf.data.Dataset:
    """Endless batches of ``(noisy picture, time)`` and the clean picture, the noise and the time new in every one."""

    def spoil(picture, number):
        one, two = [seed, number], [seed + 1, number]
        time = tf.random.stateless_uniform((batch_size, 1), one)
        return (add_noise(picture, tf.random.stateless_normal(tf.shape(picture), two), time), time), picture

    data = tf.data.Dataset.from_tensor_slices(pictures).shuffle(len(pictures), seed=seed).repeat()
    data = tf.data.Dataset.zip(data.batch(batch_size), tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True))
    return data.map(spoil).prefetch(2)


# ---- The network -------------------------------------------------------------------------------------------------------


class Embedding(layers.Layer):
    """Sines and cosines of a time ``(N, 1)``, 16 frequencies from 1 to 100: ``(N, 32)``."""

    def call(self, time):
        """Frequencies grow by the same factor from one to the next."""
        angle = time * np.geomspace(1, 100, FREQUENCIES, dtype="float32")
        return ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1)


def build_denoiser(depth=3, base=24, skips=True, name="denoiser") -> keras.Model:
    """The series' U-Net with a second input, the time; ``(N, 32, 32, 1)`` and ``(N, 1)`` to the clean picture, 0..1.

    Blocks are those of :mod:`utils.unet`, with group normalisation; before each, a number a channel is added that depends on
    the time. The U works on patches of 2 x 2 pixels: one position and ``base`` channels each, a quarter of the work.

    Args:
        depth, base: as for :func:`utils.unet.build_unet`.
        skips: with skip connections, or without any.
    """
    image, time = keras.Input((SIZE, SIZE, 1), name="noisy"), keras.Input((1,), name="time")
    known = layers.Dense(64, "silu", name="time1")(Embedding(name="embedding")(time))
    known = layers.Dense(64, "silu", name="time2")(known)

    def block(x, filters, name):
        shift = layers.Dense(x.shape[-1], name=f"{name}_time")(known)
        x = layers.Add(name=f"{name}_add")([x, layers.Reshape((1, 1, -1), name=f"{name}_shape")(shift)])
        return unet.double_conv(x, filters, name, norm="group")

    x, carried = layers.Conv2D(base, 2, strides=2, name="patches")(image), []
    for level in range(1, depth + 1):
        carried.append(block(x, base * 2 ** (level - 1), f"enc{level}"))
        x = layers.MaxPooling2D(2, name=f"enc{level}_pool")(carried[-1])
    x = block(x, base * 2**depth, "bottleneck")
    for level in range(depth, 0, -1):
        x = unet.upsample(x, base * 2 ** (level - 1), f"dec{level}", "nearest")
        if skips:
            x = layers.Concatenate(name=f"dec{level}_skip")([carried[level - 1], x])
        x = block(x, base * 2 ** (level - 1), f"dec{level}")
    x = layers.Conv2DTranspose(1, 2, strides=2, activation="sigmoid", name="head")(x)
    return keras.Model([image, time], x, name=name)


def compile_denoiser(model, steps, peak=3e-3, average=0.998) -> None:
    """Compile with binary cross-entropy, as a segmentation, and Adam; after ``fit``, weights are a running average of themselves."""
    rate = training.learning_rate(steps, peak)
    optimizer = keras.optimizers.Adam(rate, clipnorm=1.0, use_ema=True, ema_momentum=average)
    model.compile(optimizer=optimizer, loss="binary_crossentropy", jit_compile=True)


# ---- Drawing -----------------------------------------------------------------------------------------------------------


def noise(count, seed=0) -> np.ndarray:
    """Standard normal noise ``(count, 32, 32, 1)``, what every drawing begins with."""
    return np.random.default_rng(seed).standard_normal((count, SIZE, SIZE, 1), np.float32)


def sample(model, start, steps=40, known=None, mask=None) -> tuple[np.ndarray, np.ndarray]:
    """Draw pictures from noise: predict the clean picture, go one step towards it, and again.

    Args:
        model: of :func:`build_denoiser`.
        start: noise ``(N, 32, 32, 1)``; the same noise gives the same picture.
        steps: how many, evenly spaced in time.
        known, mask: pictures, and 1 where they are to be kept, both ``(N, 32, 32, 1)``; the rest is drawn to fit.

    Returns:
        The noisy pictures at the beginning of each step and the pictures predicted there, both ``(steps, N, 32, 32, 1)``; the
        last prediction is the result.
    """
    mask = np.zeros_like(start) if mask is None else mask
    known = np.zeros_like(start) if known is None else known
    noisy, pictures = _all_steps(model, start, tf.linspace(1.0, 0.0, steps + 1), *map(tf.constant, (known, mask)))
    return noisy.numpy(), pictures.numpy()


@tf.function(jit_compile=True)
def _all_steps(model, noisy, times, known, mask):
    """The loop of :func:`sample`, compiled. The known part is put into each prediction, and so into each noisy picture."""
    start, steps = noisy, times.shape[0] - 1
    seen, drawn = tf.zeros((steps, *noisy.shape)), tf.zeros((steps, *noisy.shape))
    for k in tf.range(steps):
        picture = model([noisy, tf.fill((noisy.shape[0], 1), times[k])], training=False)
        picture = mask * known + (1 - mask) * picture
        place = tf.reshape(k, (1, 1))
        seen, drawn = (tf.tensor_scatter_nd_update(*pair) for pair in ((seen, place, noisy[None]), (drawn, place, picture[None])))
        noisy = step_down(noisy, picture, shares(times[k]), shares(times[k + 1]))
    return seen, drawn


# ---- What was drawn ----------------------------------------------------------------------------------------------------

_AREAS = np.pi, 2, 0.75 * np.sqrt(3), 0.75 * np.pi, 8 * 0.94 * 0.33 - 4 * 0.33**2
_TURNS = (1, 0), (4, np.pi), (3, np.pi / 2), (1, 0), (4, 0)
"""For each of ``shapes.KINDS``: area for radius 1; symmetry, and the angle of that moment for a shape that is not turned."""


def fit(pictures) -> np.ndarray:
    """How well each kind of shape fits a picture: IoU ``(N, 5)`` with an ideal shape of the same centre, area and direction."""
    weight, centres = pictures[..., 0].astype(float), (np.arange(SIZE) + 0.5) / SIZE
    area = weight.sum(axis=(1, 2)) + 1e-9
    x, y = ((weight * place).sum(axis=(1, 2)) / area for place in (centres, centres[:, None]))
    spot = centres - x[:, None, None] + 1j * (centres[:, None] - y[:, None, None])
    plan, found = shapes.plan(len(pictures)), []
    for kind, (one, (turn, start)) in enumerate(zip(_AREAS, _TURNS)):
        radius = np.sqrt(area / SIZE**2 / one).clip(0.02, 0.7)
        angle = (np.angle((weight * spot**turn).sum(axis=(1, 2))) - start) / turn
        ideal = silhouettes(plan, kind, x, y, radius, angle)
        both, either = (part(ideal, pictures).sum(axis=(1, 2, 3)) for part in (np.minimum, np.maximum))
        found.append(both / either)
    return np.stack(found, axis=1)


def recognise(pictures, least=0.9) -> np.ndarray:
    """Number of the kind that fits each picture best, an index of ``shapes.KINDS``, or -1 where none fits by ``least``."""
    found = fit(pictures)
    return np.where(found.max(axis=1) >= least, found.argmax(axis=1), -1)


def nearest(pictures, among) -> tuple[np.ndarray, np.ndarray]:
    """For each picture the number of the most similar one among others, and the root of their mean squared difference."""
    a, b = (array.reshape(len(array), -1) for array in (pictures, among))
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return squares.argmin(axis=1), np.sqrt(np.maximum(squares.min(axis=1), 0) / a.shape[1])
