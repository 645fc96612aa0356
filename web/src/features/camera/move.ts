/**
 * A camera move as data, and the poses of its path. A port of `shared/camera/move.py` and `workers/renderer/path.py`,
 * which give the units; `tests/paths.json` holds paths that the renderer follows.
 */

export const AXES = ["truck", "pedestal", "dolly", "pan", "tilt", "roll"] as const;
export type Axis = (typeof AXES)[number];
export type Easing = "linear" | "ease_in" | "ease_out" | "ease_in_out" | "crash" | "glide";

export interface Pose extends Record<Axis, number> {
  zoom: number;
  focus: number | null;
  shake: number;
  fisheye: number;
}

export type Keyframe = Partial<Pose> & { at: number };

/** A move as the API writes it. Fields that have their default may be absent. */
export interface Move {
  keyframes: readonly Keyframe[];
  easing?: Easing;
  strength?: number;
  stacked?: { move: Move; weight?: number } | null;
}

const STILL: Pose = { truck: 0, pedestal: 0, dolly: 0, pan: 0, tilt: 0, roll: 0, zoom: 1, focus: null, shake: 0, fisheye: 0 };
const SAMPLES = 60; // intervals at which a pair of moves is sampled to find the maximum of each axis
const RAMP = 0.3; // part of an open glide's time in which it speeds up; in an equal part it slows down
const TREMOR = [[0.9, 0], [1.7, 2.1], [3.1, 4.4]] as const;

type Eased = (t: number) => number;
const EASINGS: Record<Easing, Eased> = {
  linear: (t) => t,
  glide: (t) => t,
  ease_in: (t) => t ** 3,
  ease_out: (t) => 1 - (1 - t) ** 3,
  ease_in_out: (t) => t * t * t * (t * (6 * t - 15) + 10),
  crash: (t) => t ** 6 / (t ** 6 + (1.35 * (1 - t)) ** 6),
};

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);
const mix = (x: number, y: number, amount: number) => x + (y - x) * amount;
const at = <Item>(items: readonly Item[], index: number): Item => items.at(index) as Item;

function poseOf({ at: _, ...set }: Keyframe): Pose {
  return { ...STILL, ...set };
}

/** Return the pose with each axis changed. */
function withAxes(pose: Pose, change: (axis: Axis) => number): Pose {
  return { ...pose, ...(Object.fromEntries(AXES.map((axis) => [axis, change(axis)])) as Record<Axis, number>) };
}

function scaled(pose: Pose, strength: number): Pose {
  const { zoom, shake, fisheye } = pose;
  return { ...withAxes(pose, (axis) => pose[axis] * strength), zoom: zoom ** strength, shake: shake * strength, fisheye: fisheye * strength };
}

function stack(first: Pose, second: Pose, weight: number): Pose {
  const extra = scaled(second, weight);
  return {
    ...withAxes(first, (axis) => first[axis] + extra[axis]),
    zoom: clamp(first.zoom * extra.zoom, 0.5, 4),
    focus: weight && extra.focus !== null ? extra.focus : first.focus,
    shake: Math.max(first.shake, extra.shake),
    fisheye: Math.max(first.fisheye, extra.fisheye),
  };
}

function between(a: Pose, b: Pose, amount: number): Pose {
  return {
    ...withAxes(a, (axis) => mix(a[axis], b[axis], amount)),
    zoom: a.zoom ** (1 - amount) * b.zoom ** amount,
    focus: a.focus === null ? b.focus : b.focus === null ? a.focus : mix(a.focus, b.focus, amount),
    shake: mix(a.shake, b.shake, amount),
    fisheye: mix(a.fisheye, b.fisheye, amount),
  };
}

/** The poses of one move. The times of its keyframes rise. */
export class CameraPath {
  private readonly times: number[];
  private readonly poses: Pose[];
  private readonly easing: Easing;
  private readonly closed: boolean;
  private readonly second: CameraPath | null;
  private readonly weight: number;
  private readonly maxima: Record<Axis, number> | null;

  constructor(private readonly move: Move) {
    this.times = move.keyframes.map((frame) => frame.at);
    this.poses = move.keyframes.map(poseOf);
    this.easing = move.easing ?? "ease_in_out";
    const [first, last] = [at(this.poses, 0), at(this.poses, -1)];
    this.closed = (Object.keys(STILL) as (keyof Pose)[]).every((name) => first[name] === last[name]);
    this.second = move.stacked ? new CameraPath(move.stacked.move) : null;
    this.weight = move.stacked?.weight ?? 0.5;
    this.maxima = this.second && this.greatest(this.second);
  }

  /** Return the pose at `t`, a fraction (0..1) of the film's duration. */
  sample(t: number): Pose {
    const strength = this.move.strength ?? 1;
    let pose = this.whole(t);
    if (pose.focus !== null && strength < 1) {
      const begin = this.whole(0).focus ?? pose.focus;
      pose = { ...pose, focus: strength ? mix(begin, pose.focus, strength) : null };
    }
    return scaled(pose, strength);
  }

