"""How many seconds and how much memory does each notebook take, on two processor cores and on one?

Each runs as ``make compare`` runs it; the start of the kernel and of TensorFlow is counted. On one core it is bound to one, and
told to use one thread; where there are more cores, a notebook runs on each of them at the same time.
"""

from __future__ import annotations

import os
import queue
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

from scripts import notebooks, run_notebooks
from scripts.bench import measure

ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
WORDS = {1: "one core", 2: "two cores"}


def tables(quick: bool) -> list[measure.Table]:
    """The one table of this question."""
    paths = notebooks.find(["01"] if quick else [])
    ran = {WORDS[cores]: run_all(paths, cores) for cores in ((2,) if quick else (2, 1)) if cores <= measure.cores()}
    return [table([path.stem for path in paths], ran)]


def run_all(paths, cores: int) -> list[run_notebooks.Result]:
    """Run the notebooks, each on so many cores: on one core as many at a time as there are cores, otherwise one by one."""
    there, free = sorted(os.sched_getaffinity(0)), queue.SimpleQueue()
    for some in [{core} for core in there] if cores == 1 else [{*there[:cores]}]:
        free.put(some)

    def when_free(path):
        mine = free.get()
        os.sched_setaffinity(0, mine)  # of this thread, and of the processes that it starts
        result = run_notebooks.compare(path, seconds=0)
        free.put(mine)
        print(f"{path.stem}, {WORDS[cores]}: {result.seconds:.0f} s, {result.kernel_bytes / 1e6:.0f} MB", flush=True)
        return result

    with mock.patch.dict(os.environ, ONE_THREAD if cores == 1 else {}), ThreadPoolExecutor(free.qsize()) as threads:
        return list(threads.map(when_free, paths))


def table(names: list[str], ran: dict[str, list[run_notebooks.Result]]) -> measure.Table:
    """The table of results, in the order of the names, by where they were run."""
    rows, said, notes = [{"notebook": name} for name in names], [], []
    for place, results in ran.items():
        for row, one in zip(rows, results):
            row |= {f"{place}, s": round(one.seconds), f"{place}, MB": round(one.kernel_bytes / 1e6)}
        seconds, most = [one.seconds for one in results], max(one.kernel_bytes for one in results)
        said.append(f"{sum(seconds):.0f} s on {place}, the largest kernel {most / 1e6:,.0f} MB")
        notes.append(
            f"On {place}: at most {max(seconds):.0f} s a notebook (aim on two cores {notebooks.SECONDS:.0f} s) and "
            f"{most / 1e6:.0f} MB (aim {notebooks.KERNEL_BYTES / 1e6:.0f} MB)."
        )
    wrong = [f"{name} on {place}" for place, found in ran.items() for name, one in zip(names, found) if one.failed]
    notes.append(f"Outputs or budgets that failed: {', '.join(wrong) or 'none'}. Each was run once.")
    headline = f"The notebooks {', '.join(name[:2] for name in names)}, cold start included: {'; '.join(said)}."
    return measure.table("A notebook, cold start included", rows, *notes, headline=headline)
