"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter, useSearchParams } from "next/navigation";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { MeasuredPlot } from "@/features/camera/measured";
import { PathPlot } from "@/features/camera/plot";
import { useEntries } from "@/features/presets/entries";
import { useMove } from "@/features/presets/move-of";
import { ReadingNote } from "@/features/prompt/prompt-field";
import { ApiFailure, demand } from "@/features/session/failure";
import { useSignedIn } from "@/features/session/hooks";
import { api } from "@/features/session/session";
import { ENDED, type Job } from "@/features/socket/events";
import { type TextKey, useText } from "@/features/text/text";
import { Icon } from "@/ui/icon";
import { Follow } from "./follow";
import { Player } from "./player";
import { Share } from "./share";
import { useConnection, useJob } from "./use-job";

export function FilmPage() {
  const { t } = useText();
  const signedIn = useSignedIn();
  const id = useSearchParams().get("id") ?? "";
  const { data: job, error, refetch } = useJob(id, signedIn);
  if (id === "" || (error instanceof ApiFailure && error.status === 404)) return <Note title={t("film.missing")} lead={t("film.missingLead")} />;
  if (error && !job) {
    return (
      <Note title={error instanceof ApiFailure ? error.problem.detail : t("offline")}>
        <button type="button" className="button" onClick={() => void refetch()}>{t("again")}</button>
      </Note>
    );
  }
  return job ? <Film key={job.id} job={job} /> : <main className="flex-1" aria-busy="true" />;
}

function Note({ title, lead, children }: { title: string; lead?: string; children?: ReactNode }) {
  const { t } = useText();
  return (
    <main className="mx-auto w-full max-w-[720px] flex-1 px-6 py-24">
      <h1 className="text-[40px]">{title}</h1>
      {lead && <p className="mt-3 text-soft">{lead}</p>}
      <div className="mt-6 flex gap-2">
        {children}
        <Link href="/films" className="button">{t("nav.films")}</Link>
      </div>
    </main>
  );
}

function Film({ job }: { job: Job }) {
  const { t, date } = useText();
  const presets = useEntries();
  const preset = presets.find(({ id }) => id === job.presetId);
  const { settings } = job;
  const move = useMove(job.presetId, settings.strength, settings.stack, presets);
  const measured = job.steps.findLast(({ metadata }) => metadata?.cameraPath)?.metadata?.cameraPath;
  const isStill = job.until === "IMAGE_GENERATION";
  const isFilm = job.status === "COMPLETED" && !isStill;
  return (
    <main className="mx-auto grid w-full max-w-[1500px] flex-1 content-start gap-8 px-5 py-6 lg:grid-cols-[minmax(0,1fr)_350px] lg:px-8">
      <div>
        <div className="mb-5">
          <h1 className="line-clamp-3 text-[clamp(1.6rem,3vw,2.4rem)] break-words">{job.prompt}</h1>
          <p className="slate mt-2.5 text-soft">
            {preset?.name ?? job.presetId} · {settings.aspectRatio} · {settings.resolution} · {settings.fps} fps · {settings.duration} s · {date(job.createdAt)}
          </p>
        </div>
        <div className="p-[7px]">
          {isFilm ? <Player job={job} /> : <Progress job={job} />}
        </div>
      </div>
      <div className="space-y-7 lg:pt-[7px]">
        <Announcement job={job} />
        <Stages job={job} />
        {!isStill && (
          <section className="space-y-3">
            {job.motionScore !== null && <Score score={job.motionScore} />}
            {measured ? (
              <div>
                <h2 className="mb-2 text-[17px]">{t("film.measured")}</h2>
                <MeasuredPlot paths={measured} />
              </div>
            ) : move && (
              <div>
                <h2 className="mb-2 text-[17px]">{t("film.path")}</h2>
                <PathPlot move={move} />
              </div>
            )}
          </section>
        )}
        {(job.understood || job.notUnderstood) && (
          <section className="text-[14px] text-soft">
            <h2 className="mb-1.5 text-[17px] text-ink">{t("film.prompt")}</h2>
            <ReadingNote reading={{ understood: job.understood ?? [], notUnderstood: job.notUnderstood ?? [], readAs: job.readAs ?? {} }} />
          </section>
        )}
        {isFilm && <Downloads job={job} />}
        {isFilm && <Share job={job} />}
        {ENDED.has(job.status) && <Follow job={job} />}
        <Actions job={job} />
      </div>
    </main>
  );
}

