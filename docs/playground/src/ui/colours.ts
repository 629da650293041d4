/** The colours of utils/plots/base.py, and how arrays become pixels. */

const YELLOW = "#F0E442";
/** Level 1, 2, ... from the top of the U downward. */
export const LEVELS = ["#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00"];

/** Shape taken for background, background taken for shape, shape that was found, background that was found. */
const ERRORS: Record<string, [number, number, number]> = {
  falseNegative: [213, 94, 0], falsePositive: [86, 180, 233], truePositive: [217, 217, 217], trueNegative: [40, 44, 52],
};

/** Viridis at nine places; values between are mixed. */
const VIRIDIS = [[68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99], [170, 220, 50], [253, 231, 37]];

const TABLE = Uint8ClampedArray.from({ length: 768 }, (_, k) => {
  const place = (Math.floor(k / 3) / 255) * 8;
  const low = Math.min(7, Math.floor(place));
  return VIRIDIS[low][k % 3] + (place - low) * (VIRIDIS[low + 1][k % 3] - VIRIDIS[low][k % 3]);
});

type Pixel = (i: number, out: Uint8ClampedArray, at: number) => void;

function paint(width: number, height: number, pixel: Pixel): ImageData {
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    image.data[4 * i + 3] = 255;
    pixel(i, image.data, 4 * i);
  }
  return image;
}

function set(out: Uint8ClampedArray, at: number, [r, g, b]: readonly number[]): void {
  out[at] = r;
  out[at + 1] = g;
  out[at + 2] = b;
}

export function colourImage(image: Float32Array, side: number): ImageData {
  return paint(side, side, (i, out, at) => set(out, at, [255 * image[3 * i], 255 * image[3 * i + 1], 255 * image[3 * i + 2]]));
}

/** Values from `low` to `high` in viridis; `stride` and `offset` pick a channel. */
export function heat(values: ArrayLike<number>, side: number, low = 0, high = 1, stride = 1, offset = 0): ImageData {
  return paint(side, side, (i, out, at) => {
    const share = (values[i * stride + offset] - low) / (high - low || 1);
    const place = 3 * Math.round(255 * Math.min(1, Math.max(0, share)));
    set(out, at, [TABLE[place], TABLE[place + 1], TABLE[place + 2]]);
  });
}

export function errors(truth: ArrayLike<number>, probability: ArrayLike<number>, threshold: number, side: number): ImageData {
  return paint(side, side, (i, out, at) => {
    const predicted = probability[i] > threshold;
    set(out, at, ERRORS[truth[i] ? (predicted ? "truePositive" : "falseNegative") : predicted ? "falsePositive" : "trueNegative"]);
  });
}

export function maskImage(mask: ArrayLike<number>, side: number): ImageData {
  return paint(side, side, (i, out, at) => set(out, at, mask[i] ? ERRORS.truePositive : ERRORS.trueNegative));
}

const scratch = document.createElement("canvas");

/** Draw pixels into a part of a canvas, enlarged with sharp edges. */
export function show(context: CanvasRenderingContext2D, image: ImageData, x: number, y: number, width: number, height = width): void {
  scratch.width = image.width;
  scratch.height = image.height;
  scratch.getContext("2d")!.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(scratch, x, y, width, height);
}

/** A frame that shows on any picture: yellow on black. */
export function frame(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, thickness = 2): void {
  for (const [colour, line] of [["#000", 2 * thickness], [YELLOW, thickness]] as const) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.strokeRect(x, y, width, height);
  }
}
