"""Random and hostile input to every public function of utils.plots: a picture with its text, or an error in words.

As in test_hostile.py, but a figure takes 20 to 100 ms where a function takes one. So figures are drawn at 10 dots an inch, and
an argument does not meet all 146 oddities of ``JUNK``: it meets every 20th, 7 of them. Each argument begins at another one, so
that each oddity meets about 10 of the 200 arguments. With the variable ``EVERY=1`` every argument meets all.
"""

import functools
import importlib
import inspect
import io
import os
import pkgutil
import zlib

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from tests.test_hostile import JUNK, Case, fresh, label_map, network, replaced, try_at_random, try_each
from utils import cost, experiments, metrics, nuclei, plots, shapes, training
from utils import given as checked
from utils.plots import base, guard

EVERY = int(os.environ.get("EVERY", 20))
NAMES = ("ground", "disc", "square", "triangle")


# ---- What works --------------------------------------------------------------------------------------------------------


def noise(*shape):
    return np.random.default_rng(0).random(shape).astype(np.float32)


def image():
    return noise(16, 16, 3)


def images():
    return noise(2, 16, 16, 3)


def mask():
    cells = np.zeros((16, 16, 1), np.uint8)
    cells[3:9, 4:12] = 1
    return cells


def masks():
    return np.stack([mask(), mask()[::-1]])


def probability():
    return noise(2, 16, 16, 1)


def cells():
    """Two shapes, and ground at (10, 10)."""
    labels = np.zeros((16, 16), np.int32)
    labels[2:8, 2:6], labels[9:14, 12:15] = 1, 2
    return labels


def class_map():
    return np.random.default_rng(0).integers(0, 4, (16, 16)).astype(np.uint8)


def stack():
    return noise(16, 16, 3)


def of_classes():
    return np.random.default_rng(0).dirichlet(np.ones(4), (16, 16))


def history(epochs=3):
    return training.History(*([0.1 + 0.2 * k for k in range(epochs)] for _ in range(5)))


def table():
    scores = ("iou", "boundary", "recall triangle", "precision triangle")
    values = {name: {score: np.array([0.5, 0.7, 0.6]) for score in scores} for name in ("10 a", "20 a", "10 b", "20 b")}
    return experiments.Table("try", "made", values)


def calibration():
    return metrics.calibration(masks(), probability(), 5)


def costs():
    return {
        (depth, base): (1000 * base * depth, 10**6 * base, 10**5 * base, 20 * depth)
        for depth in (1, 2)
        for base in (4, 8)
    }


def field():
    return np.full((16, 16), 1 / 256)


def leaky():
    test = np.zeros((16, 16), bool)
    test[:6] = True
    return {"half": test}


def segment(level=0):
    return np.where(label_map() > level, label_map(), 0)


def png():
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG")
    return buffer.getvalue()


@plots.figure
def tiny(number=0.5):
    """Draw a point."""
    fig, axis = plt.subplots(figsize=(1, 1))
    axis.plot([0, 1], [0, number / 2])
    return fig, f"A line up to {number}."


