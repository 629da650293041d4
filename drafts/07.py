# %% [markdown]
# # 07 · Which shape is it?
#
# So far a pixel was shape or ground. Here it is a disc, a square, a triangle or ground: the head, the labels, the loss and the scores
# all change, and you train a network that tells the three kinds apart, at any rotation, in about a minute.

# %% [markdown]
# [Open in Colab](https://colab.research.google.com/github/OWNER/understanding-unet/blob/main/notebooks/07_many_classes.ipynb) · [Open in Binder](https://mybinder.org/v2/gh/OWNER/understanding-unet/main?labpath=notebooks/07_many_classes.ipynb)

# %% [markdown]
# **You will be able to**
#
# - write the softmax and its loss, and say why class numbers are never divided
#   ([exercise: write the softmax](#Exercise:-write-the-softmax), [exercise: write the loss](#Exercise:-write-the-loss))
# - choose between one class a pixel and several, with the head, the loss and the labels that belong together
#   ([question: two shapes on one pixel](#Question:-two-shapes-on-one-pixel))
# - read a confusion matrix ([exercise: count the confusions](#Exercise:-count-the-confusions),
#   [question: one kind is never named](#Question:-one-kind-is-never-named))
# - compute the IoU of each class, and ask which IoU somebody means ([exercise: IoU from the table](#Exercise:-IoU-from-the-table),
#   [question: whose number is it](#Question:-whose-number-is-it))
# - weigh a rare class, and say what that costs ([exercise: weigh the classes](#Exercise:-weigh-the-classes))
#
# **Time**: about 20 minutes to read, 40 for exercises and questions, two to three to run on two
# cores.
#
# **You should know** one-hot from [02 data](02_data.ipynb), heads from [03 building](03_building.ipynb), and cross-entropy, IoU and
# the recipe from [04 training](04_training.ipynb).
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

import keras
import numpy as np
import tensorflow as tf

from utils import checks, classes, experiments, explore, losses, metrics, pipeline, plots, shapes
from utils import training, unet, weights

# %% [markdown]
# ## Labels for four classes
#
# The pictures of this notebook show one or two shapes of three kinds, all filled, at any rotation, a little smaller than before. Shapes
# that would meet are left out for now. The **class map** says for each pixel which class it is: 0 ground, 1 disc, 2 square, 3 triangle.

# %%
names = classes.NAMES
train = classes.draw(1000, split="train")
validation = classes.draw(200, split="validation")
print(train.images.shape, train.classes.shape, train.classes.dtype, np.unique(train.classes))

# %%
alt = "Six training pictures with one or two filled shapes; below them their class maps, with a colour for each kind."
plots.class_maps([train.images[:6], train.classes[:6]], ["image", "class map"], names, alt=alt)

# %% [markdown]
# The second row is what the network shall say. A triangle and a square of the same colour differ at their corners only, so a pixel in
# the middle of a shape has to learn from far away which kind it belongs to.
#
# A class map is a **sparse label**: one number a pixel. **One-hot** labels say the same with a channel for each class.

# %%
hot = classes.one_hot(train.classes[:6], 4)
print("sparse", train.classes[:6].shape, "one-hot", hot.shape)
row, column = np.argwhere(train.classes[0] > 0)[200]
print("one pixel:", train.classes[0, row, column], "or", hot[0, row, column])
print("the largest channel is the class:", np.array_equal(hot.argmax(axis=-1), train.classes[:6]))

# %% [markdown]
# ## Two ways to break a label
#
# A mask of 0 and 255 is divided by 255. It is tempting to treat class numbers the same way: divide by 3, put a sigmoid on the network,
# and all is between 0 and 1.
#
# **Predict:** a network trained like that is torn between disc (1) and triangle (3). Which kind will it name?

# %%
torn = np.mean([1 / 3, 3 / 3])
print(f"answer {torn:.2f}, times 3 is class {3 * torn:.0f}: {names[round(3 * torn)]}")
try:
    pipeline.check_arrays(train.images[:2], (train.classes[:2, ..., None] / 3).astype("float32"), classes=4)
except TypeError as complaint:
    print(complaint)

