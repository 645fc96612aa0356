"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { AccountFrame, Part } from "@/features/account/frame";
import { FailureNote } from "@/features/session/failure-note";
import { demand } from "@/features/session/failure";
import { useSession } from "@/features/session/hooks";
import { api, type Schemas } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { Confirm } from "@/ui/confirm";
import { Icon } from "@/ui/icon";
import { ShownOnce } from "@/ui/shown-once";
import { bodyOf, EMPTY, type KeyForm, SCOPES, SETS } from "./form";

export function KeysPage() {
  const { t } = useText();
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<Schemas["NewKeyView"] | null>(null);
  return (
    <AccountFrame
      title="keys.title"
      lead="keys.lead"
      action={!making && <button type="button" className="button button-main" onClick={() => setMaking(true)}><Icon name="plus" />{t("keys.new")}</button>}
    >
      {made && <div className="mb-6"><ShownOnce title={t("keys.once", { name: made.name })} secret={made.key} onDone={() => setMade(null)} /></div>}
      {making && (
        <NewKey
          onClose={() => setMaking(false)}
          onMade={(key) => {
            setMade(key);
            setMaking(false);
          }}
        />
      )}
      <Keys />
    </AccountFrame>
  );
}

function NewKey({ onMade, onClose }: { onMade: (key: Schemas["NewKeyView"]) => void; onClose: () => void }) {
  const { t } = useText();
  const queries = useQueryClient();
  const [form, setForm] = useState<KeyForm>(EMPTY);
  const change = (part: Partial<KeyForm>) => setForm((now) => ({ ...now, ...part }));
  const make = useMutation({
    mutationFn: async () => demand(await api.POST("/api/auth/keys", { body: bodyOf(form) })),
    onSuccess: async (key) => {
      onMade(key);
      await queries.invalidateQueries({ queryKey: ["keys"] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  const toggle = (scope: Schemas["Permission"]) =>
    change({ scopes: form.scopes.includes(scope) ? form.scopes.filter((one) => one !== scope) : [...form.scopes, scope] });
  return (
    <form onSubmit={submit} className="mb-8 space-y-5 rounded-md border border-line bg-raised p-4 sm:p-5" aria-label={t("keys.new")}>
      <label className="block max-w-[420px]">
        <span className="mb-1.5 block font-[560]">{t("keys.name")}</span>
        <input autoFocus required maxLength={120} className="field" placeholder={t("keys.name.example")} value={form.name} onChange={({ target }) => change({ name: target.value })} />
      </label>
      <fieldset>
        <legend className="mb-1.5 font-[560]">{t("keys.scopes")}</legend>
        <p className="mb-2 flex flex-wrap gap-1">
          {SETS.map(({ name, scopes }) => (
            <button key={name} type="button" className="choice text-[14px]" aria-pressed={scopes.length === form.scopes.length && scopes.every((one) => form.scopes.includes(one))} onClick={() => change({ scopes: [...scopes] })}>{t(`keys.set.${name}`)}</button>
          ))}
        </p>
        <div className="grid gap-x-6 gap-y-1 sm:grid-cols-2 xl:grid-cols-3">
          {SCOPES.map((scope) => (
            <label key={scope} className="flex items-center gap-2.5 py-0.5">
              <input type="checkbox" className="accent-tally" checked={form.scopes.includes(scope)} onChange={() => toggle(scope)} />
              <code className="font-mono text-[13px]">{scope}</code>
            </label>
          ))}
        </div>
      </fieldset>
      <div className="grid gap-4 sm:grid-cols-2 lg:max-w-[640px]">
        <label>
          <span className="mb-1.5 block font-[560]">{t("keys.cap")}</span>
          <input type="number" min={0} max={1_000_000_000} step={1} className="field" placeholder={t("keys.cap.none")} value={form.cap} onChange={({ target }) => change({ cap: target.value })} />
        </label>
        <label>
          <span className="mb-1.5 block font-[560]">{t("keys.expiry")}</span>
          <input type="date" className="field" min={new Date().toISOString().slice(0, 10)} value={form.lastDay} onChange={({ target }) => change({ lastDay: target.value })} />
        </label>
      </div>
      <label className="flex items-start gap-2.5">
        <input type="checkbox" className="mt-1 accent-tally" checked={form.test} onChange={({ target }) => change({ test: target.checked })} />
        <span>{t("keys.test")}<span className="block text-[14px] text-soft">{t("keys.test.lead")}</span></span>
      </label>
      <FailureNote error={make.error} />
      <p className="flex gap-2">
        <button type="submit" className="button button-main" disabled={make.isPending || form.scopes.length === 0 || !form.name.trim()}>{t("keys.make")}</button>
        <button type="button" className="button button-plain" onClick={onClose}>{t("cancel")}</button>
      </p>
    </form>
  );
}

function Keys() {
  const { t, date, number } = useText();
  const queries = useQueryClient();
  const enabled = useSession() === "in";
  const keys = useQuery({ queryKey: ["keys"], enabled, queryFn: async () => demand(await api.GET("/api/auth/keys")).data });
  const revoke = useMutation({
    mutationFn: async (id: string) => demand(await api.DELETE("/api/auth/keys/{key_id}", { params: { path: { key_id: id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
  if (keys.error) return <FailureNote error={keys.error} />;
  return (
    <>
      <FailureNote error={revoke.error} className="mb-4" />
      {keys.data?.length === 0 && (
        <Part title={t("keys.empty")} lead={t("keys.empty.lead")}>
          <pre className="overflow-x-auto rounded-sm bg-sunken p-3 font-mono text-[13px]" tabIndex={0} aria-label={t("keys.example")}>{`curl ${location.origin}/api/jobs \\\n  -H "Authorization: Bearer $KINORA_KEY"`}</pre>
        </Part>
      )}
      <ul className="divide-y divide-line">
        {keys.data?.map((key) => (
          <li key={key.id} className="flex flex-wrap items-start gap-x-6 gap-y-2 py-4">
            <div className="min-w-[220px] flex-1">
              <p className="font-[560] break-words">
                {key.name}
                {key.test && <span className="slate ms-2 border border-edge px-1.5 py-0.5 text-soft">{t("keys.test.short")}</span>}
              </p>
              <p className="mt-1 font-mono text-[12.5px] text-soft">{key.scopes.join("  ")}</p>
            </div>
            <dl className="grid grid-cols-[auto_auto] gap-x-3 text-[14px]">
              <dt className="text-soft">{t("keys.used")}</dt>
              <dd>{key.lastUsedAt ? date(key.lastUsedAt) : t("keys.used.never")}</dd>
              <dt className="text-soft">{t("keys.cap.short")}</dt>
              <dd className="tabular-nums">{key.monthlyCap === null ? t("keys.cap.none") : t("credits.available", { count: number(key.monthlyCap) })}</dd>
              <dt className="text-soft">{t("keys.ends")}</dt>
              <dd>{key.expiresAt ? date(key.expiresAt) : t("keys.ends.never")}</dd>
            </dl>
            <Confirm action={t("keys.revoke")} question={t("keys.revoke.sure")} busy={revoke.isPending} onConfirm={() => revoke.mutate(key.id)} />
          </li>
        ))}
      </ul>
    </>
  );
}
