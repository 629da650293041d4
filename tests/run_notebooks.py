"""Execute the notebooks and store their outputs, or run them again and compare.

usage: python -m tests.run_notebooks execute [01 03 ...]
       python -m tests.run_notebooks tidy    [01 03 ...]    after a change of text: the same form, nothing executed
       python -m tests.run_notebooks test    [01 03 ...]    unit tests first, then the notebooks
       python -m tests.run_notebooks compare [01 03 ...]    the notebooks only
       python -m tests.run_notebooks compare --kill-over 2000    the same, a kernel is killed over 2000 MB

The variable TIME_BUDGET holds the seconds that a notebook may take (default 240, meant for two cores; 0 for no limit). A
notebook that takes longer is named in the table; one that takes twice as long has failed. The difference leaves room for a
shared machine that is slow for some minutes.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import psutil
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

from tests import notebook_checks, notebooks

SAMPLE_SECONDS = 0.2
DEAD_SECONDS = 15
"""A test whose kernel has been gone for this long is stopped: nbval itself would wait for the cell's timeout."""
TWO_PROCESSES = ("--numprocesses=2", "--dist=loadfile")
"""How the unit tests are shared out. Most of a test is Python, which keeps one processor core busy."""


# ---- Execute and store -------------------------------------------------------------------------------------------------


class CannotStore(Exception):
    """A notebook that cannot be stored; the message names the notebook and the cell."""


def execute(path: Path) -> None:
    """Run a notebook from top to bottom in a fresh kernel of this Python, and store its outputs.

    Raises:
        CannotStore: a cell raised an error, took too long, killed the kernel, wrote to standard error or warned. The
            stored notebook is as it was.
    """
    notebook = notebooks.read(path)
    running = {}
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_name=CURRENT_ENV_KERNEL_NAME, kernel_spec_manager=NbvalKernelspecManager()),
        timeout=notebooks.CELL_TIMEOUT,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        on_cell_start=lambda cell, cell_index: running.update(cell=cell),
    )
    try:
        # As under nbval: with this variable, which pytest always sets, a kernel does not store what native code writes to
        # standard error, and the kernel's own log goes nowhere.
        client.execute(env={**os.environ, "PYTEST_CURRENT_TEST": "make notebooks"}, stderr=subprocess.DEVNULL)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        number = next(k for k, cell in enumerate(notebooks.code_cells(notebook), 1) if cell is running["cell"])
        what = f"{error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else str(error)
        trace = without_colours(getattr(error, "traceback", ""))
        raise CannotStore(f"{path.name}, cell [{number}] stopped: {what.strip()}\n\n{trace}".rstrip()) from None
    notebook = notebooks.normalise(notebook)
    complaints = notebook_checks.no_stderr(notebook, path) + notebook_checks.no_warnings(notebook, path)
    if complaints:
        raise CannotStore(f"{path.name}, cell " + "\n".join(complaints))
    notebooks.write(notebook, path)


def without_colours(text: str) -> str:
    """A terminal text without its colour codes."""
    return re.sub(r"\x1b\[[\d;]*m", "", text)


# ---- Run again and compare ---------------------------------------------------------------------------------------------


@dataclass
class Result:
    """How a test went: cells or unit tests passed and failed, and for a notebook what it cost."""

    passed: int = 0
    failed: int = 0
    seconds: float = 0.0
    kernel_bytes: int = 0
    slow: bool = False
    complaints: list[str] = field(default_factory=list)


def count(report: Path, exit_code: int) -> Result:
    """Count what pytest wrote to its XML report. No test at all, or no report, is a failure."""
    try:
        suites = ElementTree.parse(report).getroot().iter("testsuite")
        tests, bad, skipped = (
            sum(column) for column in zip(*[
                (int(s.get("tests")), int(s.get("failures")) + int(s.get("errors")), int(s.get("skipped"))) for s in suites
            ])
        )  # fmt: skip
    except (OSError, ElementTree.ParseError):
        return Result(failed=1, complaints=[f"pytest stopped (exit code {exit_code})"])
    result = Result(passed=max(0, tests - bad - skipped), failed=bad)
    if tests == 0:
        result.complaints.append("there was nothing to test")
    elif exit_code and not bad:
        result.complaints.append(f"pytest stopped (exit code {exit_code})")
    result.failed += len(result.complaints)
    return result


