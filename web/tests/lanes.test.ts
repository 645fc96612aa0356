import { expect, it } from "vitest";
import { lanesOf } from "@/features/camera/lanes";

const still = { right: [0, 0], up: [0, 0], zoom: [1, 1], roll: [0, 0] };

it("An axis that was measured and not asked for has a lane, in the scale of both", () => {
  const [lane, ...others] = lanesOf([{ at: [0, 1], asked: still, measured: { ...still, right: [0, -0.2] } }]);
  expect(others).toEqual([]);
  expect(lane).toMatchObject({ name: "right", asked: [[[0, 0], [1, 0]]], measured: [[[0, 0], [1, -1]]], most: { asked: 0, measured: -0.2 } });
});

it("Zooms are compared by their factors, and each stretch is a line of its own", () => {
  const zoom = (...values: number[]) => ({ ...still, zoom: values });
  const [lane] = lanesOf([
    { at: [0, 0.4], asked: zoom(1, 4), measured: zoom(1, 2) },
    { at: [0.6, 1], asked: zoom(1, 1), measured: zoom(1, 1) },
  ]);
  expect(lane).toMatchObject({ name: "zoom", measured: [[[0, 0], [0.4, 0.5]], [[0.6, 0], [1, 0]]], most: { asked: 4, measured: 2 } });
});

it("A camera that rests, or was not measured, has no lane", () => {
  expect(lanesOf([{ at: [0, 1], asked: still, measured: { ...still, roll: [0, 0.2] } }])).toEqual([]);
  expect(lanesOf([])).toEqual([]);
});
