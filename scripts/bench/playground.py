"""Time the Playground's engines beside Keras, on the same processor in the same run: ``python -m scripts.playground_speed``.

Needs Node, Chromium and the built page (``npm run build`` in ``docs/playground``). Writes ``data/benchmarks/playground.json``.
A graphics processor is not measured here: Chromium imitates WebGL by software.
"""

from __future__ import annotations

import datetime
import json
import os
import statistics
import subprocess
import time

from utils import project

project.start()

import keras  # noqa: E402

from utils import shapes, training, unet, weights  # noqa: E402

FILE = project.DATA / "benchmarks" / "playground.json"
NETWORKS = {"depth 3, width 4": (3, 4, 4), "depth 4, width 8": (4, 8, 8)}
"""Name -> depth, channels at the top, images in a batch, as in ``docs/playground/tests/speed.mjs``."""


def median(act, count) -> float:
    """Median milliseconds of an act, after two runs that are not counted."""
    times = []
    for _ in range(count + 2):
        start = time.perf_counter()
        act()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[2:])


def beside() -> list[dict]:
    """What Keras takes, in the form of ``speed.mjs``."""
    drawn = shapes.draw(8)
    shipped = weights.load_shipped()
    entry = {"engine": "Keras", "what": "prediction, depth 4, width 8"}
    found = [{**entry, "milliseconds": median(lambda: shipped.predict_on_batch(drawn.images[:1]), 21)}]
    for name, (depth, base, batch) in NETWORKS.items():
        model = unet.build_unet(depth=depth, base=base)
        training.compile_model(model, 200)
        images, masks = drawn.images[:batch], drawn.masks[:batch]
        took = median(lambda model=model, images=images, masks=masks: model.train_on_batch(images, masks), 21)
        found.append({"engine": "Keras", "what": f"training step, {name}, batch {batch}", "milliseconds": took})
    return found


def main():
    """Measure, print and write."""
    command = ["node", str(project.ROOT / "docs" / "playground" / "tests" / "speed.mjs")]
    engines = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    rows = [{**row, "milliseconds": float(f"{row['milliseconds']:.3g}")} for row in [*beside(), *engines]]
    described = {"made_by": "python -m scripts.playground_speed", "made_on": str(datetime.date.today())}
    described |= {"cores": os.cpu_count(), "keras": keras.__version__, "webgl": "imitated by software"}
    FILE.write_text(json.dumps({**described, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        print(f"{row['what']:45} {row['engine']:8} {row['milliseconds']:8.1f} ms")


if __name__ == "__main__":
    main()
