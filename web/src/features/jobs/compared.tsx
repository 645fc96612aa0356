"use client";

import { useQuery } from "@tanstack/react-query";
import { type RefObject, useEffect, useRef, useState } from "react";
import { demand } from "@/features/session/failure";
import { api } from "@/features/session/session";
import { ENDED, type Job } from "@/features/socket/events";
import { useText } from "@/features/text/text";
import { readJob } from "./use-job";

const POLL_MILLISECONDS = 4000; // while a film of the batch is being made
const MOST_APART_SECONDS = 0.06; // before the second film follows the first again

/** Return the other finished films of the job's batch. */
export function useVariants(job: Job): Job[] {
  const { batchId } = job;
  const { data = [] } = useQuery({
    queryKey: ["jobs", "batch", batchId],
    enabled: Boolean(batchId),
    queryFn: async () => demand(await api.GET("/api/jobs", { params: { query: { batchId: batchId ?? "", limit: 20 } } })).data,
    refetchInterval: ({ state }) => (state.data?.some(({ status }) => !ENDED.has(status)) ? POLL_MILLISECONDS : false),
  });
  return data.filter(({ id, status }) => id !== job.id && status === "COMPLETED");
}

/** Another film over this one, at the same time, on the end side of a border that moves. */
export function Compared({ video, other }: { video: RefObject<HTMLVideoElement | null>; other: Job }) {
  const { t } = useText();
  const second = useRef<HTMLVideoElement>(null);
  const { data: whole } = useQuery({ queryKey: ["job", other.id], queryFn: () => readJob(other.id) }); // lists name no films
  const address = useRef<string | null>(null); // kept: each reading of the job signs another address of the same film
  address.current ??= whole?.videoUrl ?? null;
  const [border, setBorder] = useState(50);
  useEffect(() => {
    const [first, follower] = [video.current, second.current];
    if (!first || !follower) return;
    const follow = () => {
      if (Math.abs(first.currentTime - follower.currentTime) > MOST_APART_SECONDS) follower.currentTime = first.currentTime;
      if (first.paused !== follower.paused) void (first.paused ? follower.pause() : follower.play().catch(() => undefined));
    };
    const events = ["timeupdate", "play", "pause", "seeked"];
    for (const name of events) first.addEventListener(name, follow);
    follower.addEventListener("loadeddata", follow);
    return () => {
      for (const name of events) first.removeEventListener(name, follow);
      follower.removeEventListener("loadeddata", follow);
    };
  }, [video, other.id]);
  return (
    <div className="absolute inset-0">
      <video
        key={other.id}
        ref={second}
        src={address.current ?? undefined}
        muted
        playsInline
        aria-label={t("player.seed", { seed: other.seed })}
        className="absolute inset-0 size-full object-contain"
        style={{ clipPath: `inset(0 0 0 ${border}%)` }}
      />
      <span aria-hidden="true" className="absolute inset-y-0 w-0.5 bg-tally" style={{ left: `${border}%` }} />
      <input
        type="range"
        min={0}
        max={100}
        value={border}
        aria-label={t("player.border")}
        className="absolute inset-x-0 bottom-2 w-full accent-tally"
        onChange={({ target }) => setBorder(Number(target.value))}
      />
    </div>
  );
}
