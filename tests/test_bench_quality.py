"""The helpers of the measurement of quality against seconds: the clock without validation, what stands in the tables."""

import dataclasses
import json
import subprocess

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from tests.benchmarks.bench import quality


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def followed():
    """A function that lets a tiny network train with steps that last 2 s, the first one 6 s, and validations of 5 s.

    ``stalls`` holds seconds of other steps, by their number, the first being 0.
    """

    def follow(seconds, moments, stalls=()):
        clock, run, rates = Clock(), quality.Run(), []

        def validate(model):
            clock.now += 5
            return run.steps / 100

        class Step(keras.callbacks.Callback):
            def on_train_batch_begin(self, batch, logs=None):
                clock.now += {0: 6, **dict(stalls)}.get(run.steps, 2)
                rates.append(float(self.model.optimizer.learning_rate))

        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(0.5), "mse")
        watch = quality.ForSeconds(run, seconds, moments, 0.5, validate, clock)
        model.fit(np.ones((8, 1)), np.ones((8, 1)), batch_size=1, epochs=100, verbose=0, callbacks=[Step(), watch])
        return run, rates

    return follow


def test_seconds_hold_compilation_and_no_validation(followed):
    run, rates = followed(25, [5, 9, 15])
    assert run.seconds == [6, 10, 16, 26]
    assert run.iou == [0.01, 0.03, 0.06, 0.11] and run.steps == 11
    assert (run.first_step, run.step, run.longest) == (6, 2, 2)
    assert run.step_seconds == [6, *[2] * 10]
    assert [run.at(moment) for moment in (1, 2, 5, 6, 15, 25)] == [None, 0.01, 0.01, 0.03, 0.06, 0.11]


def test_a_validation_after_a_stall_does_not_count_for_the_moments_before(followed):
    run, _ = followed(40, [9, 15, 30], {4: 25})
    assert run.seconds == [6 + 2 + 2, 37, 41] and run.step_seconds == [6, 2, 2, 2, 25, 2, 2]
    assert (run.step, run.longest) == (2, 25)
    assert [run.at(moment) for moment in (9, 15, 30, 33, 40)] == [0.03, 0.03, 0.03, 0.05, 0.07]
    stalled, _ = followed(40, [15, 30], {3: 41})
    assert stalled.seconds == [51] and stalled.at(30) is None


def test_a_run_of_one_step_has_no_later_one():
    run = quality.Run([20.0], [0.5], 20.0, 1, [20.0])
    assert (run.step, run.longest) == (0, 0) and [run.at(moment) for moment in (19, 19.5, 20)] == [None, 0.5, 0.5]


def test_the_rate_follows_the_clock_to_the_end(followed):
    _, rates = followed(106, [])
    assert len(rates) == 51 and rates[0] == pytest.approx(0.05) and max(rates) == pytest.approx(0.5)
    assert rates.index(max(rates)) == 6, "it is highest after a tenth of the time from the first step on"
    assert rates[-1] == pytest.approx(0.005, rel=0.2) and rates[6:] == sorted(rates[6:], reverse=True)


def made(*iou, first_step=1.0, later=(0.5, 0.5, 0.5, 0.25, 1.5)):
    seconds = [10.0 * k for k in range(1, len(iou) + 1)]
    return quality.Run(seconds, list(iou), first_step, 1 + len(later), [first_step, *later])


def test_a_validation_counts_up_to_two_median_steps_later():
    run = made(0.25, 0.5, later=[0.5, 0.5, 8])
    assert [run.at(moment) for moment in (8.9, 9, 18.9, 19)] == [None, 0.25, 0.25, 0.5]


def test_a_goal_is_reached_at_the_first_validation_that_shows_it():
    run = made(0.5, 0.85, 0.84, 0.96)
    assert [run.reached(goal) for goal in (0.5, 0.8, 0.9, 0.97)] == [10, 20, 40, None]


def test_several_values_as_text():
    assert quality.several([0.5], "–") == "0.500"
    assert quality.several([0.25, 0.75, 0.5], "–") == "0.500 (0.250 to 0.750)"
    assert quality.several([None, 0.5], "–") == "0.500, 1 of 2 runs"
    assert quality.several([None], "–") == "–"


@pytest.fixture
def runs():
    first, second, third = quality.NETWORKS
    return {
        first: [made(0.5, 0.9), made(0.4, 0.92)],
        second: [made(0.45, 0.8), made(0.3, 0.7)],
        third: [made(0.1, 0.2), made(0.1, 0.3)],
    }


def test_the_aim_looks_at_every_run(runs):
    table = quality.by_seconds(runs, [5, 10, 20], 7)
    assert "of 7 validation pictures" in table.title
    assert [row[1] for row in table.rows] == ["–"] * 3 and table.rows[0][3] == "0.910 (0.900 to 0.920)"
    assert "Reached after 20 s, of 3 moments" in table.notes[0], "at 10 s one run lies below one of another network"
    assert "at most 2 median steps of its run or 0.5 s later" in table.notes[1]


def test_the_headline_says_how_many_runs_there_were(runs):
    begin = "IoU after 20 s of training, compilation included, "
    several, single = (
        quality.by_seconds(found, [20], 7).headline for found in (runs, {name: runs[name][:1] for name in runs})
    )
    assert several.startswith(f"{begin}median and range of 2 runs: the series' network 0.910 (0.900 to 0.920), ")
    assert single.startswith(f"{begin}1 run: the series' network 0.900, ")


