/** Serves the built page and opens it in Chromium, which imitates WebGL and WebGPU by software. */

import { createServer, type Server } from "node:http";
import { existsSync, readFileSync, statSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import type { AddressInfo } from "node:net";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".wasm": "application/wasm" };
const DIST = resolve("dist");
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
/** CHROMIUM=/path names it; else it is looked for. */
export const CHROMIUM = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place)) ?? PLACES[0];

export class Site {
  private server!: Server;
  private browser!: Browser;
  address = "";

  /** Only serve the page; for a browser that is not Chromium. */
  async serve(): Promise<void> {
    if (!existsSync(join(DIST, "index.html"))) throw new Error("There is no dist/: run npm run build first.");
    this.server = createServer((request, response) => {
      const path = join(DIST, new URL(request.url!, "http://x").pathname.replace(/\/$/, "/index.html"));
      if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return void response.writeHead(404).end();
      response.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream" }).end(readFileSync(path));
    });
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    this.address = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  async open(): Promise<void> {
    await this.serve();
    this.browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
      "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"] });
  }

  /** A new visitor's page; `before` may change what the server answers. An error of the page fails the test at `close`. */
  async visit(hash = "", options: BrowserContextOptions = {}, before?: (page: Page) => Promise<unknown>): Promise<Page & { errors: string[] }> {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = Object.assign(await context.newPage(), { errors: [] as string[] });
    page.on("pageerror", (error) => page.errors.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith(this.address) && !/^(data|blob):/.test(request.url())) page.errors.push(`loads ${request.url()}`);
    });
    await before?.(page);
    await page.goto(this.address + hash);
    return page;
  }

  async close(): Promise<void> {
    await this.browser?.close();
    this.server?.close();
  }
}

/** Wait until the trained network answers. */
export async function ready(page: Page): Promise<void> {
  await page.waitForFunction(() => /takes \d+ ms/.test(document.getElementById("engine")!.textContent!), undefined, { timeout: 60_000 });
  await page.waitForFunction(() => /Computed in/.test(document.getElementById("speed")?.textContent ?? ""), undefined, { timeout: 30_000 });
}

export async function score(page: Page, name: string): Promise<number> {
  return parseFloat(await page.locator(`[data-score="${name}"]`).innerText());
}
