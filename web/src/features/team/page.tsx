"use client";

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { chooseAccount, useAccount } from "@/features/account/account";
import { AccountFrame, Part } from "@/features/account/frame";
import { FailureNote, fieldError } from "@/features/session/failure-note";
import { demand } from "@/features/session/failure";
import { useMe } from "@/features/session/hooks";
import { api, type Schemas } from "@/features/session/session";
import { type TextKey, useText } from "@/features/text/text";
import { Confirm } from "@/ui/confirm";
import { Icon } from "@/ui/icon";
import { covers, manages, type Role, ROLES, slugOf } from "./roles";

type Organization = Schemas["OwnOrganizationView"];

export function TeamPage() {
  const { t } = useText();
  const { organization } = useAccount();
  const [making, setMaking] = useState(false);
  return (
    <AccountFrame
      title="team.title"
      ofAccount
      action={organization && !making && <button type="button" className="button" onClick={() => setMaking(true)}><Icon name="plus" />{t("team.new")}</button>}
    >
      {making && <NewOrganization onDone={() => setMaking(false)} />}
      {organization ? <Team key={organization.id} organization={organization} /> : <NoTeam />}
    </AccountFrame>
  );
}

/** Read again what a change of an organization can have changed. */
function useChanged() {
  const queries = useQueryClient();
  return () => Promise.all(["me", "team", "subscription"].map((key) => queries.invalidateQueries({ queryKey: [key] })));
}

function NoTeam() {
  const { t } = useText();
  const { organizations } = useAccount();
  return (
    <>
      {organizations.length > 0 && (
        <Part title={t("team.yours")}>
          <ul className="divide-y divide-line">
            {organizations.map(({ id, name, role }) => (
              <li key={id} className="flex items-center gap-4 py-3">
                <span className="min-w-0 flex-1 truncate font-[560]">{name}</span>
                <span className="text-soft">{t(`role.${role}`)}</span>
                <button type="button" className="button" onClick={() => chooseAccount(id)}>{t("team.open")}</button>
              </li>
            ))}
          </ul>
        </Part>
      )}
      <Part title={t("team.empty")} lead={t("team.empty.lead")}>
        <NewOrganization />
      </Part>
    </>
  );
}

