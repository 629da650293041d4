/** The page: rooms, address, engine, and a word for everything that goes wrong. */

import { ENGINES, NAMES, type Engine, type Started } from "../core/backend.js";
import type { Event, Kind, Requests } from "../protocol.js";
import { Client, Stopped, WorkerFailure } from "./client.js";
import { byId, el } from "./dom.js";
import { Look } from "./look.js";
import { panel, STEPS } from "./tour.js";
import { Train } from "./train.js";

type Room = "look" | "train";
let room: Room = "look";
let tour: number | null = null;
let engine: Engine | undefined;
let applying = true;
let ready = false;
let writing = 0;

let client = new Client(hear);
const look = new Look(byId("look"), () => client, write, failed, address);
const train = new Train(byId("train"), () => client, write, failed, address);

let progress: Event | null = null; // the last one, for the tests

function hear(event: Event): void {
  if (event.event === "progress") progress = event;
  train.hear(event);
  if (event.event !== "lost") return;
  say("The graphics processor was taken away from the page (a lost WebGL context).", [
    ["Go on with WebAssembly", () => restart("wasm")], ["Try WebGL again", () => restart("webgl")],
  ]);
}

function failed(error: unknown): void {
  if (error instanceof Stopped) return;
  console.error(error);
  const words = error instanceof Error ? error.message : String(error);
  if (error instanceof WorkerFailure && error.weights) {
    look.missing();
    say(`The trained network cannot be used. ${words} Your own networks can still be trained.`, [
      ["Try again", () => void load()], ["Train your own", () => open(new URLSearchParams("room=train"))],
    ]);
  } else {
    say(`Something went wrong: ${words}`, [["Start the engine again", () => restart(engine)], ["Use WebAssembly", () => restart("wasm")]]);
  }
}

function say(words: string, ways: [string, () => void][]): void {
  byId("message").replaceChildren(el("div", { class: "notice" }, el("p", {}, words),
    el("div", { class: "buttons" }, ...ways.map(([label, act]) => el("button", { type: "button", onclick: () => { byId("message").replaceChildren(); act(); } }, label)))));
}

function restart(next?: Engine): void {
  client.stop();
  client = new Client(hear);
  engine = next;
  ready = false;
  look.forget();
  train.forget();
  write();
  void start();
}

async function start(): Promise<void> {
  byId("engine").textContent = "The engine starts.";
  try {
    const started = await client.ask("start", { engine, base: new URL("./", location.href).href });
    ready = true;
    describeEngine(started, null);
    if (room === "train") train.enter();
    await load(started);
  } catch (error) {
    if (error instanceof Stopped) return;
    byId("engine").textContent = "The engine did not start.";
    failed(error);
  }
}

async function load(started?: Started): Promise<void> {
  try {
    const { network, parameters, testIou, milliseconds } = await client.ask("load", {});
    look.begin(network, parameters, testIou);
    if (started) describeEngine(started, milliseconds);
  } catch (error) {
    failed(error);
  }
}

/** Say which engine computes, and what to expect of it. */
function describeEngine({ engine: used, software, passed }: Started, milliseconds: number | null): void {
  const where = { webgpu: "on the graphics processor, through WebGPU", webgl: "on the graphics processor, through WebGL", wasm: "on the processor, with WebAssembly", cpu: "on the processor, in plain JavaScript" }[used];
  const expect = software ? " The graphics processor is imitated by software: expect seconds for each training step, or choose WebAssembly."
    : used === "cpu" ? " That is slow: expect seconds for each training step." : used === "wasm" ? " Expect about ten training steps of a small network in a second." : "";
  const timed = milliseconds === null ? "" : ` The trained network takes ${Math.round(milliseconds)} ms for an image.`;
  const choice = el("select", { "aria-label": "Engine", id: "engine-choice", onchange: () => restart(choice.value as Engine) }, ...ENGINES.map((one) => el("option", { value: one, selected: one === used }, NAMES[one])));
  byId("engine").replaceChildren(`Runs ${where}.${expect}${timed}${passed.length ? ` ${passed.join("; ")}.` : ""} Engine: `, choice);
}

