# %% [markdown]
# # 08 · What did 2015 do that we skipped?
#
# The paper that named the U-Net did things that this series left out until now: no padding, a loss that looks at gaps, bent
# training pictures, tiles, drop-out. Here each of them is built, used, and measured. Some matter here, some do not.

# %% [markdown]
# [Open in Colab](https://colab.research.google.com/github/OWNER/understanding-unet/blob/main/notebooks/08_the_paper.ipynb) · [Open in Binder](https://mybinder.org/v2/gh/OWNER/understanding-unet/main?labpath=notebooks/08_the_paper.ipynb)

# %% [markdown]
# **You will be able to**
#
# - say how large the output of a U-Net without padding is, and why its skips are cropped
#   ([exercise: the size of the output](#Exercise:-the-size-of-the-output))
# - write the paper's weight map from its formula, and say what d1 and d2 are
#   ([exercise: weights from two distances](#Exercise:-weights-from-two-distances))
# - score objects in place of pixels: matched, missed, merged, split
#   ([question: a better mask, fewer objects](#Question:-a-better-mask,-fewer-objects))
# - bend a picture and its mask with one smooth field ([exercise: bend a pair](#Exercise:-bend-a-pair))
# - predict a scene of any size in tiles, exactly, in memory that does not grow
#   ([exercise: mirror a border](#Exercise:-mirror-a-border), [exercise: the halo](#Exercise:-the-halo))
# - judge whether drop-out, momentum .99 and He's initialisation matter in a network of yours
#   ([question: two momentums](#Question:-two-momentums))
#
# **Time**: about 25 minutes to read, 40 for exercises and questions, one to two to run on two
# cores.
#
# **You should know** the U-Net of [03 building](03_building.ipynb), how one is trained ([04 training](04_training.ipynb)), and
# how to read a table of several seeds ([06 experiments](06_experiments.ipynb)).
#
# New words are in bold where they are introduced; the [glossary](GLOSSARY.md) has them all. For trouble with a U-Net of your
# own, see [symptoms](SYMPTOMS.md).

# %%
import sys
from pathlib import Path

root = next((p for p in [Path.cwd(), *Path.cwd().parents] if (p / "utils" / "project.py").exists()), None)
assert root, "Open this notebook inside the project's folder: utils/ was not found beside or above it."
sys.path.insert(0, str(root))

from utils import project

project.start()

# %%
import tracemalloc

import keras
import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates

from utils import checks, cost, elastic, experiments, explore, inspect_model, instances, metrics, pipeline, plots, shapes
from utils import tiling, training, unet, weights

# %% [markdown]
# Where several seeds are compared, the scores come from tables in `data/experiments/`, made by `make experiments` on two
# cores. Each row has three dots, one a seed; a difference counts only if no dot of one row lies in the range of the other.
#
# ## The network, to the parameter
#
# Four poolings, 64 channels at the top, two 3x3 convolutions a block, none of them padded. Its size can be had
# by counting. A convolution has one kernel of side × side × channels for each output channel, and one bias.

# %%
def convolution(side, incoming, outgoing):
    """Parameters of one convolution."""
    return (side * side * incoming + 1) * outgoing


widths = [64, 128, 256, 512, 1024]
down = sum(convolution(3, a, b) + convolution(3, b, b) for a, b in zip([1, *widths], widths))
up = sum(convolution(2, b, a) + convolution(3, b, a) + convolution(3, a, a) for a, b in zip(widths, widths[1:]))
head = convolution(1, 64, 2)
print(f"down {down:,} + up {up:,} + head {head} = {down + up + head:,}")

# %% [markdown]
# **Predict:** 572 pixels go in. How many are left at the bottom, and how many come out?

# %%
paper = unet.paper_unet()
print(f"built: {paper.count_params():,} parameters, {paper.input_shape[1]} px in, {paper.output_shape[1]} px out")
for name in "enc1 enc2 enc3 enc4 bottleneck dec4 dec3 dec2 dec1".split():
    first, last = paper.get_layer(f"{name}_conv1"), paper.get_layer(f"{name}_relu2").output
    print(f"{name:11s}{first.input.shape[1]:4d} -> {last.shape[1]:3d} px, {last.shape[-1]:4d} channels")

