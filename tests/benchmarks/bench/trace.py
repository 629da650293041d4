"""Where the time of a compiled training step goes: TensorFlow's own trace, brought back to levels and kinds of work.

XLA cuts a step into pieces (convolutions, fused element-wise work, copies) that run partly at the same time. The trace holds
when each began and ended; the compiled program, which lies beside it, says which layer a piece was made from.
"""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import median

LAYER = re.compile(r"(?:^|/)(enc|dec|bottleneck|head)(\d*)(?:_([a-z]+)\d*)?(?:_\d+)?(?:/|$)")
"""A layer of utils.unet in the path of an operation: where, which level, what kind of layer."""

KINDS = (
    "convolutions, forward", "convolutions, gradients of inputs", "convolutions, gradients of weights",
    "copies into another order", "normalisations and ReLUs", "poolings", "upsamplings and skips", "loss", "Adam", "other",
    "nothing runs", "between the steps",
)  # fmt: skip
FORWARD, INPUTS, WEIGHTS, COPIES, NORMS, POOLINGS, JOINS, LOSS, ADAM, OTHER, NOTHING, BETWEEN = KINDS
CONVOLUTIONS = (FORWARD, INPUTS, WEIGHTS)

_STEP = "CpuExecutable::ExecuteAsyncOnStream"
_END = "end: "


def shared_time(pieces: Iterable[tuple[float, float, str]], begin: float, end: float) -> dict[str, float]:
    """Share out the time from begin to end among what runs: where several pieces run, each gets an equal part of it.

    Args:
        pieces: ``(begin, end, name)``; parts outside of the interval are left out.
        begin, end: of the interval.

    Returns:
        dict: time by name; what no piece covers under ``NOTHING``. The sum is ``end - begin``.
    """
    changes = []
    for first, last, name in pieces:
        first, last = max(first, begin), min(last, end)
        if first < last:
            changes += [(first, 1, name), (last, -1, name)]
    running, shares, now = defaultdict(int), defaultdict(float), begin
    for moment, change, name in sorted(changes):
        _add(shares, running, moment - now)
        running[name] += change
        if not running[name]:
            del running[name]
        now = moment
    _add(shares, running, end - now)
    return dict(shares)


def _add(shares, running, time):
    if time > 0:
        count = sum(running.values())
        for name, times in running.items():
            shares[name] += time * times / count
        if not count:
            shares[NOTHING] += time


def layer_of(path: str) -> tuple[str, str] | None:
    """Level and kind of layer in an operation's path, ``("enc1", "conv")``; None if it names no layer of utils.unet."""
    found = max(LAYER.finditer(path), key=re.Match.start, default=None)
    return (found[1] + found[2], found[3] or "") if found else None


def kind_of(opcode: str, path: str, near: str) -> str:
    """What kind of work a piece is.

    Args:
        opcode: of its instruction in the compiled program.
        path: of the operation that it was made from; empty for what the compiler added.
        near: the path of the nearest instruction that uses its result and has one; its own where it has one.
    """
    convolution = opcode in ("convolution", "dot")
    if convolution and not path:
        return WEIGHTS
    if "Conv2DBackpropInput" in path:
        return INPUTS
    if "Conv2DBackpropFilter" in path:
        return WEIGHTS
    if convolution:
        return FORWARD
    if path.startswith("adam"):
        return ADAM
    if "compile_loss" in path:
        return LOSS
    part = (layer_of(path or near) or ("", ""))[1]
    if part == "pool":
        return POOLINGS
    if not path and part in ("", "conv"):
        return COPIES
    if part in ("norm", "relu") or path.startswith("AddN"):  # gradients meet behind a normalisation
        return NORMS
    if part in ("up", "skip"):
        return JOINS
    return OTHER


def level_of(where: str, depth: int) -> int:
    """The level of a part of the network: 1 at full resolution, ``depth + 1`` at the bottom; 0 for none."""
    if where == "bottleneck":
        return depth + 1
    return 1 if where == "head" else int(where[3:] or 0)