function NewOrganization({ onDone }: { onDone?: () => void }) {
  const { t } = useText();
  const changed = useChanged();
  const [name, setName] = useState("");
  const [slug, setSlug] = useState<string | null>(null);
  const make = useMutation({
    mutationFn: async () => demand(await api.POST("/api/teams", { body: { name: name.trim(), slug: slug ?? slugOf(name) } })),
    onSuccess: async ({ id }) => {
      await changed();
      chooseAccount(id);
      onDone?.();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form onSubmit={submit} className="mb-6 grid max-w-[640px] gap-4 sm:grid-cols-2">
      <label>
        <span className="mb-1.5 block font-[560]">{t("team.name")}</span>
        <input required maxLength={120} className="field" value={name} onChange={({ target }) => setName(target.value)} />
      </label>
      <label>
        <span className="mb-1.5 block font-[560]">{t("team.slug")}</span>
        <input required maxLength={40} className="field font-mono" value={slug ?? slugOf(name)} onChange={({ target }) => setSlug(target.value)} />
        <span className={`mt-1.5 block text-[14px] ${fieldError(make.error, "slug") ? "text-bad" : "text-soft"}`}>{fieldError(make.error, "slug") ? t("team.slug.bad") : t("team.slug.hint")}</span>
      </label>
      <FailureNote error={make.error} className="sm:col-span-2" />
      <p className="flex gap-2 sm:col-span-2">
        <button type="submit" className="button button-main" disabled={make.isPending || !name.trim()}>{t("team.make")}</button>
        {onDone && <button type="button" className="button button-plain" onClick={onDone}>{t("cancel")}</button>}
      </p>
    </form>
  );
}

function Team({ organization }: { organization: Organization }) {
  const { t, number } = useText();
  const path = { path: { organization_id: organization.id } };
  const detail = useQuery({ queryKey: ["team", organization.id], queryFn: async () => demand(await api.GET("/api/teams/{organization_id}", { params: path })) });
  const members = useQuery({ queryKey: ["team", organization.id, "members"], queryFn: async () => demand(await api.GET("/api/teams/{organization_id}/members", { params: path })).data });
  const may = manages(organization.role);
  return (
    <>
      <section aria-label={organization.name} className="mb-7 flex flex-wrap items-end gap-x-8 gap-y-3 border-b border-line pb-6">
        <div className="min-w-0 flex-1">
          <p className="font-display text-[26px] leading-tight font-[640] tracking-[-0.02em] break-words">{organization.name}</p>
          <p className="text-soft"><span className="font-mono text-[13px]">{organization.slug}</span> · {t("team.you", { role: t(`role.${organization.role}`) })}</p>
        </div>
        {detail.data && (
          <p className="text-end tabular-nums">
            <span className="block font-display text-[26px] leading-tight font-[640]">{number(detail.data.available)}</span>
            <span className="text-[14px] text-soft">{t("billing.available")}</span>
          </p>
        )}
      </section>
      <FailureNote error={detail.error ?? members.error} />
      {members.data && <Members organization={organization} members={members.data} />}
      {may && <Invites organization={organization} />}
      {may && <Details organization={organization} />}
      {may && <Audit organization={organization} members={members.data ?? []} />}
      {members.data && <Ends organization={organization} members={members.data} />}
    </>
  );
}

function Members({ organization, members }: { organization: Organization; members: Schemas["MemberView"][] }) {
  const { t, number } = useText();
  const { data: me } = useMe();
  const changed = useChanged();
  const may = manages(organization.role);
  const change = useMutation({
    mutationFn: async ({ id, body }: { id: string; body: Schemas["MemberUpdate"] }) =>
      demand(await api.PATCH("/api/teams/{organization_id}/members/{member_id}", { params: { path: { organization_id: organization.id, member_id: id } }, body })),
    onSettled: changed,
  });
  const remove = useMutation({
    mutationFn: async (id: string) =>
      demand(await api.DELETE("/api/teams/{organization_id}/members/{member_id}", { params: { path: { organization_id: organization.id, member_id: id } } })),
    onSettled: changed,
  });
  return (
    <Part title={t("team.members")} lead={t("team.members.lead")}>
      <FailureNote error={change.error ?? remove.error} className="mb-3" />
      <ul className="divide-y divide-line">
        {members.map((member) => {
          const own = member.userId === me?.id;
          const below = may && covers(organization.role, member.role);
          const label = member.name ?? member.email;
          return (
            <li key={member.id} className="flex flex-wrap items-center gap-x-4 gap-y-2 py-3">
              <div className="min-w-[200px] flex-1">
                <p className="font-[560] break-words">{label}{own && <span className="font-normal text-soft"> · {t("team.self")}</span>}</p>
                {member.name && <p className="text-[14px] break-all text-soft">{member.email}</p>}
              </div>
              <p className="text-[14px] text-soft tabular-nums">{t("team.spent", { count: number(member.spent) })}</p>
              {below && !own ? (
                <>
                  <Cap key={member.monthlyCap} member={member} busy={change.isPending} onSave={(monthlyCap) => change.mutate({ id: member.id, body: { monthlyCap } })} />
                  <select className="field w-auto" aria-label={t("team.role.of", { name: label })} value={member.role} disabled={change.isPending} onChange={({ target }) => change.mutate({ id: member.id, body: { role: target.value as Role } })}>
                    {ROLES.filter((role) => covers(organization.role, role)).map((role) => <option key={role} value={role}>{t(`role.${role}`)}</option>)}
                  </select>
                  <Confirm action={t("team.remove")} question={t("team.remove.sure", { name: label })} busy={remove.isPending} onConfirm={() => remove.mutate(member.id)} />
                </>
              ) : (
                <span>{t(`role.${member.role}`)}</span>
              )}
            </li>
          );
        })}
      </ul>
    </Part>
  );
}

/** The most credits that a member may spend in a month. */
function Cap({ member, busy, onSave }: { member: Schemas["MemberView"]; busy: boolean; onSave: (cap: number | null) => void }) {
  const { t } = useText();
  const stored = member.monthlyCap === null ? "" : String(member.monthlyCap);
  const [cap, setCap] = useState(stored);
  return (
    <form
      className="flex items-center gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        onSave(cap.trim() ? Number(cap) : null);
      }}
    >
      <input type="number" min={0} step={1} className="field w-[128px]" aria-label={t("team.cap.of", { name: member.name ?? member.email })} placeholder={t("team.cap")} value={cap} onChange={({ target }) => setCap(target.value)} />
      {cap !== stored && <button type="submit" className="button" disabled={busy}>{t("save")}</button>}
    </form>
  );
}