# %% [markdown]
# The count by hand and the built network agree. Each block takes 4 pixels off, at its own scale: at the bottom a pixel is 16
# pixels wide, so 4 of them are 64 pixels of the input. That is why the whole loss is 184 pixels and not 4 times 9.
#
# Coming up, `dec1` starts with 392 pixels, and the skip brings 568. To concatenate, both must have one size.

# %%
levels = range(1, 5)
arriving = [paper.get_layer(f"enc{k}_relu2").output.shape[1] for k in levels]
kept = [paper.get_layer(f"dec{k}_up").output.shape[1] for k in levels]
plots.crops(list(zip(arriving, kept)))
del paper

# %% [markdown]
# The middle is kept, because the middle is what the features from below describe: every convolution has taken as much from each
# side. What is cropped is not lost. It has been seen on the way down, and is context for the middle. At the top the crop takes
# more than half of the area.

# %% [markdown]
# ### Exercise: the size of the output
#
# Given the side of the input in pixels and the number of poolings, return the side of the output of a U-Net without padding:
# two 3x3 convolutions in each block, 2x2 pooling, doubling on the way up. The sizes that the check asks for all fit. It knows
# eight wrong ways.

# %%
def my_output(size, depth):
    """Side of the output in pixels."""
    return None


checks.valid_output(my_output)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_output(size, depth):
    for _ in range(depth):
        size = (size - 4) // 2
    size -= 4
    for _ in range(depth):
        size = 2 * size - 4
    return size


checks.valid_output(solved_output)
print("572 ->", solved_output(572, 4), " 188 ->", solved_output(188, 4))

# %% [markdown]
# A network without padding can use the weights of one with padding: the kernels are the same. So take the shipped network of
# the series, which is an eighth as wide as the paper's, and let it run without padding on 572 pixels of a large scene.

# %%
model, options = weights.load_shipped(), weights.card()["network"]
scene = tiling.scene(blocks=8)
picture, truth = scene.images[0], scene.masks[0]


def sized(side, padding="same"):
    """The shipped network for pictures of another size."""
    network = unet.build_unet((side, side, 3), padding=padding, **options)
    network.set_weights(model.get_weights())
    return network


unpadded = sized(572, "valid")
output = unpadded.predict(picture[None, :572, :572], verbose=0)[0]
margin = (572 - 388) // 2
score = metrics.iou(truth[margin : margin + 388, margin : margin + 388], metrics.to_mask(output))
print(f"scene {picture.shape}, output {output.shape}, IoU in the window {score:.2f}")
plots.laid_over(picture[:572, :572], output[..., 0])
del unpadded

# %% [markdown]
# 388 pixels are answered, each with all its surroundings in sight; the margin of 92 pixels gets no answer. Shapes that cross
# the dashed line are cut there, and what is inside is right up to the line. With padding every pixel gets an answer, and those near the
# border are worse. A third way keeps both: mirror the picture beyond its border. That comes below, with the tiles.

# %% [markdown]
# ## Objects that touch
#
# The paper's pictures are cells, and cells touch. Here are discs of one colour that do: they overlap a little or leave a gap
# of a pixel or two. `instances.touching` draws them.
#
# **Predict:** numbered by their connected parts, how many objects has the mask of a picture with four discs?

# %%
test = instances.touching(200, split="test", seed=training.TEST_SEED)
joined = [instances.label(mask[..., 0]) for mask in test.masks]
plots.objects(
    [list(test.images[:5]), list(test.instances[:5]), joined[:5]],
    [""] * 5,
    row_labels=["picture", "objects", "parts of the mask"],
    alt="Five pictures of four touching discs; the discs in four colours; the connected parts of the mask, one to three a picture.",
)

# %% [markdown]
# The mask is right in every pixel, and most discs are gone: where two of them touch, the mask has one part. A score of pixels does not
# notice. So **match** objects: each predicted object may be paired with one true object, if their IoU reaches .5. What is not
# paired is *missed* or *invented*. And name the mistake: discs are **merged** if one predicted object covers more than half of
# each, and a disc is **split** if several predicted objects lie mostly in it.

