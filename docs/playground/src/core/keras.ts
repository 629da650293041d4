/** The same network and recipe in Python, with the modules of the series. */

import { everyLevel, TRAINING_IMAGES, VALIDATION_IMAGES, type Lane, type Setup } from "./setup.js";
import { countParameters } from "./unet.js";

/** owner/name of the public repository; the build writes it. */
declare const REPOSITORY: string;

const LOSSES = { bce: '"binary_crossentropy"', dice: "losses.soft_dice_loss", "bce+dice": "losses.bce_dice_loss" };

/** A script that runs in the root of the repository: it builds the network, says its parameters, and trains it. */
export function kerasCode(lane: Lane, setup: Setup): string {
  const skips = lane.skips.length === lane.depth ? "" : `, skips=[${lane.skips.join(", ")}]`;
  const epochs = Math.max(1, Math.round(setup.steps / 50));
  const modules = `${lane.loss === "bce" ? "" : "losses, "}pipeline, shapes, training, unet`;
  return `# Understanding U-Net: a set-up of the Playground. Run it in the root of the repository,
# https://github.com/${REPOSITORY}, with Python and the packages of requirements.txt.
import keras
import numpy as np

from utils import ${modules}


def draw(count, split):
    """Images with this share of outlines and this much noise; the Playground's own random numbers are others."""
    plan = shapes.plan(count, split=split, seed=${setup.seed})
    plan.outlined[:] = np.random.default_rng(${setup.seed}).random(plan.outlined.shape) < ${setup.outlined}
    plan.noise[:] = ${setup.noise}
    return shapes.paint(plan)


keras.utils.set_random_seed(${setup.seed})
network = unet.build_unet(depth=${lane.depth}, base=${lane.base}, norm="${lane.norm}"${skips})
assert network.count_params() == ${countParameters(lane)}  # as the Playground counts them

train, held_out = draw(${TRAINING_IMAGES}, "train"), draw(${VALIDATION_IMAGES}, "validation")
data = pipeline.dataset(train.images, train.masks, batch_size=${setup.batch}, shuffle=True, augment=True, seed=${setup.seed})
training.compile_model(network, ${setup.steps}, peak=${lane.rate}, loss=${LOSSES[lane.loss]})
network.fit(
    data.repeat(), steps_per_epoch=${Math.min(50, setup.steps)}, epochs=${epochs},
    validation_data=pipeline.dataset(held_out.images, held_out.masks, batch_size=${setup.batch}),
)
`;
}

/** A network in words: "3 levels down, 4 channels at the top, all skips". */
export function describe(lane: Lane): string {
  const levels = everyLevel(lane.depth);
  const removed = levels.filter((level) => !lane.skips.includes(level));
  const skips = !removed.length ? "all skips" : removed.length === lane.depth ? "no skips" : `no skip at level ${removed.join(", ")}`;
  const norm = { batch: "batch norm", group: "group norm", none: "no norm" }[lane.norm];
  return `${lane.depth} ${lane.depth === 1 ? "level" : "levels"}, width ${lane.base}, ${skips}, ${norm}`;
}
