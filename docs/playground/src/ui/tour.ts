/** The guided tour: eight steps, each an address of the page with a text and the notebook that goes further. */

import { el } from "./dom.js";
import { notebook } from "./places.js";

interface Step {
  title: string;
  text: string[];
  /** Where the step sets the page up; in the form of the address. */
  place: string;
  /** What the text speaks of, where that may be out of sight: words and a selector. */
  show?: [string, string];
  more: [string, string];
}

export const STEPS: Step[] = [
  {
    title: "What is asked",
    text: [
      "The image shows a shape of which only the outline is drawn. The network is asked for the whole silhouette, inside included: one probability for every pixel.",
      "Press \"Empty background\" and put down an outlined disc of your own. The probabilities follow while you draw.",
    ],
    place: "room=look&image=38", show: ["To the image and the tools", "#look .bench"], more: ["02 · The data", notebook("02_data")],
  },
  {
    title: "Why down: to see far",
    text: [
      "This pixel lies inside an outline, and around it there is nothing but background. To know that it is inside, the network must see the outline. The frame shows what the pixel can depend on: four poolings make it larger than the whole image.",
      "The yellow glow is measured: it shows which input pixels would change this output pixel most. Move the pixel with the arrow keys.",
    ],
    place: "room=look&image=38&pixel=16.42", more: ["01 · How far does one output pixel see?", notebook("01_architecture", "how-far-does-one-output-pixel-see")],
  },
  {
    title: "What 18 px cannot see",
    text: [
      "Network A has one pooling, as the network of the article that the series grew from: each output pixel sees 18 × 18 px. B has four poolings and is otherwise set up alike; with them come more parameters. All shapes are outlines.",
      "Press Train. Both get the same batches. After about a hundred training steps A colours the rims and stays lost inside; B begins to fill them.",
    ],
    place: "room=train&depth=1&base=4&norm=batch&rate=0.01&loss=bce&skips=1&depth2=4&base2=4&norm2=batch&rate2=0.01&loss2=bce&skips2=1234&outlined=1&noise=0.02&steps=200&batch=4&seed=0",
    show: ["To the button Train", "#train-go"], more: ["04 · What do 18 px miss?", notebook("04_training", "what-do-18-px-miss")],
  },
  {
    title: "Why up: to say where",
    text: [
      "At the bottom the network knows best what there is, on a grid of 4 × 4. A mask needs 64 × 64. Follow the maps up the right side: each level doubles their size, and the rims get sharper.",
      "Click a block on the way up, for example dec2, and compare it with the bottleneck.",
    ],
    place: "room=look&image=47", show: ["To the maps", "#network"], more: ["01 · Up again: repeat, or stamp", notebook("01_architecture", "up-again-repeat-or-stamp")],
  },
  {
    title: "Why skips: the place comes back",
    text: [
      "The skip connections of the two upper levels are set to zero here. The network still finds the shape, but not its rim: positions that pooling threw away do not come back.",
      "Set the skips back to \"kept\" one by one. Then try \"set to its mean\": the decoder gets values that it is used to, without the image in them.",
    ],
    place: "room=look&image=47&skips=1z.2z", show: ["To the skips", "#network"], more: ["05 · What does each skip carry?", notebook("05_visualizing", "what-does-each-skip-carry")],
  },
  {
    title: "Accuracy against IoU",
    text: [
      "The first skip is set to zero and the threshold is .99, so hardly any pixel counts as foreground. Accuracy still looks respectable, because nine of ten pixels are background; IoU does not.",
      "Move the threshold and watch both numbers. Which one would you show to a user?",
    ],
    place: "room=look&image=53&skips=1z&threshold=0.99", show: ["To threshold and scores", "#threshold"], more: ["04 · Accuracy, IoU, Dice", notebook("04_training", "accuracy-iou-dice-the-same-masks-three-numbers")],
  },
  {
    title: "A rate too high",
    text: [
      "Two equal networks, the same batches. In training the learning rate rises to a peak and falls again: the peak of A is .01, that of B is 1. Press Train and compare the curves: the first large steps throw B far off, and it does not catch up.",
      "Then set B's normalisation to none: without it the same rate leaves a network that gives every pixel the same answer. Which rates still work?",
    ],
    place: "room=train&depth=2&base=4&norm=batch&rate=0.01&loss=bce&skips=12&depth2=2&base2=4&norm2=batch&rate2=1&loss2=bce&skips2=12&outlined=0.5&noise=0.02&steps=100&batch=4&seed=0",
    show: ["To the button Train", "#train-go"], more: ["04 · Too small, right, too large", notebook("04_training", "too-small-right-too-large")],
  },
  {
    title: "What it has never seen",
    text: [
      "An empty background, and all tools are yours. Draw a thin line with the brush, a shape full of noise, a disc inside a square, an outline that is not closed.",
      "The network knows discs, squares, triangles, rings and crosses with outlines of one thickness. Where does it fail, and is it unsure when it does?",
    ],
    place: "room=look&empty=7", show: ["To the image and the tools", "#look .bench"], more: ["05 · Outside what it has seen", notebook("05_visualizing", "outside-what-it-has-seen")],
  },
];

/** The text of a step, and a bar that stays in sight while the reader scrolls. */
export function panel(number: number, go: (step: number | null) => void): HTMLElement[] {
  const step = STEPS[number - 1];
  const last = number === STEPS.length;
  const button = (words: string, to: number | null, id: string, off = false, kind = ""): HTMLElement => el("button", { type: "button", id, class: kind, disabled: off, onclick: () => go(to) }, words);
  const bring = (selector: string): void => ([...document.querySelectorAll(selector)].find((one) => one.getClientRects().length))?.scrollIntoView({ block: "start" });
  const card = el("div", { class: "tour-card" },
    el("p", { class: "soft" }, `Step ${number} of ${STEPS.length}`),
    el("h2", { id: "tour-title", tabindex: -1 }, step.title), ...step.text.map((text) => el("p", {}, text)),
    el("p", {}, "Further: ", el("a", { href: step.more[1] }, step.more[0])),
    step.show ? el("button", { type: "button", id: "tour-show", onclick: () => bring(step.show![1]) }, `${step.show[0]} ↓`) : null);
  return [card, el("div", { class: "tour-bar", role: "group", "aria-label": "Steps of the tour" },
    button("Back", number - 1, "tour-back", number === 1),
    button(last ? "End" : "Next", last ? null : number + 1, "tour-next", false, "primary"),
    el("button", { type: "button", class: "plain", id: "tour-text", onclick: () => scrollTo({ top: 0 }) }, `${number} of ${STEPS.length}`, el("span", {}, `: ${step.title}`), " ↑"),
    !last && button("Leave", null, "tour-leave"))].filter((one): one is HTMLDivElement => one !== null);
}