# %%
def report(name, predictions):
    """One line on what became of the 800 discs."""
    counts = instances.tally(test.instances, predictions)
    print(f"{name:22s}" + "  ".join(f"{kind} {counts[kind]:3d}" for kind in ("matched", "missed", "merged", "split")))
    return counts


perfect = report("the true mask", joined)

# %% [markdown]
# A perfect mask, with IoU 1, matches a quarter of the discs. A network that is trained on such masks cannot do better: it
# is asked to join them. So the target must change first. The paper's targets have a thin line of ground between cells.
#
# **Predict:** how many of the discs are matched if one pixel of ground is put between them? And how many pixels does that take
# from the discs?

# %%
apart = np.stack([instances.gaps(one) for one in test.instances])
separated = report("mask with a gap", [instances.label(one > 0) for one in apart])
print(f"pixels of the discs that became ground: {1 - (apart > 0).sum() / (test.instances > 0).sum():.1%}")

# %% [markdown]
# All of them, for about a hundredth of their pixels. And that is the difficulty: to a loss that counts each pixel alike, the gap is next
# to nothing.
#
# ## The weight map
#
# So the paper counts pixels differently. Each gets the weight
#
# $$w(x) = w_c(x) + w_0 \, \exp\left(-\frac{(d_1(x) + d_2(x))^2}{2\sigma^2}\right)$$
#
# with $w_0 = 10$ and $\sigma = 5$ pixels. $d_1$ is the distance to the nearest object and $d_2$ the distance to the *second*
# nearest, as in [02 data](02_data.ipynb#What-are-d1-and-d2-in-the-weight-map). $w_c$ balances the classes. The paper leaves two
# things open. How $w_c$ is made: here, ground and objects get the same total, and it is 1 on average. And what holds inside
# objects: here the second part counts on ground only.
#
# **Predict:** a pixel beside one disc, far from the others: is its weight large?

# %%
example = instances.gaps(instances.touching(1).instances[0])
explore.move(plots.distances_and_weight, example, sigma=[1.0, 2.0, 5.0, 10.0], still=[{"sigma": 2.0}, {"sigma": 5.0}])

# %% [markdown]
# No: d1 is small there and d2 is not, so their sum is large. Only between two discs both are small. Sigma says what counts as
# between: at 2 pixels the lines alone, at 5 the corners that three discs leave as well. With a running kernel, move the
# slider to 10: then it is nearly a halo around everything.

# %%
weight = np.stack([instances.weight_map(one) for one in apart])
gap = (apart == 0) & (test.instances > 0)
for name, where in {"gap": gap, "other ground": (apart == 0) & ~gap, "discs": apart > 0}.items():
    share, total = where.mean(), weight[where].sum() / weight.sum()
    print(f"{name:13s}{share:6.1%} of the pixels, weight {weight[where].mean():5.2f} on average, {total:4.0%} of the total")

# %% [markdown]
# The gap is three pixels in a thousand. Its pixels weigh almost ten times as much as other ground, and all of them together are still
# 2 % of the total. Whether that is enough is a question for a training.

# %% [markdown]
# ### Exercise: weights from two distances
#
# Given a label map (0 = ground, each object a number of its own), `w0` and `sigma`, return the second part of the formula, without
# $w_c$: an array of the map's shape, 0 on objects. `distance_transform_edt(labels != 3)` is the distance of each pixel to object 3. The
# check tries a map of three objects with the numbers 2, 3 and 7.

# %%
def my_weights(labels, w0, sigma):
    """The weight that gaps get."""
    return None


checks.weights_by_hand(my_weights)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_weights(labels, w0, sigma):
    numbers = np.unique(labels[labels > 0])
    d1, d2 = np.sort([distance_transform_edt(labels != number) for number in numbers], axis=0)[:2]
    return np.where(labels == 0, w0 * np.exp(-((d1 + d2) ** 2) / (2 * sigma**2)), 0)


checks.weights_by_hand(solved_weights)

