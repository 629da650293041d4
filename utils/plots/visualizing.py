"""The figures of notebook 05 visualizing."""

from __future__ import annotations

import io

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from utils import given
from utils.plots.base import (
    BLACK,
    BLUE,
    FOUND,
    GREY,
    IMAGE_MAP,
    INVENTED,
    MISSED,
    ORANGE,
    PROBABILITY_MAP,
    SKY,
    VERMILLION,
    WIDTH,
    figure,
    fill_rows,
)
from utils.plots.inputs import borders_of_tiles, check_lengths, check_sizes, colour_picture, mask_of, subplots


def _error_picture(truth, mask):
    """An error map as RGB ``(H, W, 3)``: ground white, the rest in the colours of the error maps."""
    truth, mask = mask_of("truth", truth) > 0, mask_of("mask", mask) > 0
    check_sizes(truth=truth, mask=mask)
    picture = np.ones((*truth.shape, 3))
    for where, colour in ((truth & mask, FOUND), (truth & ~mask, MISSED), (mask & ~truth, INVENTED)):
        picture[where] = matplotlib.colors.to_rgb(colour)
    return picture


def _draw_error_map(axis, truth, mask):
    """Draw an error map with the number of pixels of each kind of error below it."""
    axis.imshow(_error_picture(truth, mask))
    missed, invented = np.sum((truth == 1) & (mask == 0)), np.sum((truth == 0) & (mask == 1))
    axis.set_xlabel(f"missed {missed}\ninvented {invented}", fontsize=10)
    axis.set(xticks=[], yticks=[])
    for side in axis.spines.values():
        side.set(visible=True, color=GREY)


def _error_legend(fig):
    """Say below a figure what the colours of an error map mean."""
    names = {"found": FOUND, "missed: shape taken for ground": MISSED, "invented: ground taken for shape": INVENTED}
    patches = [
        plt.Rectangle((0, 0), 1, 1, facecolor=colour, edgecolor=GREY, label=name) for name, colour in names.items()
    ]
    fig.legend(handles=patches, loc="outside lower center", ncols=3)


@figure
def from_image_to_errors(images, masks, probability, row_labels, threshold=0.5):
    """Show, one picture a row: image, truth, probability, mask and error map.

    Args:
        images: ``(N, H, W, 3)``, 0..1.
        masks: the truth, ``(N, H, W, 1)``.
        probability: the network's output, ``(N, H, W, 1)``.
        row_labels: a text for each row.
        threshold: where the probability becomes a mask.
    """
    threshold = given.number("threshold", threshold, 0, 1)
    check_lengths(images=images, masks=masks, probability=probability, row_labels=row_labels)
    titles = ("image", "truth", "probability", f"mask: above {threshold:g}", "error map")
    side = WIDTH / 5.3
    fig, axes = subplots(len(images), 5, figsize=(WIDTH, (side + 0.15) * len(images) + 0.5), squeeze=False)
    for row, label, image, truth, p in zip(axes, row_labels, images, masks, probability):
        mask = (p > threshold).astype(np.uint8)
        row[0].imshow(image, vmin=0, vmax=1)
        row[1].imshow(truth[..., 0], cmap=IMAGE_MAP, vmin=0, vmax=1)
        shown = row[2].imshow(p[..., 0], cmap=PROBABILITY_MAP, vmin=0, vmax=1)
        row[3].imshow(mask[..., 0], cmap=IMAGE_MAP, vmin=0, vmax=1)
        _draw_error_map(row[4], truth, mask)
        row[0].set_ylabel(label)
        for axis in row[:4]:
            axis.set(xticks=[], yticks=[])
    for axis, title in zip(axes[0], titles):
        axis.set_title(title)
    fig.colorbar(shown, ax=axes[:, 2], orientation="horizontal", shrink=0.9, aspect=12, ticks=(0, 0.5, 1))
    _error_legend(fig)
    return fig, (
        f"{len(images)} rows of test pictures: image, truth, probability, mask and error map. The probability is near 0 or 1 "
        "almost everywhere. In the poorest row a whole patch is wrong; in the others only thin lines along edges are."
    )


