"use client";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useMe, useSession } from "@/features/session/hooks";
import { ApiFailure } from "@/features/session/failure";
import { session } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { Mark } from "@/ui/mark";
import { Appearance } from "./appearance";
import { NAVIGATION } from "./navigation";

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
      <Mark short />
      <nav aria-label={t("nav.main")} className="ms-2 flex min-w-0 gap-1 overflow-x-auto sm:ms-6">
        {NAVIGATION.filter(({ place }) => place === "main").map(({ href, text }) => (
          <Tab key={href} href={href} current={path}>{t(text)}</Tab>
        ))}
      </nav>
      <div className="ms-auto flex items-center">
        {me && (
          <Link href="/billing" prefetch={false} className="me-2 hidden whitespace-nowrap text-soft tabular-nums hover:text-ink md:inline" title={t("credits.held", { count: number(me.balance.held) })}>
            {t("credits.available", { count: number(me.balance.available) })}
          </Link>
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

/** The account's menu. Escape and a press elsewhere close it. */
function Account({ email }: { email: string }) {
  const { t } = useText();
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event) => {
      const inside = event.target instanceof Node && menu.current?.contains(event.target);
      if (menu.current && (event instanceof KeyboardEvent ? event.key === "Escape" : !inside)) menu.current.open = false;
    };
    addEventListener("pointerdown", close);
    addEventListener("keydown", close);
    return () => {
      removeEventListener("pointerdown", close);
      removeEventListener("keydown", close);
    };
  }, []);
  return (
    <details ref={menu} className="relative ms-1">
      <summary className="grid size-9 list-none place-items-center rounded-full border border-edge font-[600] uppercase [&::-webkit-details-marker]:hidden" aria-label={t("account.menu")}>
        <span aria-hidden="true" data-letter={email.slice(0, 1) || "·"} className="before:content-[attr(data-letter)]" />
      </summary>
      <div className="absolute end-0 top-11 z-20 w-[230px] rounded-md border border-line bg-raised p-1.5 shadow-lg">
        <p className="truncate px-2.5 py-1.5 text-[14px] text-soft">{email}</p>
        <p className="flex sm:hidden">
          <Appearance />
        </p>
        {NAVIGATION.filter(({ place }) => place === "account").map(({ href, text }) => (
          <Link key={href} href={href} className="block rounded-sm px-2.5 py-1.5 hover:bg-sunken" onClick={() => menu.current?.removeAttribute("open")}>{t(text)}</Link>
        ))}
        <button type="button" className="button button-plain" onClick={() => void session.signOut()}>{t("auth.signOut")}</button>
      </div>
    </details>
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
