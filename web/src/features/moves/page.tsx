"use client";

import "@/features/text/more";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { type FormEvent, useEffect, useState } from "react";
import { AccountChoice, Part } from "@/features/account/frame";
import { useAccount } from "@/features/account/account";
import { storeDraft, storedDraft } from "@/features/editor/draft";
import { CATALOGUE, CATEGORIES, categoryKey } from "@/features/presets/catalogue";
import { MovingPicture } from "@/features/presets/moving-picture";
import { FailureNote } from "@/features/session/failure-note";
import { demand } from "@/features/session/failure";
import { useSignedIn } from "@/features/session/hooks";
import { api, type Schemas } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { Confirm } from "@/ui/confirm";
import { Icon } from "@/ui/icon";
import { AXES, type Axis, type Easing, EASINGS, type Keyframe, RANGE, used } from "./axes";
import { MOST_KEYFRAMES, withFrame } from "./curve";
import { Curves } from "./curves";
import { bodyOf, faults, formOf, type MoveForm, newForm } from "./form";
import { useOwnMoves } from "./queries";
import { Sketch } from "./sketch";

/** The own presets, or with `?id=` the keyframe editor of one; `?id=new` begins one. */
export function MovesPage() {
  const { t } = useText();
  const signedIn = useSignedIn();
  const { known } = useAccount();
  const [id, setId] = useState<string | null>(null);
  useEffect(() => {
    const read = () => setId(new URLSearchParams(location.search).get("id") ?? "");
    read();
    addEventListener("popstate", read);
    return () => removeEventListener("popstate", read);
  }, []);
  const open = (next: string) => {
    history.pushState(history.state, "", next ? `/moves?id=${encodeURIComponent(next)}` : "/moves");
    setId(next);
    scrollTo(0, 0);
  };
  return (
    <main className="mx-auto w-full max-w-[1240px] flex-1 px-5 py-7 lg:px-8">
      {!signedIn || !known || id === null ? (
        <div className="h-[50vh]" aria-busy="true" />
      ) : id ? (
        <OneMove key={id} id={id} onOpen={open} />
      ) : (
        <>
          <div className="mb-7 flex flex-wrap items-end gap-x-4 gap-y-3">
            <div className="me-auto">
              <h1 className="text-[clamp(2rem,4vw,3rem)]">{t("moves.title")}</h1>
              <p className="mt-2 max-w-[60ch] text-soft">{t("moves.lead")}</p>
            </div>
            <AccountChoice />
            <button type="button" className="button button-main" onClick={() => open("new")}><Icon name="plus" />{t("moves.new")}</button>
          </div>
          <OwnMoves onOpen={open} />
          <BuiltIn onOpen={open} />
        </>
      )}
    </main>
  );
}

/** Choose the move for the next film. The editor reads its draft when it opens. */
function choose(presetId: string): void {
  storeDraft({ ...storedDraft(), presetId });
}