@figure
def feature_u(maps):
    """Show the strongest channels of every level in the form of a U: encoder left, bottleneck below, decoder right.

    Args:
        maps: ``{block name: (h, w, channels) array}`` in the order of the network: encoder levels downward, the bottleneck,
            decoder levels upward. All channels given are shown, each on its own scale.
    """
    names, depth, count = list(maps), len(maps) // 2, next(iter(maps.values())).shape[-1]
    if len(maps) % 2 == 0 or any(np.ndim(chart) != 3 or chart.shape[-1] != count for chart in maps.values()):
        shapes = ", ".join(str(np.shape(chart)) for chart in maps.values())
        raise ValueError(
            f"maps have the shapes {shapes}; a U is an odd number of (h, w, channels) with equal channels."
        )
    fig, axes = subplots(
        depth + 1, 2 * count + 1, figsize=(WIDTH, 1.55 * (depth + 1)), width_ratios=[1] * count + [0.35] + [1] * count
    )
    fig.get_layout_engine().set(rect=(0, 0, 1, 0.97), h_pad=0.12)
    for axis in axes.flat:
        axis.set_axis_off()
    for k, name in enumerate(names):
        row, right = min(k, 2 * depth - k), k > depth
        columns = range(count + 1, 2 * count + 1) if right else range(count)
        height, width, _ = maps[name].shape
        for channel, column in enumerate(columns):
            axes[row, column].imshow(maps[name][..., channel], cmap=IMAGE_MAP)
        axes[row, columns[0]].set_title(f"{name}: {height} × {width}", loc="left").set_in_layout(False)
    note = axes[depth, count + 1]
    words = "← bottleneck: here the way down ends\n     and the way up begins"
    note.text(0, 0.5, words, transform=note.transAxes, va="center").set_in_layout(False)
    return fig, (
        f"Feature maps in the form of a U, {count} channels a level. Down the left side the maps become coarser, from lines "
        "as thin as in the image to a few large squares; up the right side they become finer again and end as filled shapes."
    )


@figure
def grid(rows, titles, *, alt, cmap=PROBABILITY_MAP):
    """Show rows of pictures, all on the scale from 0 to 1, with a title over each column.

    Args:
        rows: a list of rows; a row is a list of ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)`` arrays.
        titles: one for each column.
        alt: what the pictures show.
        cmap: colour map for single-channel pictures.
    """
    side = WIDTH / len(titles)
    lines = 1 + max(title.count("\n") for title in titles)
    size = (WIDTH, side * len(rows) + 0.2 * lines + 0.1)
    fig, axes = subplots(len(rows), len(titles), figsize=size, squeeze=False)
    fill_rows(axes, rows, titles, cmap)
    return fig, alt


_CUTS = {
    "none": "All skips in place: the shapes are filled and their edges are sharp.",
    "1": "Skip 1 cut: the shapes are found, but corners are round and edges are soft.",
    "2": "Skip 2 cut: the shapes are found, but thin gaps open beside their edges.",
    "3": "Skip 3 cut: edges are sharp, but parts of outlined shapes are missing inside.",
    "4": "Skip 4 cut: edges are sharp, but the middle of the large outlined shape is missing.",
    "all": "All skips cut: at most a blur is left.",
}


