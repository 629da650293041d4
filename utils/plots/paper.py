"""The figures of notebook 08 the paper: crops, objects told apart, weights, bent pictures, tiles."""

from __future__ import annotations

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from utils import elastic, given, instances
from utils.plots.base import (
    BLACK,
    BLUE,
    FOUND,
    GREEN,
    GREY,
    LEVEL_COLOURS,
    MISSED,
    ORANGE,
    PROBABILITY_MAP,
    PURPLE,
    SKY,
    VERMILLION,
    WIDTH,
    YELLOW,
    figure,
)
from utils.plots.inputs import (
    borders_of_tiles,
    check_lengths,
    check_sizes,
    check_square,
    colour_picture,
    curve,
    mask_of,
    subplots,
    told_apart,
)

OBJECTS = (SKY, ORANGE, GREEN, PURPLE, BLUE, YELLOW, VERMILLION)
"""The colours that objects of a label map take in turn; ground is white."""

_FATES = {"matched": (FOUND, ""), "merged": (MISSED, "//"), "split": (YELLOW, "\\\\"), "missed": (SKY, "..")}


def coloured(labels) -> np.ndarray:
    """A label map ``(H, W)`` as an RGB picture ``(H, W, 3)``, a colour an object.

    Raises:
        TypeError, ValueError: as :func:`utils.instances.check_labels`.
    """
    labels = instances.check_labels("labels", labels)
    palette = np.array([matplotlib.colors.to_rgb(colour) for colour in OBJECTS])
    return np.where(labels[..., None] > 0, palette[(labels - 1) % len(palette)], 1.0)


def _bare(axis, title=""):
    """No ticks, a thin frame."""
    axis.set(xticks=[], yticks=[], title=title)
    for side in axis.spines.values():
        side.set(visible=True, color=GREY)


@figure
def crops(sizes):
    """Draw, level by level, what arrives over a skip connection and the middle that is kept.

    Args:
        sizes: for each level from the top: side of what arrives, side of what is kept, in pixels of that level.
    """
    pairs = told_apart(sizes, LEVEL_COLOURS)
    fig, axes = subplots(1, len(pairs), figsize=(WIDTH, WIDTH / len(pairs) + 0.6), squeeze=False)
    for level, (axis, ((arrives, kept), colour)) in enumerate(zip(axes[0], pairs), 1):
        given.whole(f"what is kept on level {level}", kept, 1, given.whole("what arrives there", arrives, 1, 10**6))
        edge = (arrives - kept) / 2
        axis.add_patch(plt.Rectangle((0, 0), arrives, arrives, facecolor=FOUND, edgecolor=GREY, hatch="//"))
        axis.add_patch(plt.Rectangle((edge, edge), kept, kept, facecolor=colour, edgecolor=BLACK))
        box = {"facecolor": "white", "edgecolor": "none", "pad": 3}
        axis.text(arrives / 2, arrives / 2, f"{kept}", ha="center", va="center", fontsize=13, bbox=box)
        axis.set(xlim=(0, arrives), ylim=(arrives, 0), aspect="equal", xlabel=f"keeps {kept**2 / arrives**2:.0%}")
        _bare(axis, f"level {level}: {arrives}")
    said = "; ".join(f"level {level}: {kept} of {arrives}" for level, (arrives, kept) in enumerate(sizes, 1))
    return fig, f"Squares for what each skip connection brings, with the kept middle in colour: {said} pixels."


@figure
def laid_over(image, output):
    """Show an image, and the same image with a smaller output laid over its middle.

    Args:
        image: ``(H, W, 3)``, 0..1.
        output: probabilities ``(h, w)``, smaller than the image by the same amount on all sides.
    """
    if not check_square("output", output) <= check_square("image", image):
        raise ValueError(f"output has shape {output.shape}, image {image.shape}; the output must be the smaller one.")
    colour_picture("image", image)
    start = (image.shape[0] - output.shape[0]) // 2
    end = start + output.shape[0]
    fig, axes = subplots(1, 2, figsize=(WIDTH, WIDTH / 2 + 0.3))
    axes[0].imshow(image)
    axes[1].imshow(0.5 + 0.5 * image)
    axes[1].imshow(output, extent=(start, end, end, start), cmap=PROBABILITY_MAP, vmin=0, vmax=1)
    for axis, title in zip(
        axes, (f"input, {image.shape[0]} x {image.shape[1]}", f"output, {end - start} x {end - start}")
    ):
        axis.set(xlim=(0, image.shape[1]), ylim=(image.shape[0], 0))
        axis.add_patch(plt.Rectangle((start, start), end - start, end - start, fill=False, edgecolor=BLACK, lw=3))
        axis.add_patch(
            plt.Rectangle((start, start), end - start, end - start, fill=False, edgecolor=YELLOW, lw=1.5, ls="--")
        )
        _bare(axis, title)
    return fig, (
        f"A picture of {image.shape[0]} pixels with a dashed window of {end - start} pixels in its middle; beside it the "
        "output lies in that window: the shapes inside are found, those in the margin get no answer."
    )


