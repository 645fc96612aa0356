"use client";

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { useEffect, useState } from "react";
import { useAccount } from "@/features/account/account";
import { AccountFrame, Part } from "@/features/account/frame";
import plans from "@/generated/plans.json";
import { FailureNote } from "@/features/session/failure-note";
import { demand } from "@/features/session/failure";
import { api, type Schemas } from "@/features/session/session";
import { bytes } from "@/features/text/bytes";
import { type TextKey, useText } from "@/features/text/text";
import { Icon } from "@/ui/icon";
import { UsageChart, wholePeriod } from "./chart";
import { useSubscription } from "./queries";

const DAYS = 30;
const OUTCOMES = ["bought", "subscribed", "cancelled", "portal"] as const; // how a page of Stripe sends people back
const ARRIVES_MILLISECONDS = 2000; // Stripe reports a payment after the page has come back
type LedgerPage = Schemas["Page_LedgerEntry_"]; // the answer to a request without `format`
type Purchase = Omit<Schemas["Checkout"], "organizationId">;

export function BillingPage() {
  const [outcome, setOutcome] = useState<(typeof OUTCOMES)[number] | null>(null);
  useEffect(() => {
    const name = location.search.slice(1);
    setOutcome(OUTCOMES.find((one) => one === name) ?? null);
    if (name) history.replaceState(history.state, "", location.pathname);
  }, []);
  return (
    <AccountFrame title="billing.title" lead="billing.lead" ofAccount>
      {outcome && <Outcome outcome={outcome} />}
      <Balance />
      <Plans />
      <Usage />
      <Ledger />
    </AccountFrame>
  );
}

/** What happened on the page of Stripe. The credits of a payment arrive a moment later, so the balance is read again. */
function Outcome({ outcome }: { outcome: (typeof OUTCOMES)[number] }) {
  const { t } = useText();
  const queries = useQueryClient();
  useEffect(() => {
    if (outcome === "cancelled") return;
    let count = 0;
    const timer = setInterval(() => {
      for (const key of ["subscription", "me", "ledger"]) void queries.invalidateQueries({ queryKey: [key] });
      if (++count === 5) clearInterval(timer);
    }, ARRIVES_MILLISECONDS);
    return () => clearInterval(timer);
  }, [outcome, queries]);
  return <p role="status" className="mb-6 border-s-2 border-good ps-3">{t(`billing.outcome.${outcome}`)}</p>;
}

function Balance() {
  const { t, number, date } = useText();
  const { data, error } = useSubscription();
  if (!data) return <FailureNote error={error} className="mb-6" />;
  const facts = [
    ["billing.available", data.creditsAvailable],
    ["billing.held", data.creditsHeld],
    ...(data.creditsOwed ? [["billing.owed", data.creditsOwed] as const] : []),
  ] as const;
  return (
    <section aria-label={t("billing.balance")} className="mb-8 flex flex-wrap items-end gap-x-10 gap-y-4">
      {facts.map(([name, count]) => (
        <p key={name}>
          <span className="block font-display text-[44px] leading-none font-[640] tracking-[-0.03em] tabular-nums">{number(count)}</span>
          <span className="mt-1.5 block text-soft">{t(name)}</span>
        </p>
      ))}
      <p className="ms-auto text-end">
        <span className="block font-[600]">{t(`plan.${data.plan}`)}</span>
        <span className="block text-[14px] text-soft">
          {data.status === "PAST_DUE" || data.status === "UNPAID"
            ? t("billing.unpaid")
            : data.currentPeriodEnd
              ? t(data.cancelAtPeriodEnd ? "billing.ends" : "billing.renews", { at: date(data.currentPeriodEnd) })
              : t("billing.noPlan")}
        </span>
      </p>
    </section>
  );
}

/** Open a page of Stripe: a purchase, or the portal with invoices and cards. */
function useStripe() {
  const { query } = useAccount();
  return useMutation({
    mutationFn: async (purchase: Purchase | "portal") => {
      const link =
        purchase === "portal"
          ? demand(await api.POST("/api/billing/portal", { params: { query } }))
          : demand(await api.POST("/api/billing/checkout", { body: { ...purchase, ...query }, params: { header: { "idempotency-key": crypto.randomUUID() } } }));
      location.assign(link.url);
      await new Promise(() => undefined); // the button stays busy until the page is left
    },
  });
}

