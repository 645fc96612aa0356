import { describe, expect, it } from "vitest";
import { CameraPath, type Move } from "@/features/camera/move";
import { aimed, coverOf, halves, rayOf, viewOf } from "@/features/camera/view";
import moves from "@/generated/moves.json";
import paths from "./paths.json";

const close = (a: number | null, b: number | null) => a === b || (a !== null && b !== null && Math.abs(a - b) < 3e-5);

describe("The camera of the page has the poses and rays of the renderer's", () => {
  it.each(paths.map((path, index) => ({ ...path, index })))("path $index", ({ move, loop, fps, frames }) => {
    const poses = new CameraPath(move as Move).film(frames.length, fps, loop);
    poses.forEach((pose, index) => {
      const { start, slope } = rayOf(viewOf(pose), 1.2, 0.5, -0.3);
      const { truck, pedestal, dolly, pan, tilt, roll, zoom, focus, shake, fisheye } = pose;
      const found = [truck, pedestal, dolly, pan, tilt, roll, zoom, focus, shake, fisheye, ...start, ...slope];
      const wanted = frames[index] as (number | null)[];
      const differs = found.filter((value, n) => !close(value, wanted[n] ?? null));
      expect(differs, `frame ${index}`).toEqual([]);
    });
  });
});

it("The base zoom hides the picture's borders in each move", () => {
  const { frame, picture } = halves(16 / 9, 3 / 2);
  for (const [id, move] of Object.entries(moves)) {
    const views = new CameraPath(move as Move).film(12, 24).map(viewOf);
    expect(coverOf(aimed(views, frame, picture, [0.7, 0.3]), frame, picture), id).toBeLessThan(2.5);
  }
});
