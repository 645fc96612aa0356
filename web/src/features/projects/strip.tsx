"use client";

import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useAccount } from "@/features/account/account";
import { CHOSEN_PROJECT } from "@/features/editor/quote";
import { FailureNote } from "@/features/session/failure-note";
import { demand } from "@/features/session/failure";
import { api, type Schemas } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { Confirm } from "@/ui/confirm";
import { Icon } from "@/ui/icon";

const PAGE = 50;

/** The projects of the account as a row of pictures. The chosen one filters the films, and gets the next film. */
export function ProjectStrip({ chosen, onChoose }: { chosen: string; onChoose: (id: string) => void }) {
  const { t } = useText();
  const { query } = useAccount();
  const projects = useInfiniteQuery({
    queryKey: ["projects", query],
    initialPageParam: "",
    queryFn: async ({ pageParam }) =>
      demand(await api.GET("/api/projects", { params: { query: { ...query, limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const queries = useQueryClient();
  const choose = (id: string) => {
    if (id) localStorage.setItem(CHOSEN_PROJECT, id);
    queries.removeQueries({ queryKey: ["project-of-next-film"] });
    onChoose(id);
  };
  const list = projects.data?.pages.flatMap(({ data }) => data) ?? [];
  const current = list.find(({ id }) => id === chosen);
  return (
    <section aria-label={t("project.all")} className="mb-6">
      <FailureNote error={projects.error} className="mb-3" />
      <div className="-mx-5 flex items-stretch gap-2.5 overflow-x-auto px-5 py-1 lg:-mx-8 lg:px-8">
        <button type="button" aria-pressed={chosen === ""} onClick={() => choose("")} className={card(chosen === "")}>{t("project.everything")}</button>
        {list.map((project) => (
          <button key={project.id} type="button" aria-pressed={project.id === chosen} onClick={() => choose(project.id)} className={card(project.id === chosen)}>
            {project.thumbnail && <img src={project.thumbnail} alt="" className="h-9 w-16 object-cover" />}
            <span className="min-w-0">
              <span className="block max-w-[180px] truncate">{project.name}</span>
              <span className="slate block text-soft">{t("project.films", { count: project.jobCount })}</span>
            </span>
          </button>
        ))}
        {projects.hasNextPage && <button type="button" className="button my-auto" onClick={() => void projects.fetchNextPage()}>{t("films.more")}</button>}
        <NewProject onMade={choose} />
      </div>
      {current && <ChosenProject key={current.id} project={current} onGone={() => choose("")} />}
    </section>
  );
}

function card(chosen: boolean): string {
  return `flex min-h-[52px] shrink-0 items-center gap-3 rounded-md border px-3 py-1.5 text-start ${chosen ? "border-tally bg-raised font-[560]" : "border-line hover:border-edge"}`;
}

function NewProject({ onMade }: { onMade: (id: string) => void }) {
  const { t } = useText();
  const { query } = useAccount();
  const queries = useQueryClient();
  const [name, setName] = useState<string | null>(null);
  const make = useMutation({
    mutationFn: async (text: string) => demand(await api.POST("/api/projects", { body: { name: text, ...query } })),
    onSuccess: async ({ id }) => {
      await queries.invalidateQueries({ queryKey: ["projects"] });
      setName(null);
      onMade(id);
    },
  });
  if (name === null) {
    return <button type="button" className="button button-plain my-auto shrink-0 text-soft" onClick={() => setName("")}><Icon name="plus" />{t("project.new")}</button>;
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim()) make.mutate(name.trim());
  };
  return (
    <form onSubmit={submit} className="my-auto flex shrink-0 gap-2">
      <input autoFocus className="field w-[200px]" maxLength={120} aria-label={t("project.name")} placeholder={t("project.name")} value={name} onChange={({ target }) => setName(target.value)} />
      <button type="submit" className="button" disabled={make.isPending || !name.trim()}>{t("project.make")}</button>
      <button type="button" className="button button-plain" aria-label={t("keep")} onClick={() => setName(null)}><Icon name="close" /></button>
      <FailureNote error={make.error} className="" />
    </form>
  );
}

/** A new name for the chosen project, or its end. */
function ChosenProject({ project, onGone }: { project: Schemas["ProjectView"]; onGone: () => void }) {
  const { t } = useText();
  const queries = useQueryClient();
  const [name, setName] = useState<string | null>(null);
  const path = { path: { project_id: project.id } };
  const invalidate = () => Promise.all(["projects", "jobs"].map((key) => queries.invalidateQueries({ queryKey: [key] })));
  const rename = useMutation({
    mutationFn: async (text: string) => demand(await api.PATCH("/api/projects/{project_id}", { params: path, body: { name: text } })),
    onSuccess: () => setName(null),
    onSettled: invalidate,
  });
  const remove = useMutation({
    mutationFn: async () => demand(await api.DELETE("/api/projects/{project_id}", { params: path })),
    onSuccess: async () => {
      onGone();
      await invalidate();
    },
  });
  return (
    <div className="mt-2 flex flex-wrap items-center gap-2">
      {name === null ? (
        <button type="button" className="button button-plain" onClick={() => setName(project.name)}>{t("project.rename")}</button>
      ) : (
        <form
          className="flex gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim()) rename.mutate(name.trim());
          }}
        >
          <input autoFocus className="field w-[220px]" maxLength={120} aria-label={t("project.name")} value={name} onChange={({ target }) => setName(target.value)} />
          <button type="submit" className="button" disabled={rename.isPending || !name.trim()}>{t("save")}</button>
          <button type="button" className="button button-plain" onClick={() => setName(null)}>{t("keep")}</button>
        </form>
      )}
      <Confirm action={t("project.delete")} question={t("project.delete.sure", { name: project.name })} busy={remove.isPending} onConfirm={() => remove.mutate()} />
      <FailureNote error={rename.error ?? remove.error} className="w-full" />
    </div>
  );
}
