/** The filters of the films. They are in the page's address, so a reload and a shared link keep them. */
import { ENDED, type Job } from "@/features/socket/events";

export interface Filters {
  project: string;
  status: Job["status"] | "";
  text: string;
  since: string; // days, as 2026-05-31
  until: string;
}

export const EVERYTHING: Filters = { project: "", status: "", text: "", since: "", until: "" };
export const STATUSES = ["PENDING", "QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"] as const;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Return the filters of an address's search. What is no filter is left out. */
export function filtersOf(search: string): Filters {
  const given = new URLSearchParams(search);
  const text = (name: keyof Filters) => given.get(name) ?? "";
  const day = (name: "since" | "until") => (DAY.test(text(name)) ? text(name) : "");
  return {
    project: /^[\w-]{1,64}$/.test(text("project")) ? text("project") : "",
    status: STATUSES.find((one) => one === text("status")) ?? "",
    text: text("text").slice(0, 100),
    since: day("since"),
    until: day("until"),
  };
}

/** Return the address's search that has these filters. */
export function searchOf(filters: Filters): string {
  const search = new URLSearchParams(Object.entries(filters).filter(([, value]) => value)).toString();
  return search ? `?${search}` : "";
}

/** Return the API's parameters. The days are those of this browser, and the last one belongs to the period. */
export function queryOf({ project, status, text, since, until }: Filters) {
  const end = until ? new Date(`${until}T00:00`) : null;
  end?.setDate(end.getDate() + 1);
  return {
    ...(project && { projectId: project }),
    ...(status && { status }),
    ...(text.trim() && { text: text.trim() }),
    ...(since && { createdAfter: new Date(`${since}T00:00`).toISOString() }),
    ...(end && { createdBefore: end.toISOString() }),
  };
}

/** Return the films that a deletion may include: those that have ended. */
export function deletable(films: readonly Job[], chosen: ReadonlySet<string>): string[] {
  return films.filter(({ id, status }) => chosen.has(id) && ENDED.has(status)).map(({ id }) => id);
}

/** Call `work` for each item, at most `most` at a time. Return the errors. */
export async function each<Item>(items: readonly Item[], most: number, work: (item: Item) => Promise<unknown>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const waiting = [...items];
  const run = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item).catch((error: unknown) => errors.push(error));
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, run));
  return errors;
}
