import { describe, expect, it } from "vitest";
import { applied, endsJob, eventOf, type Job, type JobEvent } from "@/features/socket/events";

const job = {
  id: "job_1",
  seq: 4,
  status: "RUNNING",
  progress: 10,
  currentStep: "IMAGE_GENERATION",
  previewUrl: "/a.jpg",
  steps: [
    { id: "s1", stepType: "IMAGE_GENERATION", status: "RUNNING", progress: 10, resultUrl: null },
    { id: "s2", stepType: "VIDEO_SYNTHESIS", status: "PENDING", progress: 0, resultUrl: null },
  ],
} as unknown as Job;

const progress = (seq: number, more: object = {}) =>
  ({ type: "job.progress", jobId: "job_1", seq, progress: 50, currentStep: "VIDEO_SYNTHESIS", status: "RUNNING", ...more }) as JobEvent;

describe("An event of the socket", () => {
  it("changes the job if its seq is higher", () => {
    expect(applied(job, progress(5))).toMatchObject({ seq: 5, progress: 50, currentStep: "VIDEO_SYNTHESIS", previewUrl: "/a.jpg" });
  });

  it.each([3, 4])("with the seq %i, which is not higher, changes nothing", (seq) => {
    expect(applied(job, progress(seq))).toBe(job);
  });

  it("does not undo a newer state with an older snapshot", () => {
    const snapshot = { type: "job.snapshot", jobId: "job_1", seq: 2, job: { ...job, seq: 2, progress: 1 } } as unknown as JobEvent;
    expect(applied(job, snapshot)).toBe(job);
  });

  it("completes a step", () => {
    const event = { type: "step.completed", jobId: "job_1", seq: 5, stepId: "s1", stepType: "IMAGE_GENERATION", resultUrl: "/r.jpg" };
    const next = applied(job, event as JobEvent);
    expect(next?.steps[0]).toMatchObject({ status: "COMPLETED", resultUrl: "/r.jpg" });
  });

  it("ends the job if it says so", () => {
    expect(endsJob(progress(5))).toBe(false);
    expect(endsJob(progress(5, { status: "CANCELLED" }))).toBe(true);
  });

  it("is no answer to a ping, and no error", () => {
    expect(eventOf('{"type":"pong"}')).toBeNull();
    expect(eventOf('{"type":"error","code":"job_not_found"}')).toBeNull();
  });
});
