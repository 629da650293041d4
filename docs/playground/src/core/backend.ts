/** Which engine computes: WebGPU, else WebGL, else WebAssembly, else plain JavaScript; and what to expect of it. */

import * as tf from "@tensorflow/tfjs-core";

export const ENGINES = ["webgpu", "webgl", "wasm", "cpu"] as const;
export type Engine = (typeof ENGINES)[number];

export interface Started {
  engine: Engine;
  /** The graphics processor is an imitation by software. */
  software: boolean;
  /** Why better engines were passed over. */
  passed: string[];
}

const LOAD: Record<Engine, () => Promise<unknown>> = {
  webgpu: () => import("@tensorflow/tfjs-backend-webgpu"),
  webgl: () => import("@tensorflow/tfjs-backend-webgl"),
  wasm: async () => {
    const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false); // threads need headers that a plain web server does not send
    setWasmPaths(new URL("./", self.location.href).href);
  },
  cpu: () => import("@tensorflow/tfjs-backend-cpu"),
};

/** Start the engine that was asked for, or the first that works. Software rendering is used only if it is asked for. */
export async function startEngine(asked?: Engine): Promise<Started> {
  const passed: string[] = [];
  for (const engine of asked ? [asked, ...ENGINES.filter((one) => one !== asked)] : ENGINES) {
    const found = await probe(engine);
    if (found === "none" || (found === "software" && engine !== asked)) {
      passed.push(`${NAMES[engine]} ${found === "none" ? "is not available" : "is only imitated by software"}`);
      continue;
    }
    try {
      await LOAD[engine]();
      if (!(await tf.setBackend(engine))) throw new Error("it did not start");
      await tf.ready();
      await selfTest();
      return { engine, software: found === "software", passed };
    } catch (error) {
      passed.push(`${NAMES[engine]} failed (${error instanceof Error ? error.message : error})`);
    }
  }
  throw new Error(`No engine works in this browser: ${passed.join("; ")}.`);
}

export const NAMES: Record<Engine, string> = {
  webgpu: "WebGPU", webgl: "WebGL", wasm: "WebAssembly", cpu: "plain JavaScript",
};

const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;

async function probe(engine: Engine): Promise<"hardware" | "software" | "none"> {
  if (engine === "webgpu") {
    const gpu = (navigator as { gpu?: { requestAdapter(): Promise<Adapter | null> } }).gpu;
    const adapter = await gpu?.requestAdapter().catch(() => null);
    if (!adapter) return "none";
    const { info } = adapter;
    const imitated = info?.isFallbackAdapter || SOFTWARE.test(`${info?.vendor} ${info?.architecture} ${info?.description}`);
    return imitated ? "software" : "hardware";
  }
  if (engine === "webgl") {
    if (typeof OffscreenCanvas === "undefined") return "none";
    const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
    if (!gl) return "none";
    const known = gl.getExtension("WEBGL_debug_renderer_info");
    const name = String(gl.getParameter(known ? known.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
    gl.getExtension("WEBGL_lose_context")?.loseContext();
    return SOFTWARE.test(name) ? "software" : "hardware";
  }
  return engine === "wasm" && typeof WebAssembly === "undefined" ? "none" : "hardware";
}

interface Adapter {
  info?: { isFallbackAdapter?: boolean; vendor?: string; architecture?: string; description?: string };
}

/** A convolution whose result is known: an engine that starts but computes nonsense is passed over. */
async function selfTest(): Promise<void> {
  const result = tf.tidy(() => tf.conv2d(tf.ones([1, 4, 4, 2]) as tf.Tensor4D, tf.ones([3, 3, 2, 1]) as tf.Tensor4D, 1, "same"));
  const values = await result.data();
  result.dispose();
  if (values[0] !== 8 || values[5] !== 18) throw new Error("it computes wrong values");
}

/** Call back if the graphics context gets lost. */
export function watchContext(lost: () => void): void {
  contextCanvas()?.addEventListener("webglcontextlost", (event) => {
    event.preventDefault();
    lost();
  });
}

/** Lose the graphics context on purpose: for the tests. */
export function loseContext(): void {
  const context = contextCanvas()?.getContext("webgl2") as WebGL2RenderingContext | null | undefined;
  context?.getExtension("WEBGL_lose_context")?.loseContext();
}

function contextCanvas(): OffscreenCanvas | undefined {
  if (tf.getBackend() !== "webgl") return undefined;
  return (tf.backend() as unknown as { gpgpu: { gl: { canvas: OffscreenCanvas } } }).gpgpu.gl.canvas;
}
