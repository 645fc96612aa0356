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

/**
 * What can follow a job that has ended: each is a new job that starts from outputs of this one. A first press asks for
 * the price, and the second one accepts it. A retry at no more than the price of this job needs one press.
 */
export function Follow({ job }: { job: Job }) {
  const { t, number } = useText();
  const router = useRouter();
  const presets = useEntries();
  const forgetPrices = useForgetPrices();
  const [presetId, setPresetId] = useState(job.presetId);
  const requests = useRef(new Map<string, { key: string; maxCredits: number }>()); // a repetition after a lost answer is the same request
  const isStill = job.until === "IMAGE_GENERATION";
  const isDone = job.status === "COMPLETED";
  const start = useMutation({
    mutationFn: async (following: Following) => {
      const wish = `${following} ${presetId}`;
      const request = requests.current.get(wish) ?? { key: crypto.randomUUID(), maxCredits: following === "retry" ? job.credits : 0 };
      requests.current.set(wish, request);
      const { key, maxCredits } = request;
      const params = { path: { job_id: job.id }, header: { "idempotency-key": key } };
      switch (following) {
        case "retry":
          return demand(await api.POST("/api/jobs/{job_id}/retry", { params, body: { maxCredits } }));
        case "final":
          return demand(await api.POST("/api/jobs/{job_id}/final", { params, body: { maxCredits } }));
        case "continue":
          return demand(await api.POST("/api/jobs/{job_id}/continue", { params, body: { presetId, maxCredits } }));
        case "extend":
          return demand(await api.POST("/api/jobs/{job_id}/extend", { params, body: { presetId, maxCredits } }));
      }
    },
    onError: (error, following) => {
      const price = priceIn(error);
      if (price !== null) requests.current.set(`${following} ${presetId}`, { key: crypto.randomUUID(), maxCredits: price });
    },
    onSuccess: (next) => {
      forgetPrices();
      router.push(`/film?id=${next.id}`);
    },
  });
  const price = priceIn(start.error);
  const button = (following: Following, main = false) => (
    <button type="button" className={`button ${main ? "button-main" : ""}`} disabled={start.isPending} onClick={() => start.mutate(following)}>
      {t(`follow.${following}`)}
    </button>
  );
  const choose = (next: string) => {
    setPresetId(next);
    start.reset(); // its price is that of another film
  };
  const again = () => {
    storeDraft({ ...draftOf(job), presetId });
    router.push("/editor");
  };
  return (
    <section className="space-y-3 border-t border-line pt-5">
      <h2 className="text-[17px]">{t(isStill && isDone ? "follow.approve" : "follow.title")}</h2>
      <label className="block">
        <span className="sr-only">{t("follow.move")}</span>
        <select className="field" value={presetId} onChange={({ target }) => choose(target.value)}>
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
      {price !== null && <p role="status">{t("follow.price", { count: number(price) })}</p>}
      {start.error && price === null && <p role="alert" className="text-bad">{start.error instanceof ApiFailure ? start.error.problem.detail : t("offline")}</p>}
    </section>
  );
}

/** Return the price in the refusal of a request that allowed less, or null. */
function priceIn(error: Error | null): number | null {
  const problem = error instanceof ApiFailure ? error.problem : null;
  return problem?.maxCredits == null ? null : problem.creditsNeeded;
}