def read(folder: Path, depth: int) -> list[dict[tuple[int, str], float]]:
    """Seconds by ``(level, kind)`` of every step in a trace but the last, from its begin to the begin of the next one.

    Args:
        folder: what ``tf.profiler.experimental.start`` was given.
        depth: of the network.

    Returns:
        list: one dict a step, in order; level 0 is what belongs to none.

    Raises:
        ValueError: the trace holds fewer than two compiled steps, or none of its pieces is in the compiled program.
        ImportError: this TensorFlow has no reader for its traces.
    """
    from tensorflow.compiler.xla.service import hlo_pb2
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(max(Path(folder).rglob("*.xplane.pb")).read_bytes())
    programs, begun, ended, steps = [], [], defaultdict(list), []
    for plane in space.planes:
        if plane.name == "/host:metadata":
            for entry in plane.event_metadata.values():
                for stat in entry.stats:
                    program = hlo_pb2.HloProto()
                    program.ParseFromString(stat.bytes_value)
                    programs.append(program.hlo_module)
            continue
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                begin = line.timestamp_ns * 1e-9 + event.offset_ps * 1e-12
                end = begin + event.duration_ps * 1e-12
                if name == _STEP:
                    steps.append((begin, end))
                elif name.startswith(_END):
                    ended[name.removeprefix(_END)].append(end)
                else:
                    begun.append((begin, end, name))
    if len(steps) < 2 or not programs:
        raise ValueError("The trace does not hold two steps that were compiled by XLA.")
    places = _places(max(programs, key=lambda program: len(program.computations)), depth)
    pieces = lasting([piece for piece in begun if piece[2] in places], ended)
    if not pieces:
        raise ValueError("No piece of the trace is in the compiled program.")
    found, steps = [], sorted(steps)
    for (begin, end), (following, _) in zip(steps, steps[1:]):
        seconds = defaultdict(float, {(0, BETWEEN): max(0.0, following - end)})
        for name, time in shared_time(pieces, begin, end).items():
            seconds[places.get(name, (0, NOTHING))] += time
        found.append(dict(seconds))
    return found


def lasting(begun, ended) -> list[tuple[float, float, str]]:
    """Pieces up to their end: what a piece left to other threads ends later than the call that began it.

    Args:
        begun: ``(begin, end of the call, name)``.
        ended: by name, the moments at which the work was done.
    """
    moments = {name: sorted(times) for name, times in ended.items()}
    pieces = []
    for begin, end, name in begun:
        times = moments.get(name, [])
        after = bisect.bisect_left(times, begin)
        pieces.append((begin, max(end, times[after]) if after < len(times) else end, name))
    return pieces


def middle(steps: list[dict]) -> dict:
    """The median over the steps, key by key; a step that lacks a key counts as 0."""
    return {key: median(step.get(key, 0.0) for step in steps) for key in {key for step in steps for key in step}}


def _places(program, depth):
    """Level and kind of every instruction of a compiled program, by name."""
    entry = next(part for part in program.computations if part.id == program.entry_computation_id)
    by_id = {instruction.id: instruction for instruction in entry.instructions}
    users = defaultdict(list)
    for instruction in entry.instructions:
        for operand in instruction.operand_ids:
            users[operand].append(instruction.id)
    inside = {part.id: part.instructions for part in program.computations}
    sides = {}
    for instruction in entry.instructions:  # how many pixels wide each level is
        place = layer_of(instruction.metadata.op_name)
        if place and instruction.opcode == "convolution" and place[1] == "conv":
            sides.setdefault(instruction.shape.dimensions[1], level_of(place[0], depth))
    places = {}
    for instruction in entry.instructions:
        path = instruction.metadata.op_name
        if not path:  # a fusion of named parts
            named = [part.metadata.op_name for key in instruction.called_computation_ids for part in inside[key]]
            path = next((name for name in named if layer_of(name)), "")
        near = path if layer_of(path) else _nearest(instruction.id, users, by_id)
        kind = kind_of(instruction.opcode, path, near)
        place = layer_of(near)
        level = level_of(place[0], depth) if place else 0
        if kind == WEIGHTS and instruction.window.dimensions:  # the kernel of this convolution is a whole map
            level = sides.get(instruction.window.dimensions[0].size, level)
        places[instruction.name] = (0 if kind in (ADAM, LOSS) else level, kind)
    for instruction in entry.instructions:  # a copy belongs to the convolution that it is made for
        level, kind = places[instruction.name]
        if kind == COPIES and not level:
            used = [places[by_id[user].name][0] for user in users[instruction.id]]
            places[instruction.name] = (max(used, default=0), kind)
    return places


def _nearest(start, users, by_id, reach=8):
    """The path of the nearest instruction that works on this one's result and belongs to a layer."""
    front, seen = [start], {start}
    for _ in range(reach):
        front = [user for one in front for user in users[one] if user not in seen]
        seen.update(front)
        for one in front:
            if layer_of(by_id[one].metadata.op_name):
                return by_id[one].metadata.op_name
    return ""
