/** The rules of the keyframe editor: how a change of one point changes the keyframes. */
import { CameraPath } from "@/features/camera/move";
import { AXES, type Axis, type Easing, type Keyframe, RANGE } from "./axes";

export const STILL: Omit<Keyframe, "at"> = { truck: 0, pedestal: 0, dolly: 0, pan: 0, tilt: 0, roll: 0, zoom: 1, focus: null, shake: 0, fisheye: 0 };
export const MOST_KEYFRAMES = 32;

const rounded = (value: number) => Math.round(value * 1000) / 1000;

/** Return the keyframes with one more at `t`, on the present curve. At an existing keyframe's time nothing changes. */
export function withFrame(frames: readonly Keyframe[], easing: Easing, t: number): Keyframe[] {
  const at = rounded(Math.min(Math.max(t, 0), 1));
  if (frames.length >= MOST_KEYFRAMES || frames.some((frame) => Math.abs(frame.at - at) < 0.005)) return [...frames];
  const pose = new CameraPath({ keyframes: frames, easing }).sample(at);
  const focus = pose.focus === null ? null : rounded(pose.focus);
  const values = Object.fromEntries(AXES.map((axis) => [axis, rounded(pose[axis] ?? 0)]));
  return [...frames, { ...STILL, ...values, focus, at }].sort((a, b) => a.at - b.at);
}

/** Return the keyframes after a point was moved. It stays between its neighbours and within the axis's range. */
export function moved(frames: readonly Keyframe[], index: number, axis: Axis, at: number, value: number): Keyframe[] {
  const low = index === 0 ? 0 : (frames[index - 1]?.at ?? 0) + 0.005;
  const high = index === frames.length - 1 ? 1 : (frames[index + 1]?.at ?? 1) - 0.005;
  const { min, max } = RANGE[axis];
  const put = { at: rounded(Math.min(Math.max(at, low), high)), [axis]: rounded(Math.min(Math.max(value, min), max)) };
  return frames.map((frame, i) => (i === index ? { ...frame, ...put } : frame));
}