  /** Return the pose of each frame, with hand shake. A path that loops has no jump from its last to its first pose. */
  film(frames: number, fps: number, loop = false): Pose[] {
    const indices = Array.from({ length: frames }, (_, index) => index);
    if (!loop) return indices.map((index) => shaken(this.sample(index / Math.max(frames - 1, 1)), index / fps));
    const [begin, end] = [this.sample(0), this.sample(1)];
    const once =
      begin.focus === end.focus && ([...AXES, "zoom", "fisheye"] as const).every((name) => Math.abs(begin[name] - end[name]) < 1e-9);
    return indices.map((index) => {
      const turn = index / frames;
      const pose = this.sample(once ? turn : (1 - Math.cos(2 * Math.PI * turn)) / 2);
      const [during, before] = [shaken(pose, (turn * frames) / fps), shaken(pose, ((turn - 1) * frames) / fps)];
      return withAxes(during, (axis) => (1 - turn) * during[axis] + turn * before[axis]);
    });
  }

  private whole(t: number): Pose {
    const pose = this.own(t);
    if (!this.second || !this.maxima) return pose;
    const { maxima } = this;
    const pair = stack(pose, this.second.sample(t), this.weight);
    return withAxes(pair, (axis) => clamp(pair[axis] / maxima[axis], -1, 1));
  }

  private greatest(second: CameraPath): Record<Axis, number> {
    const even = Array.from({ length: SAMPLES + 1 }, (_, index) => index / SAMPLES);
    const poses = [...this.times, ...second.times, ...even].map((t) => stack(this.own(t), second.sample(t), this.weight));
    return withAxes(STILL, (axis) => Math.max(1, ...poses.map((pose) => Math.abs(pose[axis]))));
  }

  /** Return the pose of the keyframes, without strength and second move. */
  private own(time: number): Pose {
    const [first, last] = [at(this.times, 0), at(this.times, -1)];
    let t = time;
    if (this.easing === "glide" && first < t && t < last && !this.closed) {
      t = first + (last - first) * fromRest((t - first) / (last - first));
    }
    const found = this.times.findIndex((one) => one > t);
    if (found === 0) return at(this.poses, 0);
    if (found === -1) return at(this.poses, -1);
    if (this.easing === "glide") return this.glide(found, t);
    const [before, behind] = [at(this.times, found - 1), at(this.times, found)];
    return between(at(this.poses, found - 1), at(this.poses, found), EASINGS[this.easing]((t - before) / (behind - before)));
  }

  /** Return the pose before the keyframe `after` on monotone cubic curves (Fritsch and Butland 1984). */
  private glide(after: number, t: number): Pose {
    const before = at(this.times, after - 1);
    const span = at(this.times, after) - before;
    const u = (t - before) / span;
    const curve = (name: Exclude<keyof Pose, "focus">): number => {
      const values = this.poses.map((pose) => (name === "zoom" ? Math.log(pose.zoom) : pose[name]));
      const slopes = values.slice(1).map((value, i) => (value - at(values, i)) / (at(this.times, i + 1) - at(this.times, i)));
      const tangent = (i: number): number => {
        const inner = i > 0 && i < slopes.length;
        if (!inner && !this.closed) return at(slopes, i === 0 ? 0 : -1);
        const [left, right] = inner ? [at(slopes, i - 1), at(slopes, i)] : [at(slopes, -1), at(slopes, 0)];
        return left * right > 0 ? (2 * left * right) / (left + right) : 0;
      };
      const [start, end] = [at(values, after - 1), at(values, after)];
      const [leaving, arriving] = [tangent(after - 1) * span, tangent(after) * span];
      return start + (end - start) * u * u * (3 - 2 * u) + leaving * u * (1 - u) ** 2 - arriving * u * u * (1 - u);
    };
    const pose = between(at(this.poses, after - 1), at(this.poses, after), u); // for the focus
    return { ...withAxes(pose, curve), shake: curve("shake"), fisheye: curve("fisheye"), zoom: Math.exp(curve("zoom")) };
  }
}

/** Return the eased time, 0..1, of a glide. Its speed rises smoothly in the first part and falls in the last. */
function fromRest(t: number): number {
  if (t > 0.5) return 1 - fromRest(1 - t);
  const u = Math.min(t / RAMP, 1);
  return (RAMP * u ** 3 * (1 - u / 2) + Math.max(t - RAMP, 0)) / (1 - RAMP);
}

/** Return the pose with hand shake: a fixed sum of sines, so that each render of a film is the same. */
function shaken(pose: Pose, seconds: number): Pose {
  const a = pose.shake;
  if (!a) return pose;
  const wave = (axis: number) =>
    TREMOR.reduce((sum, [rate, phase]) => sum + Math.sin(2 * Math.PI * rate * seconds + phase + 1.7 * axis) / rate, 0) / 1.4;
  return {
    ...pose,
    truck: pose.truck + 0.1 * a * wave(0),
    pedestal: pose.pedestal + 0.08 * a * wave(1),
    pan: pose.pan + 0.12 * a * wave(2),
    tilt: pose.tilt + 0.1 * a * wave(3),
    roll: pose.roll + 0.06 * a * wave(4),
    shake: 0,
  };
}
