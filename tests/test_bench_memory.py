"""Tests of what the measurements of memory compute; no memory is asserted."""

import dataclasses
from types import SimpleNamespace

import pytest

from tests.benchmarks.bench import memory

STATUS = "Name:\tpython\nVmPeak:\t 3006856 kB\nVmHWM:\t 1000000 kB\nVmRSS:\t  500000 kB\nThreads:\t4\n"


def figures(peak, **more):
    return {
        "imports": 600.0,
        "built": 610.0,
        "peak": peak,
        "later": peak - 100.0,
        "maps": 50.0,
        "seconds": [0.5],
        "pictures": 1200,
        "peaks": [peak],
        "lost": [],
        **more,
    }


def test_a_line_of_the_status_is_read_in_mb_of_ten_to_the_six():
    assert memory.memory_of(STATUS, "VmHWM") == 1024.0
    assert memory.memory_of(STATUS, "VmRSS") == 512.0
    with pytest.raises(ValueError, match="VmSwap"):
        memory.memory_of(STATUS, "VmSwap")


def test_the_peak_is_not_below_what_is_held_now(monkeypatch):
    assert 1 < memory.resident() <= memory.peak() < 100_000
    monkeypatch.setattr(memory, "_status", lambda: STATUS)
    assert (memory.resident(), memory.peak()) == (512.0, 1024.0)
    monkeypatch.setattr(memory, "_status", lambda: "")
    assert 1 < memory.resident() <= memory.peak() < 100_000


def test_what_stays_under_a_limit_comes_with_the_largest_first():
    assert memory.under({"small": 900, "large": 1400, "at": 1500, "over": 1600}, 1500) == ["large", "small"]
    assert memory.under({"over": 1600}, 1500) == []


def test_the_verdict_is_computed():
    assert "reached" in memory.verdict(1199, 1200) and "not reached" not in memory.verdict(1199, 1200)
    assert "not reached, 100 MB too many" in memory.verdict(1300, 1200)
    assert "not reached" in memory.verdict(1200, 1200)


def test_a_table_compares_with_the_computed_maps_and_judges_the_recipe():
    table = memory.by_size([(memory.RECIPE, figures(1300.0)), (memory.Trial("other"), {"failed": "gone"})])
    assert table.rows[0][6:] == [1300.0, 700.0, 1200.0, 50.0, 14.0, 12.0]
    assert table.rows[1][4] == "gone"
    assert "not reached" in table.notes[-1]
    assert "reached" not in memory.by_size([(memory.Trial("other"), figures(900.0))]).notes[-1]


def test_of_several_runs_the_largest_peak_counts(monkeypatch):
    peaks = iter([1100.0, 1250.0, 1150.0])
    monkeypatch.setattr(memory, "measured", lambda trial: figures(next(peaks)))
    [(trial, at)] = found = memory.measured_all([memory.RECIPE])
    assert trial.runs == 3 and (at["peak"], at["later"]) == (1250.0, 1150.0) and at["peaks"] == [1100.0, 1250.0, 1150.0]
    table = memory.by_size(found)
    assert table.rows[0][6] == 1250.0
    assert table.headline == "Training the series' network takes 1,250 MB at its peak, the largest of 3 runs."
    assert "measured 3 times: a peak of 1,150 (1,100 to 1,250) MB." in table.notes[-1]
    assert "not reached, 50 MB too many" in table.notes[-1] and "1,200 pictures" in table.notes[-1]


def test_the_quick_recipe_runs_once_and_says_so():
    [recipe] = memory.grid(True)
    assert recipe == dataclasses.replace(memory.RECIPE, runs=1)
    assert memory.by_size([(recipe, figures(1100.0))]).headline.endswith("1,100 MB at its peak, in one run.")


def test_a_run_that_fails_is_told_and_the_others_count():
    at = memory.largest([figures(1100.0), {"failed": "gone"}, figures(1000.0)])
    assert at["peak"] == 1100.0 and at["peaks"] == [1100.0, 1000.0] and at["lost"] == ["gone"]
    assert "Runs that failed: gone." in memory.by_size([(memory.RECIPE, at)]).notes[-1]
    assert memory.largest([{"failed": "gone"}] * 3) == {"failed": "gone"}


