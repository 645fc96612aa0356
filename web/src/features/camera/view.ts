/** Physical units of a pose, and the rays of its camera. A port of `shared/camera/lowerings.py` and `workers/motion/projection.py`. */
import type { Pose } from "./move";

export const FOCAL = 2;
export const FAR = 0.08; // inverse distance of the farthest objects; the nearest have 1
const [TRUCK, PEDESTAL, DOLLY, PAN, TILT, ROLL, BULGE] = [0.12, 0.1, 0.3, 0.15, 0.1, 0.21, 0.7] as const;

export interface View {
  right: number; // translation, in distances to the nearest object
  up: number;
  forward: number;
  pan: number; // radians
  tilt: number;
  roll: number;
  focal: number;
  bulge: number;
}

export function viewOf(pose: Pose): View {
  return {
    right: TRUCK * pose.truck,
    up: PEDESTAL * pose.pedestal,
    forward: DOLLY * pose.dolly,
    pan: PAN * pose.pan,
    tilt: TILT * pose.tilt,
    roll: ROLL * pose.roll,
    focal: pose.zoom,
    bulge: BULGE * pose.fisheye,
  };
}

type Row = readonly [number, number, number];
export type Matrix = readonly [Row, Row, Row];

function times(a: Matrix, b: Matrix): Matrix {
  const cell = (row: Row, column: 0 | 1 | 2) => row[0] * b[0][column] + row[1] * b[1][column] + row[2] * b[2][column];
  const line = (row: Row): Row => [cell(row, 0), cell(row, 1), cell(row, 2)];
  return [line(a[0]), line(a[1]), line(a[2])];
}

/** Return the rotation from the camera's axes to the picture's: x right, y down, z forward. */
export function direction({ pan, tilt, roll }: View): Matrix {
  const [c, s] = [Math.cos, Math.sin];
  const panned: Matrix = [[c(pan), 0, s(pan)], [0, 1, 0], [-s(pan), 0, c(pan)]];
  const tilted: Matrix = [[1, 0, 0], [0, c(tilt), -s(tilt)], [0, s(tilt), c(tilt)]];
  const rolled: Matrix = [[c(roll), -s(roll), 0], [s(roll), c(roll), 0], [0, 0, 1]];
  return times(times(panned, tilted), rolled);
}

/** Return the matrix that maps a point of the frame (x, y, 1), in units, to the direction of its ray. */
export function rayMatrix(view: View, cover: number): Matrix {
  return times(direction(view), [[1, 0, 0], [0, 1, 0], [0, 0, FOCAL * view.focal * cover]]);
}

export interface Ray {
  start: readonly [number, number];
  slope: readonly [number, number];
}

/** Return the ray of the frame's point: the picture's point at inverse distance `d` is start + d * slope. */
export function rayOf(view: View, cover: number, x: number, y: number): Ray {
  const shrunk = (1 + (view.bulge / 2) * (x * x + y * y)) / (1 + view.bulge);
  const [across, down, ahead] = rayMatrix(view, cover).map((row) => row[0] * x * shrunk + row[1] * y * shrunk + row[2]) as unknown as Row;
  const far = Math.max(ahead, 0.2 * FOCAL) / FOCAL;
  const start = [across / far, down / far] as const;
  return { start, slope: [FOCAL * view.right - start[0] * view.forward, -FOCAL * view.up - start[1] * view.forward] };
}

/** Return the smallest base zoom, 1..2.5, at which no view looks past the borders of a picture in the frame's shape. */
export function coverOf(views: readonly View[], across: number, down: number): number {
  const points = [-1, -0.5, 0, 0.5, 1].flatMap((k) => [[k, -1], [k, 1], [-1, k], [1, k]] as const);
  const fills = (cover: number) =>
    views.every((view) =>
      points.every(([x, y]) => {
        const { start, slope } = rayOf(view, cover, x * across, y * down);
        return [FAR, 1].every((d) => Math.abs(start[0] + d * slope[0]) <= across + 1e-4 && Math.abs(start[1] + d * slope[1]) <= down + 1e-4);
      }),
    );
  let [low, high] = [1, 2.5];
  if (fills(low)) return low;
  while (high - low > 0.005) {
    const middle = (low + high) / 2;
    [low, high] = fills(middle) ? [low, middle] : [middle, high];
  }
  return high;
}
