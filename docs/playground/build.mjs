// Builds the Playground into dist/: node build.mjs, or node build.mjs --serve to look at it on http://127.0.0.1:8064.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const dist = join(here, "dist");
// The public address stands in pyproject.toml alone; `make publish` writes it there. The site's follows, as in scripts/address.py.
const repository = /^repository = "(.+)"$/m.exec(readFileSync(join(here, "../../pyproject.toml"), "utf8"))[1];
const [owner, name] = repository.split("/");
const site = `https://${owner.toLowerCase()}.github.io/${name}/`;
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
const empty = { name: "empty", setup: (b) => {
  // Modules of Node.js that TensorFlow.js names for its own use there.
  b.onResolve({ filter: /^(fs|path|os|util|crypto|worker_threads|perf_hooks|node-fetch|string_decoder|ws|url|module)$/ }, ({ path }) => ({ path, namespace: "empty" }));
  b.onLoad({ filter: /.*/, namespace: "empty" }, () => ({ contents: "export default {}" }));
} };
const result = await build({
  entryPoints: { playground: join(here, "src/ui/main.ts"), worker: join(here, "src/worker.ts") },
  outdir: dist, bundle: true, splitting: true, format: "esm", platform: "browser", target: "es2022", minify: true,
  mainFields: ["module", "main"], chunkNames: "[name]-[hash]", plugins: [empty], metafile: true, logLevel: "warning",
  legalComments: "none", define: { REPOSITORY: JSON.stringify(repository) },
});
cpSync(join(here, "src/playground.css"), join(dist, "playground.css"));
writeFileSync(join(dist, "index.html"), readFileSync(join(here, "src/index.html"), "utf8").replaceAll("@REPOSITORY@", repository).replaceAll("@SITE@", site));
cpSync(join(here, "public"), dist, { recursive: true });
const wasm = "tfjs-backend-wasm-simd.wasm";
cpSync(join(here, "node_modules/@tensorflow/tfjs-backend-wasm/dist", wasm), join(dist, wasm));

let total = 0;
for (const name of readdirSync(dist)) {
  const bytes = readFileSync(join(dist, name));
  const packed = gzipSync(bytes, { level: 9 }).length;
  if (!name.startsWith("unet_")) total += packed;
  const from = Object.keys(result.metafile.outputs).find((path) => path.endsWith(`/${name}`));
  const entry = from && Object.keys(result.metafile.outputs[from].inputs).sort((a, b) => result.metafile.outputs[from].inputs[b].bytesInOutput - result.metafile.outputs[from].inputs[a].bytesInOutput)[0];
  console.log(`${name.padEnd(36)} ${String(bytes.length).padStart(9)} bytes ${String(packed).padStart(8)} compressed  ${entry?.replace(/.*node_modules\//, "") ?? ""}`);
}
console.log(`all without weights: ${total} bytes compressed`);
if (total > 600_000) throw new Error("The page is larger than 600 kB.");

if (process.argv.includes("--serve")) {
  const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".wasm": "application/wasm" };
  createServer((request, response) => {
    const path = join(dist, new URL(request.url, "http://x").pathname.replace(/\/$/, "/index.html"));
    if (!path.startsWith(dist) || !statSync(path, { throwIfNoEntry: false })?.isFile()) return void response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": types[extname(path)] ?? "application/octet-stream" }).end(readFileSync(path));
  }).listen(8064, "127.0.0.1", () => console.log("http://127.0.0.1:8064"));
}
