/** Films: jobs with what a caller does with them. */
import { FilmCancelled, FilmFailed, KinoraError } from "./errors.ts";
import { type Again, type Http, type Sending, variable } from "./http.ts";
import { Assets, Jobs, Projects } from "./resources.ts";
import type { JobContinue, JobCreate, JobExtend, JobInput, JobSettings, JobView } from "./schema.ts";
import type { Source } from "./sources.ts";
import { applied, hasEnded, type JobEvent, stream, type Waiting } from "./stream.ts";

const PROJECT = "Films"; // the project of films that name none

export type Kind = "video" | "poster" | "thumbnail" | "preview" | "gif" | "av1" | "image" | "sprites";
export type OnProgress = (film: Film) => void;

/** The camera move, the files, the project and the settings of a film. */
export interface FilmOptions extends Partial<JobSettings> {
  preset?: string;
  /** One picture, or several. */
  image?: Source | readonly Source[];
  /** A clip whose camera is copied. */
  motion?: Source;
  audio?: Source;
  captions?: Source;
  /** Default: that of KINORA_PROJECT, or one of the name "Films". */
  project?: string;
}
export interface Making extends FilmOptions {
  /** Called with the film while `wait` waits. */
  onProgress?: OnProgress;
  /** If the price is higher, the request is refused with `max_credits_exceeded`, and nothing is held. */
  maxCredits?: number;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

/** A film that is made, or was made. `job` is its last known state. */
export class Film {
  job: JobView;
  readonly #http: Http;
  readonly #jobs: Jobs;
  readonly #onProgress: OnProgress | undefined;

  constructor(http: Http, job: JobView, onProgress?: OnProgress) {
    this.#http = http;
    this.#jobs = new Jobs(http);
    this.#onProgress = onProgress;
    this.job = job;
  }

  get id(): string {
    return this.job.id;
  }

  get status(): JobView["status"] {
    return this.job.status;
  }

  /** The progress of the whole job, 0 to 100. */
  get progress(): number {
    return this.job.progress;
  }

  /** The stage that runs. */
  get step(): JobView["currentStep"] {
    return this.job.currentStep;
  }

  get ended(): boolean {
    return hasEnded(this.job);
  }

  /** Yield the events of the job as `client.jobs.stream` does, and keep `job` up to date. */
  async *events(waiting: Waiting = {}): AsyncGenerator<JobEvent> {
    for await (const event of stream(this.#http, this.id, waiting)) {
      this.job = applied(this.job, event);
      yield event;
    }
    await this.refresh(); // for the URLs of the results
  }

  /** Wait until the film is ready and return it. Throw FilmFailed, FilmCancelled or WaitTimedOut. */
  async wait({ onProgress = this.#onProgress, ...waiting }: Waiting & { onProgress?: OnProgress | undefined } = {}): Promise<this> {
    if (!this.ended) for await (const _ of this.events(waiting)) onProgress?.(this);
    if (this.status === "CANCELLED") throw new FilmCancelled(`The job ${this.id} was cancelled. Nothing was charged.`, this.id);
    if (this.status !== "COMPLETED") throw new FilmFailed(this.job.error ?? `The job ${this.id} failed.`, this.id);
    return this;
  }

  /** Wait for the film, download it into a file and return the path. The file appears when it is complete. */
  async save(path: string, kind: Kind = "video", waiting: Waiting = {}): Promise<string> {
    const url = await this.#url(kind, waiting);
    const { mkdir, rename, rm, writeFile } = await import("node:fs/promises");
    const { dirname } = await import("node:path");
    await mkdir(dirname(path), { recursive: true });
    const part = `${path}.${crypto.randomUUID()}.part`;
    try {
      await this.#http.download(url, (answer) => writeFile(part, answer.body as unknown as AsyncIterable<Uint8Array>), waiting.signal);
      await rename(part, path);
    } finally {
      await rm(part, { force: true });
    }
    return path;
  }

  /** Wait for the film and download it. */
  async blob(kind: Kind = "video", waiting: Waiting = {}): Promise<Blob> {
    return this.#http.download(await this.#url(kind, waiting), (answer) => answer.blob(), waiting.signal);
  }

  /** Read the job again: the signed URLs of its results are valid for a limited time. */
  async refresh(): Promise<this> {
    this.job = await this.#jobs.get(this.id);
    return this;
  }

  /** Cancel the job. Nothing is charged. */
  async cancel(): Promise<this> {
    this.job = await this.#jobs.cancel(this.id);
    return this;
  }

  /** Delete the ended job and its media. */
  async delete(): Promise<void> {
    await this.#jobs.delete(this.id);
  }

  /** Make the same film again, from the finished steps of this one. */
  async retry(sending: Again = {}): Promise<Film> {
    return this.#next(await this.#jobs.retry(this.id, sending));
  }

  /** Make the film of this still. */
  async approve(changes: JobContinue = {}, sending: Sending = {}): Promise<Film> {
    return this.#next(await this.#jobs.approve(this.id, changes, sending));
  }

  /** Make a film that begins with the last frame of this one. */
  async extend(changes: JobExtend = {}, sending: Sending = {}): Promise<Film> {
    return this.#next(await this.#jobs.extend(this.id, changes, sending));
  }

  /** Make the film of this draft at its whole size. */
  async final(sending: Again = {}): Promise<Film> {
    return this.#next(await this.#jobs.final(this.id, sending));
  }

  async #url(kind: Kind, waiting: Waiting): Promise<string> {
    await this.wait(waiting);
    const url = this.job[`${kind}Url`];
    if (!url) throw new KinoraError(`The job ${this.id} has no ${kind}.`);
    return url;
  }

  #next(job: JobView): Film {
    return new Film(this.#http, job, this.#onProgress);
  }
}

/** Films from prompts and pictures. */
export class Films {
  readonly #http: Http;
  readonly #jobs: Jobs;
  #project: Promise<string> | undefined;

