import { expect, it } from "vitest";
import { used } from "@/features/moves/axes";
import { moved, STILL, withFrame } from "@/features/moves/curve";
import { faults, newForm } from "@/features/moves/form";

const frames = [{ ...STILL, at: 0 }, { ...STILL, at: 0.5, zoom: 2 }, { ...STILL, at: 1, zoom: 2, pan: 0.4 }];

it("A new keyframe lies on the curve, so that the move stays as it was", () => {
  const [, added] = withFrame(frames, "linear", 0.25);
  expect(added).toMatchObject({ at: 0.25, zoom: 1.414, pan: 0, focus: null });
});

it("At the time of a keyframe there is no second one, and 32 are the most", () => {
  expect(withFrame(frames, "linear", 0.501)).toHaveLength(3);
  const many = Array.from({ length: 32 }, (_, index) => ({ ...STILL, at: index / 31 }));
  expect(withFrame(many, "linear", 0.01)).toHaveLength(32);
});

it("A moved point stays between its neighbours and within its axis", () => {
  expect(moved(frames, 1, "zoom", 3, 9)[1]).toMatchObject({ at: 0.995, zoom: 4 });
  expect(moved(frames, 0, "pan", -1, -2)[0]).toMatchObject({ at: 0, pan: -1 });
});

it("The used axes are those that leave the still camera", () => {
  expect(used(frames)).toEqual(["pan", "zoom"]);
  expect(used([{ ...STILL, at: 0, focus: 0 }])).toEqual(["focus"]);
});

it("Keyframes out of order are a fault, and a new move has none", () => {
  expect(faults(newForm().config.keyframes)).toBeNull();
  expect(faults([...frames].reverse())).toBe("order");
  expect(faults([])).toBe("none");
});
