"""The U-Net, block by block, for any depth and width; the article's network; the paper's network.

Source: Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015,
arXiv 1505.04597.

Every layer has a name that says where it is: ``enc1_conv1`` is the first convolution of the first encoder level (the one at
full resolution), ``bottleneck_conv2`` the second one at the bottom, ``dec1_up`` the upsampling back to full resolution,
``dec1_skip`` the place where encoder features are concatenated, ``head`` the last 1x1 convolution.
"""

from __future__ import annotations

import keras
from keras import layers

from utils import given

UPSAMPLINGS = ("transposed", "nearest", "bilinear", "nearest+conv", "bilinear+conv")
NORMS = ("none", "batch", "group")
PADDINGS = ("same", "valid")
ACTIVATIONS = ("sigmoid", "softmax", "logits")

DEEPEST, LARGEST_SIDE, MOST_WEIGHTS = 12, 2**16, 2**28
"""The most poolings, the longest side in pixels, the most weights in one layer (they take a GB) that are built."""


def double_conv(x, filters, name, *, norm="none", padding="same", dropout=0.0):
    """Two 3x3 convolutions, each followed by an optional normalisation and a ReLU.

    Args:
        x: a Keras tensor ``(N, H, W, C)``.
        filters: output channels of both convolutions.
        name: prefix of the layers' names, for example ``"enc1"``.
        norm: ``"none"``, ``"batch"`` (momentum .9) or ``"group"``.
        padding: ``"same"`` keeps H and W; ``"valid"`` takes 2 pixels off each per convolution, 4 in all.
        dropout: share of the output's values set to 0 in training, 0 for no such layer.

    Returns:
        A Keras tensor ``(N, H, W, filters)``, or ``(N, H - 4, W - 4, filters)`` for ``"valid"``.

    Raises:
        TypeError: ``x`` is not a Keras tensor, or the name not a text.
        ValueError: a picture too small for ``"valid"``, or an unknown option; the message says what is allowed.
    """
    _check_option("norm", norm, NORMS)
    _check_option("padding", padding, PADDINGS)
    _check_features("x", x, smallest=5 if padding == "valid" else 1)
    filters, name, dropout = _positive("filters", filters), _check_name(name), _check_dropout(dropout)
    _check_weights(filters, max(filters, x.shape[-1]))
    for i in (1, 2):
        # He initialisation: standard deviation sqrt(2 / incoming nodes), as in section 3 of the paper.
        # A bias before a normalisation would be subtracted again at once, so it is left out there.
        x = layers.Conv2D(
            filters, 3, padding=padding, use_bias=norm == "none", kernel_initializer="he_normal", name=f"{name}_conv{i}"
        )(x)
        x = _normalise(x, norm, f"{name}_norm{i}")
        x = layers.ReLU(name=f"{name}_relu{i}")(x)
    return layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x


def encoder_level(x, filters, name, **block):
    """One step down: a double convolution, then 2x2 max pooling.

    Args:
        x: a Keras tensor ``(N, H, W, C)``.
        filters: channels of this level.
        name: prefix of the layers' names.
        block: further arguments of :func:`double_conv`.

    Returns:
        tuple: the features before pooling, which the skip connection carries across, and the pooled features
        ``(N, H / 2, W / 2, filters)``, which go down.

    Raises:
        TypeError, ValueError: as for :func:`double_conv`; also a picture too small to pool, or an unknown option.
    """
    _check_block(block)
    _check_features("x", x, smallest=6 if block.get("padding") == "valid" else 2)
    skip = double_conv(x, filters, name, **block)
    return skip, layers.MaxPooling2D(2, name=f"{name}_pool")(skip)


def upsample(x, filters, name, method="transposed"):
    """Double the height and width.

    Args:
        x: a Keras tensor ``(N, H, W, C)``.
        filters: output channels, where something is learned.
        name: prefix of the layers' names.
        method: ``"transposed"``: a 2x2 transposed convolution with stride 2. ``"nearest"``, ``"bilinear"``: interpolation
            only, the channels stay C. ``"nearest+conv"``, ``"bilinear+conv"``: interpolation, then a 3x3 convolution.

    Returns:
        A Keras tensor ``(N, 2 H, 2 W, filters)``, or ``(N, 2 H, 2 W, C)`` where nothing is learned.

    Raises:
        TypeError: ``x`` is not a Keras tensor, or the name not a text.
        ValueError: an unknown method, or a number of filters below 1.
    """
    _check_features("x", x)
    filters, name = _positive("filters", filters), _check_name(name)
    _check_option("method", method, UPSAMPLINGS)
    _check_weights(filters, x.shape[-1])
    if method == "transposed":
        return layers.Conv2DTranspose(filters, 2, strides=2, kernel_initializer="he_normal", name=f"{name}_up")(x)
    interpolation, _, convolution = method.partition("+")
    x = layers.UpSampling2D(2, interpolation=interpolation, name=f"{name}_up")(x)
    if convolution:
        x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal", name=f"{name}_upconv")(x)
    return x