def test_an_aim_that_is_never_reached_says_so(runs):
    runs[list(runs)[0]].append(made(0.0, 0.0))
    assert "Reached after no number of s" in quality.by_seconds(runs, [10, 20], 7).notes[0]


def test_what_each_network_did(runs):
    name = list(runs)[0]
    runs[name][1] = made(0.4, 0.92, later=[0.7, 0.7, 3.0, 0.1, 0.1, 0.7])
    table = quality.by_network(runs)
    rows = table.rows
    assert [row[1] for row in rows] == [493_345, 407_809, 31_031_745]
    assert table.columns[4:7] == ["median later step, s", "longest later step, s", "pictures seen"]
    assert rows[0][4:7] == ["0.600 (0.500 to 0.700)", "2.25 (1.50 to 3.00)", "52.0 (48.0 to 56.0)"]
    assert not any("was not measured" in note and "held it up" in note for note in table.notes)
    assert rows[0][-3:] == ["20.0 (20.0 to 20.0)", "20.0 (20.0 to 20.0)", "not reached"]


def test_a_run_that_was_held_up_is_named(runs):
    name = list(runs)[1]
    runs[name][1] = made(0.3, 0.7, later=[0.5, 25.25, 0.5])
    slow = {list(runs)[2]: [made(0.1, later=[6.0, 7.0, 6.0])]}
    (note,) = quality.held_up(runs | slow)
    assert f"more than 5 s in {name}, run 2 of 2 (25.2 s, its median step 0.500 s). " in note
    assert quality.held_up(slow) == [], "all steps of that network are long"
    assert note in quality.by_network(runs).notes


def test_the_networks_are_described_by_their_options(runs, monkeypatch):
    names = list(quality.NETWORKS)
    what, how = quality.compared(names)
    assert what.startswith("The series' network: depth 4, 8 channels at the top, nearest upsampling, batch norm")
    assert "the classic U-Net: depth 4, 64 channels at the top, transposed upsampling, no normalisation." in what
    assert f"{names[1]} and {names[2]} were tried for 40 s each with seed 7" in how and f"favours {names[0]}" in how
    assert {what, how} <= set(quality.by_network(runs).notes)
    other = quality.Network({"depth": 2, "base": 5, "upsampling": "bilinear", "norm": "group"}, 1e-3, 1, "k", "-")
    monkeypatch.setitem(quality.NETWORKS, names[1], other)
    assert f"{names[1]}: depth 2, 5 channels at the top, bilinear upsampling, group" in quality.compared(names)[0]


def test_every_run_is_drawn_and_the_text_names_the_seconds_that_were_given(runs):
    runs[list(runs)[0]][0].seconds[-1] = 20.75  # a last step ends after the time that was given
    figure, text = quality.lines(runs, 20)
    (axis,) = figure.axes
    assert [list(line.get_ydata()) for line in axis.lines] == [run.iou for found in runs.values() for run in found]
    assert len({(line.get_color(), line.get_linestyle()) for line in axis.lines}) == 3
    assert "2 runs a network. After 20 s: the series' network 0.91, the article's network 0.75," in text
    plt.close(figure)
    runs[list(runs)[0]][0].seconds[-1] = 47  # held up
    figure, text = quality.lines(runs, 20)
    assert "After 20 s: the series' network 0.71, " in text, "the median of .5 and .92"
    plt.close(figure)


def test_labels_do_not_overlap():
    assert quality.apart([0.9, 0.2, 0.21], 0.07) == pytest.approx([0.9, 0.2, 0.27])
    assert quality.apart([0.0, 0.0, 0.05], 0.07) == pytest.approx([0.0, 0.07, 0.14])


def test_the_tables_of_a_quick_run_and_the_picture(runs, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(quality, "trained", lambda name, *told: asked.append((name, *told)) or runs[name][0])
    monkeypatch.setattr(quality, "PICTURE", tmp_path / "benchmarks" / "quality.png")
    by_seconds, by_network = quality.tables(True)
    shown = list(quality.NETWORKS)[:2]
    assert asked == [(name, 0, 30, 2 * quality.NETWORKS[name].often, 100) for name in shown]
    assert (tmp_path / "benchmarks" / "quality.png").stat().st_size > 5000
    assert by_seconds.headline.startswith("IoU after 30 s of training, compilation included, 1 run: the series' net")
    assert by_seconds.notes[-1].startswith("![IoU over seconds of training, 1 run a network. After 30 s: the series' ")
    assert by_seconds.notes[-1].endswith("](benchmarks/quality.png)")
    assert [row[0] for row in by_seconds.rows] == [row[0] for row in by_network.rows] == shown


def test_validations_divide_the_seconds_and_end_with_them():
    assert quality.evenly(90, 3) == [30, 60, 90]


def test_a_run_comes_back_from_its_process(monkeypatch):
    run, commands = made(0.25, 0.5), []

    def fake(command, **_):
        commands.append(command)
        printed = "ready\n" + json.dumps(dataclasses.asdict(run)) + "\n"
        return subprocess.CompletedProcess(command, 0, printed)

    monkeypatch.setattr(quality.subprocess, "run", fake)
    assert quality.trained("the classic U-Net", 2, 90, 3, 200) == run
    assert commands[0][-5:] == ["the classic U-Net", "2", "90", "3", "200"]
