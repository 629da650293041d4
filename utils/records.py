"""More images than memory holds: TFRecord files, each a **shard** of the images, read in parallel and batch by batch."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

FIELDS = {"image": tf.io.FixedLenFeature([], tf.string), "mask": tf.io.FixedLenFeature([], tf.string)}
"""What a record holds: an image and its mask, each as the bytes of a PNG."""


def example(image, mask) -> bytes:
    """One record: an image ``(H, W, C)`` in 0..1 and its mask ``(H, W, 1)`` of 0 and 1, compressed without loss in 8 bits."""
    arrays = {"image": tf.cast(tf.round(255 * image), tf.uint8), "mask": tf.cast(mask, tf.uint8)}
    held = {name: tf.io.encode_png(array).numpy() for name, array in arrays.items()}
    parts = {name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[held[name]])) for name in held}
    return tf.train.Example(features=tf.train.Features(feature=parts)).SerializeToString()


def write(folder, records, shards) -> list[str]:
    """Write records to ``shard_000.tfrecord`` and so on, record k to shard ``k % shards``, and return the files' names."""
    names = [str(Path(folder, f"shard_{k:03d}.tfrecord")) for k in range(shards)]
    writers = [tf.io.TFRecordWriter(name) for name in names]
    for k, record in enumerate(records):
        writers[k % shards].write(record)
    for writer in writers:
        writer.close()
    return names


def parse(record):
    """A record as image and mask: float32 ``(H, W, C)`` in 0..1, and float32 ``(H, W, 1)`` of 0 and 1."""
    held = tf.io.parse_single_example(record, FIELDS)
    image = tf.io.decode_png(held["image"], channels=3)
    return tf.cast(image, tf.float32) / 255, tf.cast(tf.io.decode_png(held["mask"], channels=1), tf.float32)


def of_worker(files, worker, workers) -> list:
    """The shards that worker number ``worker`` of ``workers`` reads: every file is read by one worker."""
    return list(files[worker::workers])


def dataset(files, batch_size=8, *, size=(64, 64), buffer=0, seed=0, parallel=2, ahead=2) -> tf.data.Dataset:
    """Batches from shards, which are read again in every epoch: memory holds some batches and the shuffle buffer, no more.

    Args:
        files: names of TFRecord files, as :func:`write` returns them.
        batch_size: images in a batch; what is left over at the end of an epoch is not shown.
        size: height and width of the images.
        buffer: how many images the shuffle buffer holds; 0 for the order of the files.
        seed: of the order.
        parallel: how many shards are open, and records decoded, at a time.
        ahead: batches prepared while the network works on another; 0 for none.

    Returns:
        Batches of images ``(B, H, W, 3)`` in 0..1 and masks ``(B, H, W, 1)``, float32.
    """
    names = tf.data.Dataset.from_tensor_slices(list(files))
    if buffer:
        names = names.shuffle(len(files), seed=seed)
    data = names.interleave(tf.data.TFRecordDataset, cycle_length=parallel, num_parallel_calls=parallel)
    if buffer:
        data = data.shuffle(buffer, seed=seed)
    data = data.map(parse, num_parallel_calls=parallel)
    data = data.map(lambda image, mask: (tf.ensure_shape(image, (*size, 3)), tf.ensure_shape(mask, (*size, 1))))
    data = data.batch(batch_size, drop_remainder=True)
    options = tf.data.Options()
    options.autotune.enabled = False
    return (data.prefetch(ahead) if ahead else data).with_options(options)
