/** The events of a job in order, over a socket that may be cut, and over REST where there is none. */
import { KinoraError, WaitTimedOut } from "./errors.ts";
import type { Http } from "./http.ts";
import { sleep } from "./retries.ts";
import type { JobCompleted, JobFailed, JobProgress, JobSnapshot, JobView, StepCompleted } from "./schema.ts";

export type JobEvent = JobSnapshot | JobProgress | StepCompleted | JobCompleted | JobFailed;
export interface Waiting {
  timeoutSeconds?: number;
  signal?: AbortSignal;
}

const ENDED: ReadonlySet<string> = new Set(["COMPLETED", "FAILED", "CANCELLED"]);
const EVENTS: ReadonlySet<string> = new Set(["job.snapshot", "job.progress", "step.completed", "job.completed", "job.failed"]);
const OPEN_SECONDS = 5;
const QUIET_SECONDS = 10; // without an event for this time, the client reads the job over REST
const PING_SECONDS = 240; // API Gateway closes a connection after ten minutes without a message of the client
const POLL_SECONDS = 2;
const MAX_PAUSE_SECONDS = 60; // between two tries of a socket that cannot be opened

export const hasEnded = (job: JobView): boolean => ENDED.has(job.status);

/** The events of one job that were received so far, from several connections and from REST. */
export class Order {
  ended = false;
  #last = -1;
  #early: JobEvent[] | null = null;

  /** Expect a snapshot: events that arrive before it are older or newer than it. */
  connected(): void {
    this.#early = [];
  }