def unit_tests() -> Result:
    """Run the unit tests and the checks of the notebooks, showing pytest's own output. A file's tests stay in one process."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *TWO_PROCESSES, f"--junitxml={report}", "tests"], cwd=notebooks.ROOT
        )
        return count(report, done.returncode)


def compare(path: Path, seconds: float = notebooks.SECONDS, kill_over: float = 0) -> Result:
    """Run a notebook in a fresh kernel, compare its outputs with the stored ones, and hold it to its budgets.

    Args:
        path: the notebook.
        seconds: how long it may take; 0 for no limit.
        kill_over: the memory in bytes at which its kernel is killed, as a small machine would do; 0 for no limit.
    """
    timeout = max(notebooks.CELL_TIMEOUT, seconds) if seconds else 4 * notebooks.CELL_TIMEOUT
    command = [
        sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", f"--nbval-cell-timeout={timeout:.0f}",
        "-p", "no:cacheprovider", "--color=no", "-c", str(notebooks.ROOT / "pyproject.toml"),
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        report, log = Path(folder, "report.xml"), Path(folder, "log.txt")
        with log.open("wb") as output:
            start = time.perf_counter()
            process = subprocess.Popen(
                [*command, f"--junitxml={report}", str(path)],
                cwd=notebooks.ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            peak, died = watch_kernel(process, kill_over)
            elapsed = time.perf_counter() - start
        result = count(report, process.returncode)
        if result.failed:
            print(log.read_text(encoding="utf-8", errors="replace"), flush=True)
    result.seconds, result.kernel_bytes = elapsed, peak
    if kill_over and peak > kill_over:
        result.complaints = [
            f"its kernel was killed at {peak / 1e6:,.0f} MB, over the limit of {kill_over / 1e6:,.0f} MB"
        ]
    elif died:
        result.complaints = ["the kernel died before the end (most often: out of memory)"]
    over = []
    result.slow = bool(seconds) and elapsed > seconds
    if peak > notebooks.KERNEL_BYTES:
        over.append(f"its kernel took {peak / 1e6:,.0f} MB; at most {notebooks.KERNEL_BYTES / 1e6:,.0f} MB")
    if seconds and elapsed > notebooks.PATIENCE * seconds:
        over.append(f"it took {elapsed:.0f} s; its budget is {seconds:g} s (see TIME_BUDGET in `make help`)")
    if path.stat().st_size > notebooks.FILE_BYTES:
        over.append(f"its file has {path.stat().st_size:,} bytes; at most {notebooks.FILE_BYTES:,}")
    result.complaints += over
    result.failed += len(over)
    return result


def watch_kernel(process: subprocess.Popen, kill_over: float = 0) -> tuple[int, bool]:
    """Wait for pytest; return the most memory in bytes that a kernel below it took, and whether the kernel died early.

    Args:
        process: pytest.
        kill_over: the memory in bytes at which the kernel is killed, and pytest with it; 0 for no limit. What Linux keeps is
            the true peak of a process, so a peak between two looks is seen as well.
    """
    peak, kernels, gone_since = 0, [], None
    try:
        while process.poll() is None:
            kernels = [kernel for kernel in kernels if is_running(kernel)] or find_kernels(process.pid)
            peak = max([peak, *map(peak_memory, kernels)])
            if kill_over and peak > kill_over:
                return peak, True
            now = time.monotonic()
            gone_since = None if kernels or not peak else gone_since or now
            if gone_since and now - gone_since > DEAD_SECONDS:
                return peak, True
            time.sleep(SAMPLE_SECONDS)
        return peak, False
    finally:
        if process.poll() is None:
            for child in [*psutil.Process(process.pid).children(recursive=True), process]:
                child.kill()
            process.wait()


def find_kernels(parent: int) -> list[psutil.Process]:
    """The IPython kernels among the processes that a process started."""
    try:
        children = psutil.Process(parent).children(recursive=True)
    except psutil.Error:
        return []
    return [child for child in children if is_running(child) and "ipykernel_launcher" in command_line(child)]


def command_line(process: psutil.Process) -> list[str]:
    """The command line of a process; empty if it is gone."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def is_running(process: psutil.Process) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def peak_memory(process: psutil.Process) -> int:
    """The most resident memory in bytes that a process took so far; where the system does not keep it, what it takes now."""
    try:
        status = Path(f"/proc/{process.pid}/status")
        if status.exists():
            found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
            return int(found[1]) * 1024 if found else 0
        memory = process.memory_info()
        return getattr(memory, "peak_wset", memory.rss)
    except (OSError, psutil.Error):
        return 0


