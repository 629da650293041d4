/** Seeded random numbers: the same keys give the same stream in every browser. */

/** A stream of numbers in 0..1, 1 excluded (sfc32, started from the keys). */
export type Random = () => number;

/** The stream that belongs to some whole numbers, for example (seed, split, index, purpose). */
export function stream(...keys: number[]): Random {
  let h = 0x9e3779b9;
  const next = (key: number): number => {
    h = Math.imul(h ^ (key >>> 0), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h = (h ^ (h >>> 16)) + 0x6d2b79f5;
    return h >>> 0;
  };
  for (const key of keys) next(key);
  let [a, b, c, d] = [next(1), next(2), next(3), 1];
  const random = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 15; i++) random();
  return random;
}

/** Normally distributed numbers, mean 0 and standard deviation 1 (Box and Muller). */
export function normals(random: Random, count: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const length = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    values[i] = length * Math.cos(angle);
    if (i + 1 < count) values[i + 1] = length * Math.sin(angle);
  }
  return values;
}

/** The whole numbers below `count` in random order. */
export function shuffled(random: Random, count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