PAIR = {"images": images, "masks": masks}
SAMPLE = {"truth": label_map, "predicted": lambda: label_map(1)}
ARGUMENTS = {
    "architecture.window_and_kernel": dict(window=lambda: np.eye(3), kernel=lambda: -np.eye(3), alt="said"),
    "architecture.seen_from": dict(image=image, mask=mask, models=lambda: {1: network()}, row=5, poolings=1, column=6),
    "architecture.u_shape": dict(model=network),
    "base.pictures": dict(
        images=lambda: [image(), mask()], titles=lambda: ["a", "b"], alt="said", columns=2, cmap="gray", limits=(0, 1), side=1.0
    ),
    "building.channels": dict(features=lambda: noise(1, 8, 8, 3), alt="said", count=2, title="channel {}"),
    "building.signal_strength": dict(strengths=lambda: {"a": [1.0, 2.0, 3.0], "b": [3.0, 2.0, 0.1]}),
    "building.output_window": dict(image=image, mask=mask, output=8),
    "building.cost_by_stage": dict(rows=lambda: cost.layer_table(network())),
    "building.cost_of_size": dict(costs=costs, depth=2, base=4, than=(1, 4)),
    "classes.class_maps": dict(
        rows=lambda: [list(images()), [class_map()] * 2], row_labels=lambda: ["x", "y"], names=NAMES, titles=lambda: ["a", "b"],
        alt="said",
    ),
    "classes.label_channels": dict(
        image=image, labels=class_map, stack=stack, names=NAMES, first="map", titles=lambda: ["a", "b", "c"], alt="said"
    ),
    "classes.class_curves": dict(history=history, chance=0.2),
    "classes.confusion": dict(
        tables=lambda: {"one": np.arange(9).reshape(3, 3)}, names=NAMES[:3], columns=NAMES[:3], alt=None
    ),
    "classes.which_iou": dict(values=lambda: {"first": 0.9, "second": 0.5}),
    "classes.claimed": dict(image=image, truth=class_map, probability=of_classes, names=NAMES, threshold=0.6),
    "classes.two_heads": dict(softmax=lambda: noise(5, 4), sigmoid=lambda: noise(5, 4), names=NAMES),
    "classes.weight_effect": dict(table=table, rare="triangle", conditions=lambda: ["10 a", "10 b"]),
    "data.overlays": dict(
        images=images, masks=masks, titles=lambda: ["a", "b"], alt="said", columns=1, row_labels=lambda: ["x", "y"], side=1.0
    ),
    "data.repainted": dict(plan=lambda: shapes.plan([8], seed=2), noise=0.02, line=0.045),
    "data.maps": dict(sample=lambda: shapes.draw(1, size=16)),
    "data.outline_problem": dict(
        with_shape=lambda: shapes.draw(1, size=16), without=lambda: shapes.draw([1], size=16), window=slice(4, 9)
    ),
    "data.balance": dict(
        by_kind=lambda: {"ground": 0.8, "disc": 0.2}, by_style=lambda: {"ground": 0.8, "filled": 0.1, "outlined": 0.1}
    ),
    "data.weight_map": dict(instances=cells, place=(10, 10), weights=lambda: {"one": noise(16, 16)}),
    "experiments.spread": dict(table=table, score="iou", reference="10 b"),
    "experiments.study": dict(tables=lambda: {"try": table()}, name="try"),
    "experiments.rims": dict(truth=mask, predicted=lambda: mask()[::-1], distances=lambda: [1]),
    "experiments.pull": dict(logits=lambda: np.linspace(-3, 3, 7), gradients=lambda: {"a": np.ones(7), "b": np.zeros(7)}),
    "experiments.by_images": dict(table=table, score="iou"),
    "paper.crops": dict(sizes=lambda: [(64, 56), (32, 20)]),
    "paper.laid_over": dict(image=image, output=lambda: noise(8, 8)),
    "paper.objects": dict(
        rows=lambda: [[image(), label_map()], [noise(16, 16), label_map()]], titles=lambda: ["a", "b"], alt="said",
        row_labels=lambda: ["x", "y"], side=1.0,
    ),
    "paper.distances_and_weight": dict(labels=label_map, w0=10.0, sigma=5.0),
    "paper.verdicts": dict(
        images=lambda: images()[:1], truths=lambda: [label_map()], predictions=lambda: {"a": [label_map(1)]}, live=False
    ),
    "paper.bent": dict(image=image, mask=mask, coarse=lambda: noise(2, 3, 3)),
    "paper.bent_by": dict(image=image, mask=mask, deviation=1.25),
    "paper.mirrored": dict(picture=image, border=3),
    "paper.seams_by_halo": dict(image=image, whole=lambda: noise(16, 16, 1), tiled=lambda: {8: noise(16, 16, 1)}, tile=8),
    "paper.memory": dict(sides=lambda: [512, 1024], megabytes=lambda: {"one": [10, 40], "two": [5, 5]}),
    "real_images.pixels_and_objects": dict(image=lambda: noise(16, 16), labels=label_map),
    "real_images.who_sees_what": dict(
        image=lambda: noise(16, 16), roles=lambda: dict(zip(nuclei.QUADRANTS, ("validation", "train", "test", "train")))
    ),
    "real_images.tiles_that_leak": dict(labels=label_map, tests=leaky),
    "real_images.cut": dict(image=lambda: noise(16, 16), truth=label_map, segment=lambda: segment, level=3),
    "real_images.object_scores": dict(curves=lambda: {"one": [0.9, 0.8, 0.7, 0.5, 0.1], "two": [[0.5] * 5, [0.6] * 5]}),
    "real_images.outlines": dict(
        image=lambda: noise(16, 16), labels=lambda: [label_map(), label_map(1)], titles=lambda: ["a", "b"], alt="said"
    ),
    "real_images.worst": dict(image=lambda: noise(16, 16), **SAMPLE, cases=lambda: [(5, 5, "a\nb"), (0, 15, "c")], reach=4),
    "training.cross_entropy_curves": dict(truth=lambda: [1, 0], probability=lambda: [0.9, 0.2]),
    "training.overfitting": dict(losses=lambda: [0.7, 0.1], **PAIR, probability=probability),
    "training.learning_rate": dict(rates=lambda: [0.1, 0.2]),
    "training.training_curves": dict(history=history),
    "training.threshold_masks": dict(
        masks=masks, probability=probability, thresholds=lambda: [0.2, 0.5], scores=lambda: [0.7, 0.9], threshold=0.5
    ),
    "training.compare_runs": dict(histories=lambda: {"a": history(), "b": history(2)}),
    "training.recall_by_style": dict(recalls=lambda: {"a": {"filled": 0.9, "outlined": 0.5}}),
    "training.side_by_side": dict(rows=lambda: [[image(), mask()], [image(), noise(16, 16)]], titles=lambda: ["a", "b"]),
    "training.seed_spread": dict(
        rows=lambda: [{"network": n, "iou": k / 10, "filled": 0.9, "outlined": 0.8} for n in "ab" for k in (3, 6)]
    ),
    "training.products_and_time": dict(levels=lambda: [("64", 0.25, 0.3, 0.15), ("32", 0.5, 0.1, 0.05)]),
    "visualizing.from_image_to_errors": dict(
        **PAIR, probability=probability, row_labels=lambda: ["x", "y"], threshold=0.5
    ),
    "visualizing.feature_u": dict(maps=lambda: {name: noise(8, 8, 2) for name in ("enc1", "bottleneck", "dec1")}),
    "visualizing.grid": dict(rows=lambda: [[image(), mask()]], titles=lambda: ["a", "b"], alt="said", cmap="viridis"),
    "visualizing.skip_cut": dict(images=images, outputs=lambda: {"none": probability()}, cut="none"),
    "visualizing.seams": dict(image=image, whole=lambda: noise(16, 16, 1), tiled=lambda: noise(16, 16, 1), tile=8),
    "visualizing.effective_fields": dict(
        fields=lambda: {"a": field()}, pixel=(5, 5), squares=lambda: {"a": (5, 9)}, theory=40
    ),
    "visualizing.reliability": dict(everywhere=calibration, uncertain=calibration),
    "visualizing.error_maps": dict(**PAIR, predicted=masks, titles=lambda: ["a", "b"], alt="said", columns=2),
}  # fmt: skip


