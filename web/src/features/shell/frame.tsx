"use client";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { DropdownMenu } from "radix-ui";
import { type ReactNode, useState, useSyncExternalStore } from "react";
import { useMe, useSession } from "@/features/session/hooks";
import { ApiFailure } from "@/features/session/failure";
import { session } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { Mark } from "@/ui/mark";
import { Appearance } from "./appearance";

function newClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 20_000,
        // A refusal stays a refusal; a lost connection is tried again.
        retry: (count, error) => !(error instanceof ApiFailure && error.status < 500) && count < 3,
      },
    },
  });
}

/** The frame of the pages on which films are made: navigation, credits and the state of the connection. */
export function StudioFrame({ children }: { children: ReactNode }) {
  const [client] = useState(newClient);
  return (
    <QueryClientProvider client={client}>
      <div className="flex min-h-dvh flex-col">
        <Header />
        <Offline />
        {children}
      </div>
    </QueryClientProvider>
  );
}

function Header() {
  const { t, number } = useText();
  const path = usePathname();
  const state = useSession();
  const { data: me } = useMe();
  return (
    <header className="flex h-14 shrink-0 items-center gap-1 border-b border-line px-3 sm:px-5">
      <Mark />
      <nav aria-label={t("nav.main")} className="ms-3 flex gap-1 sm:ms-6">
        <Tab href="/editor" current={path}>{t("nav.editor")}</Tab>
        <Tab href="/films" current={path}>{t("nav.films")}</Tab>
      </nav>
      <div className="ms-auto flex items-center">
        {me && (
          <span className="me-2 hidden whitespace-nowrap text-soft tabular-nums sm:inline" title={t("credits.held", { count: number(me.balance.held) })}>
            {t("credits.available", { count: number(me.balance.available) })}
          </span>
        )}
        <span className="hidden sm:flex">
          <Appearance />
        </span>
        {state === "out" && <Link href="/login" prefetch={false} className="button ms-1">{t("auth.signIn")}</Link>}
        {state === "in" && <Account email={me?.email ?? ""} />}
      </div>
    </header>
  );
}

function Tab({ href, current, children }: { href: string; current: string; children: ReactNode }) {
  const here = current.startsWith(href);
  return (
    <Link
      href={href}
      aria-current={here ? "page" : undefined}
      className={`whitespace-nowrap rounded-md px-2.5 py-1.5 ${here ? "bg-raised font-[560] text-ink" : "text-soft hover:text-ink"}`}
    >
      {children}
    </Link>
  );
}

function Account({ email }: { email: string }) {
  const { t } = useText();
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="ms-1 grid size-9 place-items-center rounded-full border border-edge font-[600] uppercase" aria-label={t("account.menu")}>
        {email.slice(0, 1) || "·"}
      </DropdownMenu.Trigger>
      <DropdownMenu.Content align="end" sideOffset={8} className="z-20 min-w-[220px] rounded-md border border-line bg-raised p-1.5 shadow-lg">
        <p className="truncate px-2.5 py-1.5 text-[14px] text-soft">{email}</p>
        <div className="flex px-0.5 sm:hidden">
          <Appearance />
        </div>
        <DropdownMenu.Item className="cursor-pointer rounded-sm px-2.5 py-1.5 data-[highlighted]:bg-paper data-[highlighted]:outline-none" onSelect={() => void session.signOut()}>
          {t("auth.signOut")}
        </DropdownMenu.Item>
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  );
}

function onNetwork(listener: () => void): () => void {
  addEventListener("online", listener);
  addEventListener("offline", listener);
  return () => {
    removeEventListener("online", listener);
    removeEventListener("offline", listener);
  };
}

function Offline() {
  const { t } = useText();
  const online = useSyncExternalStore(onNetwork, () => navigator.onLine, () => true);
  if (online) return null;
  return <p role="status" className="bg-tally px-5 py-1.5 text-center text-on-tally">{t("offline")}</p>;
}
