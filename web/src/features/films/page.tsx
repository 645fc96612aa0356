"use client";

import "@/features/text/more";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { useCallback, useDeferredValue, useEffect, useMemo, useState } from "react";
import { AccountChoice } from "@/features/account/frame";
import { useAccount } from "@/features/account/account";
import { ProjectStrip } from "@/features/projects/strip";
import { FailureNote } from "@/features/session/failure-note";
import { demand } from "@/features/session/failure";
import { useSignedIn } from "@/features/session/hooks";
import { api } from "@/features/session/session";
import { type TextKey, useText } from "@/features/text/text";
import { Confirm } from "@/ui/confirm";
import { Icon } from "@/ui/icon";
import { deletable, each, EVERYTHING, type Filters, filtersOf, queryOf, searchOf, STATUSES } from "./filters";
import { FilmGrid } from "./grid";
import { Stock } from "./stock";

const PAGE = 100;
const DELETIONS_AT_ONCE = 4;

/** All films of an account, newest first. */
export function FilmsPage() {
  const { t } = useText();
  const signedIn = useSignedIn();
  const account = useAccount();
  const [filters, setFilters] = useState<Filters | null>(null);
  useEffect(() => setFilters(filtersOf(location.search)), []);
  useEffect(() => {
    if (filters) history.replaceState(history.state, "", location.pathname + searchOf(filters));
  }, [filters]);
  const change = (part: Partial<Filters>) => setFilters((now) => ({ ...(now ?? EVERYTHING), ...part }));
  const ready = signedIn && account.known && filters !== null;
  return (
    <main className="mx-auto w-full max-w-[1600px] flex-1 px-5 py-7 lg:px-8">
      <div className="mb-6 flex flex-wrap items-end gap-x-4 gap-y-3">
        <h1 className="me-auto text-[clamp(2rem,4vw,3rem)]">{t("nav.films")}</h1>
        {ready && <Stock />}
        <AccountChoice />
        <Link href="/editor" className="button button-main"><Icon name="plus" />{t("nav.editor")}</Link>
      </div>
      {ready && (
        <>
          <ProjectStrip chosen={filters.project} onChoose={(project) => change({ project })} />
          <FilterBar filters={filters} onChange={change} />
          <Films key={account.organization?.id ?? ""} filters={filters} onClear={() => setFilters(EVERYTHING)} />
        </>
      )}
    </main>
  );
}

function FilterBar({ filters, onChange }: { filters: Filters; onChange: (part: Partial<Filters>) => void }) {
  const { t } = useText();
  return (
    <search className="mb-6 flex flex-wrap items-center gap-2">
      <label className="relative min-w-[180px] flex-1 sm:max-w-[320px]">
        <span className="sr-only">{t("films.search")}</span>
        <span className="pointer-events-none absolute start-2.5 top-2.5 text-soft"><Icon name="search" /></span>
        <input type="search" className="field ps-8" maxLength={100} placeholder={t("films.search")} value={filters.text} onChange={({ target }) => onChange({ text: target.value })} />
      </label>
      <label className="max-sm:flex-1">
        <span className="sr-only">{t("films.status")}</span>
        <select className="field" value={filters.status} onChange={({ target }) => onChange({ status: target.value as Filters["status"] })}>
          <option value="">{t("films.status.any")}</option>
          {STATUSES.map((status) => <option key={status} value={status}>{t(`status.${status}`)}</option>)}
        </select>
      </label>
      <span className="flex items-center gap-2 max-sm:w-full">
        {(["since", "until"] as const).map((end) => (
          <label key={end} className="flex min-w-0 flex-1 items-center gap-2 max-sm:flex-col max-sm:items-stretch max-sm:gap-0.5">
            <span className="text-[14px] text-soft">{t(`films.${end}`)}</span>
            <input type="date" className="field min-w-0" value={filters[end]} onChange={({ target }) => onChange({ [end]: target.value })} />
          </label>
        ))}
      </span>
    </search>
  );
}

