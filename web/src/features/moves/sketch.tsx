import type { Schemas } from "@/features/session/session";
import { type Axis, RANGE, used } from "./axes";

/** The axes of a move as one small picture: own presets have no films. */
export function Sketch({ config, className = "" }: { config: Pick<Schemas["CameraMoveView"], "keyframes">; className?: string }) {
  const axes = used(config.keyframes);
  const points = (axis: Axis) =>
    config.keyframes.map((frame) => {
      const { min, max, still } = RANGE[axis];
      return `${(6 + frame.at * 148).toFixed(1)} ${(84 - (((frame[axis] ?? still) - min) / (max - min)) * 78).toFixed(1)}`;
    });
  return (
    <svg viewBox="0 0 160 90" className={`block aspect-video w-full bg-sunken ${className}`} aria-hidden="true">
      {axes.length === 0 && <path d="M6 45H154" className="stroke-edge" strokeWidth="1.5" />}
      {axes.map((axis, index) => <path key={axis} d={`M${points(axis).join("L")}`} fill="none" strokeWidth="1.5" className={["stroke-tally", "stroke-good", "stroke-ink", "stroke-soft"][index % 4]} />)}
    </svg>
  );
}
