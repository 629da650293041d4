"""The figures of notebook 08: what is drawn is what was given, and the texts say it."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from utils import elastic, instances, plots, shapes, tiling
from utils.plots import paper as figures


@pytest.fixture(scope="module")
def drawn():
    return instances.touching(3, seed=1)


def test_each_object_has_a_colour_and_ground_is_white():
    labels = np.array([[0, 1, 2], [7, 8, 0]])
    picture = figures.coloured(labels)
    for place, number in np.ndenumerate(labels):
        expected = (1, 1, 1) if not number else to_rgb(figures.OBJECTS[(number - 1) % 7])
        assert tuple(picture[place]) == pytest.approx(expected)


def test_crops_are_drawn_to_scale():
    fig, alt = figures.crops.__wrapped__([(568, 392), (64, 56)])
    outer, inner = fig.axes[0].patches[:2]
    assert (outer.get_width(), inner.get_width(), inner.get_x()) == (568, 392, 88)
    assert fig.axes[0].get_xlabel() == "keeps 48%" and "level 2: 56 of 64" in alt


def test_an_output_lies_in_the_middle():
    fig, alt = figures.laid_over.__wrapped__(np.zeros((40, 40, 3)), np.ones((20, 20)))
    assert fig.axes[1].images[1].get_extent() == [10, 30, 30, 10]
    assert fig.axes[1].get_title() == "output, 20 x 20" and "20 pixels" in alt


def test_label_maps_are_coloured_pictures_are_not(drawn):
    rows = [[drawn.images[0]], [drawn.instances[0]], [np.full((64, 64), 0.5)]]
    fig, alt = figures.objects.__wrapped__(rows, ["a"], alt="said", row_labels=["x", "y", "z"])
    shown = [axis.images[0].get_array() for axis in fig.axes]
    assert np.array_equal(shown[0], drawn.images[0])
    assert np.array_equal(shown[1], figures.coloured(drawn.instances[0]))
    assert shown[2].shape == (64, 64) and alt == "said" and fig.axes[2].get_ylabel() == "z"


def test_the_weights_drawn_are_the_weights(drawn):
    labels = instances.gaps(drawn.instances[0])
    fig, alt = figures.distances_and_weight.__wrapped__(labels, sigma=3.0)
    d1, d2 = instances.distances(labels)
    for axis, chart in zip(fig.axes[1:4], (d1, d2, instances.weight_map(labels, sigma=3.0))):
        assert np.array_equal(axis.images[0].get_array(), chart)
    assert "sigma = 3 pixels" in alt and fig.axes[3].get_title() == "weight, sigma 3"


def test_fates():
    truth = np.repeat([[1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4]], 3, 0)
    predicted = np.repeat([[1, 1, 1, 1, 1, 1, 5, 5, 0, 6, 0, 0]], 3, 0)
    assert figures.fates(truth, predicted) == {1: "merged", 2: "merged", 3: "split", 4: "missed"}
    assert figures.fates(truth, truth) == dict.fromkeys((1, 2, 3, 4), "matched")


def test_verdicts_colour_true_objects_by_their_fate(drawn):
    joined = [instances.label(mask[..., 0]) for mask in drawn.masks]
    predictions = {"joined": joined, "right": list(drawn.instances)}
    fig, alt = figures.verdicts.__wrapped__(drawn.images, drawn.instances, predictions)
    fates = figures.fates(drawn.instances[0], joined[0])
    picture = fig.axes[3].images[0].get_array()
    for number, kind in fates.items():
        y, x = np.argwhere(drawn.instances[0] == number)[5]
        assert tuple(picture[y, x]) == pytest.approx(to_rgb(figures._FATES[kind][0]))
    assert "right: 12 matched, 0 merged" in alt
    live = figures.verdicts.__wrapped__(drawn.images, drawn.instances, predictions, live=True)[1]
    assert not any(character.isdigit() for character in live)


def test_a_bent_picture_is_the_deformed_one():
    sample = shapes.draw(1)
    coarse = np.random.default_rng(1).normal(0, 4, (2, 3, 3))
    fig, _ = figures.bent.__wrapped__(sample.images[0], sample.masks[0], coarse)
    moved, mask = elastic.deform(sample.images[0], sample.masks[0], elastic.interpolate(coarse, (64, 64)))
    assert np.array_equal(fig.axes[1].images[0].get_array(), moved)
    assert np.array_equal(fig.axes[3].images[0].get_array(), mask[..., 0])


def test_a_stronger_bend_is_said():
    sample = shapes.draw(1)
    weak, strong = (
        figures.bent_by.__wrapped__(sample.images[0], sample.masks[0], deviation=deviation)
        for deviation in (1.25, 10.0)
    )
    assert weak[1].startswith("Standard deviation 1.25 pixels, 0%") and weak[0].axes[0].get_xlabel() == "1.25 px"
    assert "folded: 0%" == weak[0].axes[1].get_xlabel() != strong[0].axes[1].get_xlabel()


def test_a_mirrored_picture_is_framed():
    fig, alt = figures.mirrored.__wrapped__(np.zeros((50, 60, 3)), 10)
    frame = fig.axes[0].patches[0]
    assert (frame.get_x(), frame.get_width(), frame.get_height()) == (9.5, 40, 30) and "30 x 40" in alt


def test_seams_are_drawn_on_a_logarithmic_scale():
    whole = np.zeros((32, 32, 1))
    off = whole.copy()
    off[0, 0] = 0.01
    fig, alt = figures.seams_by_halo.__wrapped__(np.zeros((32, 32, 3)), whole, {0: off, 16: whole}, tile=16)
    shown = [axis.images[0].get_array() for axis in fig.axes[1:3]]
    assert shown[0][0, 0] == pytest.approx(-2) and shown[0].max() == shown[0][0, 0] and shown[1].max() == -7
    assert len(fig.axes[1].lines) == 2 and "halo 16: 0%" in alt


def test_memory_is_drawn_over_the_sides():
    fig, alt = figures.memory.__wrapped__([512, 1024], {"one": [10, 40], "two": [5, 5]})
    assert fig.axes[0].lines[0].get_ydata().tolist() == [10, 40] and "one: 10 to 40 MB; two: 5 to 5 MB" in alt


@pytest.mark.parametrize("name", ["bent_by", "distances_and_weight"])
def test_figures_can_be_moved(name, drawn):
    """They are shown with sliders, so each setting must give its own picture and its own text."""
    given = {
        "bent_by": ((drawn.images[0], drawn.masks[0]), [{"deviation": 1.0}, {"deviation": 5.0}]),
        "distances_and_weight": ((drawn.instances[0],), [{"sigma": 2.0}, {"sigma": 8.0}]),
    }[name]
    seen = [plots.render(getattr(plots, name), *given[0], **setting) for setting in given[1]]
    assert len({png for png, _ in seen}) == len({alt for _, alt in seen}) == 2


def test_a_scene_can_be_laid_under_an_output():
    picture = tiling.scene(1).images[0]
    png, alt = plots.render(plots.laid_over, picture, np.zeros((64, 64)))
    assert png.startswith(b"\x89PNG") and "128" in alt
