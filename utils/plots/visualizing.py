"""The figures of notebook 05 visualizing."""

from __future__ import annotations

import io

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from utils import metrics
from utils.plots.base import (
    BLACK,
    BLUE,
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    GREY,
    IMAGE_MAP,
    ORANGE,
    PROBABILITY_MAP,
    SKY,
    TRUE_POSITIVE,
    VERMILLION,
    WIDTH,
    bare,
    figure,
    legend_below,
    rgb,
    tile_borders,
)

__all__ = [
    "effective_fields", "emerging_animation", "error_maps", "feature_u", "from_image_to_errors", "reliability", "seams",
    "skip_zeroed",
]  # fmt: skip


# ---- Errors ------------------------------------------------------------------------------------------------------------


def error_picture(truth, mask) -> np.ndarray:
    """An error map as RGB ``(H, W, 3)`` from masks ``(H, W, 1)``: background white, the rest in the colours of error maps."""
    return rgb(["white", FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE])[(truth + 2 * mask)[..., 0]]


def _draw_error_map(axis, truth, mask):
    """Draw an error map with the number of pixels of each kind of error below it."""
    axis.imshow(error_picture(truth, mask))
    false_negative, false_positive = metrics.error_masks(truth, mask)
    text = f"false negatives {false_negative.sum()}\nfalse positives {false_positive.sum()}"
    axis.set_xlabel(text, fontsize=10)
    bare(axis)


def _error_legend(fig):
    """Say below a figure what the colours of an error map mean."""
    negative, positive = "false negative: taken for background", "false positive: taken for foreground"
    legend_below(fig, {"true positive": TRUE_POSITIVE, negative: FALSE_NEGATIVE, positive: FALSE_POSITIVE})


@figure
def from_image_to_errors(images, masks, probability, row_labels, threshold=0.5):
    """Show, one image a row: image, truth, probability, mask and error map.

    Args:
        images: ``(N, H, W, 3)``, 0..1.
        masks: the truth, ``(N, H, W, 1)``.
        probability: the network's output, ``(N, H, W, 1)``.
        row_labels: a text for each row.
        threshold: where the probability becomes a mask.
    """
    cut = metrics.to_mask(probability, threshold)
    side = WIDTH / 5.3
    fig, axes = plt.subplots(len(images), 5, figsize=(WIDTH, (side + 0.15) * len(images) + 0.5), squeeze=False)
    for row, image, truth, p, mask, label in zip(axes, images, masks, probability, cut, row_labels):
        row[0].set_ylabel(label)
        row[0].imshow(image, vmin=0, vmax=1)
        row[1].imshow(truth, cmap=IMAGE_MAP, vmin=0, vmax=1)
        shown = row[2].imshow(p, cmap=PROBABILITY_MAP, vmin=0, vmax=1)
        row[3].imshow(mask, cmap=IMAGE_MAP, vmin=0, vmax=1)
        for axis in row:
            axis.set(xticks=[], yticks=[])
        _draw_error_map(row[4], truth, mask)
    for axis, title in zip(axes[0], ("image", "truth", "probability", f"mask: above {threshold:g}", "error map")):
        axis.set_title(title)
    fig.colorbar(shown, ax=axes[:, 2], orientation="horizontal", shrink=0.9, aspect=12, ticks=(0, 0.5, 1))
    _error_legend(fig)
    scores = metrics.iou(masks, cut, per_image=True)
    said = "; ".join(f"{label}: {iou:.2f}".removeprefix(": ") for label, iou in zip(row_labels, scores))
    return fig, f"Rows of pictures: image, truth, probability, mask and error map. IoU of the masks: {said}."


