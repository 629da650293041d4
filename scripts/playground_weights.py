"""Write the Playground's trained network from the shipped weights: ``python -m scripts.playground_weights``.

One plain binary file, little-endian float32, and a manifest that says what lies where and the file's SHA-256. Keras 3 models
do not go through the TensorFlow.js converter, so the page builds the same layers and fills them with these numbers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from utils import project

project.start()

import numpy as np  # noqa: E402

from utils import inspect_model, shapes, weights  # noqa: E402

FOLDER = project.ROOT / "docs" / "playground" / "public"


def pack(model) -> tuple[bytes, list[dict]]:
    """All weights of a model as bytes, and for each of them its name, shape and place."""
    parts, entries, offset = [], [], 0
    for weight in model.weights:
        values = np.asarray(weight, "<f4")
        entries.append({"name": name(weight), "shape": list(values.shape), "offset": offset})
        parts.append(values.tobytes())
        offset += values.nbytes
    return b"".join(parts), entries


def name(weight) -> str:
    """Layer and kind, such as ``enc1_conv1/kernel``."""
    return "/".join(weight.path.split("/")[-2:])


def averages(model, count=200) -> dict[str, list[float]]:
    """The mean of each channel that a skip carries, over validation images: level -> one number a channel."""
    images = shapes.draw(count, split="validation").images
    levels = [block.level for block in inspect_model.blocks(model) if block.role == "encoder"]
    maps = inspect_model.feature_maps(model, images, [f"enc{level}_relu2" for level in levels])
    return {
        str(level): [round(float(v), 4) for v in maps[f"enc{level}_relu2"].mean(axis=(0, 1, 2))] for level in levels
    }


def files(shipped=weights.SHIPPED) -> dict[str, bytes]:
    """The two files: name -> bytes."""
    described = weights.card(shipped)
    model = weights.load_shipped(shipped)
    data, entries = pack(model)
    manifest = {
        "made_by": "python -m scripts.playground_weights",
        "source": described["file"],
        "source_sha256": described["sha256"],
        "file": f"{shipped}.bin",
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "network": described["network"],
        "parameters": described["parameters"],
        "test": described["test"],
        "skip_means": averages(model),
        "weights": entries,
    }
    return {f"{shipped}.bin": data, f"{shipped}.json": (json.dumps(manifest) + "\n").encode()}


def close(path, content, tolerance=2e-4) -> bool:
    """Whether a manifest says the same, its means up to rounding: their last digit may differ between machines."""
    there, made = json.loads(path.read_text(encoding="utf-8")), json.loads(content)
    means = [there.pop("skip_means", {}), made.pop("skip_means")]
    near = means[0].keys() == means[1].keys() and all(
        np.allclose(means[0][k], means[1][k], atol=tolerance) for k in means[1]
    )
    return near and there == made


def main():
    """Write the files, or compare them with what is there."""
    parser = argparse.ArgumentParser(description="Write the Playground's weights from the shipped ones.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the files there are others")
    asked, folder = parser.parse_args(), Path(FOLDER)
    for file, content in files().items():
        path = folder / file
        same = path.is_file() and (path.read_bytes() == content or (path.suffix == ".json" and close(path, content)))
        if asked.check and not same:
            raise SystemExit(f"{path} is not what data/ holds; run python -m scripts.playground_weights")
        if not asked.check:
            path.write_bytes(content)
        print(f"{path.relative_to(project.ROOT)}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
