"""The figures of notebook 10 your own images: what was annotated and what was found."""

from __future__ import annotations

import matplotlib.pyplot as plt

from utils.plots.base import BLACK, IMAGE_MAP, SKY, WIDTH, YELLOW, bare, figure
from utils.plots.real_images import _outline

__all__ = ["answers"]


@figure
def answers(images, truths, found, titles):
    """Show images with what was annotated, yellow, and what was found, light blue and dashed.

    Args:
        images: list of arrays ``(H, W, C)``, 0..1.
        truths, found: for each image a map ``(H, W)`` of a mask, of classes or of objects.
        titles: one text an image.
    """
    columns = min(4, len(images))
    rows = -(-len(images) // columns)
    side = min(WIDTH / columns, 3.5)
    fig, axes = plt.subplots(rows, columns, figsize=(columns * side, rows * (side + 0.3) + 0.4), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, image, true, one, title in zip(axes.flat, images, truths, found, titles):
        axis.set_axis_on()
        axis.imshow(image, cmap=IMAGE_MAP, vmin=0, vmax=1)
        _outline(axis, true, YELLOW, width=2.2)
        _outline(axis, one, SKY, "--")
        bare(axis, title)
    looks = {"annotated": {"color": YELLOW, "lw": 2.2}, "found": {"color": SKY, "ls": "--", "lw": 1.4}}
    handles = [plt.Line2D([], [], label=label, **look) for label, look in looks.items()]
    legend = fig.legend(handles=handles, loc="outside lower center", ncols=2, labelcolor="white")
    legend.set_frame_on(True)
    legend.get_frame().set(facecolor=BLACK, edgecolor=BLACK)
    return fig, f"{len(images)} images with the outlines of what was annotated and of what was found."
