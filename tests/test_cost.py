"""MACs and activation memory, compared with independent counts."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from utils import cost, unet


def small(**options):
    size = 44 if options.get("padding") == "valid" else 16
    return unet.build_unet((size, size, 3), **{"depth": 2, "base": 4, "norm": "none", **options})


def products_counted_by_ones(layer):
    """How many products a layer adds up: all inputs and all weights are 1, so every product is 1 and the outputs count them.

    "Same" padding is replaced by a frame of ones, because a zero of the padding takes part in a product too.
    """
    ones = np.ones((1, *layer.input.shape[1:]), np.float32)
    kernel = np.ones(layer.kernel.shape, np.float32)
    if isinstance(layer, layers.Conv2DTranspose):
        counted = keras.ops.conv_transpose(ones, kernel, strides=layer.strides, padding="valid")
    else:
        if layer.padding == "same":
            frame = (kernel.shape[0] - 1) // 2, kernel.shape[0] // 2
            ones = np.pad(ones, ((0, 0), frame, frame, (0, 0)), constant_values=1)
        counted = keras.ops.conv(ones, kernel, strides=layer.strides, padding="valid")
    return int(np.asarray(counted, np.float64).sum())


def read_by_tensorflows_backward_pass(model):
    """Bytes of the forward pass's tensors that TensorFlow's own gradient graph takes as inputs."""
    forward = []

    @tf.function
    def step(images):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(model(images, training=True)))
        forward.extend(op.name for op in tf.compat.v1.get_default_graph().get_operations())
        return tape.gradient(loss, model.trainable_variables)

    graph = step.get_concrete_function(tf.TensorSpec((1, *model.input_shape[1:]))).graph
    before = set(forward)
    read = {
        tensor.name: int(np.prod(tensor.shape)) * tensor.dtype.size
        for op in graph.get_operations()
        if op.name not in before
        for tensor in op.inputs
        if tensor.op.name in before and tensor.shape.rank in (4, 5) and tensor.dtype == tf.float32 and tensor.shape[1] != 1
        and "ReadVariableOp" not in tensor.op.type
    }  # fmt: skip
    return sum(read.values())


@pytest.mark.parametrize("options", [{"upsampling": "transposed", "padding": "valid"}, {"upsampling": "bilinear+conv"}])
def test_macs_are_the_products_that_ones_count(options):
    model, total = small(**options), 0
    for layer, row in zip(model.layers, cost.layer_table(model), strict=True):
        assert row.macs == (products_counted_by_ones(layer) if hasattr(layer, "kernel") else 0), row.name
        total += row.macs
    assert cost.macs(model) == total > 0


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(6, 5),
        layers.Conv2D(6, 3, strides=2),
        layers.Conv2D(6, 3, groups=2),
        layers.Conv2DTranspose(6, 3, 2),
    ],
)
def test_macs_of_other_strides_kernels_and_groups(layer):
    inputs = keras.Input((9, 9, 4))
    assert cost.macs(keras.Model(inputs, layer(inputs))) == products_counted_by_ones(layer)


def test_the_articles_network_takes_15_8_billion_macs():
    from tensorflow.python.framework import ops

    model = unet.article_unet()
    assert cost.macs(model) == 15_820_914_688
    # TensorFlow's registry of operations counts a MAC as two.
    graph = tf.function(model).get_concrete_function(tf.TensorSpec((1, 256, 256, 3))).graph
    convolutions = [op for op in graph.get_operations() if op.type == "Conv2D"]
    assert sum(ops.get_stats_for_node_def(graph, op.node_def, "flops").value for op in convolutions) == 2 * cost.macs(
        model
    )


def test_the_table_gives_each_layers_name_kind_shape_parameters_and_bytes():
    model = small(norm="batch")
    rows = {row.name: row for row in cost.layer_table(model)}
    assert list(rows) == [layer.name for layer in model.layers]
    assert [row.parameters for row in rows.values()] == [layer.count_params() for layer in model.layers]
    assert rows["enc2_conv1"] == ("enc2_conv1", "Conv2D", (8, 8, 8), 9 * 4 * 8, 9 * 4 * 8 * 64, 8 * 8 * 8 * 4, True)
    assert rows["enc2_relu1"].kept and rows["dec1_skip"].kept and rows["head"].kept and rows["image"].kept
    assert not rows["dec1_up"].kept and not rows["enc2_norm1"].kept  # a ReLU's gradient is computed from its output


@pytest.mark.parametrize(
    "options",
    [
        {"upsampling": "bilinear", "classes": 3},
        {"upsampling": "transposed", "padding": "valid", "dropout": 0.3},
        {"upsampling": "nearest+conv", "activation": "linear"},
        {"norm": "batch"},
    ],
)
def test_activation_memory_is_what_tensorflows_backward_pass_reads(options):
    model = small(**options)
    assert cost.activation_memory(model) == read_by_tensorflows_backward_pass(model)
    assert cost.activation_memory(model, batch_size=8) == 8 * cost.activation_memory(model)


def test_a_relu_inside_a_convolution_takes_the_memory_of_one_outside():
    def model(inside):
        x = inputs = keras.Input((8, 8, 3))
        for filters in (16, 2):  # so wide that the first ReLU would be the peak if it did not write over its input
            x = layers.Conv2D(filters, 3, padding="same", activation="relu" if inside else None)(x)
            x = x if inside else layers.ReLU()(x)
        return keras.Model(inputs, x)

    for one in (model(True), model(False)):
        assert cost.activation_memory(one) == 4 * 64 * (3 + 16 + 2)
        assert cost.activation_memory(one, training=False) == 4 * 64 * (3 + 16)


def test_predicting_needs_the_largest_sum_of_maps_that_live_at_once():
    # By hand for one level on 8 x 8 with base 2, in numbers: the skip (128) lives from the encoder to the concatenation.
    model = unet.build_unet((8, 8, 3), depth=1, base=2, upsampling="nearest", norm="none")
    skip, up, joined = 8 * 8 * 2, 8 * 8 * 4, 8 * 8 * 6
    assert cost.activation_memory(model, training=False) == 4 * (skip + up + joined)
    assert cost.activation_memory(model, 8, training=False) == 8 * 4 * (skip + up + joined)


def test_a_layer_whose_weights_cannot_be_counted_is_named():
    inputs = keras.Input((8, 8, 3))
    with pytest.raises(ValueError, match="'odd' .SeparableConv2D. has weights"):
        cost.macs(keras.Model(inputs, layers.SeparableConv2D(2, 3, name="odd")(inputs)))
