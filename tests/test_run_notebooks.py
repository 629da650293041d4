"""The program that executes and compares notebooks: it stores what may be stored, and sees what goes wrong."""

import re
import subprocess
import sys

import nbformat
import psutil
import pytest

from tests import notebooks, run_notebooks

ALLOCATE = "block = bytearray(300_000_000)\nblock[::4096] = b'x' * len(block[::4096])\nblock = None"
"""A cell whose memory is given back before the notebook ends: only a true peak shows it."""


def store(folder, *sources, name="01_small.ipynb", tags=()):
    """Store a notebook without outputs; the last cell gets the tags."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    if tags:
        cells[-1].metadata.tags = list(tags)
    path = folder / name
    notebooks.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def stdout_of(path, cell):
    return notebooks.read(path).cells[cell].outputs[0].text


# ---- execute -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A notebook that was executed and stored: three cells, the last one exempt."""
    sources = (
        "import os\nprint('one')\nos.write(2, b'native log')\nprint('two')",
        "1 + 1",
        "import time\ntime.sleep(0.6)\ntime.time()",
    )
    path = store(tmp_path_factory.mktemp("stored"), ALLOCATE, *sources, tags=["nbval-ignore-output"])
    with pytest.MonkeyPatch.context() as outside_pytest:
        outside_pytest.delenv("PYTEST_CURRENT_TEST")
        run_notebooks.execute(path)
    return path


def test_execute_stores_outputs_and_counts(stored):
    notebook = notebooks.read(stored)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3, 4]
    assert [output.get("name") for output in notebook.cells[1].outputs] == ["stdout"], "native log lines are not stored"
    assert stdout_of(stored, 1) == "one\ntwo\n"
    assert notebook.cells[2].outputs[0].data == {"text/plain": "2"}
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


def test_execute_changes_only_exempt_outputs_the_second_time(stored):
    before = notebooks.read(stored)
    run_notebooks.execute(stored)
    after = notebooks.read(stored)
    assert after.cells[3].outputs != before.cells[3].outputs
    after.cells[3].outputs = before.cells[3].outputs
    assert notebooks.text(after) == notebooks.text(before)


def test_execute_uses_this_python_in_the_notebooks_folder(tmp_path):
    path = store(tmp_path, "import os, sys\nprint(sys.executable)\nprint(os.getcwd())")
    run_notebooks.execute(path)
    assert stdout_of(path, 0).splitlines() == [sys.executable, str(tmp_path)]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("1 / 0", r"01_small.ipynb, cell \[2\] stopped: ZeroDivisionError: division by zero"),
        (
            "import sys\nprint('careful', file=sys.stderr)",
            r"01_small.ipynb, cell \[2\] writes to standard error: careful",
        ),
        (
            "import warnings\nwarnings.warn('old', FutureWarning)",
            r"cell \[2\] writes to standard error: .*FutureWarning",
        ),
        ("print('DeprecationWarning: old')", r"cell \[2\] shows a warning: DeprecationWarning: old"),
        ("import os\nos._exit(1)", r"01_small.ipynb, cell \[2\] stopped: .*died"),
    ],
    ids=["error", "stderr", "warning", "printed warning", "dead kernel"],
)
def test_execute_refuses_to_store_trouble_and_names_the_cell(source, complaint, tmp_path, capsys):
    path = store(tmp_path, "print('fine')", source)
    before = path.read_bytes()
    assert run_notebooks.execute_all([path, tmp_path / "02_never_reached.ipynb"]) == 1
    said = capsys.readouterr().out
    assert re.search(complaint, said, re.DOTALL) and "\x1b" not in said
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_execute_stops_a_cell_that_takes_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "CELL_TIMEOUT", 1)
    with pytest.raises(run_notebooks.CannotStore, match=r"cell \[1\] stopped: A cell timed out"):
        run_notebooks.execute(store(tmp_path, "import time\ntime.sleep(60)"))


# ---- compare -----------------------------------------------------------------------------------------------------------


