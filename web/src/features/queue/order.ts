import type { Job } from "@/features/socket/events";

/** Return each job once: those that run first, then by their place in the queue, then by the time of their submit. */
export function order(jobs: readonly Job[]): Job[] {
  const known = new Map(jobs.map((job) => [job.id, job]));
  const place = ({ status, queuePosition }: Job) => (status === "RUNNING" ? 0 : (queuePosition ?? Number.MAX_SAFE_INTEGER));
  return [...known.values()].sort((a, b) => place(a) - place(b) || a.createdAt.localeCompare(b.createdAt));
}
