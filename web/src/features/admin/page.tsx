"use client";

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { AccountFrame, Part } from "@/features/account/frame";
import { CATALOGUE } from "@/features/presets/catalogue";
import { FailureNote } from "@/features/session/failure-note";
import { demand } from "@/features/session/failure";
import { useMe } from "@/features/session/hooks";
import { anonymous, api, type Schemas } from "@/features/session/session";
import { type TextKey, useText } from "@/features/text/text";
import { Confirm } from "@/ui/confirm";

const PARTS = ["users", "engines", "presets", "audit"] as const;

/** The pages of platform admins. The API decides; the page only spares others the sight of what it refuses. */
export function AdminPage() {
  const { t } = useText();
  const { data: me } = useMe();
  const [part, setPart] = useState<(typeof PARTS)[number]>("users");
  return (
    <AccountFrame title="admin.title" lead={me?.platformAdmin ? "admin.lead" : undefined}>
      {me && !me.platformAdmin && <p className="text-soft">{t("admin.others")}</p>}
      {me?.platformAdmin && (
        <>
          <div role="group" aria-label={t("admin.title")} className="mb-6 flex flex-wrap gap-1">
            {PARTS.map((one) => <button key={one} type="button" className="choice" aria-pressed={part === one} onClick={() => setPart(one)}>{t(`admin.${one}`)}</button>)}
          </div>
          {part === "users" && <Users />}
          {part === "engines" && <Engines />}
          {part === "presets" && <Presets />}
          {part === "audit" && <Actions />}
        </>
      )}
    </AccountFrame>
  );
}

/** An action that needs a reason. */
function WithReason({ action, busy, onSend }: { action: string; busy: boolean; onSend: (reason: string) => void }) {
  const { t } = useText();
  const [reason, setReason] = useState<string | null>(null);
  if (reason === null) return <button type="button" className="button button-plain text-bad" disabled={busy} onClick={() => setReason("")}>{action}</button>;
  return (
    <form
      className="flex flex-wrap gap-2"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        onSend(reason.trim());
        setReason(null);
      }}
    >
      <input autoFocus required maxLength={200} className="field w-[220px]" aria-label={t("admin.reason")} placeholder={t("admin.reason")} value={reason} onChange={({ target }) => setReason(target.value)} />
      <button type="submit" className="button border-bad text-bad" disabled={busy || !reason.trim()}>{action}</button>
      <button type="button" className="button button-plain" onClick={() => setReason(null)}>{t("keep")}</button>
    </form>
  );
}

function Users() {
  const { t } = useText();
  const queries = useQueryClient();
  const [address, setAddress] = useState("");
  const [searched, setSearched] = useState("");
  const users = useInfiniteQuery({
    queryKey: ["admin", "users", searched],
    initialPageParam: "",
    queryFn: async ({ pageParam }) =>
      demand(await api.GET("/api/admin/users", { params: { query: { limit: 50, ...(searched ? { address: searched } : {}), ...(pageParam ? { cursor: pageParam } : {}) } } })),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const settled = () => queries.invalidateQueries({ queryKey: ["admin"] });
  const suspend = useMutation({
    mutationFn: async ({ id, reason }: { id: string; reason: string }) => demand(await api.POST("/api/admin/users/{user_id}/suspend", { params: { path: { user_id: id } }, body: { reason } })),
    onSettled: settled,
  });
  const resume = useMutation({ mutationFn: async (id: string) => demand(await api.POST("/api/admin/users/{user_id}/resume", { params: { path: { user_id: id } } })), onSettled: settled });
  const list = users.data?.pages.flatMap(({ data }) => data) ?? [];
  return (
    <>
      <form
        role="search"
        className="mb-4 flex max-w-[480px] gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          setSearched(address.trim());
        }}
      >
        <input type="search" className="field" aria-label={t("admin.users.search")} placeholder={t("admin.users.search")} value={address} onChange={({ target }) => setAddress(target.value)} />
        <button type="submit" className="button">{t("admin.search")}</button>
      </form>
      <FailureNote error={users.error ?? suspend.error ?? resume.error} className="mb-4" />
      {users.isSuccess && list.length === 0 && <p className="text-soft">{t("admin.users.none")}</p>}
      <ul className="divide-y divide-line">
        {list.map((user) => <User key={user.id} user={user} busy={suspend.isPending || resume.isPending} onSuspend={(reason) => suspend.mutate({ id: user.id, reason })} onResume={() => resume.mutate(user.id)} />)}
      </ul>
      {users.hasNextPage && <button type="button" className="button mt-4" disabled={users.isFetchingNextPage} onClick={() => void users.fetchNextPage()}>{t("films.more")}</button>}
      <OrganizationCredits />
    </>
  );
}

