/** The axes of a move, with their limits. */
import type { Schemas } from "@/features/session/session";

export type Keyframe = Schemas["KeyframeView"];
export type Easing = Schemas["Easing"];
export const AXES = ["truck", "pedestal", "dolly", "pan", "tilt", "roll", "zoom", "focus", "shake", "fisheye"] as const;
export type Axis = (typeof AXES)[number];
export const EASINGS = ["linear", "ease_in", "ease_out", "ease_in_out", "crash", "glide"] as const;

/** The least and the greatest value of each axis, and the value of a still camera. */
export const RANGE: Record<Axis, { min: number; max: number; still: number }> = {
  truck: { min: -1, max: 1, still: 0 },
  pedestal: { min: -1, max: 1, still: 0 },
  dolly: { min: -1, max: 1, still: 0 },
  pan: { min: -1, max: 1, still: 0 },
  tilt: { min: -1, max: 1, still: 0 },
  roll: { min: -1, max: 1, still: 0 },
  zoom: { min: 0.5, max: 4, still: 1 },
  focus: { min: 0, max: 1, still: 0 },
  shake: { min: 0, max: 1, still: 0 },
  fisheye: { min: 0, max: 1, still: 0 },
};

/** Return the axes that the move uses. */
export function used(frames: readonly Keyframe[]): Axis[] {
  return AXES.filter((axis) => frames.some((frame) => frame[axis] !== (axis === "focus" ? null : RANGE[axis].still)));
}