def named(name):
    """A public function of utils.plots by its module and name."""
    module, function = name.split(".")
    return getattr(importlib.import_module(f"utils.plots.{module}"), function)


def is_picture(answer, given):
    data, alt = answer
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        assert picture.format == "PNG" and 1 <= min(picture.size) <= max(picture.size) <= guard.PIXELS
    assert isinstance(alt, str) and alt.strip()
    assert plt.get_fignums() == []


def is_animation(answer, given):
    with Image.open(io.BytesIO(answer)) as picture:
        assert picture.n_frames == 1 + len(given["output"])


def is_colours(answer, given):
    assert answer.shape == (*np.shape(given["labels"]), 3) and (
        not answer.size or 0 <= answer.min() <= answer.max() <= 1
    )


def is_fates(answer, given):
    assert set(answer) == set(np.unique(given["truth"]).tolist()) - {0}
    assert set(answer.values()) <= {"merged", "split", "matched", "missed"}


CASES = {
    name: Case(functools.partial(plots.render, named(name)), fresh(**works), is_picture, 4)
    for name, works in ARGUMENTS.items()
} | {
    "base.figure": Case(base.figure, fresh(draw=lambda: tiny), lambda a, g: a.__name__),
    "base.render": Case(base.render, fresh(draw=lambda: tiny), is_picture, 10),
    "base.show_png": Case(base.show_png, fresh(png=png, alt="said"), examples=20),
    "base.smaller": Case(base.smaller, fresh(png=png), lambda a, g: len(a) <= len(g["png"])),
    "paper.coloured": Case(named("paper.coloured"), fresh(labels=label_map), is_colours),
    "paper.fates": Case(named("paper.fates"), fresh(**SAMPLE), is_fates),
    "visualizing.emerging_animation": Case(
        named("visualizing.emerging_animation"),
        fresh(**PAIR, output=lambda: (255 * noise(3, 2, 16, 16)).astype(np.uint8), steps=lambda: [0, 1, 3]), is_animation, 10,
    ),
}  # fmt: skip