function User({ user, busy, onSuspend, onResume }: { user: Schemas["AdminUserView"]; busy: boolean; onSuspend: (reason: string) => void; onResume: () => void }) {
  const { t, date } = useText();
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-2 py-3">
      <div className="min-w-[240px] flex-1">
        <p className="font-[560] break-all">{user.email}{user.platformAdmin && <span className="ms-2 text-[14px] font-normal text-tally">{t("admin.users.admin")}</span>}</p>
        <p className="text-[14px] break-words text-soft">{user.name && `${user.name} · `}<span className="font-mono text-[12.5px]">{user.id}</span> · {date(user.createdAt)}</p>
        {user.suspendedAt && <p className="text-[14px] break-words text-bad">{t("admin.users.suspended", { at: date(user.suspendedAt), reason: user.suspendedBecause ?? "" })}</p>}
      </div>
      <Grant path={{ user: user.id }} />
      {user.suspendedAt ? <button type="button" className="button" disabled={busy} onClick={onResume}>{t("admin.users.resume")}</button> : !user.platformAdmin && <WithReason action={t("admin.users.suspend")} busy={busy} onSend={onSuspend} />}
    </li>
  );
}

/** Credits for an account, with the reason that its ledger shows. One key for one press: a repetition pays once. */
function Grant({ path }: { path: { user: string } | { organization: string } }) {
  const { t, number } = useText();
  const [open, setOpen] = useState(false);
  const [form, setForm] = useState({ credits: "", reason: "", refunds: "", key: "" });
  const grant = useMutation({
    mutationFn: async () => {
      const body = { credits: Number(form.credits), reason: form.reason.trim(), ...(form.refunds.trim() ? { refunds: form.refunds.trim() } : {}) };
      const header = { "idempotency-key": form.key };
      return "user" in path
        ? demand(await api.POST("/api/admin/users/{user_id}/credits", { params: { path: { user_id: path.user }, header }, body }))
        : demand(await api.POST("/api/admin/organizations/{organization_id}/credits", { params: { path: { organization_id: path.organization }, header }, body }));
    },
    onSuccess: () => setOpen(false),
  });
  const change = (part: Partial<typeof form>) => setForm((now) => ({ ...now, ...part, key: crypto.randomUUID() }));
  if (!open) {
    return (
      <span className="flex items-center gap-2">
        <span role="status" className="text-[14px] text-good">{grant.data ? t("admin.granted", { count: number(grant.data.available) }) : ""}</span>
        <button type="button" className="button button-plain" onClick={() => (change({ credits: "", reason: "", refunds: "" }), setOpen(true))}>{t("admin.grant")}</button>
      </span>
    );
  }
  return (
    <form
      className="flex flex-wrap gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        grant.mutate();
      }}
    >
      <input autoFocus required type="number" min={1} max={1_000_000} className="field w-[110px]" aria-label={t("films.credits")} placeholder={t("films.credits")} value={form.credits} onChange={({ target }) => change({ credits: target.value })} />
      <input required maxLength={200} className="field w-[200px]" aria-label={t("admin.reason")} placeholder={t("admin.reason")} value={form.reason} onChange={({ target }) => change({ reason: target.value })} />
      <input maxLength={64} className="field w-[180px]" aria-label={t("admin.refunds")} placeholder={t("admin.refunds")} value={form.refunds} onChange={({ target }) => change({ refunds: target.value })} />
      <button type="submit" className="button" disabled={grant.isPending}>{t("admin.grant")}</button>
      <button type="button" className="button button-plain" onClick={() => setOpen(false)}>{t("cancel")}</button>
      <FailureNote error={grant.error} className="w-full" />
    </form>
  );
}

function OrganizationCredits() {
  const { t } = useText();
  const [id, setId] = useState("");
  const known = /^[\w-]{1,64}$/.test(id.trim());
  return (
    <Part title={t("admin.organization")}>
      <div className="flex flex-wrap items-center gap-3">
        <input className="field max-w-[320px] font-mono text-[13px]" aria-label={t("admin.organization.id")} placeholder={t("admin.organization.id")} value={id} onChange={({ target }) => setId(target.value)} />
        {known && <Grant key={id} path={{ organization: id.trim() }} />}
      </div>
    </Part>
  );
}

