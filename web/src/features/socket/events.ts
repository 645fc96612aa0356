/** The rules of the socket's events, without the socket: a newer event changes the job, an older one is dropped. */
import type { components } from "@/generated/events";
import type { Schemas } from "@/features/session/session";

type Messages = components["schemas"];
export type Job = Schemas["JobView"];
export type JobEvent =
  | Messages["JobSnapshot"]
  | Messages["JobProgress"]
  | Messages["StepCompleted"]
  | Messages["JobCompleted"]
  | Messages["JobFailed"];

export const ENDED: ReadonlySet<Job["status"]> = new Set(["COMPLETED", "FAILED", "CANCELLED"]);

/** Return the event of a message, or null for an answer that is about no job. */
export function eventOf(message: string): JobEvent | null {
  const parsed = JSON.parse(message) as { type?: string };
  return parsed.type?.startsWith("job.") || parsed.type?.startsWith("step.") ? (parsed as JobEvent) : null;
}

/** Return whether the film's files must be read again over REST: an event names only two of them. */
export function endsJob(event: JobEvent): boolean {
  return event.type === "job.completed" || event.type === "job.failed" || ENDED.has(statusOf(event) ?? "RUNNING");
}

function statusOf(event: JobEvent): Job["status"] | undefined {
  if (event.type === "job.snapshot") return event.job.status;
  return event.type === "job.progress" ? event.status : undefined;
}

/** Return the job after the event. An event whose `seq` is not higher changes nothing. */
export function applied(job: Job | undefined, event: JobEvent): Job | undefined {
  if (event.type === "job.snapshot") {
    return !job || event.seq >= job.seq ? ({ ...job, ...event.job } as Job) : job;
  }
  if (!job || event.seq <= job.seq) return job;
  const next = { ...job, seq: event.seq };
  switch (event.type) {
    case "job.progress":
      return {
        ...next,
        status: event.status,
        progress: event.progress,
        currentStep: event.currentStep,
        previewUrl: event.previewUrl ?? job.previewUrl,
        steps: job.steps.map((step) => {
          const runs = step.stepType === event.currentStep && step.status !== "COMPLETED";
          return runs ? { ...step, status: "RUNNING" } : step;
        }),
      };
    case "step.completed":
      return {
        ...next,
        steps: job.steps.map((step) =>
          step.stepType === event.stepType
            ? { ...step, status: "COMPLETED", progress: 100, resultUrl: event.resultUrl ?? step.resultUrl }
            : step,
        ),
      };
    case "job.completed":
      return { ...next, status: "COMPLETED", progress: 100, videoUrl: event.videoUrl, thumbnailUrl: event.thumbnailUrl };
    case "job.failed":
      return { ...next, status: "FAILED", error: event.error };
  }
}
