"use client";

import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useMemo, useRef } from "react";
import { useText } from "@/features/text/text";
import type { Phrase, Reading, Vocabulary } from "./reading";

/** Return the painter's reading of the prompt, or null until its vocabulary has arrived. */
export function useReading(prompt: string): Reading | null {
  const { data: painter } = useQuery({
    queryKey: ["vocabulary"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      const [{ Painter }, answer] = await Promise.all([import("./reading"), fetch("/vocabulary.json")]);
      return new Painter((await answer.json()) as Vocabulary);
    },
  });
  const text = useDeferredValue(prompt);
  return useMemo(() => painter?.read(text) ?? null, [painter, text]);
}

interface Piece {
  text: string;
  mark: string;
}

/** Divide the text into its marked and unmarked pieces. */
export function pieces(text: string, phrases: readonly Phrase[]): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const { start, end, known, negated, near } of phrases) {
    if (start < at || end > text.length) continue;
    found.push({ text: text.slice(at, start), mark: "" });
    const mark = negated ? "negated" : near !== null ? "near" : known ? "known" : "unknown";
    found.push({ text: text.slice(start, end), mark });
    at = end;
  }
  return [...found, { text: text.slice(at), mark: "" }];
}

const MARKS: Record<string, string> = {
  known: "underline decoration-2 decoration-tally underline-offset-[5px]",
  near: "underline decoration-2 decoration-dashed decoration-tally underline-offset-[5px]",
  negated: "line-through decoration-edge",
  unknown: "underline decoration-dotted decoration-2 decoration-edge underline-offset-[5px]",
};

interface Props {
  prompt: string;
  painted: boolean; // false: the creator's own pictures replace the painter
  anyway: boolean;
  onChange: (change: { prompt?: string; anyway?: boolean }) => void;
}

export function PromptField({ prompt, painted, anyway, onChange }: Props) {
  const { t } = useText();
  const reading = useReading(prompt);
  const marks = useRef<HTMLDivElement>(null);
  const shown = painted && reading ? pieces(prompt, reading.phrases) : [];
  return (
    <div>
      <label htmlFor="prompt" className="mb-1.5 block font-[560]">{t(painted ? "prompt.label" : "prompt.title")}</label>
      <div className="relative rounded-md border border-edge bg-raised text-[17px] leading-[1.65]">
        <div
          ref={marks}
          aria-hidden="true"
          className="pointer-events-none absolute inset-0 overflow-hidden whitespace-pre-wrap break-words px-3 py-2 text-transparent"
        >
          {shown.map((piece, index) => (
            <span key={index} data-mark={piece.mark || undefined} className={MARKS[piece.mark]}>{piece.text}</span>
          ))}
        </div>
        <textarea
          id="prompt"
          rows={4}
          maxLength={2000}
          value={prompt}
          placeholder={t("prompt.example")}
          aria-describedby="prompt-reading"
          onChange={({ target }) => onChange({ prompt: target.value })}
          onScroll={({ currentTarget }) => marks.current?.scrollTo(0, currentTarget.scrollTop)}
          className="relative block w-full resize-none bg-transparent px-3 py-2 placeholder:text-soft placeholder:opacity-100"
        />
      </div>
      <div id="prompt-reading" aria-live="polite" className="mt-2 min-h-[3.1em] text-[14px] text-soft">
        {!painted && <p>{t("prompt.ownPicture")}</p>}
        {painted && reading && prompt.trim() && <ReadingNote reading={reading} />}
        {painted && !prompt.trim() && <p>{t("prompt.hint")}</p>}
      </div>
      {painted && reading && prompt.trim() && isUnrelated(reading) && (
        <label className="mt-1 flex gap-2 text-[14px]">
          <input type="checkbox" className="accent-tally" checked={anyway} onChange={({ target }) => onChange({ anyway: target.checked })} />
          {t("prompt.anyway")}
        </label>
      )}
    </div>
  );
}

export function isUnrelated(reading: Reading): boolean {
  return reading.understood.length === 0 && Object.keys(reading.readAs).length === 0;
}

/** What the painter paints of a prompt, and what it does not. */
export function ReadingNote({ reading }: { reading: Pick<Reading, "understood" | "notUnderstood" | "readAs"> }) {
  const { t, locale } = useText();
  const list = (words: string[]) => new Intl.ListFormat(locale, { type: "unit" }).format(words);
  const near = Object.entries(reading.readAs).map(([word, phrase]) => t("prompt.near", { word, phrase }));
  return (
    <>
      {reading.understood.length + near.length > 0 ? (
        <p>
          {t("prompt.painted")} <span className="text-ink">{list([...reading.understood, ...near])}</span>
        </p>
      ) : (
        <p className="text-bad">{t("prompt.nothing")}</p>
      )}
      {reading.notUnderstood.length > 0 && <p>{t("prompt.unknown", { words: list(reading.notUnderstood) })}</p>}
    </>
  );
}