/** The newest preview, in the film's shape. A preview keeps its place until the next one has loaded. */
function Progress({ job }: { job: Job }) {
  const { t, time } = useText();
  const connection = useConnection();
  const [width, height] = job.settings.aspectRatio.split(":").map(Number) as [number, number];
  const preview = job.previewUrl ?? job.imageUrl;
  const live = !ENDED.has(job.status);
  return (
    <>
      <div
        className={`finder mx-auto grid place-items-center overflow-clip bg-sunken [overflow-clip-margin:8px] ${live ? "finder-on" : ""}`}
        style={{ aspectRatio: `${width} / ${height}`, maxWidth: `calc(max(100dvh - 250px, 240px) * ${width / height})` }}
      >
        {preview ? (
          <img src={preview} alt={t("film.preview")} className={`size-full object-cover ${live || job.status === "COMPLETED" ? "" : "opacity-40"}`} />
        ) : (
          <p className="px-6 text-center text-soft">{t(live ? "film.noPreview" : "film.noPicture")}</p>
        )}
      </div>
      {live && (
        <div className="mt-5">
          <div className="flex justify-between gap-3">
            <span>{job.currentStep ? t(`stage.${job.currentStep}` as TextKey) : t("film.waits")}</span>
            <span className="slate text-[13px]">{job.progress} %</span>
          </div>
          <progress max={100} value={job.progress} aria-label={t("film.progress")} className="bar mt-2 w-full" />
          <p className="mt-2 min-h-[1.5em] text-[14px] text-soft" role="status">
            {connection === "lost"
              ? t("film.lost")
              : job.queuePosition !== null
                ? t("film.queue", { position: job.queuePosition, at: job.estimatedStartAt ? time(job.estimatedStartAt) : "…" })
                : ""}
            {job.estimatedEndAt && ` ${t("film.ends", { at: time(job.estimatedEndAt) })}`}
          </p>
        </div>
      )}
    </>
  );
}

/** Says aloud, once, how the job ended, and what that means for the credits. */
function Announcement({ job }: { job: Job }) {
  const { t } = useText();
  const seen = useRef(job.status);
  const said = t(job.until === "IMAGE_GENERATION" && job.status === "COMPLETED" ? "status.still" : (`status.${job.status}` as TextKey));
  const endedNow = ENDED.has(job.status) && seen.current !== job.status;
  useEffect(() => {
    if (!endedNow) return;
    document.title = `${said} · Kinora`;
  }, [endedNow, said]);
  return (
    <div role="status" data-status={job.status} className={`border-s-2 ps-3 ${job.status === "FAILED" ? "border-bad" : job.status === "COMPLETED" ? "border-good" : "border-line"}`}>
      <p className="font-display text-[22px] font-[640] tracking-[-0.02em]">{said}</p>
      {job.error && job.status === "FAILED" && <p>{job.error}</p>}
      <p className="text-soft">{t(`charge.${job.status}` as TextKey, { count: job.credits })}</p>
    </div>
  );
}