@figure
def objects(rows, titles, *, alt, row_labels=None, side=None):
    """Show pictures and label maps in a grid; each object of a label map has a colour.

    Args:
        rows: list of rows; each is a list of ``(H, W, 3)`` pictures, integer ``(H, W)`` label maps, or float ``(H, W)`` maps of
            values 0..1.
        titles: one text a column.
        alt: what they show.
        row_labels: one text a row, or None.
        side: width of a picture in inches.
    """
    check_lengths(rows=rows, row_labels=row_labels or None)
    for row in rows:
        check_lengths(titles=titles, pictures_of_a_row=row)
    side = min(WIDTH / len(titles), 2.4) if side is None else given.number("side", side, 0.05, 50)
    fig, axes = subplots(len(rows), len(titles), figsize=(side * len(titles), side * len(rows) + 0.3), squeeze=False)
    for r, row in enumerate(rows):
        for c, (axis, picture) in enumerate(zip(axes[r], row)):
            picture = np.asarray(picture)
            if picture.ndim == 2 and picture.dtype.kind in "iu":
                picture = coloured(picture)
            axis.imshow(picture, cmap=PROBABILITY_MAP, vmin=0, vmax=1)
            _bare(axis, titles[c] if r == 0 else "")
            if c == 0 and row_labels:
                axis.set_ylabel(row_labels[r])
    return fig, alt


@figure
def distances_and_weight(labels, w0=10.0, sigma=5.0):
    """Draw a label map, d1, d2 and the weights that they give.

    Args:
        labels: ``(H, W)``, two objects or more.
        w0, sigma: as for :func:`utils.instances.weight_map`.
    """
    d1, d2 = instances.distances(labels)
    weight = instances.weight_map(labels, w0, sigma)
    fig, axes = subplots(1, 4, figsize=(WIDTH, 3.2))
    axes[0].imshow(coloured(labels))
    for axis, chart, top in zip(axes[1:], (d1, d2, weight), (30, 30, w0 + 1)):
        shown = axis.imshow(chart, cmap=PROBABILITY_MAP, vmin=0, vmax=top)
        fig.colorbar(shown, ax=axis, location="bottom", shrink=0.85)
    for axis, title in zip(axes, ("objects", "d1, pixels", "d2, pixels", f"weight, sigma {sigma:g}")):
        _bare(axis, title)
    return fig, (
        f"Objects, the distances d1 and d2, and the weight for w0 = {w0:g} and sigma = {sigma:g} pixels, "
        f"{weight.min():.2f} to {weight.max():.2f}: bright in the gaps, where both distances are small; "
        f"{(weight > 0.5 * weight.max()).mean():.1%} of the pixels weigh more than half of the largest weight."
    )


def fates(truth, predicted) -> dict[int, str]:
    """What became of each true object: id to ``"merged"``, ``"split"``, ``"matched"`` or ``"missed"``, the first that fits.

    Raises:
        TypeError, ValueError: as :func:`utils.instances.merged_and_split`.
    """
    truth = instances.check_labels("truth", truth)
    merged, split = instances.merged_and_split(truth, predicted)
    matched = {number for number, _, _ in instances.match(truth, predicted).pairs}
    kinds = (("merged", merged), ("split", split), ("matched", matched))
    ids = np.unique(truth[truth > 0]).tolist()
    return {number: next((kind for kind, some in kinds if number in some), "missed") for number in ids}


