/** The curves of an asked and a measured path, each scaled into a lane of a plot. */
import type { Schemas } from "@/features/session/session";

export const LANES = ["right", "up", "zoom", "roll"] as const;
export type LaneName = (typeof LANES)[number];

// Changes up to these are no movement of the camera: frame widths, factors of 2, degrees.
const REST: Record<LaneName, number> = { right: 0.01, up: 0.01, zoom: 0.03, roll: 0.5 };

type MeasuredPath = Schemas["MeasuredPath"];
type Side = "asked" | "measured";

export interface Lane {
  name: LaneName;
  /** The points of each stretch: x is 0..1 of the film's time, y is -1..1. */
  asked: [number, number][][];
  measured: [number, number][][];
  /** The values farthest from the start, in the units of the API. */
  most: Record<Side, number>;
}

/** Return a lane for each axis that was asked for or measured. */
export function lanesOf(paths: readonly MeasuredPath[]): Lane[] {
  return LANES.flatMap((name) => {
    const height = (value: number) => (name === "zoom" ? Math.log2(value) : value);
    const values = (side: Side) => paths.flatMap((path) => path[side][name]);
    const most = (side: Side) => values(side).reduce((one, other) => (Math.abs(height(other)) > Math.abs(height(one)) ? other : one));
    const top = Math.max(...(["asked", "measured"] as const).flatMap(values).map((value) => Math.abs(height(value))));
    if (!paths.length || top <= REST[name]) return [];
    const points = (side: Side) => paths.map(({ at, [side]: path }) => at.map((x, index): [number, number] => [x, height(path[name][index] ?? Number.NaN) / top]));
    return [{ name, asked: points("asked"), measured: points("measured"), most: { asked: most("asked"), measured: most("measured") } }];
  });
}
