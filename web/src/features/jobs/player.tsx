"use client";

import { useEffect, useRef } from "react";
import { useText } from "@/features/text/text";
import type { Job } from "@/features/socket/events";

/** The film. HLS plays from the playlist of the job, whose addresses are signed; without it, the MP4 plays. */
export function Player({ job }: { job: Job }) {
  const { t } = useText();
  const video = useRef<HTMLVideoElement>(null);
  const { hlsPlaylist, videoUrl, id } = job;
  useEffect(() => {
    const player = video.current;
    if (!player) return;
    let stop = () => undefined as void;
    let gone = false;
    const plain = () => {
      if (videoUrl) player.src = videoUrl;
    };
    if (hlsPlaylist && "MediaSource" in window) {
      import("hls.js/light").then(({ default: Hls }) => {
        if (gone) return;
        if (!Hls.isSupported()) return plain();
        const address = URL.createObjectURL(new Blob([hlsPlaylist], { type: "application/vnd.apple.mpegurl" }));
        const hls = new Hls({ enableWorker: false });
        hls.on(Hls.Events.ERROR, (_, error) => {
          if (!error.fatal) return;
          hls.destroy();
          plain();
        });
        hls.loadSource(address);
        hls.attachMedia(player);
        stop = () => {
          hls.destroy();
          URL.revokeObjectURL(address);
        };
      }, plain);
    } else plain();
    return () => {
      gone = true;
      stop();
    };
    // The signed addresses change whenever the job is read. The film itself never does, so it is loaded once.
  }, [id]);
  const step = (frames: number) => {
    const player = video.current;
    if (!player) return;
    player.pause();
    player.currentTime += frames / job.settings.fps;
  };
  return (
    <div>
      <video ref={video} controls autoPlay muted loop playsInline poster={job.posterUrl ?? undefined} aria-label={job.prompt} className="max-h-[calc(100dvh-220px)] w-full bg-black object-contain" />
      <div className="mt-3 flex gap-1" role="group" aria-label={t("player.frames")}>
        <button type="button" className="button button-plain slate" onClick={() => step(-1)}>{t("player.back")}</button>
        <button type="button" className="button button-plain slate" onClick={() => step(1)}>{t("player.forward")}</button>
      </div>
    </div>
  );
}
