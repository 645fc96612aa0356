// The program of a stranger, with types that openapi-typescript generates: a film, and twelve refusals.
// `node client.ts API_URL EMAIL OUTBOX_URL` prints the status and the code of each refusal as JSON.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.ts";

type Problem = components["schemas"]["Problem"];
const [baseUrl, email, outbox] = process.argv.slice(2) as [string, string, string];
const password = "correct horse battery";
const anybody = createClient<paths>({ baseUrl });

await anybody.POST("/api/auth/register", { body: { email, password } });
const messages = (await (await fetch(outbox)).json()) as { to: string[]; html: string }[];
const token = messages.find(({ to }) => to.includes(email))?.html.match(/#token=([^"]+)/)?.[1] ?? "";
await anybody.POST("/api/auth/verify-email", { body: { token } });
const session = await anybody.POST("/api/auth/login", { body: { email, password } });
if (!session.data) throw new Error(session.error.detail);
const ada = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${session.data.accessToken}` } });

const project = await ada.POST("/api/projects", { body: { name: "Harbour" } });
if (!project.data) throw new Error(project.error.detail);
const projectId = project.data.id;
const wanted: components["schemas"]["JobCreate"] = {
  projectId,
  prompt: "a lighthouse at dusk",
  settings: { duration: 1, resolution: "480p" },
};
const create = (changed: Partial<typeof wanted>, key?: string) =>
  ada.POST("/api/jobs", {
    body: { ...wanted, ...changed },
    params: { header: key === undefined ? {} : { "idempotency-key": key } },
  });
const first = await create({}, "one");
if (!first.data) throw new Error(first.error.detail);
const jobId = first.data.id;
const path = { params: { path: { job_id: jobId } } };
let job = first.data;
for (let seconds = 0; job.status !== "COMPLETED"; seconds += 0.5) {
  if (job.status === "FAILED" || seconds > 180) throw new Error(`the job is ${job.status}: ${job.error}`);
  await new Promise((done) => setTimeout(done, 500));
  const shown = await ada.GET("/api/jobs/{job_id}", path);
  if (!shown.data) throw new Error(shown.error.detail);
  job = shown.data;
}
const film = await fetch(job.videoUrl ?? "");
if (!film.ok || !(await film.blob()).size) throw new Error("the film does not open"); // an unread body keeps node running

const held: string[] = [];
let last = await create({ settings: { duration: 5, resolution: "4k" } });
while (last.data) {
  held.push(last.data.id);
  last = await create({ settings: { duration: 5, resolution: "4k" } });
}
for (const job_id of held) {
  await ada.POST("/api/jobs/{job_id}/cancel", { params: { path: { job_id } } }); // else the next film waits for them
}
const answers: Record<string, { error?: Problem; response: Response }> = {
  "listProjects without a token": await anybody.GET("/api/projects"),
  "login with a wrong password": await anybody.POST("/api/auth/login", { body: { email, password: "something else" } }),
  "refresh from another site": await anybody.POST("/api/auth/refresh"),
  "createJob without credits": last,
  "createJob in an unknown project": await create({ projectId: "prj_none" }),
  "createJob with an unknown preset": await create({ presetId: "none" }),
  "createJob with an empty prompt": await create({ prompt: "" }),
  "createJob with another body under one key": await create({ prompt: "a harbour" }, "one"),
  "getJob of nobody": await ada.GET("/api/jobs/{job_id}", { params: { path: { job_id: "job_none" } } }),
  "cancelJob of a finished job": await ada.POST("/api/jobs/{job_id}/cancel", path),
  "deleteProject with a job": await ada.DELETE("/api/projects/{project_id}", {
    params: { path: { project_id: projectId } },
  }),
  "uploadAsset of 100 GB": await ada.POST("/api/assets/upload", {
    body: { name: "me.png", type: "IMAGE", contentType: "image/png", size: 1e11 },
  }),
};
console.log(
  JSON.stringify(
    Object.fromEntries(Object.entries(answers).map(([name, one]) => [name, [one.response.status, one.error?.code]])),
  ),
);