# %% [markdown]
# It names a square, the one kind it is sure that it is not. Numbers have a middle; kinds have none. A class number is a name, so it
# is never divided, averaged or interpolated.
#
# The second way: three kinds, so three channels. The ground was forgotten, and class 3 has no channel.
#
# **Predict:** what does Keras say to a label that is out of bounds?

# %%
keras.utils.set_random_seed(0)
three = keras.Sequential([keras.Input((64, 64, 3)), keras.layers.Conv2D(3, 1, activation="softmax")])
three.compile(loss="sparse_categorical_crossentropy", jit_compile=True)
print("loss:", float(three.train_on_batch(train.images[:8], train.classes[:8, ..., None])))
try:
    pipeline.check_arrays(train.images[:8], train.classes[:8, ..., None], classes=3)
except ValueError as complaint:
    print(complaint)


# %% [markdown]
# Nothing is said; the loss is `nan`, not a number. Without `jit_compile` TensorFlow stops with "outside the valid range", PyTorch with
# "target is out of bounds". So check arrays before training: the message above costs nothing.

# %% [markdown]
# ## Softmax by hand
#
# The head gives each pixel one number a class, a **logit**, positive or negative. The **softmax** turns them into probabilities:
# each class gets $e^{z}$ of its logit, divided by the sum over the classes of that pixel.
#
# **Predict:** what happens to the probabilities when 5 is added to all logits?

# %%
logits = np.array([2.0, 1.0, -1.0, 0.5])
powers = np.exp(logits)
print("exponentials ", powers.round(2))
print("probabilities", (powers / powers.sum()).round(2))
print("with 5 added ", classes.softmax(logits + 5).round(2))

# %% [markdown]
# Nothing happens: the factor $e^5$ is above and below the fraction. Only differences between logits count. With two classes there is
# one difference, and a softmax is a sigmoid of it:

# %%
pairs = np.random.default_rng(0).normal(0, 3, (1000, 2))
sigmoid = 1 / (1 + np.exp(-(pairs[:, 1] - pairs[:, 0])))
print("the same for 1000 pairs:", np.allclose(classes.softmax(pairs)[:, 1], sigmoid))


# %% [markdown]
# So the networks of the earlier notebooks were the case of two classes, with the ground's logit held at 0.

# %% [markdown]
# ### Exercise: write the softmax
#
# Given logits `(height, width, classes)`, return probabilities of the same shape. The check compares, adds 1000 to every
# logit, and compares again: $e^{1000}$ is too large for a computer, and the last cell but one says what you may do about it.

# %%
def my_softmax(logits):
    """Probabilities, the classes on the last axis."""
    return None


checks.softmax(my_softmax)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


checks.softmax(solved_softmax)

# %% [markdown]
# ## From two classes to many
#
# The binary cross-entropy of a pixel is $-t \log p - (1 - t) \log (1 - p)$. One of the two terms is always 0. What remains is minus the
# logarithm of the probability that the *truth* was given. Said like this, it fits any number of classes: the **categorical
# cross-entropy** is $-\log$ of the true class's probability, or $-\sum_k t_k \log p_k$ with a one-hot $t$.

# %%
rng = np.random.default_rng(1)
truth, p = rng.integers(0, 2, 1000), rng.uniform(0.01, 0.99, 1000)
both = np.stack([1 - p, p], axis=-1)  # probability of ground, of shape
binary = losses.binary_cross_entropy(truth, p)
print("two classes, binary and categorical the same:", np.allclose(binary, classes.cross_entropy(truth, both)))
probability = classes.softmax(rng.normal(0, 2, (1000, 4)))
sparse = rng.integers(0, 4, 1000)
by_sum = -(classes.one_hot(sparse, 4) * np.log(probability)).sum(axis=-1)
print("four classes, one-hot and sparse the same:", np.allclose(by_sum, classes.cross_entropy(sparse, probability)))

# %% [markdown]
# Keras has a name for each format of the label, `categorical_crossentropy` for one-hot and `sparse_categorical_crossentropy` for class
# numbers. The value is the same; sparse labels need a quarter of the memory here.
#
# **Predict:** an untrained network gives each of four classes about .25. What is its loss? With two classes it was .69.

