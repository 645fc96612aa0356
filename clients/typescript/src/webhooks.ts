/** Verification of webhooks, by the rules of Standard Webhooks (standardwebhooks.com). */
import { BadWebhook } from "./errors.ts";

const TOLERANCE_SECONDS = 300;

/** The body of a webhook. `type` is that of the event, and `data` depends on it. */
export interface WebhookEvent {
  type: string;
  timestamp: string;
  data: Record<string, unknown>;
}

/**
 * Return the event of a webhook. Throw BadWebhook unless the studio signed it in the last `toleranceSeconds`.
 *
 * `body` is the raw body of the request: a body that was parsed and written again has another signature. A webhook can
 * arrive twice, with the same header `webhook-id`. `now` is the time in seconds since 1970.
 */
export async function verify(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Headers | Record<string, string | string[] | undefined>,
  secret: string,
  { toleranceSeconds = TOLERANCE_SECONDS, now = Date.now() / 1000 }: { toleranceSeconds?: number; now?: number } = {},
): Promise<WebhookEvent> {
  const sent = headers instanceof Headers ? headers : new Headers(headers as Record<string, string>);
  const [id, timestamp, signatures] = ["id", "timestamp", "signature"].map((name) => sent.get(`webhook-${name}`));
  if (!id || !timestamp || !signatures || !/^\d+$/.test(timestamp)) throw new BadWebhook("The webhook has no id, no timestamp or no signature.");
  if (Math.abs(now - Number(timestamp)) > toleranceSeconds) throw new BadWebhook("The webhook is too old, or from the future.");
  const raw = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const key = await crypto.subtle.importKey("raw", bytesOf(secret.replace(/^whsec_/, "")), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const signed = await new Blob([`${id}.${timestamp}.`, raw]).arrayBuffer();
  for (const [version, signature] of signatures.split(" ").map((one) => one.split(",", 2))) {
    if (version !== "v1" || !signature || !BASE64.test(signature)) continue;
    if (await crypto.subtle.verify("HMAC", key, bytesOf(signature), signed)) return JSON.parse(new TextDecoder().decode(raw)) as WebhookEvent;
  }
  throw new BadWebhook("The signature of the webhook is wrong.");
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  if (!BASE64.test(base64)) throw new BadWebhook("The secret of the webhook is not one of the studio.");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