function Invites({ organization }: { organization: Organization }) {
  const { t, date } = useText();
  const queries = useQueryClient();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("MEMBER");
  const path = { organization_id: organization.id };
  const key = ["team", organization.id, "invites"];
  const invites = useQuery({ queryKey: key, queryFn: async () => demand(await api.GET("/api/teams/{organization_id}/invites", { params: { path } })).data });
  const settled = () => queries.invalidateQueries({ queryKey: key });
  const invite = useMutation({
    mutationFn: async () => demand(await api.POST("/api/teams/{organization_id}/members/invite", { params: { path }, body: { email: email.trim(), role } })),
    onSuccess: () => setEmail(""),
    onSettled: settled,
  });
  const withdraw = useMutation({
    mutationFn: async (id: string) => demand(await api.DELETE("/api/teams/{organization_id}/invites/{invite_id}", { params: { path: { ...path, invite_id: id } } })),
    onSettled: settled,
  });
  const waiting = invites.data?.filter(({ acceptedBy }) => !acceptedBy) ?? [];
  return (
    <Part title={t("team.invite")} lead={t("team.invite.lead")}>
      <form
        className="flex flex-wrap items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          invite.mutate();
        }}
      >
        <label className="min-w-[220px] flex-1 sm:max-w-[360px]">
          <span className="mb-1.5 block font-[560]">{t("auth.email")}</span>
          <input type="email" required maxLength={254} className="field" value={email} onChange={({ target }) => setEmail(target.value)} />
        </label>
        <label>
          <span className="mb-1.5 block font-[560]">{t("team.role")}</span>
          <select className="field" value={role} onChange={({ target }) => setRole(target.value as Role)}>
            {ROLES.filter((one) => covers(organization.role, one)).map((one) => <option key={one} value={one}>{t(`role.${one}`)}</option>)}
          </select>
        </label>
        <button type="submit" className="button button-main" disabled={invite.isPending}>{t("team.invite.send")}</button>
      </form>
      <p role="status" className="mt-2 text-[14px] text-soft">{invite.data ? t("team.invite.sent", { email: invite.data.email }) : t(`role.${role}.may`)}</p>
      <FailureNote error={invite.error ?? withdraw.error ?? invites.error} />
      {waiting.length > 0 && (
        <ul className="mt-4 divide-y divide-line border-t border-line">
          {waiting.map((one) => (
            <li key={one.id} className="flex flex-wrap items-center gap-x-4 gap-y-1 py-2.5">
              <span className="min-w-[200px] flex-1 break-all">{one.email}</span>
              <span className="text-[14px] text-soft">{t(`role.${one.role}`)} · {t("team.invite.until", { at: date(one.expiresAt) })}</span>
              <Confirm action={t("team.withdraw")} question={t("team.withdraw.sure")} busy={withdraw.isPending} onConfirm={() => withdraw.mutate(one.id)} />
            </li>
          ))}
        </ul>
      )}
    </Part>
  );
}

/** The name of the organization, and credits for it. */
function Details({ organization }: { organization: Organization }) {
  const { t, number } = useText();
  const { data: me } = useMe();
  const changed = useChanged();
  const [name, setName] = useState(organization.name);
  const [credits, setCredits] = useState("");
  const path = { organization_id: organization.id };
  const rename = useMutation({
    mutationFn: async () => demand(await api.PATCH("/api/teams/{organization_id}", { params: { path }, body: { name: name.trim() } })),
    onSettled: changed,
  });
  const give = useMutation({
    mutationFn: async () =>
      demand(await api.POST("/api/teams/{organization_id}/credits", { params: { path, header: { "idempotency-key": crypto.randomUUID() } }, body: { credits: Number(credits) } })),
    onSuccess: () => setCredits(""),
    onSettled: changed,
  });
  return (
    <Part title={t("team.details")}>
      <div className="flex flex-wrap gap-x-10 gap-y-4">
        <form
          className="flex flex-wrap items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            rename.mutate();
          }}
        >
          <label>
            <span className="mb-1.5 block font-[560]">{t("team.name")}</span>
            <input required maxLength={120} className="field sm:w-[280px]" value={name} onChange={({ target }) => setName(target.value)} />
          </label>
          <button type="submit" className="button" disabled={rename.isPending || !name.trim() || name.trim() === organization.name}>{t("save")}</button>
        </form>
        <form
          className="flex flex-wrap items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            give.mutate();
          }}
        >
          <label>
            <span className="mb-1.5 block font-[560]">{t("team.give")}</span>
            <input type="number" required min={1} max={me?.balance.available} step={1} className="field w-[160px]" placeholder={t("team.give.of", { count: number(me?.balance.available ?? 0) })} value={credits} onChange={({ target }) => setCredits(target.value)} />
          </label>
          <button type="submit" className="button" disabled={give.isPending}>{t("team.give.now")}</button>
        </form>
      </div>
      <FailureNote error={rename.error ?? give.error} />
    </Part>
  );
}

