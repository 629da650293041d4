"""The measurements: their tables, what is computed, and that the stored figures have the form that others read."""

import os
import re
from collections import Counter
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from scripts.bench import __main__ as bench
from scripts.bench import drawing, growth, limit, measure, memory, peer, peer_task, playground, quality, series, trace

STORED = {name: measure.read(name) for name in bench.NAMES}
NUMBER = r"[\d.,]*\d%?( \(.*?\))?"
SPEEDS = [
    {"engine": engine, "what": what, "milliseconds": 9.0}
    for what in ("prediction", "training step")
    for engine in playground.ENGINES
]
LIMIT = ("Rates by width, size and batch", "Where a step's time goes, by level", "What was tried")


@pytest.fixture
def limit_tables(monkeypatch):
    """The tables of the question of the limit, from a worker that answers at once."""
    macs = Counter({1: 300, 2: 100})
    ready = {"first": 20.0, "faults": 3.0, "memory": 900.0, "digest": "a", "macs": macs, "count": 5}
    answers = {"steps": 1.0, "forward": 0.5, "trace": (0.2, {(1, True): 0.08, (1, False): 0.02, (2, True): 0.04})}
    worker = SimpleNamespace(ready=ready, ask=lambda method, *args: answers[method])
    monkeypatch.setattr(limit, "product", lambda: 2.0)
    monkeypatch.setattr(measure.gc, "collect", lambda: None)  # takes long with TensorFlow loaded
    attempts = [("no normalisation", "0.8 (0.7 to 0.9)", ready | {"digest": "b"})]
    rates = limit.rate_table([limit.rates_of(limit.RECIPE, worker)])
    return rates, limit.by_level(worker), limit.tried(attempts, ready)


def test_a_table_is_markdown_and_its_numbers_have_three_digits_or_more():
    texts = ("0", "7", "12,345", "0.00123", "10.0", "100", "-1,234", "as it is", "True")
    values = (0.0, 7, 12345, 0.00123456, 9.999, 99.96, -1234.5, "as it is", True)
    assert (*map(measure.shown, values),) == texts
    assert measure.spread([3, 1, 2]) == "2.00 (1.00 to 3.00)" and measure.spread(iter([4])) == "4.00"
    made = measure.table("Speed", [{"what": "fast", "seconds": 0.5}, {"what": "slow", "seconds": 12}], "A note.")
    lines = "| what | seconds |\n|------|---------|\n| fast | 0.500   |\n| slow | 12      |"
    assert made.text() == f"### Speed\n\n{lines}\n\nA note."


def test_tasks_take_turns_and_the_first_round_is_not_measured(monkeypatch):
    monkeypatch.setattr(measure.gc, "collect", lambda: None)
    order = []
    tasks = {name: lambda name=name: order.append(name) or float(len(order)) for name in "ab"}
    assert measure.in_turn(tasks, 2) == {"a": [3, 5], "b": [4, 6]} and order == ["a", "b"] * 3
    assert measure.ratios([2.0, 9.0], [1.0, 3.0]) == [2, 3]


def test_a_fresh_process_gets_more_variables():
    assert measure.fresh(os.getenv, "BENCH", environment={"BENCH": "7"}) == "7" and "BENCH" not in os.environ


def test_what_is_stored_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "FOLDER", tmp_path)
    made = measure.Table("Speed", ["what"], [["fast"]], ["A note."], "Fast.")
    measure.store("peer", "How fast?", [made], 12.6, True)
    content = measure.read("peer")
    assert content["tables"] == [made] and content["made_by"] == "make bench TABLE=peer QUICK=1"
    assert {*content} == {*STORED["peer"]} and {*content["machine"]} == {*STORED["peer"]["machine"]}


def test_page_and_readme_hold_the_stored_figures():
    assert bench.PAGE.read_text(encoding="utf-8") == measure.page(bench.stored()), "run `make bench`"
    quoted = bench.README.read_text(encoding="utf-8").split(bench.BEGIN)[1].split(bench.END)[0].strip()
    assert quoted == measure.quotes(bench.stored()), "run `make bench`"


def test_the_limit_is_stored_in_the_same_form(limit_tables):
    stored = {table.title: table.columns for table in STORED["limit"]["tables"]}
    assert {made.title: made.columns for made in limit_tables} == {title: stored[title] for title in LIMIT}
    assert limit_tables[1].rows[0][3:7] == pytest.approx([0.75, 0.4, 0.1, 6 * 300 * 8 / 0.08 / 1e9])
    assert limit_tables[1].rows[-1][5] == pytest.approx(0.3) and [row[5] for row in limit_tables[2].rows] == [
        "yes",
        "no",
    ]


def small_site(folder):
    """A site of one page and a Playground of two files."""
    files = {"index.html": "a page", "playground/worker.js": "a worker", "playground/unet_shapes.bin": "weights"}
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_weights_are_those_of_pages_and_of_the_playgrounds_files(tmp_path):
    (tmp_path / "site").mkdir()
    rows = playground.weights(small_site(tmp_path / "site")).rows
    assert [kilobytes for _, kilobytes in rows] == [0, 0, 0, 0] and rows[1][0].endswith(", index")
    (tmp_path / "site" / "index.html").write_bytes(bytes(70_000))
    (tmp_path / "site" / "playground" / "unet_shapes.bin").write_bytes(np.random.default_rng(0).bytes(5000))
    assert [kilobytes for _, kilobytes in playground.weights(tmp_path / "site").rows] == [70, 70, 0, 5]


