/** The tour leads to sections that exist, and to set-ups that the page offers. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { fromParameters, toParameters } from "../src/core/setup.js";
import { STEPS } from "../src/ui/tour.js";

test("each step of the tour leads to a section of a notebook", () => {
  assert.equal(STEPS.length, 8);
  for (const { title, more } of STEPS) {
    const [, name, section] = more[1].match(/^\.\.\/notebooks\/(\w+)\.html#?(.*)$/)!;
    const { cells } = JSON.parse(readFileSync(`../../notebooks/${name}.ipynb`, "utf8")) as { cells: { cell_type: string; source: string | string[] }[] };
    const lines = cells.filter((cell) => cell.cell_type === "markdown").flatMap((cell) => [cell.source].flat().join("").split("\n"));
    const slugs = lines.filter((line) => /^#+ /.test(line)).map((line) => line.replace(/^#+ /, "").toLowerCase().trim().replaceAll(" ", "-").replace(/[^\w-]/g, ""));
    if (section) assert.ok(slugs.includes(section), `${title}: ${name} has no section '${section}'`);
  }
});

test("each training set-up of the tour is one that the page offers", () => {
  for (const { title, place } of STEPS.filter((step) => step.place.includes("room=train"))) {
    const asked = new URLSearchParams(place);
    const written = toParameters(fromParameters(asked));
    asked.delete("room");
    assert.deepEqual(Object.fromEntries(written), Object.fromEntries(asked), title);
  }
});