def decoder_level(x, skip, filters, name, *, upsampling="transposed", **block):
    """One step up: upsample, concatenate with the skip connection, then a double convolution.

    Args:
        x: the features from below, a Keras tensor ``(N, h, w, c)``.
        skip: the encoder's features of the same level, ``(N, H, W, C)`` with H >= 2 h. What is more is cropped evenly.
            None for a level without a skip connection.
        filters: channels of this level.
        name: prefix of the layers' names.
        upsampling: a method of :func:`upsample`.
        block: further arguments of :func:`double_conv`.

    Returns:
        A Keras tensor ``(N, 2 h, 2 w, filters)``, 4 pixels less for ``padding="valid"``.

    Raises:
        TypeError, ValueError: as for :func:`double_conv` and :func:`upsample`; also a skip smaller than the upsampled features.
    """
    _check_block(block)
    _check_features("x", x, smallest=3 if block.get("padding") == "valid" else 1)
    if skip is not None:
        _check_features("skip", skip)
        if isinstance(skip, keras.KerasTensor) != isinstance(x, keras.KerasTensor) or skip.shape[0] != x.shape[0]:
            raise ValueError(
                f"skip is {given.shown(skip)} and x {given.shown(x)}; both must be of one kind and batch size."
            )
        if None in (*skip.shape[1:3], *x.shape[1:3]):
            raise ValueError("The height or width of x or skip is not fixed; build the model with a fixed input size.")
        if skip.shape[1] < 2 * x.shape[1] or skip.shape[2] < 2 * x.shape[2]:
            raise ValueError(
                f"skip has the shape {tuple(skip.shape)} and x {tuple(x.shape)}; the skip's height and width must be twice "
                "those of x, or more."
            )
    x = upsample(x, filters, name, upsampling)
    if skip is None:
        return double_conv(x, filters, name, **block)
    height, width = skip.shape[1] - x.shape[1], skip.shape[2] - x.shape[2]
    if height or width:
        crop = ((height // 2, height - height // 2), (width // 2, width - width // 2))
        skip = layers.Cropping2D(crop, name=f"{name}_crop")(skip)
    x = layers.Concatenate(name=f"{name}_skip")([skip, x])
    return double_conv(x, filters, name, **block)


def build_unet(
    input_shape=(64, 64, 3),
    *,
    depth=4,
    base=8,
    classes=1,
    upsampling="nearest",
    norm="batch",
    padding="same",
    dropout=0.0,
    skips=None,
    activation=None,
    name="unet",
) -> keras.Model:
    """Build a U-Net.

    Args:
        input_shape: height, width and channels of an image. With ``padding="same"`` height and width must be divisible by
            ``2 ** depth``; with ``"valid"`` see :func:`valid_sizes`.
        depth: number of poolings, and so of skip connections; 1 is the article's network, 4 the paper's.
        base: channels of the first level; every level below has twice as many.
        classes: channels of the output: 1 for a silhouette, or the number of classes with the ground counted.
        upsampling: one of ``UPSAMPLINGS``, see :func:`upsample`.
        norm: ``"none"``, ``"batch"`` or ``"group"``.
        padding: ``"same"`` or ``"valid"``.
        dropout: share of values dropped at the bottom of the U in training, 0 <= dropout < 1.
        skips: the levels that have a skip connection, from 1 at the top to ``depth``, for example ``(1, 3)``; ``()`` for none.
            By default all of them.
        activation: of the output: ``"sigmoid"``, ``"softmax"``, or ``"logits"`` for none. By default a sigmoid for one
            class and a softmax for more.
        name: the model's name.

    Returns:
        keras.Model: maps float images ``(N, H, W, C)`` to ``(N, H', W', classes)``, probabilities in 0..1 unless
        ``activation="logits"``; ``H' = H`` with ``"same"``, less with ``"valid"``.

    Raises:
        ValueError: a size that this depth and padding cannot carry, or an unknown option; the message says what is allowed.
    """
    height, width, channels = _check_shape(input_shape)
    depth = _depth(depth)
    base, classes, name = _positive("base", base), _positive("classes", classes), _check_name(name)
    _check_option("upsampling", upsampling, UPSAMPLINGS)
    _check_option("norm", norm, NORMS)
    _check_option("padding", padding, PADDINGS)
    if activation is None:
        activation = "sigmoid" if classes == 1 else "softmax"
    _check_option("activation", activation, ACTIVATIONS)
    if activation == "softmax" and classes == 1:
        raise ValueError("A softmax over 1 class is always 1; use activation='sigmoid', or classes=2 or more.")
    dropout = _check_dropout(dropout)
    check_size(height, width, depth, padding)
    connected = _levels(skips, depth)
    _check_weights(base * 2**depth, base * 2**depth)
    _check_weights(base, max(channels, classes))

    block = {"norm": norm, "padding": padding}
    x = inputs = keras.Input((height, width, channels), name="image")
    carried = []
    for level in range(1, depth + 1):
        skip, x = encoder_level(x, base * 2 ** (level - 1), f"enc{level}", **block)
        carried.append(skip if level in connected else None)
    x = double_conv(x, base * 2**depth, "bottleneck", dropout=dropout, **block)
    for level in range(depth, 0, -1):
        x = decoder_level(x, carried[level - 1], base * 2 ** (level - 1), f"dec{level}", upsampling=upsampling, **block)
    outputs = layers.Conv2D(
        classes, 1, activation=None if activation == "logits" else activation, dtype="float32", name="head"
    )(x)
    return keras.Model(inputs, outputs, name=name)


def article_unet(input_shape=(256, 256, 3), base=64) -> keras.Model:
    """The article's network, compiled as in the article: one level, nearest upsampling, no normalisation.

    Args:
        input_shape: height, width and channels of an image; height and width even.
        base: channels of the first level, 64 in the article. At 256 x 256 x 3 that gives 407,809 parameters.

    Returns:
        keras.Model: compiled with Adam, binary cross-entropy and accuracy.
    """
    model = build_unet(input_shape, depth=1, base=base, upsampling="nearest", norm="none", name="article_unet")
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def paper_unet(input_shape=(572, 572, 1), classes=2) -> keras.Model:
    """The 2015 paper's network: four levels, unpadded convolutions, crops, up-convolutions, drop-out at the bottom.

    Args:
        input_shape: height, width and channels of an image; sizes as in :func:`valid_sizes`.
        classes: channels of the output.

    Returns:
        keras.Model: 572 x 572 x 1 to 388 x 388 x 2 with 31,030,658 parameters; a softmax over the classes.
    """
    return build_unet(
        input_shape, depth=4, base=64, classes=classes, upsampling="transposed", norm="none", padding="valid",
        dropout=0.5, name="paper_unet",
    )  # fmt: skip


def valid_sizes(depth, at_least=1, count=5) -> list[tuple[int, int]]:
    """The input sizes that a U-Net without padding can take, with the output sizes they give.

    The size at the bottom, before its two convolutions, may be any m >= 5; on the way up and down every level adds a fixed
    number of pixels, so the allowed inputs lie ``2 ** depth`` apart.

    Args:
        depth: number of poolings.
        at_least: smallest input size wanted, in pixels.
        count: how many sizes, 1 to 10,000.

    Returns:
        list: ``(input size, output size)`` in pixels, smallest first; for depth 4: (188, 4), (204, 20), ...

    Raises:
        TypeError: a size or count that is not a whole number.
        ValueError: a depth or count out of range.
    """
    depth, count = _depth(depth), given.whole("count", count, 1, 10_000)
    at_least = given.whole("at_least", at_least)
    step = 2**depth
    sizes, bottom = [], max(5, (at_least - 4 * (step - 1)) // step)
    while len(sizes) < count:
        incoming, outgoing = bottom, bottom - 4
        for _ in range(depth):
            incoming, outgoing = 2 * incoming + 4, 2 * outgoing - 4
        if outgoing > 0 and incoming >= at_least:
            sizes.append((incoming, outgoing))
        bottom += 1
    return sizes


def check_size(height, width, depth, padding="same") -> None:
    """Raise an error that names the allowed sizes if a U-Net of this depth cannot take such an image.

    Args:
        height, width: of the image, in pixels.
        depth: number of poolings.
        padding: ``"same"`` or ``"valid"``.

    Raises:
        TypeError: a size that is not a whole number.
        ValueError: the size does not come through the U in whole pixels, or an unknown option.
    """
    depth = _depth(depth)
    _check_option("padding", padding, PADDINGS)
    height, width = (given.whole(side, size, 1, LARGEST_SIDE) for side, size in (("height", height), ("width", width)))
    for side, size in (("height", height), ("width", width)):
        if padding == "same" and size % 2**depth:
            step, below = 2**depth, size // 2**depth * 2**depth
            near = f"{below} or {below + step}" if below else f"{step}"
            deepest = (size & -size).bit_length() - 1
            hint = f"; or use at most depth={deepest}" if deepest else ""
            raise ValueError(
                f"The image's {side} is {size} px, but {depth} poolings need a multiple of {step}: "
                f"resize or pad it to {near}{hint}."
            )
        if padding == "valid":
            allowed = valid_sizes(depth, at_least=max(1, size - 2**depth), count=2)
            if size not in dict(allowed):
                names = " or ".join(f"{given} px (output {out} px)" for given, out in allowed)
                raise ValueError(
                    f"The image's {side} is {size} px, but {depth} poolings without padding need a size that stays whole "
                    f"and even at every level: the nearest are {names}."
                )


def _normalise(x, norm, name):
    if norm == "batch":
        return layers.BatchNormalization(momentum=0.9, name=name)(x)
    if norm == "group":
        groups = next(g for g in (8, 4, 2, 1) if x.shape[-1] % g == 0)
        return layers.GroupNormalization(groups, name=name)(x)
    return x


def _check_shape(shape):
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if len(shape) != 3:
        raise ValueError(
            f"input_shape is {given.shown(shape)}; give (height, width, channels), for example (64, 64, 3)."
        )
    sides = (_positive(f"{what} in input_shape", v) for what, v in zip(("height", "width", "channels"), shape))
    return tuple(
        given.whole(f"{what} in input_shape", v, 1, LARGEST_SIDE)
        for what, v in zip(("height", "width", "channels"), sides)
    )


def _depth(depth):
    return given.whole("depth", _positive("depth", depth), 1, DEEPEST, f"1 to {DEEPEST} poolings are possible")


def _positive(name, value):
    try:
        return given.whole(name, value, 1)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {given.shown(value)}; give a whole number, 1 or more.") from None


def _check_option(name, value, allowed):
    given.choice(name, value, allowed)


def _check_block(block):
    unknown = sorted(set(block) - {"norm", "padding", "dropout"})
    if unknown:
        raise ValueError(f"{unknown[0]} is no option of a double convolution; there are norm, padding and dropout.")
    if "padding" in block:
        _check_option("padding", block["padding"], PADDINGS)


def _check_dropout(dropout):
    rule = "it must be at least 0 and less than 1"
    dropout = given.number("dropout", dropout, 0, 1, rule)
    if dropout == 1:
        raise ValueError(f"dropout is {dropout}; {rule}.")
    return dropout


def _check_name(name):
    if not isinstance(name, str):
        raise TypeError(f"name is {given.shown(name)}; give a text, such as 'enc1'.")
    if not name.isprintable() or not 1 <= len(name) <= 100 or "/" in name:
        raise ValueError(f"name is {given.shown(name)}; give a text of 1 to 100 letters without '/'.")
    return name


def _check_features(name, x, smallest=1):
    """Raise an error unless these are features (N, H, W, C), in pixels large enough: a Keras tensor, or floats."""
    if not isinstance(x, keras.KerasTensor) and not (
        keras.ops.is_tensor(x) or str(getattr(x, "dtype", "")).startswith("float")
    ):
        raise TypeError(f"{name} is {given.shown(x)}; give a Keras tensor, such as keras.Input((64, 64, 3)).")
    if len(x.shape) != 4 or not x.shape[-1]:
        raise ValueError(f"{name} has the shape {tuple(x.shape)}; give (N, H, W, C), with a fixed number of channels.")
    if x.shape[0] == 0:
        raise ValueError(f"{name} has the shape {tuple(x.shape)}; give one picture or more.")
    if any(side is not None and side < smallest for side in x.shape[1:3]):
        raise ValueError(f"{name} has the shape {tuple(x.shape)}; height and width must be {smallest} px or more here.")


def _check_weights(filters, channels):
    weights = 9 * filters * channels
    if weights > MOST_WEIGHTS:
        raise ValueError(
            f"A 3x3 convolution from {given.shown(channels)} to {given.shown(filters)} channels has "
            f"{given.shown(weights)} weights; at most {MOST_WEIGHTS:,} are allowed. Use fewer channels or less depth."
        )


def _levels(skips, depth):
    """The levels that have a skip connection."""
    if skips is None:
        return set(range(1, depth + 1))
    levels = {given.whole("a level in skips", level) for level in given.many("skips", skips)}
    if not levels <= set(range(1, depth + 1)):
        raise ValueError(f"skips is {given.shown(skips)}; with depth={depth} the levels are 1 to {depth}.")
    return levels