@figure
def verdicts(images, truths, predictions, *, live=False):
    """Show pictures and, for each set of predicted objects, what became of the true ones.

    Args:
        images: ``(N, H, W, 3)``, 0..1.
        truths: label maps ``(N, H, W)``.
        predictions: name to label maps ``(N, H, W)``.
        live: the predictions come from a training that gives others each time; the text then names no counts.
    """
    live, count = given.flag("live", live), len(images)
    for labels in predictions.values():
        check_lengths(images=images, truths=truths, predictions=labels)
    fig, axes = subplots(
        1 + len(predictions), count, figsize=(WIDTH, WIDTH / count * (1 + len(predictions)) + 0.5), squeeze=False
    )
    said = []
    for axis, image in zip(axes[0], images):
        axis.imshow(image)
        _bare(axis)
    axes[0, 0].set_ylabel("picture")
    for row, (name, labels) in zip(axes[1:], predictions.items()):
        row[0].set_ylabel(name)
        counts = dict.fromkeys(_FATES, 0)
        for axis, truth, predicted in zip(row, truths, labels):
            picture = np.ones((*truth.shape, 3))
            for number, kind in fates(truth, predicted).items():
                counts[kind] += 1
                picture[truth == number] = matplotlib.colors.to_rgb(_FATES[kind][0])
                if kind != "matched":
                    axis.contourf(truth == number, [0.5, 1.5], colors="none", hatches=[_FATES[kind][1] * 2])
            check_sizes(image=images[0], truth=truth, predicted=predicted)
            axis.imshow(picture)
            axis.contour(np.asarray(predicted) > 0, [0.5], colors=BLACK, linewidths=0.8)
            _bare(axis)
        said.append(f"{name}: " + ", ".join(f"{n} {kind}" for kind, n in counts.items()))
    handles = [
        plt.Rectangle((0, 0), 1, 1, fc=colour, ec=GREY, hatch=hatch * 2, label=k)
        for k, (colour, hatch) in _FATES.items()
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=4)
    alt = "Pictures of touching discs, and below them the true discs, coloured and hatched by what became of them"
    return fig, f"{alt}." if live else f"{alt}. {'; '.join(said)}."


@figure
def bent(image, mask, coarse):
    """Show a picture with its grid and the vectors on it, and picture and mask after the deformation, with the bent grid.

    Args:
        image: ``(H, W, 3)``, 0..1.
        mask: ``(H, W, 1)``.
        coarse: the vectors at the points of the coarse grid, float ``(2, G, G)``, see :func:`utils.elastic.interpolate`.
    """
    side = check_square("image", colour_picture("image", image))
    mask_of("mask", mask)
    field = elastic.interpolate(coarse, image.shape[:2])
    moved, moved_mask = elastic.deform(image, mask, field)
    still = np.indices(image.shape[:2])
    fig, axes = subplots(1, 4, figsize=(WIDTH, WIDTH / 4 + 0.4))
    rows, columns = (np.linspace(0, side - 1, coarse.shape[axis]) for axis in (1, 2))
    pictures = (image, moved, mask[..., 0], moved_mask[..., 0])
    for axis, picture, places in zip(axes, pictures, (still, still + field, still, still + field)):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1)
        for place in places:
            axis.contour(place, np.arange(0, side, 8), colors=[YELLOW], linewidths=0.7)
    x, y = np.meshgrid(columns, rows)
    scale = {"angles": "xy", "scale_units": "xy", "scale": 1}
    look = {"headwidth": 4, "headlength": 4, "headaxislength": 4, "minshaft": 2, "minlength": 0.5, "width": 0.018}
    axes[0].quiver(x, y, coarse[1], coarse[0], color=ORANGE, edgecolor=BLACK, linewidth=0.6, **scale, **look)
    tips = (x + coarse[1], y + coarse[0])
    ends = np.array([(min(0, tip.min()) - 4, max(side - 1, tip.max()) + 4) for tip in tips])  # no arrow is cut off
    (left, right), (top, bottom) = ends.mean(1, keepdims=True) + np.ptp(ends, axis=1).max() / 2 * np.array([-1, 1])
    axes[0].set(xlim=(left, right), ylim=(bottom, top))
    for axis, title in zip(axes, ("picture, where to look", "bent picture", "mask", "bent mask")):
        _bare(axis, title)
    return fig, (
        f"A picture with a square grid and {coarse[0].size} arrows, {np.hypot(*coarse).mean():.1f} pixels long on average; the "
        "bent picture with its bent grid; mask and bent mask, which follow the same grid."
    )


