"""The checks of notebook 06: an empty stub waits, a right answer passes, each typical mistake gets its own hint."""

import numpy as np
import pytest

from utils import checks, experiments, losses, metrics, unet

WIDTHS = {2: 8, 1: 10}
"""The right answers of "the same budget", one a depth."""


def entropy(t, p):
    return losses.binary_cross_entropy(t, p)


def rims(t, p, t_edge=metrics.near_edge, p_edge=metrics.near_edge):
    return metrics.iou(t & t_edge(t), p & p_edge(p))


spread, rim, budget, focal = checks.beyond_spread, checks.rim_iou, checks.same_budget, checks.focal_by_hand
CASES = [
    *((check, lambda *args: None, "Waiting") for check in (spread, rim, budget, focal)),
    *((check, lambda *args: 1 / 0, "stopped with ZeroDivisionError") for check in (spread, rim, budget, focal)),
    (spread, experiments.disjoint, "Right."),
    (spread, lambda a, b: max(a.min(), b.min()) > min(a.max(), b.max()), "Right."),
    (rim, rims, "Right."),
    (budget, lambda depth, parameters: WIDTHS[depth], "Right."),
    (focal, lambda t, p, g: (1 - np.where(t == 1, p, 1 - p)) ** g * entropy(t, p), "Right."),
    (spread, lambda a, b: a.min() > b.max(), "it should be True: the first is lower"),
    (spread, lambda a, b: b.min() > a.max(), "order must not matter"),
    (spread, lambda a, b: bool(a.mean() != b.mean()), "the ranges overlap"),
    (spread, lambda a, b: a.mean() - b.mean(), "return True or False"),
    (spread, lambda a, b: not any(b.min() <= x <= b.max() for x in a), "the first has values"),
    (spread, lambda a, b: not any(a.min() <= x <= a.max() for x in b), "the second has values"),
    (rim, metrics.iou, "whole masks"),
    (rim, lambda t, p: metrics.iou(metrics.near_edge(t), metrics.near_edge(p)), "both sides"),
    (rim, lambda t, p: rims(t, p, p_edge=lambda _: metrics.near_edge(t)), "rim of its own"),
    (rim, lambda t, p: metrics.iou(t, p, per_image=True), "one number"),
    (rim, lambda t, p: 0.5, "You return 0.5; it should be"),
    (budget, lambda d, n: WIDTHS[d] + 1, "comes closer"),
    (budget, lambda d, n: 8.0, "whole number"),
    (budget, lambda d, n: WIDTHS[2], "For depth 1"),
    (focal, lambda t, p, g: -losses.focal(t, p, g), "sign"),
    (focal, lambda t, p, g: entropy(t, p), "factor"),
    (focal, lambda t, p, g: (1 - p) ** g * entropy(t, p), "with 1 - p"),
    (focal, lambda t, p, g: np.where(t == 1, p, 1 - p) ** g * entropy(t, p), "how wrong"),
    (focal, lambda t, p, g: losses.focal(t, p, g).mean(), "one value a pixel"),
    (focal, lambda t, p, g: losses.focal(t, p, 2.0), "For gamma 0"),
]


@pytest.mark.parametrize(("check", "answer", "words"), CASES)
def test_what_is_said_about_an_answer(capsys, check, answer, words):
    check(answer)
    out = capsys.readouterr().out
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words in out, out


@pytest.mark.parametrize(("depth", "parameters"), [(2, 30_000), (1, 10_000)])
def test_no_neighbour_of_the_right_width_comes_closer(depth, parameters):
    distance = [
        abs(unet.build_unet((32, 32, 3), depth=depth, base=WIDTHS[depth] + k).count_params() - parameters)
        for k in (-1, 0, 1)
    ]
    assert min(distance) == distance[1]