  /** Yield the events that can follow now, each once, by increasing `seq`, and nothing after the end. */
  *take(event: JobEvent): Generator<JobEvent> {
    const waiting = [event];
    if (this.#early) {
      if (event.type !== "job.snapshot") return void this.#early.push(event);
      waiting.push(...this.#early.sort((one, other) => one.seq - other.seq));
      this.#early = null;
    }
    for (const one of waiting) {
      if (one.seq <= this.#last || this.ended) continue;
      this.#last = one.seq;
      this.ended = ends(one);
      yield one;
    }
  }
}

function ends(event: JobEvent): boolean {
  if (event.type === "job.snapshot") return hasEnded(event.job as JobView);
  if (event.type === "job.progress") return ENDED.has(event.status);
  return event.type !== "step.completed";
}

/** Return the job as it is after the event. */
export function applied(job: JobView, event: JobEvent): JobView {
  const { seq } = event;
  switch (event.type) {
    case "job.snapshot":
      return event.job as JobView;
    case "job.progress":
      return { ...job, seq, status: event.status, progress: event.progress, currentStep: event.currentStep };
    case "step.completed": {
      const steps = job.steps.map((step) =>
        step.id === event.stepId ? { ...step, status: "COMPLETED" as const, progress: 100, resultUrl: event.resultUrl } : step,
      );
      return { ...job, seq, steps };
    }
    case "job.completed":
      return { ...job, seq, status: "COMPLETED", progress: 100, videoUrl: event.videoUrl };
    case "job.failed":
      return { ...job, seq, status: "FAILED", error: event.error };
  }
}

/**
 * Yield the job's snapshot, then each event in order and once, until the job has ended.
 *
 * After a cut the stream continues with a snapshot. Without a socket it polls. Throw WaitTimedOut after
 * `timeoutSeconds`, and ApiError if the studio refuses to show the job.
 */
export async function* stream(http: Http, jobId: string, { timeoutSeconds = Infinity, signal }: Waiting = {}): AsyncGenerator<JobEvent> {
  const order = new Order();
  const deadline = seconds() + timeoutSeconds;
  const left = () => {
    signal?.throwIfAborted();
    if (seconds() >= deadline) throw new WaitTimedOut(`The job ${jobId} has not ended in time. It continues.`);
    return deadline - seconds();
  };
  const snapshot = async (): Promise<JobEvent> => {
    const job = await http.request("get", "/api/jobs/{job_id}", { path: { job_id: jobId }, signal });
    return { type: "job.snapshot", jobId, seq: job.seq, job };
  };
  let failures = 0;
  for (let nextTry = http.webSocket ? 0 : Infinity; !order.ended; ) {
    if (seconds() >= nextTry) {
      const socket = new Socket();
      try {
        await socket.open(http, jobId);
        order.connected();
        for (let pinged = seconds(); !order.ended; ) {
          const event = (await socket.receive(jobId, Math.min(QUIET_SECONDS, left()), signal)) ?? (await snapshot());
          failures = 0;
          yield* order.take(event);
          if (seconds() - pinged > PING_SECONDS) {
            socket.ping();
            pinged = seconds();
          }
        }
        return;
      } catch (error) {
        if (!(error instanceof Lost)) throw error;
        failures += 1;
        nextTry = seconds() + Math.min(MAX_PAUSE_SECONDS, 2 ** (failures - 1) - 1); // at once after the first
      } finally {
        socket.close();
      }
    }
    yield* order.take(await snapshot());
    if (!order.ended) await sleep(Math.min(POLL_SECONDS, Math.max(0, nextTry - seconds()), left()), signal);
  }
}

const seconds = () => performance.now() / 1000;

/** The socket cannot be opened, or has ended. */
class Lost extends Error {}

/** One connection that is subscribed to one job. */
class Socket {
  #socket: WebSocket | undefined;
  #received: string[] = [];
  #lost = false;
  #changed = () => {};

  /** Connect and subscribe. Throw Lost. */
  async open(http: Http, jobId: string): Promise<void> {
    const { webSocket: Class, socketUrl } = http;
    if (!Class) throw new Lost();
    let ticket: string;
    try {
      ({ ticket } = await http.request("post", "/api/auth/ws-ticket", { repeatable: true }));
    } catch (error) {
      if (error instanceof KinoraError) throw new Lost();
      throw error;
    }
    try {
      this.#socket = new Class(`${socketUrl}?ticket=${encodeURIComponent(ticket)}`);
    } catch {
      throw new Lost();
    }
    const socket = this.#socket;
    let open = false;
    socket.onopen = () => {
      open = true;
      this.#changed();
    };
    socket.onmessage = ({ data }) => {
      this.#received.push(String(data));
      this.#changed();
    };
    socket.onclose = socket.onerror = () => {
      this.#lost = true;
      this.#changed();
    };
    await this.#until(() => open, OPEN_SECONDS);
    if (!open) throw new Lost();
    socket.send(JSON.stringify({ type: "subscribe", channel: `job:${jobId}` }));
  }

  /** Return the next event of the job, or null after `patience` seconds without one. Throw Lost. */
  async receive(jobId: string, patience: number, signal?: AbortSignal): Promise<JobEvent | null> {
    for (const until = seconds() + patience; ; ) {
      await this.#until(() => this.#received.length > 0, until - seconds(), signal);
      const text = this.#received.shift();
      if (text === undefined) return null;
      const message = JSON.parse(text) as { type?: string; jobId?: string };
      if (message.jobId === jobId && EVENTS.has(message.type ?? "")) return message as JobEvent;
      if (message.jobId !== jobId && message.type !== "pong") throw new Lost(); // the studio refuses the subscription
    }
  }

  ping(): void {
    this.#socket?.send('{"type":"ping"}');
  }

  close(): void {
    this.#socket?.close();
  }

  /** Return when the condition is true or the time has passed. Throw Lost if the socket ends before. */
  async #until(condition: () => boolean, patience: number, signal?: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const patient = sleep(Math.max(0, patience), signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
    patient.catch(() => {});
    try {
      for (let passed = false; !condition() && !passed; ) {
        if (this.#lost) throw new Lost();
        const change = new Promise<false>((resolve) => (this.#changed = () => resolve(false)));
        passed = await Promise.race([change, patient.then(() => true)]);
      }
    } finally {
      stop.abort();
    }
  }
}
