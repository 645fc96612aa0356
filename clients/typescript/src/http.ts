/** Requests to the API with authorization and retries, and lists that are read page by page. */
import { KEYED } from "./contract.ts";
import { ApiError, ConnectionFailed, KinoraError } from "./errors.ts";
import { sleep, Tries } from "./retries.ts";
import type { paths } from "./schema.ts";

export const VERSION = "0.1.0";
const LAPTOP = "http://127.0.0.1:8700"; // where `make dev` serves the laptop cloud

export type Method = "get" | "post" | "patch" | "delete";
/** The paths that have an operation with the method. */
export type Path<M extends Method> = { [P in keyof paths]: paths[P] extends Record<M, object> ? P : never }[keyof paths];
export type Operation<M extends Method, P extends Path<M>> = paths[P][M & keyof paths[P]];
type Json<C> = C extends { content: { "application/json": infer A } } ? A : undefined;
/** What the operation answers. */
export type Answer<O> = O extends { responses: infer R } ? Json<R[keyof R]> : never;
type Query<O> = O extends { parameters: { query?: infer Q } } ? ([NonNullable<Q>] extends [never] ? undefined : Q) : undefined;
type Needed<O> = (O extends { parameters: { path: infer V } } ? { path: V } : unknown) &
  (O extends { requestBody: { content: { "application/json": infer B } } } ? { body: B } : MayHave<O>);
type MayHave<O> = O extends { requestBody?: { content: { "application/json": infer B } } } ? (unknown extends B ? unknown : { body?: B }) : unknown;

export interface Sending {
  /** The key of all tries. Operations that read one get a new one by default. */
  idempotencyKey?: string | undefined;
  /** A POST without a key that has no second effect. */
  repeatable?: boolean;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}
/** Of a request that makes an older job again. */
export interface Again extends Sending {
  /** If the price is higher, the request is refused with `max_credits_exceeded`, and nothing is held. */
  maxCredits?: number | undefined;
}
export type RequestOptions<O> = Sending & { query?: Query<O> } & Needed<O>;
type Rest<T> = Record<never, never> extends T ? [options?: T] : [options: T];
export type RequestArguments<M extends Method, P extends Path<M>> = Rest<RequestOptions<Operation<M, P>>>;

/** The address and the key of a studio, and how patient the client is. */
export interface Options {
  /** Default: KINORA_API_KEY. */
  apiKey?: string;
  /** Default: KINORA_BASE_URL, or the laptop cloud. */
  baseUrl?: string;
  /** The address of the events. Default: KINORA_SOCKET_URL, or the one that belongs to `baseUrl`. */
  socketUrl?: string;
  /** Of one try of a request. Default: 60. */
  timeoutSeconds?: number;
  /** Default: 4. */
  maxRetries?: number;
  /** Sent with each request to the studio. */
  headers?: Record<string, string>;
  fetch?: typeof fetch;
  /** Default: that of the platform. Node 20 has none: without one the client polls. */
  webSocket?: typeof WebSocket;
}

interface Loose extends Sending {
  query?: Record<string, unknown>;
  path?: Record<string, string>;
  body?: unknown;
}

/** Return a variable of the environment, or undefined in a browser. */
export function variable(name: string): string | undefined {
  return globalThis.process?.env?.[name] || undefined;
}

/** The connection of a client to its studio. */
export class Http {
  readonly baseUrl: string;
  readonly socketUrl: string;
  readonly webSocket: typeof WebSocket | undefined;
  readonly #headers: Record<string, string>;
  readonly #timeout: number;
  readonly #retries: number;
  readonly #fetch: typeof fetch;