@figure
def error_maps(images, masks, predicted, titles, *, columns=5):
    """Show images, each with its error map below it.

    Args:
        images: a sequence of ``(H, W, 3)`` arrays, 0..1.
        masks, predicted: truth and mask of each image, ``(H, W, 1)``; the size may differ from image to image.
        titles: one for each picture.
        columns: how many in a row.
    """
    columns = min(columns, len(titles))
    bands = -(-len(titles) // columns)
    lines = 1 + max(title.count("\n") for title in titles)
    high = 2 * 0.9 * WIDTH / columns + 0.2 * lines + 0.5
    fig, axes = plt.subplots(2 * bands, columns, figsize=(WIDTH, high * bands + 0.4), squeeze=False)
    if bands == 1:
        fig.get_layout_engine().set(rect=(0, 0, 1, 0.97))  # the layout alone leaves too little room above the titles
    for axis in axes.flat:
        axis.set_visible(False)
    pairs = zip(axes[::2].flat, axes[1::2].flat)
    for (above, below), image, truth, mask, title in zip(pairs, images, masks, predicted, titles):
        above.imshow(image, vmin=0, vmax=1)
        above.set(title=title, xticks=[], yticks=[], visible=True)
        _draw_error_map(below, truth, mask)
        below.set_visible(True)
    _error_legend(fig)
    return fig


@figure
def reliability(everywhere, uncertain):
    """Draw how often pixels of similar probability are foreground, and how many pixels there are of each probability.

    Args:
        everywhere, uncertain: :class:`utils.metrics.Calibration` of all pixels, and of those the network is unsure about.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.6))
    left.plot([0, 1], [0, 1], color=GREY, linewidth=1.5, linestyle=":", label="probability = share")
    looks = ((everywhere, BLUE, "o-", "all pixels"), (uncertain, ORANGE, "s--", "unsure pixels"))
    said = [f"{name}: {100 * found.error:.1f} % off" for found, _, _, name in looks]
    for (found, colour, look, _), label in zip(looks, said):
        left.plot(found.probability, found.share, look, color=colour, label=label)
    left.set(
        xlabel="probability of foreground, mean of the bin", ylabel="share that is foreground", xlim=(0, 1), ylim=(0, 1)
    )
    left.set_aspect("equal")
    left.legend(loc="upper left", bbox_to_anchor=(1, 1))
    edges, count = everywhere.edges, everywhere.count
    right.bar(edges[:-1], count, np.diff(edges), align="edge", color=SKY, edgecolor="white")
    right.set(xlabel="probability of foreground", ylabel="pixels (logarithmic)", yscale="log", xlim=(0, 1))
    return fig, (
        f"Left: the share of foreground among pixels against their probability; {'; '.join(said)}. Right: the number of pixels "
        f"in each bin, on a logarithmic scale; the first and the last bin hold {(count[0] + count[-1]) / count.sum():.0%}."
    )


# ---- Inside the network ------------------------------------------------------------------------------------------------


@figure
def feature_u(maps):
    """Show the strongest channels of every level in the form of a U: encoder left, bottleneck below, decoder right.

    Args:
        maps: ``{block name: (h, w, channels) array}`` in the order of the network: encoder levels downward, the bottleneck,
            decoder levels upward. All channels given are shown, each on its own scale.
    """
    depth, count = len(maps) // 2, next(iter(maps.values())).shape[-1]
    widths = [1] * count + [0.35] + [1] * count
    fig, axes = plt.subplots(depth + 1, len(widths), figsize=(WIDTH, 1.55 * (depth + 1)), width_ratios=widths)
    fig.get_layout_engine().set(rect=(0, 0, 1, 0.97), h_pad=0.12)
    for axis in axes.flat:
        axis.set_axis_off()
    titles = [f"{name}: {chart.shape[0]} × {chart.shape[1]}" for name, chart in maps.items()]
    for k, (title, chart) in enumerate(zip(titles, maps.values())):
        row = axes[min(k, 2 * depth - k)]
        places = row[count + 1 :] if k > depth else row[:count]
        for axis, channel in zip(places, np.moveaxis(chart, -1, 0)):
            axis.imshow(channel, cmap=IMAGE_MAP)
        places[0].set_title(title, loc="left").set_in_layout(False)
    note = axes[depth, count + 1]
    words = "← bottleneck: here the way down ends\n     and the way up begins"
    note.text(0, 0.5, words, transform=note.transAxes, va="center").set_in_layout(False)
    return fig, (
        f"Feature maps in the form of a U, {count} channels a level. Down the left side {', '.join(titles[:depth])}; at the "
        f"bottom {titles[depth]}; up the right side {', '.join(titles[depth + 1 :])}."
    )


@figure
def skip_zeroed(images, outputs, *, zeroed):
    """Show images beside a network's outputs with some skip connections zeroed.

    Args:
        images: ``(N, H, W, 3)``, 0..1.
        outputs: ``{skips: probabilities (N, H, W, 1)}``, the skips being ``"none"``, the number of a level, ``"all"``.
        zeroed: the one to show.
    """
    fig, axes = plt.subplots(1, 2 * len(images), figsize=(WIDTH, WIDTH / (2 * len(images)) + 0.3))
    for image, output, left, right in zip(images, outputs[zeroed], axes[::2], axes[1::2]):
        left.imshow(_few_shades(image), vmin=0, vmax=1)
        right.imshow(output, cmap=PROBABILITY_MAP, vmin=0, vmax=1)
        right.set_title(f"zeroed: {zeroed}")
    for axis in axes:
        axis.set_axis_off()
    name = {"none": "No skip zeroed", "all": "All skips zeroed"}.get(zeroed, f"Skip {zeroed} zeroed")
    changed = ((outputs[zeroed] > 0.5) != (outputs["none"] > 0.5)).mean()
    lost = "" if zeroed == "none" else f"; {changed:.1%} of the pixels change"
    share = (outputs[zeroed] > 0.5).mean()
    return fig, f"{name}: images beside the network's outputs, which call {share:.1%} of the pixels foreground{lost}."


def _few_shades(image):
    """The image in 16 shades a channel: most of the noise disappears, and the stored picture is far smaller."""
    return np.rint(image * 15) / 15


@figure
def effective_fields(fields, pixel, squares, theory):
    """Draw effective receptive fields on a logarithmic scale, and how they compare with the theoretical one.

    Args:
        fields: ``{label: (H, W) array}``, each with sum 1.
        pixel: row and column of the output pixel.
        squares: ``{label: (side that holds half, side that holds nine tenths)}``.
        theory: side of the theoretical receptive field in pixels.
    """
    fig, axes = plt.subplots(1, len(fields) + 1, figsize=(WIDTH, 3.7))
    for axis, (label, field) in zip(axes, fields.items()):
        shown = axis.imshow(np.log10(np.maximum(field, 1e-9)), cmap=PROBABILITY_MAP, vmin=-5.5, vmax=-1.5)
        for side, dash in zip(squares[label], ("-", "--")):
            _draw_square(axis, pixel, side, "white", dash)
        axis.set(title=label, xticks=[], yticks=[], xlabel="solid: holds half\ndashed: holds 90 %")
    fig.colorbar(shown, ax=axes[:-1], location="left", shrink=0.75, label="log10 of the share")
    last, size = axes[-1], len(field)
    looks = {
        "theoretical": (theory, VERMILLION, "-"),
        "the image": (size, BLACK, "-"),
        "holds 90 %": (max(side for _, side in squares.values()), BLUE, "--"),
    }
    handles = []
    for label, (side, colour, dash) in looks.items():
        _draw_square(last, (0, 0), side, colour, dash)
        handles.append(plt.Line2D([], [], color=colour, linestyle=dash, label=f"{label}: {side} px"))
    reach = theory / 2 + 6
    last.set(title="to scale", xlim=(-reach, reach), ylim=(reach, -reach), aspect="equal")
    last.set_axis_off()
    last.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.02))
    said = "; ".join(f"{label.replace(chr(10), ' ')} {half} and {most} px" for label, (half, most) in squares.items())
    return fig, (
        "Effective receptive fields on a logarithmic scale. Sides of the squares that hold half and 90 % of the influence: "
        f"{said}. To scale: the theoretical field of {theory} px, the image of {size} px."
    )


def _draw_square(axis, centre, side, colour, dash):
    """Draw an empty square around a pixel."""
    corner = (centre[1] - side / 2, centre[0] - side / 2)
    axis.add_patch(plt.Rectangle(corner, side, side, fill=False, edgecolor=colour, linestyle=dash, linewidth=2))


@figure
def seams(image, whole, tiled, tile):
    """Show a scene, its output predicted as a whole and in tiles, and how they differ; dotted lines are the tiles' borders.

    Args:
        image: ``(H, W, 3)``, 0..1.
        whole, tiled: probabilities, ``(H, W, 1)``.
        tile: side of a tile in pixels.
    """
    panels = {"scene": _few_shades(image), "predicted as a whole": whole, "predicted in tiles": tiled}
    panels["difference"] = np.abs(whole - tiled)
    fig, axes = plt.subplots(1, 4, figsize=(WIDTH, WIDTH / 4 + 0.25))
    for axis, (title, panel) in zip(axes, panels.items()):
        axis.imshow(panel, cmap=PROBABILITY_MAP, vmin=0, vmax=1)
        axis.set(title=title, xticks=[], yticks=[])
        tile_borders(axis, tile, image, linewidth=1)
    lost, gained = metrics.error_masks(whole > 0.5, tiled > 0.5)
    return fig, (
        "A scene, its output predicted as a whole and in tiles, and the difference, with the tiles' borders as dotted lines. "
        f"In tiles {lost.mean():.1%} of the pixels are no longer foreground, {gained.mean():.1%} no longer background."
    )


def emerging_animation(images, masks, output, steps) -> tuple[bytes, str]:
    """Make an animated picture of masks that emerge during a training.

    The file is an animated PNG: browsers play it, in a notebook or a web page, without running anything. A program that does
    not know animations shows the last moment.

    Args:
        images: ``(n, H, W, 3)``, 0..1.
        masks: ``(n, H, W, 1)``, the truth.
        output: uint8 ``(moments, n, H, W)``, probabilities times 255.
        steps: number of the training step of each moment.

    Returns:
        The bytes of a PNG file, and what it shows. A frame lasts 0.3 s, the last one 3 s; then it begins again.
    """
    zoom, gap, left, shades, font = 2, 6, 70, 32, ImageFont.load_default(15)

    def strip(pictures):
        """Pictures (n, H, W), palette numbers, side by side, enlarged."""
        large = np.repeat(np.repeat(pictures, zoom, axis=1), zoom, axis=2)
        return np.concatenate([np.pad(p, ((0, gap), (0, gap)), constant_values=white) for p in large], axis=1)

    # One palette for all frames keeps the file small: shades of probability, black, white, the images' main colours.
    count, height, width = images.shape[:3]
    pixels = np.rint(images * 255).astype(np.uint8).reshape(count * height, width, 3)
    reduced = Image.fromarray(pixels).quantize(200, dither=Image.Dither.NONE)
    shade = matplotlib.colormaps[PROBABILITY_MAP](np.linspace(0, 1, shades))[:, :3]
    palette = [*np.rint(shade * 255).astype(int).ravel().tolist(), 0, 0, 0, 255, 255, 255, *reduced.getpalette()[:600]]
    black, white, first = shades, shades + 1, shades + 2
    fixed = [
        strip(np.asarray(reduced).reshape(count, height, width) + first),
        strip(np.where(masks[..., 0], white, black)),
    ]
    frames = []
    for step, moment in zip(steps, output):
        rows = np.concatenate([*fixed, strip(np.rint(moment / 255 * (shades - 1)).astype(int))])
        high = len(rows) // 3
        rows = np.pad(rows, ((0, 22), (left, 0)), constant_values=white).astype(np.uint8)
        frame = Image.frombytes("P", rows.shape[::-1], rows.tobytes())
        frame.putpalette(palette)
        draw = ImageDraw.Draw(frame)
        for row, label in enumerate(("image", "truth", "output")):
            draw.text((4, row * high + high // 2 - 10), label, fill=black, font=font)
        draw.text((left, 3 * high), f"after {step} of {steps[-1]} training steps", fill=black, font=font)
        frames.append(frame)
    buffer = io.BytesIO()
    last, durations = frames[-1], [300] * (len(frames) - 1) + [3000]
    last.save(buffer, "PNG", save_all=True, append_images=frames, default_image=True, duration=durations, loop=0)
    return buffer.getvalue(), f"An animation over {steps[-1]} training steps: {count} images, their masks, the output."
