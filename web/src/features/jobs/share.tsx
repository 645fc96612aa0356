"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ApiFailure, demand } from "@/features/session/failure";
import { api } from "@/features/session/session";
import type { Job } from "@/features/socket/events";
import { useText } from "@/features/text/text";
import { Icon } from "@/ui/icon";

const LONGEST_TITLE = 120;

/** The public link of a film. Everybody with the link sees the film until the link is closed. */
export function Share({ job }: { job: Job }) {
  const { t } = useText();
  const queries = useQueryClient();
  const [isCopied, setCopied] = useState(false);
  const queryKey = ["shares", job.id];
  const { data: shares } = useQuery({
    queryKey,
    queryFn: async () => demand(await api.GET("/api/shares", { params: { query: { jobId: job.id } } })).data,
  });
  const settled = { onSettled: () => queries.invalidateQueries({ queryKey }) };
  const open = useMutation({
    mutationFn: async () => demand(await api.POST("/api/shares", { body: { jobId: job.id, title: titleOf(job.prompt) } })),
    ...settled,
  });
  const close = useMutation({
    mutationFn: async (shareId: string) => demand(await api.DELETE("/api/shares/{share_id}", { params: { path: { share_id: shareId } } })),
    ...settled,
  });
  const share = shares?.[0];
  const failure = open.error ?? close.error;
  const link = share?.url ?? "";
  return (
    <section>
      <h2 className="mb-2 text-[17px]">{t("shared.title")}</h2>
      {share?.takenDown && <p className="text-bad">{t("shared.takenDown")}</p>}
      {share && !share.takenDown && (
        <div className="space-y-2">
          <input readOnly className="field slate" aria-label={t("shared.link")} value={link} onFocus={({ target }) => target.select()} />
          <p className="flex flex-wrap gap-2">
            <button type="button" className="button" onClick={() => void navigator.clipboard.writeText(link).then(() => setCopied(true))}>{t(isCopied ? "shared.copied" : "shared.copy")}</button>
            <button type="button" className="button button-plain" disabled={close.isPending} onClick={() => close.mutate(share.id)}>{t("shared.close")}</button>
          </p>
        </div>
      )}
      {shares && !share && (
        <button type="button" className="button" disabled={open.isPending} onClick={() => open.mutate()}><Icon name="share" />{t("shared.open")}</button>
      )}
      {failure && <p role="alert" className="mt-2 text-bad">{failure instanceof ApiFailure ? failure.problem.detail : t("offline")}</p>}
    </section>
  );
}

/** Return the prompt as a title: one line without marks that change the direction of text. */
export function titleOf(prompt: string): string {
  const line = prompt.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, " ").trim();
  return Array.from(line).slice(0, LONGEST_TITLE).join("") || "Film";
}
