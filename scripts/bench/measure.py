"""Measure things in turn, each in its own process where that counts; put the figures into tables, and store them."""

from __future__ import annotations

import dataclasses
import datetime
import gc
import importlib
import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from unittest import mock

from utils import project

FOLDER = project.DATA / "benchmarks"
"""Where the figures are stored, one file a question."""
QUOTED = ("quality", "memory", "series")
"""The questions whose answers README quotes; all answers are on the page of figures."""
PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "torch")


# ---- In turn, and in processes of their own ------------------------------------------------------------------------------


def in_turn(tasks: dict, rounds: int) -> dict[object, list[float]]:
    """Seconds of tasks, run A B C A B C ..., so that a drift of the machine is fair to all.

    Args:
        tasks: functions without arguments, by name; one that returns seconds has measured itself.
        rounds: how often each is measured, after a first round that is not.
    """
    seconds = {name: [] for name in tasks}
    for _ in range(rounds + 1):
        for name, task in tasks.items():
            gc.collect()
            start = time.perf_counter()
            told = task()
            seconds[name].append(told if isinstance(told, float) else time.perf_counter() - start)
    return {name: found[1:] for name, found in seconds.items()}


def fresh(function, *args, environment=None):
    """What a function returns in a new process, which gets these variables besides those of this one."""
    with Worker(environment) as worker:
        return worker.run(function, *args)


class Worker:
    """A process that stays, and an object in it, whose attribute ``ready`` is handed over. Variables are for the process."""

    def __init__(self, environment=None, make=None, *args):
        self.environment, self.pool = environment or {}, ProcessPoolExecutor(1, get_context("spawn"))
        self.ready = self.run(_hold, make, args) if make else None

    def run(self, function, *args):
        """What a function returns in that process."""
        with mock.patch.dict(os.environ, self.environment):  # the process starts with its first task
            return self.pool.submit(function, *args).result()

    def ask(self, method, *args):
        """What a method of the object returns."""
        return self.run(_ask, method, args)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pool.shutdown()


_held = []


def _hold(make, args):
    _held[:] = [make(*args)]
    return _held[0].ready


def _ask(method, args):
    return getattr(_held[0], method)(*args)


def usage():
    """What this process has used so far: the most memory in KB (``ru_maxrss``), page faults (``ru_minflt``). Linux."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF)


# ---- Tables --------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Table:
    """Figures, sentences that are needed to read them, and the sentence that sums them up, if there is one."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence]
    notes: Sequence[str] = ()
    headline: str = ""

    def text(self) -> str:
        """The table as markdown, its columns aligned."""
        cells = [[*self.columns], *([shown(value) for value in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join([f"### {self.title}", "", *lines, *(f"\n{note}" for note in self.notes)])


def table(title, rows: Sequence[dict], *notes: str, headline: str = "") -> Table:
    """A table of rows that all have the same columns."""
    return Table(title, [*rows[0]], [[*row.values()] for row in rows], notes, headline)


def shown(value) -> str:
    """A table's entry as text: a number in three digits, more where it has more before the point."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".") if value else "0"


def spread(values: Iterable[float]) -> str:
    """Median, smallest and largest of several values, as text: ``1.2 (1.1 to 1.4)``; of a single one itself."""
    values = [float(value) for value in values]
    middle, low, high = (shown(one(values)) for one in (median, min, max))
    return middle if len(values) == 1 else f"{middle} ({low} to {high})"


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """The quotients of measurements that were made in the same round."""
    return [a / b for a, b in zip(above, below, strict=True)]


# ---- Stored figures ------------------------------------------------------------------------------------------------------


def answer(name: str, quick: bool) -> None:
    """Make, print and store the tables of one question."""
    module = importlib.import_module(f"scripts.bench.{name}")
    question = module.__doc__.splitlines()[0]
    print(f"\n## {question}\n", flush=True)
    start = time.perf_counter()
    tables = module.tables(quick)
    seconds = time.perf_counter() - start
    print("\n" + "\n\n".join(table.text() for table in tables) + f"\n\n({seconds:.0f} s)", flush=True)
    store(name, question, tables, seconds, quick)


def store(name: str, question: str, tables: list[Table], seconds: float, quick: bool) -> None:
    """Write the figures of one question as JSON."""
    content = {
        "question": question,
        "made_by": f"make bench TABLE={name}" + " QUICK=1" * quick,
        "made_on": datetime.date.today().isoformat(),
        "commit": commit(),
        "machine": {"processor": processor(), "cores": cores(), "system": platform.system()},
        "versions": versions(),
        "seconds": round(seconds),
        "tables": [dataclasses.asdict(table) for table in tables],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


def read(name: str) -> dict:
    """What :func:`store` wrote, its tables as :class:`Table`."""
    content = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content | {"tables": [Table(**table) for table in content["tables"]]}


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def processor() -> str:
    """What the processor is called."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """The installed versions of what the figures depend on."""
    installed = {one.name.lower(): one.version for one in metadata.distributions()}
    return {"python": platform.python_version()} | {name: installed[name] for name in PACKAGES if name in installed}


def commit() -> str:
    """The commit that was measured, with a + if other files than a measurement writes differ from it; empty outside git."""

    def git(*asked):
        return subprocess.run(["git", *asked], cwd=project.ROOT, capture_output=True, encoding="utf-8").stdout.strip()

    named = git("describe", "--always", "--exclude=*")
    changed = named and git("status", "--porcelain", ".", ":(exclude)data/benchmarks*", ":(exclude)README.md")
    return f"{named}+" if changed else named


def said(content: dict) -> str:
    """The headlines of one question."""
    return " ".join(table.headline for table in content["tables"] if table.headline)


def quotes(contents: list[dict]) -> str:
    """What README quotes: the headlines of some questions, with the command and the date of each, as a table."""
    contents = [content for content in contents if content["made_by"].removesuffix(" QUICK=1").endswith(QUOTED)]
    rows = [f"| `{content['made_by']}` | {said(content)} | {content['made_on']} |" for content in contents]
    machines = sorted({f"{one['machine']['cores']} cores of {one['machine']['processor']}" for one in contents})
    head = f"| command | measured on {' and '.join(machines)} | when |"
    return "\n".join([head, "|---|---|---|", *rows])


def page(contents: list[dict]) -> str:
    """All stored figures as one page of markdown."""
    parts = [
        "# Measured",
        "`make bench` makes the tables of this page. Do not edit it.",
        "The nearest peer is usuyama/pytorch-unet: a U-Net in PyTorch on six synthetic shapes; its saved result took 40 "
        f"epochs, about 29 minutes on a GPU. All tables together took {sum(one['seconds'] for one in contents):,} s.",
        "## In short",
        "\n".join(f"- {said(content)}" for content in contents),
    ]
    for content in contents:
        where, named = content["machine"], ", ".join(" ".join(pair) for pair in content["versions"].items())
        measured = f"commit {content['commit']}, " if content["commit"] else ""
        measured += f"{content['seconds']} s, " if content["seconds"] else ""
        parts += [
            f"## {content['question']}",
            f"`{content['made_by']}`, {content['made_on']}, {measured}{where['cores']} cores of "
            f"{where['processor']}, {where['system']}; {named}.",
            *(table.text() for table in content["tables"]),
        ]
    return "\n\n".join(parts) + "\n"
