"use client";

import { useWindowVirtualizer } from "@tanstack/react-virtual";
import Link from "next/link";
import { memo, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useJob } from "@/features/jobs/use-job";
import { CATALOGUE } from "@/features/presets/catalogue";
import { ENDED, type Job } from "@/features/socket/events";
import { type TextKey, useText } from "@/features/text/text";

const GAP = 16;
const NARROWEST_CARD = 240;
const TEXT_HEIGHT = 98; // two lines of the prompt, one of facts, and the space below
const MOST_COLUMNS = 6;
const REST_MILLISECONDS = 150; // a card that is scrolled past reads nothing

interface Props {
  films: readonly Job[];
  chosen: ReadonlySet<string>;
  onChoose: (id: string, chosen: boolean) => void;
  /** The last rows are near: more films are needed. */
  onEnd: () => void;
}

/** The films as a grid of which only the visible rows exist, so that 10,000 films are as quick as ten. */
export function FilmGrid({ films, chosen, onChoose, onEnd }: Props) {
  const { t } = useText();
  const box = useRef<HTMLUListElement>(null);
  const [{ width, top }, setPlace] = useState({ width: 0, top: 0 });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setPlace({ width: element.clientWidth, top: element.getBoundingClientRect().top + scrollY }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const columns = Math.min(Math.max(Math.floor((width + GAP) / (NARROWEST_CARD + GAP)), width > 420 ? 2 : 1), MOST_COLUMNS);
  const card = (width - GAP * (columns - 1)) / columns;
  const rowHeight = Math.max(card, 0) * (9 / 16) + TEXT_HEIGHT;
  const rows = useWindowVirtualizer({ count: Math.ceil(films.length / columns), estimateSize: () => rowHeight, overscan: 2, scrollMargin: top });
  useLayoutEffect(() => rows.measure(), [rows, rowHeight]);
  const shown = rows.getVirtualItems();
  const last = (shown.at(-1)?.index ?? 0) * columns;
  useEffect(() => {
    if (films.length > 0 && last >= films.length - columns * 4) onEnd();
  }, [last, films.length, columns, onEnd]);
  return (
    <ul ref={box} aria-label={t("nav.films")} className="relative" style={{ height: rows.getTotalSize() }}>
      {width > 0 &&
        shown.flatMap(({ index, start }) =>
          films.slice(index * columns, (index + 1) * columns).map((job, column) => (
            <li
              key={job.id}
              aria-setsize={films.length}
              aria-posinset={index * columns + column + 1}
              className="absolute top-0 start-0"
              style={{ width: card, height: rowHeight, insetInlineStart: column * (card + GAP), transform: `translateY(${start - top}px)` }}
            >
              <FilmCard job={job} chosen={chosen.has(job.id)} choosing={chosen.size > 0} onChoose={onChoose} />
            </li>
          )),
        )}
    </ul>
  );
}

interface CardProps {
  job: Job;
  chosen: boolean;
  choosing: boolean;
  onChoose: Props["onChoose"];
}

/** One film. A list has no signed addresses, so a visible card reads its film, and follows it while it is made. */
const FilmCard = memo(function FilmCard({ job: listed, chosen, choosing, onChoose }: CardProps) {
  const { t, date } = useText();
  const [rests, setRests] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setRests(true), REST_MILLISECONDS);
    return () => clearTimeout(timer);
  }, []);
  const { data } = useJob(listed.id, rests);
  const job = data ?? listed;
  const picture = job.thumbnailUrl ?? job.imageUrl ?? job.previewUrl;
  const ended = ENDED.has(job.status);
  return (
    <div className="group relative">
      <Link href={`/film?id=${job.id}`} prefetch={false} className="block">
        <span className={`relative grid aspect-video place-items-center overflow-clip bg-sunken [overflow-clip-margin:8px] ${ended ? "" : "finder finder-on"} ${chosen ? "outline-2 outline-offset-2 outline-tally" : ""}`}>
          {picture ? <img src={picture} alt="" loading="lazy" className="size-full object-contain" /> : <span className="text-[14px] text-soft">{t(`status.${job.status}` as TextKey)}</span>}
          {!ended && <progress max={100} value={job.progress} aria-label={t("film.progress")} className="bar absolute inset-x-0 bottom-0 w-full" />}
        </span>
        <span className="mt-2.5 line-clamp-2 leading-snug break-words font-[560] group-hover:underline group-hover:decoration-tally">{job.prompt}</span>
        <span className="slate mt-1 block truncate text-soft">
          {CATALOGUE.find(({ id }) => id === job.presetId)?.name ?? t("films.ownMove")} · {job.status === "COMPLETED" ? date(job.createdAt) : t(`status.${job.status}` as TextKey)}
        </span>
      </Link>
      {ended && (
        <label className={`absolute start-1 top-1 grid size-9 cursor-pointer place-items-center ${choosing || chosen ? "" : "sm:opacity-0 sm:group-hover:opacity-100 sm:has-[:focus-visible]:opacity-100"}`}>
          <span className="sr-only">{t("films.choose", { prompt: job.prompt })}</span>
          <input type="checkbox" checked={chosen} onChange={({ target }) => onChoose(job.id, target.checked)} className="size-[18px] accent-tally" />
        </label>
      )}
    </div>
  );
});