# %% [markdown]
# ## Train with it and without
#
# Two networks, the same in everything: three poolings, 400 pictures, 400 steps, masks with a gap. One gets the weights.
# `pipeline.dataset` turns them together with picture and mask, and Keras multiplies each pixel's loss by its weight.

# %%
card = weights.card("unet_touching")
epochs = card["training"]["epochs"]
drawn, held_out = instances.touching(400), instances.touching(50, split="validation")
thin = np.stack([instances.gaps(one) for one in drawn.instances])
masks = (thin > 0).astype(np.uint8)[..., None]
pixel_weights = np.stack([instances.weight_map(one) for one in thin])[..., None]


def fit(pixel_weights):
    """Train with pixel weights, or with None."""
    data = pipeline.dataset(drawn.images, masks, weights=pixel_weights, shuffle=True, augment=True)
    keras.utils.set_random_seed(0)
    network = unet.build_unet(**card["network"])
    training.compile_model(network, epochs * int(data.cardinality()))
    training.train(network, data, (held_out.images, held_out.masks), epochs)
    return network


# %% tags=["nbval-ignore-output"]
live = {"live, without": fit(None), "live, with weights": fit(pixel_weights)}
for name, network in live.items():
    probability = training.predict(network, test.images)[..., 0]
    report(name, [instances.label(one > 0.5) for one in probability])
del live, network

# %% [markdown]
# The two losses cannot be compared, one is a weighted mean; the objects can. How many are matched differs from run to run. So the cells below use two networks that come with the series, made in
# the same way (`make weights`), whose answers stay the same.

# %%
shipped = {"without": "unet_touching_plain", "with weights": "unet_touching"}
probabilities = {
    name: training.predict(weights.load_shipped(file), test.images)[..., 0] for name, file in shipped.items()
}
found = {name: [instances.label(one > 0.5) for one in output] for name, output in probabilities.items()}
counts = {name: report(name, labels) for name, labels in found.items()}
for name, output in probabilities.items():
    print(f"{name:14s}pixel IoU {metrics.iou(test.masks[..., 0], metrics.to_mask(output)):.2f}")
plots.verdicts(test.images[:5], test.instances[:5], {name: labels[:5] for name, labels in found.items()})

# %% [markdown]
# Same network, same steps, same masks: without weights about one disc in eight is matched, with them nearly all. And the pixel
# IoU of the one with weights is no better. In the pictures you see the bridges: a few pixels between two discs, which the
# network without weights takes for disc, are enough to merge them. (An "invented" object, not drawn here, is what a merged pair is
# called by the matching: it is nobody's disc.)
#
# **Predict:** is that the weights' doing, or chance? And which part of the weights does it: the balance of the classes, or the gaps?

# %%
table = experiments.read("weight_map")
plots.spread(table, ["matched", "merged", "iou"], reference="gap")
for name, values in table.of("matched").items():
    verdict = "" if name == "gap" else f"   apart from 'gap': {experiments.apart(values, table.of('matched')['gap'])}"
    print(f"{name:17s}matched {values.min():.0%} to {values.max():.0%}{verdict}")

# %% [markdown]
# PLACEHOLDER-STUDY
#
# There is another way, without any weights: take the mask and cut it apart afterwards. The **watershed** floods the distance to the
# ground from its maxima, and draws a line where two floods meet.
#
# **Predict:** applied to the perfect mask, and to the output of both networks, which finds most discs?

# %%
cut = {"the true mask": [instances.split_touching(mask[..., 0]) for mask in test.masks]}
cut |= {name: [instances.split_touching(one) for one in output] for name, output in probabilities.items()}
for name, labels in cut.items():
    report(f"{name}, cut", labels)

# %% [markdown]
# All of them find nearly every disc, with or without weights, and the true mask too. Where objects are round and the waist is narrow, geometry
# is enough, and the watershed needs no training. It would cut a long cell in two just as gladly, and it does not see a boundary
# that is in the picture but not in the outline. So keep it as the baseline that a weight map has to beat.

