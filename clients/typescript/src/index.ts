/** The TypeScript client of Kinora: `(await new Kinora().films.create("a lighthouse at dusk")).save("out.mp4")`. */
import { Films } from "./films.ts";
import { type Answer, Http, type Item, type Method, type Operation, type Options, type Pages, pagesOf, type Path, type RequestArguments } from "./http.ts";
import { Assets, Billing, Jobs, Presets, Projects, Webhooks } from "./resources.ts";

/** A client of one studio with one key. */
export class Kinora {
  readonly baseUrl: string;
  readonly films: Films;
  readonly jobs: Jobs;
  readonly projects: Projects;
  readonly presets: Presets;
  readonly assets: Assets;
  readonly webhooks: Webhooks;
  readonly billing: Billing;
  readonly #http: Http;

  constructor(options: Options = {}) {
    this.#http = new Http(options);
    this.baseUrl = this.#http.baseUrl;
    this.films = new Films(this.#http);
    this.jobs = new Jobs(this.#http);
    this.projects = new Projects(this.#http);
    this.presets = new Presets(this.#http);
    this.assets = new Assets(this.#http);
    this.webhooks = new Webhooks(this.#http);
    this.billing = new Billing(this.#http);
  }

  /** Send any request of the API, with the types of its operation: `client.request("get", "/api/engines")`. */
  request<M extends Method, P extends Path<M>>(method: M, path: P, ...options: RequestArguments<M, P>): Promise<Answer<Operation<M, P>>> {
    return this.#http.request(method, path, ...options);
  }

  /** Read any list of the API: `for await (const team of client.pages("/api/teams"))`. */
  pages<P extends Path<"get">>(path: P, ...options: RequestArguments<"get", P>): Pages<Item<Answer<Operation<"get", P>>>> {
    return pagesOf(this.#http, path, ...options);
  }
}

export type { Code } from "./contract.ts";
export * from "./errors.ts";
export { Film, type FilmOptions, type Kind, type Making, type OnProgress } from "./films.ts";
export { type Again, type Options, Pages, type Sending, VERSION } from "./http.ts";
export type { Uploading } from "./resources.ts";
export type * from "./schema.ts";
export type { Source } from "./sources.ts";
export type { JobEvent, Waiting } from "./stream.ts";
export { verify, type WebhookEvent } from "./webhooks.ts";