EXEMPT = {
    "base.fill_rows": "draws into a figure that render checks; tried through side_by_side and grid",
    "guard.arguments": "Python's own binding; what render was called with",
    "guard.takes": "reads a docstring",
    "guard.in_words": "makes the errors that are looked at here",
    "guard.check_answer": "a check that render calls",
    "guard.check_text": "a check that render and show_png call",
    "guard.clipping": "takes no argument",
    "guard.check_seen": "a check that render calls",
    "inputs.subplots": "makes the panels; hostile numbers come through the figures",
    "inputs.in_rows": "a check that figures call",
    "inputs.check_lengths": "a check that figures call",
    "inputs.told_apart": "a check that figures call",
    "inputs.curve": "a check that figures call",
    "inputs.check_shares": "a check that figures call",
    "inputs.colour_picture": "a check that figures call",
    "inputs.mask_of": "a check that figures call",
    "inputs.check_sizes": "a check that figures call",
    "inputs.check_square": "a check that figures call",
    "inputs.borders_of_tiles": "a check that figures call",
}


# ---- The tests ---------------------------------------------------------------------------------------------------------

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(autouse=True, scope="module")
def small():
    """Figures of few pixels that nobody sees."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(plots.STYLE, "figure.dpi", 10)
        patch.setattr(base, "display", lambda *bundle, **more: None)
        yield
    plt.close("all")


def public():
    """Names of all public functions of utils.plots."""
    for found in pkgutil.iter_modules(plots.__path__):
        module = importlib.import_module(f"utils.plots.{found.name}")
        for name, value in vars(module).items():
            own = getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
            if own and (inspect.isfunction(value) or inspect.isclass(value)):
                yield f"{found.name}.{name}"


def test_every_public_function_is_tried_or_exempt_with_a_reason():
    names = set(public())
    assert names - set(CASES) - set(EXEMPT) == set(), "give it a case, or a reason"
    assert (set(CASES) | set(EXEMPT)) - names == set(), "these are gone"
    assert not set(CASES) & set(EXEMPT)


def test_a_case_tries_every_argument():
    for name, case in CASES.items():
        parameters = inspect.signature(named(name)).parameters.values()
        assert {p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)} <= set(case.works()), (
            name
        )


@pytest.mark.parametrize("name", CASES)
def test_what_works_works(name):
    case = CASES[name]
    answer = case.call(**case.works())
    if case.right:
        case.right(answer, case.works())


def endless(value):
    """A list of 2 ** 40 entries is in order where a list is, and takes hours."""
    return isinstance(value, range) and len(value) > 1000


def oddities(name, argument):
    """Every 20th oddity, from a place that depends on the argument."""
    start = zlib.crc32(f"{name} {argument}".encode()) % EVERY
    return [value for value in JUNK[start::EVERY] if not endless(value)]


@pytest.mark.parametrize("name", CASES)
def test_every_argument_against_some_oddities(name):
    case = CASES[name]
    try_each(case, ((argument, value) for argument in case.works() for value in oddities(name, argument)))


@pytest.mark.parametrize("name", CASES)
def test_random_arguments(name):
    case = CASES[name]
    try_at_random(case, list(case.works()), lambda argument, value: endless(value))


# ---- What the guard says and refuses -----------------------------------------------------------------------------------


def test_an_error_names_the_figure_the_argument_and_what_is_allowed():
    with pytest.raises(ValueError, match="pictures cannot draw this: columns is 0; it must lie in 1..200") as caught:
        plots.pictures([np.zeros((8, 8))], alt="Black.", columns=0)
    words = str(caught.value)
    assert "images = [" in words and "columns = 0" in words
    assert "\n  columns: how many in a row; all by default, at most 6." in words
    assert isinstance(caught.value.__cause__, ValueError) and len(words.splitlines()) <= 12


def test_an_error_from_the_inside_of_python_is_put_into_words():
    with pytest.raises(
        ValueError, match="(?s)skip_cut cannot draw this: KeyError '7'.*It takes:.*cut: the one to show"
    ):
        plots.skip_cut(images(), {"none": probability()}, cut="7")


def test_a_missing_or_unknown_argument_is_pythons_own_error():
    with pytest.raises(TypeError, match="missing a required argument: 'alt'"):
        plots.pictures([np.zeros((8, 8))])
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        plots.pictures([np.zeros((8, 8))], alt="Black.", colour="red")


def test_a_figure_without_a_list_of_arguments_says_its_first_line():
    with pytest.raises(TypeError, match="(?s)tiny cannot draw this.*number = 'x'.*It takes:\n  Draw a point."):
        plots.render(tiny, "x")


@pytest.mark.parametrize(
    "fails", [lambda: 1 / 0, lambda: "no figure", lambda: (plt.figure(), 7), lambda: (plt.figure(), " ")]
)
def test_a_figure_that_fails_leaves_no_figure_open_and_closes_no_other(fails):
    mine = plt.figure()

    @plots.figure
    def draw():
        plt.subplots(1, 2, figsize=(1, 1))
        return fails()

    with pytest.raises((ValueError, TypeError), match="draw cannot draw this"):
        draw()
    assert plt.get_fignums() == [mine.number]
    plt.close(mine)


def with_nan(picture):
    picture = np.array(picture, np.float32)
    picture[2, 3] = np.nan
    return picture


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (with_nan(np.zeros((8, 8))), "holds 1 values that are NaN or infinite"),
        (with_nan(np.zeros((8, 8, 3))), "holds 3 values that are NaN or infinite"),
        (np.full((8, 8), np.inf), "NaN or infinite"),
        (np.full((8, 8, 3), 255.0), "a colour picture runs from 255 to 255; its values must lie in 0..1"),
        (np.linspace(0, 255, 64).reshape(8, 8), "runs from 0 to 255, its colours from 0 to 1"),
        (np.linspace(-1, 1, 64).reshape(8, 8), "runs from -1 to 1, its colours from 0 to 1: 50% of it"),
        (np.eye(8, dtype=np.uint8) * 255, "runs from 0 to 255"),
        (np.stack([np.eye(8, dtype=np.uint8)] * 3, -1), "whole numbers, 0 and 1"),
        (np.zeros((8, 8, 4)), "a colour picture has 3 channels"),
        (np.zeros((0, 8)), "it needs pixels"),
    ],
)
def test_a_picture_that_would_be_shown_wrong_is_refused(picture, words):
    with pytest.raises(ValueError, match=words):
        plots.pictures([picture], alt="A picture.")
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("picture", "limits"),
    [
        (np.linspace(-1e-4, 1 + 1e-4, 64).reshape(8, 8), (0, 1)),
        (np.linspace(-1e-4, 1 + 1e-4, 192).reshape(8, 8, 3), (0, 1)),
        (np.where(np.eye(8) * np.arange(8) > 4, 1.5, 0.5), (0, 1)),
        (np.linspace(0, 255, 64).reshape(8, 8), None),
        (np.linspace(0, 255, 64).reshape(8, 8), (0, 255)),
        (np.eye(8, dtype=bool), (0, 1)),
        (np.full((8, 8, 3), 200, np.uint8), (0, 1)),
    ],
)
def test_rounding_a_few_extremes_and_limits_that_fit_are_not_refused(picture, limits):
    is_picture(plots.render(plots.pictures, [picture], alt="A picture.", limits=limits), {})


@pytest.mark.parametrize(
    ("drawn", "words"),
    [
        (lambda axis: axis.plot([0, 1], [np.nan, np.inf]), "no point with finite numbers"),
        (lambda axis: axis.plot([], []), "no point with finite numbers"),
        (lambda axis: axis.plot(["a", "b"], [0, 1]), "drawn from texts"),
        (lambda axis: [axis.plot([0, 1], [0, 2]), axis.set_ylim(0, 1)], r"the point \(1, 2\) of a line lies outside"),
        (
            lambda axis: [axis.plot([1, 2], [0, 5]), axis.set_yscale("log")],
            r"the point \(1, 0\) of a line lies outside",
        ),
        (lambda axis: axis.bar([0, 1], [1, np.nan]), "a bar or frame has a place or length that is NaN"),
        (lambda axis: axis.figure.set_size_inches(501, 1), "would be 5,010 pixels wide or high"),
    ],
)
def test_what_nobody_would_see_is_refused(drawn, words):
    @plots.figure
    def draw():
        fig, axis = plt.subplots(figsize=(1, 1))
        drawn(axis)
        return fig, "A line or bar."

    with pytest.raises(ValueError, match=words):
        draw()


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("training.compare_runs", {"histories": {k: history() for k in "abcde"}}, "5 things to draw; 1 to 4"),
        ("training.training_curves", {"history": history(0)}, "no point with finite numbers"),
        ("training.threshold_masks", {"threshold": 0.9}, "threshold is 0.9; give one of thresholds"),
        ("paper.memory", {"megabytes": {}}, "0 things to draw"),
        ("classes.class_maps", {"row_labels": ["x"]}, "row_labels 1"),
        ("data.overlays", {"masks": [mask(), mask()[:8]]}, "Heights and widths do not fit together"),
        ("data.overlays", {"masks": [mask(), with_nan(mask())]}, "mask holds 1 values that are NaN"),
        ("real_images.tiles_that_leak", {"tests": {"ones": np.ones((16, 16), int)}}, "it needs bool"),
        ("visualizing.feature_u", {"maps": {"enc1": noise(8, 8, 2), "dec1": noise(8, 8, 2)}}, "an odd number"),
        ("visualizing.seams", {"whole": noise(16, 16)}, "both need"),
        ("classes.label_channels", {"labels": class_map().astype(int) - 2}, "is no class map"),
    ],
)
def test_what_was_left_out_or_misplaced_in_silence_is_refused(name, change, words):
    case = CASES[name]
    with pytest.raises(ValueError, match=words):
        case.call(**replaced(case, change))


def test_a_score_below_the_usual_range_is_drawn():
    rows = [{"network": "a", "iou": 0.1, "filled": 0.9, "outlined": 0.8}]
    fig, _ = plots.seed_spread.__wrapped__(rows)
    assert fig.axes[0].get_xlim()[0] < 0.1
    plt.close(fig)


def test_a_loss_above_the_usual_range_is_drawn():
    fig, _ = plots.cross_entropy_curves.__wrapped__([1], [1e-6])
    assert fig.axes[0].get_ylim()[1] > -np.log(1e-6)
    plt.close(fig)


def test_a_type_is_shown_in_an_error():
    assert checked.shown(np.float32) == "<class 'numpy.float32'>"
