"""The figures of notebook 02: what is repainted, and which distances the weight map shows."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import plots, shapes
from utils.plots.data import _nearest


@pytest.fixture
def plan():
    plan = shapes.plan([8], seed=2)
    plan.outlined[:] = True
    return plan


def drawn(figure, *args, **kwargs):
    """The axes of a figure and its text."""
    fig, alt = figure.__wrapped__(*args, **kwargs)
    plt.close(fig)
    return fig.axes, alt


def test_noise_and_line_change_the_picture_but_not_the_mask_or_the_plan(plan):
    before = shapes.paint(plan)
    calm, text = drawn(plots.repainted, plan, noise=0.0, line=0.045)
    noisy, other = drawn(plots.repainted, plan, noise=0.3, line=0.015)
    images, masks = ([np.asarray(axes[k].images[0].get_array()) for axes in (calm, noisy)] for k in (0, 1))
    assert not np.array_equal(*images) and np.array_equal(*masks)
    assert np.array_equal(masks[0], before.masks[0, ..., 0])
    assert np.array_equal(shapes.paint(plan).images, before.images)
    assert text.startswith("With noise 0 and line 0.045") and other.startswith("With noise 0.3 and line 0.015")


@pytest.mark.parametrize("control", ["noise", "line"])
def test_each_control_alone_changes_the_picture(plan, control):
    first = {"noise": 0.0, "line": 0.045}
    shown = [drawn(plots.repainted, plan, **setting)[0] for setting in (first, first | {control: 0.09})]
    assert not np.array_equal(*(np.asarray(axes[0].images[0].get_array()) for axes in shown))


def test_the_curve_is_the_middle_row_of_the_picture(plan):
    axes, _ = drawn(plots.repainted, plan, noise=0.02, line=0.045)
    [line] = axes[2].lines
    assert np.array_equal(line.get_ydata(), np.asarray(axes[0].images[0].get_array())[32, :, 0])


def test_the_nearest_pixel_of_a_shape():
    shape = np.zeros((8, 8), bool)
    shape[2:4, 5:7] = True
    assert _nearest(shape, (6, 1)) == (3, 5)


def test_the_two_distances_are_those_to_the_nearest_and_the_second_nearest_shape():
    cells = np.zeros((20, 30), int)
    cells[5:15, 2:8], cells[5:15, 14:20], cells[5:15, 26:29] = 1, 2, 3
    axes, alt = drawn(plots.weight_map, cells, (10, 10), {"right": np.ones((20, 30)), "wrong": np.zeros((20, 30))})
    assert [text.get_text() for text in axes[0].texts] == ["d1 = 3.0", "d2 = 4.0"]
    assert "3.0 pixels from the nearest shape and 4.0 from the second nearest" in alt and "right, wrong" in alt
    assert axes[1].images[0].get_clim() == axes[2].images[0].get_clim() == (0, 1)
