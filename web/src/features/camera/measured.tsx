"use client";

import { useMemo } from "react";
import type { Schemas } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { type Lane, lanesOf } from "./lanes";

const [WIDTH, HEIGHT, MARGIN] = [220, 44, 5];
const LINES = { asked: "stroke-edge opacity-60 [stroke-width:6]", measured: "stroke-tally [stroke-width:1.8]" } as const;

/** The asked and the measured path of the film's camera: a lane for each axis, over the film's time. */
export function MeasuredPlot({ paths }: { paths: readonly Schemas["MeasuredPath"][] }) {
  const { t, number } = useText();
  const lanes = useMemo(() => lanesOf(paths), [paths]);
  if (!lanes.length) return <p className="text-[14px] text-soft">{t("camera.still")}</p>;
  const said = ({ name, most }: Lane) => {
    const [asked, measured] = [most.asked, most.measured].map((value) => number(value, { maximumFractionDigits: 2 })) as [string, string];
    return t(`measured.${name}.most`, { asked, measured });
  };
  return (
    <figure>
      <dl className="divide-y divide-line border-y border-line">
        {lanes.map((lane) => (
          <div key={lane.name} className="grid grid-cols-[84px_minmax(0,1fr)] items-center gap-2 py-1.5">
            <dt className="text-[14px] text-soft">{t(`measured.${lane.name}`)}</dt>
            <dd>
              <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="block w-full" role="img" aria-label={said(lane)}>
                <title>{said(lane)}</title>
                <path d={`M0 ${HEIGHT / 2}H${WIDTH}`} className="stroke-line" strokeWidth="1" />
                <Lines lane={lane} side="asked" />
                <Lines lane={lane} side="measured" />
              </svg>
            </dd>
          </div>
        ))}
      </dl>
      <figcaption className="slate mt-1.5 flex flex-wrap gap-x-4 text-soft">
        {(["asked", "measured"] as const).map((side) => (
          <span key={side} className="inline-flex items-center gap-1.5">
            <svg width="18" height="6" aria-hidden="true"><path d="M0 3H18" className={LINES[side]} /></svg>
            {t(`measured.${side}`)}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function Lines({ lane, side }: { lane: Lane; side: "asked" | "measured" }) {
  const place = ([x, y]: [number, number]) => `${(x * WIDTH).toFixed(1)} ${(HEIGHT / 2 - y * (HEIGHT / 2 - MARGIN)).toFixed(1)}`;
  return (
    <path
      d={lane[side].map((points) => `M${points.map(place).join("L")}`).join("")}
      data-curve={side}
      fill="none"
      strokeLinecap="round"
      strokeLinejoin="round"
      className={LINES[side]}
    />
  );
}
