"use client";

import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useAccount } from "@/features/account/account";
import { demand } from "@/features/session/failure";
import { useSession } from "@/features/session/hooks";
import { api, type Schemas } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { type Draft, jobOf } from "./draft";

export const CHOSEN_PROJECT = "kinora.project";
const TYPING_MILLISECONDS = 400; // the price is asked for after a pause of this length
const PRICE_STALE_MILLISECONDS = 60_000;

/** Return the project of the next film: the chosen one, else the newest; a new account gets its first one. */
export function useProject() {
  const { t } = useText();
  const { query, known } = useAccount();
  const enabled = useSession() === "in" && known;
  return useQuery({
    queryKey: ["project-of-next-film", query],
    enabled,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0, // another page may choose another project
    queryFn: async () => {
      const list = demand(await api.GET("/api/projects", { params: { query: { ...query, limit: 100 } } })).data;
      const chosen = localStorage.getItem(CHOSEN_PROJECT);
      const project = list.find(({ id }) => id === chosen) ?? list[0];
      return (project ?? demand(await api.POST("/api/projects", { body: { name: t("project.first"), ...query } }))).id;
    },
  });
}

function useSettled<Value>(value: Value): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), TYPING_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** Return what the draft would cost, or the API's refusal. The last price stays until the next one has arrived. */
export function useQuote(draft: Draft) {
  const settled = useSettled(draft);
  const { data: projectId } = useProject();
  const body = projectId && settled.prompt.trim() ? jobOf(settled, projectId) : null;
  const query = useQuery({
    queryKey: ["quote", body],
    enabled: body !== null,
    staleTime: PRICE_STALE_MILLISECONDS,
    placeholderData: keepPreviousData,
    retry: false,
    queryFn: async () => demand(await api.POST("/api/jobs/quote", { body: body as Schemas["JobCreate"] })),
  });
  const price = body === null || query.error ? null : (query.data?.credits ?? null); // what the page shows
  return { ...query, price, isSettled: settled === draft && !query.isFetching, isAsked: body !== null };
}

export type Engine = Schemas["EngineView"];

/** Return all engines. The list is public. */
export function useEngines() {
  return useQuery({
    queryKey: ["engines"],
    staleTime: 300_000,
    queryFn: async () => demand(await api.GET("/api/engines")).data,
  });
}

/** Forget prices and balances after something was bought or submitted. */
export function useForgetPrices(): () => void {
  const queries = useQueryClient();
  return () => {
    for (const queryKey of [["jobs"], ["me"], ["quote"]]) void queries.invalidateQueries({ queryKey });
  };
}
