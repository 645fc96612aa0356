"use client";

import { createContext, type ReactNode, use, useEffect, useMemo, useSyncExternalStore } from "react";
import english from "../../../messages/en";
import type more from "../../../messages/en/more";

/** The texts of the studio in one language. `messages/en` decides which there are. */
export type Texts = Record<TextKey, string>;
export type TextKey = keyof typeof english | keyof typeof more;
export type Locale = "en" | "de";

const KEY = "kinora.locale";
const first = { ...english } as Texts; // `more` is added before a page that needs it is drawn
const loaded = new Map<Locale, Texts>([["en", first]]);
const listeners = new Set<() => void>();
let current: Locale = "en";

async function choose(locale: Locale): Promise<void> {
  if (!loaded.has(locale)) {
    const [main, others] = await Promise.all([import("../../../messages/de"), import("../../../messages/de/more")]);
    loaded.set(locale, { ...main.default, ...others.default });
  }
  current = locale;
  document.documentElement.lang = locale;
  for (const listener of listeners) listener();
}

/** Add the English texts of pages that are loaded later. */
export function addEnglish(texts: typeof more): void {
  Object.assign(first, texts);
}

/** Show the studio in this language, now and at the next visit. */
export function setLocale(locale: Locale): void {
  localStorage.setItem(KEY, locale);
  void choose(locale);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

type Values = Record<string, string | number>;

interface Text {
  locale: Locale;
  /** Return the text, with `{name}` replaced by the value of that name. For a count of 1 there may be a text of its own. */
  t: (key: TextKey, values?: Values) => string;
  number: (value: number, options?: Intl.NumberFormatOptions) => string;
  date: (value: string) => string;
  time: (value: string) => string;
}

const TextContext = createContext<Text | null>(null);

export function fill(text: string, values: Values): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function TextProvider({ children }: { children: ReactNode }) {
  const locale = useSyncExternalStore(subscribe, () => current, () => "en" as const);
  useEffect(() => {
    const wanted = localStorage.getItem(KEY) ?? navigator.language.slice(0, 2);
    if (wanted === "de" && current !== "de") void choose("de");
  }, []);
  const text = useMemo<Text>(() => {
    const texts = loaded.get(locale) ?? first;
    return {
      locale,
      t: (key, values = {}) => {
        const one = `${key}.one` as TextKey;
        return fill(String(values.count) === "1" && one in texts ? texts[one] : texts[key], values);
      },
      number: (value, options) => new Intl.NumberFormat(locale, options).format(value),
      time: (value) => new Intl.DateTimeFormat(locale, { timeStyle: "short" }).format(new Date(value)),
      date: (value) => new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(value)),
    };
  }, [locale]);
  return <TextContext value={text}>{children}</TextContext>;
}

export function useText(): Text {
  const text = use(TextContext);
  if (!text) throw new Error("useText needs a TextProvider");
  return text;
}
