/** Jobs, projects, presets, assets, webhooks and billing. `client.request` sends all other requests of the API. */
import { AssetRejected, WaitTimedOut } from "./errors.ts";
import { type Again, type Http, type Operation, pagesOf, type Path, type RequestOptions, type Sending } from "./http.ts";
import { sleep } from "./retries.ts";
import type { AssetView, JobAgain, JobContinue, JobCreate, JobExtend, ProjectView, WebhookCreate, WebhookUpdate } from "./schema.ts";
import { contentOf, isAsset, type Source } from "./sources.ts";
import { stream, type Waiting } from "./stream.ts";

type Filter<P extends Path<"get">> = NonNullable<RequestOptions<Operation<"get", P>>["query"]>;

class Resource {
  protected readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }
}

/** Jobs: `client.films` makes them more easily. */
export class Jobs extends Resource {
  /** Submit a job. Its credits are held now, and charged when it completes. */
  create(body: JobCreate, sending: Sending = {}) {
    return this.http.request("post", "/api/jobs", { ...sending, body });
  }

  /** Return what the job would cost. Nothing is held or stored. */
  quote(body: JobCreate) {
    return this.http.request("post", "/api/jobs/quote", { body, repeatable: true });
  }

  /** Submit the same job again. It starts from the finished steps of this one. */
  retry(jobId: string, { maxCredits, ...sending }: Again = {}) {
    return this.http.request("post", "/api/jobs/{job_id}/retry", { ...sending, path: { job_id: jobId }, ...limited(maxCredits) });
  }

  /** Submit the film of a completed still. The picture is the still's, and is not charged again. */
  approve(jobId: string, body: JobContinue = {}, sending: Sending = {}) {
    return this.http.request("post", "/api/jobs/{job_id}/continue", { ...sending, path: { job_id: jobId }, body });
  }

  /** Submit a film that begins with the last frame of this completed film. */
  extend(jobId: string, body: JobExtend = {}, sending: Sending = {}) {
    return this.http.request("post", "/api/jobs/{job_id}/extend", { ...sending, path: { job_id: jobId }, body });
  }

  /** Submit the film of a completed draft at its whole size. */
  final(jobId: string, { maxCredits, ...sending }: Again = {}) {
    return this.http.request("post", "/api/jobs/{job_id}/final", { ...sending, path: { job_id: jobId }, ...limited(maxCredits) });
  }

  /** List jobs, newest first. */
  list(query: Filter<"/api/jobs"> = {}) {
    return pagesOf(this.http, "/api/jobs", { query });
  }

  /** Return the job, with signed URLs of its results. */
  get(jobId: string) {
    return this.http.request("get", "/api/jobs/{job_id}", { path: { job_id: jobId } });
  }

  /** Cancel a job that has not ended. Nothing is charged. A second cancel changes nothing. */
  cancel(jobId: string) {
    return this.http.request("post", "/api/jobs/{job_id}/cancel", { path: { job_id: jobId }, repeatable: true });
  }

  /** Delete an ended job and its media. */
  delete(jobId: string) {
    return this.http.request("delete", "/api/jobs/{job_id}", { path: { job_id: jobId } });
  }

  /** Yield the job's snapshot, then each event in order and once, until the job has ended. */
  stream(jobId: string, waiting: Waiting = {}) {
    return stream(this.http, jobId, waiting);
  }
}

/** Return the body of a request that makes an older job again. */
function limited(maxCredits: number | undefined): { body?: JobAgain } {
  return maxCredits === undefined ? {} : { body: { maxCredits } };
}

/** Projects: the folders of jobs. */
export class Projects extends Resource {
  create(name: string, { organizationId, ...sending }: Sending & { organizationId?: string } = {}) {
    return this.http.request("post", "/api/projects", { ...sending, body: { name, ...(organizationId && { organizationId }) } });
  }

  list(query: Filter<"/api/projects"> = {}) {
    return pagesOf(this.http, "/api/projects", { query });
  }

  get(projectId: string) {
    return this.http.request("get", "/api/projects/{project_id}", { path: { project_id: projectId } });
  }

  rename(projectId: string, name: string): Promise<ProjectView> {
    return this.http.request("patch", "/api/projects/{project_id}", { path: { project_id: projectId }, body: { name } });
  }

  /** Delete a project without jobs. */
  delete(projectId: string) {
    return this.http.request("delete", "/api/projects/{project_id}", { path: { project_id: projectId } });
  }
}

/** Presets: the camera moves. */
export class Presets extends Resource {
  list(query: Filter<"/api/presets"> = {}) {
    return pagesOf(this.http, "/api/presets", { query });
  }

  /** Return the preset. The error of an unknown one suggests similar ones. */
  get(presetId: string) {
    return this.http.request("get", "/api/presets/{preset_id}", { path: { preset_id: presetId } });
  }
}