  constructor(http: Http) {
    this.#http = http;
    this.#jobs = new Jobs(http);
  }

  /** Submit a film and return it at once. `film.wait()` waits, and `film.save(path)` waits and downloads. */
  async create(prompt: string, { onProgress, maxCredits, idempotencyKey, signal, ...options }: Making = {}): Promise<Film> {
    const job = await this.#jobs.create(await this.#body(prompt, options, maxCredits), { idempotencyKey, signal });
    return new Film(this.#http, job, onProgress);
  }

  /** Submit the picture of a film only. `film.approve()` makes the film of it. */
  async still(prompt: string, { onProgress, maxCredits, idempotencyKey, signal, ...options }: Making = {}): Promise<Film> {
    const body: JobCreate = { ...(await this.#body(prompt, options, maxCredits)), until: "IMAGE_GENERATION" };
    return new Film(this.#http, await this.#jobs.create(body, { idempotencyKey, signal }), onProgress);
  }

  /** Submit `count` films of one prompt with different seeds: all, or none. */
  async variants(prompt: string, count: number, { onProgress, maxCredits, idempotencyKey, signal, ...options }: Making = {}): Promise<Film[]> {
    const first = await this.#jobs.create({ ...(await this.#body(prompt, options, maxCredits)), count }, { idempotencyKey, signal });
    const others = await Promise.all((first.batch ?? []).filter((id) => id !== first.id).map((id) => this.#jobs.get(id)));
    return [first, ...others].map((job) => new Film(this.#http, job, onProgress));
  }

  /** Return the price of a film, and the words that the painter does not understand. Files are uploaded. */
  async quote(prompt: string, options: FilmOptions = {}) {
    return this.#jobs.quote(await this.#body(prompt, options));
  }

  /** Return the film of a job. */
  async get(jobId: string): Promise<Film> {
    return new Film(this.#http, await this.#jobs.get(jobId));
  }

  /** Return the id of the project of films that name none. Create it if it is missing. */
  projectId(): Promise<string> {
    this.#project ??= this.#found().catch((error: unknown) => {
      this.#project = undefined;
      throw error;
    });
    return this.#project;
  }

  async #found(): Promise<string> {
    const named = variable("KINORA_PROJECT");
    if (named) return named;
    const projects = new Projects(this.#http);
    const [first] = (await projects.list().all()).filter(({ name }) => name === PROJECT).map(({ id }) => id).sort();
    return first ?? (await projects.create(PROJECT)).id;
  }

  async #body(prompt: string, { preset, image = [], motion, audio, captions, project, ...settings }: FilmOptions, maxCredits?: number): Promise<JobCreate> {
    const assets = new Assets(this.#http);
    const pictures = (Array.isArray(image) ? image : [image]) as Source[];
    const files: [JobInput["role"], Source | undefined][] = [
      ...pictures.map((picture): [JobInput["role"], Source] => ["picture", picture]),
      ["driving", motion],
      ["audio", audio],
      ["captions", captions],
    ];
    const inputs: JobInput[] = [];
    for (const [role, source] of files) if (source !== undefined) inputs.push({ role, assetId: (await assets.upload(source)).id });
    return {
      projectId: project ?? (await this.projectId()),
      prompt,
      ...(preset && { presetId: preset }),
      ...(Object.keys(settings).length && { settings: settings as JobSettings }),
      ...(inputs.length && { inputs }),
      ...(maxCredits !== undefined && { maxCredits }),
    };
  }
}
