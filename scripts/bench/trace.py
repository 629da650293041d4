"""Where the time of a compiled training step goes: TensorFlow's own trace, brought back to the levels of a U-Net.

XLA cuts a step into pieces (convolutions, fused element-wise work, copies) that run partly at the same time. The trace holds
when each began and ended; the compiled program, beside it, says how large the maps are that a piece works on.
"""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median

import numpy as np

_STEP, _END = "CpuExecutable::ExecuteAsyncOnStream", "end: "


def shares(begins, ends, start, stop) -> np.ndarray:
    """The time from start to stop shared out among ``(N,)`` pieces: several that run at once get equal parts of it."""
    edges = np.unique(np.clip([*begins, *ends, start, stop], start, stop))
    middles = (edges[1:] + edges[:-1]) / 2
    runs = (begins[:, None] <= middles) & (middles < ends[:, None])
    return (runs / np.maximum(1, runs.sum(0))) @ np.diff(edges)


def side(shape) -> int:
    """Height of the square maps in a shape such as ``(8, 64, 64, 16)``; 0 if it holds none, as that of a kernel."""
    pairs = [a for a, b in zip(shape, shape[1:]) if a == b] if len(shape) == 4 else []
    return max(pairs) if pairs and min(pairs) > 3 else 0


def read(folder, top: int) -> tuple[float, dict[tuple[int, bool], float]]:
    """What lies in a folder of ``tf.profiler``, for a network of pictures with this height and width.

    Returns:
        tuple: seconds of a step, from its begin to the begin of the next one, and parts of them, by level, 1 at the top and 0
        for none, and by whether it is a convolution. Medians of all steps but the last.
    """
    from tensorflow.compiler.xla.service import hlo_pb2
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace.FromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    programs, begun, ended = [], [], defaultdict(list)
    for plane in space.planes:
        if plane.name == "/host:metadata":
            stats = [stat for entry in plane.event_metadata.values() for stat in entry.stats]
            programs += [hlo_pb2.HloProto.FromString(stat.bytes_value).hlo_module for stat in stats]
            continue
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                begin = line.timestamp_ns * 1e-9 + event.offset_ps * 1e-12
                begun.append((begin, begin + event.duration_ps * 1e-12, name))
                ended[name.removeprefix(_END)] += [begun[-1][1]] if name.startswith(_END) else []
    steps = sorted((begin, end) for begin, end, name in begun if name == _STEP)
    places = _places(max(programs, key=lambda program: len(program.computations)), top)
    pieces = [(begin, _done(begin, end, ended[name]), places[name]) for begin, end, name in begun if name in places]
    begins, ends = (np.array([piece[k] for piece in pieces]) for k in (0, 1))
    found = []
    for start, stop in steps[:-1]:
        found.append(Counter())
        for (*_, place), seconds in zip(pieces, shares(begins, ends, start, stop)):
            found[-1][place] += float(seconds)
    whole = median(after[0] - before[0] for before, after in zip(steps, steps[1:]))
    return whole, {place: median(one[place] for one in found) for place in {*places.values()}}


def _done(begin, end, ends):
    """When a piece is done: what it left to other threads ends later than the call that began it."""
    after = bisect.bisect_left(ends := sorted(ends), begin)
    return max(end, ends[after]) if after < len(ends) else end


def _places(program, top):
    """Level of each instruction of a compiled program, that of the largest map it touches, and whether it is a convolution."""
    entry = next(part for part in program.computations if part.id == program.entry_computation_id)
    sides = {
        one.id: max(side(shape.dimensions) for shape in (one.shape, *one.shape.tuple_shapes))
        for one in entry.instructions
    }
    places = {}
    for one in entry.instructions:
        largest = max(sides[number] for number in (one.id, *one.operand_ids))
        convolution = one.opcode in ("convolution", "dot") or "Conv2DBackprop" in one.metadata.op_name
        places[one.name] = ((top // largest).bit_length() if largest else 0, convolution)
    return places
