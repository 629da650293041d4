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
    """A function that lets a tiny network train with steps that last 2 s, the first one 6 s, and validations of 5 s."""

    def follow(seconds, moments):
        clock, run, rates = Clock(), quality.Run(), []

        def validate(model):
            clock.now += 5
            return run.steps / 100

        class Step(keras.callbacks.Callback):
            def on_train_batch_begin(self, batch, logs=None):
                clock.now += 2 if run.steps else 6
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
    assert (run.first_step, run.step) == (6, 2)
    assert [run.at(moment) for moment in (5, 6, 9, 15, 25)] == [None, 0.01, 0.03, 0.06, 0.11]


def test_the_rate_follows_the_clock_to_the_end(followed):
    _, rates = followed(106, [])
    assert len(rates) == 51 and rates[0] == pytest.approx(0.05) and max(rates) == pytest.approx(0.5)
    assert rates.index(max(rates)) == 6, "it is highest after a tenth of the time from the first step on"
    assert rates[-1] == pytest.approx(0.005, rel=0.2) and rates[6:] == sorted(rates[6:], reverse=True)


def made(*iou, first_step=1.0, steps=11):
    seconds = [10.0 * k for k in range(1, len(iou) + 1)]
    return quality.Run(seconds, seconds, list(iou), first_step, steps)


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


def test_an_aim_that_is_never_reached_says_so(runs):
    runs[list(runs)[0]].append(made(0.0, 0.0))
    assert "Reached after no number of s" in quality.by_seconds(runs, [10, 20], 7).notes[0]


def test_what_each_network_did(runs):
    rows = quality.by_network(runs).rows
    assert [row[1] for row in rows] == [493_345, 407_809, 31_031_745]
    assert rows[0][4].startswith("1.90") and rows[0][5].startswith("88")
    assert rows[0][-3:] == ["20.0 (20.0 to 20.0)", "20.0 (20.0 to 20.0)", "not reached"]


def test_every_run_is_drawn_and_the_text_says_where_it_ends(runs):
    figure, text = quality.lines(runs)
    (axis,) = figure.axes
    assert [list(line.get_ydata()) for line in axis.lines] == [run.iou for found in runs.values() for run in found]
    assert len({(line.get_color(), line.get_linestyle()) for line in axis.lines}) == 3
    assert "2 runs a network. After 20 s: the series' network 0.91, the article's network 0.75," in text
    plt.close(figure)


def test_labels_do_not_overlap():
    assert quality.apart([0.9, 0.2, 0.21], 0.07) == pytest.approx([0.9, 0.2, 0.27])
    assert quality.apart([0.0, 0.0, 0.05], 0.07) == pytest.approx([0.0, 0.07, 0.14])


def test_the_tables_of_a_quick_run_and_the_picture(runs, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(quality, "trained", lambda name, *told: asked.append((name, *told)) or runs[name][0])
    monkeypatch.setattr(quality, "PICTURE", tmp_path / "benchmarks" / "quality.png")
    by_seconds, by_network = quality.tables(True)
    assert asked == [(name, 0, 30, 2 * network.often, 100) for name, network in quality.NETWORKS.items()]
    assert (tmp_path / "benchmarks" / "quality.png").stat().st_size > 5000
    assert by_seconds.headline.startswith("IoU after 30 s of training, compilation included: the series' network 0.")
    assert by_seconds.notes[-1].startswith("![IoU over seconds of training, 1 run a network.")
    assert by_seconds.notes[-1].endswith("](benchmarks/quality.png)")
    assert [row[0] for row in by_seconds.rows] == [row[0] for row in by_network.rows] == list(quality.NETWORKS)


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
