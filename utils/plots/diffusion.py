"""The figures of notebook 12 the U-Net that draws: schedules, the code of a time, pictures that emerge, drawings."""

from __future__ import annotations

import io

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from utils import shapes
from utils.plots.base import (
    BLACK,
    BLUE,
    CLASS_COLOURS,
    GREY,
    IMAGE_MAP,
    ORANGE,
    SIGNED_MAP,
    WIDTH,
    bare,
    figure,
)

__all__ = ["drawing_animation", "drawings", "gallery", "nearest_distances", "schedules", "time_codes"]


@figure
def schedules(times, curves):
    """Draw the shares of picture and noise over time, one panel a schedule.

    Args:
        times: ``(n,)``, 0..1.
        curves: name of a schedule -> the share of the picture and the share of the noise, ``(n,)`` each.
    """
    fig, axes = plt.subplots(1, len(curves), figsize=(WIDTH, 3), sharey=True, squeeze=False)
    said = []
    for axis, (name, (signal, noise)) in zip(axes[0], curves.items()):
        axis.plot(times, signal, color=BLUE, label="picture")
        axis.plot(times, noise, color=ORANGE, linestyle="--", label="noise")
        axis.set(xlabel="time", title=name, ylim=(-0.03, 1.03))
        crossing = times[int(np.argmin(np.abs(np.subtract(signal, noise))))]
        said.append(f"{name}: equal shares at time {crossing:.2f}")
    axes[0, 0].set_ylabel("share")
    axes[0, 0].legend(loc="center left")
    return fig, f"The share of the picture falls from 1 to 0 over time, that of the noise rises. {'; '.join(said)}."


@figure
def time_codes(times, codes):
    """Draw the code of each time as a row of colours.

    Args:
        times: ``(n,)``, evenly spaced, 0..1.
        codes: ``(n, m)``, -1..1.
    """
    fig, axis = plt.subplots(figsize=(WIDTH, 3.2))
    shown = axis.imshow(
        codes, cmap=SIGNED_MAP, vmin=-1, vmax=1, aspect="auto", extent=(0, codes.shape[1], times[-1], times[0])
    )
    axis.set(xlabel="number of the code: sines from slow to fast, then cosines", ylabel="time")
    fig.colorbar(shown, ax=axis)
    return fig, (
        f"One row a time from {times[0]:g} to {times[-1]:g}, {codes.shape[1]} numbers each: columns on the left of each half "
        "change slowly from top to bottom, columns on the right run through many stripes."
    )


@figure
def gallery(rows, titles=None, *, limits=(0, 1)):
    """Show rows of pictures with a name each.

    Args:
        rows: name of a row -> pictures ``(n, H, W, 1)``, as many in each row.
        titles: one text a column, or None.
        limits: values shown black and white.
    """
    count = len(next(iter(rows.values())))
    side = min((WIDTH - 1) / count, 1.3)
    size = (side * count + 1, side * len(rows) + 0.35 * bool(titles))
    fig, axes = plt.subplots(len(rows), count, figsize=size, squeeze=False)
    for line, (name, pictures) in zip(axes, rows.items()):
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for axis, picture in zip(line, pictures):
            axis.imshow(picture, cmap=IMAGE_MAP, vmin=limits[0], vmax=limits[1])
            bare(axis)
    for axis, title in zip(axes[0], titles or []):
        axis.set_title(title)
    return fig


