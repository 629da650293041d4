/** The page's side of the conversation with the worker. */

import type { Event, Kind, Reply, Requests } from "../protocol.js";

export class WorkerFailure extends Error {
  constructor(message: string, readonly weights: boolean) {
    super(message);
  }
}

/** The worker was stopped before it answered: nothing went wrong. */
export class Stopped extends Error {}

export class Client {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  private count = 0;

  constructor(hear: (event: Event) => void) {
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }: MessageEvent<Event | Reply>) => {
      if ("event" in data) return hear(data);
      const asked = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if ("error" in data) asked?.reject(new WorkerFailure(data.error, data.weights));
      else asked?.resolve(data.answer);
    };
    this.worker.onerror = (event) => {
      this.giveUp(new WorkerFailure(event.message || "The worker could not be started.", false));
    };
  }

  ask<K extends Kind>(kind: K, ask: Requests[K]["ask"]): Promise<Requests[K]["answer"]> {
    const id = this.count++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      this.worker.postMessage({ id, kind, ask });
    });
  }

  stop(): void {
    this.worker.terminate();
    this.giveUp(new Stopped("The worker was stopped."));
  }

  private giveUp(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}

/** Runs one job at a time; of the requests that arrive meanwhile, only the last one is run. */
export function latest(job: () => Promise<void>): () => void {
  let [busy, again] = [false, false];
  const run = async (): Promise<void> => {
    if (busy) return void (again = true);
    busy = true;
    try {
      do {
        again = false;
        await job();
      } while (again);
    } finally {
      busy = false;
    }
  };
  return () => void run();
}
