"""A U-Net that draws: noise is added to pictures, the network learns to take it away, and pictures come out of noise.

Pictures are float32 ``(N, H, W, 1)``, 0 on background and 1 on a shape, as masks are. Noise is added to ``2 * picture - 1``.
Sources: Ho, Jain and Abbeel, "Denoising diffusion probabilistic models", 2020 (arXiv 2006.11239), for the process and the
network; Nichol and Dhariwal, 2021 (2102.09672), for the cosine; Hoogeboom, Heek and Salimans, 2023 (2301.11093), for its
shift; Song, Meng and Ermon, 2021 (2010.02502), for :func:`sample`; Lugmayr and others, 2022 (2201.09865), for its known part.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from utils import shapes, training, unet
from utils.drawings import SIZE

FREQUENCIES, SHIFT = 16, 6.0  # of the code of a time; of the cosine schedule


# ---- Noise ------------------------------------------------------------------------------------------------------------


def shares(time, shift=SHIFT):
    """How much of the picture and how much noise there is at a time, 0..1; their squares add up to 1.

    They are cosine and sine of a quarter turn times ``time``, with ``shift`` times as much noise for each share of the picture.
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


def one_hot(kinds) -> np.ndarray:
    """Kinds ``(N,)``, indices of ``shapes.KINDS``, as the network takes them: float32 ``(N, 5)``, a 1 in each row."""
    return np.eye(len(shapes.KINDS), dtype=np.float32)[kinds]


def dataset(pictures, kinds, batch_size=16, seed=0) -> tf.data.Dataset:
    """Endless batches of ``(noisy picture, time, kind)`` and the clean picture, noise and time new in every one."""

    def spoil(pair, number):
        picture, kind = pair
        one, two = [seed, number], [seed + 1, number]
        time = tf.random.stateless_uniform((batch_size, 1), one)
        return (add_noise(picture, tf.random.stateless_normal(tf.shape(picture), two), time), time, kind), picture

    data = tf.data.Dataset.from_tensor_slices((pictures, one_hot(kinds))).shuffle(len(pictures), seed=seed).repeat()
    data = tf.data.Dataset.zip(
        data.batch(batch_size), tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    )
    return data.map(spoil).prefetch(2)


# ---- The network -------------------------------------------------------------------------------------------------------


class Embedding(layers.Layer):
    """Sines and cosines of a time ``(N, 1)``, 16 frequencies from 1 to 100: ``(N, 32)``."""

    def call(self, time):
        """Frequencies grow by the same factor from one to the next."""
        angle = time * np.geomspace(1, 100, FREQUENCIES, dtype="float32")
        return ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1)


def build_denoiser(depth=2, base=24, skips=True, name="denoiser") -> keras.Model:
    """The series' U-Net with two more inputs: ``(N, 32, 32, 1)``, time ``(N, 1)``, kind ``(N, 5)`` to the clean picture.

    Blocks are those of :mod:`utils.unet`, with group normalisation; before each, a number a channel is added that depends on
    time and kind. The U works on patches of 2 x 2 pixels: one position and ``base`` channels each, a quarter of the work.

    Args:
        depth, base: as for :func:`utils.unet.build_unet`.
        skips: with skip connections, or without any.
    """
    image, time = keras.Input((SIZE, SIZE, 1), name="noisy"), keras.Input((1,), name="time")
    kind = keras.Input((len(shapes.KINDS),), name="kind")
    known = layers.Concatenate(name="asked")([Embedding(name="embedding")(time), kind])
    known = layers.Dense(64, "silu", name="time1")(known)
    known = layers.Dense(64, "silu", name="time2")(known)

    def block(x, filters, name):
        shift = layers.Dense(x.shape[-1], name=f"{name}_time")(known)
        shift = layers.Reshape((1, 1, -1), name=f"{name}_shape")(shift)
        x = layers.Add(name=f"{name}_add")([x, shift])
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
    return keras.Model([image, time, kind], x, name=name)


def compile_denoiser(model, steps, peak=2.5e-3, average=0.998) -> None:
    """Compile as a segmentation; after ``fit`` the weights are a running average, ``average`` the old one's share in it."""
    rate = training.learning_rate(steps, peak)
    optimizer = keras.optimizers.Adam(rate, clipnorm=1.0, use_ema=True, ema_momentum=average)
    model.compile(optimizer=optimizer, loss="binary_crossentropy", jit_compile=True)


# ---- Drawing -----------------------------------------------------------------------------------------------------------


def noise(count, seed=0) -> np.ndarray:
    """Standard normal noise ``(count, 32, 32, 1)``, what every drawing begins with."""
    return np.random.default_rng(seed).standard_normal((count, SIZE, SIZE, 1), np.float32)


def step_down(noisy, picture, now, then):
    """One step to a time with less noise: the same picture and the same noise in other shares, a pair for each time."""
    return then[0] * (2 * picture - 1) + then[1] * noise_in(noisy, picture, *now)


def sample(model, start, kinds, steps=40, *, fresh=1.0, known=None, mask=None, seed=0) -> tuple[np.ndarray, np.ndarray]:
    """Draw pictures from noise: predict the clean picture, go one step towards it, and again.

    Args:
        model: of :func:`build_denoiser`.
        start: noise ``(N, 32, 32, 1)``.
        kinds: what each is to become, ``(N,)``, indices of ``shapes.KINDS``.
        steps: how many, evenly spaced in time.
        fresh: how much of the noise is new in each step: 0 for :func:`step_down`, 1 for nothing but new noise.
        known, mask: pictures, and 1 where they are to be kept, both ``(N, 32, 32, 1)``; the rest is drawn to fit.
        seed: of the fresh noise.

    Returns:
        The noisy pictures at the beginning of each step and the pictures predicted there, both ``(steps, N, 32, 32, 1)``; the
        last prediction is the result.
    """
    known, mask = (np.zeros_like(start) if array is None else array for array in (known, mask))
    given = map(tf.constant, (start, one_hot(kinds), np.linspace(1, 0, steps + 1, dtype=np.float32), known, mask))
    noisy, pictures = _all_steps(model, *given, tf.constant(fresh, tf.float32), tf.constant(seed))
    return noisy.numpy(), pictures.numpy()


@tf.function(jit_compile=True)
def _all_steps(model, noisy, kinds, times, known, mask, fresh, seed):
    """The loop of :func:`sample`, compiled. The known part is put into each prediction, and so into each noisy picture."""
    steps = times.shape[0] - 1
    seen, drawn = tf.zeros((steps, *noisy.shape)), tf.zeros((steps, *noisy.shape))
    for k in tf.range(steps):
        now, then = shares(times[k]), shares(times[k + 1])
        picture = model([noisy, tf.fill((noisy.shape[0], 1), times[k]), kinds], training=False)
        picture = mask * known + (1 - mask) * picture
        seen = tf.tensor_scatter_nd_update(seen, [[k]], noisy[None])
        drawn = tf.tensor_scatter_nd_update(drawn, [[k]], picture[None])
        new = tf.random.stateless_normal(tf.shape(noisy), tf.stack([seed, k]))
        held = tf.sqrt(1 - fresh**2) * noise_in(noisy, picture, *now) + fresh * new
        noisy = then[0] * (2 * picture - 1) + then[1] * held
    return seen, drawn