def test_no_further_run_is_begun_when_the_time_is_up(monkeypatch):
    clock = iter([0, 1, 3])
    monkeypatch.setattr(memory, "time", SimpleNamespace(monotonic=lambda: next(clock), perf_counter=lambda: 0))
    monkeypatch.setattr(memory, "measured", lambda trial: figures(1000.0))
    assert len(memory.measured_all([memory.RECIPE], until=2)[0][1]["peaks"]) == 2


def test_the_rows_of_the_grid_change_one_thing_of_its_base():
    recipe, base, *others = memory.grid(False)
    assert recipe == memory.RECIPE and others
    assert base == memory.Trial("batch 8, as the recipe but a few random pictures")
    for trial in others:
        changed = [key for key, value in dataclasses.asdict(base).items() if getattr(trial, key) != value]
        assert len(changed) == 2 and "name" in changed, trial


def test_what_the_pictures_take_is_the_difference_of_two_rows():
    recipe, base = figures(1150.0, built=760.0), figures(980.0, built=630.0, pictures=18)
    told = memory.by_size([(memory.RECIPE, recipe), (memory.BASE, base)]).notes[1]
    assert f'below "{memory.BASE.name}" change one thing' in told
    assert "1,200 drawn pictures in place of 18 random ones: 130 MB more before" in told and "170 MB more at" in told
    alone = memory.by_size([(memory.BASE, base)])
    assert "change one thing" in alone.notes[1] and "drawn" not in alone.notes[1]
    assert not any("change one thing" in note for note in memory.by_size([(memory.RECIPE, recipe)]).notes)


def test_a_line_goes_through_the_compiled_rows_of_random_pictures():
    def row(name, maps, off=0.0, **changes):
        return memory.Trial(name, **changes), figures(900 + 1.5 * maps + off, maps=maps)

    rows = [row("a", 10, 15), row("b", 110, -25), row("c", 210, 5), row("d", 310, 5)]
    others = [(memory.RECIPE, figures(5000.0)), row("eager", 50, 3000, xla=False), row("e", 9, 9000, network="article")]
    told = memory.line(rows + others)
    assert "the 4 rows" in told and "peak = 900 MB + 1.50 x computed maps" in told
    assert "The largest deviation: 25 MB below the line (b)." in told
    assert "The constant is imports (600 MB), runtime and compiler." in told
    assert told in memory.by_size(rows + others).notes
    assert memory.line(rows[:2] + others) == "" == memory.line([])


def test_seconds_of_the_article_are_for_as_many_pixels_as_its_batch():
    one = memory.Trial("one", network="article", batch=1, size=256)
    whole, crops = (memory.Trial(str(size), network="article", size=size) for size in (256, 128))
    table = memory.article([
        (one, figures(1600.0, seconds=[0.5, 0.25, 1.0])), (whole, figures(2100.0)),
        (crops, figures(2200.0, seconds=[0.5, 1.5])),
    ])  # fmt: skip
    assert table.columns[4] == "seconds for the pixels of 8 pictures of 256 x 256"
    assert table.rows[0][4:] == ["4.00 (2.00 to 8.00)", "yes", "no"]
    assert table.rows[1][4:] == ["0.500", "no", "no"]
    assert table.rows[2][4] == "4.00 (2.00 to 6.00)"
    assert "after the first, 1 to 3 of them" in table.notes[0]
    assert table.notes[-2] == "Under 2 GB: 1 of 3: one."
    assert table.notes[-1] == "Under 1.5 GB: 0 of 3."


def test_the_headline_names_the_articles_way_and_the_least():
    usual, single = memory.ways(True)
    told = memory.article([(usual, figures(2800.0)), (single, figures(1000.0))]).headline
    assert told == "The article's network, trained as in the article, takes 2,800 MB; batch 1, XLA: 1,000 MB."


