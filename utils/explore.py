"""Figures with sliders where a kernel runs, and a still picture of several settings where none does.

The output of :func:`move` holds both. A page that is only read, printed or tested shows the still picture.
"""

from __future__ import annotations

import html
import io

import ipywidgets
import numpy as np
from IPython.display import display
from PIL import Image

from utils import plots

WIDGET = "application/vnd.jupyter.widget-view+json"


def move(draw, *args, still=None, **controls) -> None:
    """Show a figure whose settings the reader can move.

    Args:
        draw: a figure of :mod:`utils.plots`. It is called as ``draw(*args, name=value, ...)`` with one value for each control.
        args: what the figure always needs.
        still: the settings of the still picture, from top to bottom: a list of dicts ``{name: value}``; a control that is
            left out has its first value. By default the first, the middle and the last value of the first control.
        controls: for each setting the values it can take, numbers or texts.
    """
    controls = {name: [_plain(value) for value in values] for name, values in controls.items()}
    first = {name: values[0] for name, values in controls.items()}
    settings = [first | setting for setting in still or _first_middle_last(controls)]
    png, alt = _stack([plots.render(draw, *args, **setting) for setting in settings])
    widget = panel(draw, *args, start=settings[len(settings) // 2], **controls)
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({WIDGET: view, "image/png": png, "text/plain": alt}, raw=True, metadata={"image/png": {"alt": alt}})


def panel(draw, *args, start, **controls) -> ipywidgets.VBox:
    """The sliders, the picture they change, and below it the text that says what it shows.

    Args:
        draw, args, controls: as for :func:`move`.
        start: the setting shown first, one value for each control.
    """
    sliders = {
        name: ipywidgets.SelectionSlider(
            options=[(f"{value:g}" if isinstance(value, float) else str(value), value) for value in values],
            value=_plain(start[name]), description=name.replace("_", " "), continuous_update=False,
            layout=ipywidgets.Layout(width="420px"), style={"description_width": "110px"},
        )
        for name, values in controls.items()
    }  # fmt: skip
    picture, words = ipywidgets.Image(format="png"), ipywidgets.HTML()

    def draw_again(_change=None):
        picture.value, alt = plots.render(draw, *args, **{name: slider.value for name, slider in sliders.items()})
        words.value = f"<p>{html.escape(alt)}</p>"

    for slider in sliders.values():
        slider.observe(draw_again, "value")
    draw_again()
    return ipywidgets.VBox([*sliders.values(), picture, words])


def _plain(value):
    """A NumPy number as a Python one, so that it can be shown and compared."""
    value = value.item() if isinstance(value, np.generic) else value
    return round(value, 6) if isinstance(value, float) else value


def _first_middle_last(controls):
    name, values = next(iter(controls.items()))
    return [{name: values[place]} for place in sorted({0, len(values) // 2, len(values) - 1})]


def _stack(rendered):
    """Pictures below each other as one PNG, and their texts as one text."""
    images = [Image.open(io.BytesIO(png)).convert("RGB") for png, _ in rendered]
    whole = Image.new("RGB", (max(i.width for i in images), sum(i.height for i in images)), "white")
    top = 0
    for image in images:
        whole.paste(image, (0, top))
        top += image.height
    buffer = io.BytesIO()
    whole.save(buffer, "PNG", optimize=True)
    return plots.smaller(buffer.getvalue()), " ".join(alt for _, alt in rendered)
