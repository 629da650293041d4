/** A drawing and how it is written into the address. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { LARGEST, Picture, read, SMALLEST, TOOLS, written, type Stroke } from "../src/ui/picture.js";

const STROKES: Stroke[] = TOOLS.map((tool, i) => ({ tool, colour: i, radius: SMALLEST + 3 * i, places: tool === "brush" ? [[0, 63], [20, 40], [21, 40]] : [[8 * i, 60 - 8 * i]] }));

test("strokes survive the address", () => {
  assert.deepEqual(read(written(STROKES)), STROKES);
  assert.ok(/^[\w.-]+$/.test(written(STROKES)) && written(STROKES).length < 60, written(STROKES));
  assert.deepEqual(read(written([{ tool: "erase", colour: 7, radius: LARGEST, places: [[63, 0]] }])).length, 1);
});

test("an address with nonsense draws nothing", () => {
  for (const text of ["", ".", "A", "AAA", "AAOA", "AAOAAA", "zAOAA", "AzOAA", "AAAAA", "AA9AA", "AAO!A", "äöüß", "A".repeat(3)]) {
    assert.deepEqual(read(text), [], text);
  }
});

test("what is drawn again is the same to the byte, also after an undo", () => {
  const [one, other] = [new Picture(), new Picture()];
  one.open(39, true);
  one.begin("noise", 0, 20, [30, 30]); // its grains come first: an undo must give them back
  assert.ok(one.undo());
  one.replay(STROKES);
  other.open(39, true);
  other.replay(read(written(one.strokes)));
  assert.deepEqual(other.image, one.image);
  assert.deepEqual(other.mask, one.mask);
  assert.ok(one.mask.includes(1));
  const whole = one.mask.slice();
  assert.ok(one.undo());
  assert.equal(one.strokes.length, STROKES.length - 1);
  assert.notDeepEqual(one.mask, whole);
});

test("another image begins without strokes, and with nothing to undo", () => {
  const picture = new Picture();
  picture.open(38);
  picture.replay(STROKES);
  picture.open(39);
  assert.equal(written(picture.strokes), "");
  assert.equal(picture.undo(), false);
});