# %%
print(f"two classes {np.log(2):.2f}, four {np.log(4):.2f}, twenty {np.log(20):.2f}")
share = np.bincount(train.classes.ravel()) / train.classes.size
print("share of pixels:", dict(zip(names, share.round(2).tolist())))
print(f"loss of a network that only knows these shares: {-(share * np.log(share)).sum():.2f}")


# %% [markdown]
# The logarithm of the number of classes is where a training starts. A loss near the last number has learned how frequent the classes
# are, and nothing of the picture.

# %% [markdown]
# ### Exercise: write the loss
#
# Given labels `(height, width)` of class numbers and probabilities `(height, width, classes)`, return the mean categorical
# cross-entropy as one number. The check works it out for 30 pixels and compares.

# %%
def my_loss(labels, probability):
    """Mean categorical cross-entropy."""
    return None


checks.categorical(my_loss)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_loss(labels, probability):
    chosen = np.take_along_axis(probability, labels[..., None], axis=-1)
    return -np.mean(np.log(chosen))


checks.categorical(solved_loss)

# %% [markdown]
# ## One class a pixel, or several?
#
# Now let shapes overlap. A class map has room for one number a pixel: the shape on top. What lies below is lost. A stack of masks, one
# for each kind, keeps both.

# %%
crossing = classes.plan(300, split="test", overlaps=True)
crossed = shapes.paint(crossing)
stack = classes.label_stack(crossing, 4)
twice = stack.sum(axis=-1) > 1
print(f"{twice.any(axis=(1, 2)).sum()} of 300 pictures have pixels with two labels, {twice.sum()} pixels in all")
seen = int(np.argmax(twice.sum(axis=(1, 2))))
alt = "Two shapes that overlap, their class map in which one hides part of the other, and a whole mask for each kind."
plots.label_channels(crossed.images[seen], crossed.classes[seen], stack[seen], names, alt=alt)

# %% [markdown]
# In the class map the shape on top cuts a piece out of the other; in the channels on the right both are whole. Which of them is the
# truth depends on the question: *what do I see here* has one answer a pixel (**multi-class**), *which things are here* may have several
# or none (**multi-label**).
#
# What if you ask a softmax the second question? Take one pixel with the labels disc and square, and let gradient descent fit four
# logits to it: once through a softmax with categorical cross-entropy, once through four sigmoids with binary cross-entropy.
#
# **Predict:** which probabilities will each of them reach?

# %%
target = np.array([0, 1, 1, 0])
paths = {}
for head in ("softmax", "sigmoids"):
    z, path = np.zeros(4), []
    for step in range(150):
        p = classes.softmax(z) if head == "softmax" else 1 / (1 + np.exp(-z))
        path.append(p)
        z = z - 0.5 * (target.sum() * p - target if head == "softmax" else p - target)
    paths[head] = np.array(path)
    print(f"{head:9s}", dict(zip(names, paths[head][-1].round(2).tolist())))

# %%
plots.two_heads(paths["softmax"], paths["sigmoids"], names)

# %% [markdown]
# The softmax has a total of 1 to give. Two labels share it and stop at .5 each, and no threshold says whether .5 means "both" or "one of
# the two, and I do not know which". Sigmoids do not know of each other: both rise towards 1. So three things go together:
#
# | question | head | labels | loss |
# |---|---|---|---|
# | which one? | K + 1 channels with the ground, softmax | class map `(N, H, W, 1)` | `sparse_categorical_crossentropy` |
# | which ones? | K channels without the ground, sigmoid | stack `(N, H, W, K)` of 0 and 1 | `binary_crossentropy` |
#
# The ground needs a channel on the first line, because a softmax has to give its 1 to somebody. On the second line it is where all say no.

# %% [markdown]
# ### Question: two shapes on one pixel
#
# Chest images, three findings that can lie over each other: the masks of a picture are a stack `(H, W, 3)`. Which head and loss?
#
# <details><summary>A. Four channels with softmax, categorical cross-entropy.</summary>
#
# ✗ A softmax gives a total of 1. Where two findings overlap, neither gets more than the other leaves.
#
# </details>
# <details><summary>B. Three channels with sigmoid, binary cross-entropy.</summary>
#
# ✓ Right. Three questions with yes or no for each pixel, each answered alone. Healthy tissue is where all three say no.
#
# </details>
# <details><summary>C. Three channels with softmax, binary cross-entropy.</summary>
#
# ✗ The softmax still shares a total of 1, and without a channel for healthy tissue something is found in every pixel.
#
# </details>
# <details><summary>D. Eight channels with softmax, one for every combination.</summary>
#
# ✗ That can work, but a rare combination has few examples, and the number of channels doubles with each finding.
#
# </details>

