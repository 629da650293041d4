"""The figures of notebook 11 variants: what each variant changes in the U, and where a gate is open."""

from __future__ import annotations

import math

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers

from utils.plots.base import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    IMAGE_MAP,
    LEVEL_COLOURS,
    PROBABILITY_MAP,
    VERMILLION,
    WIDTH,
    bare,
    figure,
)

__all__ = ["gates", "u_parts"]

SIGNS = {layers.Add: "+", layers.Multiply: "×", layers.DepthwiseConv2D: "⋮"}
"""What a node of the U holds besides convolutions over all channels."""


@figure
def u_parts(models, columns=3):
    """Draw U-Nets as nodes and arrows, from their layers' graphs.

    Args:
        models: title -> a network whose layers are named as in :mod:`utils.variants`.
        columns: how many Us in a row.
    """
    rows, said = -(-len(models) // columns), []
    fig, axes = plt.subplots(rows, columns, figsize=(WIDTH, 0.6 + 1.75 * rows), squeeze=False, sharex=True, sharey=True)
    for axis, (title, model) in zip(axes.flat, models.items()):
        nodes, arrows = _graph(model)
        for start, end in arrows:
            (x, y, *_), (u, v, *_) = nodes[start], nodes[end]
            sideways = y == v and {start[:3], end[:3]} <= {"enc", "mid", "gat", "dec"}
            colour, dash = (
                (BLUE, "--") if sideways else (GREY, "-") if y == v else (VERMILLION, "-") if v > y else (GREEN, "-")
            )
            bend = "arc3,rad=-0.22" if sideways and any(y == q and x < p < u for p, q, *_ in nodes.values()) else "arc3"
            look = {
                "arrowstyle": "-|>",
                "color": colour,
                "linestyle": dash,
                "linewidth": 1.2,
                "shrinkA": 5,
                "shrinkB": 6,
            }
            axis.annotate("", (u, v), (x, y), arrowprops=look | {"connectionstyle": bend, "mutation_scale": 8})
        for x, y, marker, signs in nodes.values():
            colour = GREY if marker == "s" else BLACK if marker == "D" else LEVEL_COLOURS[y % len(LEVEL_COLOURS)]
            axis.plot(x, y, marker, color=colour, markersize=6 if marker == "D" else 11)
            if signs and marker != "D":
                axis.text(x, y, signs, ha="center", va="center_baseline", fontsize=10, color="black", weight="bold")
        axis.set(title=title, xticks=[], yticks=[], ylim=(4.6, -1.1))
        said.append(f"{title}: {_words(nodes, arrows)}")
    for axis in axes.flat:
        axis.spines[:].set_visible(False)
        axis.set(xticks=[], yticks=[])
    key = "circle: block   square: image, stem, head   diamond: gate   + sum   × product   ⋮ channel by channel"
    fig.supxlabel(f"{key}\norange-red: pooling   green: upsampling   dashed blue: skip", fontsize=10)
    return fig, f"Us of nodes and arrows. {'; '.join(said)}."


def _stage(name):
    """The node of the drawing that a layer belongs to."""
    return f"gate{name[3]}" if "_gate" in name else name.split("_")[0]


def _graph(model):
    """Node -> column, level from 0, marker and signs; and the arrows between nodes."""
    made, members, arrows = {}, {}, []
    for layer in model.layers:
        stage = _stage(layer.name)
        members.setdefault(stage, []).append(layer)
        made[id(layer.output)] = stage
        if isinstance(layer, layers.InputLayer):
            continue
        for tensor in keras.tree.flatten(layer.input):
            arrow = made[id(tensor)], stage
            if arrow[0] != stage and arrow not in arrows:
                arrows.append(arrow)
    arrows = [(a, b) for a, b in arrows if not (b.startswith("gate") and a.startswith("dec"))]
    size = model.inputs[0].shape[1]
    level = {
        stage: int(math.log2(size / max(one.output.shape[1] for one in found))) for stage, found in members.items()
    }
    deepest, nodes = level["bottleneck"], {}
    for stage, found in members.items():
        y = level[stage]
        column = {"enc": y, "bot": y, "dec": 2 * deepest - y, "gat": 2 * deepest - y - 0.9}.get(stage[:3])
        if stage[:3] == "mid":
            column = y + 2 * int(stage[-1])
        elif stage[:4] == "head":
            column = 2 * deepest - y + 1
        elif column is None:  # the image, a stem
            column = y - 1
        marker = {"gat": "D", "ima": "s", "ste": "s", "hea": "s"}.get(stage[:3], "o")
        signs = "".join(sign for kind, sign in SIGNS.items() if any(type(one) is kind for one in found))
        nodes[stage] = column, y, marker, signs
    return nodes, arrows


def _words(nodes, arrows):
    """A drawing in words: blocks, levels, skips, and what is marked."""
    blocks = [stage for stage, (_, _, marker, _) in nodes.items() if marker == "o"]
    levels = len({nodes[stage][1] for stage in blocks})
    gated = sum(stage.startswith("gate") for stage in nodes)
    heads = sum(stage.startswith("head") for stage in nodes)
    signs = [f"{sum(sign in nodes[stage][3] for stage in blocks)} blocks with {sign}" for sign in SIGNS.values()]
    parts = [f"{len(blocks)} blocks on {levels} levels", *(text for text in signs if text[0] != "0")]
    parts += [f"{gated} gates"] * bool(gated) + [f"{heads} heads"] * (heads > 1) + ["a stem"] * ("stem" in nodes)
    return ", ".join(parts)


@figure
def gates(images, found):
    """Show images, and under each, over the image in grey, how far a gate lets the skip through.

    Args:
        images: ``(N, H, W, 3)``, 0..1.
        found: ``(N, H, W)``, 0..1.
    """
    fig, axes = plt.subplots(2, len(images), figsize=(WIDTH, 0.4 + 2 * WIDTH / (len(images) + 0.6)), squeeze=False)
    for (above, below), image, gate in zip(axes.T, images, found):
        above.imshow(image)
        below.imshow(np.mean(image, axis=-1), cmap=IMAGE_MAP, vmin=0, vmax=1)
        shown = below.imshow(gate, cmap=PROBABILITY_MAP, vmin=0, vmax=1, alpha=0.7)
        bare(above)
        bare(below)
    axes[0, 0].set_ylabel("image")
    axes[1, 0].set_ylabel("gate")
    fig.colorbar(shown, ax=axes[1], shrink=0.8, label="gate")
    return (
        fig,
        f"Images, below each its gate, bright where open; mean {', '.join(f'{one.mean():.2f}' for one in found)}.",
    )
