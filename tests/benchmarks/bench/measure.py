"""Measure things in turn, so that a machine whose speed drifts is fair to all of them, and put the figures into tables."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from utils import project

FOLDER = project.DATA / "benchmarks"
"""Where the figures are stored, one file a question."""

PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "torch")

WRITTEN = ("data/benchmarks*", "README.md")
"""What a measurement writes itself, as git's patterns: a change there is no change of what was measured."""

NEAREST = (
    "The nearest peer is usuyama/pytorch-unet: a U-Net in PyTorch on six synthetic shapes; "
    "its saved result took 40 epochs, about 29 minutes on a GPU."
)


@dataclasses.dataclass
class Table:
    """Figures, and what has to be known to read them.

    Attributes:
        title: what was measured.
        columns: names of the columns, with units.
        rows: texts and numbers, as many a row as there are columns.
        notes: sentences below the table: what was aimed at, what was estimated and not measured.
        headline: a sentence with the figure that README quotes, made from the rows; none by default.
    """

    title: str
    columns: Sequence[str]
    rows: list[Sequence]
    notes: Sequence[str] = ()
    headline: str = ""

    def __post_init__(self):
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: a row has {len(row)} entries for {len(self.columns)} columns: {row}")

    def text(self) -> str:
        """The table as markdown, its columns aligned."""
        cells = [[*self.columns], *([shown(value) for value in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells)]
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join([f"### {self.title}", "", *lines, *(f"\n{note}" for note in self.notes)])


def shown(value) -> str:
    """A table's entry as text: a number in three digits, more where it has more before the point."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".") if value else "0"


def in_turn(tasks: dict[str, Callable], rounds: int = 5, warm_up: int = 1) -> dict[str, list[float]]:
    """Run each task once, then each again, and so on: A B C A B C ...

    Args:
        tasks: functions without arguments, by name.
        rounds: how often each is measured.
        warm_up: how often each is run before, unmeasured.

    Returns:
        dict: seconds of every measured run, by name, in order.
    """
    seconds = {name: [] for name in tasks}
    for turn in range(-warm_up, rounds):
        for name, task in tasks.items():
            gc.collect()
            start = time.perf_counter()
            task()
            elapsed = time.perf_counter() - start
            if turn >= 0:
                seconds[name].append(elapsed)
    return seconds


def spread(values: Iterable[float]) -> str:
    """Median, smallest and largest of several values, as text: ``1.2 (1.1 to 1.4)``; of a single one itself."""
    values = list(values)
    if len(values) == 1:
        return shown(float(values[0]))
    return f"{shown(float(median(values)))} ({shown(float(min(values)))} to {shown(float(max(values)))})"


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """The quotients of measurements that were made in the same round."""
    if len(above) != len(below):
        raise ValueError(f"{len(above)} and {len(below)} measurements; a ratio needs both from every round.")
    return [a / b for a, b in zip(above, below)]


# ---- Where and when ----------------------------------------------------------------------------------------------------


def processor() -> str:
    """What the processor is called."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def versions() -> dict[str, str]:
    """The installed versions of what the figures depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            pass
    return found


def commit() -> str:
    """The commit that was measured, with a + if other files than those ``WRITTEN`` differ from it; empty outside git."""
    named = _git("describe", "--always", "--exclude=*")
    differ = named and _git("status", "--porcelain", "--", ".", *(f":(exclude){pattern}" for pattern in WRITTEN))
    return f"{named}+" if differ else named


def _git(*asked):
    done = subprocess.run(["git", *asked], cwd=project.ROOT, capture_output=True, encoding="utf-8")
    return done.stdout.strip()


# ---- Stored figures ----------------------------------------------------------------------------------------------------


def store(name: str, question: str, command: str, tables: list[Table], seconds: float, when: str) -> Path:
    """Write the figures of one question as JSON, and return the file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    content = {
        "question": question,
        "made_by": command,
        "made_on": when,
        "commit": commit(),
        "machine": {"processor": processor(), "cores": cores(), "system": platform.system()},
        "versions": versions(),
        "seconds": round(seconds),
        "tables": [dataclasses.asdict(table) for table in tables],
    }
    whole = path.with_name(f".{path.name}.new")
    whole.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    whole.replace(path)
    return path


def read(path: Path) -> dict:
    """What :func:`store` wrote, its tables as :class:`Table`."""
    content = json.loads(path.read_text(encoding="utf-8"))
    content["tables"] = [Table(**table) for table in content["tables"]]
    return content


def quotes(contents: list[dict]) -> str:
    """What README quotes: the headlines of all stored tables, with the command and the date of each, as markdown."""
    lines = []
    for content in contents:
        said = " ".join(table.headline for table in content["tables"] if table.headline)
        if said:
            lines.append(f"- {said} (`{content['made_by']}`, {content['made_on']})")
    machines = sorted({f"{c['machine']['cores']} cores of {c['machine']['processor']}" for c in contents})
    return "\n".join([*lines, "", f"Measured on {' and '.join(machines)}."]) if lines else ""


def page(contents: list[dict]) -> str:
    """All stored figures as one page of markdown."""
    seconds = sum(content["seconds"] for content in contents)
    parts = [
        "# Measured",
        "",
        "`make bench` makes the tables of this page. Do not edit it.",
        "",
        f"{NEAREST} All tables together took {seconds:,} s.",
    ]
    for content in contents:
        where = content["machine"]
        named = ", ".join(f"{name} {number}" for name, number in content["versions"].items())
        measured = f"commit {content['commit']}, " if content["commit"] else ""
        parts += [
            "",
            f"## {content['question']}",
            "",
            f"`{content['made_by']}`, {content['made_on']}, {measured}{content['seconds']} s, {where['cores']} cores of "
            f"{where['processor']}, {where['system']}; {named}.",
        ]
        parts += [part for table in content["tables"] for part in ("", table.text())]
    return "\n".join(parts) + "\n"
