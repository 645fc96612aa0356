"use client";

import { useMemo } from "react";
import { type TextKey, useText } from "@/features/text/text";
import { AXES, CameraPath, type Move, type Pose } from "./move";

const [WIDTH, HEIGHT, MOMENTS] = [320, 96, 80];
const NAMES = [...AXES, "zoom", "focus"] as const;
type Name = (typeof NAMES)[number];
const STROKES = ["", "6 3", "2 2", "8 2 2 2"]; // curves differ by their dashes, not by colour alone

function valueOf(pose: Pose, name: Name): number {
  if (name === "zoom") return Math.log2(pose.zoom);
  return name === "focus" ? (pose.focus ?? 0) * 2 - 1 : pose[name];
}

/** The asked path: each axis that the move uses, over the film's time. */
export function PathPlot({ move }: { move: Move }) {
  const { t } = useText();
  const curves = useMemo(() => {
    const path = new CameraPath(move);
    const poses = Array.from({ length: MOMENTS + 1 }, (_, i) => path.sample(i / MOMENTS));
    return NAMES.map((name) => ({ name, values: poses.map((pose) => valueOf(pose, name)) })).filter(({ values }) => {
      return Math.max(...values) - Math.min(...values) > 0.01;
    });
  }, [move]);
  const most = Math.max(0.5, ...curves.flatMap(({ values }) => values.map(Math.abs)));
  if (!curves.length) return <p className="text-[14px] text-soft">{t("camera.still")}</p>;
  const label = curves.map(({ name }) => t(`axis.${name}` as TextKey)).join(", ");
  return (
    <figure>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="w-full border-y border-line" role="img" aria-label={t("camera.plot", { axes: label })}>
        <path d={`M0 ${HEIGHT / 2}H${WIDTH}`} className="stroke-line" strokeWidth="1" />
        {curves.map(({ name, values }, index) => (
          <path
            key={name}
            d={`M${values.map((value, i) => `${((i / MOMENTS) * WIDTH).toFixed(1)} ${(HEIGHT / 2 - (value / most) * (HEIGHT / 2 - 6)).toFixed(1)}`).join("L")}`}
            fill="none"
            strokeWidth="1.8"
            strokeDasharray={STROKES[index % STROKES.length]}
            className={index === 0 ? "stroke-tally" : "stroke-ink"}
          />
        ))}
      </svg>
      <figcaption className="slate mt-1.5 flex flex-wrap gap-x-3 text-soft">
        {curves.map(({ name }, index) => (
          <span key={name} className="inline-flex items-center gap-1.5">
            <svg width="18" height="4" aria-hidden="true"><path d="M0 2H18" strokeWidth="1.8" strokeDasharray={STROKES[index % STROKES.length]} className={index === 0 ? "stroke-tally" : "stroke-ink"} /></svg>
            {t(`axis.${name}` as TextKey)}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