function Stages({ job }: { job: Job }) {
  const { t, number } = useText();
  return (
    <section>
      <h2 className="sr-only">{t("film.stages")}</h2>
      <ol className="space-y-3">
        {job.steps.map((step) => {
          const done = step.status === "COMPLETED";
          const part = done ? 100 : step.stepType === job.currentStep ? Math.max(step.progress, 4) : step.progress;
          const seconds = step.startedAt && step.completedAt ? (Date.parse(step.completedAt) - Date.parse(step.startedAt)) / 1000 : null;
          return (
            <li key={step.id} data-stage={step.stepType} data-done={done}>
              <div className="mb-1.5 flex justify-between gap-3 text-[14px]">
                <span className={done || step.status === "RUNNING" ? "" : "text-soft"}>{t(`stage.${step.stepType}` as TextKey)}</span>
                <span className="slate self-center text-soft">{seconds !== null ? `${seconds.toFixed(1)} s` : t(`step.${step.status}` as TextKey)}</span>
              </div>
              <progress max={100} value={part} aria-label={t(`stage.${step.stepType}` as TextKey)} className={`bar w-full ${done ? "bar-done" : ""}`} />
              {step.missedMove && (
                <p className="mt-1 text-[14px] text-soft">
                  {t(`film.missed.${step.missedMove.then}`, { engine: step.missedMove.engine, score: number(step.missedMove.motionScore), promise: number(step.missedMove.motionPromise) })}
                </p>
              )}
              {step.error && job.status === "FAILED" && <p className="mt-1 text-[14px] text-bad">{step.error}</p>}
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function Score({ score }: { score: number }) {
  const { t, number } = useText();
  return (
    <div>
      <h2 className="text-[17px]">{t("film.score")}</h2>
      <p className="mt-1 flex items-baseline gap-3">
        <span className="font-display text-[40px] leading-none font-[640] tabular-nums">{number(score, { minimumFractionDigits: 2, maximumFractionDigits: 2 })}</span>
        <span className="text-[14px] text-soft">{t("film.score.note")}</span>
      </p>
    </div>
  );
}

function Downloads({ job }: { job: Job }) {
  const { t } = useText();
  const files = [
    ["MP4", job.videoUrl, "mp4"],
    ["AV1", job.av1Url, "mp4"],
    ["GIF", job.gifUrl, "gif"],
    ["JPG", job.posterUrl, "jpg"],
  ] as const;
  return (
    <section>
      <h2 className="mb-2 text-[17px]">{t("film.downloads")}</h2>
      <p className="flex flex-wrap gap-2">
        {files.map(([name, url, ending]) =>
          url ? (
            <a key={name} href={url} download={`${job.id}.${ending}`} className="button"><Icon name="download" />{name}</a>
          ) : null,
        )}
      </p>
    </section>
  );
}

function Actions({ job }: { job: Job }) {
  const { t } = useText();
  const router = useRouter();
  const queries = useQueryClient();
  const [asked, setAsked] = useState(false);
  const path = { params: { path: { job_id: job.id } } };
  const cancel = useMutation({
    mutationFn: async () => demand(await api.POST("/api/jobs/{job_id}/cancel", path)),
    onSuccess: (next) => queries.setQueryData(["job", job.id], next),
    onSettled: () => queries.invalidateQueries({ queryKey: ["job", job.id] }),
  });
  const remove = useMutation({
    mutationFn: async () => demand(await api.DELETE("/api/jobs/{job_id}", path)),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["jobs"] });
      router.replace("/films");
    },
  });
  const failure = cancel.error ?? remove.error;
  return (
    <section className="space-y-3 border-t border-line pt-5">
      <div className="flex flex-wrap gap-2">
        {!ENDED.has(job.status) && (
          <button type="button" className="button" disabled={cancel.isPending} onClick={() => cancel.mutate()}>{t("film.cancel")}</button>
        )}
        {ENDED.has(job.status) && !asked && <button type="button" className="button button-plain text-bad" onClick={() => setAsked(true)}>{t("film.delete")}</button>}
      </div>
      {asked && (
        <p className="flex flex-wrap items-center gap-2">
          {t("film.delete.sure")}
          <button type="button" className="button border-bad text-bad" disabled={remove.isPending} onClick={() => remove.mutate()}>{t("film.delete")}</button>
          <button type="button" className="button button-plain" onClick={() => setAsked(false)}>{t("keep")}</button>
        </p>
      )}
      {failure && <p role="alert" className="text-bad">{failure instanceof ApiFailure ? failure.problem.detail : t("offline")}</p>}
    </section>
  );
}