def table(results: dict[Path, Result]) -> str:
    """The results of the notebooks, one line each."""
    rows = [("notebook", "cells compared / exempt", "seconds", "peak memory of kernel", "result")]
    for path, result in results.items():
        compared, exempt = notebooks.compared_and_exempt(notebooks.read(path))
        verdict = f"{result.failed} failed" if result.failed else "ok, but over its time" if result.slow else "ok"
        memory = f"{result.kernel_bytes / 1e6:,.0f} MB"
        rows.append((path.stem, f"{compared} / {exempt}", f"{result.seconds:.0f}", memory, verdict))
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for row in rows:
        lines.append(
            "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
        )
    return "\n".join(lines)


# ---- The two commands --------------------------------------------------------------------------------------------------


def execute_all(paths: list[Path]) -> int:
    """Execute and store notebooks one after the other; stop at the first that cannot be stored."""
    for path in paths:
        start = time.perf_counter()
        print(f"{path.name} runs …", flush=True)
        try:
            execute(path)
        except CannotStore as error:
            print(f"\n{error}\n\n{path.name} was not stored; the file is as it was.", flush=True)
            return 1
        print(f"{path.name} stored after {time.perf_counter() - start:.0f} s", flush=True)
    return 0


def tidy_all(paths: list[Path]) -> int:
    """Bring the notebooks' files into the form in which they are stored."""
    for path in paths:
        notebooks.write(notebooks.normalise(notebooks.read(path)), path)
    return 0


def test_all(paths: list[Path], with_unit_tests: bool = True, kill_over: float = 0) -> int:
    """Run the unit tests, then the notebooks one after the other; print a table and the sums.

    Args:
        paths: the notebooks.
        with_unit_tests: False for the notebooks only.
        kill_over: the memory in bytes at which a kernel is killed; 0 for no limit.
    """
    seconds = notebooks.time_budget()
    unit = unit_tests() if with_unit_tests else Result()
    results = {}
    for path in paths:
        print(f"{path.name} runs …", flush=True)
        result = results[path] = compare(path, seconds, kill_over)
        for complaint in result.complaints:
            print(f"{path.name}: {complaint}", flush=True)
        print(f"{path.name} {'FAILED' if result.failed else 'passed'} after {result.seconds:.0f} s", flush=True)
    if not paths:
        unit.failed += 1
        print(f"There is no notebook in {notebooks.FOLDER.name}/ to test.")
    everything = [unit, *results.values()]
    passed, failed = sum(result.passed for result in everything), sum(result.failed for result in everything)
    print(f"\n{table(results)}\n")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def main(arguments=None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.run_notebooks", description="Execute and store the notebooks, or test everything."
    )
    parser.add_argument(
        "command", choices=["execute", "tidy", "test", "compare"],
        help="execute: run the notebooks and store their outputs; tidy: bring their files into the form in which they are "
        "stored, without running them; test: unit tests, then the notebooks, outputs compared; "
        "compare: the notebooks only",
    )  # fmt: skip
    parser.add_argument(
        "names", nargs="*", help="beginnings of file names, such as 01 03; all notebooks if none is given"
    )
    parser.add_argument("--kill-over", type=float, default=0, metavar="MB", help="kill a kernel that takes more memory")
    given = parser.parse_intermixed_args(arguments)
    try:
        paths = notebooks.find(given.names)
        if given.command == "execute":
            return execute_all(paths)
        if given.command == "tidy":
            return tidy_all(paths)
        return test_all(paths, with_unit_tests=given.command == "test", kill_over=given.kill_over * 1e6)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