@figure
def skip_cut(images, outputs, *, cut):
    """Show pictures beside a network's outputs with some skip connections cut.

    Args:
        images: ``(N, H, W, 3)``, 0..1.
        outputs: ``{cut: probabilities (N, H, W, 1)}``, the cuts being ``"none"``, ``"1"`` to ``"4"`` and ``"all"``.
        cut: the one to show.
    """
    check_lengths(images=images, outputs_of_the_cut=outputs[cut])
    side = WIDTH / (2 * len(images))
    fig, axes = subplots(1, 2 * len(images), figsize=(WIDTH, side + 0.3))
    for image, output, left, right in zip(images, outputs[cut], axes[::2], axes[1::2]):
        left.imshow(_few_shades(image), vmin=0, vmax=1)
        right.imshow(output[..., 0], cmap=PROBABILITY_MAP, vmin=0, vmax=1)
        right.set_title(f"cut: {cut}")
        left.set_axis_off()
        right.set_axis_off()
    return fig, _CUTS[cut]


def _few_shades(image):
    """The image in 16 shades a channel: most of the noise disappears, and the stored picture is far smaller."""
    return np.rint(np.asarray(image) * 15) / 15


@figure
def seams(image, whole, tiled, tile):
    """Show a scene, its output predicted as a whole and in tiles, and how they differ; dotted lines are the tiles' borders.

    Args:
        image: ``(H, W, 3)``, 0..1.
        whole, tiled: probabilities, ``(H, W, 1)``.
        tile: side of a tile in pixels.
    """
    borders = borders_of_tiles(tile, max(colour_picture("image", image).shape[:2]))
    if not np.shape(whole) == np.shape(tiled) == (*np.shape(image)[:2], 1):
        raise ValueError(
            f"whole is {given.shown(whole)}, tiled {given.shown(tiled)}; both need (H, W, 1) of the image."
        )
    fig, axes = subplots(1, 4, figsize=(WIDTH, WIDTH / 4 + 0.25))
    axes[0].imshow(_few_shades(image), vmin=0, vmax=1)
    for axis, output in zip(axes[1:], (whole, tiled, np.abs(whole - tiled))):
        axis.imshow(output[..., 0], cmap=PROBABILITY_MAP, vmin=0, vmax=1)
    for axis, title in zip(axes, ("scene", "predicted as a whole", "predicted in tiles", "difference")):
        axis.set(title=title, xticks=[], yticks=[])
        for border in borders:
            axis.axhline(border - 0.5, color="white", linewidth=1, linestyle=":")
            axis.axvline(border - 0.5, color="white", linewidth=1, linestyle=":")
    return fig, (
        "A scene, its output predicted as a whole and in tiles, and the difference, with the tiles' borders as dotted lines. "
        "In tiles, shapes lose parts of their inside near a border, and some ground is taken for shape; the difference is "
        "bright there and dark elsewhere."
    )


@figure
def effective_fields(fields, pixel, squares, theory):
    """Draw effective receptive fields on a logarithmic scale, and how they compare with the theoretical one.

    Args:
        fields: ``{label: (H, W) array}``, each with sum 1.
        pixel: row and column of the output pixel.
        squares: ``{label: (side that holds half, side that holds nine tenths)}``.
        theory: side of the theoretical receptive field in pixels.
    """
    given.number("theory", theory, 1, 1e6)
    for label, field in fields.items():
        field = given.finite(f"field {label}", field)
        if field.ndim != 2 or field.min() < 0 or abs(field.sum() - 1) > 0.01:
            raise ValueError(f"field {label} has shape {field.shape} and sum {field.sum():g}; it needs (H, W), sum 1.")
        for k in (0, 1):
            given.number(f"pixel[{k}]", pixel[k], 0, field.shape[k] - 1)
            given.number(f"squares of {label}", squares[label][k], 0, 1e6)
    fig, axes = subplots(1, len(fields) + 1, figsize=(WIDTH, 3.7))
    for axis, (label, field) in zip(axes, fields.items()):
        shown = axis.imshow(np.log10(np.maximum(field, 1e-9)), cmap=PROBABILITY_MAP, vmin=-5.5, vmax=-1.5)
        for side, dash in zip(squares[label], ("-", "--")):
            _draw_square(axis, pixel, side, "white", dash)
        axis.set(title=label, xticks=[], yticks=[])
        axis.set_xlabel("solid: holds half\ndashed: holds 90 %")
    fig.colorbar(shown, ax=axes[:-1], location="left", shrink=0.75, label="log10 of the share")
    last, size = axes[-1], next(iter(fields.values())).shape[0]
    largest = max(side for _, side in squares.values())
    looks = (
        ("theoretical", theory, VERMILLION, "-"),
        ("the image", size, BLACK, "-"),
        ("holds 90 %", largest, BLUE, "--"),
    )
    handles = []
    for label, side, colour, dash in looks:
        _draw_square(last, (0, 0), side, colour, dash)
        handles.append(plt.Line2D([], [], color=colour, linestyle=dash, label=f"{label}: {side} px"))
    reach = theory / 2 + 6
    last.set(title="to scale", xlim=(-reach, reach), ylim=(reach, -reach), aspect="equal")
    last.set_axis_off()
    last.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.02))
    return fig, (
        "Effective receptive fields on a logarithmic scale: bright at the output pixel and fading in all directions, narrower "
        "for a pixel near an edge than for one far from edges. To scale, the theoretical field is several times as wide as "
        "the image and the square that holds nine tenths lies within the image."
    )


