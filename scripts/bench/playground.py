"""How fast are the Playground's engines beside Keras on the same processor, and how heavy are the pages of the site?

Needs Node, Chromium and the built site: ``make site``. No graphics processor is measured: Chromium imitates WebGL by software.
"""

from __future__ import annotations

import gzip
import json
import statistics
import subprocess
import time
from pathlib import Path

from scripts import site
from scripts.bench import measure

NETWORKS = {"depth 3, width 4": (3, 4, 4), "depth 4, width 8": (4, 8, 8)}
"""Name -> depth, channels at the top, images in a batch, as in ``docs/playground/tests/speed.mjs``."""
ENGINES = {"Keras": "Keras", "wasm": "WebAssembly", "webgl": "WebGL, imitated by software", "cpu": "plain JavaScript"}
"""Engine -> what the table calls it."""


def tables(quick: bool) -> list[measure.Table]:
    """The tables of speeds and of weights."""
    if not (site.SITE / "playground").exists():
        raise FileNotFoundError("The site with the Playground is not there: run `make site` first; it needs Node.")
    command = ["node", str(site.PLAYGROUND / "tests" / "speed.mjs")]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    return [speeds([*beside(5 if quick else 21), *json.loads(ran.stdout.splitlines()[-1])]), weights()]


def beside(rounds: int) -> list[dict]:
    """What Keras takes, in the form of ``speed.mjs``."""
    from utils import project, shapes, training, unet
    from utils import weights as shipped_weights

    project.start()
    drawn, shipped = shapes.draw(8), shipped_weights.load_shipped()
    acts = {"prediction, depth 4, width 8": lambda: shipped.predict_on_batch(drawn.images[:1])}
    for name, (depth, base, batch) in NETWORKS.items():
        model = unet.build_unet(depth=depth, base=base)
        training.compile_model(model, 200)
        images, masks = drawn.images[:batch], drawn.masks[:batch]
        act = lambda model=model, images=images, masks=masks: model.train_on_batch(images, masks)  # noqa: E731
        acts[f"training step, {name}, batch {batch}"] = act
    return [{"engine": "Keras", "what": what, "milliseconds": middle(act, rounds)} for what, act in acts.items()]


def middle(act, rounds: int) -> float:
    """Median milliseconds of an act, after two runs that are not counted."""
    times = []
    for _ in range(rounds + 2):
        start = time.perf_counter()
        act()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[2:])


def speeds(found: list[dict]) -> measure.Table:
    """Milliseconds by what is computed and by engine."""
    took = {(one["what"], one["engine"]): one["milliseconds"] for one in found}
    rows = [
        {"what": what} | {f"{words}, ms": took.get((what, engine), "not measured") for engine, words in ENGINES.items()}
        for what in dict.fromkeys(one["what"] for one in found)
    ]
    predict, step, *_ = rows
    headline = (
        f"In the browser, on WebAssembly, a prediction of the series' network takes {number(predict, 'WebAssembly')} ms and a "
        f"training step of the Playground's first network {number(step, 'WebAssembly')} ms; Keras takes "
        f"{number(predict, 'Keras')} ms and {number(step, 'Keras')} ms on the same processor."
    )
    notes = [
        "Chromium without a window; medians, or the rate over several training steps. WebGL is imitated by software here, "
        "which is slower than the plain processor: nothing is said about a graphics processor or a phone, as none was there. "
        "WebGPU is not measured. The network of depth 4 is trained on WebAssembly only; the others would take minutes.",
    ]
    return measure.table("Milliseconds by engine", rows, *notes, headline=headline)


def number(row: dict, engine: str) -> str:
    """An entry of the table of speeds, as text."""
    return measure.shown(row[f"{engine}, ms"])


def weights(folder: Path = site.SITE) -> measure.Table:
    """What the pages weigh, with all that they show."""
    chapters = {
        name: site.weight(name, page, folder) for name, page in site.built(folder).items() if name != "print.html"
    }
    heaviest = max(chapters, key=chapters.get)
    files = [path for path in (folder / "playground").iterdir() if path.is_file()]
    packed = {path: len(gzip.compress(path.read_bytes(), 9)) for path in files}
    trained = sum(size for path, size in packed.items() if path.name.startswith("unet_"))
    parts = {
        "a page of the book, median": statistics.median(chapters.values()),
        f"the heaviest page of the book, {heaviest.removesuffix('.html')}": chapters[heaviest],
        "the Playground without its trained network, compressed": sum(packed.values()) - trained,
        "its trained network, compressed": trained,
    }
    rows = [{"what": name, "kB": round(size / 1000)} for name, size in parts.items()]
    note = (
        f"A page counts with all its figures, uncompressed; `make site` allows at most {site.PAGE_BYTES // 1000:,} kB."
    )
    headline = f"The heaviest page of the book weighs {chapters[heaviest] / 1000:,.0f} kB with all its figures."
    return measure.table("Weight of the pages", rows, note, headline=headline)
