"""The figures of notebook 07: the right colours, numbers and words."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from utils import classes, experiments, plots, training
from utils.plots import classes as module

NAMES = classes.NAMES


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def drawn(function, *args, **kwargs):
    with plt.rc_context(plots.STYLE):
        return function.__wrapped__(*args, **kwargs)


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_a_class_map_is_painted_pixel_by_pixel():
    labels = np.random.default_rng(0).integers(-1, 4, (5, 6))
    picture = module._paint(labels, NAMES)
    for place, value in np.ndenumerate(labels):
        expected = module.NOBODY if value < 0 else plots.CLASS_COLOURS[NAMES[value]]
        assert tuple(picture[place]) == pytest.approx(to_rgb(expected))


def test_class_maps_show_images_and_maps():
    samples = classes.draw(3)
    fig, alt = drawn(
        plots.class_maps,
        [samples.images, samples.classes],
        ["image", "truth"],
        NAMES,
        titles=list("abc"),
        alt="A text.",
    )
    assert alt == "A text." and fig.axes[0].get_ylabel() == "image" and fig.axes[2].get_title() == "c"
    assert np.allclose(fig.axes[1].images[0].get_array(), samples.images[1])
    assert np.allclose(fig.axes[4].images[0].get_array(), module._paint(samples.classes[1], NAMES))
    assert [text.get_text() for text in fig.legends[0].get_texts()] == list(NAMES)


def test_label_channels_has_a_panel_for_every_kind():
    plan = classes.plan(1)
    samples, stack = classes.draw(1), classes.label_stack(plan, 4)
    fig, _ = drawn(plots.label_channels, samples.images[0], samples.classes[0], stack[0], NAMES, alt="A text.")
    assert [axis.get_title() for axis in fig.axes] == ["image", "class map", "disc", "square", "triangle"]
    for k in range(3):
        assert np.array_equal(fig.axes[2 + k].images[0].get_array(), stack[0, ..., k])


def test_class_curves_mark_chance():
    history = training.History([8, 16], [1.0, 2.0], [1.4, 0.5], [1.3, 0.6], [0.1, 0.7])
    fig, _ = drawn(plots.class_curves, history, 0.2)
    assert fig.axes[1].lines[0].get_ydata().tolist() == [0.1, 0.7]
    assert list(fig.axes[1].lines[1].get_ydata()) == [0.2, 0.2]
    assert len(drawn(plots.class_curves, history)[0].axes[1].lines) == 1


def test_confusion_writes_shares_of_each_row():
    table = np.array([[6, 2, 0], [1, 1, 2], [0, 0, 0]])
    fig, alt = drawn(plots.confusion, {"one": table, "two": table.T}, ["a", "b", "c"])
    assert texts(fig.axes[0]) == ["0.75", "0.25", "0.00", "0.25", "0.25", "0.50", "0.00", "0.00", "0.00"]
    assert fig.axes[0].get_ylabel() == "truth" and fig.axes[0].get_xlabel() == "predicted"
    assert "one: the most frequent mistake is b called c" in alt
    assert drawn(plots.confusion, {"one": table}, ["a", "b", "c"], alt="Mine.")[1] == "Mine."


def test_confusion_of_other_rows_says_what_they_are_called():
    _, alt = drawn(plots.confusion, {"new": np.array([[1, 5, 2]])}, ["star"], ["a", "b", "c"])
    assert "star is most often called b" in alt


def test_which_iou_writes_every_value_and_names_the_ends():
    values = {"first": 0.9, "second": 0.512, "third": 0.7}
    fig, alt = drawn(plots.which_iou, values)
    assert texts(fig.axes[0]) == ["0.90", "0.51", "0.70"]
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == list(values)
    assert "lowest 'second'" in alt and "highest 'first'" in alt


def test_claimed_leaves_doubtful_pixels_to_nobody():
    probability = np.zeros((2, 2, 4))
    probability[...] = 0.1, 0.7, 0.1, 0.1
    probability[0, 0] = 0.3, 0.3, 0.4, 0.0
    fig, alt = drawn(plots.claimed, np.zeros((2, 2, 3)), np.zeros((2, 2), int), probability, NAMES, threshold=0.5)
    assert np.array_equal(fig.axes[2].images[0].get_array(), module._paint([[2, 1], [1, 1]], NAMES))
    assert np.array_equal(fig.axes[3].images[0].get_array(), module._paint([[-1, 1], [1, 1]], NAMES))
    assert "some pixels belong to nobody" in alt
    sure = drawn(plots.claimed, np.zeros((2, 2, 3)), np.zeros((2, 2), int), probability[1:], NAMES, threshold=0.5)
    assert "no pixels belong to nobody" in sure[1]


def test_two_heads_draws_a_line_for_every_class():
    fig, _ = drawn(plots.two_heads, np.full((5, 4), 0.25), np.full((5, 4), 0.5), NAMES)
    assert [line.get_label() for line in fig.axes[0].lines[:4]] == list(NAMES)
    assert fig.axes[1].lines[2].get_ydata().tolist() == [0.5] * 5


def test_weight_effect_draws_a_dot_a_seed():
    values = {
        name: {"recall triangle": np.array([0.1, 0.2, 0.3]) + k / 2, "precision triangle": np.array([0.9, 0.8, 0.7])}
        for k, name in enumerate(("no weights", "weights"))
    }
    fig, alt = drawn(plots.weight_effect, experiments.Table("s", "m", values), "triangle", list(values))
    assert np.allclose(fig.axes[0].lines[1].get_xdata(), [0.6, 0.7, 0.8])
    assert np.allclose(fig.axes[0].lines[1].get_ydata(), [0.9, 0.8, 0.7])
    assert "no weights: recall 0.20, precision 0.80" in alt
