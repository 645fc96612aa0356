// Films of a studio. KINORA_API_KEY and KINORA_BASE_URL name it; without them the tests are skipped.
import assert from "node:assert/strict";
import { mkdtemp, readFile, stat } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ApiError, AssetRejected, FilmCancelled, isCode, type JobEvent, Kinora, WaitTimedOut } from "../src/index.ts";

const skip = !process.env.KINORA_API_KEY;
const SHORT = { duration: 1, resolution: "480p" } as const;
const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAT0lEQVR42u3PQQkAAAgEsItiFKMbzQi+hcEKLNXzWgQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQELgui4QEP3t9JcAAAAABJRU5ErkJggg==",
  "base64",
);

function assertInOrder(events: JobEvent[]): void {
  const seqs = events.map(({ seq }) => seq);
  assert.deepEqual(seqs, [...new Set(seqs)].sort((one, other) => one - other));
  assert.equal(events[0]?.type, "job.snapshot");
  const last = events.at(-1);
  assert.ok(last?.type === "job.completed" || (last?.type === "job.snapshot" && last.job.status === "COMPLETED"), last?.type);
}

test("a film in three lines", { skip }, async () => {
  const seen: number[] = [];
  const film = await new Kinora().films.create("a lighthouse at dusk", { preset: "crash-zoom-in", ...SHORT, onProgress: (one) => seen.push(one.progress) });
  const path = await film.save(join(await mkdtemp(join(tmpdir(), "kinora-")), "films", "out.mp4"));
  assert.ok((await stat(path)).size > 0);
  assert.deepEqual([film.status, film.progress], ["COMPLETED", 100]);
  assert.ok(seen.length > 2);
  assert.deepEqual(Buffer.from(await (await film.blob()).arrayBuffer()), await readFile(path));
});

test("a stream continues after each cut", { skip }, async () => {
  const target = new URL(await socketUrl());
  const open = new Set<Socket>();
  let connections = 0;
  const proxy = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    connections += 1;
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => {});
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  target.port = String((proxy.address() as AddressInfo).port);
  const cut = () => {
    for (const socket of open) socket.destroy();
    open.clear();
  };
  try {
    const client = new Kinora({ socketUrl: target.href });
    const film = await client.films.create("a lake", SHORT);
    const events: JobEvent[] = [];
    for await (const event of film.events()) {
      events.push(event);
      cut();
    }
    assertInOrder(events);
    if (globalThis.WebSocket) assert.ok(connections > 1);
    assert.equal(film.status, "COMPLETED");
  } finally {
    cut();
    proxy.close();
  }
});

async function socketUrl(): Promise<string> {
  const { socketOf } = await import("../src/http.ts");
  return socketOf(new Kinora().baseUrl);
}

test("a stream without a socket polls", { skip }, async () => {
  const client = new Kinora({ socketUrl: "ws://127.0.0.1:9" });
  const film = await client.films.create("a lake", SHORT);
  const events: JobEvent[] = [];
  for await (const event of client.jobs.stream(film.id)) events.push(event);
  assert.deepEqual(new Set(events.map(({ type }) => type)), new Set(["job.snapshot"]));
  assertInOrder(events);
});

test("a wait ends in time, and a cancelled film is an error", { skip }, async () => {
  const film = await new Kinora().films.create("a lake", SHORT);
  await assert.rejects(film.wait({ timeoutSeconds: 0.2 }), WaitTimedOut);
  await film.cancel();
  await assert.rejects(film.wait(), FilmCancelled);
  await film.delete();
});

test("files of each kind become assets", { skip }, async () => {
  const client = new Kinora();
  const path = join(await mkdtemp(join(tmpdir(), "kinora-")), "me.png");
  await (await import("node:fs/promises")).writeFile(path, PICTURE);
  const sources = [path, new URL(`file://${path}`), new Uint8Array(PICTURE), new File([PICTURE], "me.png"), new Blob([PICTURE], { type: "image/png" })];
  for (const source of sources) {
    const asset = await client.assets.upload(source);
    assert.deepEqual([asset.status, asset.width, asset.height], ["READY", 64, 64]);
    assert.equal((await client.assets.upload(asset.id)).id, asset.id);
  }
  await assert.rejects(client.assets.upload(new TextEncoder().encode("no picture"), { name: "me.png" }), AssetRejected);
});

test("refusals have codes, suggestions and fields", { skip }, async () => {
  const client = new Kinora();
  await assert.rejects(client.films.create("a lake", { preset: "crash-zom-in" }), (error) => {
    assert.ok(isCode(error, "preset_not_found"));
    assert.equal(error.suggestions[0], "crash-zoom-in");
    assert.ok(error.requestId);
    return true;
  });
  await assert.rejects(client.films.create("a lake", { duration: 99 }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual(error.errors.map(({ field }) => field), ["settings.duration"]);
    return true;
  });
  await assert.rejects(new Kinora({ apiKey: "kin_wrong" }).jobs.list().all(), (error) => error instanceof ApiError && error.status === 401);
});

test("a list is read page by page", { skip }, async () => {
  const client = new Kinora();
  const names = ["p1", "p2", "p3"];
  for (const name of names) await client.projects.create(name);
  const found = (await client.projects.list({ limit: 1 }).all()).map(({ name }) => name);
  for (const name of names) assert.ok(found.includes(name));
  const engines = await client.pages("/api/engines").all();
  assert.ok(engines.length > 0);
  assert.equal((await client.request("get", "/api/health")).status, "ok");
});

test("stills, variants and quotes", { skip }, async () => {
  const client = new Kinora();
  const still = await (await client.films.still("a lake", SHORT)).wait();
  assert.equal((await (await still.approve()).wait()).job.originId, still.id);
  const variants = await client.films.variants("a lake", 2, SHORT);
  for (const film of variants) await film.wait();
  assert.equal(new Set(variants.map(({ job }) => job.seed)).size, 2);
  assert.equal((await client.films.quote("a lake", SHORT)).credits, variants[0]?.job.credits);
});
