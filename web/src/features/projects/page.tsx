"use client";

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { type FormEvent, useState } from "react";
import { CATALOGUE } from "@/features/presets/catalogue";
import { ApiFailure, demand } from "@/features/session/failure";
import { useSignedIn } from "@/features/session/hooks";
import { api } from "@/features/session/session";
import { ENDED, type Job } from "@/features/socket/events";
import { type TextKey, useText } from "@/features/text/text";
import { Icon } from "@/ui/icon";

const CHOSEN = "kinora.project"; // the project of the next film
const PAGE = 24;
const POLL_MILLISECONDS = 4000; // while a film of the page is being made

/** All films of one project, newest first. */
export function FilmsPage() {
  const { t } = useText();
  const signedIn = useSignedIn();
  const [chosen, setChosen] = useState<string | null>(null);
  const projects = useQuery({
    queryKey: ["projects"],
    enabled: signedIn,
    queryFn: async () => demand(await api.GET("/api/projects", { params: { query: { limit: 100 } } })).data,
  });
  const list = projects.data ?? [];
  const stored = typeof localStorage === "undefined" ? null : localStorage.getItem(CHOSEN);
  const current = list.find(({ id }) => id === (chosen ?? stored)) ?? list[0];
  return (
    <main className="mx-auto w-full max-w-[1500px] flex-1 px-5 py-8 lg:px-8">
      <div className="mb-6 flex flex-wrap items-end gap-x-4 gap-y-3">
        <h1 className="me-auto text-[clamp(2rem,4vw,3rem)]">{t("nav.films")}</h1>
        {list.length > 0 && (
          <label>
            <span className="sr-only">{t("project.choose")}</span>
            <select
              className="field min-w-[200px]"
              value={current?.id ?? ""}
              onChange={({ target }) => {
                localStorage.setItem(CHOSEN, target.value);
                setChosen(target.value);
              }}
            >
              {list.map(({ id, name, jobCount }) => <option key={id} value={id}>{name} ({jobCount})</option>)}
            </select>
          </label>
        )}
        <NewProject
          onMade={(id) => {
            localStorage.setItem(CHOSEN, id);
            setChosen(id);
          }}
        />
      </div>
      {projects.error && <p role="alert" className="text-bad">{projects.error instanceof ApiFailure ? projects.error.problem.detail : t("offline")}</p>}
      {current ? <Films key={current.id} projectId={current.id} /> : projects.isSuccess && <Empty />}
    </main>
  );
}

function NewProject({ onMade }: { onMade: (id: string) => void }) {
  const { t } = useText();
  const queries = useQueryClient();
  const [name, setName] = useState<string | null>(null);
  const make = useMutation({
    mutationFn: async (text: string) => demand(await api.POST("/api/projects", { body: { name: text } })),
    onSuccess: async ({ id }) => {
      await queries.invalidateQueries({ queryKey: ["projects"] });
      onMade(id);
      setName(null);
    },
  });
  if (name === null) {
    return <button type="button" className="button" onClick={() => setName("")}><Icon name="plus" />{t("project.new")}</button>;
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim()) make.mutate(name.trim());
  };
  return (
    <form onSubmit={submit} className="flex flex-wrap gap-2">
      <input autoFocus className="field w-[200px]" maxLength={120} aria-label={t("project.name")} placeholder={t("project.name")} value={name} onChange={({ target }) => setName(target.value)} />
      <button type="submit" className="button" disabled={make.isPending || !name.trim()}>{t("project.make")}</button>
      <button type="button" className="button button-plain" aria-label={t("keep")} onClick={() => setName(null)}><Icon name="close" /></button>
      {make.error && <p role="alert" className="w-full text-bad">{make.error instanceof ApiFailure ? make.error.problem.detail : t("offline")}</p>}
    </form>
  );
}

function Films({ projectId }: { projectId: string }) {
  const { t } = useText();
  const films = useInfiniteQuery({
    queryKey: ["jobs", projectId],
    initialPageParam: "",
    queryFn: async ({ pageParam }) => {
      const query = { projectId, limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) };
      return demand(await api.GET("/api/jobs", { params: { query } }));
    },
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    refetchInterval: ({ state }) =>
      state.data?.pages.some(({ data }) => data.some(({ status }) => !ENDED.has(status))) ? POLL_MILLISECONDS : false,
  });
  const jobs = films.data?.pages.flatMap(({ data }) => data) ?? [];
  if (films.error && !films.data) return <p role="alert" className="text-bad">{films.error instanceof ApiFailure ? films.error.problem.detail : t("offline")}</p>;
  if (films.isSuccess && jobs.length === 0) return <Empty />;
  return (
    <>
      <ul className="grid grid-cols-2 gap-x-4 gap-y-7 md:grid-cols-3 xl:grid-cols-4">
        {jobs.map((job) => <FilmCard key={job.id} job={job} />)}
      </ul>
      {films.hasNextPage && (
        <button type="button" className="button mt-8" disabled={films.isFetchingNextPage} onClick={() => void films.fetchNextPage()}>{t("films.more")}</button>
      )}
    </>
  );
}

function FilmCard({ job }: { job: Job }) {
  const { t, date } = useText();
  const picture = job.thumbnailUrl ?? job.imageUrl ?? job.previewUrl;
  const live = !ENDED.has(job.status);
  return (
    <li>
      <Link href={`/film?id=${job.id}`} className="group block">
        <span className={`relative grid aspect-video place-items-center bg-sunken ${live ? "finder finder-on" : ""}`}>
          {picture ? <img src={picture} alt="" loading="lazy" className="size-full object-contain" /> : <span className="text-[14px] text-soft">{t(`status.${job.status}` as TextKey)}</span>}
          {live && <progress max={100} value={job.progress} aria-label={t("film.progress")} className="bar absolute inset-x-0 bottom-0 w-full" />}
        </span>
        <span className="mt-3 line-clamp-2 break-words font-[560] group-hover:underline group-hover:decoration-tally">{job.prompt}</span>
        <span className="slate mt-1 block text-soft">
          {CATALOGUE.find(({ id }) => id === job.presetId)?.name ?? job.presetId} · {job.status === "COMPLETED" ? date(job.createdAt) : t(`status.${job.status}` as TextKey)}
        </span>
      </Link>
    </li>
  );
}

function Empty() {
  const { t } = useText();
  return (
    <div className="py-20">
      <h2 className="text-[28px]">{t("films.empty")}</h2>
      <p className="mt-3 max-w-[52ch] text-soft">{t("films.empty.lead")}</p>
      <Link href="/editor" className="button button-main mt-6">{t("nav.editor")}</Link>
    </div>
  );
}
