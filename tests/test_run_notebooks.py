"""The program that executes and compares notebooks: it stores what may be stored, and sees what goes wrong."""

import sys

import nbformat
import psutil
import pytest

from scripts import notebooks, run_notebooks
from scripts.tolerance import NUMBER, settle, value

ALLOCATE = "block = bytearray(300_000_000)\nblock[::4096] = b'x' * len(block[::4096])\nblock = None"
"""A cell whose memory is given back before the notebook ends: only a true peak shows it."""


def store(folder, *sources, name="01_small.ipynb"):
    """Store a notebook without outputs; the last cell is exempt from comparison."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[-1].metadata.tags = ["nbval-ignore-output"]
    notebooks.write(nbformat.v4.new_notebook(cells=cells), folder / name)
    return folder / name


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A notebook that was executed and stored, outside of pytest as far as it can tell."""
    folder = tmp_path_factory.mktemp("stored")
    sources = (
        "import os, sys\nprint('one')\nos.write(2, b'native log')\nprint(sys.executable, os.getcwd())",
        "[os.environ[name] for name in ('MALLOC_ARENA_MAX', 'MALLOC_TRIM_THRESHOLD_')]",
        "import time\ntime.sleep(0.5)\ntime.time()",
    )
    with pytest.MonkeyPatch.context() as outside_pytest:
        outside_pytest.delenv("PYTEST_CURRENT_TEST")
        assert run_notebooks.execute(store(folder, ALLOCATE, *sources)) == []
    return folder / "01_small.ipynb"


def test_execute_stores_outputs_and_counts(stored):
    notebook = notebooks.read(stored)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3, 4]
    assert [output.get("name") for output in notebook.cells[1].outputs] == ["stdout"], "native log lines are not stored"
    assert notebook.cells[1].outputs[0].text == f"one\n{sys.executable} {stored.parent}\n"
    arenas = notebooks.small_machine()["MALLOC_ARENA_MAX"]
    shown = notebook.cells[2].outputs[0].data["text/plain"]
    assert repr(arenas) in shown, "a kernel lives in a small machine's memory"
    assert notebook == notebooks.normalise(notebook)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import warnings\nwarnings.warn('old', FutureWarning)", "writes to standard error: "),
        ("import os\nos._exit(1)", "died"),
    ],
)
def test_execute_refuses_to_store_trouble_and_names_the_cell(source, complaint, tmp_path, capsys):
    path = store(tmp_path, "print('fine')", source)
    before = path.read_bytes()
    assert run_notebooks.execute_all([path, tmp_path / "02_never_reached.ipynb"]) == 1
    said = capsys.readouterr().out
    assert "01_small.ipynb was not stored" in said and "Cell [2]" in said and complaint in said and "\x1b" not in said
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_notebook_that_repeats_passes_and_its_peak_memory_is_seen(stored, capsys):
    results = run_notebooks.compare_all([stored], seconds=100)
    assert run_notebooks.summary(results) == 0
    result = results[stored]
    assert (result.passed, result.failed, result.complaints, result.slow) == (4, 0, [], False)
    assert 300e6 < result.kernel_bytes < 600e6 and 1 < result.seconds < 60
    *_, row, _, sums = capsys.readouterr().out.splitlines()
    assert (
        row.split()[:7] == ["01_small", "2", "/", "0", "/", "1", "none"]
        and row.endswith("ok")
        and sums == "4 passed, 0 failed"
    )


def test_what_differs_or_costs_too_much_fails(stored, tmp_path, monkeypatch, capsys):
    notebook = notebooks.read(stored)
    notebook.cells[1].outputs[0].text = "three\n"
    notebook.cells[2].outputs = []
    notebook.cells[2].source += "\nprint('careful', file=sys.stderr)"
    notebooks.write(notebook, tmp_path / "01_other.ipynb")
    monkeypatch.setattr(notebooks, "KERNEL_BYTES", 200_000_000)
    results = run_notebooks.compare_all([tmp_path / "01_other.ipynb"], seconds=0.5)
    assert run_notebooks.summary(results) == 1
    result = results[tmp_path / "01_other.ipynb"]
    assert (result.passed, result.failed, result.slow) == (2, 4, True)
    said = capsys.readouterr().out
    for what in (
        "Cell 1: Cell outputs differ",
        "three",
        "Unexpected output fields",
        "stderr",
        "at most 200 MB",
        "0.5 s",
    ):
        assert what in said
    assert said.endswith("2 passed, 4 failed\n")


def test_a_dead_kernel_fails_without_waiting_for_the_timeout(tmp_path, monkeypatch):
    monkeypatch.setattr(run_notebooks, "DEAD_SECONDS", 0.5)
    result = run_notebooks.compare(store(tmp_path, "print('fine')", "import os, time\ntime.sleep(0.5)\nos._exit(1)"))
    assert result.failed == 1 and result.seconds < 30
    assert result.complaints == ["the kernel died before the end (most often: out of memory)"]


