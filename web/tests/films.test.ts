import { expect, it } from "vitest";
import { wholePeriod } from "@/features/billing/chart";
import { deletable, each, EVERYTHING, filtersOf, queryOf, searchOf } from "@/features/films/filters";
import { order } from "@/features/queue/order";
import type { Job } from "@/features/socket/events";
import { bytes } from "@/features/text/bytes";

const job = (id: string, part: Partial<Job> = {}) => ({ id, status: "COMPLETED", queuePosition: null, createdAt: "2026-05-31T10:00:00Z", ...part }) as Job;

it("The filters of an address are those that it was made of", () => {
  const filters = { project: "prj_1", status: "FAILED", text: "a lake & more", since: "2026-05-01", until: "2026-05-31" } as const;
  expect(filtersOf(searchOf(filters))).toEqual(filters);
  expect(searchOf(EVERYTHING)).toBe("");
});

it("What is no filter is left out of the request", () => {
  const filters = filtersOf("?project=<script>&status=NONE&since=tomorrow&text=%20");
  expect(queryOf(filters)).toEqual({});
});

it("The last day belongs to the period", () => {
  const { createdAfter, createdBefore } = queryOf({ ...EVERYTHING, since: "2026-05-31", until: "2026-05-31" });
  expect(Date.parse(createdBefore ?? "") - Date.parse(createdAfter ?? "")).toBe(24 * 3600 * 1000);
});

it("A film that is being made is not deleted", () => {
  const films = [job("a"), job("b", { status: "RUNNING" }), job("c", { status: "FAILED" })];
  expect(deletable(films, new Set(["a", "b", "c"]))).toEqual(["a", "c"]);
});

it("All items are worked on, a few at a time, and errors stop nothing", async () => {
  let running = 0;
  let most = 0;
  const errors = await each([1, 2, 3, 4, 5], 2, async (item) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    if (item === 2) throw new Error("refused");
  });
  expect([most, errors.map(String)]).toEqual([2, ["Error: refused"]]);
});

it("The queue shows each film once: what runs, then by place, then by time", () => {
  const jobs = [
    job("late", { status: "PENDING", createdAt: "2026-05-31T11:00:00Z" }),
    job("second", { status: "QUEUED", queuePosition: 2 }),
    job("runs", { status: "RUNNING" }),
    job("first", { status: "QUEUED", queuePosition: 1 }),
    job("runs", { status: "RUNNING" }),
  ];
  expect(order(jobs).map(({ id }) => id)).toEqual(["runs", "first", "second", "late"]);
});

it("A day without use is in the chart, as nothing", () => {
  const days = wholePeriod([{ date: "2026-03-01", value: 7 }], new Date("2026-03-02T23:30:00Z"), 4);
  expect(days.map(({ date, value }) => [date, value])).toEqual([["2026-02-27", 0], ["2026-02-28", 0], ["2026-03-01", 7], ["2026-03-02", 0]]);
});

it.each([[0, "0 byte"], [999, "999 byte"], [5e9, "5 GB"], [1.54e6, "1.5 MB"]])("%d bytes are %s", (size, text) => {
  expect(bytes(size, (value, options) => new Intl.NumberFormat("en", options).format(value))).toBe(text);
});
