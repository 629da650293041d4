// Milliseconds of a prediction and of a training step on each engine, in Chromium, as JSON: node tests/speed.mjs [engine ...]
// Needs dist/. scripts/bench/playground.py runs it beside Keras on the same processor.
import { build } from "esbuild";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const out = fileURLToPath(new URL("../node_modules/.cache/tests/page.cjs", import.meta.url));
await build({ entryPoints: [fileURLToPath(new URL("page.ts", import.meta.url))], outfile: out, bundle: true, platform: "node", format: "cjs", external: ["playwright-core"], logLevel: "error" });
process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const { Site } = createRequire(import.meta.url)(out);

const NETWORKS = { "depth 3, width 4": { depth: 3, base: 4, batch: 4 }, "depth 4, width 8": { depth: 4, base: 8, batch: 8 } };
const site = new Site();
await site.open();
const found = [];
for (const engine of process.argv.length > 2 ? process.argv.slice(2) : ["wasm", "webgl", "cpu"]) {
  const page = await site.visit(`#room=look&engine=${engine}`);
  await page.waitForFunction(() => /takes \d+ ms/.test(document.getElementById("engine").textContent), undefined, { timeout: 180_000 });
  const predict = await page.evaluate(async () => {
    const times = [];
    for (let i = 0; i < 11; i++) times.push((await window.playground.ask("predict", { image: new Float32Array(12288).fill(0.1 * i), skips: {}, maps: false })).milliseconds);
    return times.sort((a, b) => a - b)[5];
  });
  found.push({ engine, what: "prediction, depth 4, width 8", milliseconds: predict });
  for (const [name, { depth, base, batch }] of Object.entries(NETWORKS)) {
    if (engine !== "wasm" && base === 8) continue; // minutes
    const lanes = [{ depth, base, norm: "batch", skips: [1, 2, 3, 4].slice(0, depth), rate: 0.01, loss: "bce" }];
    const perSecond = await page.evaluate(async ([setup, many]) => {
      await window.playground.ask("setUp", { setup });
      let rate = 0;
      for (const [steps, total] of [[2, 2], [many, 2 + many]]) {
        await window.playground.ask("run", { running: true, steps });
        while (window.playground.progress()?.step !== total) await new Promise((done) => setTimeout(done, 20));
        rate = window.playground.progress().perSecond;
        await new Promise((done) => setTimeout(done, 300));
      }
      return rate;
    }, [{ lanes, outlined: 0.5, noise: 0.02, steps: 200, batch, seed: 0 }, engine === "wasm" ? 10 : 3]);
    found.push({ engine, what: `training step, ${name}, batch ${batch}`, milliseconds: (1000 * batch) / perSecond });
  }
  await page.context().close();
}
await site.close();
console.log(JSON.stringify(found));
