"""The figures of notebook 09 show what they say."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import nuclei, plots


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def picture():
    return nuclei.load()


def quarter(array):
    return nuclei.quadrant(array, "upper left")


def test_the_histograms_count_every_nucleus(picture):
    fig, alt = plots.pixels_and_objects.__wrapped__(*picture)
    assert "125 nuclei" in alt
    for axis in fig.axes[1:]:
        assert sum(bar.get_height() for bar in axis.patches) == 125
    assert sum(bar.get_height() for bar in fig.axes[0].patches) == picture[0].size


def test_each_quadrant_has_the_frame_of_its_role(picture):
    roles = dict(zip(nuclei.QUADRANTS, ("validation", "train", "test", "train")))
    fig, alt = plots.who_sees_what.__wrapped__(picture[0], roles)
    boxes = fig.axes[0].patches
    for box, role in zip(boxes, roles.values()):
        assert matplotlib.colors.to_hex(box.get_edgecolor()).upper() == plots.SPLIT_COLOURS[role].upper()
    assert "lower left test" in alt and (boxes[2].get_x() < 256 < boxes[2].get_y())


def test_nuclei_on_both_sides_are_counted_and_coloured():
    labels = np.zeros((8, 8), np.int32)
    labels[1:3, 1:3], labels[3:5, 4:7], labels[6:8, 0:2] = 1, 2, 3
    test = np.zeros((8, 8), bool)
    test[:4] = True
    fig, alt = plots.tiles_that_leak.__wrapped__(labels, {"half": test})
    shown = fig.axes[0].images[0].get_array()
    red = np.allclose(shown[3, 4], matplotlib.colors.to_rgb(plots.MISSED), atol=0.01)
    assert "half: 1 of 2 nuclei" in alt and red and not np.allclose(shown[1, 1], shown[3, 4])


def test_a_cut_says_its_scores(picture):
    image, labels = (quarter(array) for array in picture)
    fig, alt = plots.cut.__wrapped__(image, labels, lambda level: np.where(labels > level, labels, 0), level=0)
    assert "IoU 1.00" in alt and "level 0" in alt and len(fig.axes) == 3
    _, alt = plots.cut.__wrapped__(image, labels, lambda level: np.zeros_like(labels), level=9)
    assert "IoU 0.00, 0 objects" in alt


def test_object_scores_are_drawn_against_the_thresholds():
    fig, alt = plots.object_scores.__wrapped__({"one": [0.9, 0.8, 0.7, 0.5, 0.1]})
    line = fig.axes[0].lines[0]
    assert line.get_xdata().tolist() == list(nuclei.THRESHOLDS) and line.get_ydata().tolist()[-1] == 0.1
    assert "one 0.90, 0.80" in alt


def test_outlines_are_drawn_around_each_object(picture):
    image, labels = (quarter(array) for array in picture)
    fig, _ = plots.outlines.__wrapped__(image, [labels, np.zeros_like(labels)], ["a", "b"], alt="Two.")
    assert [len(axis.collections) for axis in fig.axes] == [len(np.unique(labels)) - 1, 0]


def test_single_places_are_cut_out_where_they_are():
    image = np.zeros((60, 60), np.float32)
    image[50, 10] = 1
    labels = (image > 0).astype(np.int32)
    fig, alt = plots.worst.__wrapped__(image, labels, labels, [(50, 10, "found\nIoU 1.00")], reach=8)
    shown = fig.axes[0].images[0].get_array()
    assert shown.shape == (16, 16) and shown[8, 8] == 1 and "found IoU 1.00" in alt


def test_a_large_picture_is_stored_with_fewer_colours():
    noise = np.random.default_rng(0).random((300, 300, 3))
    png, _ = plots.render(plots.pictures, [noise], alt="Noise.", side=5)
    again = plots.smaller(png)
    assert len(png) < 300_000 and plots.smaller(b"x" * 100) == b"x" * 100 and len(again) <= len(png) + 1000
