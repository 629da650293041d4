"""Figures with something to move: the still picture shows the settings asked for, a slider draws the figure again."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from utils import explore, plots


@plots.figure
def bar(width, *, height, colour="red"):
    """Draw one bar."""
    fig, axis = plt.subplots(figsize=(width, 1))
    axis.bar([0], [height], color=colour)
    return fig, f"A {colour} bar, {height:g} high."


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: a list of (bundle, metadata)."""
    displayed = []
    monkeypatch.setattr(
        explore, "display", lambda bundle, raw, metadata: displayed.append((bundle, metadata)) if raw else None
    )
    return displayed


def test_the_still_picture_stacks_first_middle_and_last_value_and_says_what_they_show(shown):
    explore.move(bar, 3, height=np.linspace(0.1, 0.9, 5))
    [(bundle, metadata)] = shown
    alt = "A red bar, 0.1 high. A red bar, 0.5 high. A red bar, 0.9 high."
    assert bundle["text/plain"] == alt and metadata == {"image/png": {"alt": alt}}
    assert Image.open(io.BytesIO(bundle["image/png"])).size == (300, 3 * 100)
    assert set(bundle) == {"image/png", "text/plain", explore.WIDGET}
    assert bundle[explore.WIDGET]["model_id"]


def test_still_settings_can_be_chosen_and_stand_at_the_first_value_where_nothing_is_said(shown):
    explore.move(bar, 3, height=[1, 2, 3], colour=["red", "blue"], still=[{"height": 3}, {"colour": "blue"}])
    assert shown[0][0]["text/plain"] == "A red bar, 3 high. A blue bar, 1 high."


def test_moving_a_slider_draws_the_figure_again_and_changes_the_words():
    panel = explore.panel(bar, 3, start={"height": 2, "colour": "red"}, height=[1, 2], colour=["red", "blue"])
    height, colour, picture, words = panel.children
    assert (height.description, height.value, colour.value) == ("height", 2, "red")
    before = picture.value
    assert before == plots.render(bar, 3, height=2, colour="red")[0] and "2 high" in words.value
    colour.value = "blue"
    assert picture.value == plots.render(bar, 3, height=2, colour="blue")[0] != before
    assert words.value == "<p>A blue bar, 2 high.</p>"


def test_words_are_shown_as_they_are():
    @plots.figure
    def less(*, p):
        return plt.subplots()[0], f"p < {p}"

    assert explore.panel(less, start={"p": 1}, p=[1, 2]).children[-1].value == "<p>p &lt; 1</p>"
