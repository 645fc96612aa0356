import { expect, signIn, test } from "./studio";

const JOBS = ["job_1", "job_2", "job_3", "job_4"];
const [EVENTS, EVERY_MILLISECONDS] = [40, 100]; // of each job: ten times as often as a worker reports

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  tdur?: number; // microseconds of the processor
  args: { name?: string };
}

test("While four jobs report progress, no task of the page takes more than 50 ms", async ({ page, browser }) => {
  const listed = (id: string) => ({
    id, projectId: "prj_1", status: "RUNNING", progress: 0, currentStep: "VIDEO_SYNTHESIS", prompt: `Film of ${id}`, presetId: "dolly-in", credits: 4, steps: [], seq: 1,
    createdAt: "2026-05-31T10:00:00Z", thumbnailUrl: null, imageUrl: null, previewUrl: null, queuePosition: null, estimatedEndAt: null,
  });
  await page.route(/\/api\/jobs\?/, (route) => {
    const running = new URL(route.request().url()).searchParams.get("status") === "RUNNING";
    return route.fulfill({ json: { data: running ? JOBS.map(listed) : [], hasMore: false, nextCursor: null, searched: null, complete: null } });
  });
  await page.route(/\/api\/jobs\/job_\d$/, (route) => route.fulfill({ json: listed(route.request().url().split("/").at(-1) ?? "") }));
  let report: (event: number) => void = () => undefined;
  const subscribed = new Set<string>();
  await page.routeWebSocket(/\/ws/, (socket) => {
    socket.onMessage((message) => {
      const { type, channel } = JSON.parse(String(message)) as { type: string; channel: string };
      if (type === "subscribe") subscribed.add(channel);
    });
    report = (event) => {
      for (const jobId of JOBS) {
        const previewUrl = `/presets/${event % 2 ? "dolly-in" : "orbit-left"}.jpg?${event}-${jobId}`; // each event has a new preview
        socket.send(JSON.stringify({ type: "job.progress", jobId, seq: 2 + event, progress: Math.round((100 * event) / EVENTS), currentStep: "VIDEO_SYNTHESIS", status: "RUNNING", previewUrl }));
      }
    };
  });
  await signIn(page, "/queue");
  await expect.poll(() => subscribed.size).toBe(JOBS.length);
  await page.waitForLoadState("networkidle");
  // Processor time, which on an idle machine is the time of the clock: another program does not make a task longer.
  await browser.startTracing(page, { categories: ["disabled-by-default-devtools.timeline"] });
  for (let event = 0; event < EVENTS; event++) {
    report(event);
    await page.waitForTimeout(EVERY_MILLISECONDS);
  }
  await expect(page.getByText("98 %")).toHaveCount(JOBS.length); // all events were drawn
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const main = traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain").map(({ pid, tid }) => `${pid}/${tid}`);
  const tasks = traceEvents.filter(({ name, pid, tid }) => name === "RunTask" && main.includes(`${pid}/${tid}`)).map(({ tdur = 0 }) => tdur / 1000);
  console.log(`The longest of ${tasks.length} tasks takes ${Math.max(...tasks)} ms`);
  expect(tasks.length).toBeGreaterThan(EVENTS);
  expect(Math.max(...tasks)).toBeLessThanOrEqual(50);
});
