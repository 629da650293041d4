/** How good is a mask? */

export interface Scores {
  iou: number;
  dice: number;
  accuracy: number;
  falsePositives: number;
  falseNegatives: number;
}

/** Scores of probabilities cut at a threshold; IoU and Dice are 1 if both masks are empty. */
export function scores(truth: ArrayLike<number>, probability: ArrayLike<number>, threshold: number): Scores {
  let [both, falsePositives, falseNegatives] = [0, 0, 0];
  for (let i = 0; i < truth.length; i++) {
    const predicted = probability[i] > threshold;
    if (truth[i]) predicted ? both++ : falseNegatives++;
    else if (predicted) falsePositives++;
  }
  const wrong = falsePositives + falseNegatives;
  return {
    iou: both + wrong ? both / (both + wrong) : 1,
    dice: both + wrong ? (2 * both) / (2 * both + wrong) : 1,
    accuracy: 1 - wrong / truth.length,
    falsePositives, falseNegatives,
  };
}
