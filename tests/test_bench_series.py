"""The table of the notebooks' costs: bound to cores while it runs, and not afterwards; failures are named."""

import os
import subprocess
import sys
import threading

import pytest

from tests import notebooks, run_notebooks
from tests.benchmarks.bench import series

needs_binding = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot bind to cores")
ASK = "import os; print(len(os.sched_getaffinity(0)), os.environ.get('OMP_NUM_THREADS'))"


def asked() -> str:
    """How many cores a process started now may use, and how many threads it is told to use."""
    return subprocess.run([sys.executable, "-c", ASK], capture_output=True, encoding="utf-8").stdout.strip()


@needs_binding
@pytest.mark.parametrize("before", [None, "7"])
def test_a_process_is_bound_and_told_inside_and_free_afterwards(before, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if before:
        monkeypatch.setenv("OMP_NUM_THREADS", before)
    outside, core = asked(), min(os.sched_getaffinity(0))
    with pytest.raises(ZeroDivisionError), series.told(series.ONE_THREAD), series.bound({core}):
        assert asked() == "1 1"
        raise ZeroDivisionError
    assert asked() == outside and outside.endswith(str(before))


def result(seconds, megabytes, failed=0):
    return run_notebooks.Result(passed=1, failed=failed, seconds=seconds, kernel_bytes=int(megabytes * 1e6))


def test_the_table_holds_sums_aims_and_the_failed():
    made = series.table({
        "01_a": {"two cores": result(20.4, 700), "one core": result(300, 650)},
        "02_b": {"two cores": result(30, 1501), "one core": result(50, 800, failed=2)},
    })  # fmt: skip
    assert made.columns == ["notebook", "two cores, s", "two cores, MB", "one core, s", "one core, MB"]
    assert made.rows == [["01_a", 20, 700, 300, 650], ["02_b", 30, 1501, 50, 800]]
    two, one, failed = made.notes
    assert two.startswith("On two cores: 50 s in all; at most 30 s a notebook (aim 240 s: reached)")
    assert "1501 MB (aim 1500 MB: not reached)" in two
    assert one == "On one core: 350 s in all; at most 300 s a notebook and 800 MB (aim 1500 MB: reached)."
    assert "02_b on one core." in failed and "01_a" not in failed


def test_nothing_that_failed_is_said_too():
    assert "failed: none." in series.table({"01": {"two cores": result(1, 1)}}, ["first"]).notes[-1]


@needs_binding
def test_quick_takes_one_notebook_on_two_cores_and_full_all_on_both(monkeypatch):
    ran = []
    monkeypatch.setattr(
        series, "run_all", lambda paths, cores: ran.append((len(paths), cores)) or [result(1, 1)] * len(paths)
    )
    monkeypatch.setattr(series.measure, "cores", lambda: 2)
    series.tables(True)
    assert ran == [(1, 2)]
    ran.clear()
    (made,) = series.tables(False)
    every = len(notebooks.find([]))
    assert ran == [(every, 2), (every, 1)] and len(made.rows) == every
    assert "a notebook on each core" in made.notes[0]


@needs_binding
def test_notebooks_on_one_core_run_side_by_side_each_on_its_own(monkeypatch):
    cores = {3, 5}
    monkeypatch.setattr(series.os, "sched_getaffinity", lambda _: cores)
    together, seen = threading.Barrier(2, timeout=10), []

    def run(path, mine):
        together.wait()  # breaks if only one runs at a time
        seen.append((mine, os.environ["OMP_NUM_THREADS"]))
        together.wait()
        return path

    monkeypatch.setattr(series, "run", run)
    assert series.run_all(["a", "b", "c", "d"], 1) == ["a", "b", "c", "d"]
    assert sorted(min(mine) for mine, _ in seen) == [3, 3, 5, 5] and {threads for _, threads in seen} == {"1"}
    monkeypatch.setattr(series, "run", lambda path, mine: (path, mine))
    assert series.run_all(["a", "b"], 2) == [("a", cores), ("b", cores)]
    assert series.run_all(["a"], None) == [("a", None)]


@needs_binding
def test_a_machine_with_one_core_measures_that_and_says_so(monkeypatch):
    monkeypatch.setattr(series.measure, "cores", lambda: 1)
    assert series.possible((2, 1)) == ((1,), ["There are not two cores here."])
    assert series.possible((2,)) == ((), ["There are not two cores here."])


def test_a_system_that_cannot_bind_says_so(monkeypatch):
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    cores, (note,) = series.possible((2, 1))
    assert cores == () and "cannot bind" in note


def test_a_run_has_no_limit_of_time(monkeypatch, capsys):
    seen = {}

    def compare(path, seconds):
        seen["seconds"] = seconds
        return result(12, 345)

    monkeypatch.setattr(run_notebooks, "compare", compare)
    series.run(notebooks.find(["01"])[0], None)
    assert seen["seconds"] == 0 and "01_architecture, all cores: 12 s, 345 MB" in capsys.readouterr().out
