"""What you build is what you import: a cell that builds something is compared with the function in the library.

Such a cell carries a tag. ``builds:metrics.iou`` names a function of ``utils``; what notebooks import from a package has its
full name: ``builds:scipy.special.softmax``. A tag needs a comparison below, a comparison a tag.
"""

import ast
import pkgutil
import types

import keras
import numpy as np
import pytest
from keras import layers
from scipy import ndimage, special

from scripts import notebooks
from utils import objects, training, unet, variants

PACKAGES = ("keras", "scipy", "tensorflow")


def targets(cell):
    """The functions that a cell says it builds."""
    tags = cell.metadata.get("tags", ())
    return [tag.removeprefix("builds:") for tag in tags if tag.startswith("builds:")]


BOOKS = {path.stem[:2]: notebooks.code_cells(notebooks.read(path)) for path in notebooks.find()}
BUILT = [(book, target, cell) for book, cells in BOOKS.items() for cell in cells for target in targets(cell)]


def run(cell, kinds, names):
    """Execute a cell's statements of these kinds; return the names of the functions that it defines."""
    chosen = [node for node in ast.parse(cell.source).body if isinstance(node, kinds)]
    exec(compile(ast.Module(chosen, []), cell.id, "exec"), names)
    return [node.name for node in chosen if isinstance(node, ast.FunctionDef)]


def build(book, cell):
    """The last function that a cell defines; of a cell without one, a function that runs it and returns all its names.

    The cell knows what its notebook imports, and the functions of the tagged cells above it.
    """
    cells, names = BOOKS[book], {}
    for one in cells[1:]:  # the first is the setup cell
        run(one, (ast.Import, ast.ImportFrom), names)
    for one in cells[: cells.index(cell)]:
        if targets(one):
            run(one, ast.FunctionDef, names)
    if defined := run(cell, ast.FunctionDef, names):
        return names[defined[-1]]

    def whole(**given):
        there = names | {"print": lambda *_: None} | given
        run(cell, ast.stmt, there)
        return there

    return whole


@pytest.mark.parametrize(("book", "target", "cell"), BUILT, ids=[f"{book}-{target}" for book, target, _ in BUILT])
def test_what_a_cell_builds_is_what_the_library_holds(book, target, cell):
    library = pkgutil.resolve_name(target if target.startswith(PACKAGES) else f"utils.{target}")
    COMPARISONS[target](build(book, cell), library)


def test_every_comparison_has_a_cell():
    assert set(COMPARISONS) == {target for _, target, _ in BUILT} and len(BUILT) >= 20


# ---- Same arguments, same result ----------------------------------------------------------------------------------------


def close(mine, theirs, **tolerance):
    """Assert that two results are equal, part by part, up to rounding."""
    for one, two in zip(keras.tree.flatten(mine), keras.tree.flatten(theirs), strict=True):
        np.testing.assert_allclose(one, two, **{"rtol": 1e-5, "atol": 1e-6} | tolerance)


def same(*inputs, after=lambda result: result, **options):
    """Compare on several tuples of arguments; the library's function may take options, its result a last step."""

    def compare(mine, theirs):
        for one in inputs:
            close(mine(*one), after(theirs(*one, **options)))

    return compare


def squares(kinds):
    """A label map of squares of 4 pixels."""
    return np.kron(RNG.integers(0, kinds, (4, 5)), np.ones((4, 4), int))


RNG = np.random.default_rng(0)
EMPTY, FULL = np.zeros((3, 8, 9), int), np.ones((3, 8, 9), int)
MASK, OTHER = (RNG.random((2, 3, 8, 9)) < 0.4).astype(np.uint8)
CLASSES, TAKEN = RNG.integers(0, 3, (2, 3, 8, 9))  # of four; the last does not occur
PROBABILITY, SHARES = RNG.uniform(0.001, 0.999, (3, 8, 9)), RNG.dirichlet(np.ones(4), (3, 8, 9))
IMAGE, FIELD = RNG.random((9, 11, 3)), RNG.normal(0, 3, (2, 9, 11))
MASK_OF_IT = (RNG.random((9, 11, 1)) < 0.4).astype(np.uint8)
BLOBS = [np.stack([squares(2) > 0 for _ in range(3)]) for _ in range(2)]
CELLS = squares(4) * (RNG.random((16, 20)) < 0.3)
BORDERS = special.softmax(ndimage.gaussian_filter(RNG.normal(0, 40, (32, 40, 3)), (2, 2, 0)), axis=-1)

