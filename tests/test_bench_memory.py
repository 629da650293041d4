"""Tests of what the measurements of memory compute; no memory is asserted."""

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
        "seconds": 0.5,
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


def test_seconds_of_the_article_are_for_as_many_pictures_as_its_batch():
    one = memory.Trial("one", network="article", batch=1)
    table = memory.article([(one, figures(1600.0)), (memory.Trial("all", batch=8), figures(2100.0))])
    assert table.rows[0][4:] == [4.0, "yes", "no"]
    assert table.rows[1][4:] == [0.5, "no", "no"]
    assert table.notes[-2] == "Under 2 GB: 1 of 2: one."
    assert table.notes[-1] == "Under 1.5 GB: 0 of 2."


def test_names_are_given_once_and_quick_is_a_part_of_full():
    for trials in (memory.grid, memory.ways):
        full, quick = ([trial.name for trial in trials(quick)] for quick in (False, True))
        assert len(set(full)) == len(full) and full[: len(quick)] == quick and len(quick) < len(full)


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


@pytest.mark.parametrize("remat", ["layers", "blocks"])
def test_maps_computed_again_give_the_same_network(remat):
    import numpy as np

    plain, again = (memory._article(16, 2, kind) for kind in ("", remat))
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
