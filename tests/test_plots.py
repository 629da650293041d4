"""Figures: shown once, with a text that says what they show; colours that colour-blind people can tell apart."""

import io
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from utils import plots


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: a list of (bundle, metadata)."""
    displayed = []

    def display(bundle, raw, metadata):
        assert raw is True
        displayed.append((bundle, metadata))

    monkeypatch.setattr(plots.base, "display", display)
    return displayed


def picture(displayed):
    """The one picture that was displayed, as PIL reads it."""
    [(bundle, _)] = displayed
    return Image.open(io.BytesIO(bundle["image/png"]))


@plots.figure
def line(alt="A rising line."):
    """Draw a line."""
    fig, axis = plt.subplots(figsize=(4, 3))
    axis.plot([0, 1])
    return fig, alt


# ---- Showing -----------------------------------------------------------------------------------------------------------


def test_a_figure_is_shown_once_with_the_same_text_as_alt_and_as_plain_text(shown):
    assert line() is None
    [(bundle, metadata)] = shown
    assert set(bundle) == {"image/png", "text/plain"}
    assert bundle["text/plain"] == "A rising line."
    assert metadata == {"image/png": {"alt": "A rising line."}}
    assert picture(shown).size == (400, 300)


def test_no_figure_stays_open(shown):
    line()
    assert plt.get_fignums() == []


@pytest.mark.parametrize("alt", ["", " \n"])
def test_a_figure_without_a_text_is_refused(alt, shown):
    with pytest.raises(ValueError, match="says what it shows"):
        line(alt)
    assert shown == [] and plt.get_fignums() == []


def test_the_style_applies_inside_and_does_not_leak(shown):
    sizes = [plt.rcParams["font.size"]]

    @plots.figure
    def look():
        sizes.append(plt.rcParams["font.size"])
        return plt.figure(), "Nothing."

    look()
    sizes.append(plt.rcParams["font.size"])
    assert sizes == [10, 11, 10]


def test_a_decorated_function_keeps_its_name_and_its_docstring():
    assert (line.__name__, line.__doc__) == ("line", "Draw a line.")


def test_text_is_large_enough_and_a_full_figure_fits_a_notebooks_column():
    assert min(size for name, size in plots.STYLE.items() if name.endswith("size")) >= 10
    assert plots.WIDTH * plots.STYLE["figure.dpi"] <= 900


# ---- Pictures in a row -------------------------------------------------------------------------------------------------


def test_pictures_stand_in_rows_no_wider_than_a_full_figure(shown):
    grey, column, colour = np.zeros((8, 8)), np.zeros((8, 8, 1)), np.zeros((8, 8, 3))
    plots.pictures([grey, column, colour] * 3, alt="Nine black squares.")
    width, height = picture(shown).size
    assert width == 900 and 280 <= height <= 320, "six in a row, so two rows of 150 px"


def test_pictures_need_a_text(shown):
    with pytest.raises(TypeError, match="alt"):
        plots.pictures([np.zeros((8, 8))])


def test_pictures_share_their_limits_unless_told_otherwise(shown):
    dim = [np.full((8, 8), 0.0), np.full((8, 8), 0.5)]
    plots.pictures(dim, alt="Black and grey.", columns=2)
    left, right = np.split(np.asarray(picture(shown).convert("L")), 2, axis=1)
    centre = (left.shape[0] // 2, left.shape[1] // 2)
    assert left[centre] == 0 and 120 <= right[centre] <= 135


# ---- Colours -----------------------------------------------------------------------------------------------------------

PALETTES = {
    "splits": plots.SPLIT_COLOURS.values(),
    "styles": plots.STYLE_COLOURS.values(),
    "classes": plots.CLASS_COLOURS.values(),
    "levels": plots.LEVEL_COLOURS,
    "errors": (plots.MISSED, plots.INVENTED, plots.FOUND),
}
# What is left of linear RGB in people who lack one kind of cone.
# Source: Machado, Oliveira, Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009.
VISION = {
    "normal": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def difference(first, second, vision):
    """CIEDE2000 difference of two colours as a person sees them; 1 is about the smallest that anyone notices."""

    def lab(colour):
        colour = np.array(to_rgb(colour))
        linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
        linear = np.clip(np.asarray(VISION[vision]) @ linear, 0, 1)
        return rgb2lab(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))

    return float(deltaE_ciede2000(lab(first), lab(second)))


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("palette", PALETTES)
def test_colours_that_stand_for_different_things_can_be_told_apart(palette, vision):
    pairs = itertools.combinations(PALETTES[palette], 2)
    close = {pair: difference(*pair, vision) for pair in pairs if difference(*pair, vision) < 7}
    assert not close


def test_the_measure_of_difference_knows_a_pair_that_colour_blind_people_confuse():
    assert difference("#B00000", "#5A5A00", "normal") > 30 > 2 * difference("#B00000", "#5A5A00", "no green")
