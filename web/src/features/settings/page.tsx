"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { AccountFrame, Part } from "@/features/account/frame";
import { RATIOS } from "@/features/editor/draft";
import { CATALOGUE } from "@/features/presets/catalogue";
import { FailureNote, fieldError } from "@/features/session/failure-note";
import { demand } from "@/features/session/failure";
import { useSession } from "@/features/session/hooks";
import { api, type Schemas, session } from "@/features/session/session";
import { setLocale, useText } from "@/features/text/text";
import { SecondFactor } from "./second-factor";

type Settings = Schemas["SettingsView"];
type Update = Schemas["SettingsUpdate"];
const NOTICES = ["filmCompleted", "filmFailed", "lowCredits"] as const;
const THEMES = ["SYSTEM", "LIGHT", "DARK"] as const;
const LOCALES = { en: "English", de: "Deutsch" } as const;

export function SettingsPage() {
  const enabled = useSession() === "in";
  const { data, error } = useQuery({ queryKey: ["settings"], enabled, queryFn: async () => demand(await api.GET("/api/settings")) });
  return (
    <AccountFrame title="settings.title">
      <FailureNote error={error} />
      {data && (
        <>
          <Profile settings={data} />
          <Notifications settings={data} />
          <Defaults settings={data} />
          <Looks settings={data} />
          <Password />
          <SecondFactor />
          <DeleteAccount />
        </>
      )}
    </AccountFrame>
  );
}

function useUpdate() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (body: Update) => demand(await api.PATCH("/api/settings", { body })),
    onSuccess: async (settings) => {
      queries.setQueryData<Settings>(["settings"], settings);
      await queries.invalidateQueries({ queryKey: ["me"] });
    },
  });
}

/** Says, for people who do not see the change, that it was saved. */
function Saved({ when }: { when: boolean }) {
  const { t } = useText();
  return <span role="status" className="text-[14px] text-good">{when ? t("saved") : ""}</span>;
}

function Line({ label, error, hint, children }: { label: string; error?: string | undefined; hint?: string; children: ReactNode }) {
  return (
    <label className="block max-w-[420px]">
      <span className="mb-1.5 block font-[560]">{label}</span>
      {children}
      {(error ?? hint) && <span className={`mt-1.5 block text-[14px] ${error ? "text-bad" : "text-soft"}`}>{error ?? hint}</span>}
    </label>
  );
}

function Profile({ settings }: { settings: Settings }) {
  const { t } = useText();
  const [name, setName] = useState(settings.name ?? "");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const rename = useUpdate();
  const move = useUpdate();
  return (
    <Part title={t("settings.profile")}>
      <form
        className="flex flex-wrap items-end gap-2"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          rename.mutate({ name: name.trim() || null });
        }}
      >
        <Line label={t("settings.name")}>
          <input className="field sm:w-[320px]" maxLength={120} autoComplete="name" value={name} onChange={({ target }) => setName(target.value)} />
        </Line>
        <button type="submit" className="button" disabled={rename.isPending || name.trim() === (settings.name ?? "")}>{t("save")}</button>
        <Saved when={rename.isSuccess} />
      </form>
      <FailureNote error={rename.error} />
      <p className="mt-6"><span className="font-[560]">{t("settings.email")}</span> <span className="ms-2 break-all">{settings.email}</span></p>
      {settings.emailRefusal && <p className="mt-1 text-bad">{t(`settings.email.${settings.emailRefusal}`)}</p>}
      {settings.newEmail && (
        <p className="mt-2 border-s-2 border-tally ps-3" role="status">
          {t("settings.email.waits", { email: settings.newEmail })}
        </p>
      )}
      <details className="mt-3">
        <summary className="w-fit text-soft hover:text-ink">{t("settings.email.change")}</summary>
        <form
          className="mt-3 space-y-4"
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            move.mutate({ email, currentPassword: password }, { onSuccess: () => setPassword("") });
          }}
        >
          <Line label={t("settings.email.new")} error={fieldError(move.error, "email")}>
            <input type="email" required autoComplete="email" className="field" value={email} onChange={({ target }) => setEmail(target.value)} />
          </Line>
          <Line label={t("settings.password.current")} hint={t("settings.email.hint")}>
            <input type="password" required autoComplete="current-password" className="field" value={password} onChange={({ target }) => setPassword(target.value)} />
          </Line>
          <FailureNote error={move.error} />
          <button type="submit" className="button" disabled={move.isPending}>{t("settings.email.send")}</button>
        </form>
      </details>
    </Part>
  );
}

function Notifications({ settings }: { settings: Settings }) {
  const { t } = useText();
  const update = useUpdate();
  return (
    <Part title={t("settings.notices")} lead={t("settings.notices.lead")} action={<Saved when={update.isSuccess} />}>
      {NOTICES.map((name) => (
        <label key={name} className="flex items-center gap-2.5 py-1">
          <input type="checkbox" className="accent-tally" checked={settings.notifications[name]} disabled={update.isPending} onChange={({ target }) => update.mutate({ notifications: { [name]: target.checked } })} />
          {t(`settings.notices.${name}`)}
        </label>
      ))}
      <FailureNote error={update.error} />
    </Part>
  );
}