@figure
def drawings(pictures, kinds, columns=10):
    """Show drawings, each framed in the colour of the kind it was recognised as, with its name; others are framed black.

    Args:
        pictures: ``(N, H, W, 1)``, 0..1.
        kinds: ``(N,)``, indices of ``shapes.KINDS``, -1 where none was recognised.
    """
    lines = -(-len(pictures) // columns)
    fig, axes = plt.subplots(lines, columns, figsize=(WIDTH, WIDTH / columns * lines + 0.25 * lines), squeeze=False)
    names = [*shapes.KINDS, "none"]
    for axis in axes.flat[len(pictures) :]:
        axis.set_axis_off()
    for axis, picture, kind in zip(axes.flat, pictures, kinds):
        axis.imshow(picture, cmap=IMAGE_MAP, vmin=0, vmax=1)
        bare(axis)
        axis.set_xlabel(names[kind], fontsize=10, labelpad=2)
        axis.spines[:].set(
            color=CLASS_COLOURS.get(names[kind], BLACK), linewidth=3, linestyle="-" if kind >= 0 else ":"
        )
    counts = ", ".join(f"{name} {np.sum(np.asarray(kinds) == k)}" for k, name in zip([*range(5), -1], names))
    return fig, f"{len(pictures)} drawings, each with the kind it was recognised as: {counts}."


@figure
def nearest_distances(distances):
    """Draw how far pictures are from their nearest training picture: for each distance, the share that is at least as near.

    Args:
        distances: name -> distances ``(N,)``.
    """
    fig, axis = plt.subplots(figsize=(6.5, 3.2))
    said = []
    for (name, values), colour, dash in zip(distances.items(), (BLUE, ORANGE, GREY), ("-", "--", ":")):
        values = np.sort(values)
        axis.plot(values, np.arange(1, len(values) + 1) / len(values), color=colour, linestyle=dash, label=name)
        said.append(f"{name}: {values[0]:.2f} to {values[-1]:.2f}, half below {np.median(values):.2f}")
    axis.set(xlabel="distance to the nearest training picture", ylabel="share at least as near", xlim=(0, None))
    axis.legend()
    return fig, f"Rising curves of the distance to the nearest training picture. {'; '.join(said)}."


def drawing_animation(noisy, pictures) -> tuple[bytes, str]:
    """Make an animated picture of drawings that emerge from noise; it repeats, and a program without animations shows the end.

    Args:
        noisy: ``(steps, n, H, W, 1)``, about -2..2: what the network saw at each step.
        pictures: ``(steps, n, H, W, 1)``, 0..1: what it made of that.

    Returns:
        The bytes of a PNG file, and what it shows. A frame lasts 0.2 s, the last one 3 s.
    """
    zoom, gap, left, shades, font = 3, 6, 90, 16, ImageFont.load_default(15)
    steps, count = noisy.shape[:2]
    palette = [*np.repeat(np.linspace(0, 255, shades).astype(int), 3).tolist(), 255, 255, 255]

    def strip(values):
        """Pictures (n, H, W, 1), 0..1, side by side, enlarged, as numbers of shades."""
        large = np.rint(values[..., 0].clip(0, 1) * (shades - 1)).repeat(zoom, axis=1).repeat(zoom, axis=2)
        return np.concatenate([np.pad(one, ((0, gap), (0, gap)), constant_values=shades) for one in large], axis=1)

    frames = []
    for step in range(steps):
        rows = np.concatenate([strip(noisy[step] / 4 + 0.5), strip(pictures[step])])
        high = len(rows) // 2
        rows = np.pad(rows, ((0, 22), (left, 0)), constant_values=shades).astype(np.uint8)
        frame = Image.frombytes("P", rows.shape[::-1], rows.tobytes())
        frame.putpalette(palette)
        draw = ImageDraw.Draw(frame)
        for row, label in enumerate(("noisy", "predicted")):
            draw.text((4, row * high + high // 2 - 10), label, fill=0, font=font)
        draw.text((left, 2 * high), f"step {step + 1} of {steps}", fill=0, font=font)
        frames.append(frame)
    buffer, durations = io.BytesIO(), [200] * (steps - 1) + [3000]
    frames[-1].save(buffer, "PNG", save_all=True, append_images=frames, default_image=True, duration=durations, loop=0)
    return (
        buffer.getvalue(),
        f"An animation of {steps} steps: {count} noisy pictures, and below each the picture predicted.",
    )