function Films({ filters, onClear }: { filters: Filters; onClear: () => void }) {
  const { t, number } = useText();
  const account = useAccount();
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const wanted = useDeferredValue(useSettled(filters));
  const films = useInfiniteQuery({
    queryKey: ["jobs", account.query, wanted],
    initialPageParam: "",
    queryFn: async ({ pageParam, signal }) => {
      const query = { ...account.query, ...queryOf(wanted), limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) };
      return demand(await api.GET("/api/jobs", { params: { query }, signal }));
    },
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = films;
  const jobs = useMemo(() => films.data?.pages.flatMap(({ data }) => data) ?? [], [films.data]);
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const onChoose = useCallback((id: string, take: boolean) => {
    setChosen((now) => {
      const next = new Set(now);
      if (take) next.add(id);
      else next.delete(id);
      return next;
    });
  }, []);
  const ids = deletable(jobs, chosen);
  const remove = useMutation({
    mutationFn: async (those: string[]) => {
      const errors = await each(those, DELETIONS_AT_ONCE, async (id) => demand(await api.DELETE("/api/jobs/{job_id}", { params: { path: { job_id: id } } })));
      if (errors.length) throw errors[0];
    },
    onSettled: async () => {
      setChosen(new Set());
      await Promise.all(["jobs", "projects", "usage"].map((key) => queries.invalidateQueries({ queryKey: [key] })));
    },
  });
  const searched = films.data?.pages.at(-1);
  const filtered = searchOf(filters) !== "";
  if (films.error && !films.data) return <FailureNote error={films.error} />;
  if (films.isPending) return <div className="h-[40vh]" aria-busy="true" />;
  return (
    <>
      <FailureNote error={remove.error} className="mb-4" />
      {jobs.length === 0 && (filtered ? <NothingFound onClear={onClear} /> : <Empty />)}
      <FilmGrid films={jobs} chosen={chosen} onChoose={onChoose} onEnd={onEnd} />
      <p role="status" className="text-[14px] text-soft">
        {isFetchingNextPage ? t("films.loading") : searched?.searched && searched.complete === false ? t("films.searched", { count: number(searched.searched) }) : ""}
      </p>
      {chosen.size > 0 && (
        <div className="sticky bottom-4 z-10 mx-auto mt-6 flex w-fit max-w-full flex-wrap items-center gap-2 rounded-md border border-edge bg-raised px-3 py-2 shadow-lg">
          <span className="px-1 tabular-nums" role="status">{t("films.chosen", { count: number(chosen.size) })}</span>
          <button type="button" className="button button-plain" onClick={() => setChosen(new Set(jobs.map(({ id }) => id)))}>{t("films.chooseAll")}</button>
          <button type="button" className="button button-plain" onClick={() => setChosen(new Set())}>{t("films.chooseNone")}</button>
          <Confirm action={t("films.delete", { count: number(ids.length) })} question={t("films.delete.sure")} busy={remove.isPending || ids.length === 0} onConfirm={() => remove.mutate(ids)} />
        </div>
      )}
    </>
  );
}

/** Return the filters after a pause in typing. */
function useSettled(filters: Filters): Filters {
  const [settled, setSettled] = useState(filters);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(filters), filters.text === settled.text ? 0 : 300);
    return () => clearTimeout(timer);
  }, [filters, settled.text]);
  return settled;
}

function NothingFound({ onClear }: { onClear: () => void }) {
  const { t } = useText();
  return (
    <div className="py-14">
      <p className="text-[17px]">{t("films.nothing")}</p>
      <button type="button" className="button mt-4" onClick={onClear}>{t("films.clear")}</button>
    </div>
  );
}

function Empty() {
  const { t } = useText();
  return (
    <div className="py-14">
      <h2 className="text-[28px]">{t("films.empty")}</h2>
      <p className="mt-3 max-w-[52ch] text-soft">{t("films.empty.lead")}</p>
      <div className="mt-6 flex flex-wrap gap-2">
        <Link href="/editor" className="button button-main">{t("nav.editor")}</Link>
        <Link href="/#moves" prefetch={false} className="button">{t("films.empty.moves" as TextKey)}</Link>
      </div>
    </div>
  );
}
