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
# **Time**: about 25 minutes to read, 40 for exercises and questions, two to three to run on two
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

root = next((p for p in [Path('.'), *Path.cwd().parents] if (p / "utils" / "project.py").exists()), None)
assert root, "Open this notebook inside the project's folder: utils/ was not found beside or above it."
sys.path.insert(0, str(root))

from utils import project

project.start()

# %%
import dataclasses

import keras
import numpy as np
import tensorflow as tf

from utils import checks, classes, experiments, explore, losses, metrics, pipeline, plots, shapes, training, unet, weights

# %% [markdown]
# ## Labels for four classes
#
# The pictures of this notebook show one or two shapes of three kinds, all filled, at any rotation. Shapes that would meet are left
# out for now. The **class map** says for each pixel which class it is: 0 ground, 1 disc, 2 square, 3 triangle.

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
print("loss:", three.train_on_batch(train.images[:8], train.classes[:8, ..., None]))
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

# %%
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
    for step in range(60):
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
recipe = dataclasses.replace(training.DEEP, network={**training.DEEP.network, "classes": 4}, epochs=5)
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
print(f"IoU shape against ground {metrics.iou(validation.masks[..., 0], found):.2f}, mean IoU of the three kinds {chance:.2f}")

# %% [markdown]
# Nearly all shapes are found, and the mean IoU over the kinds is that of a die. Train now: the loss and the labels change, the rest is
# the recipe of [04 training](04_training.ipynb) with five epochs.
#
# **Predict:** after how many of the five epochs will the score pass .5?

