"use client";

import { useQuery } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useEffect, useSyncExternalStore } from "react";
import { demand } from "./failure";
import { api, session, type SessionState } from "./session";

export function useSession(): SessionState {
  useEffect(() => void session.restore().catch(() => undefined), []);
  return useSyncExternalStore(session.subscribe, session.state, () => "unknown" as const);
}

/** Return whether the page may show what belongs to a person. Otherwise go to the sign-in page, and back afterwards. */
export function useSignedIn(): boolean {
  const state = useSession();
  const router = useRouter();
  useEffect(() => {
    if (state !== "out") return;
    router.replace(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  }, [state, router]);
  return state === "in";
}

export function useMe() {
  const enabled = useSession() === "in";
  return useQuery({ queryKey: ["me"], enabled, queryFn: async () => demand(await api.GET("/api/auth/me")) });
}
