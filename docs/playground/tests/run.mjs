// Bundles the tests with esbuild and runs them with Node's own runner: node tests/run.mjs unit|browser [file [test]]
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [kind, only = "", pattern = ""] = process.argv.slice(2);
const folder = fileURLToPath(new URL(".", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(`.${kind}.ts`) && name.includes(only));
const outdir = `${folder}../node_modules/.cache/tests`;
await build({
  entryPoints: files.map((name) => folder + name), outdir, bundle: true, platform: "node", mainFields: ["module", "main"], format: "cjs", external: ["playwright-core", "axe-core"],
  outExtension: { ".js": ".cjs" }, logLevel: "error", define: { REPOSITORY: '"OWNER/repository"' },
});
const run = spawnSync(process.execPath, ["--test", "--test-reporter=spec", ...(kind === "browser" ? ["--test-concurrency=1"] : []), ...(pattern ? [`--test-name-pattern=${pattern}`] : []), ...files.map((name) => `${outdir}/${name.replace(/ts$/, "cjs")}`)], {
  stdio: "inherit", cwd: `${folder}..`,
});
process.exit(run.status ?? 1);