def _draw_square(axis, centre, side, colour, dash):
    """Draw an empty square around a pixel."""
    corner = (centre[1] - side / 2, centre[0] - side / 2)
    axis.add_patch(plt.Rectangle(corner, side, side, fill=False, edgecolor=colour, linestyle=dash, linewidth=2))


def emerging_animation(images, masks, output, steps) -> bytes:
    """Make an animated picture of masks that emerge during a training.

    The file is an animated PNG: browsers play it, in a notebook or a web page, without running anything. A program that does
    not know animations shows the last moment.

    Args:
        images: ``(n, H, W, 3)``, 0..1.
        masks: ``(n, H, W, 1)``, the truth.
        output: uint8 ``(moments, n, H, W)``, probabilities times 255.
        steps: number of the training step of each moment.

    Returns:
        bytes: of a PNG file. A frame lasts 0.3 s, the last one 3 s; then it begins again.

    Raises:
        TypeError, ValueError: shapes that do not fit together, values outside of their ranges, or more than 10 million pixels.
    """
    from PIL import Image, ImageDraw, ImageFont

    images, masks, output = given.finite("images", images), given.finite("masks", masks), given.array("output", output)
    _check_moments(images, masks, output)
    steps = [given.whole("a step", step, 0) for step in given.many("steps", steps)]
    check_lengths(output=output, steps=steps)
    zoom, gap, left, shades, font = 2, 6, 70, 32, ImageFont.load_default(15)

    def strip(pictures):
        """Pictures (n, H, W), palette numbers, side by side, enlarged."""
        large = np.repeat(np.repeat(pictures, zoom, axis=1), zoom, axis=2)
        return np.concatenate([np.pad(p, ((0, gap), (0, gap)), constant_values=white) for p in large], axis=1)

    # One palette for all frames keeps the file small: shades of probability, black, white, the images' main colours.
    count, height, width = np.shape(images)[:3]
    pixels = np.rint(np.asarray(images) * 255).astype(np.uint8).reshape(count * height, width, 3)
    reduced = Image.fromarray(pixels).quantize(200, dither=Image.Dither.NONE)
    shade = matplotlib.colormaps[PROBABILITY_MAP](np.linspace(0, 1, shades))[:, :3]
    palette = [*np.rint(shade * 255).astype(int).ravel().tolist(), 0, 0, 0, 255, 255, 255, *reduced.getpalette()[:600]]
    black, white, first = shades, shades + 1, shades + 2
    fixed = [
        strip(np.asarray(reduced).reshape(count, height, width) + first),
        strip(np.where(np.asarray(masks).reshape(count, height, width), white, black)),
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
    return buffer.getvalue()


def _check_moments(images, masks, output):
    """See that an animation's pictures, masks and outputs fit together, and that it has an end."""
    if images.ndim != 4 or images.shape[-1] != 3 or not images.size or images.min() < 0 or images.max() > 1:
        raise ValueError(f"images are {given.shown(images)}; they need (n, H, W, 3) and values in 0..1.")
    if masks.shape != (*images.shape[:3], 1) or not np.isin(masks, (0, 1)).all():
        raise ValueError(
            f"masks are {given.shown(masks)}; they need {(*images.shape[:3], 1)}, and 0 or 1 in each pixel."
        )
    if output.dtype != np.uint8 or output.shape[1:] != images.shape[:3] or not 1 <= output.size <= 10**7:
        raise ValueError(f"output is {given.shown(output)}; it needs uint8, one {images.shape[:3]} a moment.")


@figure
def reliability(everywhere, uncertain):
    """Draw how often pixels of similar probability are shape, and how many pixels there are of each probability.

    Args:
        everywhere, uncertain: :class:`utils.metrics.Calibration` of all pixels, and of those the network is unsure about.
    """
    fig, (left, right) = subplots(1, 2, figsize=(WIDTH, 3.6))
    left.plot([0, 1], [0, 1], color=GREY, linewidth=1.5, linestyle=":", label="probability = share")
    looks = ((everywhere, BLUE, "o-", "all pixels"), (uncertain, ORANGE, "s--", "unsure pixels"))
    for found, colour, look, label in looks:
        left.plot(found.probability, found.share, look, color=colour, label=f"{label}: {100 * found.error:.1f} % off")
    left.set(xlabel="probability of shape, mean of the bin", ylabel="share that is shape", xlim=(0, 1), ylim=(0, 1))
    left.set_aspect("equal")
    left.legend(loc="upper left", bbox_to_anchor=(1, 1))
    widths = np.diff(everywhere.edges)
    right.bar(everywhere.edges[:-1], everywhere.count, widths, align="edge", color=SKY, edgecolor="white")
    right.set(xlabel="probability of shape", ylabel="pixels (logarithmic)", yscale="log", xlim=(0, 1))
    return fig, (
        "Left: the share of pixels that are shape against their probability; the points lie close to the diagonal. Right: "
        "the number of pixels in each bin, on a logarithmic scale; the first and the last bin hold nearly all of them."
    )


@figure
def error_maps(images, masks, predicted, titles, *, alt, columns=5):
    """Show pictures, each with its error map below it.

    Args:
        images: a sequence of ``(H, W, 3)`` arrays, 0..1.
        masks, predicted: truth and mask of each picture, ``(H, W, 1)``; the size may differ from picture to picture.
        titles: one for each picture.
        alt: what the pictures show.
        columns: how many in a row.
    """
    check_lengths(images=images, masks=masks, predicted=predicted, titles=titles)
    columns = min(given.whole("columns", columns, 1), len(titles))
    bands = -(-len(titles) // columns)
    side, lines = WIDTH / columns, 1 + max(title.count("\n") for title in titles)
    high = 2 * 0.9 * side + 0.2 * lines + 0.5
    fig, axes = subplots(2 * bands, columns, figsize=(WIDTH, high * bands + 0.4), squeeze=False)
    if bands == 1:
        fig.get_layout_engine().set(rect=(0, 0, 1, 0.97))  # the layout alone leaves too little room above the titles
    for axis in axes.flat:
        axis.set_visible(False)
    for k, (image, truth, mask, title) in enumerate(zip(images, masks, predicted, titles)):
        above, below = (axes[2 * (k // columns) + i, k % columns] for i in (0, 1))
        above.imshow(image, vmin=0, vmax=1)
        above.set(title=title, xticks=[], yticks=[], visible=True)
        below.set_visible(True)
        _draw_error_map(below, truth, mask)
    _error_legend(fig)
    return fig, alt
