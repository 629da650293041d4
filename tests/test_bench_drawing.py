"""The helpers of the measurement of drawing."""

import numpy as np
import pytest

from tests.benchmarks.bench import drawing
from utils import shapes


def test_the_exponent_of_a_line_is_1_and_of_a_square_2():
    amounts = [10, 100, 1000]
    assert drawing.exponent(amounts, [3 * a for a in amounts]) == pytest.approx(1)
    assert drawing.exponent(amounts, [0.1 * a**2 for a in amounts]) == pytest.approx(2)


def test_the_verdict_counts_what_reaches_the_aim():
    assert drawing.verdict([20, 30], 20) == "reached at every size"
    assert drawing.verdict([19.9, 30, 25], 20) == "reached at 2 of 3 sizes"
    assert drawing.verdict([1, 2], 20) == "not reached at any size"


def test_a_plan_without_shapes_leaves_ground_and_noise_and_the_plan_itself_alone():
    plan = shapes.plan(6)
    bare = shapes.paint(drawing.without_shapes(plan), 32)
    assert not bare.masks.any()
    full = shapes.paint(plan, 32)
    assert full.masks.any()
    ground = (full.masks == 0)[..., 0]
    assert np.mean(np.any(full.images != bare.images, axis=-1)[ground]) < 0.3  # edges, lines and specks


def test_every_table_has_its_rows_at_the_smallest_setting(monkeypatch):
    monkeypatch.setattr(drawing, "PEER_PIXELS", 64**2)
    monkeypatch.setattr(drawing.measure.gc, "collect", lambda: 0)  # slow where TensorFlow is loaded
    tables = [
        drawing.against_the_peer(1, 1, (32, 64)), drawing.stages(1, 1, (64,)), drawing.same_task(1, 1, (48, 64)),
        drawing.more_pictures((4, 8), 1), drawing.larger_pictures((512, 256), 1, 1),
    ]  # fmt: skip
    assert [len(table.rows) for table in tables] == [2, 1, 2, 2, 2]
    assert "The aim is 20 times the peer's speed: " in tables[0].text()
