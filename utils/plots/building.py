"""The figures of notebook 03 building."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from utils import given
from utils.plots.base import (
    BLACK,
    BLUE,
    GREEN,
    IMAGE_MAP,
    LEVEL_COLOURS,
    ORANGE,
    PURPLE,
    VERMILLION,
    WIDTH,
    YELLOW,
    figure,
)
from utils.plots.inputs import check_sizes, check_square, colour_picture, curve, subplots, told_apart


@figure
def channels(features, *, alt, count=8, title="channel {}"):
    """Show the first channels of one picture's feature maps, all on the same scale from black to white.

    Args:
        features: ``(1, H, W, C)`` array or tensor.
        alt: what the pictures show.
        count: how many channels.
        title: of each picture; ``{}`` becomes the channel's number.
    """
    features = given.finite("features", features)
    if features.ndim != 4 or len(features) != 1:
        raise ValueError(f"features has shape {features.shape}; give those of one picture, (1, H, W, C).")
    maps = np.moveaxis(features[0, ..., : given.whole("count", count, 1, 64)], -1, 0)
    columns = min(len(maps), 4)
    rows = -(-len(maps) // columns)
    fig, axes = subplots(rows, columns, figsize=(1.8 * columns, 2.1 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for k, (axis, channel) in enumerate(zip(axes.flat, maps), start=1):
        shown = axis.imshow(channel, cmap=IMAGE_MAP, vmin=maps.min(), vmax=maps.max())
        axis.set_title(title.format(k))
    fig.colorbar(shown, ax=axes, shrink=0.8, label="value")
    return fig, alt


@figure
def signal_strength(strengths):
    """Draw how strong a signal is after every convolution, for several initialisations.

    Args:
        strengths: ``{label: [strength of the input, after layer 1, after layer 2, ...]}``, positive numbers.
    """
    fig, axis = subplots(figsize=(7.5, 3.6))
    looks = zip((VERMILLION, BLUE, PURPLE, GREEN), "v^os", ("--", ":", "-", "-."))
    ends = []
    for (label, values), (colour, marker, dash) in told_apart(strengths.items(), looks):
        values = curve(f"strengths of {label}", values)
        axis.plot(range(len(values)), values, color=colour, marker=marker, linestyle=dash)
        axis.annotate(label, (len(values) - 1, values[-1]), xytext=(10, 0), textcoords="offset points", va="center")
        ends.append(f"{label}: 10 to the {np.log10(values[-1] / values[0]):+.0f}".replace("+0", "0").replace("-0", "0"))
    axis.set_yscale("log")
    axis.set_xlabel("convolutions passed")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set_ylabel("strength (RMS)")
    return fig, "Strength of the signal against depth, logarithmic; change from the input to the end: " + "; ".join(
        ends
    ) + "."


@figure
def output_window(image, mask, output):
    """Show an image with the window that a network without padding answers for, and the mask cropped to it.

    Args:
        image: ``(H, W, 3)``, 0..1.
        mask: ``(H, W, 1)``, 0 or 1.
        output: side of the window in pixels, centred.
    """
    side = check_square("image", image)
    image, mask = colour_picture("image", image), given.finite("mask", mask)
    check_sizes(image=image, mask=mask)
    start = (side - given.whole("output", output, 1, side)) // 2
    fig, axes = subplots(1, 3, figsize=(WIDTH, 3.3))
    for axis, picture, title in zip(
        axes,
        (image, mask[..., 0], mask[start : start + output, start : start + output, 0]),
        (f"image, {side} x {side}", f"mask, {side} x {side}", f"mask cropped, {output} x {output}"),
    ):
        axis.imshow(picture, cmap=IMAGE_MAP, vmin=0, vmax=1)
        axis.set_title(title)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(True)
    for axis in axes[:2]:
        for colour, width, dash in ((BLACK, 4, "-"), (YELLOW, 2, "--")):
            axis.add_patch(
                plt.Rectangle(
                    (start - 0.5, start - 0.5), output, output, fill=False, edgecolor=colour, lw=width, ls=dash
                )
            )
    share = output**2 / side**2
    return fig, (
        f"A dashed window of {output} pixels in the middle of an image and its mask of {side} pixels, {share:.0%} of the "
        "area; beside them the mask cropped to the window."
    )


@figure
def cost_by_stage(rows):
    """Draw which part of a U-Net holds its parameters, does its work and fills its memory.

    Args:
        rows: ``cost.layer_table(model)`` of a network from ``unet.build_unet``. Maps that training does not keep are left
            out; the image counts to the first stage, the head to the last.
    """
    stages = list(dict.fromkeys(r.name.split("_")[0] for r in rows if "_" in r.name))
    sums = {stage: np.zeros(3) for stage in stages}
    for row in rows:
        stage = row.name.split("_")[0] if "_" in row.name else (stages[-1] if row.name == "head" else stages[0])
        sums[stage] += (row.parameters, row.macs, row.activation_bytes * row.kept)
    table = given.finite("the sums of the stages", [sums[stage] for stage in stages])
    shares = 100 * table / table.sum(axis=0)
    depth = len(stages) // 2
    colours = [LEVEL_COLOURS[min(k, 2 * depth - k) % len(LEVEL_COLOURS)] for k in range(len(stages))]
    fig, axes = subplots(1, 3, figsize=(WIDTH, 0.36 * len(stages) + 0.9), sharey=True)
    names = ("parameters", "MACs", "activation memory")
    for axis, name, column in zip(axes, names, shares.T):
        bars = axis.barh(stages, column, color=colours, edgecolor=BLACK, linewidth=0.6)
        for bar in bars[depth + 1 :]:
            bar.set_hatch("//")
        axis.bar_label(bars, [f"{value:.0f} %" for value in column], padding=3)
        axis.set_xlim(0, 1.25 * shares.max())
        axis.set_title(name)
        axis.set_xticks([])
        axis.spines["bottom"].set_visible(False)
    axes[0].invert_yaxis()
    weights, work, memory = shares.T
    return fig, (
        f"Three bar charts over the stages of the U: most parameters in {stages[int(weights.argmax())]} "
        f"({weights.max():.0f} %), MACs spread with {work.min():.0f} to {work.max():.0f} % a stage, most activation memory in "
        f"{stages[int(memory.argmax())]} ({memory.max():.0f} %)."
    )


@figure
def cost_of_size(costs, *, depth, base, than=(3, 8)):
    """Draw how much more or less one network costs and sees than another.

    Args:
        costs: ``{(depth, base): (parameters, MACs, bytes of activation memory, receptive field in pixels)}``; what it holds
            sets the axis, so that pictures of several networks can be compared.
        depth, base: the network to draw.
        than: depth and base of the network it is held against.
    """
    names = ("parameters", "MACs", "activation memory", "receptive field")
    given.finite("costs", list(costs.values()))
    mine = costs[depth, base]
    amounts = (f"{mine[0]:,}", f"{mine[1] / 1e6:,.1f} million", f"{mine[2] / 1e6:.1f} MB", f"{mine[3]} px")
    times = np.array(mine) / costs[than]
    every = np.array(list(costs.values())) / costs[than]
    fig, axis = subplots(figsize=(WIDTH, 2.2))
    bars = axis.barh(names, times - 1, left=1, color=(BLUE, GREEN, ORANGE, PURPLE), edgecolor=BLACK, linewidth=0.6)
    for bar, ratio, amount in zip(bars, times, amounts):
        label = f"× {_short(ratio)}   {amount}"
        middle = bar.get_y() + bar.get_height() / 2
        axis.annotate(label, (max(ratio, 1), middle), xytext=(6, 0), textcoords="offset points", va="center")
    axis.axvline(1, color=BLACK, linewidth=1)
    axis.set_xscale("log", base=2)
    axis.set_xlim(every.min() / 1.3, every.max() * 12)
    powers = 4.0 ** np.arange(np.ceil(np.log(every.min()) / np.log(4)), np.log(every.max()) / np.log(4) + 0.01)
    axis.set_xticks(powers, [f"× {power:.0f}" if power >= 1 else f"× 1/{1 / power:.0f}" for power in powers])
    axis.minorticks_off()
    axis.invert_yaxis()
    axis.set_title(f"depth {depth}, base {base}, against depth {than[0]}, base {than[1]}", loc="left")
    return fig, (
        f"Depth {depth}, base {base} against depth {than[0]}, base {than[1]}: "
        + ", ".join(f"{name} × {_short(ratio)}" for name, ratio in zip(names, times))
        + f"; its receptive field is {mine[3]} px."
    )


def _short(ratio):
    """A ratio with as many digits as a reader needs."""
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"