@pytest.mark.parametrize(
    ("numbers", "exit_code", "passed", "failed"),
    [
        ((9, 0, 0, 0), 0, 9, 0),
        ((9, 2, 1, 1), 1, 5, 3),
        ((0, 0, 0, 0), 5, 0, 1),
        ((9, 0, 0, 0), 3, 9, 1),
        (None, -9, 0, 1),
    ],
)
def test_tests_are_counted_and_no_report_or_no_test_is_a_failure(numbers, exit_code, passed, failed, tmp_path):
    if numbers:
        text = '<testsuites><testsuite tests="{}" failures="{}" errors="{}" skipped="{}"/></testsuites>'
        (tmp_path / "report.xml").write_text(text.format(*numbers))
    result = run_notebooks.count(tmp_path / "report.xml", exit_code)
    assert (result.passed, result.failed) == (passed, failed)


def test_nothing_tested_is_a_failure_and_a_little_over_its_time_is_named_only(stored):
    assert run_notebooks.summary({}) == 1
    slow = {stored: run_notebooks.Result(passed=4, slow=True)}
    assert run_notebooks.summary(slow) == 0 and run_notebooks.table(slow).endswith("ok, but over its time")


def test_tidying_changes_the_form_and_nothing_else(stored, tmp_path, monkeypatch):
    notebook = notebooks.read(stored)
    notebook.cells[1].metadata["execution"] = {"iopub": "2026"}
    notebooks.write(notebook, tmp_path / "01_other.ipynb")
    monkeypatch.setattr(notebooks, "find", lambda names: [tmp_path / "01_other.ipynb"])
    assert run_notebooks.main(["tidy"]) == 0
    assert (tmp_path / "01_other.ipynb").read_bytes() == stored.read_bytes()


def test_memory_is_at_least_what_is_taken_now_and_none_of_a_process_that_is_gone(tmp_path):
    me = psutil.Process()
    assert me.memory_info().rss * 0.9 <= run_notebooks.peak_memory(me) < 20e9 and run_notebooks.is_running(me)
    gone = psutil.Popen([sys.executable, "-c", "input()"], stdin=-1)
    gone.communicate(b"\n")
    assert not run_notebooks.is_running(gone) and not run_notebooks.peak_memory(gone)
    assert run_notebooks.find_kernels(gone) == []


def test_the_budget_of_time_is_a_variable(monkeypatch):
    for text, seconds in (("", 240), ("600", 600), ("0", 0)):
        monkeypatch.setenv("TIME_BUDGET", text)
        assert notebooks.time_budget() == seconds


# ---- Numbers within a tolerance ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "tolerance", "passes"),
    [
        ("IoU 0.93, 9.8 s\nend 3.", 0.1, True),
        ("IoU 0.95, 9.9 s\nend 3.", 0.1, True),
        ("IoU 0.95, 10.1 s\nend 3.", "4 %", True),
        ("IoU 0.95, 10.1 s\nend 3.", 0.1, False),
        ("IoU 1.03, 9.8 s\nend 3.", "4 %", False),
        ("IoU 0.93, 9.8 s", 0.1, False),
        ("IoU 0.93, 9.8 s\nend 3.\nmore", 0.1, False),
        ("Dice 0.93, 9.8 s\nend 3.", 0.1, False),
        ("IoU 0.93, 9.8 s\nend 3", 0.1, False),
        ("IoU nan, 9.8 s\nend 3.", 0.1, False),
        ("IoU 0.93 9.8 s\nend 3.", 0.1, False),
    ],
)
def test_numbers_may_differ_by_the_tolerance_and_nothing_else_may(found, tolerance, passes):
    stored = "IoU 0.93, 9.8 s\nend 3."
    assert (settle(stored, found, tolerance) == stored) is passes


@pytest.mark.parametrize(
    ("stored", "numbers"),
    [
        ("1,234 of (64, 64) -0.02", [1234, 64, 64, -0.02]),
        ("enc1_conv 1e-05 v2.21 .5", [1e-05, 0.5]),
        ("−3 to +4%", [-3, 4]),
    ],
)
def test_a_tolerance_sees_numbers_as_a_reader_does(stored, numbers):
    assert [value(number) for number in NUMBER.findall(stored)] == numbers


def test_a_cell_that_states_a_tolerance_is_compared_within_it_by_nbval(tmp_path, capsys):
    sources = [f"print('IoU {text}')" for text in ("0.93", "0.93", "0.93", "0.93\\n0.94")]
    path = store(tmp_path, *sources, "1")
    assert run_notebooks.execute(path) == []
    notebook = notebooks.read(path)
    for cell, text, tolerance in zip(notebook.cells, ("0.95", "0.95", "0.99", "0.93"), (0.03, None, 0.03, 0.03)):
        cell.outputs[0].text = f"IoU {text}\n"
        cell.metadata.update({} if tolerance is None else {"tolerance": tolerance})
    notebooks.write(notebook, path)
    results = run_notebooks.compare_all([path], seconds=100)
    assert (results[path].passed, results[path].failed) == (2, 3)
    said = capsys.readouterr().out
    assert [k for k in range(5) if f"Cell {k}: Cell outputs differ" in said] == [1, 2, 3]
    assert "1 / 3 / 1" in run_notebooks.table(results) and "3 x 0.03" in run_notebooks.table(results)