# %% [markdown]
# ### Question: a better mask, fewer objects
#
# Network A has a pixel IoU of .95, network B of .91. At IoU .5 B matches 90 % of the objects and A 40 %. How can that be?
#
# <details><summary>A. B finds small objects that A misses.</summary>
#
# ✗ It could be, but then A would miss pixels as well. There is a cause that costs A no pixels at all.
#
# </details>
# <details><summary>B. A joins neighbours, by a few pixels each; B leaves too wide a gap.</summary>
#
# ✓ Right. A bridge of three pixels costs no IoU of pixels to speak of and two objects; a wide gap costs many pixels and no object. Which one is better
# depends on what you count.
#
# </details>
# <details><summary>C. It cannot be: objects are made of pixels.</summary>
#
# ✗ The true mask itself has a pixel IoU of 1, and matched a quarter of the discs above.
#
# </details>

# %% [markdown]
# ## Bend the pictures
#
# The paper had 30 pictures of tissue, and made more by **elastic deformation**: random vectors on a coarse grid of 3 x 3 points,
# with a standard deviation of 10 pixels, and in between a smooth field, interpolated by **bicubic** splines. Each pixel of the
# new picture looks up its value where its vector points.
#
# 10 pixels on a picture of 512 are 1.25 on one of 64: the same bend in the same share of the picture.
#
# **Predict:** at which deviation will the shapes stop being shapes of the data set: 1.25, 4 or 10 pixels?

# %%
sample = shapes.draw([3])
deviations = [1.25, 4.0, 10.0]
explore.move(plots.bent_by, sample.images[0], sample.masks[0], deviation=deviations, still=[{"deviation": d} for d in deviations])

# %% [markdown]
# Arrows point to where the pixel at their tail looks, and the yellow lines show which parts of the old picture lie where. At 1.25 pixels, the paper's share, you have to look twice. At 4 a
# straight side is a wave, and at 10 the picture is **folded** in places: the same part is seen twice, mirrored. Mask and
# picture follow one field, so they stay true to each other at every strength.

# %% [markdown]
# ### Exercise: bend a pair
#
# Given an image (height, width, 3) in 0..1, a mask (height, width, 1) of 0 and 1, and a field (2, height, width), return both moved:
# pixel (y, x) looks up `y + field[0, y, x]` and `x + field[1, y, x]`. The image bicubically, then cut to 0..1; the mask by its
# nearest pixel. `map_coordinates(channel, places, order=...)` from SciPy looks up one channel: order 3 is bicubic, order 0 nearest, and
# `np.indices((height, width))` are the places where nothing moves.

# %%
def my_bend(image, mask, field):
    """The moved image and the moved mask."""
    return None


checks.moved_pair(my_bend)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_bend(image, mask, field):
    places = np.indices(field.shape[1:]) + field
    moved = [map_coordinates(image[..., k], places, order=3, mode="mirror") for k in range(3)]
    moved_mask = map_coordinates(mask[..., 0], places, order=0, mode="mirror")
    return np.clip(np.stack(moved, axis=-1), 0, 1), moved_mask[..., None]


checks.moved_pair(solved_bend)
field = elastic.field((64, 64), seed=0, deviation=4)
same = np.array_equal(solved_bend(sample.images[0], sample.masks[0], field)[1], elastic.deform(sample.images[0], sample.masks[0], field)[1])
print("the same mask as elastic.deform:", same)

# %% [markdown]
# What does it buy? Ten training pictures, the series' network, 200 steps. All runs turn and flip the pictures; some also see
# bent copies. Each seed has ten other pictures.
#
# **Predict:** how much IoU does bending add: nothing, .05, .2?

# %%
bending = experiments.read("elastic")
plots.spread(bending, ["iou", "filled", "outlined"])
for name, values in bending.of("iou").items():
    print(f"{name:22s}IoU {values.mean():.2f}, from {values.min():.2f} to {values.max():.2f}")

# %% [markdown]
# PLACEHOLDER-ELASTIC

# %% [markdown]
# ## A scene larger than memory
#
# A network without padding answers for the middle of its window. To have an answer for every pixel the paper lays windows over
# the picture so that the answers meet: **overlap-tile**. What a window needs beyond the border of the picture is **mirrored**.
# The [exercise in 05](05_visualizing.ipynb#Exercise:-predict-in-tiles) cut a picture into tiles; here is the rest: the border,
# exactness, and memory.