# %% [markdown]
# ## Start from what is known
#
# A network that has learned silhouettes knows edges and insides. It is a better start than random weights: build the same network with
# four channels in its head, and copy every layer that fits. This is called **transfer**.

# %%
recipe = dataclasses.replace(training.DEEP, network={**training.DEEP.network, "classes": 4}, epochs=4)
silhouettes = weights.load_shipped()
keras.utils.set_random_seed(0)
model = unet.build_unet(**recipe.network)
print("layers that start anew:", classes.copy_layers(silhouettes, model))

# %% [markdown]
# How much is a class score worth if a network finds the shapes and guesses their kind? Let the silhouette network find them, and a die
# name each picture's shapes.

# %%
found = metrics.to_mask(training.predict(silhouettes, validation.images))[..., 0]
die = np.random.default_rng(0).integers(1, 4, (len(found), 1, 1))
guess = (found * die).astype(np.uint8)
chance = classes.mean_iou(validation.classes, guess, 4)
print(f"IoU, shape against ground      {metrics.iou(validation.masks[..., 0], found):.2f}")
print(f"mean IoU of the three kinds    {chance:.2f}")

# %% [markdown]
# Nearly all shapes are found, and the mean IoU over the kinds is that of a die. Train now: the loss and the labels change, the rest is
# the recipe of [04 training](04_training.ipynb) with four epochs.
#
# **Predict:** after how many of the four epochs will the score pass .5?

# %% tags=["nbval-ignore-output"]
data = pipeline.dataset(train.images, train.classes[..., None], classes=4, shuffle=True, augment=True)
training.compile_model(model, recipe.steps, peak=recipe.peak, loss="sparse_categorical_crossentropy")
held_out = validation.images, validation.classes[..., None]
history = training.train(model, data, held_out, recipe.epochs, score=classes.shape_score)

# %%
plots.class_curves(history, chance)

# %% [markdown]
# The score printed is the mean IoU of disc, square and triangle. In the first epoch the network has to learn the new question, and a high
# learning rate shakes the layers that were copied. Then the score climbs far above the dotted line.
#
# To judge it, take the network that comes with the series, trained by the cell above on another day, and 500 test pictures.

# %%
shipped = weights.load_shipped("unet_classes")
test = classes.draw(500, split="test", seed=training.TEST_SEED)
probability = training.predict(shipped, test.images)
predicted = classes.class_of(probability)
for name, iou, dice in zip(
    names, classes.class_iou(test.classes, predicted, 4), classes.class_dice(test.classes, predicted, 4)
):
    print(f"{name:9s} IoU {iou:.2f}  Dice {dice:.2f}")
print("mean IoU of the kinds above .85:", classes.mean_iou(test.classes, predicted, 4) > 0.85)

# %%
each = [classes.mean_iou(t[None], q[None], 4) for t, q in zip(test.classes, predicted)]
order = np.argsort(np.round(each, 4), kind="stable")
shown = order[[0, 3, 10, 250, 300, 400]]
rows = [test.images[shown], test.classes[shown], predicted[shown]]
alt = "Test pictures from poor to good, with true and predicted class maps: a disc that is missed, a few pixels of a wrong kind."
titles = [f"{each[k]:.2f}" for k in shown]
plots.class_maps(rows, ["image", "truth", "predicted"], names, titles=titles, alt=alt)

# %% [markdown]
# Three of the poorest pictures and three from the better half; above each its mean IoU over the kinds. In the first picture the disc is
# missed as a whole. In the second, both discs are found and named, and yet the score is low: the few pixels beside them that are called
# square add a class that is not there, with an IoU of 0. So a low number does not always mean a bad mask; we come back to that.

# %% [markdown]
# ## Who is taken for whom?
#
# A **confusion matrix** counts pairs: a row for the true class, a column for the predicted one. What lies on the diagonal is right.