function OwnMoves({ onOpen }: { onOpen: (id: string) => void }) {
  const { t } = useText();
  const { data, error } = useOwnMoves();
  const queries = useQueryClient();
  const settled = () => queries.invalidateQueries({ queryKey: ["own-moves"] });
  const remove = useMutation({ mutationFn: async (id: string) => demand(await api.DELETE("/api/presets/own/{preset_id}", { params: { path: { preset_id: id } } })), onSettled: settled });
  const copy = useCopy(onOpen);
  return (
    <Part title={t("moves.own")}>
      <FailureNote error={error ?? remove.error ?? copy.error} className="mb-4" />
      {data?.length === 0 && <p className="max-w-[60ch] text-soft">{t("moves.empty")}</p>}
      <ul className="grid gap-x-4 gap-y-7 sm:grid-cols-2 lg:grid-cols-4">
        {data?.map((preset) => (
          <li key={preset.id}>
            <button type="button" className="group block w-full text-start" onClick={() => onOpen(preset.id)}>
              <Sketch config={preset.config} />
              <span className="mt-2 block truncate font-[560] group-hover:underline group-hover:decoration-tally">{preset.name}</span>
              <span className="block truncate text-[14px] text-soft">{used(preset.config.keyframes).map((axis) => t(`axis.${axis}`)).join(", ") || t("moves.still")}</span>
            </button>
            <p className="mt-1.5 flex flex-wrap gap-1">
              <Link href="/editor" className="button min-h-[30px] text-[14px]" onClick={() => choose(preset.id)}>{t("moves.use")}</Link>
              <button type="button" className="button button-plain min-h-[30px] text-[14px]" disabled={copy.isPending} onClick={() => copy.mutate(preset.id)}>{t("moves.copy")}</button>
              <Confirm action={t("moves.delete")} question={t("moves.delete.sure")} busy={remove.isPending} onConfirm={() => remove.mutate(preset.id)} />
            </p>
          </li>
        ))}
      </ul>
    </Part>
  );
}

/** Copy a preset into the chosen account, and open the copy. */
function useCopy(onOpen: (id: string) => void) {
  const { query } = useAccount();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (id: string) => demand(await api.POST("/api/presets/{preset_id}/duplicate", { params: { path: { preset_id: id } }, body: query })),
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: ["own-moves"] });
      onOpen(made.id);
    },
  });
}

function BuiltIn({ onOpen }: { onOpen: (id: string) => void }) {
  const { t } = useText();
  const copy = useCopy(onOpen);
  const [pointed, setPointed] = useState("");
  return (
    <Part title={t("moves.builtIn", { count: CATALOGUE.length })} lead={t("moves.builtIn.lead")}>
      <FailureNote error={copy.error} className="mb-4" />
      <ul className="grid grid-cols-2 gap-x-3 gap-y-5 sm:grid-cols-4 lg:grid-cols-6">
        {CATALOGUE.map((preset) => (
          <li key={preset.id} className="[content-visibility:auto]" onPointerEnter={() => setPointed(preset.id)} onPointerLeave={() => setPointed("")}>
            <MovingPicture {...preset} playing={pointed === preset.id} className="aspect-video w-full bg-sunken object-cover" />
            <p className="mt-1.5 flex flex-wrap items-center justify-between gap-x-2">
              <span className="text-[14px]">{preset.name}</span>
              <button type="button" className="text-[13.5px] text-soft underline decoration-edge underline-offset-4 hover:text-ink" aria-label={t("moves.copy.of", { name: preset.name })} disabled={copy.isPending} onClick={() => copy.mutate(preset.id)}>{t("moves.copy")}</button>
            </p>
          </li>
        ))}
      </ul>
    </Part>
  );
}

function OneMove({ id, onOpen }: { id: string; onOpen: (id: string) => void }) {
  const { t } = useText();
  const isNew = id === "new";
  const { data, error } = useQuery({
    queryKey: ["own-moves", "one", id],
    enabled: !isNew,
    queryFn: async () => demand(await api.GET("/api/presets/own/{preset_id}", { params: { path: { preset_id: id } } })),
  });
  if (error) {
    return (
      <>
        <FailureNote error={error} />
        <button type="button" className="button mt-4" onClick={() => onOpen("")}>{t("moves.title")}</button>
      </>
    );
  }
  if (isNew) return <KeyframeEditor start={newForm()} onOpen={onOpen} />;
  return data ? <KeyframeEditor preset={data} start={formOf(data)} onOpen={onOpen} /> : <div className="h-[50vh]" aria-busy="true" />;
}