COMPARISONS = {
    "metrics.iou": same((MASK, OTHER), (EMPTY, EMPTY), (EMPTY, FULL), (FULL, FULL)),
    "keras.utils.to_categorical": same((CLASSES, 4)),
    "losses.binary_cross_entropy": same((MASK, PROBABILITY), after=np.mean),
    "losses.soft_dice_loss": same(*[(one[..., None], PROBABILITY[..., None]) for one in (MASK, EMPTY)], after=np.mean),
    "metrics.error_masks": same((MASK, OTHER)),
    "experiments.disjoint": same(*RNG.integers(0, 5, (200, 2, 3)) / 4),
    "metrics.boundary_iou": same(BLOBS),
    "losses.focal": same(*[(MASK, PROBABILITY, gamma) for gamma in (0, 1.5, 2)]),
    "scipy.special.softmax": same((RNG.normal(1000, 100, (5, 6, 4)),), axis=-1),
    "keras.losses.sparse_categorical_crossentropy": same((CLASSES, SHARES), after=np.mean),
    "tensorflow.math.confusion_matrix": same((CLASSES.ravel(), TAKEN.ravel(), 4)),
    "losses.class_weights": same((CLASSES, 4), (np.array([0, 1, 1, 3]), 5)),
    "unet.output_size": same(*[(size, depth) for depth in (1, 2, 4) for size, _ in unet.valid_sizes(depth)]),
    "objects.weight_map": same((CELLS, 10, 5), (CELLS, 3, 2), after=lambda weight: weight - 1, balance=False),
    "pipeline.deform": same((IMAGE, MASK_OF_IT, FIELD)),
    "objects.from_borders": same((BORDERS,), smallest=1),
    "uncertainty.disagreement": same((RNG.random((3, 4, 5)),)),
    "tensorflow.nn.space_to_depth": same((RNG.random((2, 4, 6, 3)),), block_size=2),
    "records.of_worker": same(*[(list(range(7)), worker, 3) for worker in range(3)]),
    "cluster.ring_bytes": same((1000, 4), (1000, 1), (7, 3)),
}


# ---- What takes a few lines more ----------------------------------------------------------------------------------------


def compares(target):
    """Put a comparison on the list."""
    return lambda compare: COMPARISONS.setdefault(target, compare)


@compares("inspect_model.blocks")
def _(levels, blocks):
    for size, depth, base in ((32, 1, 4), (64, 3, 2), (48, 4, 1)):
        found = blocks(unet.build_unet((size, size, 3), depth=depth, base=base))
        down = [(b.shape[0], b.shape[2]) for b in found if b.name[:3] in ("enc", "bot")]
        assert levels(size, depth, base) == down


@compares("receptive_field.of_layers")
def _(sees, of_layers):
    for length in range(1, 6):
        stack = [(int(RNG.integers(1, 6)), int(RNG.integers(1, 3))) for _ in range(length)]
        x = inputs = keras.Input((256, 256, 1))
        for kernel, stride in stack:
            x = layers.Conv2D(1, kernel, strides=stride)(x)
        assert of_layers(keras.Model(inputs, x))[-1].rows == (sees(stack), sees(stack))


@compares("pipeline.augment")
def _(move, augment):
    image, mask = IMAGE[:6, :6].astype(np.float32), MASK_OF_IT[:6, :6]
    positions = [move(image, mask, turns, mirror) for turns in range(4) for mirror in (False, True)]
    seen = []
    for number in range(60):
        pair = [np.asarray(part) for part in augment(image, mask, [0, number])]
        seen += [k for k, position in enumerate(positions) if all(map(np.array_equal, pair, position))]
    assert len(seen) == 60 and set(seen) == set(range(8))


def same_network(mine, theirs, names=True):
    """Compare two networks: their layers, and with the same weights their outputs."""
    images, outputs = np.random.default_rng(2).random((2, *mine.input_shape[1:])), []
    for model in (mine, theirs):
        rng = np.random.default_rng(1)
        drawn = [rng.normal(0, 0.2, weight.shape) for weight in model.get_weights()]
        model.set_weights([np.abs(one) if one.ndim == 1 else one for one in drawn])  # a variance is not negative
        outputs.append(model(images, training=False))
    close(*outputs)
    kinds = [[type(x) for x in model.layers if names or type(x) is not layers.ReLU] for model in (mine, theirs)]
    assert kinds[0] == kinds[1] and mine.count_params() == theirs.count_params()
    assert not names or [x.name for x in mine.layers] == [x.name for x in theirs.layers]


def same_block(mine, theirs, **options):
    """The same for two functions that build a part of a network; a part that goes up starts from a pooled image."""
    image = keras.Input((16, 12, 3), name="image")
    start = (layers.MaxPooling2D(2, name="pool")(image), image) if options else (image,)
    same_network(keras.Model(image, mine(*start, 5, "one")), keras.Model(image, theirs(*start, 5, "one", **options)))


COMPARISONS["unet.double_conv"] = COMPARISONS["unet.encoder_level"] = same_block
COMPARISONS["unet.decoder_level"] = lambda mine, theirs: same_block(mine, theirs, upsampling="nearest")