# %% [markdown]
# ### Exercise: count the confusions
#
# Given two class maps `(N, H, W)` and the number of classes, return the table of counts `(count, count)`, row = truth, column = prediction.
# The check uses a class that does not occur.

# %%
def my_confusion(truth, predicted, count):
    """Counts: row = true class, column = predicted class."""
    return None


checks.confusion_table(my_confusion)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_confusion(truth, predicted, count):
    table = np.zeros((count, count), int)
    np.add.at(table, (truth, predicted), 1)
    return table


checks.confusion_table(solved_confusion)

# %% [markdown]
# Look at it as a picture, each row divided by its sum, so that the diagonal holds the recall of each class. Before: the silhouette network
# with its die. After: the trained network on test pictures, and on the pictures with overlaps from above, which it was not trained for.
#
# **Predict:** which kind will be taken for which, where one shape hides a part of another?

# %%
before = classes.confusion(validation.classes, guess, 4)
after = classes.confusion(test.classes, predicted, 4)
hard = training.predict(shipped, crossed.images)
overlapping = classes.confusion(crossed.classes, classes.class_of(hard), 4)
alt = (
    "Three confusion matrices. Guessed: the rows of the kinds are spread over their three columns. Trained: almost "
    "everything lies on the diagonal. With overlaps: some triangles are taken for squares, some discs too."
)
plots.confusion({"guessed": before, "trained": after, "with overlaps": overlapping}, names, alt=alt)

# %% [markdown]
# Left: a die spreads each kind over all three columns, while the first column, shapes taken for ground, is nearly empty. Middle: the kinds
# are hardly ever taken for each other; what is left are edges, in the first column. Right: where a shape hides a part of another, kinds are
# confused, most of all triangles with squares. A piece of a triangle has corners and straight sides, and so has a square: to name a
# shape, one has to see it whole.

# %% [markdown]
# ### Question: one kind is never named
#
# A network for five kinds has a foreground IoU of .97. In its confusion matrix, the row of the triangle has .98 in the column of the cross,
# and the column of the triangle is empty. What do you do first?
#
# <details><summary>A. Give the triangles of the training pictures a class weight of 10.</summary>
#
# ✗ A weight helps a class that is rare. Here a triangle is as frequent as a cross; the network cannot tell them apart yet.
#
# </details>
# <details><summary>B. Train longer, and watch the rows of both kinds.</summary>
#
# ✓ Right. Two kinds share one answer. They come apart when a feature is found that separates them, and that can come late and at once.
#
# </details>
# <details><summary>C. Lower the threshold for triangles.</summary>
#
# ✗ A class map is made by the largest probability. A triangle named more often would take over the crosses too.
#
# </details>
# <details><summary>D. Add skip connections, because the masks are bad.</summary>
#
# ✗ A foreground IoU of .97 says that the masks are good. What fails is the name, for which a whole shape has to be seen.
#
# </details>

# %% [markdown]
# ## The largest, or above a threshold?
#
# With one sigmoid there was a threshold. With a softmax the class is the **argmax**, the largest of the probabilities, however small it is.
# One may also ask for more: only what is above .9, say; what no class claims belongs to nobody. The shapes that overlap are harder than
# anything this network was trained on. Take the picture in which it is least sure.

# %%
doubt = (hard.max(axis=-1) < 0.7).sum(axis=(1, 2))
least = int(np.argmax(doubt))
picture = crossed.images[least], crossed.classes[least], hard[least]
cuts = [0.5, 0.6, 0.7, 0.8, 0.9, 0.99]
explore.move(plots.claimed, *picture, names, threshold=cuts, still=[{"threshold": 0.5}, {"threshold": 0.9}])

# %% [markdown]
# With a running kernel, move the slider. Two discs lie over each other, and together they look like neither a disc nor a square: the network
# calls the middle a square. At .5 a few pixels belong to nobody, those where two kinds and the ground share the total, so that none reaches
# a half. At .9 most of the doubtful shape is white, while some of the wrong square is still claimed.
#
# **Predict:** of the shape pixels whose largest probability is below .6, how many are named rightly?

