// Takes the picture of the page that README shows: node tests/picture.mjs writes picture.png. Needs dist/.
import { build } from "esbuild";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const out = fileURLToPath(new URL("../node_modules/.cache/tests/page.cjs", import.meta.url));
await build({ entryPoints: [fileURLToPath(new URL("page.ts", import.meta.url))], outfile: out, bundle: true, platform: "node", format: "cjs", external: ["playwright-core"], logLevel: "error" });
process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const { Site, ready } = createRequire(import.meta.url)(out);
const site = new Site();
await site.open();
const page = await site.visit("#room=look&image=47&skips=1z", { viewport: { width: 1120, height: 1000 }, colorScheme: "light" });
await ready(page);
await page.waitForTimeout(500);
await page.evaluate(() => scrollTo(0, document.querySelector(".bench").offsetTop - 70));
await page.waitForTimeout(300);
await page.screenshot({ path: "picture.png" });
await site.close();
