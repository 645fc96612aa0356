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
  shiftRight: number; // shift of the lens, in units of the frame
  shiftUp: number;
  bulge: number;
}

/** Half the width and half the height of a frame or a picture. The unit is half the geometric mean of the frame's sides. */
export interface Half {
  across: number;
  down: number;
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
    shiftRight: 0,
    shiftUp: 0,
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
  const zoom = view.focal * cover;
  return times(direction(view), [[1, 0, view.shiftRight * zoom], [0, 1, -view.shiftUp * zoom], [0, 0, FOCAL * zoom]]);
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

/** Return the halves of the frame, and of a picture from which the frame is cropped. The arguments are width / height. */
export function halves(frame: number, picture: number): { frame: Half; picture: Half } {
  const [across, down] = [Math.sqrt(frame), 1 / Math.sqrt(frame)];
  return {
    frame: { across, down },
    picture: picture >= frame ? { across: down * picture, down } : { across, down: across / picture },
  };
}

/** Return the views of a camera that zooms and dollies about the focal point, in fractions of the picture's sides. */
export function aimed(views: readonly View[], frame: Half, picture: Half, focalPoint: readonly [number, number]): View[] {
  const growth = views.map(({ focal, forward }) => focal / (1 - Math.min(forward, DOLLY) * (FAR + (1 - FAR) / 2)));
  const grown = Math.max(...growth) / Math.min(...growth);
  const widest = Math.min(...views.map(({ focal }) => focal));
  const within = (value: number, most: number) => Math.max(-most, Math.min(value, most));
  const along = (at: number, half: number, side: number) => {
    const crop = within(at * half - within(at * half, side / 3), Math.max(half - side, 0));
    const placed = at * half - crop;
    const held = placed + (placed - within(placed, side / 3)) / Math.max(grown - 1, 1e-3);
    return { point: crop + within(held, side), middle: crop };
  };
  const right = along(2 * focalPoint[0] - 1, picture.across, frame.across);
  const up = along(1 - 2 * focalPoint[1], picture.down, frame.down);
  return views.map((view) => {
    const zoomed = 1 - widest / view.focal;
    return {
      ...view,
      right: view.right + (view.forward * right.point) / FOCAL,
      up: view.up + (view.forward * up.point) / FOCAL,
      shiftRight: right.middle + (right.point - right.middle) * zoomed,
      shiftUp: up.middle + (up.point - up.middle) * zoomed,
    };
  });
}

/** Return the smallest base zoom, 1..2.5, at which no view looks past the borders of the picture. */
export function coverOf(views: readonly View[], frame: Half, picture: Half): number {
  const points = [-1, -0.5, 0, 0.5, 1].flatMap((k) => [[k, -1], [k, 1], [-1, k], [1, k]] as const);
  const fills = (cover: number) =>
    views.every((view) =>
      points.every(([x, y]) => {
        const { start, slope } = rayOf(view, cover, x * frame.across, y * frame.down);
        const seen = (d: number) => [Math.abs(start[0] + d * slope[0]), Math.abs(start[1] + d * slope[1])] as const;
        return [FAR, 1].map(seen).every(([x, y]) => x <= picture.across + 1e-4 && y <= picture.down + 1e-4);
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
