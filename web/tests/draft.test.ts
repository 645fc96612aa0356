import { describe, expect, it } from "vitest";
import { canBeStill, draftOf, EMPTY, type History, jobOf, reduce } from "@/features/editor/draft";
import type { Schemas } from "@/features/session/session";
import { contentType, refusal } from "@/features/uploads/upload";
import { pieces } from "@/features/prompt/prompt-field";
import { found } from "@/features/presets/catalogue";

const start: History = { past: [], draft: EMPTY, future: [], last: { field: "", at: 0 } };

describe("The draft", () => {
  it("joins the letters of one word into one step back", () => {
    const typed = [..."sea"].reduce((history, _, index) => reduce(history, { change: { prompt: "sea".slice(0, index + 1) }, at: 5000 + index * 100 }), start);
    expect(typed.draft.prompt).toBe("sea");
    expect(reduce(typed, "undo").draft.prompt).toBe("");
    expect(reduce(reduce(typed, "undo"), "redo").draft.prompt).toBe("sea");
  });

  it("keeps changes of two fields as two steps", () => {
    const one = reduce(start, { change: { fps: 30 }, at: 1 });
    expect(reduce(reduce(one, { change: { loop: true }, at: 2 }), "undo").draft).toEqual({ ...EMPTY, fps: 30 });
  });

  it("sends no style with an own picture, because the API refuses it", () => {
    const draft = { ...EMPTY, prompt: " a lake ", style: "oil" };
    expect(jobOf(draft, "prj_1")).toMatchObject({ prompt: "a lake", settings: { style: "oil" } });
    const own = jobOf({ ...draft, pictures: [{ assetId: "ast_1", name: "" }] }, "prj_1");
    expect(own.settings).not.toHaveProperty("style");
    expect(own.inputs).toEqual([{ role: "picture", assetId: "ast_1" }]);
  });

  it("sends clip, sound and captions with their roles, and what the API refuses beside a clip is left out", () => {
    const file = (assetId: string) => ({ assetId, name: "" });
    const draft = { ...EMPTY, tier: "still" as const, driving: file("ast_1"), transfer: "exact" as const, audio: file("ast_2"), captions: file("ast_3"), engines: { VIDEO_SYNTHESIS: "fal-kling" } };
    const job = jobOf(draft, "prj_1");
    expect(job.inputs).toEqual([{ role: "driving", assetId: "ast_1" }, { role: "audio", assetId: "ast_2" }, { role: "captions", assetId: "ast_3" }]);
    expect(job.settings).toMatchObject({ transfer: "exact" });
    expect(job.settings).not.toHaveProperty("engines");
    expect(job).not.toHaveProperty("until");
    expect(canBeStill(draft)).toBe(false);
    const made = { ...job, seed: 1, settings: { ...job.settings, engines: {} } } as unknown as Schemas["JobView"];
    expect(draftOf(made)).toMatchObject({ driving: draft.driving, transfer: "exact", audio: draft.audio, captions: draft.captions });
    expect(jobOf(EMPTY, "prj_1").settings).not.toHaveProperty("transfer");
  });

  it("sends what follows a missed move only if it is not the default", () => {
    expect(jobOf(EMPTY, "prj_1").settings).not.toHaveProperty("onMissedMove");
    const job = jobOf({ ...EMPTY, missed: "repeat" }, "prj_1");
    expect(job.settings).toMatchObject({ onMissedMove: "repeat" });
    const made = { ...job, seed: 1, settings: { ...job.settings, operations: [], engines: {} } } as unknown as Schemas["JobView"];
    expect(draftOf(made).missed).toBe("repeat");
  });
});

describe("A file", () => {
  it.each([
    ["image/png", 10, null],
    ["text/plain", 10, "upload.type.IMAGE"],
    ["image/svg+xml", 10, "upload.type.IMAGE"],
    ["image/png", 0, "upload.empty"],
    ["image/png", 300_000_000, "upload.size"],
  ])("of the type %s with %i bytes", (type, size, expected) => {
    expect(refusal({ name: "file", type, size }, "IMAGE")).toBe(expected);
  });

  it("whose type the browser does not know is recognized by its ending", () => {
    expect(contentType({ name: "Film.SRT", type: "" }, "OTHER")).toBe("application/x-subrip");
    expect(contentType({ name: "take", type: "video/webm;codecs=vp9" }, "VIDEO")).toBe("video/webm");
    expect(contentType({ name: "song.mp3", type: "audio/mpeg" }, "VIDEO")).toBeUndefined();
  });
});

it("Marks of a prompt lose no letter", () => {
  const phrase = { text: "lake", start: 2, end: 6, known: true, meanings: ["place/lake"], negated: false, near: null };
  expect(pieces("a lake!", [phrase]).map(({ text, mark }) => [text, mark])).toEqual([["a ", ""], ["lake", "known"], ["!", ""]]);
});

it("The search finds moves by all words", () => {
  const entries = [
    { id: "a", name: "Dolly in", description: "moves forward", category: "dolly" },
    { id: "b", name: "Orbit left", description: "circles", category: "orbit" },
  ];
  expect(found(entries, { category: "all", search: "in forward" }).map(({ id }) => id)).toEqual(["a"]);
  expect(found(entries, { category: "favourites", search: "" }, new Set(["b"])).map(({ id }) => id)).toEqual(["b"]);
});
