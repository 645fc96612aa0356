"use client";

import type { Schemas } from "@/features/session/session";
import { type TextKey, useText } from "@/features/text/text";
import { COUNTS, canBeStill, choosable, type Draft, MISSED, TIERS } from "./draft";
import { Toggle } from "./format";
import { type Engine, useEngines } from "./quote";

interface Props {
  draft: Draft;
  quote: Schemas["QuoteView"] | undefined;
  onChange: (change: Partial<Draft>) => void;
}

/** How the film is made: whole, small or as a still first; how many variants; by which engines. */
export function Making({ draft, quote, onChange }: Props) {
  const { t } = useText();
  const stages = choosable(draft);
  const tiers = TIERS.filter((tier) => tier !== "still" || canBeStill(draft));
  return (
    <div className="space-y-3">
      <div className="flex items-center justify-between gap-2">
        <Toggle label={t("making.tier")} values={tiers} value={tiers.includes(draft.tier) ? draft.tier : "film"} shown={(tier) => t(`tier.${tier}`)} onChange={(tier) => onChange({ tier })} />
        <label className="flex items-center gap-2 text-[14px]">
          <span className="sr-only">{t("making.count")}</span>
          <select className="field min-h-[32px] w-auto py-0.5" value={draft.count} onChange={({ target }) => onChange({ count: Number(target.value) })}>
            {COUNTS.map((count) => <option key={count} value={count}>{t("making.variants", { count })}</option>)}
          </select>
        </label>
      </div>
      {draft.tier !== "film" && tiers.includes(draft.tier) && <p className="text-[13.5px] text-soft">{t(`tier.${draft.tier}.note`)}</p>}
      <div className={`grid gap-2 ${stages.length > 1 ? "grid-cols-2" : ""}`}>
        {stages.map((stage) => <EngineField key={stage} stage={stage} draft={draft} onChange={onChange} />)}
      </div>
      <MissedField draft={draft} quote={quote} onChange={onChange} />
      {quote && quote.droppedAxes.length > 0 && (
        <p role="status" className="border-s-2 border-tally ps-2.5 text-[13.5px]">
          {t("making.dropped", { axes: quote.droppedAxes.map((axis) => t(`axis.${axis}` as TextKey)).join(", ") })}
        </p>
      )}
    </div>
  );
}

/** What follows if the clip misses its move. An engine without a promise calculates its camera, and has no such choice. */
function MissedField({ draft, quote, onChange }: Props) {
  const { t } = useText();
  const { data: engines = [] } = useEngines();
  const step = quote?.steps.find(({ stepType }) => stepType === "VIDEO_SYNTHESIS");
  if (engines.find(({ name, stepType }) => stepType === step?.stepType && name === step.engine)?.motionPromise == null) return null;
  return (
    <label className="block">
      <span className="mb-1 block text-[14px] text-soft">{t("making.missed")}</span>
      <select className="field" value={draft.missed} onChange={({ target }) => onChange({ missed: target.value as Draft["missed"] })}>
        {MISSED.map((one) => <option key={one} value={one}>{t(`missed.${one}`)}</option>)}
      </select>
    </label>
  );
}

/** Return the price of the engine's step for the draft, in credits. */
export function priceOf(engine: Engine, draft: Pick<Draft, "duration" | "pictures" | "tier">): number {
  const quantities: Record<string, number> = {
    step: 1,
    "second of the film": draft.duration,
    "picture after the first": Math.max(draft.pictures.length - 1, 0),
  };
  const whole = engine.price.reduce((sum, { unit, credits }) => sum + (quantities[unit] ?? 0) * credits, 0);
  return Math.ceil(whole * (draft.tier === "draft" ? engine.draftShare : 1));
}

function EngineField({ stage, draft, onChange }: Omit<Props, "quote"> & { stage: "IMAGE_GENERATION" | "VIDEO_SYNTHESIS" }) {
  const { t, number } = useText();
  const { data: engines = [] } = useEngines();
  return (
    <label className="block min-w-0">
      <span className="mb-1 block text-[14px] text-soft">{t(`making.${stage}`)}</span>
      <select
        className="field"
        value={draft.engines[stage] ?? ""}
        onChange={({ target }) => {
          const { [stage]: _, ...others } = draft.engines;
          onChange({ engines: target.value ? { ...others, [stage]: target.value } : others });
        }}
      >
        <option value="">{t("making.choose")}</option>
        {engines
          .filter(({ stepType }) => stepType === stage)
          .map((engine) => (
            <option key={engine.name} value={engine.name} disabled={!engine.available} title={engine.about}>
              {engine.name} · {engine.reason ? t(`obstacle.${engine.reason}`) : t("making.price", { count: number(priceOf(engine, draft)) })}
            </option>
          ))}
      </select>
    </label>
  );
}
