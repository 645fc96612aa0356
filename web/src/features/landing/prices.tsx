"use client";

import Link from "next/link";
import { type TextKey, useText } from "@/features/text/text";
import offer from "@/generated/plans.json";

export function Prices() {
  const { t, number } = useText();
  const dollars = (cents: number) => number(cents / 100, { style: "currency", currency: "USD", maximumFractionDigits: 0 });
  return (
    <>
      <ul className="mt-10 grid border-y border-line md:grid-cols-3">
        {offer.plans.map(({ plan, cents, monthlyCredits, running, storedBytes }) => (
          <li key={plan} className="border-line py-7 md:border-s md:px-7 md:first:border-s-0 md:first:ps-0">
            <h3 className="text-[22px]">{t(`plan.${plan}` as TextKey)}</h3>
            <p className="mt-4 font-display text-[44px] leading-none font-[640] tracking-[-0.03em] tabular-nums">
              {dollars(cents)}
              {cents > 0 && <span className="ms-2 font-sans text-[15px] font-normal tracking-normal text-soft">{t("prices.month")}</span>}
            </p>
            <ul className="mt-5 space-y-1.5 text-soft">
              <li>
                {monthlyCredits > 0
                  ? t("prices.credits", { count: number(monthlyCredits) })
                  : t("prices.opening", { count: number(offer.openingCredits) })}
              </li>
              <li>{t("prices.running", { count: running })}</li>
              <li>{t("prices.storage", { size: number(storedBytes / 1e9, { style: "unit", unit: "gigabyte" }) })}</li>
              {plan === "FREE" && <li>{t("prices.watermark")}</li>}
            </ul>
          </li>
        ))}
      </ul>
      <p className="mt-6 text-soft">
        {t("prices.packs")}{" "}
        {offer.packs.map(({ pack, cents, credits }) => (
          <span key={pack} className="me-5 inline-block tabular-nums text-ink">
            {t("prices.pack", { count: number(credits), price: dollars(cents) })}
          </span>
        ))}
      </p>
      <Link href="/register" prefetch={false} className="button button-main mt-8 min-h-[44px] px-5 text-[16px]">{t("auth.signUp")}</Link>
    </>
  );
}