# %%
largest, right = hard.max(axis=-1), classes.class_of(hard) == crossed.classes
shape_pixels = crossed.classes > 0
for low, high in ((0, 0.6), (0.6, 0.8), (0.8, 1.01)):
    inside = shape_pixels & (largest > low) & (largest <= high)
    share = inside.sum() / shape_pixels.sum()
    print(f"{low:.1f} to {min(high, 1):.1f}: {share:4.0%} of the shape pixels, {right[inside].mean():.0%} of them right")

# %% [markdown]
# Half of the unsure pixels are right, and more than nine in ten of the sure ones. So the largest probability says how far to trust a
# name, on pictures not too far from the training set. Take the argmax where every pixel needs a class, and a threshold where a person can
# look at what is left. With two classes both are the same: the larger of $p$ and $1 - p$ is the one above .5.

# %% [markdown]
# ## Which IoU do people mean?
#
# Paper A says .95, paper B .92, on the same data. Before you compare them: the IoU of several classes can be put together in many ways.
#
# **Predict:** on the same predictions, how far apart can the highest and the lowest of them be: .01, .1 or more?

# %% [markdown]
# ### Exercise: IoU from the table
#
# Given a confusion matrix, return the IoU of each class: the pixels in both, divided by the pixels in either. For a class that
# is in neither map, return NaN (`np.nan`).

# %%
def my_class_iou(table):
    """IoU of each class, NaN for a class that does not occur."""
    return None


checks.iou_from_table(my_class_iou)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_class_iou(table):
    both = np.diag(table)
    union = table.sum(axis=0) + table.sum(axis=1) - both
    return np.where(union > 0, both / np.maximum(union, 1), np.nan)


checks.iou_from_table(solved_class_iou)


# %% [markdown]
# Here are eight numbers that all have been called "the IoU", for the same predictions: the 300 pictures with overlaps.

# %%
def many_ious(truth, probability):
    """Eight scores of the same predictions."""
    predicted = classes.class_of(probability)
    each = classes.class_iou(truth, predicted, 4, per_image=True)[:, 1:]
    sure = np.where(probability.max(axis=-1) > 0.9, predicted, 0)
    return {
        "shape or ground, kinds ignored": metrics.iou(truth > 0, predicted > 0),
        "mean with ground, pooled": classes.mean_iou(truth, predicted, 4, ground=True),
        "mean of kinds, pooled": classes.mean_iou(truth, predicted, 4),
        "the same, soft": classes.soft_iou(truth, probability)[1:].mean(),
        "the same, cut at .9": classes.mean_iou(truth, sure, 4),
        "kinds, per image": classes.mean_iou(truth, predicted, 4, per_image=True),
        "per image, absent kind = 1": np.nan_to_num(each, nan=1).mean(),
        "per image, absent kind = 0": np.nan_to_num(each, nan=0).mean(),
    }


found = many_ious(crossed.classes, hard)
for name, value in found.items():
    print(f"{name:32s}{value:.2f}")
plots.which_iou(found)

# %% [markdown]
# From .44 to .95, with not a pixel changed. Read down the list:
#
# - *Kinds ignored*: shapes are found nearly as well as ever; what fails on these pictures are the names.
# - *Ground or not*: the ground is large and easy, so a mean with it is higher.
# - *Pooled or per image*: pooled, a large shape counts more than a small one; per image, every picture counts the same.
# - *Soft or cut*: a **soft IoU** puts probabilities in place of 0 and 1, so doubt costs something even where the class is right.
# - *A kind that is not in the picture*: some programs call it 1, some 0. NaN, left out of the mean, is the one that says nothing.

# %% [markdown]
# On test pictures like the training ones the same eight numbers:

# %%
same = many_ious(test.classes, probability)
counted = {name: value for name, value in same.items() if "absent" not in name}
print(f"with overlaps: {min(found.values()):.2f} to {max(found.values()):.2f}")
print(f"as trained:    {min(same.values()):.2f} to {max(same.values()):.2f}")
print(f"as trained, absent kinds left out: {min(counted.values()):.2f} to {max(counted.values()):.2f}")
print("lowest of those:", sorted(counted, key=counted.get)[:2])

