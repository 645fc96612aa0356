"use client";

import { Slider, ToggleGroup } from "radix-ui";
import type { ReactNode } from "react";
import type { Entry } from "@/features/presets/entries";
import { useText } from "@/features/text/text";
import { type Draft, LOOKS, RATES, RATIOS, RESOLUTIONS } from "./draft";

interface Props {
  draft: Draft;
  presets: readonly Entry[];
  preset: Entry | undefined;
  onChange: (change: Partial<Draft>) => void;
}

/** The controls below the frame: how much of the move, and the shape of the film. */
export function Format({ draft, presets, preset, onChange }: Props) {
  const { t } = useText();
  const { second } = draft;
  return (
    <div className="grid gap-x-6 gap-y-3 border-t border-line px-5 py-3.5 sm:grid-cols-2 lg:px-6">
      <Amount label={t("format.strength")} value={draft.strength} shown={`${Math.round(draft.strength * 100)} %`} min={0} max={1} step={0.05} onChange={(strength) => onChange({ strength })} />
      <Amount
        label={t("format.duration")}
        value={draft.duration}
        shown={`${draft.duration} s`}
        min={preset?.minDurationSeconds ?? 1}
        max={preset?.maxDurationSeconds ?? 10}
        step={0.5}
        onChange={(duration) => onChange({ duration })}
      />
      <Row label={t("format.ratio")}>
        <Toggle label={t("format.ratio")} values={RATIOS} value={draft.aspectRatio} onChange={(aspectRatio) => onChange({ aspectRatio })} />
      </Row>
      <Row label={t("format.resolution")}>
        <Toggle label={t("format.resolution")} values={RESOLUTIONS} value={draft.resolution} onChange={(resolution) => onChange({ resolution })} />
      </Row>
      <Row label={t("format.second")}>
        <select
          className="field"
          aria-label={t("format.second")}
          value={second?.presetId ?? ""}
          onChange={({ target }) => onChange({ second: target.value ? { presetId: target.value, weight: second?.weight ?? 0.5 } : null })}
        >
          <option value="">{t("format.second.none")}</option>
          {presets.filter(({ id, needsDrivingClip }) => id !== draft.presetId && !needsDrivingClip).map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
        </select>
      </Row>
      <Row label={t("format.look")}>
        <select className="field" aria-label={t("format.look")} value={draft.look} onChange={({ target }) => onChange({ look: target.value })}>
          <option value="">{t("format.look.none")}</option>
          {LOOKS.map((look) => <option key={look} value={look}>{t(`look.${look}`)}</option>)}
        </select>
      </Row>
      {second && (
        <Amount label={t("format.weight")} value={second.weight} shown={`${Math.round(second.weight * 100)} %`} min={0} max={1} step={0.05} onChange={(weight) => onChange({ second: { ...second, weight } })} />
      )}
      <Row label={t("format.rate")}>
        <Toggle label={t("format.rate")} values={RATES} value={draft.fps} onChange={(fps) => onChange({ fps })} />
        <label className="ms-3 flex items-center gap-2 whitespace-nowrap">
          <input type="checkbox" className="accent-tally" checked={draft.loop} onChange={({ target }) => onChange({ loop: target.checked })} />
          {t("format.loop")}
        </label>
      </Row>
    </div>
  );
}

function Row({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="flex min-w-0 items-center gap-2">
      <span aria-hidden="true" className="w-[84px] shrink-0 text-[14px] text-soft">{label}</span>
      {children}
    </div>
  );
}

interface ToggleProps<Value extends string | number> {
  label: string;
  values: readonly Value[];
  value: Value;
  shown?: (value: Value) => string;
  onChange: (value: Value) => void;
}

export function Toggle<Value extends string | number>({ label, values, value, shown = String, onChange }: ToggleProps<Value>) {
  return (
    <ToggleGroup.Root
      type="single"
      aria-label={label}
      value={String(value)}
      onValueChange={(next) => {
        const found = values.find((one) => String(one) === next);
        if (found !== undefined) onChange(found);
      }}
      className="flex flex-wrap text-[13.5px] tabular-nums"
    >
      {values.map((one) => (
        <ToggleGroup.Item key={one} value={String(one)} className="choice px-[7px]">{shown(one)}</ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}

interface AmountProps {
  label: string;
  value: number;
  shown: string;
  min: number;
  max: number;
  step: number;
  onChange: (value: number) => void;
}

function Amount({ label, value, shown, min, max, step, onChange }: AmountProps) {
  return (
    <Row label={label}>
      <Slider.Root value={[value]} min={min} max={max} step={step} onValueChange={([next]) => next !== undefined && onChange(next)} className="relative flex h-8 flex-1 touch-none items-center">
        <Slider.Track className="relative h-[3px] flex-1 bg-line">
          <Slider.Range className="absolute h-full bg-tally" />
        </Slider.Track>
        <Slider.Thumb aria-label={label} aria-valuetext={shown} className="block h-5 w-2 rounded-sm bg-ink focus-visible:outline-2 focus-visible:outline-offset-3 focus-visible:outline-tally" />
      </Slider.Root>
      <output className="slate w-[52px] text-end text-[12.5px]">{shown}</output>
    </Row>
  );
}
