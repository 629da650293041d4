"""Figures: what is drawn is what was given, the texts state what is true, and colour is never the only difference."""

import importlib
import io
import itertools
import pkgutil
from functools import partial
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from utils import cost, experiments, folders, inspect_model, metrics, objects, pipeline, plots, receptive_field, shapes
from utils.plots import base, paper


@pytest.fixture(autouse=True)
def close_figures():
    """These tests draw without showing, which is what closes a figure."""
    yield
    plt.close("all")


def seen(axis):
    """The picture or map that a panel shows."""
    return np.asarray(axis.images[0].get_array())


def legend(axis):
    """Label -> colour in the legend of a panel or, if it has none, of its figure; a line has no colour here."""
    found = axis.get_legend() or axis.figure.legends[0]
    colours = [to_rgb(h.get_facecolor()) if isinstance(h, plt.Rectangle) else None for h in found.legend_handles]
    return dict(zip([text.get_text() for text in found.get_texts()], colours))


READ = {
    "titles": lambda axis: axis.get_title(),
    "labels": lambda axis: (axis.get_xlabel(), axis.get_ylabel()),
    "rows": lambda axis: [label.get_text() for label in axis.get_yticklabels()],
    "texts": lambda axis: [text.get_text() for text in axis.texts],
    "legends": lambda axis: list(legend(axis)),
    "scales": lambda axis: axis.images[0].get_clim(),
    "frames": lambda axis: [patch.get_bbox().bounds for patch in axis.patches],
    "insets": lambda axis: (axis.images[1].get_array().tolist(), tuple(axis.images[1].get_extent())),
    "faces": lambda axis: [to_rgb(patch.get_facecolor()) for patch in axis.patches],
    "keys": lambda axis: list(legend(axis).values()),
    "spans": lambda axis: tuple(
        axis.transData.inverted().transform_bbox(axis.patches[0].get_extents()).intervalx.round(6)
    ),
    "edges": lambda axis: [to_rgb(patch.get_edgecolor()) for patch in axis.patches],
}


def check(draw, *args, panels=(), curves=(), bars=(), words=(), **kwargs):
    """Draw, and compare panels with what is expected of the first ones, or of those whose numbers are given: pictures, lists
    of (x, y), lists of heights, the words of the text, and what ``READ`` reads. Return the panels and the text.
    """
    expected = {name: kwargs.pop(name) for name in READ if name in kwargs}
    with plt.rc_context(plots.STYLE):
        drawn = draw.__wrapped__(*args, **kwargs)
        fig, alt = drawn if isinstance(drawn, tuple) else (drawn, base.panels(drawn))

    def numbered(values):
        return [(fig.axes[k], v) for k, v in (values.items() if isinstance(values, dict) else enumerate(values))]

    for axis, panel in numbered(panels):
        assert seen(axis).shape == np.squeeze(panel).shape and np.allclose(seen(axis), np.squeeze(panel))
    for axis, found in numbered(curves):
        for line, points in zip(axis.lines, found, strict=True):
            assert np.allclose(line.get_data(), points, equal_nan=True)
        looks = {(line.get_linestyle(), str(line.get_marker())) for line in axis.lines if line.get_label()[0] != "_"}
        assert len(looks) == sum(line.get_label()[0] != "_" for line in axis.lines), "colour alone"
    for axis, heights in numbered(bars):
        assert np.allclose([bar.get_height() for bar in axis.patches], heights)
    for name, values in expected.items():
        assert [READ[name](axis) for axis, _ in numbered(values)] == [value for _, value in numbered(values)], name
    assert [part for part in words if part not in alt] == []
    return fig.axes, alt


# ---- Showing -----------------------------------------------------------------------------------------------------------


@plots.figure
def line(alt="A rising line.", broken=False):
    """Draw a line."""
    fig, axis = plt.subplots(figsize=(4, 3))
    axis.plot([0, 1 / (not broken)])
    return fig, alt


def test_a_figure_is_shown_once_with_the_same_text_as_alt_and_as_plain_text(monkeypatch):
    shown, other = [], plt.figure()
    monkeypatch.setattr(base, "display", lambda bundle, raw, metadata: shown.append((bundle, metadata)))
    with pytest.raises(ZeroDivisionError):
        line(broken=True)
    assert line() is None and plt.get_fignums() == [other.number], "its figure is closed, others stay"
    [(bundle, metadata)] = shown
    assert set(bundle) == {"image/png", "text/plain"} and bundle["text/plain"] == "A rising line."
    assert metadata == {"image/png": {"alt": "A rising line."}}
    assert Image.open(io.BytesIO(bundle["image/png"])).size == (400, 300)
    assert (line.__name__, line.__doc__) == ("line", "Draw a line.")


def test_a_figure_that_says_nothing_of_itself_names_its_panels():
    for titles, said in ((["image", "mask"], "2 pictures: image, mask."), (None, "2 pictures.")):
        assert plots.render(plots.pictures, NOISE[:2], titles)[1] == said
    assert plots.render(plots.class_maps, [NOISE[:2]], ["row"], NAMES)[1] == "2 pictures: row."


def test_the_style_is_readable_and_does_not_leak_and_large_pictures_have_fewer_colours():
    sizes = []
    plots.render(plots.figure(lambda: (sizes.append(plt.rcParams["font.size"]), (plt.figure(), "Nothing."))[1]))
    assert [*sizes, plt.rcParams["font.size"]] == [11, 10]
    assert min(size for name, size in plots.STYLE.items() if name.endswith("size")) >= 10
    assert plots.WIDTH * plots.STYLE["figure.dpi"] <= 900, "a full figure fits a notebook's column"
    png, _ = plots.render(plots.pictures, [np.random.default_rng(0).random((300, 300, 3))], side=5)
    assert len(png) < 300_000 and len(np.unique(np.asarray(Image.open(io.BytesIO(png))))) <= 256
    assert plots.smaller(b"x" * 100) == b"x" * 100


