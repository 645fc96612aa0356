"use client";

import { type KeyboardEvent, type PointerEvent, useMemo, useRef } from "react";
import { CameraPath } from "@/features/camera/move";
import { useText } from "@/features/text/text";
import { AXES, type Axis, type Easing, type Keyframe, RANGE, used } from "./axes";
import { moved } from "./curve";

const WIDTH = 640;
const HEIGHT = 240;
const INSET = 14;
const SAMPLES = 120;

/** Classes of the axes' curves: each differs by its dashes, too, so that colour is not the only sign. */
const LOOK: Record<Axis, { colour: string; dash?: string }> = {
  truck: { colour: "text-tally" },
  pedestal: { colour: "text-good" },
  dolly: { colour: "text-ink" },
  pan: { colour: "text-tally", dash: "7 4" },
  tilt: { colour: "text-good", dash: "7 4" },
  roll: { colour: "text-ink", dash: "7 4" },
  zoom: { colour: "text-tally", dash: "2 3" },
  focus: { colour: "text-good", dash: "2 3" },
  shake: { colour: "text-ink", dash: "2 3" },
  fisheye: { colour: "text-soft" },
};

const x = (t: number) => INSET + t * (WIDTH - 2 * INSET);
/** The zoom is drawn by its logarithm, because the camera changes it so. */
const part = (axis: Axis, value: number) => {
  const { min, max } = RANGE[axis];
  const scale = axis === "zoom" ? Math.log : (one: number) => one;
  return (scale(value) - scale(min)) / (scale(max) - scale(min));
};
const y = (axis: Axis, value: number) => HEIGHT - INSET - part(axis, value) * (HEIGHT - 2 * INSET);
const valueAt = (axis: Axis, share: number) => {
  const { min, max } = RANGE[axis];
  return axis === "zoom" ? Math.exp(Math.log(min) + share * (Math.log(max) - Math.log(min))) : min + share * (max - min);
};

interface Props {
  frames: readonly Keyframe[];
  easing: Easing;
  axis: Axis;
  onAxis: (axis: Axis) => void;
  onChange: (frames: Keyframe[]) => void;
}

/** The axes of a move over time. The points of the chosen axis are dragged, or moved with the arrow keys. */
export function Curves({ frames, easing, axis, onAxis, onChange }: Props) {
  const { t, number } = useText();
  const drawing = useRef<SVGSVGElement>(null);
  const path = useMemo(() => new CameraPath({ keyframes: frames, easing }), [frames, easing]);
  const shown = [...new Set([...used(frames), axis])];
  const line = (one: Axis) => {
    const points = Array.from({ length: SAMPLES + 1 }, (_, i) => i / SAMPLES).flatMap((at) => {
      const value = path.sample(at)[one];
      return value === null ? [] : [`${x(at).toFixed(1)} ${y(one, value).toFixed(1)}`];
    });
    return points.length ? `M${points.join("L")}` : "";
  };
  const drag = (index: number) => (event: PointerEvent<SVGCircleElement>) => {
    if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
    else if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const box = drawing.current?.getBoundingClientRect();
    if (!box) return;
    const at = ((event.clientX - box.left) / box.width) * WIDTH;
    const down = ((event.clientY - box.top) / box.height) * HEIGHT;
    const share = 1 - (down - INSET) / (HEIGHT - 2 * INSET);
    onChange(moved(frames, index, axis, (at - INSET) / (WIDTH - 2 * INSET), valueAt(axis, Math.min(Math.max(share, 0), 1))));
  };
  const press = (index: number, frame: Keyframe) => (event: KeyboardEvent) => {
    const step = event.shiftKey ? 0.1 : 0.02;
    const { min, max, still } = RANGE[axis];
    const value = frame[axis] ?? still;
    const [across, up] = ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] } as Record<string, [number, number]>)[event.key] ?? [0, 0];
    if (!across && !up) return;
    event.preventDefault();
    onChange(moved(frames, index, axis, frame.at + across * step, value + up * step * (max - min)));
  };
  return (
    <div>
      <div role="radiogroup" aria-label={t("moves.axis")} className="mb-2 flex flex-wrap gap-0.5">
        {AXES.map((one) => (
          <label key={one} className="choice inline-flex cursor-pointer items-center gap-2 text-[14px] has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-tally">
            <input type="radio" name="axis" className="sr-only" checked={one === axis} onChange={() => onAxis(one)} />
            <svg viewBox="0 0 18 4" width="18" height="4" aria-hidden="true" className={LOOK[one].colour}>
              <path d="M0 2H18" stroke="currentColor" strokeWidth="2" strokeDasharray={LOOK[one].dash} />
            </svg>
            <span>{t(`axis.${one}`)}</span>
          </label>
        ))}
      </div>
      <svg ref={drawing} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="block w-full touch-none bg-sunken select-none" role="group" aria-label={t("moves.curves")}>
        {[0, 0.25, 0.5, 0.75, 1].map((at) => <path key={at} d={`M${x(at)} ${INSET}V${HEIGHT - INSET}`} className="stroke-line" strokeWidth="1" />)}
        <path d={`M${INSET} ${y(axis, RANGE[axis].still)}H${WIDTH - INSET}`} className="stroke-edge" strokeWidth="1" strokeDasharray="2 4" />
        {shown.filter((one) => one !== axis).map((one) => (
          <path key={one} d={line(one)} fill="none" stroke="currentColor" strokeWidth="1.5" strokeDasharray={LOOK[one].dash} className={`${LOOK[one].colour} opacity-45`} />
        ))}
        <path d={line(axis)} fill="none" stroke="currentColor" strokeWidth="2.5" strokeDasharray={LOOK[axis].dash} className={LOOK[axis].colour} />
        {frames.map((frame, index) => {
          const value = frame[axis] ?? RANGE[axis].still;
          return (
            <circle
              key={index}
              cx={x(frame.at)}
              cy={y(axis, value)}
              r="6.5"
              tabIndex={0}
              role="slider"
              aria-label={t("moves.point", { number: index + 1, axis: t(`axis.${axis}`) })}
              aria-valuemin={RANGE[axis].min}
              aria-valuemax={RANGE[axis].max}
              aria-valuenow={value}
              aria-valuetext={t("moves.point.at", { value: number(value, { maximumFractionDigits: 2 }), at: number(frame.at, { style: "percent" }) })}
              className="cursor-grab fill-paper stroke-tally stroke-[2.5px] focus-visible:fill-tally"
              onPointerDown={drag(index)}
              onPointerMove={drag(index)}
              onKeyDown={press(index, frame)}
            />
          );
        })}
      </svg>
    </div>
  );
}