# %% [markdown]
# The range is not smaller on easier pictures: 0 for absent kinds costs even a good network more than half. Without those two it is .84 to .96,
# and the lowest are the soft and the strict one: this network is right more often than it is sure, after four epochs. So write down all
# of it: *mean IoU over the three kinds without the ground, argmax, all test pixels pooled*. That is the score of this notebook.

# %% [markdown]
# ### Question: whose number is it
#
# A program reports a mean IoU of .93 per image for 20 classes. A picture holds two of them on average. What do you ask?
#
# <details><summary>A. What it does with the 18 classes that are not in the picture.</summary>
#
# ✓ Right. If each of them counts as 1, a program that finds nothing at all scores about .9 on such pictures.
#
# </details>
# <details><summary>B. Whether it took Dice, which is always higher than IoU.</summary>
#
# ✗ A fair question, but Dice and IoU can be turned into each other for one class; 18 classes that are absent weigh more.
#
# </details>
# <details><summary>C. At which threshold the classes were cut.</summary>
#
# ✗ One class a pixel is decided by the largest probability. There may be no threshold at all.
#
# </details>

# %% [markdown]
# ## When a kind is rare
#
# Make triangles rare: in nine of ten pictures each becomes a disc or a square. The loss is a mean over pixels, so a rare class has little
# to say. **Class weights** make it louder: each pixel's loss is multiplied with the weight of its true class.

# %% [markdown]
# ### Exercise: weigh the classes
#
# Given labels of any shape and the number of classes, return one weight a class. All classes that occur shall have the same total
# (weight times pixels), and the mean weight of a pixel shall be 1. A class that does not occur gets 0.

# %%
def my_weights(labels, count):
    """One weight a class."""
    return None


checks.weights_of_classes(my_weights)


# %% tags=["solution", "hide-input"]
# @title Solution
def solved_weights(labels, count):
    pixels = np.bincount(labels.ravel(), minlength=count)
    weight = labels.size / (np.count_nonzero(pixels) * np.maximum(pixels, 1))
    return np.where(pixels > 0, weight, 0)


checks.weights_of_classes(solved_weights)
print("weights of our training set:", dict(zip(names, solved_weights(train.classes, 4).round(1).tolist())))

# %% [markdown]
# What do they do? Six runs were made for this notebook by `make experiments` (three epochs, three seeds each, 1000 test pictures in which
# triangles are as rare).
#
# **Predict:** with weights, will the recall of triangles rise or fall, and their precision?

# %%
rare = experiments.read("class_weights")
for score in ("recall triangle", "precision triangle", "IoU triangle", "mean IoU"):
    values = rare.of(score)
    line = "   ".join(f"{name} {np.round(seeds, 2).tolist()}" for name, seeds in values.items())
    print(f"{score:19s}{line}   apart: {experiments.apart(*values.values())}")
plots.weight_effect(rare, "triangle", ["no weights", "weights"])

# %% [markdown]
# Without weights no triangle was named, with any seed: they are called discs or squares, and the precision of a class that is never named counts
# as 1 here. With weights nearly all are found, and most of what is called triangle is something else: of ten such pixels one to four are
# right. Discs and squares lose, and the mean IoU of the two sets of runs is not apart. So a weight moves the balance between two mistakes;
# it does not add what the network has not learned in three epochs. Weigh where a missed object costs more than a false alarm.

# %% [markdown]
# ## Why not five kinds, with outlines and overlaps?
#
# Because it does not work in a minute. Six tasks, each with the same recipe, three seeds: left the mean IoU of the kinds, right the IoU of
# shape against ground.

# %%
tasks = experiments.read("classes")
plots.spread(tasks, ("mean IoU", "foreground IoU"))

# %%
base = tasks.of("mean IoU")["notebook 07"]
for name, values in tasks.of("mean IoU").items():
    ground = tasks.of("foreground IoU")[name]
    ranges = [f"{v.min():.2f} to {v.max():.2f}" for v in (values, ground)]
    print(f"{name:18s}mean IoU {ranges[0]}   shape or ground {ranges[1]}")

# %% [markdown]
# READ_TASKS

# %% [markdown]
# ## A kind it has never seen
#
# Stars were in no training picture.
#
# **Predict:** what will the network call a star, and how sure will it be?

