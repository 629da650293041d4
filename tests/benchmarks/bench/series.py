"""How many seconds and how much memory does each notebook take, on two processor cores and on one?

Each notebook runs in a fresh kernel under nbval, as ``make compare`` runs it; the start of the kernel and of TensorFlow is
counted. On one core it runs as under ``make test-one-thread``: bound to one core, and told to use one thread; where there are
more cores, a notebook runs on each of them at the same time.
"""

from __future__ import annotations

import contextlib
import os
import queue
from concurrent.futures import ThreadPoolExecutor

from tests import notebooks, run_notebooks
from tests.benchmarks.bench import measure

QUICK = ("01",)
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
"""What ``make test-one-thread`` sets."""
WORDS = {1: "one core", 2: "two cores"}


@contextlib.contextmanager
def bound(cores: set[int]):
    """Bind this thread, and the processes that it starts, to these cores."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@contextlib.contextmanager
def told(variables: dict[str, str]):
    """Set these environment variables."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def possible(wanted: tuple[int, ...]) -> tuple[tuple[int, ...], list[str]]:
    """The numbers of cores that can be measured here, and a sentence for what cannot."""
    if not hasattr(os, "sched_setaffinity"):
        return (), ["This system cannot bind a process to some of its cores: measured with all of them."]
    there = measure.cores()
    missing = [WORDS[cores] for cores in wanted if cores > there]
    return tuple(cores for cores in wanted if cores <= there), [f"There are not {words} here." for words in missing]


def run(path, cores: set[int] | None) -> run_notebooks.Result:
    """Run a notebook on these cores, or on all of them; print what it took."""
    with bound(cores) if cores else contextlib.nullcontext():
        result = run_notebooks.compare(path, seconds=0)
    where = WORDS.get(len(cores or ()), "all cores")
    print(f"{path.stem}, {where}: {result.seconds:.0f} s, {result.kernel_bytes / 1e6:.0f} MB", flush=True)
    return result


def run_all(paths, cores: int | None) -> list[run_notebooks.Result]:
    """Run the notebooks, each on so many cores: on one core as many at a time as there are cores, otherwise one by one."""
    if not cores:
        return [run(path, None) for path in paths]
    there = sorted(os.sched_getaffinity(0))
    free = queue.SimpleQueue()
    for one in [{core} for core in there] if cores == 1 else [set(there[:cores])]:
        free.put(one)

    def when_free(path):
        mine = free.get()
        try:
            return run(path, mine)
        finally:
            free.put(mine)

    with told(ONE_THREAD if cores == 1 else {}), ThreadPoolExecutor(free.qsize()) as threads:
        return list(threads.map(when_free, paths))


def table(results: dict[str, dict[str, run_notebooks.Result]], notes=()) -> measure.Table:
    """The table of results by notebook and by where it ran; the same places for every notebook."""
    places = list(next(iter(results.values())))
    columns = ["notebook", *(f"{place}, {unit}" for place in places for unit in ("s", "MB"))]
    rows = [
        [name, *(round(value) for one in by_place.values() for value in (one.seconds, one.kernel_bytes / 1e6))]
        for name, by_place in results.items()
    ]
    notes = list(notes)
    for place in places:
        ran = [by_place[place] for by_place in results.values()]
        longest, most = max(one.seconds for one in ran), max(one.kernel_bytes for one in ran)
        said = f"On {place}: {sum(one.seconds for one in ran):.0f} s in all; at most {longest:.0f} s a notebook"
        if place != WORDS[1]:
            reached = "reached" if longest <= notebooks.SECONDS else "not reached"
            said += f" (aim {notebooks.SECONDS:.0f} s: {reached})"
        reached = "reached" if most <= notebooks.KERNEL_BYTES else "not reached"
        notes.append(f"{said} and {most / 1e6:.0f} MB (aim {notebooks.KERNEL_BYTES / 1e6:.0f} MB: {reached}).")
    wrong = [f"{name} on {place}" for name, found in results.items() for place, one in found.items() if one.failed]
    notes.append(f"Outputs or budgets that failed: {', '.join(wrong) or 'none'}. Each was run once.")
    return measure.Table("A notebook, cold start included", columns, rows, notes, headline(results))


def headline(results: dict[str, dict[str, run_notebooks.Result]]) -> str:
    """What README quotes: seconds in all and the largest kernel, at each place."""
    said = []
    for place in next(iter(results.values())):
        ran = [by_place[place] for by_place in results.values()]
        seconds, most = sum(one.seconds for one in ran), max(one.kernel_bytes for one in ran)
        said.append(f"{seconds:.0f} s on {place}, the largest kernel {most / 1e6:,.0f} MB")
    return f"The notebooks {', '.join(name[:2] for name in results)}, cold start included: {'; '.join(said)}."


def tables(quick: bool) -> list[measure.Table]:
    cores, notes = possible((2,) if quick else (2, 1))
    paths = notebooks.find(QUICK if quick else [])
    if 1 in cores and measure.cores() > 1:
        notes = [*notes, "On one core: a notebook on each core of the machine at the same time."]
    places = {WORDS[number]: number for number in cores} or {"all cores": None}
    ran = {place: run_all(paths, number) for place, number in places.items()}
    results = {path.stem: {place: found[k] for place, found in ran.items()} for k, path in enumerate(paths)}
    return [table(results, notes)]
