"""Figures with something to move: sliders where a kernel runs, a still picture of several settings where none does.

The output of :func:`move` holds both. A page that is only read, printed or tested shows the still picture.
"""

from __future__ import annotations

import html
import io

import ipywidgets
import numpy as np
from IPython.display import display
from PIL import Image

from utils import given, plots

WIDGET = "application/vnd.jupyter.widget-view+json"


def move(draw, *args, still=None, **controls) -> None:
    """Show a figure whose settings the reader can move.

    Args:
        draw: a figure of :mod:`utils.plots`. It is called as ``draw(*args, name=value, ...)`` with one value for each control.
        args: what the figure always needs.
        still: which settings the still picture shows, from top to bottom: a list of dicts ``{name: value}``; a control that
            is left out stands at its first value. By default the first, the middle and the last value of the first control.
        controls: for each setting the values it can take, two or more: a sequence of numbers, texts or booleans.

    Raises:
        TypeError: ``draw`` is not a figure of :mod:`utils.plots`, or a control is not a list of values.
        ValueError: no controls, a control with fewer than two values, or a still setting that no control can take.
    """
    _check_figure(draw)
    controls = {name: [_plain(value) for value in given.many(name, values)] for name, values in controls.items()}
    if not controls:
        raise ValueError("There is nothing to move; give at least one control, such as threshold=[0.2, 0.5, 0.8].")
    for name, values in controls.items():
        if len(values) < 2:
            raise ValueError(f"{name} can only take {values}; a control needs two values or more.")
    first = {name: values[0] for name, values in controls.items()}
    if still is not None:
        still = given.many("still", still)
        if not still or not all(isinstance(setting, dict) for setting in still):
            raise ValueError(f"still is {given.shown(still)}; give a list of dicts, one for each still picture.")
    settings = [first | _known(setting, controls) for setting in (_three(controls) if still is None else still)]
    png, alt = _stack([plots.render(draw, *args, **setting) for setting in settings])
    view = view_of(panel(draw, *args, start=settings[len(settings) // 2], **controls))
    display({WIDGET: view, "image/png": png, "text/plain": alt}, raw=True, metadata={"image/png": {"alt": alt}})


def panel(draw, *args, start, **controls) -> ipywidgets.VBox:
    """The sliders, the picture they change, and below it the text that says what it shows.

    Args:
        draw, args, controls: as for :func:`move`.
        start: the setting shown first, one value for each control.

    Raises:
        TypeError: as for :func:`move`.
        ValueError: a start that is not one of the values of each control.
    """
    _check_figure(draw)
    controls = {name: [_plain(value) for value in given.many(name, values)] for name, values in controls.items()}
    if not isinstance(start, dict):
        raise TypeError(f"start is {given.shown(start)}; give a dict with one value for each control.")
    for name, values in controls.items():
        if not values or start.get(name) not in values:
            raise ValueError(
                f"start says {name}={given.shown(start.get(name))}; the control can be {given.shown(values)}."
            )
    sliders = {
        name: ipywidgets.SelectionSlider(
            options=[(_label(value), value) for value in values], value=start[name], description=name.replace("_", " "),
            continuous_update=False, layout=ipywidgets.Layout(width="420px"), style={"description_width": "110px"},
        )
        for name, values in controls.items()
    }  # fmt: skip
    picture, words = ipywidgets.Image(format="png"), ipywidgets.HTML()

    def draw_again(_change=None):
        setting = {name: slider.value for name, slider in sliders.items()}
        picture.value, alt = plots.render(draw, *args, **setting)
        words.value = f"<p>{html.escape(alt)}</p>"

    for slider in sliders.values():
        slider.observe(draw_again, "value")
    draw_again()
    return ipywidgets.VBox([*sliders.values(), picture, words])


def view_of(widget) -> dict:
    """What a notebook's page needs to find a widget.

    Raises:
        TypeError: not a widget.
    """
    if not isinstance(widget, ipywidgets.Widget):
        raise TypeError(f"widget is {given.shown(widget)}; give an ipywidgets widget.")
    return {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}


def _check_figure(draw):
    if not (callable(draw) and hasattr(draw, "__wrapped__")):
        raise TypeError(
            f"{getattr(draw, '__name__', given.shown(draw))} is not a figure; give a function of utils.plots."
        )


def _plain(value):
    """A NumPy number as a plain one, so that it can be shown and compared; a text or another plain value as it is."""
    if isinstance(value, (np.bool_, np.integer, np.str_)):
        return value.item()
    if isinstance(value, np.floating):
        return round(value.item(), 6)
    if not isinstance(value, (bool, int, float, str)):
        raise TypeError(f"A control can be {given.shown(value)}; give numbers, texts or booleans.")
    return value


def _label(value):
    return f"{value:g}" if isinstance(value, float) else str(value)


def _three(controls):
    name, values = next(iter(controls.items()))
    places = sorted({0, len(values) // 2, len(values) - 1})
    return [{name: values[place]} for place in places]


def _known(setting, controls):
    setting = {name: _plain(value) for name, value in setting.items()}
    for name, value in setting.items():
        if name not in controls:
            raise ValueError(f"The still setting {name} is no control; there are: {', '.join(controls)}.")
        if value not in controls[name]:
            raise ValueError(f"The still setting {name}={value!r} is none of the values {controls[name]}.")
    return setting


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
