"use client";

import { useMutation } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useRef, useState } from "react";
import { draftOf, storeDraft } from "@/features/editor/draft";
import { useForgetPrices } from "@/features/editor/quote";
import { useEntries } from "@/features/presets/entries";
import { ApiFailure, demand } from "@/features/session/failure";
import { api } from "@/features/session/session";
import type { Job } from "@/features/socket/events";
import { useText } from "@/features/text/text";

type Following = "retry" | "continue" | "final" | "extend";

/** What can follow a job that has ended: each is a new job that starts from outputs of this one. */
export function Follow({ job }: { job: Job }) {
  const { t } = useText();
  const router = useRouter();
  const presets = useEntries();
  const forgetPrices = useForgetPrices();
  const [presetId, setPresetId] = useState(job.presetId);
  const keys = useRef(new Map<string, string>()); // a repetition after a lost answer has the same key
  const isStill = job.until === "IMAGE_GENERATION";
  const isDone = job.status === "COMPLETED";
  const start = useMutation({
    mutationFn: async (following: Following) => {
      const wish = `${following} ${presetId}`;
      const key = keys.current.get(wish) ?? crypto.randomUUID();
      keys.current.set(wish, key);
      const params = { path: { job_id: job.id }, header: { "idempotency-key": key } };
      switch (following) {
        case "retry":
          return demand(await api.POST("/api/jobs/{job_id}/retry", { params }));
        case "final":
          return demand(await api.POST("/api/jobs/{job_id}/final", { params }));
        case "continue":
          return demand(await api.POST("/api/jobs/{job_id}/continue", { params, body: { presetId } }));
        case "extend":
          return demand(await api.POST("/api/jobs/{job_id}/extend", { params, body: { presetId } }));
      }
    },
    onSuccess: (next) => {
      forgetPrices();
      router.push(`/film?id=${next.id}`);
    },
  });
  const button = (following: Following, main = false) => (
    <button type="button" className={`button ${main ? "button-main" : ""}`} disabled={start.isPending} onClick={() => start.mutate(following)}>
      {t(`follow.${following}`)}
    </button>
  );
  const again = () => {
    storeDraft({ ...draftOf(job), presetId });
    router.push("/editor");
  };
  return (
    <section className="space-y-3 border-t border-line pt-5">
      <h2 className="text-[17px]">{t(isStill && isDone ? "follow.approve" : "follow.title")}</h2>
      <label className="block">
        <span className="sr-only">{t("follow.move")}</span>
        <select className="field" value={presetId} onChange={({ target }) => setPresetId(target.value)}>
          {!presets.some(({ id }) => id === presetId) && <option value={presetId}>{presetId}</option>}
          {presets.filter(({ id, needsDrivingClip }) => !needsDrivingClip || id === job.presetId).map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
        </select>
      </label>
      <div className="flex flex-wrap gap-2">
        {isDone && isStill && button("continue", true)}
        {isDone && job.settings.draft && !isStill && button("final", true)}
        {!isDone && button("retry", true)}
        {isDone && !isStill && button("extend")}
        <button type="button" className="button" onClick={again}>{t("film.again")}</button>
      </div>
      {isDone && !isStill && <p className="text-[13.5px] text-soft">{t("follow.extend.note")}</p>}
      {start.error && <p role="alert" className="text-bad">{start.error instanceof ApiFailure ? start.error.problem.detail : t("offline")}</p>}
    </section>
  );
}