  constructor(options: Options) {
    const key = options.apiKey ?? variable("KINORA_API_KEY");
    if (!key) throw new KinoraError("There is no API key: pass `apiKey`, or set KINORA_API_KEY.");
    this.baseUrl = (options.baseUrl ?? variable("KINORA_BASE_URL") ?? LAPTOP).replace(/\/+$/, "");
    if (!/^https?:\/\//.test(this.baseUrl)) throw new KinoraError(`The base URL ${this.baseUrl} does not begin with https:// or http://.`);
    this.socketUrl = options.socketUrl ?? variable("KINORA_SOCKET_URL") ?? socketOf(this.baseUrl);
    this.webSocket = options.webSocket ?? globalThis.WebSocket;
    const agent: Record<string, string> = globalThis.process?.versions?.node ? { "user-agent": `kinora-typescript/${VERSION}` } : {};
    this.#headers = { ...agent, ...options.headers, authorization: `Bearer ${key}` };
    this.#timeout = (options.timeoutSeconds ?? 60) * 1000;
    this.#retries = options.maxRetries ?? 4;
    this.#fetch = options.fetch ?? ((...request) => fetch(...request));
  }

  /** Send a request until it has an answer. Throw ApiError or ConnectionFailed after the last try. */
  async request<M extends Method, P extends Path<M>>(method: M, path: P, ...[options]: RequestArguments<M, P>): Promise<Answer<Operation<M, P>>> {
    const { query, path: values, body, repeatable, idempotencyKey, headers, signal } = (options ?? {}) as Loose;
    const operation = `${method} ${path}`;
    const key = KEYED.has(operation) ? (idempotencyKey ?? crypto.randomUUID()) : undefined;
    const init: RequestInit = {
      method: method.toUpperCase(),
      headers: {
        ...this.#headers,
        ...headers,
        ...(key && { "idempotency-key": key }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    const filled = path.replace(/{(\w+)}/g, (_, name: string) => encodeURIComponent(values?.[name] ?? ""));
    const tries = new Tries(method, method !== "post" || key !== undefined || repeatable === true, this.#retries);
    return this.#tried(tries, this.baseUrl + filled + queryOf(query), init, signal, async (answer) => {
      const text = await answer.text();
      const isJson = answer.headers.get("content-type")?.includes("json");
      return (text === "" ? undefined : isJson ? JSON.parse(text) : text) as Answer<Operation<M, P>>;
    });
  }

  /** Send a file to storage. A second try writes the same object. No key goes to other addresses than the studio's. */
  async post(url: string, form: FormData, signal?: AbortSignal): Promise<void> {
    await this.#tried(new Tries("post", true, this.#retries), url, { method: "POST", body: form }, signal, (answer) => answer.text());
  }

  /** Download a URL. `read` reads the answer, and is called again after a cut. */
  download<T>(url: string, read: (answer: Response) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#tried(new Tries("get", true, this.#retries), url, {}, signal, read);
  }

  async #tried<T>(tries: Tries, url: string, init: RequestInit, signal: AbortSignal | undefined, read: (answer: Response) => Promise<T>): Promise<T> {
    for (;;) {
      let wait: number | null;
      try {
        const timeout = AbortSignal.timeout(this.#timeout);
        const answer = await this.#fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
        if (tries.succeeded(answer)) return await read(answer);
        wait = tries.after(answer);
        const text = await answer.text();
        if (wait === null) throw new ApiError(answer.status, text, answer.headers);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof KinoraError) throw error;
        wait = tries.afterError(error);
        if (wait === null) throw new ConnectionFailed(`${new URL(url).origin} does not answer (${String(error)}).`, { cause: error });
      }
      await sleep(wait, signal);
    }
  }
}

/** A list of the API. Iterate over it: further pages are read when they are needed. */
export class Pages<T> implements AsyncIterable<T> {
  readonly #read: (cursor: string | undefined) => Promise<Listed<T>>;

  constructor(read: (cursor: string | undefined) => Promise<Listed<T>>) {
    this.#read = read;
  }

  /** Yield the pages. */
  async *pages(): AsyncGenerator<readonly T[]> {
    for (let cursor: string | undefined, more = true; more; ) {
      const page = await this.#read(cursor);
      yield page.data;
      more = page.hasMore;
      cursor = page.nextCursor ?? undefined;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for await (const page of this.pages()) yield* page;
  }

  /** Return all items of all pages. */
  async all(): Promise<T[]> {
    const found: T[] = [];
    for await (const item of this) found.push(item);
    return found;
  }
}

interface Listed<T> {
  data: T[];
  hasMore: boolean;
  nextCursor?: string | null;
}
export type Item<A> = A extends { data: (infer T)[] } ? T : never;

/** Return the list of a path. */
export function pagesOf<P extends Path<"get">>(http: Http, path: P, ...[options]: RequestArguments<"get", P>): Pages<Item<Answer<Operation<"get", P>>>> {
  return new Pages(async (cursor) => {
    const loose = (options ?? {}) as Loose;
    const query = cursor === undefined ? loose.query : { ...loose.query, cursor };
    return (await http.request("get", path, ...([{ ...loose, query }] as unknown as RequestArguments<"get", P>))) as Listed<Item<Answer<Operation<"get", P>>>>;
  });
}

function queryOf(query: Record<string, unknown> = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}

/** Return the address of the events: `socket.` before the domain, or `/ws` of the laptop cloud. */
export function socketOf(baseUrl: string): string {
  const { protocol, host, hostname } = new URL(baseUrl);
  const scheme = protocol === "https:" ? "wss" : "ws";
  return ["127.0.0.1", "localhost", "[::1]"].includes(hostname) ? `${scheme}://${host}/ws` : `${scheme}://socket.${host}`;
}
