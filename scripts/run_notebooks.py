"""Execute the notebooks and store their outputs, or run them again and compare.

The variable TIME_BUDGET holds the seconds that a notebook may take (default 240, meant for two cores; 0 for no limit). A
notebook that takes longer is named in the table; one that takes twice as long has failed. The difference leaves room for a
shared machine that is slow for some minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import psutil
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

from scripts import notebook_checks, notebooks

DEAD_SECONDS = 15
"""A test whose kernel has been gone for this long is stopped: nbval itself would wait for the cell's timeout."""
# By file, the long files with few tests would come last, and one process would wait for the other.
UNIT_TESTS = ("-q", "--numprocesses=2", "--dist=worksteal", "tests")


# ---- Execute and store -------------------------------------------------------------------------------------------------


def execute(path: Path) -> list[str]:
    """Run a notebook from top to bottom in a fresh kernel of this Python, and store its outputs.

    Returns what is wrong: a cell stopped, took too long, wrote to standard error or warned. Then nothing was stored.
    """
    notebook = notebooks.read(path)
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_name=CURRENT_ENV_KERNEL_NAME, kernel_spec_manager=NbvalKernelspecManager()),
        timeout=notebooks.CELL_TIMEOUT,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
    )
    # As under nbval: with this variable, which pytest always sets, a kernel does not store what native code writes to
    # standard error, and the kernel's own log goes nowhere.
    variables = os.environ | notebooks.small_machine() | {"PYTEST_CURRENT_TEST": "make notebooks"}
    try:
        client.execute(env=variables, stderr=subprocess.DEVNULL, cleanup_kc=True)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        said = re.sub(r"\x1b\[[\d;]*m", "", str(error)).strip()
        return [f"[{client.code_cells_executed}] stopped: {said}"]
    notebook = notebooks.normalise(notebook)
    complaints = notebook_checks.no_stderr(notebook, path) + notebook_checks.no_warnings(notebook, path)
    if not complaints:
        notebooks.write(notebook, path)
    return complaints


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

    def complain(self, text: str) -> None:
        """Count a failure that is no single test's."""
        self.complaints.append(text)
        self.failed += 1


def compare(path: Path, seconds: float = notebooks.SECONDS) -> Result:
    """Run a notebook in a fresh kernel, compare its outputs with the stored ones, and hold it to its budgets.

    Args:
        path: the notebook.
        seconds: how long it may take; 0 for no limit.
    """
    timeout = max(notebooks.CELL_TIMEOUT, seconds) if seconds else 4 * notebooks.CELL_TIMEOUT
    with tempfile.TemporaryDirectory() as folder:
        report, log = Path(folder, "report.xml"), Path(folder, "log.txt")
        command = [
            sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", f"--nbval-cell-timeout={timeout:.0f}",
            "--color=no", "-p", "scripts.tolerance", "-c", str(notebooks.ROOT / "pyproject.toml"),
            f"--junitxml={report}", str(path),
        ]  # fmt: skip
        with log.open("wb") as output:
            start, variables = time.perf_counter(), os.environ | notebooks.small_machine()
            process = subprocess.Popen(
                command, cwd=notebooks.ROOT, env=variables, stdout=output, stderr=subprocess.STDOUT
            )
            peak, died = watch_kernel(process)
            elapsed = time.perf_counter() - start
        result = count(report, process.returncode)
        if result.failed:
            print(log.read_text(encoding="utf-8", errors="replace"), flush=True)
    result.seconds, result.kernel_bytes, result.slow = elapsed, peak, bool(seconds) and elapsed > seconds
    if died:
        result.complaints = ["the kernel died before the end (most often: out of memory)"]
    if peak > notebooks.KERNEL_BYTES:
        result.complain(f"its kernel took {peak / 1e6:,.0f} MB; at most {notebooks.KERNEL_BYTES / 1e6:,.0f} MB")
    if seconds and elapsed > notebooks.PATIENCE * seconds:
        result.complain(f"it took {elapsed:.0f} s; its budget is {seconds:g} s (see TIME_BUDGET in `make help`)")
    return result


