"use client";

import "@/features/text/more";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { type ReactNode, useId } from "react";
import { useMe, useSignedIn } from "@/features/session/hooks";
import { type TextKey, useText } from "@/features/text/text";
import { chooseAccount, useAccount } from "./account";

const OWN = [
  ["/settings", "settings.title"],
  ["/sessions", "sessions.title"],
  ["/keys", "keys.title"],
] as const satisfies [string, TextKey][];
const SHARED = [
  ["/billing", "billing.title"],
  ["/team", "team.title"],
  ["/webhooks", "webhooks.title"],
] as const satisfies [string, TextKey][];

interface Props {
  title: TextKey;
  lead?: TextKey | undefined;
  action?: ReactNode;
  /** Whether the page shows the chosen account. Other pages show the person's. */
  ofAccount?: boolean;
  children: ReactNode;
}

/** The frame of the pages about the account: their list, the title, and the choice of the account. */
export function AccountFrame({ title, lead, action, ofAccount = false, children }: Props) {
  const { t } = useText();
  const signedIn = useSignedIn();
  const { known } = useAccount();
  const { data: me } = useMe();
  return (
    <div className="mx-auto grid w-full max-w-[1240px] flex-1 content-start gap-x-12 px-5 py-6 lg:grid-cols-[190px_minmax(0,1fr)] lg:px-8 lg:py-9">
      <nav aria-label={t("account.pages")} className="mb-6 flex flex-wrap gap-1 lg:mb-0 lg:flex-col">
        <Group title={t("account.shared")} pages={SHARED} />
        <Group title={t("account.you")} pages={OWN} />
        {me?.platformAdmin && <Group title={t("account.studio")} pages={[["/admin", "admin.title"]]} />}
      </nav>
      <main className="min-w-0">
        <div className="mb-7 flex flex-wrap items-end gap-x-4 gap-y-3">
          <div className="me-auto min-w-0">
            <h1 className="text-[clamp(1.9rem,3.4vw,2.6rem)]">{t(title)}</h1>
            {lead && <p className="mt-2 max-w-[60ch] text-soft">{t(lead)}</p>}
          </div>
          {ofAccount && <AccountChoice />}
          {action}
        </div>
        {signedIn && (known || !ofAccount) ? children : <div className="h-[50vh]" aria-busy="true" />}
      </main>
    </div>
  );
}

function Group({ title, pages }: { title: string; pages: readonly (readonly [string, TextKey])[] }) {
  const { t } = useText();
  const path = usePathname();
  return (
    <div className="contents lg:mb-5 lg:block">
      <p className="mb-1.5 hidden px-2.5 text-[13px] text-soft lg:block">{title}</p>
      {pages.map(([href, name]) => (
        <Link
          key={href}
          href={href}
          prefetch={false}
          aria-current={path === href ? "page" : undefined}
          className={`block rounded-md px-2.5 py-1.5 whitespace-nowrap ${path === href ? "bg-raised font-[560] text-ink" : "text-soft hover:text-ink"}`}
        >
          {t(name)}
        </Link>
      ))}
    </div>
  );
}

/** The choice between the own account and those of organizations. Without organizations there is nothing to choose. */
export function AccountChoice() {
  const { t } = useText();
  const { organization, organizations } = useAccount();
  if (organizations.length === 0) return null;
  return (
    <label>
      <span className="sr-only">{t("account.choose")}</span>
      <select className="field min-w-[180px]" value={organization?.id ?? ""} onChange={({ target }) => chooseAccount(target.value || null)}>
        <option value="">{t("account.own")}</option>
        {organizations.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
      </select>
    </label>
  );
}

/** One part of a page, with its title. */
export function Part({ title, lead, action, children }: { title: string; lead?: string | undefined; action?: ReactNode; children?: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="border-t border-line py-7 first:border-0 first:pt-0">
      <div className="mb-4 flex flex-wrap items-end gap-x-4 gap-y-2">
        <div className="me-auto min-w-0">
          <h2 id={id} className="text-[20px]">{title}</h2>
          {lead && <p className="mt-1.5 max-w-[64ch] text-soft">{lead}</p>}
        </div>
        {action}
      </div>
      {children}
    </section>
  );
}