function Engines() {
  const { t, date } = useText();
  const queries = useQueryClient();
  const engines = useQuery({ queryKey: ["admin", "engines"], queryFn: async () => demand(await api.GET("/api/admin/engines")).data });
  const settled = () => queries.invalidateQueries({ queryKey: ["admin"] });
  const disable = useMutation({
    mutationFn: async ({ id, reason }: { id: string; reason: string }) => demand(await api.POST("/api/admin/engines/{engine_id}/disable", { params: { path: { engine_id: id } }, body: { reason } })),
    onSettled: settled,
  });
  const enable = useMutation({ mutationFn: async (id: string) => demand(await api.POST("/api/admin/engines/{engine_id}/enable", { params: { path: { engine_id: id } } })), onSettled: settled });
  return (
    <>
      <p className="mb-3 max-w-[64ch] text-soft">{t("admin.engines.lead")}</p>
      <FailureNote error={engines.error ?? disable.error ?? enable.error} className="mb-4" />
      <ul className="divide-y divide-line">
        {engines.data?.map((engine) => (
          <li key={engine.name} data-engine={engine.name} className="flex flex-wrap items-center gap-x-4 gap-y-2 py-3">
            <div className="min-w-[220px] flex-1">
              <p className="font-mono text-[14px] font-[560]">{engine.name}</p>
              <p className="text-[14px] text-soft">{t(`stage.${engine.stage}` as TextKey)}</p>
              {!engine.enabled && <p className="text-[14px] break-words text-bad">{t("admin.engines.off", { at: engine.disabledAt ? date(engine.disabledAt) : "", reason: engine.disabledBecause ?? "" })}</p>}
            </div>
            {engine.enabled ? <WithReason action={t("admin.engines.disable")} busy={disable.isPending} onSend={(reason) => disable.mutate({ id: engine.name, reason })} /> : <button type="button" className="button" disabled={enable.isPending} onClick={() => enable.mutate(engine.name)}>{t("admin.engines.enable")}</button>}
          </li>
        ))}
      </ul>
    </>
  );
}

/** The presets of the studio. An unlisted one still works, so it stays here and can be listed again. */
function Presets() {
  const { t } = useText();
  const queries = useQueryClient();
  const listed = useQuery({ queryKey: ["admin", "presets"], queryFn: async () => demand(await anonymous.GET("/api/presets", { cache: "reload" })).data });
  const change = useMutation({
    mutationFn: async ({ id, body }: { id: string; body: Schemas["PresetUpdate"] }) => demand(await api.PATCH("/api/presets/{preset_id}", { params: { path: { preset_id: id } }, body })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["admin"] }),
  });
  const known = new Map(listed.data?.map((preset) => [preset.id, preset.name]));
  const all = listed.data ? [...known, ...CATALOGUE.filter(({ id }) => !known.has(id)).map(({ id, name }) => [id, name] as const)] : [];
  return (
    <>
      <p className="mb-3 max-w-[64ch] text-soft">{t("admin.presets.lead")}</p>
      <FailureNote error={listed.error ?? change.error} className="mb-4" />
      <ul className="grid gap-x-8 lg:grid-cols-2">
        {all.map(([id, name]) => (
          <li key={id} className="flex items-center gap-3 border-t border-line py-1.5">
            <span className="min-w-0 flex-1 truncate">{name} <span className="font-mono text-[12.5px] text-soft">{id}</span></span>
            {known.has(id) ? (
              <Confirm action={t("admin.presets.unlist")} question={t("admin.presets.unlist.sure")} busy={change.isPending} onConfirm={() => change.mutate({ id, body: { isPublic: false } })} />
            ) : (
              <button type="button" className="button" disabled={change.isPending} onClick={() => change.mutate({ id, body: { isPublic: true } })}>{t("admin.presets.list")}</button>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function Actions() {
  const { t, date } = useText();
  const actions = useInfiniteQuery({
    queryKey: ["admin", "audit"],
    initialPageParam: "",
    queryFn: async ({ pageParam }) => demand(await api.GET("/api/admin/audit", { params: { query: { limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const list = actions.data?.pages.flatMap(({ data }) => data) ?? [];
  return (
    <>
      <FailureNote error={actions.error} className="mb-4" />
      {actions.isSuccess && list.length === 0 && <p className="text-soft">{t("admin.audit.none")}</p>}
      <ol className="divide-y divide-line text-[14px]">
        {list.map((entry) => (
          <li key={entry.id} className="flex flex-wrap gap-x-4 gap-y-0.5 py-2">
            <time dateTime={entry.createdAt} className="w-[170px] text-soft">{date(entry.createdAt)}</time>
            <span className="min-w-[220px] flex-1 [overflow-wrap:anywhere]">
              <span className="font-[560]">{entry.action}</span> {entry.subject} {entry.details && <span className="text-soft">{Object.values(entry.details).map(String).join(", ")}</span>}
              <span className="block font-mono text-[12.5px] text-soft">{entry.userId} · {entry.source}</span>
            </span>
          </li>
        ))}
      </ol>
      {actions.hasNextPage && <button type="button" className="button mt-4" onClick={() => void actions.fetchNextPage()}>{t("films.more")}</button>}
    </>
  );
}