function Audit({ organization, members }: { organization: Organization; members: Schemas["MemberView"][] }) {
  const { t, date } = useText();
  const audit = useInfiniteQuery({
    queryKey: ["team", organization.id, "audit"],
    initialPageParam: "",
    queryFn: async ({ pageParam }) =>
      demand(await api.GET("/api/teams/{organization_id}/audit", { params: { path: { organization_id: organization.id }, query: { limit: 20, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const people = new Map(members.map(({ userId, name, email }) => [userId, name ?? email]));
  return (
    <Part title={t("team.audit")} lead={t("team.audit.lead")}>
      <FailureNote error={audit.error} />
      <ol className="divide-y divide-line">
        {audit.data?.pages.flatMap(({ data }) => data).map((entry) => (
          <li key={entry.id} className="flex flex-wrap gap-x-4 gap-y-0.5 py-2 text-[14px]">
            <time dateTime={entry.createdAt} className="w-[170px] text-soft">{date(entry.createdAt)}</time>
            <span className="min-w-[200px] flex-1 break-words">
              {people.get(entry.userId) ?? t("team.former")}: {t(`audit.${entry.action}` as TextKey)}
              {entry.details && <span className="text-soft"> {Object.values(entry.details).map(String).join(", ")}</span>}
            </span>
          </li>
        ))}
      </ol>
      {audit.hasNextPage && <button type="button" className="button mt-3" onClick={() => void audit.fetchNextPage()}>{t("films.more")}</button>}
    </Part>
  );
}

/** The ways out: leave, give the organization to somebody else, or delete it. */
function Ends({ organization, members }: { organization: Organization; members: Schemas["MemberView"][] }) {
  const { t } = useText();
  const { data: me } = useMe();
  const changed = useChanged();
  const [next, setNext] = useState("");
  const params = { path: { organization_id: organization.id } };
  const out = {
    onSuccess: async () => {
      chooseAccount(null);
      await changed();
    },
  };
  const leave = useMutation({ mutationFn: async () => demand(await api.POST("/api/teams/{organization_id}/leave", { params })), ...out });
  const remove = useMutation({ mutationFn: async () => demand(await api.DELETE("/api/teams/{organization_id}", { params })), ...out });
  const transfer = useMutation({
    mutationFn: async () => demand(await api.POST("/api/teams/{organization_id}/transfer", { params, body: { memberId: next } })),
    onSettled: changed,
  });
  const others = members.filter(({ userId }) => userId !== me?.id);
  const owner = organization.role === "OWNER";
  return (
    <Part title={t("team.ends")} lead={owner ? t("team.ends.owner") : undefined}>
      <div className="flex flex-wrap items-center gap-3">
        {owner && others.length > 0 && (
          <span className="flex flex-wrap items-center gap-2">
            <select className="field w-auto" aria-label={t("team.transfer.to")} value={next} onChange={({ target }) => setNext(target.value)}>
              <option value="">{t("team.transfer.to")}</option>
              {others.map(({ id, name, email }) => <option key={id} value={id}>{name ?? email}</option>)}
            </select>
            <Confirm plain={false} action={t("team.transfer")} question={t("team.transfer.sure")} busy={transfer.isPending || !next} onConfirm={() => transfer.mutate()} />
          </span>
        )}
        <Confirm plain={false} action={t("team.leave")} question={t("team.leave.sure")} busy={leave.isPending} onConfirm={() => leave.mutate()} />
        {owner && <Confirm plain={false} action={t("team.delete")} question={t("team.delete.sure", { name: organization.name })} busy={remove.isPending} onConfirm={() => remove.mutate()} />}
      </div>
      <FailureNote error={leave.error ?? remove.error ?? transfer.error} />
    </Part>
  );
}
