# %% [markdown]
# # 05 · Open up a trained U-Net and see what it uses
#
# A score says how good a network is, not how it does it or when it will fail. Here you open one that works: where its wrong
# pixels lie, what its layers hold, what the skip connections carry, how far it looks, and where it stops working.

# %% [markdown]
# [Open in Colab](https://colab.research.google.com/github/OWNER/understanding-unet/blob/main/notebooks/05_visualizing.ipynb) · [Open in Binder](https://mybinder.org/v2/gh/OWNER/understanding-unet/main?labpath=notebooks/05_visualizing.ipynb)

# %% [markdown]
# **You will be able to**
#
# - tell missed from invented pixels, and read an error map
#   ([exercise: tell the errors apart](#Exercise:-tell-the-errors-apart))
# - look at the feature maps of any layer, and measure how much of the mask they hold
#   ([question: a channel that says no](#Question:-a-channel-that-says-no))
# - measure what a skip connection carries, and say what that does not show
#   ([exercise: an ablation of your own](#Exercise:-an-ablation-of-your-own),
#   [question: two numbers for one skip](#Question:-two-numbers-for-one-skip))
# - compare how far a network could see with how far it looks, and cut a large picture without seams
#   ([exercise: predict in tiles](#Exercise:-predict-in-tiles), [question: how wide a halo](#Question:-how-wide-a-halo))
# - check whether a probability can be taken at its word ([exercise: one bin by hand](#Exercise:-one-bin-by-hand))
# - find the worst cases, test what causes them, and try a network on pictures unlike its training set
#   ([exercise: find the worst pictures](#Exercise:-find-the-worst-pictures),
#   [question: larger than ever trained](#Question:-larger-than-ever-trained))
#
# **Time**: about 25 minutes to read, 40 for exercises and questions, one to two to run on two
# cores.
#
# **You should know** the data of [02 data](02_data.ipynb), receptive field and skip connection from
# [01 architecture](01_architecture.ipynb), and IoU and recall from [04 training](04_training.ipynb).
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
import dataclasses
import functools

import keras
import numpy as np

from utils import checks, explore, inspect_model, metrics, plots, shapes, training, unet, weights

# %% [markdown]
# The trained network comes with the series. To look into one of your own, train it in [04 training](04_training.ipynb), save it
# there and put `model = weights.load("my.keras")` here; `make weights` trains the shipped one again.

# %%
model = weights.load_shipped()
card = weights.card()
depth, iou = card["network"]["depth"], card["test"]["iou"]
print(f"{card['parameters']:,} parameters, {depth} poolings, test IoU {iou:.2f}")

# %% [markdown]
# ## From an image to an error map
#
# Run it on 500 test images and score each by itself. They are drawn from another seed than the images behind the score above:
# whoever looks closely at images should report on others.

# %%
test = shapes.draw(500, split="test")
probability = training.predict(model, test.images)
mask = metrics.to_mask(probability)
scores = metrics.iou(test.masks, mask, per_image=True)
print(probability.shape)
print(f"half of the pictures score above {np.median(scores):.2f}")

# %% [markdown]
# Wrong pixels come in two kinds. A **missed** pixel is shape in the truth and ground in the mask; an **invented** pixel is the
# other way round. An **error map** gives each kind a colour.
#
# **Predict:** where will the wrong pixels of a typical picture lie, along edges or inside?

# %%
order = np.argsort(scores.round(4), kind="stable")
rows = order[[10, 250, 475]]
labels = ["poor, rank 11", "median", "good, rank 476"]
plots.from_image_to_errors(test.images[rows], test.masks[rows], probability[rows], labels)

# %% [markdown]
# Read a row from left to right. The probability is near 0 or 1 almost everywhere, so the threshold matters little. The median
# and the good picture are wrong along edges, where a person would hesitate too. The poor picture, with only ten below it, is
# different: whole patches are wrong.

# %%
missed, invented = metrics.errors(test.masks, mask)
near = metrics.near_edge(test.masks)
print(f"pixels that touch an edge: {near.mean():.0%} of all pixels")
wrong = missed | invented
print("more than half of all errors are there:", wrong[near].sum() > wrong[~near].sum())


# %% [markdown]
# Less than a tenth of the pixels touch an edge, and most errors are there. One pixel of doubt along every edge costs IoU in
# every picture, which is why an IoU of 1 is out of reach and a small object scores lower than a large one at equal quality.