def test_every_figure_is_exported_and_drawn_by_a_notebook():
    modules = [importlib.import_module(f"utils.plots.{found.name}") for found in pkgutil.iter_modules(plots.__path__)]
    figures = {name for module in modules for name, value in vars(module).items() if hasattr(value, "__wrapped__")}
    root = Path(__file__).parents[1]
    notebooks = "".join(
        path.read_text("utf-8") for path in [*root.glob("notebooks/*.ipynb"), root / "utils/folders.py"]
    )
    assert len(figures) > 50
    assert [name for name in sorted(figures) if not hasattr(plots, name) or f"plots.{name}" not in notebooks] == []


# ---- Colours -----------------------------------------------------------------------------------------------------------

PALETTES = {
    "splits": plots.SPLIT_COLOURS.values(),
    "styles": plots.STYLE_COLOURS.values(),
    "classes": plots.CLASS_COLOURS.values(),
    "levels": plots.LEVEL_COLOURS,
    "errors": (plots.FALSE_NEGATIVE, plots.FALSE_POSITIVE, plots.TRUE_POSITIVE),
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


@pytest.mark.parametrize("palette", PALETTES)
def test_colours_that_stand_for_different_things_can_be_told_apart(palette):
    pairs = list(itertools.combinations(PALETTES[palette], 2))
    assert [(pair, vision) for pair in pairs for vision in VISION if difference(*pair, vision) < 7] == []
    confused = "#B00000", "#5A5A00"
    assert difference(*confused, "normal") > 30 > 2 * difference(*confused, "no green"), "the measure itself"
    assert tuple(plots.CLASS_COLOURS) == shapes.CLASS_NAMES and tuple(plots.STYLE_COLOURS) == shapes.STYLE_NAMES


# ---- What is drawn is what was given -----------------------------------------------------------------------------------

NAMES = shapes.THREE_NAMES
NOISE = np.random.default_rng(0).random((3, 16, 20, 3)).astype(np.float32)
LABELS = np.random.default_rng(0).integers(0, 4, (16, 20))
TRUTH = np.zeros((3, 16, 20, 1), np.uint8)
TRUTH[:, 4:10, 5:15] = 1
PREDICTED = np.roll(TRUTH, (2, 3), (1, 2))
PREDICTED[:, 14, :3] = 1
SQUARE, MIRRORED = NOISE[0, :, :16], np.pad(NOISE[0], ((3, 3), (3, 3), (0, 0)), "reflect")
TOUCHING = shapes.draw_touching(2, seed=1)
GAPS = objects.open_gaps(TOUCHING.instances[0])
WHOLE_NUCLEI = folders.nuclei()
NUCLEI = [folders.quadrant(array, "upper left") for array in WHOLE_NUCLEI]
CALIBRATION = metrics.calibration(TRUTH, np.where(TRUTH, 0.95, 0.15).astype(np.float32), 10)


def history(ious):
    """What ``model.fit(...).history`` holds with the series' callbacks."""
    loss, seconds = [0.9, 0.5, 0.2][: len(ious)], [10.0 * (k + 1) for k in range(len(ious))]
    return {"loss": loss, "val_loss": loss[::-1], "iou": ious[::-1], "val_iou": ious, "seconds": seconds}


def table(**scores):
    """A study: score -> condition -> the values of its seeds."""
    conditions = next(iter(scores.values()))
    values = {name: {score: np.array(found[name]) for score, found in scores.items()} for name in conditions}
    return experiments.Table("try", "made", values)


def layer(name, parameters, macs, size, kept=True):
    return cost.LayerCost(name, "Conv2D", (1, 1, 1), parameters, macs, size, kept)


def case(draw, *args, **more):
    return pytest.param(partial(check, draw, *args, **more), id=draw.__name__)


# fmt: off
A, B = np.array([[0.1, 0.9], [0.5, 0.0]]), np.array([[-1.0, 1.0], [0.0, 0.5]])
RAMP, MAPS = np.arange(64).reshape(8, 8, 1) / 63, [np.full((4, 4), value) for value in (-1.0, 0.0, 3.0)]
STRENGTHS = {"up": [1.0, 30, 1000], "even": [1.0, 1.1, 1], "down": [1, 0.1, 0.01]}
LAYERS = [layer("image", 0, 0, 1), layer("enc1_a", 10, 40, 6), layer("bottleneck_a", 80, 30, 2), layer("dec1_a", 9, 20, 2),
          layer("dec1_b", 0, 0, 99, kept=False), layer("head", 1, 10, 1)]
FALL = [([1, 2, 3], [0.9, 0.5, 0.2]), ([1, 2, 3], [0.2, 0.5, 0.9])]
SEEDS = [{"network": n, "iou": k / 10, "filled": 0.9, "outlined": 0.1} for n in "ab" for k in (5, 6, 7)]
ROWS, HEADS = list(zip(NOISE, TRUTH, TRUTH / 2, 1.0 - TRUTH)), ["image", "truth", "good", "bad"]
PANELS = list(itertools.chain(*ROWS))
WHOLE, TILED = np.where(TRUTH[0], 0.9, 0.2), np.where(PREDICTED[0], 0.7, 0.2)
OFF = WHOLE + 0.01 * np.eye(16, 20)[..., None]
FIELD = np.full((16, 20), 1e-3) + 0.099 * np.outer(np.arange(16) == 5, np.arange(20) == 7)
PULLS = {name: np.abs(np.arange(-3, 4)) * k for k, name in enumerate("abcd", 1)}
IMAGES = table(iou={f"{n} {kind}": [n / 200, n / 200, n / 100] for n in (10, 100) for kind in "xy"})
COUNTS = np.array([[6, 2, 0], [1, 1, 2], [0, 0, 0]])
RARE = table(**{"recall disc": {"no": [0.1, 0.2, 0.3], "yes": [0.6, 0.7, 0.8]},
                "precision disc": {"no": [0.9, 0.8, 0.7], "yes": [0.5, 0.4, 0.6]}})
NEVER = table(**{"recall disc": {"no": [0, 0]}, "precision disc": {"no": [np.nan, np.nan]}})
WEIGHT = objects.weight_map(GAPS, sigma=2.0)
ABC = list("abc")
KINDS, STYLES = {"background": 0.75, "disc": 0.15, "ring": 0.1}, {"background": 0.75, "filled": 0.2, "outlined": 0.05}
CELLS = np.zeros((16, 30), int)
CELLS[5:15, 2:8], CELLS[5:15, 14:20], CELLS[5:15, 26:29] = 1, 2, 3
LEFT, LIGHT = np.arange(30) < np.full((16, 1), 17), (0.85, 0.95, 0.9)
HILL = [0.2, 0.5, 0.8], [0.7, 0.9, 0.6]
SURE = 0.1 + 0.8 * PREDICTED * np.linspace(0.5, 1, 3)[:, None, None, None]
ROLES = dict(zip(folders.QUADRANTS, ("validation", "train", "test", "train")))
SAMPLE = TOUCHING.images[0], TOUCHING.masks[0]
BENDING = pipeline.interpolate_field(10 * np.random.default_rng(3).normal(0, 1, (2, 3, 3)), (64, 64))
BENT, FOLDED = pipeline.deform(*SAMPLE, BENDING), f"{pipeline.folding_share(BENDING):.0%}"
STUDY = table(iou={"a": [0.5, 0.7, 0.6], "b": [0.91, 0.9, 0.95]}, boundary={"a": [0.2, 0.3], "b": [0.4, 0.5]})
CUTS, SHADES = {"none": TRUTH * 0.9, "1": PREDICTED * 0.8, "all": TRUTH * 0.1}, np.rint(NOISE * 15) / 15
DOUBT = np.full((16, 20, 4), (0.1, 0.7, 0.1, 0.1))
DOUBT[0, 0] = 0.3, 0.3, 0.4, 0.0
BEST, SURELY = (np.where(np.arange(320).reshape(16, 20) == 0, first, 1) for first in (2, -1))
MOVED = np.roll(NUCLEI[1], 3, axis=1)
SCORES = objects.scores(NUCLEI[1], MOVED)
WINDOW, SCENES = slice(20, 40), (shapes.draw([3], seed=1), shapes.draw([8], seed=2))
CLOSE = [part[0, WINDOW, WINDOW] for scene in SCENES for part in (scene.images, scene.masks)]
PLACES = {"enc1": (0, 8), "enc2": (5, 4), "bottleneck": (10, 2), "dec2": (8, 4), "dec1": (3, 8)}
FEATURES = {name: np.random.default_rng(place).random((side, side, 2)) for name, (place, side) in PLACES.items()}


def painted(labels, *colours):
    """A map of whole numbers in colours; the last one for -1."""
    return np.array([to_rgb(colour) for colour in colours])[np.asarray(labels).squeeze()]


CLASSES = [plots.CLASS_COLOURS[name] for name in NAMES] + ["white"]
ERROR = ["white", plots.FALSE_NEGATIVE, plots.FALSE_POSITIVE]
WRONG = painted(TRUTH[0] + 2 * PREDICTED[0], *ERROR, plots.TRUE_POSITIVE)

CASES = [
    case(plots.pictures, [*NOISE, TRUTH[0]], list("abcd"), columns=3, panels=[*NOISE, TRUTH[0]], titles=list("abcd"),
         scales={3: (0, 1)}),
    case(plots.pictures, [7 * TRUTH[0] - 3.0], limits=None, scales=[(-3, 4)]),
    case(plots.window_and_kernel, A, B, panels=[A, B, A * B],
         titles=["window of the image", "kernel", "products, sum 0.80"],
         texts=[["0.10", "0.90", "0.50", "0.00"], ["-1.00", "1.00", "0.00", "0.50"], ["-0.10", "0.90", "0.00", "0.00"]],
         scales=[(0, 1), (-1, 1), (-1, 1)]),
    case(plots.output_window, np.repeat(RAMP, 3, -1), RAMP, 4, words=["25% of the area"],
         panels=[np.repeat(RAMP, 3, -1), RAMP, RAMP[2:6, 2:6]], frames=[[(1.5, 1.5, 4, 4)] * 2] * 2),
    case(plots.channels, np.stack(MAPS, -1)[None], panels=MAPS, titles=["channel 1", "channel 2", "channel 3"],
         scales=[(-1, 3)] * 3),
    case(plots.signal_strength, STRENGTHS, curves=[[([0, 1, 2], y) for y in STRENGTHS.values()]],
         words=["up: 10 to the +3; even: 10 to the 0; down: 10 to the -2."], labels=[("convolutions passed", "strength (RMS)")],
         texts=[list(STRENGTHS)]),
    case(plots.cost_by_stage, LAYERS, words=["most parameters in bottleneck (80 %)"], rows=[["enc1", "bottleneck", "dec1"]],
         titles=["parameters", "MACs", "activation memory"],
         texts=[["10 %", "80 %", "10 %"], ["40 %", "30 %", "30 %"], ["58 %", "17 %", "25 %"]]),
    case(plots.training_curves, history([0.2, 0.6, 0.9]), curves=[FALL, [([1, 2, 3], [0.2, 0.6, 0.9])]],
         words=["training loss falls, the validation loss rises", "validation IoU rises."],
         labels=[("epoch", "binary cross-entropy"), ("epoch", "validation IoU")], legends=[["training", "validation"]]),
    case(plots.class_curves, history([0.9, 0.6, 0.2]), 0.3, words=["validation images falls."],
         curves=[FALL, [([1, 2, 3], [0.9, 0.6, 0.2]), ([0, 1], [0.3, 0.3])]],
         labels={1: ("epoch", "mean IoU of the shape classes")}),
    case(plots.loss_curve, [-1, 0, 1], [0.5, 0.4, 0.7], {"a": ([1, 0], [0.7, 0.4]), "b": ([1], [0.7])}, slope=0.2,
         curves=[[([-1, 0, 1], [0.5, 0.4, 0.7]), ([-0.5, 2.5], [0.4, 1.0]), (x, y), ([1], [0.7])]
                 for x, y in (([1, 0], [0.7, 0.4]), ([1], [0.7]))], words=["floor at 0.40. a: 0.70 to 0.40"]),
    case(plots.gradient_by_block, {"a": 0.2, "b": 0.01}, bars=[[0.2, 0.01]], words=["highest in a and lowest in b"]),
    case(plots.slope_spread, {"a": [-0.5, 0.5], "b": [0.1, 0.2]}, rows=[["a", "b"]], words=["a -0.50 to 0.50; b 0.10 to"],
         curves=[[([-0.5, 0.5], [-0.15, 0.15]), ([0.1, 0.2], [0.85, 1.15]), ([0, 0], [0, 1])]]),
    case(plots.one_batch, {"a": ([0.7, 0.3], TRUTH[0] / 2), "b": ([3, -9], TRUTH[0])}, TRUTH[0], words=["batch: a; b."],
         curves=[[([1, 2], [0.7, 0.3])], [([1, 2], [3, -9])]], panels={2: TRUTH[0] / 2, 3: TRUTH[0]},
         titles=["a", "b", "output 0.00 to 0.50", "output 0.00 to 1.00"]),
    case(plots.learning_rate, [0.001, 0.01, 0.002], words=["highest at step 1 with 0.01"],
         curves=[[([0, 1, 2], [0.001, 0.01, 0.002])]], labels=[("step", "learning rate")]),
    case(plots.recall_by_style, {"a": {"filled": 0.9, "outlined": 0.5}, "b": {"filled": 0.8, "outlined": 0.7}},
         words=["Lowest on filled shapes: b, on outlined ones: a. The two styles differ most with a."],
         bars=[[0.9, 0.8, 0.5, 0.7]], legends=[["filled shapes", "outlined shapes"]]),
    case(plots.seed_spread, SEEDS, words=["IoU a 0.50 to 0.70", "recall, outlined b 0.10 to 0.10"],
         curves=[[part for k in (0, 1) for part in (([0.5, 0.7], [k, k]), ([0.5, 0.6, 0.7], [k - 0.15, k, k + 0.15]))]],
         labels=[("IoU", ""), ("recall, filled", ""), ("recall, outlined", "")], rows=[["a", "b"]]),
    case(plots.side_by_side, ROWS, HEADS, panels=PANELS, words=["farthest: good, bad."], titles=HEADS, scales=[(0, 1)] * 12),
    case(plots.seams, NOISE[0], WHOLE, TILED, 8, panels={1: WHOLE, 2: TILED, 3: np.abs(WHOLE - TILED)},
         curves=[[([0, 1], [7.5] * 2), ([7.5] * 2, [0, 1]), ([0, 1], [15.5] * 2), ([15.5] * 2, [0, 1])]],
         words=["10.0% of the pixels are no longer foreground, 10.9% no longer background"]),
    case(plots.seams_by_halo, NOISE[0], WHOLE, {0: OFF, 16: WHOLE}, 16, words=["halo 16: 0%"],
         panels={1: np.where(np.eye(16, 20), -2, -7), 2: np.full((16, 20), -7)}, titles=["scene", "halo 0 px", "halo 16 px"],
         scales={1: (-6, 0), 2: (-6, 0)}),
    case(plots.effective_fields, {"a": FIELD, "b": FIELD}, (5, 7), {"a": (3, 9), "b": (5, 11)}, 40, panels=[np.log10(FIELD)],
         words=["a 3 and 9 px; b 5 and 11 px"], frames={1: [(4.5, 2.5, 5, 5), (1.5, -0.5, 11, 11)]},
         titles=["a", "b", "to scale"], legends={2: ["theoretical: 40 px", "the image: 16 px", "holds 90 %: 11 px"]}),
    case(plots.reliability, CALIBRATION, CALIBRATION, bars={1: CALIBRATION.count},
         curves=[[([0, 1], [0, 1]), *[(CALIBRATION.probability, CALIBRATION.share)] * 2]],
         words=[f"all pixels: {100 * CALIBRATION.error:.1f} % off", "the last bin hold 19%."],
         labels=[("probability of foreground, mean of the bin", "share that is foreground")]),
    case(plots.pull, np.arange(-3, 4), PULLS, words=["logits -3, 0, 3: a 3.00, 0.00, 3.00; b 6.00"],
         curves=[[(np.arange(-3, 4), y) for y in PULLS.values()]], legends=[list("abcd")]),
    case(plots.by_images, IMAGES, curves=[[([10, 100], [1 / 15, 2 / 3])] * 2],
         words=["x 10 images 0.07, 100 images 0.67; y 10"], labels=[("training images", "IoU")], legends=[["x", "y"]]),
    case(plots.label_channels, NOISE[0], LABELS, NOISE[1], NAMES,
         panels={0: NOISE[0], 1: painted(LABELS, *CLASSES), 2: NOISE[1, ..., 0], 3: NOISE[1, ..., 1], 4: NOISE[1, ..., 2]},
         titles=["image", "class map", *shapes.THREE_KINDS]),
    case(plots.confusion, {"one": COUNTS, "two": COUNTS.T}, ABC, words=["one: the most frequent mistake is b called c"],
         titles=["one", "two"], labels=[("predicted", "truth"), ("predicted", "")], rows=[ABC],
         texts=[[".75", ".25", ".00", ".25", ".25", ".50", ".00", ".00", ".00"]]),
    case(plots.confusion, {"new": [[1, 5, 2]]}, ["star"], ABC, words=["star is most often called b"]),
    case(plots.which_iou, {"first": 0.9, "second": 0.512}, curves=[[([0.9, 0.512], [0, 1])]],
         words=["lowest 'second', 0.51, highest 'first', 0.90"], texts=[["0.90", "0.51"]], rows=[["first", "second"]]),
    case(plots.weight_effect, RARE, "disc", ["no", "yes"], words=["no, recall 0.20, precision 0.80"],
         curves=[[([0.1, 0.2, 0.3], [0.9, 0.8, 0.7]), ([0.6, 0.7, 0.8], [0.5, 0.4, 0.6])]],
         labels=[("recall of disc", "precision of disc")], legends=[["no", "yes"]]),
    case(plots.weight_effect, NEVER, "disc", ["no"], words=["seeds: no: never predicted, recall 0.00."],
         legends=[["no: never predicted"]]),
    case(plots.crops, [(568, 392), (64, 56)], words=["level 2: 56 of 64"], frames=[[(0, 0, 568, 568), (88, 88, 392, 392)]],
         labels=[("keeps 48%", "")]),
    case(plots.laid_over, SQUARE, TRUTH[0, :8, :8, 0], panels=[SQUARE, 0.5 + 0.5 * SQUARE],
         words=["16 pixels", "window of 8 pixels"], titles=["input, 16 x 16", "output, 8 x 8"],
         insets={1: (TRUTH[0, :8, :8, 0].tolist(), (4, 12, 12, 4))}),
    case(plots.mirrored, MIRRORED, 3, panels=[MIRRORED], words=["16 x 20", "lies the mirror image"],
         frames=[[(2.5, 2.5, 20, 16)] * 2]),
    case(plots.mirrored, np.roll(MIRRORED, 1, axis=0), 3, words=["lies no mirror image"]),
    case(plots.objects, [[SQUARE], [LABELS], [TRUTH[0, ..., 0] / 2]], ["a"], row_labels=ABC,
         panels=[SQUARE, paper.coloured(LABELS), TRUTH[0] / 2], labels=[("", name) for name in ABC]),
    case(plots.distances_and_weight, GAPS, sigma=2.0, panels=[paper.coloured(GAPS), *objects.nearest_distances(GAPS), WEIGHT],
         words=[f"sigma = 2 pixels, {WEIGHT.min():.2f} to {WEIGHT.max():.2f}"],
         titles=["objects", "d1, pixels", "d2, pixels", "weight, sigma 2"], scales={1: (0, 30), 2: (0, 30), 3: (0, 11)}),
    case(plots.memory, [512, 1024], {"one": [10, 40], "two": [5, 5]}, words=["one: 10 to 40 MB; two: 5 to 5"],
         curves=[[([512, 1024], [10, 40]), ([512, 1024], [5, 5])]], labels=[("side of the scene, px", "MB")],
         legends=[["one", "two"]]),
    case(plots.object_scores, {"one": [0.9, 0.8, 0.7, 0.5, 0.1], "two": [[0.2] * 5, [0.4] * 5]},
         curves=[[(objects.SCORE_THRESHOLDS, [0.9, 0.8, 0.7, 0.5, 0.1]), (objects.SCORE_THRESHOLDS, [0.3] * 5)]],
         words=["one 0.90, 0.80", "two 0.30"], labels=[("IoU that a pair must reach", "object score")],
         legends=[["one", "two"]]),
    case(plots.worst, *NUCLEI, NUCLEI[1], [(100, 50, "matched\nIoU 1.00")], reach=8, panels=[NUCLEI[0][92:108, 42:58]],
         words=["matched IoU 1.00"], titles=["matched\nIoU 1.00"], legends=[["annotated", "predicted"]]),
    case(plots.answers, [NUCLEI[0]] * 2, [NUCLEI[1], 0 * MOVED], [0 * MOVED, MOVED], ABC[:2], panels=[NUCLEI[0]] * 2,
         words=["2 images"], titles=ABC[:2], legends=[["annotated", "found"]]),
    case(plots.balance, KINDS, STYLES, bars=[[75, 15, 10], [75, 20, 5]],
         words=["background takes the most and ring the least", "outlined 5 %"],
         faces=[[to_rgb(plots.CLASS_COLOURS[name]) for name in KINDS], [to_rgb(plots.STYLE_COLOURS[name]) for name in STYLES]]),
    case(plots.threshold_masks, TRUTH, np.where(TRUTH, 0.6, 0.3), *HILL, threshold=0.5, panels={1: TRUTH[0], 3: TRUTH[2]},
         curves=[[HILL, ([0.5], [0.9])]], titles=["threshold 0.50", "IoU 1.00"], words=["Threshold 0.50"]),
    case(plots.threshold_masks, TRUTH, np.where(TRUTH, 0.6, 0.3), *HILL, threshold=0.8, panels={1: 0 * TRUTH[0]},
         curves=[[HILL, ([0.8], [0.6])]], titles=["threshold 0.80", "IoU 0.00"]),
    case(plots.from_image_to_errors, NOISE, TRUTH, SURE, ABC, threshold=0.6,
         panels=list(itertools.chain(*zip(NOISE, TRUTH, SURE, SURE > 0.6)))[:4] + [painted(TRUTH[0], *ERROR)],
         titles=["image", "truth", "probability", "mask: above 0.6", "error map"], labels={0: ("", "a"), 10: ("", "c")},
         words=["a: 0.00; b: 0.29; c: 0.29."]),
    case(plots.bent_by, SAMPLE[0], SAMPLE[1], deviation=10.0, panels=[SAMPLE[0], BENT[0], SAMPLE[1], BENT[1]],
         words=[f"10 pixels, {FOLDED} of the pixels"], labels=[("10 px", ""), (f"folded: {FOLDED}", "")]),
    case(plots.who_sees_what, SQUARE[..., 0], ROLES, panels=[SQUARE[..., 0]], words=["lower left test"],
         texts=[list(ROLES.values())], frames=[[(3, 3, 1, 1), (11, 3, 1, 1), (3, 11, 1, 1), (11, 11, 1, 1)]],
         edges=[[to_rgb(plots.SPLIT_COLOURS[role]) for role in ROLES.values()]]),
    case(plots.tiles_that_leak, CELLS, {"half": LEFT}, words=["half: 1 of 2 nuclei"], titles=["half: 1 of 2"],
         panels=[painted(np.select([CELLS == 2, CELLS > 0, LEFT], [3, 2, 1]), "w", LIGHT, "0.6", plots.VERMILLION)]),
    case(plots.error_maps, NOISE, TRUTH, PREDICTED, ABC, columns=2,
         panels={0: NOISE[0], 1: NOISE[1], 2: WRONG, 4: NOISE[2]}, titles=["a", "b"],
         labels={2: ("false negatives 32\nfalse positives 35", "")},
         legends=[["true positive", "false negative: taken for background", "false positive: taken for foreground"]],
         keys=[[to_rgb(colour) for colour in (plots.TRUE_POSITIVE, *ERROR[1:])]]),
    case(plots.rims, TRUTH[0], PREDICTED[0], 1, panels=[painted(TRUTH[0] + 2 * PREDICTED[0], *ERROR, plots.GREY)],
         titles=["whole masks: IoU 0.29"], words=["whole masks: IoU 0.29; rims of 1 px: IoU 0.0"]),
    case(plots.skip_zeroed, NOISE, CUTS, zeroed="none", panels=[SHADES[0], CUTS["none"][0], SHADES[1]], words=["No skip"]),
    case(plots.skip_zeroed, NOISE, CUTS, zeroed="1", panels={1: CUTS["1"][0], 5: CUTS["1"][2]}, titles={3: "zeroed: 1"},
         words=["Skip 1 zeroed", "which call 19.7% of the pixels foreground; 20.9% of the pixels change"]),
    case(plots.skip_zeroed, NOISE, CUTS, zeroed="all", panels={5: CUTS["all"][2]}, words=["All skips zeroed", "call 0.0%"]),
    case(plots.claimed, NOISE[0], LABELS, DOUBT, NAMES, threshold=0.5, words=["some pixels belong to nobody"],
         panels=[NOISE[0], painted(LABELS, *CLASSES), painted(BEST, *CLASSES), painted(SURELY, *CLASSES),
                 DOUBT.max(-1)],
         legends=[[*NAMES, "nobody"]], keys=[[to_rgb(colour) for colour in CLASSES]]),
    case(plots.claimed, NOISE[0], LABELS, DOUBT, NAMES, threshold=0.3, words=["no pixels belong to nobody"],
         panels={3: painted(BEST, *CLASSES)}),
    case(plots.baseline, *NUCLEI, lambda level: np.where(MOVED > level, MOVED, 0), level=0,
         words=[f"score at IoU .5 {SCORES['ap50']:.2f}"],
         panels={0: pipeline.stretch(NUCLEI[0]), 1: painted((NUCLEI[1] > 0) + 2 * (MOVED > 0), *ERROR, "0.85"),
                 2: paper.coloured(MOVED)},
         titles=["level 0", f"IoU {SCORES['iou']:.2f}"]),
    case(plots.baseline, *NUCLEI, lambda level: 0 * MOVED, level=9, words=["IoU 0.00, 0 objects"]),
    case(plots.outline_problem, *SCENES, WINDOW, panels=dict(zip((1, 2, 4, 5), CLOSE)),
         words=["are different", f"targets are {np.unique(CLOSE[1]).tolist()} above and {np.unique(CLOSE[3]).tolist()} below"]),
    case(plots.outline_problem, SCENES[0], SCENES[0], WINDOW, words=["are the same"]),
    case(plots.feature_u, FEATURES, words=["at the bottom bottleneck: 2 × 2; up the right side dec2: 4 × 4, dec1: 8 × 8"],
         panels={place + k: FEATURES[name][..., k] for name, (place, _) in PLACES.items() for k in (0, 1)}),
    case(plots.spread, STUDY, ["iou", "boundary"], labels=[("IoU", ""), ("boundary IoU", "")], rows=[["a", "b"]],
         curves=[[([0.5, 0.7], [0, 0]), ([0.5, 0.7, 0.6], [-0.15, 0, 0.15]), ([0.9, 0.95], [1, 1]),
                  ([0.91, 0.9, 0.95], [0.85, 1, 1.15])]],
         words=["range of a shaded", "IoU a 0.50 to 0.70, b 0.90 to 0.95", "boundary IoU a 0.20 to 0.30"], spans=[(0.5, 0.7)]),
    case(plots.spread, STUDY, "iou", "b", words=["range of b shaded"], spans=[(0.9, 0.95)]),
    case(plots.memory_by_images, table(megabytes={"arrays 10": [1, 3, 2], "shards 10": [0, 0, 0], "arrays 100": [20, 40, 30],
                                                  "shards 100": [0, 1, 1]}),
         curves=[[([10, 100], [2, 30]), ([10] * 3, [1, 3, 2]), ([100] * 3, [20, 40, 30]),
                  ([10, 100], [0, 1]), ([10] * 3, [0, 0, 0]), ([100] * 3, [0, 1, 1])]],
         words=["arrays: 2 MB for 10 images, 30 MB for 100 images", "shards: 0 MB for 10 images, 1 MB"]),
    case(plots.speed_up, [1, 2, 4], {"a": [1, 1.9, 3.5], "b": [1, 1.5, 2]}, words=["With all of them: a 3.5; b 2.0"],
         curves=[[([1, 2, 4], [1, 2, 4]), ([1, 2, 4], [1, 1.9, 3.5]), ([1, 2, 4], [1, 1.5, 2])]]),
    case(plots.logged, [0.5, 0.3], [0.5, 0.31], words=["2 epochs", "difference 0.0100"],
         curves=[[([1, 2], [0.5, 0.3]), ([1, 2], [0.5, 0.31])]]),
    case(plots.sweep, [{"rate": 0.1, "base": 4, "loss": 0.5}, {"rate": 0.01, "base": 8, "loss": 0.3}], 1,
         words=["2 trials", "after number 1", "best has 8 channels"], curves=[[([0.1], [0.5]), ([0.01], [0.3])]]),
    case(plots.waiting_times, {"plain": [0.002, 0.001], "eight": [0.004]}, words=["plain, eight"],
         curves=[[([1, 2], [0.5, 1]), ([4], [1]), ([0, 1], [0.5, 0.5]), ([0, 1], [0.99, 0.99])]]),
]
# fmt: on


@pytest.mark.parametrize("held_against_what_was_given", CASES)
def test_a_figure_draws_what_it_is_given(held_against_what_was_given):
    held_against_what_was_given()


# ---- What needs more words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "kind", "both"), [(6, "shape", False), (4, "shape", True), (1, "background", False)])
def test_what_one_pixel_sees_is_framed_and_the_rest_faded(row, kind, both, monkeypatch):
    box = receptive_field.Box(row - 2, row + 3, 9, 12)
    monkeypatch.setattr(receptive_field, "theoretical", lambda model, pixel: {("net", (row, 10)): box}[model, pixel])
    faded = np.where(box.inside(16, 20)[..., None], NOISE[0], 0.3 * NOISE[0] + 0.7)
    content = "shape and background" if both else f"nothing but {kind}"
    words = ["With 1 pooling", f"says {kind}, sees 3 x 5 px: {content}, by the mask."]
    given = NOISE[0], TRUTH[0], {1: "net"}, row
    axes, _ = check(plots.seen_from, *given, poolings=1, column=10, panels=[faded, NOISE[0]], words=words)
    assert axes[0].patches[0].get_bbox().bounds == (8.5, row - 2.5, 3, 5)
    assert (*axes[1].get_xlim(), *axes[1].get_ylim()) == (8.5, 11.5, row + 2.5, row - 2.5)


def test_the_u_is_drawn_to_scale(monkeypatch):
    encoder = [
        ("image", "image", 1, (32, 16, 3)),
        ("enc1", "encoder", 1, (32, 16, 2)),
        ("enc2", "encoder", 2, (16, 8, 4)),
    ]
    decoder = [("dec2", "decoder", 2, (16, 8, 4), 4, 8), ("dec1", "decoder", 1, (32, 16, 2), 0, 4)]
    ends = [("bottleneck", "bottleneck", 3, (8, 4, 8)), *decoder, ("head", "head", 1, (32, 16, 1))]
    blocks = [inspect_model.Block(*parts) for parts in [*encoder, *ends]]
    monkeypatch.setattr(inspect_model, "blocks", {"model": blocks}.get)
    words = ["bottom 8×4 with 8 channels; up its right side 16×8 with 4 channels, 32×16 with 2", "these levels: 2."]
    (axis,), _ = check(plots.u_shape, "model", words=words)
    sizes = np.array([(bar.get_width(), bar.get_height()) for bar in axis.patches if isinstance(bar, plt.Rectangle)])
    # image, enc1, enc2, bottleneck, skip and below of dec2, dec2, below of dec1, dec1, head
    assert np.allclose(sizes[:, 0] / sizes[1, 0], [1.5, 1, 2, 4, 2, 4, 2, 2, 1, 0.5])
    assert np.allclose(sizes[:, 1] / sizes[1, 1], [1, 1, 0.5, 0.25, 0.5, 0.5, 0.5, 1, 1, 1])
    assert {"4+8", "32×16", "8×4", "level 3"} <= set(READ["texts"](axis))


def test_pairs_of_a_folder_show_edges_a_tint_and_void():
    target, weight = np.zeros((16, 20), np.int32), np.ones((16, 20), np.float32)
    target[4:10, 5:15], weight[12:] = 1, 0
    one = folders.Pair("one", np.full((16, 20, 1), 0.5, np.float32), target, weight)
    fig, alt = plots.pairs.__wrapped__([one, one], "mask", ["background", "cell"])
    shown = fig.axes[1].images[0].get_array()
    orange = to_rgb(plots.ORANGE)
    assert np.allclose(shown[4, 5], orange) and np.allclose(shown[6, 9], 0.35 + 0.3 * np.array(orange), atol=1e-6)
    assert np.allclose(shown[0, 0], 0.5) and np.allclose(shown[13, 3], to_rgb(plots.GREY)) and "one 19%" in alt
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["background", "cell"]


def test_edges_lie_around_masks_and_objects():
    axes, _ = check(plots.overlays, NOISE, TRUTH, ABC, row_labels=["row"], panels=NOISE)
    assert f"{TRUTH[0].mean():.0%}, " in plots.overlays.__wrapped__(NOISE, TRUTH)[1]
    edge = axes[0].collections[-1].get_paths()[0].vertices
    assert np.allclose([edge.min(0), edge.max(0)], [(4.5, 3.5), (14.5, 9.5)], atol=0.5)
    assert (axes[0].get_xlim(), axes[0].get_ylim()) == ((-0.5, 19.5), (15.5, -0.5))
    image, labels = NUCLEI
    axes, _ = check(plots.outlines, image, [labels, 0 * labels], ["a", "b"], panels=[image, image])
    assert [len(axis.collections) for axis in axes] == [len(np.unique(labels)) - 1, 0]
    axes, _ = check(
        plots.answers, [image] * 2, [labels, 0 * labels], [0 * labels, labels], ["a", "b"], panels=[image, image]
    )
    found = [to_rgb(plots.YELLOW), to_rgb(plots.SKY)]
    assert [tuple(axis.collections[0].get_edgecolor()[0, :3]) for axis in axes] == found
    y, x = np.nonzero(labels == np.unique(labels)[1])
    edge = axes[0].collections[0].get_paths()[0].vertices
    assert np.allclose([edge.min(0), edge.max(0)], [(x.min() - 0.5, y.min() - 0.5), (x.max() + 0.5, y.max() + 0.5)])


def test_noise_and_line_change_the_picture_but_not_the_mask():
    plan, pictures = shapes.plan([8], seed=2), []
    plan.outlined[:] = True
    mask = shapes.paint(plan).masks[0]
    for noise, width in [(0.02, 0.045), (0.3, 0.045), (0.02, 0.09)]:
        words = [f"With noise {noise:g} and line {width:g}", f"{mask.sum():,} pixels"]
        axes, _ = check(plots.repainted, plan, noise=noise, line=width, panels={1: mask}, words=words)
        pictures.append(seen(axes[0]))
        assert np.array_equal(axes[2].lines[0].get_ydata(), pictures[-1][32, :, 0])
    assert not any(np.array_equal(pictures[0], other) for other in pictures[1:])


def test_maps_are_painted_in_the_colours_of_their_legends():
    sample = shapes.draw([4], seed=3)
    axes, _ = check(plots.maps, sample, panels=[sample.images[0]], words=[shapes.CLASS_NAMES[sample.classes.max()]])
    for axis, chart in zip(axes[1:], [sample.masks[..., 0], sample.classes, sample.instances, sample.styles]):
        assert {int(label.split()[0]) for label in legend(axis)} == set(np.unique(chart))
        for label, colour in legend(axis).items():
            assert np.allclose(seen(axis)[chart[0] == int(label.split()[0])], colour)
    axes, _ = check(plots.class_maps, [NOISE, [LABELS] * 3], ["image", "truth"], NAMES, panels=NOISE)
    assert legend(axes[0]) == {name: to_rgb(plots.CLASS_COLOURS[name]) for name in NAMES}
    assert np.allclose(seen(axes[4]), painted(LABELS, *legend(axes[0]).values()))


def test_the_animation_shows_image_truth_and_output_at_every_moment():
    samples, output = shapes.draw(3, size=32), np.random.default_rng(1).integers(0, 256, (5, 3, 32, 32), np.uint8)
    data, words = plots.emerging_animation(samples.images, samples.masks, output, [0, 1, 3, 9, 27])
    picture, places = Image.open(io.BytesIO(data)), range(0, 210, 70)
    assert words == "An animation over 27 training steps: 3 images, their masks, the output."
    assert (picture.format, picture.is_animated, picture.n_frames, picture.default_image) == ("PNG", True, 6, True)
    for number, moment in enumerate([4, 0, 1, 2, 3, 4]):  # a program that knows no animation shows the last one
        picture.seek(number)
        pixels = np.asarray(picture.convert("RGB"), float) / 255
        images, truth, shown = ([pixels[y : y + 64 : 2, 70 + x : 134 + x : 2] for x in places] for y in places)
        assert np.abs(images - samples.images).mean() < 0.03
        assert np.array_equal(truth, np.repeat(samples.masks, 3, axis=-1))
        assert np.abs(shown - matplotlib.colormaps["viridis"](output[moment] / 255)[..., :3]).max() < 0.05
        assert number == 0 or picture.info["duration"] == (3000 if moment == 4 else 300) and picture.info["loop"] == 0


def test_objects_have_their_colours_and_verdicts_those_of_their_legend():
    expected = painted([[-1, 0, 1], [6, 0, -1]], *paper.OBJECTS, "white")
    assert np.allclose(paper.coloured(np.array([[0, 1, 2], [7, 8, 0]])), expected)
    joined = [objects.label(mask[..., 0]) for mask in TOUCHING.masks]
    given = TOUCHING.images, TOUCHING.instances, {"joined": joined, "right": list(TOUCHING.instances)}
    words = ["right: matched 8, under-segmented 0, over-segmented 0, false negative 0"]
    axes, _ = check(plots.verdicts, *given, panels=TOUCHING.images, words=words)
    assert list(legend(axes[0])) == ["matched", "under-segmented", "over-segmented", "false negative"]
    for number, (word, _) in objects.fates(TOUCHING.instances[0], joined[0]).items():
        assert np.allclose(seen(axes[2])[TOUCHING.instances[0] == number], legend(axes[0])[word])
    assert [axes[k].get_ylabel() for k in (0, 2, 4)] == ["image", "joined", "right"]
    assert not any(character.isdigit() for character in check(plots.verdicts, *given, live=True)[1])


def test_costs_are_pairs_of_bars_from_zero_with_amounts_and_ratios():
    costs = {(3, 8): (1000, 2 * 10**6, 10**5, 100), (1, 4): (250, 30 * 10**6, 10**5, 18)}
    words = ["Depth 1, base 4 against depth 3, base 8: parameters × 0.25, million MACs × 15"]
    texts = [["1,000", "250\n× 0.25"], ["2.0", "30.0\n× 15"], ["0.1", "0.1\n× 1.0"], ["100", "18\n× 0.18"]]
    rows = [["depth 3, base 8", "depth 1, base 4"]]
    axes, _ = check(plots.cost_of_size, costs, depth=1, base=4, words=words, texts=texts, rows=rows)
    widths = [[bar.get_width() for bar in axis.patches] for axis in axes]
    assert np.allclose(widths, [[1000, 250], [2, 30], [0.1, 0.1], [100, 18]])
    assert {axis.get_xlim()[0] for axis in axes} == {0} and axes[0].yaxis_inverted()


def test_marked_pixels_lie_at_their_loss():
    words = ["truth 1 at 0.9 loses 0.11, truth 0 at 0.2 loses 0.22"]
    (axis,), _ = check(plots.cross_entropy_curves, [1, 0, 1], [0.9, 0.2, 1e-6], words=words)
    marked = [line.get_xydata()[0] for line in axis.lines if len(line.get_xydata()) == 1]
    assert np.allclose(marked, [[0.9, -np.log(0.9)], [0.2, -np.log(0.8)], [1e-6, -np.log(1e-6)]])
    assert axis.get_ylim()[1] > -np.log(1e-6) and list(legend(axis)) == ["truth 1", "truth 0"]


def test_the_histograms_count_every_nucleus():
    image, labels = WHOLE_NUCLEI
    words = ["125 nuclei", f"background {np.median(image[labels == 0]):.2f}, nuclei {np.median(image[labels > 0]):.2f}"]
    axes, _ = check(plots.pixels_and_objects, image, labels, words=words)
    assert [sum(bar.get_height() for bar in axis.patches) for axis in axes] == [image.size, 125, 125]
    assert axes[0].patches[0].get_height() == np.sum(image[labels == 0] < 0.01)
    assert list(legend(axes[0])) == ["background", "nuclei"] and axes[1].get_xlabel() == "size, pixels"