@figure
def bent_by(image, mask, deviation=1.25):
    """Show :func:`bent` with the vectors of seed 3, times a standard deviation in pixels.

    Args:
        image, mask: as for :func:`bent`.
        deviation: in pixels, 0..1000.
    """
    deviation = given.number("deviation", deviation, 0, 1000)
    coarse = deviation * np.random.default_rng(3).normal(0, 1, (2, 3, 3))
    fig, alt = bent.__wrapped__(image, mask, coarse)
    folds = elastic.folds(elastic.interpolate(coarse, image.shape[:2]))
    fig.axes[0].set_xlabel(f"{deviation:g} px")
    fig.axes[1].set_xlabel(f"folded: {folds:.0%}")
    return fig, f"Standard deviation {deviation:g} pixels, {folds:.0%} of the pixels folded. {alt}"


@figure
def mirrored(picture, border):
    """Show a picture continued beyond its border, which is dashed.

    Args:
        picture: ``(H + 2 border, W + 2 border, 3)``.
        border: in pixels.
    """
    picture = colour_picture("picture", picture)
    given.whole("border", border, 0, (min(picture.shape[:2]) - 1) // 2)
    fig, axis = subplots(figsize=(4.6, 4.6))
    axis.imshow(picture)
    height, width = (side - 2 * border for side in picture.shape[:2])
    for colour, thick, dash in ((BLACK, 4, "-"), (YELLOW, 2, "--")):
        axis.add_patch(
            plt.Rectangle((border - 0.5, border - 0.5), width, height, fill=False, edgecolor=colour, lw=thick, ls=dash)
        )
    _bare(axis)
    return fig, (
        f"A picture of {height} x {width} pixels, framed, continued by {border} pixels on each side: beyond the frame "
        "lies the mirror image of what is inside."
    )


@figure
def seams_by_halo(image, whole, tiled, tile):
    """Show a part of a scene, and how far predictions in tiles lie from the whole one, for several halos.

    Args:
        image: ``(H, W, 3)``, 0..1.
        whole: probabilities ``(H, W, 1)``, predicted in one piece.
        tiled: halo in pixels to probabilities of the same shape.
        tile: side of a tile in pixels.
    """
    borders = borders_of_tiles(tile, max(colour_picture("image", image).shape[:2]))
    for halo, output in {"": whole, **tiled}.items():
        if given.finite(f"halo {halo}", output).shape != (*image.shape[:2], 1):
            raise ValueError(f"A prediction has shape {output.shape}; whole and tiled need {(*image.shape[:2], 1)}.")
    fig, axes = subplots(1, 1 + len(tiled), figsize=(WIDTH, WIDTH / (1 + len(tiled)) + 1.2))
    axes[0].imshow(image)
    for axis, output in zip(axes[1:], tiled.values()):
        shown = axis.imshow(
            np.log10(np.maximum(np.abs(output - whole)[..., 0], 1e-7)), cmap=PROBABILITY_MAP, vmin=-6, vmax=0
        )
    for axis, title in zip(axes, ("scene", *(f"halo {halo} px" for halo in tiled))):
        _bare(axis, title)
        for border in borders:
            axis.axhline(border - 0.5, color="white", linewidth=0.8, linestyle=":")
            axis.axvline(border - 0.5, color="white", linewidth=0.8, linestyle=":")
    bar = fig.colorbar(
        shown, ax=axes[1:], location="bottom", shrink=0.6, label="difference from the whole", ticks=[-6, -4, -2, 0]
    )
    bar.ax.set_xticklabels(["0.000001", "0.0001", "0.01", "1"])
    said = "; ".join(
        f"halo {halo}: {(np.abs(output - whole) > 1e-4).mean():.0%} of the pixels differ by more than .0001"
        for halo, output in tiled.items()
    )
    return (
        fig,
        f"A scene and the difference between predictions in tiles and in one piece, on a logarithmic scale. {said}.",
    )


@figure
def memory(sides, megabytes):
    """Draw memory against the side of a scene, both logarithmic.

    Args:
        sides: in pixels.
        megabytes: name to one number a side.
    """
    fig, axis = subplots(figsize=(7, 3.6))
    looks = zip((VERMILLION, BLUE, GREEN), "so^", ("-", "--", ":"))
    for (name, values), (colour, marker, dash) in told_apart(megabytes.items(), looks):
        axis.loglog(curve("sides", sides), curve(name, values), color=colour, marker=marker, linestyle=dash, label=name)
    axis.set(xlabel="side of the scene, px", ylabel="MB", xticks=sides, xticklabels=sides)
    axis.minorticks_off()
    axis.legend()
    said = "; ".join(f"{name}: {values[0]:.0f} to {values[-1]:.0f} MB" for name, values in megabytes.items())
    return fig, f"Memory against the side of a scene, {sides[0]} to {sides[-1]} pixels. {said}."
