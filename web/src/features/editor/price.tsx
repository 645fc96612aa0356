"use client";

import { type ReactNode, useEffect, useRef } from "react";
import { ApiFailure } from "@/features/session/failure";
import type { Schemas } from "@/features/session/session";
import { type TextKey, useText } from "@/features/text/text";
import type { useQuote } from "./quote";

type Quote = Schemas["QuoteView"];

/** The price as one number; its reasons open above it. A refusal stands in its place, in the API's own words. */
export function Price({ quote, isSignedIn }: { quote: ReturnType<typeof useQuote>; isSignedIn: boolean }) {
  const { t, number } = useText();
  const { data, error, isAsked, isSettled } = quote;
  if (!isSignedIn || !isAsked) return <p className="text-[14px] text-soft max-sm:hidden">{t("editor.charge")}</p>;
  if (error) return <Refused error={error} />;
  if (!data) return <p className="text-[14px] text-soft">{t("quote.asking")}</p>;
  return (
    <div className={`flex items-center gap-x-4 ${isSettled ? "" : "opacity-60"}`} aria-busy={!isSettled}>
      <Reasons quote={data}>
        <span className="font-display text-[26px] leading-none font-[660] tracking-[-0.03em] tabular-nums" data-quote={data.credits}>{number(data.credits)}</span>
        <span className="ms-1.5">{t("quote.credits", { count: data.credits })}</span>
      </Reasons>
      <p role="status" className="text-[14px] leading-tight text-soft">
        {data.sufficient ? (
          <>
            <span className="hidden sm:inline">{t("editor.charge")}</span>
            {data.seconds !== null && <span className="block">{t("quote.seconds", { seconds: number(Math.max(1, Math.round(data.seconds))) })}</span>}
          </>
        ) : (
          <span className="text-bad">{t("quote.short", { available: number(data.balance) })}</span>
        )}
      </p>
    </div>
  );
}

function Refused({ error }: { error: Error }) {
  const { t } = useText();
  const problem = error instanceof ApiFailure ? error.problem : null;
  return (
    <div role="status" className="max-w-[70ch] border-s-2 border-edge ps-3 text-[14px] leading-snug">
      <p>{problem?.detail || t("offline")}</p>
      {problem?.suggestions && <p className="text-soft">{t("editor.suggestions", { words: problem.suggestions.join(", ") })}</p>}
    </div>
  );
}

function Reasons({ quote, children }: { quote: Quote; children: ReactNode }) {
  const { t, number } = useText();
  const panel = useRef<HTMLDetailsElement>(null);
  const once = quote.steps.reduce((sum, { credits }) => sum + credits, 0);
  useEffect(() => {
    const close = (event: Event) => {
      const isInside = event.target instanceof Node && panel.current?.contains(event.target);
      if (panel.current && (event instanceof KeyboardEvent ? event.key === "Escape" : !isInside)) panel.current.open = false;
    };
    addEventListener("pointerdown", close);
    addEventListener("keydown", close);
    return () => {
      removeEventListener("pointerdown", close);
      removeEventListener("keydown", close);
    };
  }, []);
  return (
    <details ref={panel} className="relative">
      <summary className="flex list-none items-baseline whitespace-nowrap border-b border-dotted border-edge pb-0.5 hover:border-tally [&::-webkit-details-marker]:hidden" title={t("quote.why")}>
        {children}
      </summary>
      <div className="absolute start-0 bottom-[calc(100%+14px)] z-20 w-[min(370px,calc(100vw-32px))] rounded-md border border-line bg-raised p-4 text-[14px] shadow-lg">
        <table className="w-full">
          <caption className="pb-2 text-start font-[600]">{t("quote.why")}</caption>
          <tbody>
            {quote.steps.map(({ stepType, engine, credits, price }) => (
              <tr key={stepType} className="border-t border-line align-top">
                <th scope="row" className="py-1.5 text-start font-[560]">
                  {t(`stage.${stepType}` as TextKey)} <span className="slate block font-normal text-soft">{engine}</span>
                </th>
                <td className="slate py-2 ps-2 text-soft">
                  {price.map(({ unit, quantity, each }) => (
                    <span key={unit} className="block">{number(quantity)} × {t(`unit.${unit}` as TextKey)} · {number(each)}</span>
                  ))}
                </td>
                <td className="py-1.5 text-end tabular-nums">{number(credits)}</td>
              </tr>
            ))}
            {quote.credits > once && once > 0 && (
              <tr className="border-t border-line">
                <th scope="row" className="py-1.5 text-start font-[560]">{t("quote.variants")}</th>
                <td className="slate py-2 ps-2 text-soft">{number(quote.credits / once)} × {number(once)}</td>
                <td className="py-1.5 text-end tabular-nums">{number(quote.credits)}</td>
              </tr>
            )}
          </tbody>
        </table>
        <p className="mt-2 flex justify-between border-t border-line pt-2 text-soft">
          <span>{t("quote.balance")}</span>
          <span className="tabular-nums">{number(quote.balance)}</span>
        </p>
      </div>
    </details>
  );
}