/** Show what an address asks for. */
function apply(): void {
  clearTimeout(writing);
  for (const dialog of document.querySelectorAll<HTMLDialogElement>("dialog[open]")) dialog.close(); // it would keep everything else out of reach
  const asked = new URLSearchParams(location.hash.slice(1));
  applying = true;
  const step = Number(asked.get("tour"));
  tour = Number.isInteger(step) && step >= 1 && step <= STEPS.length ? step : null;
  const parameters = new URLSearchParams(tour && !asked.has("room") ? STEPS[tour - 1].place : asked);
  room = parameters.get("room") === "train" ? "train" : "look";
  const wanted = ENGINES.find((one) => one === asked.get("engine"));
  (room === "look" ? look : train).apply(parameters);
  byId("look").hidden = room !== "look";
  byId("train").hidden = room !== "train";
  byId("tour").hidden = tour === null;
  document.body.classList.toggle("touring", tour !== null);
  if (tour) byId("tour").replaceChildren(...panel(tour, (next) => open(next ? new URLSearchParams({ tour: String(next) }) : state(), true)));
  for (const link of document.querySelectorAll<HTMLAnchorElement>("#rooms a")) {
    if (tour && link.dataset.room === "tour") link.href = `#tour=${tour === STEPS.length ? 1 : tour}`; // the tour goes on where it was left
    const current = link.dataset.room === (tour ? "tour" : room);
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${tour ? STEPS[tour - 1].title : room === "look" ? "Look inside" : "Train"} · U-Net Playground`;
  applying = false;
  if (room === "train") ready && train.enter();
  else train.leave();
  if (wanted !== engine && wanted && ready) restart(wanted);
  else engine = wanted ?? engine;
}

function open(parameters: URLSearchParams, focus = false): void {
  if (engine) parameters.set("engine", engine);
  clearTimeout(writing);
  history.pushState(null, "", `#${parameters}`);
  apply();
  if (focus) (document.getElementById("tour-title") ?? byId("main")).focus({ preventScroll: false });
}

/** Write the state of the room into the address, once it has rested: browsers allow only so many changes a minute. */
function write(): void {
  if (applying) return;
  clearTimeout(writing);
  writing = window.setTimeout(address, 250);
}

/** The address of the page as it is, also written into the browser's bar. */
function address(): string {
  clearTimeout(writing);
  const now = state();
  if (tour) now.set("tour", String(tour));
  if (engine) now.set("engine", engine);
  history.replaceState(null, "", `#${now}`);
  return location.href;
}

/** What a room is set to, in the form of the address. */
function state(of = room): URLSearchParams {
  return of === "look" ? look.parameters() : train.parameters();
}

/** As in the book: the reader's own choice, or the system's. */
function theme(chosen: string): void {
  if (chosen) document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
  try {
    localStorage.setItem("theme", chosen);
  } catch { /* the choice lasts until the page is left */ }
  byId("theme").textContent = `Theme: ${chosen || "auto"}`;
}

const THEMES = ["", "light", "dark"];
const chosen = (): string => document.documentElement.dataset.theme ?? "";
theme(chosen());
byId("theme").addEventListener("click", () => theme(THEMES[(THEMES.indexOf(chosen()) + 1) % THEMES.length]));
// A room is found again as it was left.
byId("rooms").addEventListener("click", (event) => {
  const asked = (event.target as HTMLElement).dataset.room;
  if ((asked !== "look" && asked !== "train") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(state(asked));
});
addEventListener("popstate", apply);
Object.assign(window, { playground: { ask: (kind: Kind, ask: Requests[Kind]["ask"] = {}) => client.ask(kind, ask), progress: () => progress } }); // for the tests
apply();
void start();