# %% [markdown]
# ### Exercise: tell the errors apart
#
# Given a true mask and a predicted one (arrays of 0 and 1 of the same shape, uint8), return two arrays of that shape that are
# true where a pixel is missed, and where it is invented. The check knows what uint8 does with a minus sign.

# %%
def my_errors(truth, mask):
    """Two arrays: missed, invented."""
    return None


checks.error_kinds(my_errors)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_errors(truth, mask):
    missed = (truth == 1) & (mask == 0)
    invented = (truth == 0) & (mask == 1)
    return missed, invented


checks.error_kinds(solved_errors)

# %% [markdown]
# ## What do the layers hold?
#
# A Keras model knows the output of each of its layers, so a second model with the same input and several outputs
# shows them all. It shares the weights; nothing is trained.

# %%
names = "enc1 enc2 enc3 enc4 bottleneck dec4 dec3 dec2 dec1".split()
probe = keras.Model(model.input, [model.get_layer(f"{name}_relu2").output for name in names])
maps = dict(zip(names, map(np.asarray, probe(test.images[:50], training=False))))
for name, values in maps.items():
    print(f"{name:11s}{values.shape[1:]}")


# %% [markdown]
# Nine blocks, from 8 to 128 channels. To see some, take the picture with the largest outlined area among these 50, and from
# each block the three channels that vary most over the picture.
#
# **Predict:** at which levels will you still recognise the outline, and where will it be filled?

# %%
def strongest(features, count=3):
    """The channels of (H, W, C) features that vary most, the strongest first."""
    return features[..., np.argsort(-features.var(axis=(0, 1)), kind="stable")[:count]]


largest = int(np.argmax((test.styles[:50] == 2).mean(axis=(1, 2))))
plots.feature_u({name: strongest(values[largest]) for name, values in maps.items()})


# %% [markdown]
# Going down the left side, lines turn into coarse blobs. At the bottom a map is 4 × 4 values: it can say
# that something is here, not where its edge runs. Going up the right side the maps become finer, and areas light up instead of
# lines: the decoder fills.
#
# Now measure it: how well does the best single channel of each block agree with the mask?
#
# **Predict:** does the agreement grow steadily from the first block to the last?

