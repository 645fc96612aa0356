"use client";

import { useQueryClient } from "@tanstack/react-query";
import dynamic from "next/dynamic";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { startTransition, useEffect, useReducer, useRef, useState } from "react";
import { type Entry, useEntries } from "@/features/presets/entries";
import { MovingPicture } from "@/features/presets/moving-picture";
import { PresetPicker } from "@/features/presets/picker";
import { PromptField } from "@/features/prompt/prompt-field";
import { ApiFailure, demand } from "@/features/session/failure";
import { useMe, useSession } from "@/features/session/hooks";
import { api, type Problem } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { Pictures } from "@/features/uploads/pictures";
import { Icon } from "@/ui/icon";
import { type Draft, jobOf, reduce, STYLES, storeDraft, storedDraft } from "./draft";
import { Finder } from "./finder";
import { Format } from "./format";
import { Making } from "./making";
import { Price } from "./price";
import { useForgetPrices, useProject, useQuote } from "./quote";

const Extras = dynamic(() => import("./extras").then((part) => part.Extras), { ssr: false });

const COLUMNS = "grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)] lg:grid-cols-[330px_minmax(0,1fr)_340px] lg:grid-rows-[minmax(0,1fr)]";
const SCENE = "min-h-0 space-y-3 overflow-y-auto border-line p-4 lg:border-e";

/** The editor. It is drawn in the browser only, because the draft is there. The exported page has an empty prompt and the stock scene. */
export function EditorPage() {
  const [inBrowser, setInBrowser] = useState(false);
  useEffect(() => startTransition(() => setInBrowser(true)), []); // drawn in small tasks
  if (inBrowser) return <Editor />;
  return (
    <main className="flex flex-1 flex-col" inert>
      <div className={COLUMNS}>
        <div className={SCENE}>
          <PromptField prompt="" anyway={false} painted onChange={() => undefined} />
        </div>
        <div className="flex min-h-0 flex-col px-5 pt-16 lg:px-6">
          <MovingPicture thumbnail="/presets/crash-zoom-in.jpg" preview="" playing={false} eager className="mx-auto w-full max-w-[520px]" />
        </div>
      </div>
    </main>
  );
}

/** Return the stored draft, with the preset and the prompt of the address. */
function initialDraft(): Draft {
  const address = new URLSearchParams(location.search);
  const draft = storedDraft();
  const presetId = address.get("preset");
  return { ...draft, ...(presetId && /^[\w-]{1,64}$/.test(presetId) && { presetId }), prompt: address.get("prompt") || draft.prompt };
}

function Editor() {
  const { t } = useText();
  const [history, dispatch] = useReducer(reduce, null, () => ({
    past: [],
    draft: initialDraft(),
    future: [],
    last: { field: "", at: 0 },
  }));
  const { draft } = history;
  const change = (part: Partial<Draft>) => dispatch({ change: part, at: Date.now() });
  useEffect(() => storeDraft(draft), [draft]);
  useEffect(() => {
    if (location.search) window.history.replaceState(window.history.state, "", location.pathname);
  }, []);
  const quote = useQuote(draft);
  const submission = useSubmission(draft, quote.price);
  const isSignedIn = useSession() === "in";
  const { submit } = submission;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      if (event.key === "Enter") void submit();
      const typing = event.target instanceof Element && event.target.matches("textarea, input:not([type=radio], [type=range])");
      if (event.key.toLowerCase() !== "z" || typing) return;
      event.preventDefault();
      dispatch(event.shiftKey ? "redo" : "undo");
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
  const latest = useRef(draft);
  latest.current = draft;
  const presets = useEntries();
  const preset = presets.find(({ id }) => id === draft.presetId);
  return (
    <main className="flex flex-1 flex-col lg:h-[calc(100dvh-56px)] lg:flex-none lg:overflow-hidden">
      <h1 className="sr-only">{t("editor.title")}</h1>
      <div className={COLUMNS}>
        <section aria-label={t("editor.scene")} className={SCENE}>
          <PromptField prompt={draft.prompt} anyway={draft.anyway} painted={draft.pictures.length === 0} onChange={change} />
          <div>
            <h2 className="mb-1.5 font-sans text-[15px] font-[560] tracking-normal">{t("upload.title")}</h2>
            <Pictures pictures={draft.pictures} onChange={(next) => change({ pictures: next(latest.current.pictures) })} />
          </div>
          <Extras draft={draft} preset={preset} onChange={change} />
          <div className={draft.pictures.length === 0 ? "grid grid-cols-2 gap-2" : ""}>
          {draft.pictures.length === 0 && (
            <label className="block min-w-0">
              <span className="mb-1 block text-[14px] text-soft">{t("editor.style")}</span>
              <select className="field" value={draft.style} onChange={({ target }) => change({ style: target.value })}>
                <option value="">{t("editor.style.prompt")}</option>
                {STYLES.map((style) => <option key={style} value={style}>{t(`style.${style}`)}</option>)}
              </select>
            </label>
          )}
          <div className="min-w-0">
            <label htmlFor="seed" className="mb-1 block text-[14px] text-soft">{t("editor.seed")}</label>
            <span className="flex gap-2">
              <input
                id="seed"
                className="field tabular-nums"
                inputMode="numeric"
                placeholder={t("editor.seed.any")}
                value={draft.seed ?? ""}
                onChange={({ target }) => {
                  const digits = target.value.replaceAll(/\D/g, "").slice(0, 10);
                  change({ seed: digits ? Math.min(Number(digits), 4294967295) : null });
                }}
              />
              <button type="button" className="button px-2.5" aria-label={t("editor.seed.new")} title={t("editor.seed.new")} onClick={() => change({ seed: Math.floor(Math.random() * 1e6) })}>
                <Icon name="dice" />
              </button>
            </span>
          </div>
          </div>
          <Making draft={draft} quote={quote.data} onChange={change} />
        </section>
        <section aria-label={t("editor.film")} className="flex min-h-0 flex-col border-line max-lg:border-y lg:border-e">
          <Finder draft={draft} presets={presets} />
          <Format draft={draft} presets={presets} preset={preset} onChange={change} />
        </section>
        <PresetPicker
          value={draft.presetId}
          onChange={(presetId) => change({ presetId, duration: fitted(draft.duration, presets.find(({ id }) => id === presetId)) })}
        />
      </div>
      <div className="sticky bottom-0 z-10 border-t border-line bg-paper px-4 py-2.5">
        {submission.problem && <Refusal problem={submission.problem} />}
        <div className="flex flex-wrap items-center gap-x-2 gap-y-2">
          <button type="button" className="button button-plain" disabled={!history.past.length} aria-label={t("editor.undo")} onClick={() => dispatch("undo")}><Icon name="undo" /></button>
          <button type="button" className="button button-plain" disabled={!history.future.length} aria-label={t("editor.redo")} onClick={() => dispatch("redo")}><Icon name="redo" /></button>
          <div className="me-auto ps-2"><Price quote={quote} isSignedIn={isSignedIn} /></div>
          <SubmitButton busy={submission.busy} disabled={!draft.prompt.trim()} onSubmit={submit} />
        </div>
      </div>
    </main>
  );
}

