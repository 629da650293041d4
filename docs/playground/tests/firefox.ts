/** Firefox without a window, led by Marionette, its own protocol: no package is needed for it. */

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const FIREFOX = [process.env.FIREFOX, "/usr/bin/firefox", "/usr/bin/firefox-esr"].find((path) => path && existsSync(path));
const PORT = 28_282;

export class Firefox {
  private profile = "";
  private process!: ChildProcess;
  private socket!: Socket;
  private count = 0;
  private heard = Buffer.alloc(0);
  private readonly waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();

  async open(): Promise<void> {
    this.profile = mkdtempSync(join(tmpdir(), "playground-firefox-"));
    writeFileSync(join(this.profile, "user.js"), `user_pref("marionette.port", ${PORT});\n`);
    this.process = spawn(FIREFOX!, ["--headless", "--marionette", "--no-remote", "--profile", this.profile, "--width", "1280", "--height", "900"], { stdio: "ignore" });
    for (let tries = 0; ; tries++) {
      try {
        this.socket = await new Promise((done, fail) => {
          const socket = connect(PORT, "127.0.0.1", () => done(socket));
          socket.on("error", fail);
        });
        break;
      } catch (error) {
        if (tries > 80 || this.process.exitCode !== null) throw error;
        await new Promise((done) => setTimeout(done, 500));
      }
    }
    this.socket.on("data", (part) => this.hear(part));
    await this.ask("WebDriver:NewSession", { capabilities: {} });
    await this.ask("WebDriver:SetTimeouts", { script: 120_000 });
  }

  /** Messages are a length, a colon and JSON: [1, number, error, answer]; the first one, a greeting, is no answer. */
  private hear(part: Buffer): void {
    this.heard = Buffer.concat([this.heard, part]);
    for (;;) {
      const colon = this.heard.indexOf(":");
      const end = colon + 1 + Number(this.heard.subarray(0, Math.max(0, colon)).toString());
      if (colon < 0 || this.heard.length < end) return;
      const message = JSON.parse(this.heard.subarray(colon + 1, end).toString());
      this.heard = this.heard.subarray(end);
      if (!Array.isArray(message)) continue;
      const [, id, error, answer] = message;
      if (error) this.waiting.get(id)?.reject(new Error(`${error.error}: ${error.message}`));
      else this.waiting.get(id)?.resolve(answer?.value);
    }
  }

  private ask(command: string, parameters: object): Promise<unknown> {
    const text = JSON.stringify([0, ++this.count, command, parameters]);
    return new Promise((resolve, reject) => {
      this.waiting.set(this.count, { resolve, reject });
      this.socket.write(`${Buffer.byteLength(text)}:${text}`);
    });
  }

  visit(url: string): Promise<unknown> {
    return this.ask("WebDriver:Navigate", { url });
  }

  /** Run a function's body in the page. */
  run<T>(script: string, ...args: unknown[]): Promise<T> {
    return this.ask("WebDriver:ExecuteScript", { script, args }) as Promise<T>;
  }

  /** Wait until an expression of the page holds. */
  async until(expression: string, seconds = 60): Promise<void> {
    for (let end = Date.now() + 1000 * seconds; !(await this.run(`return Boolean(${expression})`)); ) {
      if (Date.now() > end) throw new Error(`never: ${expression}; the page says ${await this.run("return document.body.innerText.slice(0, 600)")}`);
      await new Promise((done) => setTimeout(done, 200));
    }
  }

  /** Press the pointer at a place of an element, lead it on, and let it go. */
  async press(selector: string, ...places: [number, number][]): Promise<void> {
    const at = await this.run<[number, number]>("const e = document.querySelector(arguments[0]); e.scrollIntoView({ block: 'center' }); const b = e.getBoundingClientRect(); return [b.left, b.top]", selector);
    const move = ([x, y]: [number, number]): object => ({ type: "pointerMove", x: Math.round(at[0] + x), y: Math.round(at[1] + y), duration: 50 });
    const actions = [move(places[0]), { type: "pointerDown", button: 0 }, ...places.slice(1).map(move), { type: "pointerUp", button: 0 }];
    await this.ask("WebDriver:PerformActions", { actions: [{ type: "pointer", id: "mouse", parameters: { pointerType: "mouse" }, actions }] });
  }

  async close(): Promise<void> {
    if (!this.process) return;
    const gone = this.process.exitCode === null && new Promise((done) => this.process.once("exit", done));
    if (this.socket) await this.ask("Marionette:Quit", {}).catch(() => this.process.kill());
    else this.process.kill();
    await gone;
    this.socket?.destroy();
    rmSync(this.profile, { recursive: true, force: true });
  }
}