# %% [markdown]
# ### Exercise: mirror a border
#
# Given a picture (height, width, 3) and a border in pixels, return the picture continued by its mirror image on all four sides. The
# mirror stands on the centre of the last pixel, so that pixel is not repeated: row -1 is row 1. NumPy may help.

# %%
def my_mirror(picture, border):
    """The picture, larger by the border on each side."""
    return None


checks.mirror(my_mirror)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_mirror(picture, border):
    return np.pad(picture, ((border, border), (border, border), (0, 0)), mode="reflect")


checks.mirror(solved_mirror)

# %%
plots.mirrored(solved_mirror(picture[-300:, -300:], 92), 92)

# %% [markdown]
# Inside the frame is the picture. Beyond it the ground goes on, and a shape near the frame gets a twin. That is invented too, but
# it looks like the pictures of the training, which a frame of zeros does not.
#
# Now the whole scene, 1024 x 1024. Predict it in one piece, mirrored by 112 pixels, for comparison. Then in tiles of 192 with
# several halos. Each window begins at a multiple of 16, on the grid of the four poolings.
#
# **Predict:** from which halo on do tiles and whole agree to the last digits?

# %%
border = 112
whole = sized(1024 + 2 * border).predict(solved_mirror(picture, border)[None], verbose=0)[0]
whole = whole[border:-border, border:-border].copy()
print(f"one piece IoU {metrics.iou(truth, metrics.to_mask(whole)):.2f}")

tiled = {}
for halo in (0, 16, 32, 64, 96):
    tiled[halo] = tiling.predict_tiled(sized(192 + 2 * halo), picture, 192, halo)
    off = np.abs(tiled[halo] - whole)
    score = metrics.iou(truth, metrics.to_mask(tiled[halo]))
    print(f"halo {halo:2d}   IoU {score:.2f}   largest difference {off.max():.1f}   below .00001: {off.max() < 1e-5}")

# %%
corner = (slice(0, 400), slice(0, 400))
shown = {halo: tiled[halo][corner] for halo in (0, 32, 96)}
plots.seams_by_halo(picture[corner], whole[corner], shown, tile=192)

# %% [markdown]
# The scale is logarithmic: each colour is a factor. Without a halo seams of full strength run along the tiles' borders, and
# IoU falls. With 16 the score is that of the whole already, though single pixels are still wrong; with 64 no difference can be
# seen in the first digit. With 96 it is below .00001: nothing is left.
#
# Could that be known without trying? A pixel's receptive field says how far it sees. It depends on the pixel's place on the grid
# of the poolings, 16 by 16 places.

# %%
large = sized(512)
boxes = [inspect_model.theoretical_field(large, (row, row)) for row in range(240, 256)]
reach = max(max(row - box.top, box.bottom - 1 - row) for row, box in zip(range(240, 256), boxes))
print(f"a pixel of the output sees up to {reach} px far; the next multiple of 16 is {-(-reach // 16) * 16}")

# %% [markdown]
# 107 pixels, so 112 are enough whatever the weights. The 96 above were enough for these weights: what the farthest pixels
# could change is too little for the last digit. Half of the widths that [05](05_visualizing.ipynb#How-far-does-it-look?) measured give most of the score, as you saw with 16.

# %% [markdown]
# ### Exercise: the halo
#
# Given how far a pixel of the output sees to one side, in pixels, and the number of poolings, return the smallest halo with
# which no pixel changes. Windows must begin where the poolings begin, so it is a multiple of a power of 2.

# %%
def my_halo(reach, poolings):
    """The smallest halo that is enough, in pixels."""
    return None


checks.enough_halo(my_halo)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_halo(reach, poolings):
    step = 2**poolings
    return (reach + step - 1) // step * step


checks.enough_halo(solved_halo)

# %% [markdown]
# Why the multiple? Take a tile of 184 pixels: with a halo of 96 its windows begin at -96, 88, 272, and most of them are off the
# grid.
#
# **Predict:** the halo is wide enough. Are there seams?

