"""The figures of notebook 03 building."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np

from utils.plots.base import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    IMAGE_MAP,
    LEVEL_COLOURS,
    ORANGE,
    PURPLE,
    VERMILLION,
    WIDTH,
    dashed_frame,
    figure,
)

__all__ = ["channels", "cost_by_stage", "cost_of_size", "output_window", "signal_strength"]


@figure
def channels(features):
    """Show the first eight channels of feature maps ``(1, H, W, C)``, all on the same scale from black to white."""
    maps = np.moveaxis(np.asarray(features)[0, ..., :8], -1, 0)
    columns = min(len(maps), 4)
    rows = -(-len(maps) // columns)
    fig, axes = plt.subplots(rows, columns, figsize=(1.8 * columns, 2.1 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (axis, channel) in enumerate(zip(axes.flat, maps), start=1):
        shown = axis.imshow(channel, cmap=IMAGE_MAP, vmin=maps.min(), vmax=maps.max())
        axis.set_title(f"channel {number}")
    fig.colorbar(shown, ax=axes, shrink=0.8, label="value")
    return fig


@figure
def signal_strength(strengths):
    """Draw how strong a signal is after every convolution, for several initialisations.

    Args:
        strengths: ``{label: [strength of the input, after layer 1, after layer 2, ...]}``, positive numbers.
    """
    fig, axis = plt.subplots(figsize=(7.5, 3.6))
    looks = itertools.cycle(zip((VERMILLION, BLUE, PURPLE, GREEN), "v^os", ("--", ":", "-", "-.")))
    changes = []
    for (label, values), (colour, marker, dash) in zip(strengths.items(), looks):
        axis.plot(range(len(values)), values, color=colour, marker=marker, linestyle=dash)
        axis.annotate(label, (len(values) - 1, values[-1]), xytext=(10, 0), textcoords="offset points", va="center")
        power = round(np.log10(values[-1] / values[0]))
        changes.append(f"{label}: 10 to the {f'{power:+}' if power else 0}")
    axis.set(yscale="log", xlabel="convolutions passed", ylabel="strength (RMS)")
    axis.xaxis.get_major_locator().set_params(integer=True)
    return fig, f"Strength of the signal against depth, logarithmic; change from input to end: {'; '.join(changes)}."


@figure
def output_window(image, mask, output):
    """Show an image with the window that a network without padding answers for, and the mask cropped to it.

    Args:
        image: ``(H, H, 3)``, 0..1.
        mask: ``(H, H, 1)``, 0 or 1.
        output: side of the window in pixels, centred.
    """
    side = len(image)
    start = (side - output) // 2
    window = slice(start, start + output)
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 3.3))
    titles = (f"image, {side} x {side}", f"mask, {side} x {side}", f"mask cropped, {output} x {output}")
    for axis, picture, title in zip(axes, (image, mask, mask[window, window]), titles):
        axis.imshow(picture, cmap=IMAGE_MAP, vmin=0, vmax=1)
        axis.set(title=title, xticks=[], yticks=[])
        axis.spines[:].set_visible(True)
    for axis in axes[:2]:
        dashed_frame(axis, (start - 0.5, start - 0.5), output, output)
    return fig, (
        f"A dashed window of {output} pixels in the middle of an image and its mask of {side} pixels, "
        f"{output**2 / side**2:.0%} of the area; beside them the mask cropped to the window."
    )


@figure
def cost_by_stage(rows):
    """Draw which part of a U-Net holds its parameters, does its work and fills its memory.

    Args:
        rows: ``cost.layer_table(model)`` of a network from ``unet.build_unet``. Maps that training does not keep are left
            out; the image counts to the first stage, the head to the last.
    """
    stages = list(dict.fromkeys(row.name.split("_")[0] for row in rows if "_" in row.name))
    sums = {stage: np.zeros(3) for stage in stages}
    for row in rows:
        stage = row.name.split("_")[0] if "_" in row.name else stages[-1 if row.name == "head" else 0]
        sums[stage] += (row.parameters, row.macs, row.activation_bytes * row.kept)
    table = np.array(list(sums.values()))
    shares = 100 * table / table.sum(axis=0)
    depth = len(stages) // 2
    colours = [LEVEL_COLOURS[min(k, 2 * depth - k) % len(LEVEL_COLOURS)] for k in range(len(stages))]
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 0.36 * len(stages) + 0.9), sharey=True)
    for axis, name, column in zip(axes, ("parameters", "MACs", "activation memory"), shares.T):
        bars = axis.barh(stages, column, color=colours, edgecolor=BLACK, linewidth=0.6)
        for bar in bars[depth + 1 :]:
            bar.set_hatch("//")
        axis.bar_label(bars, [f"{value:.0f} %" for value in column], padding=3)
        axis.set(xlim=(0, 1.25 * shares.max()), xticks=[], title=name)
        axis.spines["bottom"].set_visible(False)
    axes[0].invert_yaxis()
    weights, work, memory = shares.T
    return fig, (
        f"Three bar charts over the stages of the U: most parameters in {stages[weights.argmax()]} ({weights.max():.0f} %), "
        f"MACs spread with {work.min():.0f} to {work.max():.0f} % a stage, most activation memory in "
        f"{stages[memory.argmax()]} ({memory.max():.0f} %)."
    )


@figure
def cost_of_size(costs, *, depth, base, than=(3, 8)):
    """Compare what two networks cost and how far they see: a pair of bars for each measure, drawn from zero.

    Args:
        costs: ``{(depth, base): (parameters, MACs, bytes of activation memory, receptive field in pixels)}``.
        depth, base: the network in colour.
        than: depth and base of the network in grey that it is compared with.
    """
    kinds = {"parameters": ",.0f", "million MACs": ",.1f", "MB of activations": ".1f", "px seen": ".0f"}
    pair = np.array([costs[than], costs[depth, base]]) / (1, 1e6, 1e6, 1)
    fig, axes = plt.subplots(1, 4, figsize=(WIDTH, 1.5), sharey=True)
    for axis, (kind, digits), two, colour in zip(axes, kinds.items(), pair.T, (BLUE, GREEN, ORANGE, PURPLE)):
        bars = axis.barh((0, 1), two, color=(GREY, colour), edgecolor=BLACK, linewidth=0.6)
        axis.bar_label(bars, [f"{two[0]:{digits}}", f"{two[1]:{digits}}\n× {_short(two[1] / two[0])}"], padding=3)
        axis.set(title=kind, xlim=(0, 1.8 * two.max()), xticks=[])
        axis.spines["bottom"].set_visible(False)
    axes[0].set_yticks((0, 1), [f"depth {d}, base {b}" for d, b in (than, (depth, base))])
    axes[0].invert_yaxis()
    said = ", ".join(f"{kind} × {_short(ratio)}" for kind, ratio in zip(kinds, pair[1] / pair[0]))
    return fig, f"Depth {depth}, base {base} against depth {than[0]}, base {than[1]}: {said}."


def _short(ratio):
    """A ratio with as many digits as a reader needs."""
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"
