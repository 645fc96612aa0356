"use client";

import "@/features/text/more";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { useEffect } from "react";
import { AccountChoice } from "@/features/account/frame";
import { type Account, useAccount } from "@/features/account/account";
import { useConnection, useJob } from "@/features/jobs/use-job";
import { CATALOGUE } from "@/features/presets/catalogue";
import { FailureNote } from "@/features/session/failure-note";
import { demand } from "@/features/session/failure";
import { useSignedIn } from "@/features/session/hooks";
import { api } from "@/features/session/session";
import { ENDED, type Job } from "@/features/socket/events";
import { type TextKey, useText } from "@/features/text/text";
import { Confirm } from "@/ui/confirm";
import { order } from "./order";

const OPEN = ["RUNNING", "QUEUED", "PENDING"] as const;
const POLL_MILLISECONDS = 8000; // finds films that were submitted elsewhere, and new places in the queue

async function openJobs(query: Account["query"]): Promise<Job[]> {
  const pages = await Promise.all(OPEN.map(async (status) => demand(await api.GET("/api/jobs", { params: { query: { ...query, status, limit: 100 } } })).data));
  return order(pages.flat());
}

/** All films of the account that have not ended, in the order in which they are made. */
export function QueuePage() {
  const { t } = useText();
  const signedIn = useSignedIn();
  const { query, known } = useAccount();
  const connection = useConnection();
  const { data, error } = useQuery({
    queryKey: ["jobs", query, "open"],
    enabled: signedIn && known,
    refetchInterval: POLL_MILLISECONDS,
    queryFn: () => openJobs(query),
  });
  return (
    <main className="mx-auto w-full max-w-[1100px] flex-1 px-5 py-7 lg:px-8">
      <div className="mb-6 flex flex-wrap items-end gap-x-4 gap-y-3">
        <h1 className="me-auto text-[clamp(2rem,4vw,3rem)]">{t("queue.title")}</h1>
        <AccountChoice />
      </div>
      <FailureNote error={error} className="mb-4" />
      {connection === "lost" && data && data.length > 0 && <p role="status" className="mb-3 text-[14px] text-soft">{t("queue.lost")}</p>}
      {data?.length === 0 && (
        <div className="py-12">
          <h2 className="text-[28px]">{t("queue.empty")}</h2>
          <p className="mt-3 max-w-[52ch] text-soft">{t("queue.empty.lead")}</p>
          <p className="mt-6 flex flex-wrap gap-2">
            <Link href="/editor" className="button button-main">{t("nav.editor")}</Link>
            <Link href="/films" className="button">{t("nav.films")}</Link>
          </p>
        </div>
      )}
      <ol className="divide-y divide-line border-line">
        {data?.map((job) => <Row key={job.id} listed={job} />)}
      </ol>
    </main>
  );
}

function Row({ listed }: { listed: Job }) {
  const { t, time } = useText();
  const queries = useQueryClient();
  const { data, refetch } = useJob(listed.id, true);
  const job = data ?? listed;
  const waits = job.status !== "RUNNING" && !ENDED.has(job.status);
  useEffect(() => {
    if (!waits) return;
    const timer = setInterval(() => void refetch(), POLL_MILLISECONDS);
    return () => clearInterval(timer);
  }, [waits, refetch]);
  const cancel = useMutation({
    mutationFn: async () => demand(await api.POST("/api/jobs/{job_id}/cancel", { params: { path: { job_id: job.id } } })),
    onSuccess: (next) => queries.setQueryData(["job", job.id], next),
    onSettled: () => Promise.all([["jobs"], ["me"]].map((queryKey) => queries.invalidateQueries({ queryKey }))),
  });
  const picture = job.previewUrl ?? job.imageUrl;
  return (
    <li data-job={job.id} data-status={job.status} className="grid grid-cols-[112px_minmax(0,1fr)] gap-x-4 gap-y-2 py-4 sm:grid-cols-[152px_minmax(0,1fr)_auto]">
      <Link href={`/film?id=${job.id}`} prefetch={false} tabIndex={-1} aria-hidden="true" className="grid aspect-video place-items-center overflow-clip bg-sunken">
        {picture ? <img src={picture} alt="" className="size-full object-cover" /> : job.queuePosition !== null && <span className="font-display text-[28px] font-[640] text-soft tabular-nums">{job.queuePosition}</span>}
      </Link>
      <div className="min-w-0">
        <Link href={`/film?id=${job.id}`} prefetch={false} className="line-clamp-2 break-words font-[560] hover:underline hover:decoration-tally">{job.prompt}</Link>
        <p className="slate mt-1 text-soft">{CATALOGUE.find(({ id }) => id === job.presetId)?.name ?? t("films.ownMove")} · {t("credits.available", { count: job.credits })}</p>
        <progress max={100} value={job.progress} aria-label={t("film.progress")} className={`bar mt-2.5 w-full ${job.status === "COMPLETED" ? "bar-done" : ""}`} />
        <p className="mt-1.5 flex flex-wrap justify-between gap-x-4 text-[14px] text-soft">
          <span>
            {job.status === "RUNNING" && job.currentStep ? t(`stage.${job.currentStep}` as TextKey) : t(`status.${job.status}` as TextKey)}
            {job.queuePosition !== null && ` · ${t("queue.place", { position: job.queuePosition })}`}
          </span>
          <span className="tabular-nums">{job.estimatedEndAt && !ENDED.has(job.status) ? t("queue.ready", { at: time(job.estimatedEndAt) }) : `${job.progress} %`}</span>
        </p>
        <FailureNote error={cancel.error} />
      </div>
      <p className="col-start-2 self-start sm:col-start-3">
        {!ENDED.has(job.status) && <Confirm action={t("film.cancel")} question={t("queue.cancel.sure")} busy={cancel.isPending} onConfirm={() => cancel.mutate()} />}
      </p>
    </li>
  );
}
