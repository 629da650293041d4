/** The page in Firefox, where there is one (FIREFOX=/path names it): draw, train, come back by the address. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Firefox, FIREFOX } from "./firefox.js";
import { Site } from "./page.js";

const site = new Site();
const firefox = new Firefox();
const skip = !FIREFOX && "no Firefox here";
let failed = ""; // some Firefoxes, such as those from a snap, cannot be led from outside
before(async () => {
  if (skip) return;
  await site.serve();
  await firefox.open().catch((error: Error) => { failed = `${FIREFOX} does not start: ${error.message}`; });
});
after(async () => {
  await firefox.close();
  await site.close();
});

const ready = async (): Promise<void> => {
  await firefox.until("/takes \\d+ ms/.test(document.getElementById('engine').textContent)");
  await firefox.until("/Computed in/.test(document.getElementById('speed').textContent)");
  await new Promise((done) => setTimeout(done, 600));
};
const iou = (): Promise<number> => firefox.run("return parseFloat(document.querySelector('[data-score=IoU]').textContent)");
const pictures = (): Promise<string[]> => firefox.run("return [...document.querySelectorAll('#look .echo canvas')].map((one) => one.toDataURL())");
const visit = async (hash: string): Promise<void> => {
  await firefox.visit("about:blank");
  await firefox.visit(site.address + hash);
};

test("Firefox: a drawing is answered, and its address brings it back", { skip }, async (t) => {
  if (failed) return t.skip(failed);
  await visit("#room=look&empty=3");
  await ready();
  console.log(await firefox.run<string>("return document.getElementById('engine').textContent"));
  await firefox.press("canvas.draw", [150, 150]);
  await firefox.run("document.querySelector('[name=tool][value=brush]').click()");
  await firefox.press("canvas.draw", [60, 300], [160, 320], [260, 300]);
  await firefox.until("/drawn=[\\w-]{5}\\.[\\w-]{7,}/.test(location.hash)");
  await new Promise((done) => setTimeout(done, 800));
  const [score, before, hash] = [await iou(), await pictures(), await firefox.run<string>("return location.hash")];
  assert.ok(score > 0.7, `IoU ${score}`);
  await visit(hash);
  await ready();
  assert.deepEqual(await pictures(), before);
});

test("Firefox: twenty training steps let the loss fall", { skip }, async (t) => {
  if (failed) return t.skip(failed);
  await visit("#room=train&depth=2&base=4&norm=batch&rate=0.01&loss=bce&skips=12&steps=50&batch=2&outlined=0");
  await firefox.until("!document.getElementById('train-go').disabled");
  const loss = (): Promise<number> => firefox.run("return parseFloat(document.querySelector('[data-number=loss-0]').textContent)");
  await firefox.run("document.getElementById('train-step').click()");
  await firefox.until("/step 1 of 50. Paused/.test(document.getElementById('train-state').textContent)");
  const first = await loss();
  await firefox.run("document.getElementById('train-go').click()");
  await firefox.until("Number(document.getElementById('train-state').textContent.match(/step (\\d+)/)?.[1]) >= 20");
  assert.ok((await loss()) < first, `loss ${first}, later ${await loss()}`);
  assert.ok(await firefox.run("return document.documentElement.scrollWidth <= innerWidth"));
});