function Defaults({ settings }: { settings: Settings }) {
  const { t } = useText();
  const update = useUpdate();
  return (
    <Part title={t("settings.defaults")} lead={t("settings.defaults.lead")} action={<Saved when={update.isSuccess} />}>
      <div className="grid gap-4 sm:grid-cols-2 lg:max-w-[640px]">
        <Line label={t("settings.defaults.move")}>
          <select className="field" value={settings.defaultPresetId ?? ""} disabled={update.isPending} onChange={({ target }) => update.mutate({ defaultPresetId: target.value || null })}>
            <option value="">{t("settings.defaults.none")}</option>
            {CATALOGUE.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
          </select>
        </Line>
        <Line label={t("format.ratio")}>
          <select className="field" value={settings.defaultAspectRatio ?? ""} disabled={update.isPending} onChange={({ target }) => update.mutate({ defaultAspectRatio: (target.value || null) as Settings["defaultAspectRatio"] })}>
            <option value="">{t("settings.defaults.none")}</option>
            {RATIOS.map((ratio) => <option key={ratio}>{ratio}</option>)}
          </select>
        </Line>
      </div>
      <FailureNote error={update.error} />
    </Part>
  );
}

function Looks({ settings }: { settings: Settings }) {
  const { t, locale } = useText();
  const update = useUpdate();
  return (
    <Part title={t("settings.looks")} lead={t("settings.looks.lead")} action={<Saved when={update.isSuccess} />}>
      <div className="grid gap-4 sm:grid-cols-2 lg:max-w-[640px]">
        <Line label={t("settings.language")}>
          <select
            className="field"
            value={locale}
            onChange={({ target }) => {
              const chosen = target.value as keyof typeof LOCALES;
              setLocale(chosen);
              update.mutate({ locale: chosen });
            }}
          >
            {Object.entries(LOCALES).map(([code, name]) => <option key={code} value={code} lang={code}>{name}</option>)}
          </select>
        </Line>
        <Line label={t("settings.theme")}>
          <select
            className="field"
            value={settings.theme}
            onChange={({ target }) => {
              const theme = target.value as Schemas["Theme"];
              showTheme(theme);
              update.mutate({ theme });
            }}
          >
            {THEMES.map((theme) => <option key={theme} value={theme}>{t(`settings.theme.${theme}`)}</option>)}
          </select>
        </Line>
      </div>
      <FailureNote error={update.error} />
    </Part>
  );
}

/** Show the theme now and at the next visit; public/theme.js reads the mark before the page is drawn. */
function showTheme(theme: Schemas["Theme"]): void {
  if (theme === "SYSTEM") {
    localStorage.removeItem("kinora.theme");
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem("kinora.theme", theme.toLowerCase());
    document.documentElement.dataset.theme = theme.toLowerCase();
  }
}

function Password() {
  const { t } = useText();
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const change = useMutation({
    mutationFn: async () => demand(await api.POST("/api/auth/change-password", { body: { currentPassword: old, newPassword: next } })),
    onSuccess: () => {
      setOld("");
      setNext("");
    },
  });
  return (
    <Part title={t("auth.password")} lead={t("settings.password.lead")}>
      <form
        className="space-y-4"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <Line label={t("settings.password.current")}>
          <input type="password" required autoComplete="current-password" className="field" value={old} onChange={({ target }) => setOld(target.value)} />
        </Line>
        <Line label={t("settings.password.new")} hint={t("auth.password.hint")} error={fieldError(change.error, "newPassword")}>
          <input type="password" required minLength={8} maxLength={200} autoComplete="new-password" className="field" value={next} onChange={({ target }) => setNext(target.value)} />
        </Line>
        <FailureNote error={change.error} />
        <p className="flex items-center gap-3"><button type="submit" className="button" disabled={change.isPending}>{t("settings.password.change")}</button><Saved when={change.isSuccess} /></p>
      </form>
    </Part>
  );
}

/** The end of the account, with the password, and with the word of the second factor if there is one. */
function DeleteAccount() {
  const { t } = useText();
  const [open, setOpen] = useState(false);
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const erase = useMutation({
    mutationFn: async () => demand(await api.DELETE("/api/auth/me", { body: { password, ...(code ? { code } : {}) } })),
    onSuccess: () => session.signOut(),
  });
  return (
    <Part title={t("settings.delete")} lead={t("settings.delete.lead")}>
      {!open ? (
        <button type="button" className="button border-bad text-bad" onClick={() => setOpen(true)}>{t("settings.delete")}</button>
      ) : (
        <form
          className="space-y-4"
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            erase.mutate();
          }}
        >
          <Line label={t("settings.password.current")}>
            <input autoFocus type="password" required autoComplete="current-password" className="field" value={password} onChange={({ target }) => setPassword(target.value)} />
          </Line>
          <Line label={t("totp.code.ifAny")}>
            <input className="field" maxLength={40} autoComplete="one-time-code" value={code} onChange={({ target }) => setCode(target.value)} />
          </Line>
          <FailureNote error={erase.error} />
          <p className="flex gap-2">
            <button type="submit" className="button border-bad text-bad" disabled={erase.isPending}>{t("settings.delete.now")}</button>
            <button type="button" className="button button-plain" onClick={() => setOpen(false)}>{t("keep")}</button>
          </p>
        </form>
      )}
    </Part>
  );
}