def test_a_notebook_that_repeats_passes_and_its_peak_memory_is_seen(stored):
    result = run_notebooks.compare(stored)
    assert (result.passed, result.failed, result.complaints) == (4, 0, [])
    assert 300e6 < result.kernel_bytes < 600e6
    assert 1 < result.seconds < 60
    assert run_notebooks.table({stored: result}).splitlines()[1].split()[:4] == ["01_small", "2", "/", "1"]


def test_a_notebook_over_its_budgets_fails(stored, monkeypatch):
    monkeypatch.setattr(notebooks, "KERNEL_BYTES", 200_000_000)
    monkeypatch.setattr(notebooks, "FILE_BYTES", 100)
    result = run_notebooks.compare(stored, seconds=0.5)
    assert (result.passed, result.failed) == (4, 3)
    memory, seconds, size = result.complaints
    assert re.fullmatch(r"its kernel took \d{3} MB; at most 200 MB", memory)
    assert re.match(r"it took \d+ s; its budget is 0.5 s", seconds)
    assert re.match(r"its file has [\d,]+ bytes; at most 100", size)


def test_a_kernel_over_a_hard_limit_of_memory_is_killed(tmp_path):
    path = store(tmp_path, ALLOCATE, "import time\ntime.sleep(60)")
    result = run_notebooks.compare(path, kill_over=200e6)
    assert result.failed == 1 and result.kernel_bytes > 200e6 and result.seconds < 30
    assert re.fullmatch(r"its kernel was killed at \d{3} MB, over the limit of 200 MB", result.complaints[0])


def test_a_notebook_a_little_over_its_time_is_named_and_has_not_failed(stored, monkeypatch):
    monkeypatch.setattr(notebooks, "PATIENCE", 1000)
    result = run_notebooks.compare(stored, seconds=0.5)
    assert result.slow and result.failed == 0
    assert "over its time" in run_notebooks.table({stored: result})


def test_outputs_that_differ_fail_and_are_shown_and_a_limit_of_0_seconds_is_none(stored, tmp_path, capsys):
    notebook = notebooks.read(stored)
    notebook.cells[1].outputs[0].text = "one\nthree\n"
    notebook.cells[2].outputs = []
    notebooks.write(notebook, tmp_path / "01_other.ipynb")
    result = run_notebooks.compare(tmp_path / "01_other.ipynb", seconds=0)
    assert (result.passed, result.failed) == (2, 2)
    said = capsys.readouterr().out
    assert "Cell 1: Cell outputs differ" in said and "three" in said and "Unexpected output fields" in said


def test_a_notebook_without_cells_fails(tmp_path):
    result = run_notebooks.compare(store(tmp_path))
    assert (result.passed, result.failed, result.complaints) == (0, 1, ["there was nothing to test"])


def test_a_file_that_is_no_notebook_fails(tmp_path):
    (tmp_path / "01_broken.ipynb").write_text("{")
    assert run_notebooks.compare(tmp_path / "01_broken.ipynb").failed >= 1


def test_a_dead_kernel_fails_without_waiting_for_the_timeout(tmp_path, monkeypatch):
    monkeypatch.setattr(run_notebooks, "DEAD_SECONDS", 1)
    result = run_notebooks.compare(store(tmp_path, "print('fine')", "import os, time\ntime.sleep(1)\nos._exit(1)"))
    assert result.failed == 1 and result.seconds < 30
    assert result.complaints == ["the kernel died before the end (most often: out of memory)"]


# ---- The sums ----------------------------------------------------------------------------------------------------------


def report(folder, **numbers):
    path = folder / "report.xml"
    attributes = " ".join(f'{name}="{number}"' for name, number in numbers.items())
    path.write_text(f"<testsuites><testsuite {attributes}/></testsuites>")
    return path