# %%
def agreement(features):
    """The strongest correlation of a channel with the mask, both at the channel's size."""
    size = features.shape[1]
    small = test.masks[:50].reshape(50, size, 64 // size, size, 64 // size).mean(axis=(2, 4))
    alive = features[..., features.var(axis=(0, 1, 2)) > 0].reshape(small.size, -1).T
    return max(abs(np.corrcoef(small.ravel(), channel)[0, 1]) for channel in alive)


agreements = {name: agreement(values) for name, values in maps.items()}
for name, value in agreements.items():
    print(f"{name:11s}{value:.2f}")
print("largest in the last block:", max(agreements, key=agreements.get) == "dec1")

# %% [markdown]
# The encoder falls from .73 to .49 and rises a little towards the bottleneck: its channels answer to lines and colours, and nobody
# asks them to be silhouettes. (Compare levels with care: lower down the mask is coarser too, and the best of more channels is
# taken.) From `dec4` on it climbs level by level, each one step nearer to the output. So do not expect a mask in
# the middle of a U-Net, nor call a layer useless because no mask is seen in it.

# %% [markdown]
# ### Question: a channel that says no
#
# In a network of yours, one channel of the last block correlates with the mask at -.9. What does this channel hold?
#
# <details><summary>A. Nothing of the mask, because it disagrees with it.</summary>
#
# ✗ A channel that holds nothing of the mask correlates at about 0. At -.9 it follows the mask closely, upside down.
#
# </details>
# <details><summary>B. Nothing at all, because the ReLU cut it to 0.</summary>
#
# ✗ A channel that is 0 everywhere does not vary, so it has no correlation; the cell above leaves such channels out.
#
# </details>
# <details><summary>C. As much of the mask as a channel at +.9 does.</summary>
#
# ✓ Right. It is bright on ground and dark on shapes, like the third map of `dec1` above, and one negative weight in the next
# layer turns it round. That is why the cell takes `abs`.
#
# </details>

# %% [markdown]
# ## What does each skip carry?
#
# Replace the features that arrive over one skip connection by zeros, and leave every weight as it is. What breaks is what
# the decoder took from there. This is an **ablation**.
#
# **Predict:** without the skip of level 1, at full resolution, will the network lose whole objects or sharp edges?

# %%
silenced = {str(level): inspect_model.without_skip(model, level) for level in (1, 2, 3, 4)}
silenced["all"] = inspect_model.without_skip(model, 1, 2, 3, 4)
outputs = {"none": probability}
outputs |= {cut: training.predict(network, test.images) for cut, network in silenced.items()}

# %%
plan = shapes.plan(500, split="test")
alone = np.where(plan.present[:, 1], 0, (test.styles == 2).mean(axis=(1, 2)))
shown = [0, 1, int(np.argmax(alone))]
three = {cut: output[shown] for cut, output in outputs.items()}
explore.move(plots.skip_cut, test.images[shown], three, cut=list(three), still=[{"cut": cut} for cut in three])

# %% [markdown]
# The first two test pictures, and the one with the largest outlined shape that stands alone. With a running kernel, move the
# slider and watch one corner, then the middle of the circle.
#
# Without skip 1 the objects are still there, but corners are round and the arms of the cross melt: what level 1 carries is
# *where exactly*. Without skip 4 the edges stay, and the middle of the large circle fades: deep skips help to fill. Count it
# over all pictures: the share of wrong pixels at edges and elsewhere, and the recall on filled and on outlined shapes.

# %%
edges = {}
print(f"{'':9s} IoU    edges  elsewhere    filled  outlined")
for name, output in outputs.items():
    cut = metrics.to_mask(output)
    wrong, iou = cut != test.masks, metrics.iou(test.masks, cut)
    edges[name], inside = wrong[near].mean(), wrong[~near].mean()
    filled, outlined = (metrics.recall(test.styles[..., None] == style, cut) for style in (1, 2))
    print(f"cut {name:4s}{iou:5.2f}{edges[name]:9.2f}{inside:11.2f}{filled:10.2f}{outlined:10.2f}")
single = list(outputs)[1:5]
print("most wrong at edges: cut", max(single, key=edges.get))


# %% [markdown]
# Compare columns. The edges need skip 1 most. The deep skips, 3 and 4, hurt outlined shapes most, compared
# with filled ones, by about the same amount: their pixels see more of a shape than those of the upper levels. A sharp silhouette
# needs
# both, *what* from below and *where* from above. Without any skip everything has to pass the 4 × 4 bottleneck, and the output is
# of no use.
#
# Be careful with what this shows. The decoder was trained with all skips; silencing one hands it input that it has never
# seen. The drop says what *this* network takes from the skip. What a network can do without it is another experiment.

# %% [markdown]
# ### Exercise: an ablation of your own
#
# What else does the network lean on? Write a function that takes a network, images and masks, and returns two things:
#
# - the IoU of the untouched network: the pixels of all images pooled, a threshold of .5
# - a dict of *drops* in IoU, untouched score minus what is left. Its keys are 1, 2, 3 and 4 for the skips, silenced one at a
#   time, and one or more texts of your choice, for parts that you silence yourself: a layer, a channel, a colour of the image.
#
# For a layer, copy the network (`keras.models.clone_model`, then `set_weights`) and set the layer's weights to zero in the copy (of a convolution with
# batch normalisation: those of the normalisation).
# `inspect_model.without_skip` silences a skip, and `model.summary()` lists the layers' names. The check runs your function on a small
# network with the same layer names, and on other images.

# %%
def my_ablation(model, images, masks):
    """IoU of the untouched network, and part -> drop in IoU."""
    return None


checks.ablation(my_ablation)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_ablation(model, images, masks):
    def score(network):
        return metrics.iou(masks, metrics.to_mask(training.predict(network, images)))

    untouched = score(model)
    drops = {level: untouched - score(inspect_model.without_skip(model, level)) for level in (1, 2, 3, 4)}
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for weight in copy.get_layer("bottleneck_norm2").trainable_weights:
        weight.assign(keras.ops.zeros_like(weight))
    return untouched, drops | {"bottleneck": untouched - score(copy)}


checks.ablation(solved_ablation)
_, drops = solved_ablation(model, test.images, test.masks)
print("drops of the trained network:", {part: round(drop, 2) for part, drop in drops.items()})

# %% [markdown]
# The solution silences the bottleneck, the block with the most channels, and the IoU falls less than with any skip: this network
# takes little from its deepest level. It sets scale and shift of the last normalisation to zero: behind a convolution of zeros, a batch
# normalisation still puts out constants.

# %% [markdown]
# ### Question: two numbers for one skip
#
# You silence skip 1 of a trained network, and its IoU falls from .96 to .81. A colleague trains the same network without skip 1
# from the start and reaches .95. What follows?
#
# <details><summary>A. Skip 1 is worth .15 of IoU to any network of this shape.</summary>
#
# ✗ The .15 belongs to one set of weights, which was trained to expect something on that path and then received zeros.
#
# </details>
# <details><summary>B. This network leans on skip 1; training finds another way for most of it.</summary>
#
# ✓ Right. The first number says what is used, the second what can be replaced, and both can be true. What is still missing
# after training is what nothing replaced.
#
# </details>
# <details><summary>C. One of you made a mistake, because a skip has one value.</summary>
#
# ✗ You asked different questions. Silencing keeps the weights and asks what they use; training anew lets all weights adapt.
#
# </details>
# <details><summary>D. Silencing tells nothing, so only the second number counts.</summary>
#
# ✗ It tells how this network works, for example where its sharp edges come from. A network trained anew is another network.
#
# </details>

# %% [markdown]
# ## How far does it look?
#
# The layers allow each output pixel to see a large window, its receptive field. Whether it uses the window is a matter
# of the weights. The **effective receptive field** measures it: the gradient of one output pixel with respect to every input
# pixel (how much the output changes when that input changes a little), its size averaged over images (Luo et al., 2016). Two groups of 50 test images are compared: those with an edge within
# 2 px of the pixel in the middle, and those with none within 6 px.
#
# **Predict:** how wide is the square that holds nine tenths of the gradient: 20 px, 50 px, or more than the image? And which
# group needs the wider one?

# %%
pixel = (32, 32)
close = metrics.near_edge(test.masks, 2)[:, 32, 32, 0]
far = ~metrics.near_edge(test.masks, 6)[:, 32, 32, 0]
groups = {"near an edge": test.images[close][:50], "far from edges": test.images[far][:50]}
fields = {name: inspect_model.effective_receptive_field(model, group, pixel) for name, group in groups.items()}
theory = inspect_model.receptive_field(model)[-1].rows
print(f"theoretical field: {theory[0]} to {theory[1]} px")
squares = {}
for name, field in fields.items():
    squares[name] = [inspect_model.square_holding(field, pixel, share) for share in (0.5, 0.9)]
    print(f"{name}: {squares[name][0]} px hold half of the gradient, {squares[name][1]} px nine tenths")

# %%
plots.effective_fields(fields, pixel, squares, max(theory))


# %% [markdown]
# The theoretical field is about three times as wide as the image, so it never limits this network. What the network looks at
# is smaller, and brightest at the pixel itself. It also depends on the question: near an edge a short look around settles
# the matter; far from edges half of the gradient needs a wider square, because the next line, if there is one, is further away.
# Keep in mind that the picture ends after 64 px: no gradient can fall outside.

# %% [markdown]
# ## Why do my tiles have seams?
#
# A picture that is too large for memory is cut into **tiles**, predicted tile by tile and put together again. Try it on scenes of
# 128 × 128 with four shapes of the familiar size: predict each as a whole, and in four tiles of 64 × 64. The weights
# fit any size that four poolings can halve; only the network's input has to be built anew.
#
# **Predict:** where will the two outputs differ?

# %%
@functools.cache
def sized(height, width):
    """The trained network for pictures of another size."""
    network = unet.build_unet((height, width, 3), **card["network"])
    network.set_weights(model.get_weights())
    return network


def predict(picture):
    """The probability of shape for one picture (H, W, 3)."""
    return training.predict(sized(*picture.shape[:2]), picture[None])[0]


def in_four(picture):
    """The same, in four tiles of 64 x 64."""
    rows = [[predict(picture[top : top + 64, left : left + 64]) for left in (0, 64)] for top in (0, 64)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


# %%
crowd = plan[:20]
crowd = dataclasses.replace(crowd, present=crowd.present | True, radius=crowd.radius / 2, line=crowd.line / 2)
scenes = shapes.paint(crowd, 128)
whole = np.stack([predict(image) for image in scenes.images])
tiled = np.stack([in_four(image) for image in scenes.images])
for name, output in (("whole", whole), ("in tiles", tiled)):
    print(f"{name:10s}IoU {metrics.iou(scenes.masks, metrics.to_mask(output)):.2f}")

# %%
each = [metrics.iou(scenes.masks, metrics.to_mask(output), per_image=True) for output in (whole, tiled)]
seen = int(np.argmax(each[0] - each[1]))
plots.seams(scenes.images[seen], whole[seen], tiled[seen], tile=64)

# %% [markdown]
# The scene that loses most. Where a shape crosses from one tile into the next, it is cut off or torn: **seams**. The
# weights are the same, so the cause must be what the pixels see. Beyond the edge of its tile a pixel sees padding, zeros. Then
# a pixel far from the seams should not care.
#
# **Predict:** from which distance to the nearest seam on will hardly a pixel change? The measured fields above are a hint.

# %%
differs = metrics.to_mask(whole) != metrics.to_mask(tiled)
line = np.abs(np.arange(128) - 63.5)
to_seam = np.minimum.outer(line, line)
for low, high in ((0, 4), (4, 8), (8, 16), (16, 32), (32, 64)):
    ring = (to_seam >= low) & (to_seam < high)
    print(f"{low:2d} to {high:2d} px from a seam: {differs[:, ring].mean():.1%} of the pixels change")


# %% [markdown]
# The change fades as the effective field does: nine tenths of the gradient lay in a square of 49 px, which is 24 px to each side.
# So give each tile a **halo**: predict a larger window and keep only the tile in its middle. The next multiple of 16, which
# four poolings can halve, is 32. To change not a single value, it would take about half of the theoretical field.

# %% [markdown]
# ### Exercise: predict in tiles
#
# Given `predict` (one picture in, its output (height, width, 1) out), a picture (height, width, channels) whose sides
# are multiples of `tile`, and a halo in pixels, return the output for the whole picture. Predict for each tile a window that
# reaches `halo` pixels beyond it on every side, but not beyond the picture, and keep the tile. The check knows a cheap network
# that sees 4 px far: with a halo of 4 your result must be the same as the whole prediction.

# %%
def my_tiles(predict, picture, tile, halo):
    """The output for a picture, predicted tile by tile."""
    return None


checks.tiles(my_tiles)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_tiles(predict, picture, tile, halo):
    height, width = picture.shape[:2]
    result = np.zeros((height, width, 1))
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            above, before = min(halo, top), min(halo, left)
            window = picture[top - above : top + tile + halo, left - before : left + tile + halo]
            part = predict(window)[above : above + tile, before : before + tile]
            result[top : top + tile, left : left + tile] = part
    return result


checks.tiles(solved_tiles)

# %% [markdown]
# Now the scenes again, with the function of the solution or with yours.
#
# **Predict:** how much of the lost score does a halo of 16 px give back?

# %%
print(f"whole     IoU {metrics.iou(scenes.masks, metrics.to_mask(whole)):.2f}")
for halo in (0, 16, 32):
    output = np.stack([solved_tiles(predict, image, 64, halo) for image in scenes.images])
    changed = metrics.to_mask(output) != metrics.to_mask(whole)
    iou, close = metrics.iou(scenes.masks, metrics.to_mask(output)), changed[:, to_seam < 4].mean()
    print(f"halo {halo:2d}   IoU {iou:.2f}   {close:.1%} of the pixels within 4 px of a seam change")

# %% [markdown]
# A halo of 32 px gives the score back. The price is work: a window of 96 × 96 for a tile of 64 × 64 has more than twice its
# pixels. So make tiles as large as memory allows, and the halo as wide as the effective field asks for.

# %% [markdown]
# ### Question: how wide a halo
#
# Another network has three poolings. A pixel of its output can be changed by image pixels up to 51 px away, and nine tenths of
# the gradient lie in a square of 31 px around it. Tiles are 64 px wide. Which halo do you give them?
#
# <details><summary>A. 102 px, the width of the whole theoretical field.</summary>
#
# ✗ The halo is added on each side, and a pixel sees at most 51 px to each side. More than that is work for nothing.
#
# </details>
# <details><summary>B. 15 px, half of the square, since the other tenth is small.</summary>
#
# ✗ The window would be 94 px wide, and three poolings cannot halve that. A tenth is also an average: measure what it costs.
#
# </details>
# <details><summary>C. None, but let tiles overlap and average them.</summary>
#
# ✗ Near a border one of the two values lacks its surroundings. The average hides the seam and keeps half of the error.
#
# </details>
# <details><summary>D. 16 px to begin with, 56 px to be sure that no pixel changes.</summary>
#
# ✓ Right. Half of each width, rounded up to a multiple of 8, so that the windows can be halved three times and are pooled on
# the same grid as the whole. Between the two, measure.
#
# </details>

# %% [markdown]
# ## Watch the mask emerge
#
# While the shipped network was trained, its output for four test images was kept at many moments, closer together in the
# beginning.
#
# **Predict:** what comes first, the place of a shape, its edge, or its filling?

# %%
kept = np.load(project.DATA / "mask_emerging.npz")
steps, output, watched = kept["steps"], kept["output"], test[kept["test_images"]]
animation = plots.emerging_animation(watched.images, watched.masks, output, steps)
alt = (
    "An animation that repeats: four test images, their masks, and the network's output, which starts as a flat field, "
    "turns into blurred patches, and ends as sharp masks."
)
plots.show_png(animation, alt)

# %% [markdown]
# The animation plays in a browser without running the cell. Six moments of its first output stand
# still here.

# %%
moments = np.linspace(0, len(steps) - 1, 6).round().astype(int)
titles = [f"step {step}" for step in steps[moments]]
alt = (
    "Outputs for an outlined disc at six training steps: nearly flat fields with a faint circle, a blur, a ring, "
    "a filled disc."
)
plots.grid([list(output[moments, 0] / 255)], titles, alt=alt)

# %% [markdown]
# The faint circle at step 0 is not learned: filters with random weights answer to lines too. Then the place comes, as a blur. At step 62 the outlined disc has an edge, and its middle is still in doubt; at step 269 it
# is filled, and its edge is sharp. Put numbers to it, with recall on both styles beside the IoU of all four images.

# %%
for k in moments:
    cut = (output[k] > 127).astype(np.uint8)
    filled, outlined = (metrics.recall(watched.styles == style, cut) for style in (1, 2))
    iou = metrics.iou(watched.masks[..., 0], cut)
    print(f"step {steps[k]:5d}   IoU {iou:.2f}   recall: filled {filled:.2f}, outlined {outlined:.2f}")

# %% [markdown]
# Read a recall near 1 beside a low IoU as what it is: much more than the shapes was called shape. The IoU, which counts what was
# invented too, comes later. These are outputs as at test time, where batch normalisation uses running averages; in the first
# steps those lag behind, which makes early outputs worse than the network is.

# %% [markdown]
# ## Can you trust a probability?
#
# Of all pixels to which the network gives about .7, are about 70 % shape? If so it is **calibrated**. Sort the pixels into ten
# bins by probability and compare each bin's mean probability with its share of shape. The mean distance
# between the two, each bin counted by its number of pixels, is the **expected calibration error** (Guo et al., 2017).
#
# **Predict:** deep networks are said to be overconfident. Is this one: how far from the diagonal will the points lie?

# %%
everywhere = metrics.calibration(test.masks, probability)
unsure = (probability > 0.05) & (probability < 0.95)
uncertain = metrics.calibration(test.masks[unsure], probability[unsure])
print(f"pixels between .05 and .95: {unsure.mean():.0%}")
print(f"calibration error: {everywhere.error:.1%} of all pixels, {uncertain.error:.1%} of those between")

# %%
plots.reliability(everywhere, uncertain)


# %% [markdown]
# The points follow the diagonal closely: on pictures like these, a pixel of .7 is shape in about seven of ten cases. They lie a
# little above it: shape is a little more frequent than the network says. Above .5 that is too little confidence, below .5 too
# much confidence in ground. The right
# panel warns against the error of all pixels: nearly all pixels sit in the outer bins, where being right is easy, and they
# dilute the mean. That is why the unsure pixels have an error of their own, and it is the larger one.

# %% [markdown]
# ### Exercise: one bin by hand
#
# Given a mask, probabilities of the same shape and the limits of a bin, return two numbers: the mean probability of the pixels
# with `low <= probability < high`, and the share of these pixels that is shape.

# %%
def my_bin(truth, probability, low, high):
    """Mean probability and share of shape among the pixels of one bin."""
    return None


checks.calibration_bin(my_bin)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_bin(truth, probability, low, high):
    inside = (probability >= low) & (probability < high)
    return probability[inside].mean(), truth[inside].mean()


checks.calibration_bin(solved_bin)

# %% [markdown]
# ## The ten worst cases
#
# An average hides its failures. Look at the ten test pictures with the lowest IoU.
#
# **Predict:** what do you expect them to share: small shapes, weak contrast, overlaps, outlines, or distractor lines?

# %%
worst = order[:10]
titles = [f"IoU {scores[i]:.2f}" for i in worst]
alt = "The ten test pictures with the lowest IoU, error maps below: whole patches are wrong, not only thin lines along edges."
plots.error_maps(test.images[worst], test.masks[worst], mask[worst], titles, alt=alt)

# %% [markdown]
# These are not errors of one pixel along an edge: whole patches are missed or invented. The plan of each picture
# says what is in it, so what they share can be counted.

# %%
there = plan.present
distance = np.hypot(plan.x[:, 0] - plan.x[:, 1], plan.y[:, 0] - plan.y[:, 1])
contrast = np.abs(plan.colour - plan.ground[:, None]).mean(axis=-1)
facts = {
    "has a distractor line": plan.lines[..., 7].any(axis=1),
    "has an outlined shape": (there & plan.outlined).any(axis=1),
    "two shapes that may overlap": there[:, 1] & (distance < plan.radius[:, :2].sum(axis=1)),
    "smallest radius, px": 64 * np.where(there, plan.radius, 1).min(axis=1),
    "weakest contrast": np.where(there, contrast, 1).min(axis=1),
}
print(f"{'':30s}{'ten worst':>10}{'all 500':>10}")
for name, values in facts.items():
    print(f"{name:30s}{values[worst].mean():10.2f}{values.mean():10.2f}")
ratios = {name: values[worst].mean() / values.mean() for name, values in facts.items()}
print("stands out most:", max(ratios, key=lambda name: abs(np.log(max(ratios[name], 0.01)))))

# %% [markdown]
# The first three rows are shares of the pictures. The last line names the row whose two numbers differ most, in proportion. Two
# of the rows have a good reason to matter. A line beside a shape could be a side of an outline, with the ground between them
# as its inside. And where shapes overlap, one outline interrupts the other, or hides in it.
#
# A shared fact is a suspicion, not a cause. But here you own the data: paint the same ten pictures again, everything the same,
# once without the lines and once without the second shape.
#
# **Predict:** which of the two raises the mean IoU of the ten more?

# %%
no_lines, one_shape = plan[worst], plan[worst]
no_lines.lines[..., 7] = 0
one_shape.present[:, 1:] = False
print(f"as they are               {scores[worst].mean():.2f}")
for name, changed in (("without lines", no_lines), ("without the second shape", one_shape)):
    again = shapes.paint(changed)
    cut = metrics.to_mask(training.predict(model, again.images))
    print(f"{name:26s}{metrics.iou(again.masks, cut, per_image=True).mean():.2f}")


# %% [markdown]
# Without the lines the mean hardly moves; without the second shape it comes close to that of a median picture. So the second
# shape is a cause, and the lines were mostly company. Nearly every picture with two shapes is one where they may overlap, so this
# does not tell overlap from number; moving the second shape aside would. Note the order of work: look, count, then change one thing.

# %% [markdown]
# ### Exercise: find the worst pictures
#
# Given masks and predicted masks, `(N, H, W, 1)` arrays of 0 and 1, and a count, return the positions, counted from 0, of that many pictures with the
# lowest IoU, each picture scored by itself, the worst first. A picture without any shape in which none was found is right: its
# IoU is 1.

# %%
def my_worst(truth, mask, count):
    """The numbers of the worst pictures, the worst first."""
    return None


checks.worst_pictures(my_worst)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_worst(truth, mask, count):
    scores = metrics.iou(truth, mask, per_image=True)
    return np.argsort(scores)[:count]


checks.worst_pictures(solved_worst)

# %% [markdown]
# ## Outside of what it has seen
#
# All test pictures came from the generator that made the training pictures. What if they had not? Six sets of 100 pictures:
# from the test set, the same with inverted colours, stars (a kind that training never showed), and the level `hard`. Convolutions
# take any size that four poolings can halve, so two sets are 128 × 128: one with everything twice as
# large, one with shapes of the familiar size in pixels on a larger ground.
#
# **Predict:** order the six before you run the cells. Which will be as good as the first?

# %%
first = plan[:100]
small = dataclasses.replace(first, radius=first.radius / 2, line=first.line / 2)
cases = {
    "as trained": test[:100],
    "inverted": dataclasses.replace(test[:100], images=1 - test.images[:100]),
    "stars": shapes.draw(100, split="test", kinds="star"),
    "level hard": shapes.draw(100, split="test", level="hard"),
    "128, doubled": shapes.draw(100, split="test", size=128),
    "128, same px": shapes.paint(small, 128),
}

# %%
found = {}
for name, case in cases.items():
    network = sized(*case.images.shape[1:3])
    found[name] = metrics.to_mask(training.predict(network, case.images, batch_size=10))
    iou = metrics.iou(case.masks, found[name])
    recall = metrics.recall(case.styles[..., None] == 2, found[name])
    print(f"{name:14s}IoU {iou:.2f}   recall on outlined {recall:.2f}")

# %%
number = int(np.argmax(alone[:100]))
columns = [(case.images[number], case.masks[number], found[name][number]) for name, case in cases.items()]
alt = (
    "One picture in six versions with its error maps: as trained and inverted it is found but for its edge; the same outline "
    "at twice the size loses most of its inside, at the familiar size on a larger ground it is found."
)
plots.error_maps(*zip(*columns), list(cases), columns=6, alt=alt)

# %% [markdown]
# The figure shows the picture with the largest outlined shape that stands alone, among the 100.
#
# - *Inverted colours* cost next to nothing: a shape may be lighter or darker than its ground in training, so an inverted picture is
#   one more picture of the same kind.
# - *Stars* are found, though less well: the network learned closed lines and filled areas, not five kinds by heart.
# - *Level hard* is much worse: weaker contrast, thinner lines, more noise and more distractors than it was ever shown.
# - *A larger picture* is no problem in itself: shapes of the familiar size are found as before. *Doubled* outlines are not.
#   The theoretical field would be wide enough for them. What was never trained is the size.
#
# Last, pictures with nothing to find: ground without any shape, which training never showed, and pure noise.
#
# **Predict:** on which of the two will the network invent shapes, and how sure will it be?

# %%
bare = shapes.paint(dataclasses.replace(first, present=first.present & False))
noise = np.random.default_rng(0).random((20, 64, 64, 3), dtype=np.float32)
for name, images in (("ground only", bare.images), ("pure noise", noise)):
    output = training.predict(model, images)
    print(f"{name}: {(output > 0.5).mean():.0%} called shape, {(output > 0.95).mean():.0%} with more than .95")

# %% [markdown]
# Bare ground stays ground. In noise there is no shape at all, and yet the network calls
# three quarters of it shape, though little of it with more than .95. The calibration measured above holds for pictures like those it was measured on. A network does
# not say "I have never seen this"; you have to know what it was trained on.

# %% [markdown]
# ### Question: larger than ever trained
#
# A new camera: all shapes are three times as large, in pixels, as in training, and the insides of outlines are lost. Nothing may
# be trained. What helps most?
#
# <details><summary>A. Shrink the pictures to a third, predict, and enlarge the masks.</summary>
#
# ✓ Right. The shapes then have the size that was trained, and the mask loses little: an edge is a pixel or two less exact.
#
# </details>
# <details><summary>B. Predict in tiles of 64 px, the size of the training pictures.</summary>
#
# ✗ The tile has the trained size, but the shapes in it have not: it holds pieces, and most of an outline lies outside.
#
# </details>
# <details><summary>C. Cut the probabilities at .1 in place of .5.</summary>
#
# ✗ It finds some more of the insides, and invents ground as shape; the network is as lost as before.
#
# </details>

# %% [markdown]
# ## Recap
#
# - An error map tells missed from invented pixels; most errors of a good network touch an edge, and patches are the ones to study.
# - A second model with other outputs shows any layer's feature maps; the mask appears on the way up, not on the way down.
# - Silencing skip 1 blurs the edges: what this network takes from it. What a network could do without it needs a new training.
# - The theoretical receptive field says what can be seen, the effective one what is used: here less than the image, and it says how wide a halo
#   tiles need.
# - The probabilities come true on pictures like the training ones, and say nothing on noise.
# - What the worst cases share is a suspicion; painting them again with one thing changed tests it. Another size or level is
#   another task.

# %% [markdown]
# ## What's next
#
# You know what this network does. Which of its parts are needed at all? Notebook 06 trains it again without skips, less deep, less
# wide and on less data, several seeds each.

# %% [markdown]
# ## Further reading
#
# - [Luo et al., Understanding the effective receptive field (2016)](https://arxiv.org/abs/1701.04128): why the middle counts most.
# - [Guo et al., On calibration of modern neural networks (2017)](https://arxiv.org/abs/1706.04599): reliability diagrams, and a
#   simple cure for networks that claim too much.
# - [Drozdzal et al., The importance of skip connections in biomedical image segmentation (2016)](https://arxiv.org/abs/1608.04117):
#   networks trained with and without long and short skips.
# - [Zeiler and Fergus, Visualizing and understanding convolutional networks (2014)](https://arxiv.org/abs/1311.2901): the classic on
#   looking at feature maps and covering parts of the input.