export interface Uploading extends Waiting {
  name?: string;
  mediaType?: string;
  projectId?: string;
  /** Default: true. Wait until the studio has verified the file. */
  wait?: boolean;
}

/** Assets: the files of the caller that films use. */
export class Assets extends Resource {
  /** Upload a file and return its asset. Throw AssetRejected if the studio cannot read the file. */
  async upload(source: Source, { projectId, wait = true, timeoutSeconds = 180, signal, ...known }: Uploading = {}): Promise<AssetView> {
    if (isAsset(source)) return source;
    if (typeof source === "string" && /^ast_[0-9A-Z]{26}$/.test(source)) return this.get(source);
    const content = await contentOf(source, known, (url) => this.http.download(url, (answer) => answer.blob(), signal));
    const { name, type, contentType, blob } = content;
    const body = { name, type, contentType, size: blob.size, ...(projectId && { projectId }) };
    const { asset, upload } = await this.http.request("post", "/api/assets/upload", { body, signal });
    const form = new FormData();
    for (const [field, value] of Object.entries(upload.fields)) form.append(field, value);
    form.append("file", blob, name);
    await this.http.post(upload.url, form, signal);
    const uploaded = await this.http.request("post", "/api/assets", { body: { assetId: asset.id }, repeatable: true, signal });
    return wait ? this.#verified(uploaded, Date.now() + timeoutSeconds * 1000, signal) : uploaded;
  }

  list(query: Filter<"/api/assets"> = {}) {
    return pagesOf(this.http, "/api/assets", { query });
  }

  /** Return the asset, with its status and a signed URL. */
  get(assetId: string) {
    return this.http.request("get", "/api/assets/{asset_id}", { path: { asset_id: assetId } });
  }

  /** Delete an asset that no open job uses. */
  delete(assetId: string) {
    return this.http.request("delete", "/api/assets/{asset_id}", { path: { asset_id: assetId } });
  }

  async #verified(uploaded: AssetView, deadline: number, signal?: AbortSignal): Promise<AssetView> {
    let asset = uploaded;
    for (let pause = 0.1; asset.status !== "READY" && asset.status !== "REJECTED"; pause = Math.min(2, pause * 1.5)) {
      if (Date.now() > deadline) throw new WaitTimedOut(`${asset.name} has not been verified in time. The verification continues.`);
      await sleep(pause, signal);
      asset = await this.get(asset.id);
    }
    if (asset.status === "REJECTED") throw new AssetRejected(`${asset.name} was refused: ${asset.error}`, asset.errorCode ?? null);
    return asset;
  }
}

/** Endpoints that receive events, and their deliveries. `verify` checks what they receive. */
export class Webhooks extends Resource {
  /** Create an endpoint. Only this answer contains its secret, so a lost answer is not repeated. */
  create(body: WebhookCreate) {
    return this.http.request("post", "/api/webhooks", { body });
  }

  list(query: Filter<"/api/webhooks"> = {}) {
    return pagesOf(this.http, "/api/webhooks", { query });
  }

  get(webhookId: string) {
    return this.http.request("get", "/api/webhooks/{webhook_id}", { path: { webhook_id: webhookId } });
  }

  update(webhookId: string, body: WebhookUpdate) {
    return this.http.request("patch", "/api/webhooks/{webhook_id}", { path: { webhook_id: webhookId }, body });
  }

  /** Delete the endpoint and its deliveries. */
  delete(webhookId: string) {
    return this.http.request("delete", "/api/webhooks/{webhook_id}", { path: { webhook_id: webhookId } });
  }

  /** Send an event of the type `webhook.test`. */
  test(webhookId: string) {
    return this.http.request("post", "/api/webhooks/{webhook_id}/test", { path: { webhook_id: webhookId } });
  }

  /** List the deliveries of the last 30 days, newest first. */
  deliveries(webhookId: string, query: Filter<"/api/webhooks/{webhook_id}/deliveries"> = {}) {
    return pagesOf(this.http, "/api/webhooks/{webhook_id}/deliveries", { path: { webhook_id: webhookId }, query });
  }

  /** Send the event of a delivery again. It has the same id. */
  replay(webhookId: string, deliveryId: string) {
    const path = { webhook_id: webhookId, delivery_id: deliveryId };
    return this.http.request("post", "/api/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", { path });
  }
}

/** Credits, plans and usage of an account. */
export class Billing extends Resource {
  subscription(query: Filter<"/api/billing/subscription"> = {}) {
    return this.http.request("get", "/api/billing/subscription", { query });
  }

  usage(query: Filter<"/api/billing/usage"> = {}) {
    return this.http.request("get", "/api/billing/usage", { query });
  }

  /** List all changes of the credits, newest first. */
  ledger(query: Omit<Filter<"/api/billing/ledger">, "format"> = {}) {
    return pagesOf(this.http, "/api/billing/ledger", { query });
  }
}
