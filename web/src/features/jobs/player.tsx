"use client";

import { type RefObject, useEffect, useMemo, useRef, useState } from "react";
import type { Job } from "@/features/socket/events";
import { useText } from "@/features/text/text";
import { Compared, useVariants } from "./compared";
import { spriteAt, spritesOf } from "./scrubbing";

/** The film, with single frames, a loop, small frames for scrubbing, and another variant of it for comparison. */
export function Player({ job }: { job: Job }) {
  const { t } = useText();
  const video = useRef<HTMLVideoElement>(null);
  const [isLooped, setLooped] = useState(true);
  const [otherId, setOtherId] = useState("");
  const variants = useVariants(job);
  const [width, height] = job.settings.aspectRatio.split(":").map(Number) as [number, number];
  useFilm(video, job);
  const step = (frames: number) => {
    const player = video.current;
    if (!player) return;
    player.pause();
    player.currentTime += frames / job.settings.fps;
  };
  const other = variants.find(({ id }) => id === otherId);
  return (
    <div className="mx-auto" style={{ maxWidth: `calc(max(100dvh - 290px, 240px) * ${width / height})` }}>
      <div className="relative" style={{ aspectRatio: width / height }}>
        <video
          ref={video}
          controls={!other}
          autoPlay
          muted
          loop={isLooped}
          playsInline
          poster={job.posterUrl ?? undefined}
          aria-label={job.prompt}
          className="size-full bg-black object-contain"
          onKeyDown={({ key }) => {
            if (key === ",") step(-1);
            if (key === ".") step(1);
          }}
        />
        {other && <Compared key={other.id} video={video} other={other} />}
      </div>
      <Scrubber video={video} job={job} />
      <div className="mt-2 flex flex-wrap items-center gap-1">
        <div role="group" aria-label={t("player.frames")} className="flex">
          <button type="button" className="button button-plain slate" onClick={() => step(-1)}>{t("player.back")}</button>
          <button type="button" className="button button-plain slate" onClick={() => step(1)}>{t("player.forward")}</button>
        </div>
        <button type="button" className="choice slate" aria-pressed={isLooped} onClick={() => setLooped(!isLooped)}>{t("player.loop")}</button>
        {variants.length > 0 && (
          <label className="ms-auto flex items-center gap-2 text-[14px] text-soft">
            {t("player.compare")}
            <select className="field min-h-[32px] w-auto py-0.5" value={otherId} onChange={({ target }) => setOtherId(target.value)}>
              <option value="">{t("player.compare.none")}</option>
              {variants.map(({ id, seed }) => <option key={id} value={id}>{t("player.seed", { seed })}</option>)}
            </select>
          </label>
        )}
      </div>
    </div>
  );
}

/** Play the film's HLS from the playlist of the job, whose addresses are signed; without it, play the MP4. */
function useFilm(video: RefObject<HTMLVideoElement | null>, { id, hlsPlaylist, videoUrl }: Job): void {
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
}

/** A strip of time. A small frame shows what is at the pointer. */
function Scrubber({ video, job }: { video: RefObject<HTMLVideoElement | null>; job: Job }) {
  const { t } = useText();
  const strip = useRef<HTMLInputElement>(null);
  const [pointed, setPointed] = useState<{ part: number; seconds: number } | null>(null);
  const sprites = useMemo(() => spritesOf(job.scrubbingTrack ?? ""), [job.scrubbingTrack]);
  const { duration } = job.settings;
  useEffect(() => {
    const player = video.current;
    const follow = () => {
      if (player && strip.current) strip.current.value = String(player.currentTime);
    };
    player?.addEventListener("timeupdate", follow);
    return () => player?.removeEventListener("timeupdate", follow);
  }, [video]);
  const sprite = pointed ? spriteAt(sprites, pointed.seconds) : undefined;
  return (
    <div className="relative mt-3">
      {pointed && sprite && (
        <span
          data-sprite
          aria-hidden="true"
          className="pointer-events-none absolute bottom-full z-10 mb-2 -translate-x-1/2 border border-line bg-black shadow-lg"
          style={{ left: `${pointed.part * 100}%`, width: sprite.width, height: sprite.height, backgroundImage: `url(${JSON.stringify(sprite.url)})`, backgroundPosition: `-${sprite.x}px -${sprite.y}px` }}
        />
      )}
      <input
        ref={strip}
        type="range"
        min={0}
        max={duration}
        step={1 / job.settings.fps}
        defaultValue={0}
        aria-label={t("player.time")}
        className="w-full accent-tally"
        onInput={({ currentTarget }) => {
          if (video.current) video.current.currentTime = Number(currentTarget.value);
        }}
        onPointerMove={({ clientX, currentTarget }) => {
          const { left, width } = currentTarget.getBoundingClientRect();
          const part = Math.max(0, Math.min((clientX - left) / width, 1));
          setPointed({ part, seconds: part * duration });
        }}
        onPointerLeave={() => setPointed(null)}
      />
    </div>
  );
}