@pytest.mark.parametrize(
    ("numbers", "exit_code", "passed", "failed"),
    [
        ({"tests": 9, "failures": 0, "errors": 0, "skipped": 0}, 0, 9, 0),
        ({"tests": 9, "failures": 2, "errors": 1, "skipped": 1}, 1, 5, 3),
        ({"tests": 0, "failures": 0, "errors": 0, "skipped": 0}, 5, 0, 1),
        ({"tests": 9, "failures": 0, "errors": 0, "skipped": 0}, 3, 9, 1),
    ],
)
def test_tests_are_counted(numbers, exit_code, passed, failed, tmp_path):
    result = run_notebooks.count(report(tmp_path, **numbers), exit_code)
    assert (result.passed, result.failed) == (passed, failed)


def test_a_missing_report_counts_as_a_failure(tmp_path):
    assert run_notebooks.count(tmp_path / "report.xml", -9).failed == 1


def test_the_last_line_has_the_sums_and_any_failure_sets_the_exit_code(stored, monkeypatch, capsys):
    monkeypatch.setattr(run_notebooks, "unit_tests", lambda: run_notebooks.Result(passed=30))
    outcomes = iter(
        [run_notebooks.Result(passed=4, seconds=2), run_notebooks.Result(passed=3, failed=1, complaints=["no"])]
    )
    monkeypatch.setattr(run_notebooks, "compare", lambda path, seconds, kill_over: next(outcomes))
    assert run_notebooks.test_all([stored]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "34 passed, 0 failed"
    assert run_notebooks.test_all([stored]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "33 passed, 1 failed" and "01_small.ipynb: no" in said


def test_no_notebook_at_all_is_a_failure(monkeypatch, capsys):
    assert run_notebooks.test_all([], with_unit_tests=False) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "0 passed, 1 failed"


@pytest.mark.parametrize("order", [["--kill-over=2000", "01"], ["01", "--kill-over", "2000"]])
def test_a_limit_of_memory_reaches_the_notebooks(order, monkeypatch):
    given = {}
    monkeypatch.setattr(run_notebooks, "test_all", lambda paths, **options: given.update(options, paths=paths) or 0)
    assert run_notebooks.main(["compare", *order]) == 0
    assert given["kill_over"] == 2e9 and [path.name[:2] for path in given["paths"]] == ["01"]


@pytest.mark.parametrize("command", ["execute", "compare"])
def test_a_notebook_that_does_not_exist_is_named(command, capsys):
    assert run_notebooks.main([command, "77"]) == 2
    assert "There is no notebook that begins with '77'" in capsys.readouterr().err


# ---- Processes ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not keep the peak of a process")
def test_peak_memory_is_seen_after_it_was_given_back():
    source = ALLOCATE + "\nprint('ready', flush=True)\ninput()"
    process = subprocess.Popen([sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline().strip() == b"ready"
    child = psutil.Process(process.pid)
    peak, now = run_notebooks.peak_memory(child), child.memory_info().rss
    process.communicate(b"\n")
    assert now < 200e6 < 300e6 < peak < 400e6


def test_peak_memory_is_at_least_what_is_taken_now():
    me = psutil.Process()
    assert me.memory_info().rss * 0.9 <= run_notebooks.peak_memory(me) < 20e9


def test_a_process_that_is_gone_has_no_memory_and_no_kernels():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    gone = psutil.Process(process.pid)
    assert run_notebooks.is_running(gone)
    process.communicate(b"\n")
    assert not run_notebooks.is_running(gone)
    assert run_notebooks.peak_memory(gone) == 0
    assert run_notebooks.command_line(gone) == []
    assert run_notebooks.find_kernels(process.pid) == []


def test_tidying_changes_the_form_and_nothing_else(stored, tmp_path, monkeypatch):
    notebook = notebooks.read(stored)
    notebook.metadata["widgets"] = {}
    notebook.cells[1].metadata["execution"] = {"iopub": "2026"}
    notebooks.write(notebook, tmp_path / "01_other.ipynb")
    monkeypatch.setattr(notebooks, "find", lambda names: [tmp_path / "01_other.ipynb"])
    assert run_notebooks.main(["tidy"]) == 0
    assert (tmp_path / "01_other.ipynb").read_bytes() == stored.read_bytes()