def count(report: Path, exit_code: int) -> Result:
    """Count what pytest wrote to its XML report. No test at all, or no report, is a failure."""
    try:
        suite = next(ElementTree.parse(report).getroot().iter("testsuite"))
        tests, *bad, skipped = (int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped"))
    except (OSError, ElementTree.ParseError):
        return Result(failed=1, complaints=[f"pytest stopped (exit code {exit_code})"])
    result = Result(passed=tests - sum(bad) - skipped, failed=sum(bad))
    if exit_code and not result.failed:
        result.complain("there was nothing to test" if not tests else f"pytest stopped (exit code {exit_code})")
    return result


def watch_kernel(process: subprocess.Popen) -> tuple[int, bool]:
    """Wait for pytest; return the most memory in bytes that a kernel below it took, and whether the kernel died early."""
    peak, kernels, gone_since = 0, [], None
    pytest = psutil.Process(process.pid)
    try:
        while process.poll() is None:
            kernels = [kernel for kernel in kernels if is_running(kernel)] or find_kernels(pytest)
            peak = max([peak, *map(peak_memory, kernels)])
            gone_since = None if kernels or not peak else gone_since or time.monotonic()
            if gone_since and time.monotonic() - gone_since > DEAD_SECONDS:
                return peak, True
            time.sleep(0.2)
        return peak, False
    finally:
        if process.poll() is None:
            for child in [*pytest.children(recursive=True), process]:
                child.kill()
            process.wait()


def find_kernels(parent: psutil.Process) -> list[psutil.Process]:
    """The IPython kernels among the processes that a process started."""
    found = []
    with contextlib.suppress(psutil.Error):
        for child in parent.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                found += [child] if "ipykernel_launcher" in child.cmdline() else []
    return found


def is_running(process: psutil.Process) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def peak_memory(process: psutil.Process) -> int:
    """The most resident memory in bytes that a process took so far; where the system does not keep it, what it takes now."""
    with contextlib.suppress(OSError, psutil.Error):
        if sys.platform == "linux":
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
            return int(found[1]) * 1024 if found else 0
        memory = process.memory_info()
        return getattr(memory, "peak_wset", memory.rss)
    return 0


def compare_all(paths: list[Path], seconds: float, at_once: int = 1) -> dict[Path, Result]:
    """Compare notebooks, one after the other or some at once, and say how each went."""

    def run(path):
        print(f"{path.name} runs …", flush=True)
        result = compare(path, seconds)
        for complaint in result.complaints:
            print(f"{path.name}: {complaint}", flush=True)
        print(f"{path.name} {'FAILED' if result.failed else 'passed'} after {result.seconds:.0f} s", flush=True)
        return result

    with ThreadPoolExecutor(at_once) as threads:
        return dict(zip(paths, threads.map(run, paths)))


def table(results: dict[Path, Result]) -> str:
    """The results of the notebooks, one line each."""
    rows = [("notebook", "cells strict / within / exempt", "tolerances", "seconds", "peak memory of kernel", "result")]
    for path, result in results.items():
        strict, tolerances, exempt = notebooks.comparison(notebooks.read(path))
        stated = ", ".join(f"{n} x {each}" for each, n in Counter(map(str, tolerances)).items()) or "none"
        verdict = f"{result.failed} failed" if result.failed else "ok, but over its time" if result.slow else "ok"
        memory = f"{result.kernel_bytes / 1e6:,.0f} MB"
        cells = f"{strict} / {len(tolerances)} / {exempt}"
        rows.append((path.stem, cells, stated, f"{result.seconds:.0f}", memory, verdict))
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
        for row in rows
    )


def summary(results: dict[Path, Result], unit: Result | None = None) -> int:
    """Print the table and the sums; return the exit code. Nothing tested is a failure."""
    everything = [*results.values(), *([unit] if unit else [])]
    passed, failed = (sum(getattr(result, name) for result in everything) for name in ("passed", "failed"))
    print(f"\n{table(results)}\n" if results else "", f"{passed} passed, {failed} failed", sep="\n", flush=True)
    return 1 if failed or not passed else 0


# ---- The commands ------------------------------------------------------------------------------------------------------


def unit_tests() -> Result:
    """Run the unit tests and the checks of the notebooks, showing pytest's own output."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        done = subprocess.run([sys.executable, "-m", "pytest", *UNIT_TESTS, f"--junitxml={report}"], cwd=notebooks.ROOT)
        return count(report, done.returncode)


def execute_all(paths: list[Path]) -> int:
    """Execute and store notebooks one after the other; stop at the first that cannot be stored."""
    for path in paths:
        start = time.perf_counter()
        print(f"{path.name} runs …", flush=True)
        if complaints := execute(path):
            print(f"{path.name} was not stored, the file is as it was. Cell " + "\n".join(complaints), flush=True)
            return 1
        print(f"{path.name} stored after {time.perf_counter() - start:.0f} s", flush=True)
    return 0


def main(arguments=None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m scripts.run_notebooks", description=__doc__)
    parser.add_argument(
        "command", choices=["execute", "tidy", "test", "unit", "compare"],
        help="execute: run the notebooks and store their outputs; tidy: bring their files into the form in which they are "
        "stored, without running them; test: unit tests, then the notebooks, outputs compared; unit, compare: one of both",
    )  # fmt: skip
    notebooks.add_names(parser)
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="run N notebooks at the same time")
    asked = parser.parse_intermixed_args(arguments)
    paths = notebooks.find(asked.names)
    if asked.command == "execute":
        return execute_all(paths)
    if asked.command == "tidy":
        for path in paths:
            notebooks.write(notebooks.normalise(notebooks.read(path)), path)
        return 0
    unit = unit_tests() if asked.command in ("unit", "test") else None
    results = compare_all(paths, notebooks.time_budget(), asked.at_once) if asked.command != "unit" else {}
    return summary(results, unit)


if __name__ == "__main__":
    sys.exit(main())
