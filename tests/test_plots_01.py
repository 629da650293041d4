"""The figures of notebook 01 draw what they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import inspect_model, plots, unet

IMAGE = np.full((32, 32, 3), 0.5)
MASK = np.zeros((32, 32, 1), np.uint8)
MASK[8:] = 1
MODELS = {depth: unet.build_unet((32, 32, 3), depth=depth, base=1) for depth in (1, 2)}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def seen_from(**setting):
    return plots.seen_from.__wrapped__(IMAGE, MASK, MODELS, 17, **setting)


@pytest.mark.parametrize(("poolings", "size"), [(1, 18), (2, 44)])
def test_the_window_is_the_receptive_field_of_the_network(poolings, size):
    figure, alt = seen_from(poolings=poolings, column=4)
    picture, window, _ = figure.axes
    box = inspect_model.theoretical_field(MODELS[poolings], (17, 4))
    assert window.get_xlim() == (box.left - 0.5, box.right - 0.5)
    assert window.get_ylim() == (box.bottom - 0.5, box.top - 0.5)
    assert (picture.get_xlim(), picture.get_ylim()) == ((-0.5, 31.5), (31.5, -0.5))
    [frame] = picture.patches
    assert (frame.get_x(), frame.get_y()) == (box.left - 0.5, box.top - 0.5)
    assert (frame.get_width(), frame.get_height()) == (size, size)
    assert f"sees {size} x {size} px" in alt


def test_what_the_pixel_does_not_see_is_faded():
    figure, _ = seen_from(poolings=1, column=4)
    shown = figure.axes[0].images[0].get_array()[..., 0]
    seen = inspect_model.theoretical_field(MODELS[1], (17, 4)).inside(32, 32)
    assert np.allclose(shown[seen], 0.5) and np.allclose(shown[~seen], 0.85)


@pytest.mark.parametrize(
    ("row", "setting", "words"),
    [
        (
            20,
            {"poolings": 1, "column": 16},
            "With 1 pooling the output pixel at row 20, column 16, where the mask says shape",
        ),
        (20, {"poolings": 1, "column": 16}, "px: nothing but shape, by the mask."),
        (10, {"poolings": 1, "column": 16}, "px: shape and ground, by the mask."),
        (2, {"poolings": 1, "column": 16}, "where the mask says ground"),
        (16, {"poolings": 2, "column": 16}, "With 2 poolings"),
        (16, {"poolings": 2, "column": 16}, "px: the whole picture."),
    ],
)
def test_the_text_says_what_the_mask_holds_inside_of_the_window(row, setting, words):
    _, alt = plots.seen_from.__wrapped__(IMAGE, MASK, MODELS, row, **setting)
    assert words in alt