@compares("unet.build_unet")
def _(mine, theirs):
    for options in ({"depth": 1, "base": 4}, {"depth": 3, "base": 2}):
        network = mine((16, 24, 3), **options)
        normed = any(isinstance(layer, layers.BatchNormalization) for layer in network.layers)
        right = theirs((16, 24, 3), upsampling="nearest", norm="batch" if normed else "none", **options)
        same_network(network, right, names=network.name == "my_unet")


@compares("variants.build")
def _(mine, theirs):
    for options in ({"depth": 1, "base": 4}, {"depth": 3, "base": 2}):
        parts = {"block": variants.plain_block, "join": variants.add}
        same_network(mine((16, 24, 3), **parts, **options), theirs((16, 24, 3), **parts, **options))


@compares("variants.add")
def _(mine, theirs):
    def joined(add):
        image = keras.Input((8, 12, 3), name="image")
        return keras.Model(image, add(image, layers.Conv2D(6, 1, name="below")(image), "one"))

    same_network(joined(mine), joined(theirs))


@compares("unet.article_unet")
def _(cell, article_unet):
    article, small = cell()["article"], (32, 32, 3)
    assert article.input_shape == (None, 256, 256, 3) and article.count_params() == 407_809
    same_network(keras.models.clone_model(article, keras.Input(small)), article_unet(small), names=False)


@compares("training.learning_rate")
def _(rate, learning_rate):
    for steps, peak in ((875, 1e-2), (2000, 1e-3), (30, 1.0)):
        assert rate(steps, peak).get_config() == learning_rate(steps, peak).get_config()


@compares("training.compile_model")
def _(cell, compile_model):
    mine, theirs = (unet.build_unet((16, 16, 3), depth=1, base=1) for _ in range(2))
    cell(model=mine, rate=training.learning_rate(300, 1e-2))
    compile_model(theirs, 300, peak=1e-2)
    configs = [one.get_compile_config() for one in (mine, theirs)]
    for config in configs:
        config["optimizer"]["config"].pop("name")  # Keras counts them: adam, adam_1
    assert configs[0] == configs[1] and mine.jit_compile is theirs.jit_compile is True


@compares("cost.layer_table")
def _(count, layer_table):
    for inputs, filters in RNG.integers(1, 20, (3, 2)).tolist():
        image = keras.Input((8, 8, inputs))
        rows = layer_table(keras.Model(image, unet.double_conv(image, filters, "enc1")))
        assert count(inputs, filters) == sum(row.parameters for row in rows)


@compares("inspect_model.feature_maps")
def _(cell, feature_maps):
    model, images = unet.build_unet((32, 32, 3), depth=4, base=1), RNG.random((3, 32, 32, 3), np.float32)
    maps = cell(model=model, test=types.SimpleNamespace(images=images))["maps"]
    close(list(maps.values()), list(feature_maps(model, images, [f"{name}_relu2" for name in maps]).values()))


@compares("tiling.predict_tiled")
def _(tiled, predict_tiled):
    def blurred(batch):  # sees 4 pixels far, and mirrors at the border as the library does
        return ndimage.uniform_filter(batch[..., :1], (1, 9, 5, 1), mode="mirror")

    picture = RNG.random((48, 32, 3), np.float32)
    mine = tiled(lambda window: blurred(window[None])[0], picture, 16, 4)
    close(mine, predict_tiled(blurred, picture, 16, 4, multiple=4), atol=1e-5)


@compares("metrics.calibration")
def _(one_bin, calibration):
    found = calibration(MASK, PROBABILITY)
    for low, high, mean, share in zip(found.edges, found.edges[1:], found.probability, found.share):
        close(one_bin(MASK, PROBABILITY, low, high), (mean, share))


@compares("metrics.class_iou")
def _(mine, class_iou):
    for truth, taken in ((CLASSES, TAKEN), (CLASSES[:1, :1, :2], TAKEN[:1, :1, :2])):
        table = [[np.sum((truth == row) & (taken == column)) for column in range(4)] for row in range(4)]
        close(mine(np.array(table)), class_iou(truth, taken, 4))


@compares("tiling.padded_index")
def _(mirror, padded_index):
    rows, columns = (padded_index(-4, side + 8, side) for side in IMAGE.shape[:2])
    close(mirror(IMAGE, 4), IMAGE[np.ix_(rows, columns)])


@compares("objects.average_precision")
def _(mine, average_precision):
    truth = squares(9)
    predicted = np.where(RNG.random(truth.shape) < 0.2, squares(9), truth)
    for threshold in (0.51, 0.7, 0.8, 0.9):
        assert mine(objects.iou_table(truth, predicted)[2], threshold) == average_precision(truth, predicted, threshold)


@compares("weights.copy_layers")
def _(mine, copy_layers):
    source, first, second = (unet.build_unet((16, 16, 3), depth=1, base=2, classes=classes) for classes in (1, 3, 3))
    second.set_weights(first.get_weights())
    assert copy_layers(source, second) == ["head"]
    close(mine(source, first).get_weights(), second.get_weights())