# %%
try:
    tiling.predict_tiled(model, picture, 184, 96)
except ValueError as error:
    print("✗", error)
off_grid = tiling.predict_tiled(sized(384), picture, 184, 100, multiple=4)
print(f"off the grid: largest difference {np.abs(off_grid - whole).max():.1f}")

# %% [markdown]
# Large differences, though nothing is missing. A max pooling asks which of four pixels is largest, and off the grid it asks other fours.
# So `predict_tiled` refuses such sizes unless it is told that the network pools less.
#
# Last, memory. One piece needs feature maps of the whole scene. A tile needs those of a window.

# %%
sides = [512, 1024, 2048, 4096]
window = sized(384)
megabytes = {
    "feature maps, one piece": [cost.activation_memory(sized(side), training=False) / 1e6 for side in sides],
    "feature maps, one window": [cost.activation_memory(window, training=False) / 1e6] * len(sides),
}
plots.memory(sides, megabytes)

# %% [markdown]
# Sixteen times as much for four times the side, against a flat line. That is computed from the layers; measure it too, for the
# arrays that the tiling itself makes, with a stand-in for the network and a result that is written into a given array.

# %%
for side in (512, 1024):
    result = np.zeros((side, side, 1), np.float32)
    tracemalloc.start()
    tiling.predict_tiled(lambda batch: batch[..., :1].copy(), picture[:side, :side], 192, 96, out=result)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"scene {side:4d} px, {result.nbytes * 4 / 1e6:4.0f} MB with its result: the tiling's arrays below 5 MB: {peak < 5e6}")

# %% [markdown]
# The same for both. What still grows is the scene and its result; if they do not fit either, give `predict_tiled` a
# `numpy.memmap`, an array that lives on the disk, for each.

# %% [markdown]
# ## Drop-out, momentum, initialisation
#
# Three more choices of the paper. First the start: weights from a normal distribution with a standard deviation of sqrt(2 / N), which
# [03 building](03_building.ipynb#Why-`he_normal`?) explains. Keras would take Glorot's, made for layers without ReLU, and early networks took .01
# for all. Draw the weights of the series' network anew, without its normalisation, and follow eight pictures through it.

# %%
def redraw(network, initializer):
    """Draw the weights of all convolutions anew; ``initializer`` makes a Keras initializer from a seed."""
    for number, layer in enumerate(network.layers):
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(initializer(number)(layer.kernel.shape))


starts = {
    "He": keras.initializers.HeNormal,
    "Glorot": keras.initializers.GlorotUniform,
    "N(0, .01)": lambda seed: keras.initializers.RandomNormal(0, 0.01, seed),
}
bare = unet.build_unet(**options | {"norm": "none"})
names = [layer.name for layer in bare.layers if "relu" in layer.name]
probe = keras.Model(bare.input, [bare.get_layer(name).output for name in names])
strengths, eight = {}, shapes.draw(8).images
for label, initializer in starts.items():
    redraw(bare, initializer)
    strengths[label] = [float(np.sqrt(np.mean(np.square(signal)))) for signal in (eight, *probe(eight))]
print({label: f"{values[-1]:.0e}" for label, values in strengths.items()})
plots.signal_strength(strengths)

# %% [markdown]
# He's start keeps the signal's size through all 18 convolutions. Glorot's loses a factor of a few on the way down. With .01 for all the
# signal falls by about ten orders of magnitude on the way down; on the way up the skips bring some strength back, since they come
# from higher up. At the output a millionth of it is left.
#
# **Predict:** which of the three starts will learn in 200 steps? And with batch normalisation, does the start still matter?

# %%
initial = experiments.read("initial")
plots.spread(initial, ["iou", "loss"])

# %% [markdown]
# PLACEHOLDER-INITIAL
#
# Now drop-out and momentum, with batch normalisation and everything else as in the series. The paper drops features at the end of the
# contracting path; here half of those at the bottom are. Its optimiser is plain **SGD** with **momentum**: each step is an average over past gradients, and with .99
# about the last 1 / (1 - .99) = 100 of them count. The paper needs that, because its batch is a single large tile. SGD
# gets a learning rate of .01 at its peak: with momentum .99 that builds up to steps of .01 / (1 - .99) = 1.
#
# **Predict:** 200 steps. Will drop-out help? And will SGD keep up with Adam?