function Plans() {
  const { t, number } = useText();
  const { data } = useSubscription();
  const stripe = useStripe();
  const price = (cents: number) => number(cents / 100, { style: "currency", currency: "USD", maximumFractionDigits: cents % 100 ? 2 : 0 });
  const busy = stripe.isPending;
  return (
    <Part
      title={t("billing.plans")}
      lead={t("billing.plans.lead")}
      action={data?.stripeCustomerId && <button type="button" className="button" disabled={busy} onClick={() => stripe.mutate("portal")}>{t("billing.portal")}</button>}
    >
      <ul className="grid gap-3 sm:grid-cols-3">
        {plans.plans.map(({ plan, cents, monthlyCredits, running, storedBytes }) => {
          const current = data?.plan === plan;
          return (
            <li key={plan} className={`flex flex-col rounded-md border p-4 ${current ? "border-tally" : "border-line"}`}>
              <h3 className="text-[19px]">{t(`plan.${plan}` as TextKey)}</h3>
              <p className="mt-1"><span className="font-display text-[28px] font-[640]">{price(cents)}</span> <span className="text-soft">{t("prices.month")}</span></p>
              <ul className="mt-3 mb-4 space-y-1 text-[14px] text-soft">
                <li>{monthlyCredits ? t("prices.credits", { count: number(monthlyCredits) }) : t("prices.opening", { count: number(plans.openingCredits) })}</li>
                <li>{t("prices.running", { count: number(running) })}</li>
                <li>{t("prices.storage", { size: bytes(storedBytes, number) })}</li>
                {plan === "FREE" && <li>{t("prices.watermark")}</li>}
              </ul>
              <p className="mt-auto">
                {current ? (
                  <span className="font-[560] text-tally">{t("billing.current")}</span>
                ) : plan === "FREE" ? null : (
                  <button type="button" className="button w-full" disabled={busy || !data} onClick={() => stripe.mutate({ plan: plan as "PRO" | "ENTERPRISE" })}>{t("billing.choose", { plan: t(`plan.${plan}` as TextKey) })}</button>
                )}
              </p>
            </li>
          );
        })}
      </ul>
      <h3 className="mt-6 mb-2.5 text-[16px]">{t("billing.packs")}</h3>
      <ul className="flex flex-wrap gap-2">
        {plans.packs.map(({ pack, cents, credits }) => (
          <li key={pack}>
            <button type="button" className="button" disabled={busy || !data} onClick={() => stripe.mutate({ pack: pack as Schemas["PackName"] })}>{t("prices.pack", { count: number(credits), price: price(cents) })}</button>
          </li>
        ))}
      </ul>
      <FailureNote error={stripe.error} />
    </Part>
  );
}

function Usage() {
  const { t, number } = useText();
  const { query } = useAccount();
  const { data, error } = useQuery({
    queryKey: ["usage", query, DAYS],
    queryFn: async () => demand(await api.GET("/api/billing/usage", { params: { query } })),
  });
  const days = wholePeriod(data?.days.map(({ date, creditsUsed }) => ({ date, value: creditsUsed })) ?? [], new Date(), DAYS);
  const films = data?.days.reduce((sum, { jobsCreated }) => sum + jobsCreated, 0) ?? 0;
  const spent = days.reduce((sum, { value }) => sum + value, 0);
  return (
    <Part title={t("billing.usage")} lead={data && t("billing.usage.lead", { films: number(films), credits: number(spent), storage: bytes(data.days.at(-1)?.storageUsed ?? 0, number) })}>
      <FailureNote error={error} />
      {data && <UsageChart days={days} title={t("billing.usage.chart")} unit={t("films.credits")} />}
    </Part>
  );
}

function Ledger() {
  const { t, number, date } = useText();
  const { query } = useAccount();
  const ledger = useInfiniteQuery({
    queryKey: ["ledger", query],
    initialPageParam: "",
    queryFn: async ({ pageParam }) =>
      demand(await api.GET("/api/billing/ledger", { params: { query: { ...query, limit: 25, ...(pageParam ? { cursor: pageParam } : {}) } } })) as LedgerPage,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const download = useMutation({
    mutationFn: async () => {
      const answer = await api.GET("/api/billing/ledger", { params: { query: { ...query, format: "csv" } }, parseAs: "blob" });
      save(demand(answer), "kinora-ledger.csv");
    },
  });
  const entries = ledger.data?.pages.flatMap(({ data }) => data) ?? [];
  return (
    <Part
      title={t("billing.ledger")}
      lead={t("billing.ledger.lead")}
      action={entries.length > 0 && <button type="button" className="button" disabled={download.isPending} onClick={() => download.mutate()}><Icon name="download" />CSV</button>}
    >
      <FailureNote error={ledger.error ?? download.error} />
      {ledger.isSuccess && entries.length === 0 && <p className="text-soft">{t("billing.ledger.empty")} <Link href="/editor" className="underline">{t("nav.editor")}</Link></p>}
      {entries.length > 0 && (
        <table className="w-full text-start">
          <thead className="text-[13.5px] text-soft">
            <tr>
              <th scope="col" className="py-1.5 text-start font-normal">{t("billing.when")}</th>
              <th scope="col" className="py-1.5 text-start font-normal">{t("billing.reason")}</th>
              <th scope="col" className="py-1.5 text-end font-normal">{t("billing.credits")}</th>
            </tr>
          </thead>
          <tbody>
            {entries.map(({ id, credits, reason, at }) => (
              <tr key={id} className="border-t border-line">
                <td className="py-2 pe-4 text-[14px] whitespace-nowrap text-soft">{date(at)}</td>
                <td className="py-2 pe-4 break-words [overflow-wrap:anywhere]">{reason}</td>
                <td className={`py-2 text-end font-[560] tabular-nums ${credits > 0 ? "text-good" : ""}`}>{number(credits, { signDisplay: "exceptZero" })}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {ledger.hasNextPage && <button type="button" className="button mt-4" disabled={ledger.isFetchingNextPage} onClick={() => void ledger.fetchNextPage()}>{t("films.more")}</button>}
    </Part>
  );
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
