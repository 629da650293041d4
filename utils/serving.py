"""A trained network that other programs can ask: an ONNX file behind HTTP, without TensorFlow.

``python -m utils.serving my_unet.onnx`` starts it. This file needs nothing else of the project, and ``serving.Dockerfile``
makes a container of it. ``GET /health`` says which network answers; ``POST /predict`` takes a PNG or JPEG, returns a mask.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import io
from pathlib import Path

import fastapi
import numpy as np
import onnxruntime
import uvicorn
from PIL import Image

KINDS = {"image/png": "PNG", "image/jpeg": "JPEG"}
MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
"""Kinds of pixels that are taken, in Pillow's names: 8 bits a channel or fewer."""
MOST_BYTES, MOST_SIDE = 2_000_000, 512
"""The largest file, and the longest side in pixels, that is taken."""
Image.MAX_IMAGE_PIXELS = None  # sides are checked before any pixel is unpacked
MULTIPLE = 16
"""Sides are filled up to multiples of this: 2 to the power of the number of poolings."""
MOST, WAIT = 8, 0.005
"""The most images in a batch, and the seconds that the first of a batch waits for others."""


def app(path, threshold=0.5, threads=1) -> fastapi.FastAPI:
    """The program, for an ONNX file from ``(N, H, W, 3)`` in 0..1 to ``(N, H, W, 1)``: see ``exporting.to_onnx``."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    about = {"status": "ok", "model": hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12], "threshold": threshold}
    waiting, done = asyncio.Queue(maxsize=64), {"batches": 0, "largest_batch": 0}

    async def answer_batches():
        """Take what waits and answer it, images of one size in one batch."""
        while True:
            taken = [await waiting.get()]
            await asyncio.sleep(WAIT)
            while not waiting.empty() and len(taken) < MOST:
                taken.append(waiting.get_nowait())
            for shape in {image.shape for image, _ in taken}:
                images, promises = zip(*(one for one in taken if one[0].shape == shape))
                try:
                    outputs = (await asyncio.to_thread(session.run, None, {"image": np.stack(images)}))[0]
                except Exception as error:  # one bad batch must not end the server
                    outputs = [error] * len(images)
                for promise, output in zip(promises, outputs):
                    if not promise.done():  # a client that left does not wait
                        promise.set_result(output)
                done.update(batches=done["batches"] + 1, largest_batch=max(done["largest_batch"], len(images)))

    @contextlib.asynccontextmanager
    async def lifespan(_):
        task = asyncio.create_task(answer_batches())
        yield
        task.cancel()

    server = fastapi.FastAPI(title="Understanding U-Net", lifespan=lifespan)

    @server.get("/health")
    async def health():
        return about | done

    @server.post("/predict")
    async def predict(request: fastapi.Request):
        image = await asyncio.to_thread(read, await body(request), request.headers.get("content-type", ""))
        if waiting.full():
            raise fastapi.HTTPException(503, "Too many requests are waiting; try again in a second.")
        height, width = image.shape[:2]
        padded = np.pad(image, [(0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0)], "symmetric")
        promise = asyncio.get_running_loop().create_future()
        waiting.put_nowait((padded, promise))
        output = await promise
        if isinstance(output, Exception):
            raise fastapi.HTTPException(500, "The network could not answer; the image was not the cause of it.")
        file = io.BytesIO()
        Image.fromarray(np.uint8(255 * (output[:height, :width, 0] > threshold))).save(file, "PNG")
        return fastapi.Response(file.getvalue(), media_type="image/png", headers={"X-Model": about["model"]})

    return server


async def body(request) -> bytes:
    """What was sent, unless it is too large; nothing beyond the limit is kept."""
    held = bytearray()
    async for part in request.stream():
        held += part
        if len(held) > MOST_BYTES:
            raise fastapi.HTTPException(413, f"The file has more than {MOST_BYTES:,} bytes; send a smaller one.")
    return bytes(held)


def read(data, kind) -> np.ndarray:
    """The bytes of a file as an image, float32 ``(H, W, 3)`` in 0..1, or an HTTPException that says what is wrong with it."""
    kind = kind.split(";")[0].strip().lower()
    if kind not in KINDS:
        raise fastapi.HTTPException(415, f"The content type is {kind or 'missing'}; send {' or '.join(KINDS)}.")
    try:
        image = Image.open(io.BytesIO(data), formats=[KINDS[kind]])
        fits = max(image.size) <= MOST_SIDE  # known before any pixel is unpacked
        if fits and image.mode in MODES:
            return np.asarray(image.convert("RGB"), np.float32) / 255
    except Exception:  # Pillow raises many kinds for a damaged file
        raise fastapi.HTTPException(400, f"This is no {KINDS[kind]} that can be read; is the file whole?") from None
    if fits:
        raise fastapi.HTTPException(422, f"The pixels are of mode {image.mode}; send 8 bits a channel, grey or RGB.")
    raise fastapi.HTTPException(
        422, f"The image is {image.width} x {image.height}; {MOST_SIDE} px is the longest side allowed."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m utils.serving", description=__doc__)
    parser.add_argument("path", help="the ONNX file")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 in a container")
    parser.add_argument("--port", type=int, default=8000)
    asked = parser.parse_args()
    uvicorn.run(app(asked.path), host=asked.host, port=asked.port, log_level="warning", limit_concurrency=128)