def test_what_was_not_measured_is_said(tmp_path, monkeypatch):
    rows = playground.speeds(SPEEDS[:-1]).rows
    assert rows[1][1:] == [9.0, 9.0, 9.0, "not measured"]
    monkeypatch.setattr(playground.site, "SITE", tmp_path)
    with pytest.raises(FileNotFoundError, match="make site"):
        playground.tables(True)


def test_headlines_say_what_the_stored_ones_say(limit_tables, monkeypatch, tmp_path):
    ran = {"step = peak - imports (MB)": 9.0, "computed maps (MB)": 9.0, "seconds for 8 pictures": "9"}
    monkeypatch.setattr(memory, "measured", lambda t: ran | {"training": t.name, "peak (MB)": 9.0 * t.batch})
    monkeypatch.setattr(measure, "fresh", lambda *args: ([1.0, 2.0], [1.0, 1.1], [1.0, 2.0, 3.0, 4.0]))
    rows, found = [{"series, standard level": "9", "ratio": "0.7"}], [[21.0, 22.0]]
    run, result = quality.Run({90: 0.5}), SimpleNamespace(seconds=20.0, kernel_bytes=9e8, failed=0)
    looks = [{"loss": 0.01, "images": 8, "seconds": 9.0, "since": 20.0}]
    made = {
        "peer": [peer.until_reached({0: looks, 1: looks})],
        "quality": [quality.by_seconds({name: [run] * 3 for name in quality.NETWORKS}, [90], 200)],
        "drawing": [drawing.against_the_peer(rows, found), drawing.same_task(rows, found)],
        "limit": limit_tables,
        "memory": memory.tables(False),
        "growth": growth.tables(False),
        "series": [series.table([*"123456789"], {"two cores": [result] * 9, "one core": [result] * 9})],
        "playground": [playground.speeds(SPEEDS), playground.weights(small_site(tmp_path))],
    }
    for name, tables in made.items():
        said, stored = ([one.headline for one in some if one.headline] for some in (tables, STORED[name]["tables"]))
        for new, old in zip(said, stored):
            assert re.sub(NUMBER, "#", new) == re.sub(NUMBER, "#", old), name


def test_a_question_that_fails_is_named_and_the_others_are_asked(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(bench, "write_pages", lambda: None)
    monkeypatch.setattr(measure, "fresh", lambda _, name, quick: asked.append((name, quick)) or 1 / (name != "peer"))
    assert bench.main(["peer", "limit", "--quick"]) == 1 and asked == [("peer", True), ("limit", True)]
    assert "Failed: peer." in capsys.readouterr().out


def test_the_peers_pictures_and_loss_are_as_described():
    for side in (16, 33, 64):
        for fast, slow in zip(peer_task.draw(40, 3, side), peer_task.as_specified(40, 3, side)):
            assert fast.dtype == slow.dtype == np.uint8 and fast.tobytes() == slow.tobytes()
    masks = peer_task.draw(3, 0, 32)[1]
    logits = np.random.default_rng(0).normal(-2, 2, masks.shape).astype(np.float32)
    p, y = 1 / (1 + np.exp(-logits.astype(float))), masks.astype(float)
    crossentropy = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean((1, 2, 3))
    dice = (2 * (p * y).sum((1, 2)) + 1) / (p.sum((1, 2)) + y.sum((1, 2)) + 1)
    for some in ((masks, logits), (peer.fold(masks), peer.fold(logits))):
        assert np.asarray(peer.loss(*some)) == pytest.approx(crossentropy / 2 + (1 - dice.mean(1)) / 2, rel=1e-5)


def test_a_trace_is_shared_out_and_a_shape_tells_how_large_its_maps_are():
    begins, ends = np.array([[1.0, 5], [3, 7], [-9, 0], [9, 20], [1, 1]]).T
    assert trace.shares(begins, ends, 0, 10).tolist() == [3, 3, 0, 1, 0]
    sides = {(8, 64, 64, 16): 64, (8, 8, 8, 64): 8, (16, 32, 32, 8): 32, (3, 3, 64, 64): 0, (64, 64, 3, 3): 0, (64,): 0}
    assert {shape: trace.side(shape) for shape in sides} == sides


def test_seconds_hold_compilation_and_no_validation_and_the_rate_follows_the_clock():
    # The begin, a first step of 6 s and a validation of 5 s, two more steps and a validation, one more and a validation.
    ticks, scores = iter([0, 6, 11, 13, 16, 20, 22, 25]), iter([0.25, 0.5, 0.75])
    watch = quality.ForSeconds([5, 10, 12], 0.5, lambda model: next(scores), lambda: next(ticks))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.5), "mse")
    model.fit(np.ones((8, 1)), np.ones((8, 1)), batch_size=1, epochs=9, verbose=0, callbacks=[watch])
    assert watch.run == quality.Run({5: 0.25, 10: 0.5, 12: 0.75}, {5: 6, 10: 11, 12: 13}, [6, 8, 11, 13])
    assert [*map(watch.run.reached, (0.5, 0.8))] == [11, None]
    assert [watch.rates[0], max(watch.rates), float(model.optimizer.learning_rate)] == pytest.approx([0.05, 0.5, 0.005])
