"""Parameters, MACs and activation memory, held against independent counts."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from utils import cost, unet


def small(**options):
    size = 44 if options.get("padding") == "valid" else 32
    return unet.build_unet((size, size, 3), **{"depth": 2, "base": 4, "norm": "none", **options})


def multiplications_by_counting(layer):
    """How many products a layer adds up: all inputs and all weights are 1, so every product is 1 and the outputs count them.

    "Same" padding is replaced by a frame of ones, because a zero of the padding takes part in a product too.
    """
    count, height, width, channels = layer.input.shape
    ones = np.ones((1, height, width, channels), np.float32)
    kernel = np.ones(layer.kernel.shape, np.float32)
    if isinstance(layer, layers.Conv2DTranspose):
        counted = keras.ops.conv_transpose(ones, kernel, strides=layer.strides, padding="valid")
    else:
        if layer.padding == "same":
            before, after = (kernel.shape[0] - 1) // 2, kernel.shape[0] // 2
            ones = np.pad(ones, ((0, 0), (before, after), (before, after), (0, 0)), constant_values=1)
        counted = keras.ops.conv(ones, kernel, strides=layer.strides, padding="valid")
    return int(np.asarray(counted, np.float64).sum())


def convolve_by_loops(image, kernel):
    """A valid convolution in plain Python; returns the output and the number of products."""
    rows, columns = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    out, products = np.zeros((rows, columns, kernel.shape[3])), 0
    for y, x, i, j, c, f in itertools.product(range(rows), range(columns), *map(range, kernel.shape)):
        out[y, x, f] += image[y + i, x + j, c] * kernel[i, j, c, f]
        products += 1
    return out, products


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


@pytest.mark.parametrize("upsampling", ["transposed", "nearest", "bilinear+conv"])
@pytest.mark.parametrize("padding", unet.PADDINGS)
def test_macs_are_the_products_that_ones_count(upsampling, padding):
    model = small(upsampling=upsampling, padding=padding)
    checked = 0
    for layer, row in zip(model.layers, cost.layer_table(model), strict=True):
        if isinstance(layer, layers.Conv2D | layers.Conv2DTranspose):
            assert row.macs == multiplications_by_counting(layer), row.name
            checked += 1
        else:
            assert row.macs == 0
    assert checked >= 11


@pytest.mark.parametrize(
    "layer, size",
    [
        (layers.Conv2D(6, 3, strides=2, padding="same"), 8),
        (layers.Conv2D(6, 5, padding="valid"), 9),
        (layers.Conv2D(6, 3, groups=2), 8),
        (layers.Conv2DTranspose(6, 3, strides=2, padding="valid"), 8),
    ],
)
def test_macs_of_other_strides_kernels_and_groups(layer, size):
    inputs = keras.Input((size, size, 4))
    model = keras.Model(inputs, layer(inputs))
    wanted = multiplications_by_counting(layer)
    if layer.padding == "same":  # even size, stride 2: Keras pads behind only, and counts the same places
        wanted = 9 * 4 * 6 * (size // 2) ** 2
    assert cost.macs(model) == wanted


def test_macs_of_a_convolution_are_the_products_of_six_loops():
    inputs = keras.Input((6, 7, 2))
    layer = layers.Conv2D(3, 3, use_bias=False)
    model = keras.Model(inputs, layer(inputs))
    image = np.random.default_rng(0).random((6, 7, 2), dtype=np.float32)
    out, products = convolve_by_loops(image, np.asarray(layer.get_weights()[0]))
    np.testing.assert_allclose(np.asarray(model(image[None]))[0], out, atol=1e-5)
    assert cost.macs(model) == products


def test_macs_of_dense_and_depthwise_layers():
    inputs = keras.Input((5, 5, 4))
    x = layers.DepthwiseConv2D(3, padding="same")(inputs)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(7)(x))
    assert cost.macs(model) == 9 * 4 * 25 + 4 * 7


def test_the_articles_network_takes_15_8_billion_macs():
    model = unet.article_unet()
    assert cost.parameters(model) == 407_809
    assert round(cost.macs(model) / 1e9, 1) == 15.8
    # TensorFlow's profiler counts a MAC as two operations.
    graph = tf.function(model).get_concrete_function(tf.TensorSpec((1, 256, 256, 3))).graph
    flops = sum(tf_flops(graph, op) for op in graph.get_operations() if op.type == "Conv2D")
    assert flops == 2 * cost.macs(model)


def tf_flops(graph, op):
    """What TensorFlow's registry of operations says that an operation costs."""
    from tensorflow.python.framework import ops

    return ops.get_stats_for_node_def(graph, op.node_def, "flops").value


