"""The checks of notebook 06: an empty stub waits, a right answer passes, typical mistakes are named."""

import numpy as np
import pytest

from utils import checks, experiments, losses, metrics, unet


def said(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out


def width(depth, parameters):
    return min(range(1, 40), key=lambda base: abs(unet.build_unet(depth=depth, base=base).count_params() - parameters))


RIGHT = [
    (checks.beyond_spread, experiments.apart),
    (checks.beyond_spread, lambda a, b: max(a.min(), b.min()) > min(a.max(), b.max())),
    (checks.rim_iou, metrics.boundary_iou),
    (checks.same_budget, width),
    (checks.focal_by_hand, losses.focal),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_an_empty_stub_waits(capsys, check, answer):
    assert said(capsys, check, lambda *args: None).startswith("…")


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_a_right_answer_passes(capsys, check, answer):
    assert said(capsys, check, answer) == "✓ Right.\n"


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (checks.beyond_spread, lambda a, b: a.min() > b.max(), "it should be True: the first is lower"),
        (checks.beyond_spread, lambda a, b: b.min() > a.max(), "order must not matter"),
        (checks.beyond_spread, lambda a, b: bool(a.mean() != b.mean()), "the ranges overlap"),
        (checks.beyond_spread, lambda a, b: abs(a.mean() - b.mean()) > 0.012, "the ranges overlap"),
        (checks.beyond_spread, lambda a, b: a.mean() - b.mean(), "return True or False"),
        (checks.beyond_spread, lambda a, b: not any(b.min() <= x <= b.max() for x in a), "the first has values"),
        (checks.beyond_spread, lambda a, b: not any(a.min() <= x <= a.max() for x in b), "the second has values"),
        (checks.rim_iou, metrics.iou, "whole masks"),
        (checks.rim_iou, lambda t, p: metrics.iou(metrics.near_edge(t), metrics.near_edge(p)), "both sides"),
        (
            checks.rim_iou,
            lambda t, p: metrics.iou(t & metrics.near_edge(t), p & metrics.near_edge(t)),
            "rim of its own",
        ),
        (checks.rim_iou, lambda t, p: metrics.iou(t, p, per_image=True), "one number"),
        (checks.rim_iou, lambda t, p: 0.5, "it should be"),
        (checks.same_budget, lambda d, n: width(d, n) + 1, "comes closer"),
        (checks.same_budget, lambda d, n: 8.0, "whole number"),
        (checks.same_budget, lambda d, n: width(2, n), "For depth 1"),
        (checks.focal_by_hand, lambda t, p, g: -losses.focal(t, p, g), "sign"),
        (checks.focal_by_hand, lambda t, p, g: losses.binary_cross_entropy(t, p), "factor"),
        (checks.focal_by_hand, lambda t, p, g: (1 - p) ** g * losses.binary_cross_entropy(t, p), "p itself"),
        (
            checks.focal_by_hand,
            lambda t, p, g: np.where(t == 1, p, 1 - p) ** g * losses.binary_cross_entropy(t, p),
            "how wrong",
        ),
        (checks.focal_by_hand, lambda t, p, g: losses.focal(t, p, g).mean(), "one value a pixel"),
        (checks.focal_by_hand, lambda t, p, g: losses.focal(t, p, 2.0), "For gamma 0"),
    ],
)
def test_a_typical_mistake_is_named(capsys, check, answer, words):
    out = said(capsys, check, answer)
    assert out.startswith("✗") and words in out
