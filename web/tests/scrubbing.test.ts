import { expect, it } from "vitest";
import { spriteAt, spritesOf } from "@/features/jobs/scrubbing";
import { titleOf } from "@/features/jobs/share";

const TRACK = "WEBVTT\n\n00:00:00.000 --> 00:00:00.500\n/media/a.jpg?s=1#xywh=0,0,160,90\n\n00:00:00.500 --> 00:00:01.000\n/media/a.jpg?s=1#xywh=160,0,160,90\n";

it("The small frame at a time is the one that begins last before it", () => {
  const sprites = spritesOf(TRACK);
  expect(sprites[1]).toEqual({ from: 0.5, url: "/media/a.jpg?s=1", x: 160, y: 0, width: 160, height: 90 });
  expect(spriteAt(sprites, 0.7)?.x).toBe(160);
  expect(spriteAt(sprites, 0.2)?.x).toBe(0);
  expect(spriteAt([], 1)).toBeUndefined();
});

it("The title of a link has no line breaks, no marks of direction, and at most 120 characters", () => {
  expect(titleOf("a lake\n\u202eat night")).toBe("a lake at night");
  expect(Array.from(titleOf("😀".repeat(200)))).toHaveLength(120);
});