@pytest.mark.parametrize("norm", unet.NORMS)
def test_parameters_are_what_keras_counts(norm):
    model = small(norm=norm)
    assert cost.parameters(model) == model.count_params()
    assert [row.parameters for row in cost.layer_table(model)] == [layer.count_params() for layer in model.layers]


def test_the_table_gives_each_layers_name_kind_shape_and_bytes():
    rows = {row.name: row for row in cost.layer_table(small())}
    assert list(rows) == [layer.name for layer in small().layers]
    row = rows["enc2_conv1"]
    assert (row.kind, row.shape, row.parameters, row.macs) == ("Conv2D", (16, 16, 8), 9 * 4 * 8 + 8, 9 * 4 * 8 * 256)
    assert row.activation_bytes == 16 * 16 * 8 * 4
    assert not row.kept  # the ReLU's gradient is computed from its output
    assert rows["enc2_relu1"].kept and rows["dec1_skip"].kept and rows["head"].kept and rows["image"].kept
    assert not rows["dec1_up"].kept


@pytest.mark.parametrize(
    "options",
    [
        {"upsampling": "nearest"},
        {"upsampling": "bilinear"},
        {"upsampling": "transposed"},
        {"upsampling": "nearest+conv"},
        {"upsampling": "transposed", "padding": "valid"},
        {"classes": 3},
        {"activation": "logits"},
        {"dropout": 0.3},
        {"norm": "batch"},
    ],
)
def test_activation_memory_is_what_tensorflows_backward_pass_reads(options):
    model = small(**options)
    assert cost.activation_memory(model) == read_by_tensorflows_backward_pass(model)
    assert cost.activation_memory(model) == sum(r.activation_bytes for r in cost.layer_table(model) if r.kept)


def test_a_relu_inside_a_convolution_takes_the_memory_of_one_outside():
    def model(inside):
        x = inputs = keras.Input((8, 8, 3))
        for filters in (16, 2):  # so wide that the first ReLU would be the peak if it did not write over its input
            x = layers.Conv2D(filters, 3, padding="same", activation="relu" if inside else None)(x)
            x = x if inside else layers.ReLU()(x)
        return keras.Model(inputs, x)

    for training in (True, False):
        assert cost.activation_memory(model(True), 1, training) == cost.activation_memory(model(False), 1, training)
    assert cost.activation_memory(model(True)) == 4 * 64 * (3 + 16 + 2)
    assert cost.activation_memory(model(False), training=False) == 4 * 64 * (3 + 16)


def test_predicting_needs_the_largest_sum_of_maps_that_live_at_once():
    # By hand for one level on 8 x 8 with base 2, in numbers: the skip (128) lives from the encoder to the concatenation.
    model = unet.build_unet((8, 8, 3), depth=1, base=2, upsampling="nearest", norm="none")
    skip, up, joined = 8 * 8 * 2, 8 * 8 * 4, 8 * 8 * 6
    assert cost.activation_memory(model, training=False) == 4 * (skip + up + joined)


def test_memory_grows_with_the_batch_and_predicting_needs_less():
    model = small()
    for training in (True, False):
        assert cost.activation_memory(model, 8, training) == 8 * cost.activation_memory(model, 1, training)
    assert cost.activation_memory(model, training=False) < cost.activation_memory(model, training=True)


def test_half_precision_halves_the_maps():
    def model(dtype):
        inputs = keras.Input((8, 8, 3), dtype=dtype)
        return keras.Model(inputs, layers.Conv2D(4, 3, dtype=dtype)(inputs))

    assert cost.activation_memory(model("float32")) == 2 * cost.activation_memory(model("float16"))


def test_what_cannot_be_counted_is_named():
    with pytest.raises(TypeError, match="str.*build_unet"):
        cost.macs("model")
    with pytest.raises(TypeError, match="Sequential.*build_unet"):
        cost.macs(keras.Sequential())
    with pytest.raises(ValueError, match="batch_size is 0.*1 or more"):
        cost.activation_memory(small(), 0)
    open_size = keras.Input((None, None, 3), name="picture")
    with pytest.raises(ValueError, match="'picture'.*not fixed.*fixed height"):
        cost.macs(keras.Model(open_size, layers.Conv2D(2, 3)(open_size)))
    inputs, shared = keras.Input((8, 8, 3)), layers.Conv2D(3, 3, padding="same", name="again")
    with pytest.raises(ValueError, match="'twice'.*more than once"):
        cost.parameters(keras.Model(inputs, shared(shared(inputs)), name="twice"))
    with pytest.raises(ValueError, match="'after'.*more than once"):
        cost.parameters(keras.Model(inputs, layers.ReLU(name="after")(shared(shared(inputs)))))
    with pytest.raises(TypeError, match="'line' is a Conv1D.*known are Conv2D"):
        rows = keras.Input((8, 3))
        cost.macs(keras.Model(rows, layers.Conv1D(2, 3, name="line")(rows)))
