"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { demand } from "@/features/session/failure";
import { api } from "@/features/session/session";
import { applied, ENDED, endsJob, type Job } from "@/features/socket/events";
import { socketState, watch } from "@/features/socket/socket";

const LOST_SECONDS = 5; // while the socket is lost, the job is read over REST

export async function readJob(id: string): Promise<Job> {
  return demand(await api.GET("/api/jobs/{job_id}", { params: { path: { job_id: id } } }));
}

export function useConnection() {
  return useSyncExternalStore(socketState.subscribe, socketState.get, () => "connecting" as const);
}

/** Read the job, and follow its events until it ends. After the last event the job is read again, with its files. */
export function useJob(id: string, enabled: boolean) {
  const queries = useQueryClient();
  const connection = useConnection();
  const query = useQuery({
    queryKey: ["job", id],
    enabled: enabled && id !== "",
    queryFn: () => readJob(id),
    refetchInterval: ({ state }) =>
      state.data && !ENDED.has(state.data.status) && connection === "lost" ? LOST_SECONDS * 1000 : false,
  });
  const open = query.data !== undefined && !ENDED.has(query.data.status);
  useEffect(() => {
    if (!open) return;
    return watch(id, (event) => {
      queries.setQueryData<Job>(["job", id], (job) => applied(job, event));
      if (!endsJob(event)) return;
      void queries.invalidateQueries({ queryKey: ["job", id] });
      void queries.invalidateQueries({ queryKey: ["me"] });
      void queries.invalidateQueries({ queryKey: ["jobs"] });
    });
  }, [id, open, queries]);
  return query;
}