# %%
stars = classes.draw(200, split="test", kinds=("star",))
output = training.predict(shipped, stars.images)
named = classes.class_of(output)
star = stars.classes > 0
counts = np.bincount(named[star], minlength=4)[None]
for name, value in zip(names, counts[0] / counts.sum()):
    print(f"{name:9s}{value:.0%} of the star pixels")
print(f"with more than .9: {(output.max(axis=-1)[star] > 0.9).mean():.0%}")
shown = [0, 1, 2, 3, 4, 5]
alt = "Six pictures of stars and the class maps predicted for them: every star gets the name of another kind."
plots.class_maps([stars.images[shown], named[shown]], ["image", "predicted"], names, alt=alt)

# %% [markdown]
# Nearly every star is called a triangle, and more than half of its pixels with more than .9. A softmax has no way to say *none of these*: its 1 has
# to go to one of the classes that it knows. If other kinds can occur, give them a class of their own, with examples, or use sigmoids, which
# can all say no, and test what they do.

# %% [markdown]
# ## Both shapes, whole
#
# Back to the overlaps: train the second line of the table, three sigmoids and a stack of masks, and see whether both shapes come out whole. It begins
# as the trained network, with a new head. The stack has three channels, so the batches are made by `tf.data` directly, without turning.

# %% tags=["nbval-ignore-output"]
plan = classes.plan(1000, overlaps=True)
images = classes.draw(1000, overlaps=True).images
labels = np.concatenate([classes.label_stack(plan[k : k + 100], 4) for k in range(0, 1000, 100)]).astype("float32")
batches = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(1000, seed=0).batch(8)
keras.utils.set_random_seed(0)
several = unet.build_unet(**{**recipe.network, "classes": 3, "activation": "sigmoid"})
classes.copy_layers(shipped, several)
training.compile_model(several, 3 * 125, peak=5e-3)
run = training.train(several, batches, (crossed.images[:100], stack[:100]), 3)

# %% tags=["nbval-ignore-output"]
output = training.predict(several, crossed.images)
below = stack.astype(bool) & twice[..., None] & (classes.one_hot(crossed.classes, 4)[..., 1:] == 0)
one, many = (classes.one_hot(classes.class_of(hard), 4)[..., 1:] > 0), output > 0.5
for name, answer in (("softmax, one class a pixel", one), ("sigmoids, several", many)):
    iou = metrics.iou(stack, answer)
    print(f"{name:28s}covered pixels found {answer[below].mean():.0%}   IoU of all masks {iou:.2f}")

# %%
alt = "The overlapping shapes again: image, class map, and the probability of each kind from three sigmoids."
plots.label_channels(crossed.images[seen], crossed.classes[seen], output[seen], names, alt=alt)

# %% [markdown]
# READ_SEVERAL

# %% [markdown]
# ## Recap
#
# - The softmax shares a total of 1 by exponentials of the logits, and the loss is minus the logarithm of the true class's share. Class numbers are
#   names: not divided, and the ground is one of them.
# - One class a pixel: softmax, class map, categorical cross-entropy. Several: sigmoids, a stack of masks, binary cross-entropy.
# - A confusion matrix says who is taken for whom; a network can find shapes well and still not know their names.
# - There is one IoU a class and many ways to make one number of them. Say which, and say what happens to absent classes.
# - Class weights make a rare class louder. Recall and precision together say whether that paid.

# %% [markdown]
# ## What's next
#
# Touching shapes of one kind are still one blob. [The paper of 2015](https://arxiv.org/abs/1505.04597) had an answer, a map of weights for the pixels
# between them: notebook 08.

# %% [markdown]
# ## Further reading
#
# - [Long, Shelhamer, Darrell, Fully convolutional networks for semantic segmentation (2015)](https://arxiv.org/abs/1411.4038): one softmax
#   a pixel, and four scores side by side.
# - [Maier-Hein and others, Metrics reloaded (2024)](https://arxiv.org/abs/2206.01653): which score for which question.
# - [Bridle, Probabilistic interpretation of feedforward classification network outputs (1990)](https://doi.org/10.1007/978-3-642-76153-9_28): where
#   the name softmax comes from.
# - [Guo et al., On calibration of modern neural networks (2017)](https://arxiv.org/abs/1706.04599): what the largest probability is worth.
