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


def test_a_power_near_1_is_called_linear():
    assert [drawing.linear(power).split(",")[0] for power in (0.95, 1, 1.05)] == ["linear"] * 3
    assert [drawing.linear(power).split(",")[0] for power in (0.949, 1.051, 2)] == ["not linear"] * 3


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
    assert "The aim is 20 times the plain version's speed: " in tables[0].text()
    for table in (tables[0], tables[2]):
        assert drawing.PLAIN in table.title and drawing.ABOUT_PLAIN in table.notes and drawing.PLAIN in table.headline
    assert not any("plan" in note for note in tables[4].notes), "the time of a plan was not measured there"


# ---- With given seconds ------------------------------------------------------------------------------------------------


@pytest.fixture
def lasting(monkeypatch):
    """A function that takes the seconds of each measured thing, by name; nothing is run."""

    def take(seconds):
        monkeypatch.setattr(drawing.measure, "in_turn", lambda tasks, rounds: {name: seconds[name] for name in tasks})

    return take


def test_the_columns_of_the_stages_add_up_to_the_whole(lasting, monkeypatch):
    monkeypatch.setattr(drawing, "PEER_PIXELS", 64**2)
    lasting({"draw": [9.0, 30, 27], "plan": [3, 3, 6], "paint": [15, 15, 12], "bare": [9, 6, 9], "noise": [3, 1, 3]})
    table = drawing.stages(3, 1, (64,))
    assert table.columns[-1] == "all else" and "all else is draw less plan and paint" in table.notes[0]
    (row,) = table.rows
    assert row[1:] == pytest.approx([9e6, 1e6, 1e6, 2e6, 2e6, 3e6]), "27 s of 3 pictures, less 3 s and 15 s, are 9 s"
    assert row[1] == pytest.approx(sum(row[2:]))


def test_the_headline_of_the_windows_quotes_medians_and_single_ratios(lasting):
    lasting({"fast": [1, 2, 1], "slow": [1, 1, 4], "16": [0.1, 0.2, 0.3], "64": [0.4, 0.4, 0.4]})
    table = drawing.same_task(3, 1, (64, 192))
    assert [row[3] for row in table.rows] == ["10.0 (5.00 to 40.0)"] * 2, "ten times as many pictures in windows"
    assert "come 10 to 10 times as fast as from our plain version of the nearest peer's" in table.headline
    assert "single ratios go from 5.00 to 40.0." in table.headline
    assert table.notes[-1] == drawing.fixed_cost(1800, 3)


def test_the_part_of_the_time_that_does_not_depend_on_pixels(lasting):
    lasting({"16": [0.1, 0.2, 0.3], "64": [0.4, 0.5, 0.4]})
    text = drawing.fixed_cost(1000, 3)
    assert "at 16 px, " in text and "a picture takes 200 (100 to 300) µs; at 64 px 400 (400 to 500) µs: " in text
    assert "so 40 % of the time at 64 px does not depend on pixels." in text, "the median of .25, .4 and .75"


def test_pictures_of_two_sizes_are_drawn_for_the_fixed_cost(monkeypatch):
    asked = []
    monkeypatch.setattr(drawing.peer_task, "draw", lambda count, side: asked.append((count, side)))
    monkeypatch.setattr(drawing.measure.gc, "collect", lambda: 0)
    drawing.fixed_cost(5, 2)
    assert asked == [(5, 16), (5, 64)] * 3


@pytest.mark.parametrize(("last", "said"), [(22.0, "1.032: linear"), (24.0, "1.061: not linear")])
def test_the_growth_with_more_pictures_gets_a_verdict(last, said, lasting):
    lasting({"10": [1.0], "20": [2.0], "50": [5.0], "200": [last]})
    assert f"to the power {said}" in drawing.more_pictures((10, 20, 50, 200), 1).notes[0]