# %%
parts = experiments.read("recipe_2015")
plots.spread(parts, ["iou", "filled", "outlined"])
for name, values in parts.of("iou").items():
    verdict = "" if name == "Adam" else f"   apart from Adam: {experiments.apart(values, parts.of('iou')['Adam'])}"
    print(f"{name:18s}IoU {values.min():.2f} to {values.max():.2f}{verdict}")

# %% [markdown]
# PLACEHOLDER-PARTS

# %% [markdown]
# ### Question: two momentums
#
# A colleague reads "momentum .99" in the paper and sets `BatchNormalization(momentum=0.99)`, trains for 300 steps, and finds that the
# network is good in training and bad in the test. What happened?
#
# <details><summary>A. Nothing special: the network overfits, as large ones do.</summary>
#
# ✗ Three hundred steps are short for that. And there is a simpler suspect: something that is only used in the test.
#
# </details>
# <details><summary>B. The paper's momentum is the optimiser's; this one is of a running average, which now lags.</summary>
#
# ✓ Right. Batch normalisation keeps averages for the test. With .99 they remember the last hundred steps, so they still hold a good part
# of the beginning. The series takes .9. The paper has no batch normalisation at all.
#
# </details>
# <details><summary>C. .99 is too high for batches of eight; .999 would be right.</summary>
#
# ✗ The average would lag even more. A higher value is for longer trainings.
#
# </details>

# %% [markdown]
# ## What they reported
#
# The paper's own results, copied from it; none of them was measured here.
#
# | task | pictures to learn from | the paper's U-Net | next best, as reported there |
# |---|---|---|---|
# | EM segmentation challenge, warping error | 30 | .0003529 | |
# | EM segmentation challenge, Rand error | 30 | .0382 | |
# | PhC-U373, IoU | | .9203 | .83 |
# | DIC-HeLa, IoU | | .7756 | .46 |
#
# It reports ten hours of training on a GPU of 6 GB, and less than a second for a picture of 512 x 512. A lower error is better, a
# higher IoU too. The errors of the EM challenge count objects, not pixels: a gap that is closed by one pixel joins two cells. That
# is the reason for its weight map.

# %% [markdown]
# ## Recap
#
# - Without padding each block takes 4 pixels at its own scale: 572 become 388, and skips are cropped to the middle that is described.
# - The weight map adds up to 10 where d1 + d2 is small: the distances to the nearest and to the second nearest object.
# - A pixel score does not see objects joined by a few pixels; matching does, and merged and split name the mistake.
# - Elastic deformation moves image and mask by one smooth field; the mask takes nearest pixels.
# - With a halo as wide as a pixel sees, on the grid of the poolings and with mirrored borders, tiles give exactly the whole, in memory
#   that stays flat.
# - Of the paper's other choices, each has to show in a comparison over seeds that it matters; here it depends on the rest of the recipe.

# %% [markdown]
# ## What's next
#
# Drawn discs are all alike, and their truth is known to the pixel. [09 real images](09_real_images.ipynb) takes the same tools to
# nuclei under a microscope.

# %% [markdown]
# ## Further reading
#
# - [Ronneberger, Fischer and Brox, U-Net: convolutional networks for biomedical image segmentation (2015)](https://arxiv.org/abs/1505.04597):
#   eight pages; after this notebook all of them are familiar.
# - [Caicedo et al., Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl (2019)](https://doi.org/10.1038/s41592-019-0612-7):
#   where the object score comes from.
# - [Simard, Steinkraus and Platt, Best practices for convolutional neural networks (2003)](https://doi.org/10.1109/ICDAR.2003.1227801):
#   elastic deformation, for digits.
# - [He et al., Delving deep into rectifiers (2015)](https://arxiv.org/abs/1502.01852): the start that a ReLU needs.
# - [Isensee et al., nnU-Net (2021)](https://doi.org/10.1038/s41592-020-01008-z): which choices matter across many data sets.