/** Return the duration, or the one nearest to it that the preset allows. */
function fitted(duration: number, preset: Entry | undefined): number {
  return preset ? Math.max(preset.minDurationSeconds, Math.min(duration, preset.maxDurationSeconds)) : duration;
}

function SubmitButton({ busy, disabled, onSubmit }: { busy: boolean; disabled: boolean; onSubmit: () => void }) {
  const { t } = useText();
  const state = useSession();
  if (state === "out") {
    return <Link href="/login?next=/editor" className="button button-main min-h-[42px] px-5">{t("editor.signIn")}</Link>;
  }
  return (
    <button type="button" className="button button-main min-h-[42px] px-5" disabled={disabled || busy || state !== "in"} onClick={onSubmit}>
      {t(busy ? "editor.sending" : "editor.make")}
      <kbd className="slate hidden sm:inline">Ctrl ↵</kbd>
    </button>
  );
}

type Shown = Pick<Problem, "detail"> & Partial<Problem>;

function Refusal({ problem }: { problem: Shown }) {
  const { t } = useText();
  const { data: me } = useMe();
  return (
    <div role="alert" className="mb-2 border-s-2 border-bad ps-3">
      <p className="text-bad">{problem.maxCredits == null ? problem.detail : t("editor.dearer", { count: problem.maxCredits })}</p>
      {problem.creditsNeeded != null && (
        <p className="text-soft">
          {t("editor.credits", { needed: problem.creditsNeeded, available: me?.balance.available ?? 0 })}
        </p>
      )}
      {problem.suggestions && <p className="text-soft">{t("editor.suggestions", { words: problem.suggestions.join(", ") })}</p>}
      {(problem.errors ?? []).map(({ field, detail }) => <p key={field} className="text-soft">{field}: {detail}</p>)}
    </div>
  );
}

/**
 * Send the draft as a job that costs at most the price that the page shows. If it costs more, the next submit accepts
 * the new price. A repetition after a lost answer is the same request, so that no film is paid twice.
 */
function useSubmission(draft: Draft, price: number | null) {
  const { t } = useText();
  const router = useRouter();
  const queries = useQueryClient();
  const project = useProject();
  const forgetPrices = useForgetPrices();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Shown | null>(null);
  const attempt = useRef<{ draft: Draft; key: string; maxCredits: number | null } | null>(null);
  const submit = async () => {
    if (busy || !draft.prompt.trim()) return;
    setBusy(true);
    setProblem(null);
    if (attempt.current?.draft !== draft) attempt.current = { draft, key: crypto.randomUUID(), maxCredits: price };
    try {
      const projectId = project.data ?? (await project.refetch({ throwOnError: true })).data ?? "";
      const { key, maxCredits } = attempt.current;
      const body = { ...jobOf(draft, projectId), maxCredits };
      const job = demand(await api.POST("/api/jobs", { body, params: { header: { "idempotency-key": key } } }));
      queries.setQueryData(["job", job.id], job);
      forgetPrices();
      router.push(`/film?id=${job.id}`);
    } catch (error) {
      setBusy(false);
      setProblem(error instanceof ApiFailure ? error.problem : { detail: t("offline") });
      if (error instanceof ApiFailure && error.problem.maxCredits != null) {
        attempt.current = { draft, key: crypto.randomUUID(), maxCredits: error.problem.creditsNeeded };
        forgetPrices();
      }
    }
  };
  return { busy, problem, submit };
}