def test_names_are_given_once_and_quick_is_a_part_of_full():
    for trials in (memory.grid, memory.ways):
        full, quick = ([trial.name for trial in trials(quick)] for quick in (False, True))
        assert len(set(full)) == len(full) and set(quick) < set(full) and quick[0] == full[0]


def test_ways_that_tell_causes_apart_come_first():
    assert [trial.name for trial in memory.ways(False)] == [
        "as the article: batch 8, TensorFlow's defaults",
        "batch 8, oneDNN off only",
        "batch 8, settings of project.start",
        "batch 8, XLA",
        "batch 4, XLA",
        "batch 2, XLA",
        "batch 1, XLA",
        "batch 1 eight times, accumulated, XLA",
        "batch 8, crops of 128, XLA",
        "batch 8, blocks computed again, XLA",
    ]
    for trial in memory.ways(False):
        assert trial.xla == ("XLA" in trial.name) and trial.remat == ("again" in trial.name)
        assert trial.size == (128 if "crops" in trial.name else 256)
        assert trial.start != (trial.name.startswith("as the article") or "only" in trial.name)
    assert memory.BUDGET == {"quick": 30, "full": 900}


def test_two_or_more_steps_are_counted_and_quick_has_fewer():
    for trial in memory.ways(False):
        assert trial.accumulate > 1 or trial.steps == (3 if trial.batch in (4, 8) else 4)
    assert [(trial.name, trial.steps) for trial in memory.ways(True)] == [
        ("as the article: batch 8, TensorFlow's defaults", 2),
        ("batch 1, XLA", 3),
    ]


@pytest.mark.parametrize(("network", "seconds", "pictures"), [("article", 2, 6), ("series", 5, 8)])
def test_a_run_returns_the_seconds_of_each_step_but_the_first(network, seconds, pictures):
    trial = memory.Trial("tiny", network=network, size=16, base=2, batch=2, xla=False, start=False, steps=3)
    found = memory.run(trial)
    assert len(found["seconds"]) == seconds and min(found["seconds"]) > 0
    assert found["pictures"] == pictures and found["maps"] > 0


def test_accumulated_steps_come_to_the_articles_batch():
    accumulated = [trial for trial in memory.ways(quick=False) if trial.accumulate > 1]
    assert accumulated
    for trial in accumulated:
        assert trial.batch * trial.accumulate == memory.ARTICLE_BATCH and trial.steps % trial.accumulate == 0


def test_a_trial_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(memory.sys, "executable", "false")
    assert "code 1" in memory.measured(memory.RECIPE)["failed"]
    monkeypatch.setattr(memory, "PATIENCE", 0)
    assert "given up" in memory.measured(memory.RECIPE)["failed"]


def test_maps_computed_again_give_the_same_network():
    import numpy as np

    plain, again = (memory._article(16, 2, kind) for kind in (False, True))
    again.set_weights(plain.get_weights())
    image = np.random.default_rng(0).random((1, 16, 16, 3), dtype=np.float32)
    assert np.allclose(plain(image), again(image), atol=1e-6)


@pytest.mark.parametrize("quick", [True, False])
def test_all_tables_are_made(quick, monkeypatch):
    monkeypatch.setattr(memory, "measured", lambda trial: {"failed": "gone"} if trial.remat else figures(1000.0))
    by_size, article = memory.tables(quick)
    assert by_size.text() and article.text()
    assert len(by_size.rows) == len(memory.grid(quick)) and len(article.rows) == len(memory.ways(quick))


def test_nothing_is_begun_when_the_time_is_up(monkeypatch):
    monkeypatch.setattr(memory, "measured", lambda trial: figures(1000.0))
    assert "Not begun" not in memory.tables(True)[1].notes[-1]
    monkeypatch.setitem(memory.BUDGET, "quick", -1)
    by_size, article = memory.tables(True)
    assert not by_size.rows and not article.rows
    assert all(trial.name in article.notes[-1] for trial in memory.grid(True) + memory.ways(True))
