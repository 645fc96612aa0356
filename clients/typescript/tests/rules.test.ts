// The rules that need no studio: order of events, retries, and signatures of webhooks.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { ApiError, BadWebhook, ConnectionFailed, isCode, Kinora, KinoraError, verify } from "../src/index.ts";
import { retryAfter } from "../src/retries.ts";
import { type JobEvent, Order } from "../src/stream.ts";

const progress = (seq: number): JobEvent =>
  ({ type: "job.progress", jobId: "job_1", seq, status: "RUNNING", progress: seq, currentStep: null }) as unknown as JobEvent;
const snapshot = (seq: number, status = "RUNNING"): JobEvent => ({ type: "job.snapshot", jobId: "job_1", seq, job: { status } }) as unknown as JobEvent;

test("events before the snapshot of a connection follow it, and old ones are dropped", () => {
  const order = new Order();
  order.connected();
  const taken = [progress(5), progress(3), snapshot(4), progress(4), progress(6)].flatMap((event) => [...order.take(event)]);
  assert.deepEqual(taken.map(({ seq }) => seq), [4, 5, 6]);
});

test("nothing follows the end of a job", () => {
  const order = new Order();
  const taken = [snapshot(7, "COMPLETED"), progress(8)].flatMap((event) => [...order.take(event)]);
  assert.deepEqual(taken.map(({ seq }) => seq), [7]);
});

test("Retry-After has seconds or a date", () => {
  const now = Date.UTC(2026, 0, 1);
  const asked = (text?: string) => retryAfter(new Headers(text === undefined ? {} : { "retry-after": text }), now);
  assert.deepEqual([asked("7"), asked("Thu, 01 Jan 2026 00:00:09 GMT"), asked("soon"), asked(""), asked()], [7, 9, 0, 0, 0]);
});

const SECRET = `whsec_${Buffer.from("a secret of the studio").toString("base64")}`;
const BODY = '{"type":"job.completed","timestamp":"2026-01-01T00:00:00Z","data":{}}';
const NOW = 1_767_225_600;

function signed(body = BODY, timestamp = NOW): Record<string, string> {
  const key = Buffer.from(SECRET.slice(6), "base64");
  const signature = createHmac("sha256", key).update(`msg_1.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": "msg_1", "webhook-timestamp": String(timestamp), "webhook-signature": `v1,AAAA v1,${signature}` };
}

test("a signed webhook is an event, by text, bytes and headers", async () => {
  assert.equal((await verify(BODY, signed(), SECRET, { now: NOW })).type, "job.completed");
  const event = await verify(new TextEncoder().encode(BODY), new Headers(signed()), SECRET, { now: NOW + 299 });
  assert.deepEqual(event.data, {});
});

test("a webhook with another body, time, secret or without headers is refused", async () => {
  const other = `whsec_${Buffer.from("another").toString("base64")}`;
  for (const attempt of [
    () => verify(`${BODY} `, signed(), SECRET, { now: NOW }),
    () => verify(BODY, signed(), SECRET, { now: NOW + 301 }),
    () => verify(BODY, { ...signed(), "webhook-timestamp": String(NOW + 1) }, SECRET, { now: NOW }),
    () => verify(BODY, signed(), other, { now: NOW }),
    () => verify(BODY, signed(), "whsec_?", { now: NOW }),
    () => verify(BODY, {}, SECRET, { now: NOW }),
  ]) {
    await assert.rejects(attempt, BadWebhook);
  }
});

/** Run a server that answers with these statuses in turn. Yield its client, and the Idempotency-Keys that it received. */
async function withAnswers(statuses: number[], use: (client: Kinora, keys: (string | undefined)[]) => Promise<void>): Promise<void> {
  const keys: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    keys.push(request.headers["idempotency-key"] as string | undefined);
    const status = statuses.shift() ?? 200;
    if (status === 0) return void request.socket.destroy();
    response.writeHead(status, { "content-type": "application/json", "retry-after": "0", "x-request-id": "req_1" });
    response.end(status < 300 ? "{}" : '{"code":"not_enough_credits","detail":"30 credits are missing.","creditsNeeded":30}');
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    const { port } = server.address() as AddressInfo;
    await use(new Kinora({ apiKey: "kin_x", baseUrl: `http://127.0.0.1:${port}` }), keys);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const JOB = { projectId: "prj_1", prompt: "a lake" };

test("all tries of a create have one key, and two creates have two", async () => {
  await withAnswers([0, 503, 200], async (client, keys) => {
    await client.jobs.create(JOB);
    assert.equal(keys.length, 3);
    assert.equal(new Set(keys).size, 1);
    await client.jobs.create(JOB);
    assert.notEqual(keys.at(-1), keys[0]);
    await client.jobs.create(JOB, { idempotencyKey: "mine" });
    assert.equal(keys.at(-1), "mine");
  });
});

test("a POST without a key is sent once when it may have had its effect", async () => {
  await withAnswers([0], async (client, keys) => {
    await assert.rejects(client.webhooks.create({ url: "https://example.com", events: ["job.completed"] }), ConnectionFailed);
    assert.deepEqual(keys, [undefined]);
  });
});

test("a refusal is an error with code, request id and price", async () => {
  await withAnswers([402], async (client) => {
    await assert.rejects(client.jobs.create(JOB), (error) => {
      assert.ok(isCode(error, "not_enough_credits") && error instanceof ApiError && error instanceof KinoraError);
      assert.deepEqual([error.status, error.requestId, error.creditsNeeded], [402, "req_1", 30]);
      return true;
    });
  });
});

test("a create and a repetition send the most credits that they may cost", async () => {
  const bodies: unknown[] = [];
  const client = new Kinora({
    apiKey: "kin_x",
    fetch: async (_, init) => {
      bodies.push(init?.body && JSON.parse(init.body as string));
      return new Response("{}", { headers: { "content-type": "application/json" } });
    },
  });
  await client.films.create("a lake", { project: "prj_1", maxCredits: 7, loop: true });
  await client.films.variants("a lake", 2, { project: "prj_1", maxCredits: 14 });
  await client.jobs.retry("job_1", { maxCredits: 0 });
  await client.jobs.final("job_1");
  await client.jobs.approve("job_1", { maxCredits: 6 });
  assert.deepEqual(bodies, [
    { ...JOB, settings: { loop: true }, maxCredits: 7 },
    { ...JOB, maxCredits: 14, count: 2 },
    { maxCredits: 0 },
    undefined,
    { maxCredits: 6 },
  ]);
});

test("a deletion whose answer was lost has succeeded when the second try finds nothing", async () => {
  await withAnswers([0, 404, 404], async (client) => {
    await client.jobs.delete("job_1");
    await assert.rejects(client.jobs.delete("job_2"), ApiError);
  });
});

test("a signal ends a request between two tries", async () => {
  await withAnswers([0, 0, 0, 0, 0], async (client) => {
    const controller = new AbortController();
    const sent = client.jobs.create(JOB, { signal: controller.signal });
    controller.abort(new Error("the user has left"));
    await assert.rejects(sent, /the user has left/);
  });
});
