"""The figures of notebook 06: dots where the scores are, rims by their kind, texts that say what is drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from utils import experiments, plots
from utils.plots import experiments as figures


@pytest.fixture(autouse=True)
def close_figures():
    """These tests draw without showing, which is what closes a figure."""
    yield
    plt.close("all")


@pytest.fixture
def table():
    scores = {"a": [0.5, 0.7, 0.6], "b": [0.91, 0.9, 0.95]}
    values = {name: {"iou": np.array(v), "boundary": np.array(v) / 2} for name, v in scores.items()}
    return experiments.Table("try", "made", values)


def test_every_seed_is_a_dot_and_the_reference_is_shaded(table):
    fig, alt = figures.spread.__wrapped__(table, ["iou", "boundary"])
    left, right = fig.axes
    dots = [line.get_xdata().tolist() for line in left.lines if line.get_marker() in "so"]
    assert dots == [[0.5, 0.7, 0.6], [0.91, 0.9, 0.95]]
    band = left.patches[0].get_extents().transformed(left.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((0.5, 0.7))
    assert "IoU a 0.50 to 0.70, b 0.90 to 0.95" in alt and "boundary IoU a 0.25 to 0.35" in alt
    assert [text.get_text() for text in left.get_yticklabels()] == ["a", "b"]


def test_another_reference_can_be_shaded(table):
    fig, alt = figures.spread.__wrapped__(table, "iou", "b")
    band = fig.axes[0].patches[0].get_extents().transformed(fig.axes[0].transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((0.9, 0.95)) and "range of b" in alt


def test_rims_are_coloured_by_their_kind():
    truth, predicted = np.zeros((12, 12, 1), np.uint8), np.zeros((12, 12, 1), np.uint8)
    truth[2:9, 2:9], predicted[2:9, 3:10] = 1, 1
    fig, _ = figures.rims.__wrapped__(truth, predicted, [1])
    whole, rim = (axis.images[0].get_array() for axis in fig.axes)
    assert tuple(whole[4, 2]) == pytest.approx(to_rgb(plots.MISSED))
    assert tuple(whole[4, 9]) == pytest.approx(to_rgb(plots.INVENTED))
    assert tuple(rim[5, 5]) == (1, 1, 1) and tuple(whole[5, 5]) != (1, 1, 1)
    assert fig.axes[0].get_title() == "whole masks: IoU 0.75"


def test_training_images_are_on_the_axis(table):
    values = {
        f"{n} {kind}": {"iou": np.array([v, v, v + 0.1])} for n, v in ((10, 0.2), (100, 0.6)) for kind in ("x", "y")
    }
    fig, alt = figures.by_images.__wrapped__(experiments.Table("images", "", values))
    assert list(fig.axes[0].lines[0].get_xdata()) == [10, 100]
    assert "x 10 images 0.23, 100 images 0.63; y 10 images 0.23" in alt


def test_every_loss_has_a_line_of_its_own():
    logits = np.linspace(-3, 3, 7)
    fig, _ = figures.pull.__wrapped__(logits, {name: np.abs(logits) * k for k, name in enumerate("abcd", 1)})
    lines = fig.axes[0].lines
    assert len({line.get_color() for line in lines}) == len({line.get_linestyle() for line in lines}) == 4


def test_a_study_is_named(table):
    fig, alt = figures.study.__wrapped__({"upsampling": table}, "upsampling")
    assert alt.startswith("Study upsampling.") and fig.axes[0].get_title(loc="left") == "upsampling"
