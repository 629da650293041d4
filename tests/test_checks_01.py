"""The checks of notebook 01's exercises: an empty stub waits, a solution passes, typical mistakes get their own message."""

import numpy as np
import pytest

from tests import notebooks
from utils import checks


def said(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out


def windows(features, size):
    height, width, channels = features.shape
    rows, columns = height // size, width // size
    return features[: rows * size, : columns * size].reshape(rows, size, columns, size, channels)


def sliding(features, size):
    view = np.lib.stride_tricks.sliding_window_view(features, (size, size), axis=(0, 1))
    return view.max(axis=(-2, -1))


def padded(features, size):
    rest = [(0, -length % size) for length in features.shape[:2]]
    return windows(np.pad(features, [*rest, (0, 0)], constant_values=-1), size).max(axis=(1, 3))


@pytest.mark.parametrize("check", [checks.max_pooling, checks.receptive_field_rule])
def test_an_empty_stub_waits(capsys, check):
    assert said(capsys, check, lambda *given: None) == "… Waiting for your answer.\n"


@pytest.mark.parametrize(
    "answer",
    [
        lambda features, size: windows(features, size).max(axis=(1, 3)),
        lambda features, size: sliding(features, size)[::size, ::size],
        lambda features, size: windows(features, size).max(axis=(1, 3)).tolist(),
    ],
)
def test_right_pooling_passes(capsys, answer):
    assert said(capsys, checks.max_pooling, answer) == "✓ Right.\n"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda features, size: windows(features, size).mean(axis=(1, 3)), "average pooling"),
        (lambda features, size: windows(features, size).max(axis=(1, 3, 4)), "channels are gone"),
        (sliding, "windows overlap"),
        (padded, "left out"),
        (
            lambda features, size: features[::size, ::size][: len(features) // size, : features.shape[1] // size],
            "first pixel",
        ),
        (lambda features, size: windows(features, size).min(axis=(1, 3)), "not the largest of their window"),
        (lambda features, size: windows(features, 2).max(axis=(1, 3)), "size 3"),
        (lambda features, size: features.max(axis=7), "stopped with AxisError"),
    ],
)
def test_each_mistake_in_pooling_gets_its_own_message(capsys, answer, message):
    told = said(capsys, checks.max_pooling, answer)
    assert told.startswith("✗") and message in told


def rule(first=1, less=1, early=False, grows=True, pools=True):
    def sees(stack):
        seen, step = first, 1
        for kernel, stride in stack:
            if early:
                step *= stride
            if pools or stride == 1:
                seen += (kernel - less) * step
            if grows and not early:
                step *= stride
        return seen

    return sees


def test_the_right_rule_passes(capsys):
    assert said(capsys, checks.receptive_field_rule, rule()) == "✓ Right.\n"
    assert said(capsys, checks.receptive_field_rule, lambda stack: np.float32(rule()(stack))) == "✓ Right.\n"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (rule(grows=False), "step never grows"),
        (rule(early=True), "too early"),
        (rule(first=0), "Start with 1"),
        (rule(less=0), "adds k - 1 steps"),
        (rule(pools=False), "pooling layer has a window too"),
        (lambda stack: 18, "then its stride multiplies the step"),
    ],
)
def test_each_mistake_in_the_rule_gets_its_own_message(capsys, answer, message):
    told = said(capsys, checks.receptive_field_rule, answer)
    assert told.startswith("✗") and message in told


def test_the_solutions_in_the_notebook_are_right(capsys):
    path = next(path for path in notebooks.find() if path.stem == "01_architecture")
    solutions = [cell.source for cell in notebooks.read(path).cells if "solution" in cell.metadata.get("tags", [])]
    assert len(solutions) == 2
    for source in solutions:
        exec(source, {"checks": checks, "np": np})
        assert capsys.readouterr().out == "✓ Right.\n"
