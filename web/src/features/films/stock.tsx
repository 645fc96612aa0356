"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useAccount } from "@/features/account/account";
import { useSubscription } from "@/features/billing/queries";
import plans from "@/generated/plans.json";
import { demand } from "@/features/session/failure";
import { api } from "@/features/session/session";
import { bytes } from "@/features/text/bytes";
import { useText } from "@/features/text/text";

/** What the account has: credits, and space for uploads and films. People who may not see the bills see nothing. */
export function Stock() {
  const { t, number } = useText();
  const { query } = useAccount();
  const subscription = useSubscription();
  const usage = useQuery({
    queryKey: ["usage", query, "stock"],
    queryFn: async () => demand(await api.GET("/api/billing/usage", { params: { query } })),
  });
  if (!subscription.data || !usage.data) return null;
  const { plan, creditsAvailable } = subscription.data;
  const stored = usage.data.days.at(-1)?.storageUsed ?? 0;
  const space = plans.plans.find((one) => one.plan === plan)?.storedBytes ?? 0;
  return (
    <Link href="/billing" prefetch={false} className="flex items-center gap-5 rounded-md border border-line px-3.5 py-1.5 text-[13.5px] hover:border-edge">
      <span>
        <span className="font-[600] tabular-nums">{number(creditsAvailable)}</span> <span className="text-soft">{t("films.credits")}</span>
      </span>
      <span className="min-w-[150px]">
        <span className="flex justify-between gap-3 text-soft">
          <span>{t("films.storage")}</span>
          <span className="tabular-nums">{t("films.storage.of", { used: bytes(stored, number), all: bytes(space, number) })}</span>
        </span>
        <progress max={space || 1} value={stored} aria-label={t("films.storage")} className="bar mt-1 w-full" />
      </span>
    </Link>
  );
}