/** The keyframes of one preset as curves and as numbers. The API's refusals are shown as it says them. */
function KeyframeEditor({ preset, start, onOpen }: { preset?: Schemas["PresetView"]; start: MoveForm; onOpen: (id: string) => void }) {
  const { t, number } = useText();
  const { query } = useAccount();
  const queries = useQueryClient();
  const [form, setForm] = useState(start);
  const [axis, setAxis] = useState<Axis>(used(start.config.keyframes)[0] ?? "dolly");
  const { config } = form;
  const frames = config.keyframes;
  const change = (part: Partial<MoveForm>) => setForm((now) => ({ ...now, ...part }));
  const configure = (part: Partial<MoveForm["config"]>) => setForm((now) => ({ ...now, config: { ...now.config, ...part } }));
  const setFrame = (index: number, part: Partial<Keyframe>) => configure({ keyframes: frames.map((frame, i) => (i === index ? { ...frame, ...part } : frame)) });
  const save = useMutation({
    mutationFn: async () =>
      preset
        ? demand(await api.PATCH("/api/presets/own/{preset_id}", { params: { path: { preset_id: preset.id } }, body: bodyOf(form) }))
        : demand(await api.POST("/api/presets/own", { body: { ...bodyOf(form), ...query } })),
    onSuccess: async (saved) => {
      await queries.invalidateQueries({ queryKey: ["own-moves"] });
      if (!preset) onOpen(saved.id);
    },
  });
  const fault = faults(frames);
  const changed = JSON.stringify(form) !== JSON.stringify(start);
  const longest = frames.map((frame, index) => ({ index, gap: (frames[index + 1]?.at ?? 1) - frame.at, middle: (frame.at + (frames[index + 1]?.at ?? 1)) / 2 })).sort((a, b) => b.gap - a.gap)[0];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <div className="mb-6 flex flex-wrap items-center gap-3">
        <button type="button" className="button button-plain text-soft" onClick={() => onOpen("")}>← {t("moves.title")}</button>
        <h1 className="sr-only">{preset?.name ?? t("moves.new")}</h1>
        <span className="ms-auto flex flex-wrap items-center gap-2">
          <span role="status" className="text-[14px] text-good">{save.isSuccess && !changed ? t("saved") : ""}</span>
          {preset && !changed && <Link href="/editor" className="button" onClick={() => choose(preset.id)}>{t("moves.use")}</Link>}
          <button type="submit" className="button button-main" disabled={save.isPending || !form.name.trim() || fault !== null || !changed}>{t("save")}</button>
        </span>
      </div>
      <div className="mb-6 grid gap-4 md:grid-cols-[minmax(0,1fr)_200px]">
        <label>
          <span className="mb-1.5 block font-[560]">{t("moves.name")}</span>
          <input required maxLength={80} className="field" placeholder={t("moves.name.example")} value={form.name} onChange={({ target }) => change({ name: target.value })} />
        </label>
        <label>
          <span className="mb-1.5 block font-[560]">{t("moves.category")}</span>
          <select className="field" value={form.category} onChange={({ target }) => change({ category: target.value as MoveForm["category"] })}>
            {CATEGORIES.map((category) => <option key={category} value={category}>{t(categoryKey(category))}</option>)}
          </select>
        </label>
        <label className="md:col-span-2">
          <span className="mb-1.5 block font-[560]">{t("moves.description")}</span>
          <input maxLength={300} className="field" value={form.description} onChange={({ target }) => change({ description: target.value })} />
        </label>
      </div>
      <FailureNote error={save.error} className="mb-4" />
      {fault && <p role="alert" className="mb-4 border-s-2 border-bad ps-3 text-bad">{t(`moves.fault.${fault}`)}</p>}
      <Curves frames={frames} easing={config.easing} axis={axis} onAxis={setAxis} onChange={(keyframes) => configure({ keyframes })} />
      <div className="mt-4 flex flex-wrap items-end gap-4">
        <label>
          <span className="mb-1.5 block text-[14px] text-soft">{t("moves.easing")}</span>
          <select className="field" value={config.easing} onChange={({ target }) => configure({ easing: target.value as Easing })}>
            {EASINGS.map((easing) => <option key={easing} value={easing}>{t(`easing.${easing}`)}</option>)}
          </select>
        </label>
        <Number label={t("moves.shutter")} value={config.shutter} min={0} max={3} step={0.1} onChange={(shutter) => configure({ shutter })} />
        <Number label={t("moves.shortest")} value={config.minDurationSeconds} min={1} max={30} step={1} onChange={(minDurationSeconds) => configure({ minDurationSeconds })} />
        <Number label={t("moves.longest")} value={config.maxDurationSeconds} min={1} max={30} step={1} onChange={(maxDurationSeconds) => configure({ maxDurationSeconds })} />
        <button type="button" className="button ms-auto" disabled={frames.length >= MOST_KEYFRAMES || !longest} onClick={() => longest && configure({ keyframes: withFrame(frames, config.easing, longest.middle) })}><Icon name="plus" />{t("moves.add")}</button>
      </div>
      <div className="relative mt-5 overflow-x-auto" tabIndex={0} role="region" aria-label={t("moves.table")}>
        <table className="w-full min-w-[820px] text-[14px]">
          <thead className="text-soft">
            <tr>
              <th scope="col" className="p-1 text-start font-normal">{t("moves.at")}</th>
              {AXES.map((one) => <th key={one} scope="col" className={`p-1 text-start font-normal ${one === axis ? "text-ink" : ""}`}>{t(`axis.${one}`)}</th>)}
              <th scope="col"><span className="sr-only">{t("moves.remove")}</span></th>
            </tr>
          </thead>
          <tbody>
            {frames.map((frame, index) => (
              <tr key={index}>
                <td className="p-0.5"><Cell label={t("moves.cell", { number: index + 1, axis: t("moves.at") })} value={frame.at} min={0} max={1} onChange={(at) => setFrame(index, { at: at ?? 0 })} /></td>
                {AXES.map((one) => (
                  <td key={one} className="p-0.5">
                    <Cell
                      label={t("moves.cell", { number: index + 1, axis: t(`axis.${one}`) })}
                      value={frame[one]}
                      min={RANGE[one].min}
                      max={RANGE[one].max}
                      onChange={(value) => setFrame(index, { [one]: value ?? (one === "focus" ? null : RANGE[one].still) })}
                    />
                  </td>
                ))}
                <td className="p-0.5">
                  <button type="button" className="button button-plain min-h-[32px]" aria-label={t("moves.remove.of", { number: number(index + 1) })} disabled={frames.length === 1} onClick={() => configure({ keyframes: frames.filter((_, i) => i !== index) })}><Icon name="close" /></button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <label className="mt-5 block">
        <span className="mb-1.5 block font-[560]">{t("moves.phrase")}</span>
        <input maxLength={200} className="field" value={config.promptPhrase} onChange={({ target }) => configure({ promptPhrase: target.value })} />
        <span className="mt-1.5 block text-[14px] text-soft">{t("moves.phrase.hint")}</span>
      </label>
    </form>
  );
}

function Number({ label, onChange, ...input }: { label: string; value: number; min: number; max: number; step: number; onChange: (value: number) => void }) {
  return (
    <label className="w-[120px]">
      <span className="mb-1.5 block text-[14px] text-soft">{label}</span>
      <input type="number" className="field" {...input} onChange={({ target }) => onChange(target.valueAsNumber || 0)} />
    </label>
  );
}

/** One number of the table. Empty is the value of a still camera. */
function Cell({ label, value, min, max, onChange }: { label: string; value: number | null; min: number; max: number; onChange: (value: number | null) => void }) {
  return (
    <input
      type="number"
      aria-label={label}
      min={min}
      max={max}
      step="any"
      value={value ?? ""}
      className="field min-h-[32px] px-2 py-0.5 font-mono text-[13px] invalid:border-bad"
      onChange={({ target }) => onChange(target.value === "" ? null : target.valueAsNumber)}
    />
  );
}
