"""The figures of notebook 13 scaling up: memory, several workers, a sweep, waiting times."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from utils.plots.base import BLUE, GREEN, GREY, ORANGE, WIDTH, figure

__all__ = ["logged", "memory_by_images", "speed_up", "sweep", "waiting_times"]

WAYS = {"arrays": (ORANGE, "s", "--"), "shards": (BLUE, "o", "-")}
WIDTHS = {4: (BLUE, "o"), 8: (ORANGE, "s")}
CALLS = ((GREY, ":"), (BLUE, "-"), (ORANGE, "--"), (GREEN, "-."))


@figure
def memory_by_images(table):
    """Draw the memory that a pass through the images adds, by their number; the lines join medians, dots are runs.

    Args:
        table: a study with conditions such as "arrays 1000" and the score "megabytes".
    """
    fig, axis = plt.subplots(figsize=(6.5, 3.6))
    said = []
    for way, (colour, marker, dash) in WAYS.items():
        found = {int(name.split()[1]): v for name, v in table.of("megabytes").items() if name.startswith(way)}
        medians = [np.median(values) for values in found.values()]
        axis.plot(list(found), medians, dash, marker=marker, color=colour, label=way)
        for count, values in found.items():
            axis.plot([count] * len(values), values, marker, color=colour, alpha=0.4, markersize=4)
        ends = [f"{medians[k]:,.0f} MB for {list(found)[k]:,} images" for k in (0, -1)]
        said.append(f"{way}: {ends[0]}, {ends[1]}")
    axis.set(xscale="log", xlabel="images", ylabel="added memory [MB]", ylim=(0, None))
    axis.set_xticks(list(found), [f"{count:,}" for count in found])
    axis.minorticks_off()
    axis.legend()
    return fig, f"Added memory by number of images. {'; '.join(said)}."


@figure
def speed_up(workers, lines):
    """Draw a calculation: how many times faster several workers are than one, each with its own share of a larger batch.

    Args:
        workers: numbers of workers.
        lines: label -> speed-up for each number; as many as there are workers is the best that can be.
    """
    fig, axis = plt.subplots(figsize=(6.5, 3.6))
    axis.plot(workers, workers, color=GREY, linewidth=1, label="ideal")
    for (label, values), (colour, dash) in zip(lines.items(), CALLS[1:]):
        axis.plot(workers, values, dash, marker="o", markersize=4, color=colour, label=label)
    axis.set(xlabel="workers", ylabel="times as fast as one", xscale="log", yscale="log", title="a calculation")
    for one, limits in ((axis.xaxis, axis.set_xlim), (axis.yaxis, axis.set_ylim)):
        one.set_ticks(workers, workers)
        one.set_minor_locator(plt.NullLocator())
        limits(min(workers) * 0.85, max(workers) * 1.2)
    axis.legend()
    said = "; ".join(f"{label} {values[-1]:.1f}" for label, values in lines.items())
    return fig, f"Calculated speed-up by number of workers, up to {workers[-1]}. With all of them: {said}."


@figure
def logged(history, events):
    """Draw the loss of each epoch twice: as ``fit`` returned it, a line, and as an event file holds it, dots."""
    fig, axis = plt.subplots(figsize=(5, 2.8))
    epochs = range(1, len(history) + 1)
    axis.plot(epochs, history, label="history")
    axis.plot(epochs, events, "o", label="event file")
    axis.set(xlabel="epoch", ylabel="training loss", xticks=epochs, ylim=(0, None))
    axis.legend()
    apart = max(abs(one - other) for one, other in zip(history, events))
    return fig, f"Training loss of {len(history)} epochs, by history and event file; largest difference {apart:.4f}."


@figure
def sweep(trials, interrupted):
    """Draw the trials of a sweep: learning rate and loss, each with its number, colour and marker by width.

    Args:
        trials: dicts with ``rate``, ``base`` (4 or 8) and ``loss``, in the order in which they ran.
        interrupted: how many had been made when the sweep was interrupted; later numbers are in bold.
    """
    fig, axis = plt.subplots(figsize=(6.5, 3.8))
    for base, (colour, marker) in WIDTHS.items():
        mine = [one for one in trials if one["base"] == base]
        rates, losses = [one["rate"] for one in mine], [one["loss"] for one in mine]
        axis.plot(rates, losses, marker, color=colour, label=f"{base} channels")
    for number, one in enumerate(trials, 1):
        weight = "bold" if number > interrupted else "normal"
        place = {"xytext": (5, 4), "textcoords": "offset points", "fontsize": 9, "fontweight": weight}
        axis.annotate(str(number), (one["rate"], one["loss"]), **place)
    axis.set(xscale="log", xlabel="learning rate", ylabel="validation loss")
    axis.legend()
    best = min(trials, key=lambda one: one["loss"])
    return fig, (
        f"{len(trials)} trials by learning rate and validation loss; those after number {interrupted} ran after the "
        f"interruption. The best has {best['base']} channels."
    )


@figure
def waiting_times(seconds):
    """Draw how long requests took: for each time, the share of requests that took no longer.

    Args:
        seconds: label -> seconds of the requests.
    """
    fig, axis = plt.subplots(figsize=(min(WIDTH, 6.5), 3.6))
    for (label, values), (colour, dash) in zip(seconds.items(), CALLS):
        ordered = np.sort(values)
        axis.step(1000 * ordered, np.arange(1, len(ordered) + 1) / len(ordered), dash, color=colour, label=label)
    for share in (0.5, 0.99):
        axis.axhline(share, color=GREY, linewidth=0.8)
        axis.annotate(f"p{100 * share:.0f}", (1, share), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    axis.set(xscale="log", xlabel="time to the answer [ms]", ylabel="share of requests", ylim=(0, 1.02))
    fig.legend(loc="outside lower center", ncols=len(seconds))
    return fig, f"Share of requests answered by time: {', '.join(seconds)}; lines at one half and at 99 of 100."
