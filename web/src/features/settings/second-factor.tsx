"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { Part } from "@/features/account/frame";
import { FailureNote } from "@/features/session/failure-note";
import { demand } from "@/features/session/failure";
import { api } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { ShownOnce } from "@/ui/shown-once";

/** Codes of an authenticator app as a second factor of the sign-in. */
export function SecondFactor() {
  const { t } = useText();
  const queries = useQueryClient();
  const { data: state, error } = useQuery({ queryKey: ["totp"], queryFn: async () => demand(await api.GET("/api/auth/totp")) });
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const done = async () => {
    setPassword("");
    setCode("");
    await queries.invalidateQueries({ queryKey: ["totp"] });
  };
  const begin = useMutation({ mutationFn: async () => demand(await api.POST("/api/auth/totp", { body: { password } })), onSuccess: () => setPassword("") });
  const enable = useMutation({ mutationFn: async () => demand(await api.POST("/api/auth/totp/enable", { body: { code: code.trim() } })), onSuccess: done });
  const disable = useMutation({ mutationFn: async () => demand(await api.DELETE("/api/auth/totp", { body: { password, code: code.trim() } })), onSuccess: done });
  const submit = (action: { mutate: () => void }) => (event: FormEvent) => {
    event.preventDefault();
    action.mutate();
  };
  const passwordField = (
    <label className="block max-w-[420px]">
      <span className="mb-1.5 block font-[560]">{t("settings.password.current")}</span>
      <input type="password" required autoComplete="current-password" className="field" value={password} onChange={({ target }) => setPassword(target.value)} />
    </label>
  );
  const codeField = (
    <label className="block max-w-[420px]">
      <span className="mb-1.5 block font-[560]">{t("totp.code")}</span>
      <input required maxLength={40} inputMode="numeric" autoComplete="one-time-code" className="field" value={code} onChange={({ target }) => setCode(target.value)} />
    </label>
  );
  return (
    <Part title={t("totp.title")} lead={t("totp.lead")}>
      <FailureNote error={error} />
      {enable.data && (
        <div className="mb-5">
          <ShownOnce title={t("totp.recovery")} secret={enable.data.recoveryCodes.join("\n")} onDone={() => enable.reset()} />
        </div>
      )}
      {state?.enabled ? (
        <>
          <p className="mb-3 text-good">{t("totp.on", { count: state.recoveryCodesLeft })}</p>
          <details>
            <summary className="w-fit text-soft hover:text-ink">{t("totp.off")}</summary>
            <form className="mt-3 space-y-4" onSubmit={submit(disable)}>
              {passwordField}
              {codeField}
              <FailureNote error={disable.error} />
              <button type="submit" className="button border-bad text-bad" disabled={disable.isPending}>{t("totp.off")}</button>
            </form>
          </details>
        </>
      ) : begin.data ? (
        <form className="grid gap-6 sm:grid-cols-[200px_minmax(0,1fr)]" onSubmit={submit(enable)}>
          <QrCode text={begin.data.uri} />
          <div className="space-y-4">
            <p>{t("totp.scan")}</p>
            <code className="block font-mono text-[13px] break-all" data-totp-secret>{begin.data.secret}</code>
            {codeField}
            <FailureNote error={enable.error} />
            <button type="submit" className="button button-main" disabled={enable.isPending}>{t("totp.enable")}</button>
          </div>
        </form>
      ) : (
        state && (
          <form className="space-y-4" onSubmit={submit(begin)}>
            {passwordField}
            <FailureNote error={begin.error} />
            <button type="submit" className="button" disabled={begin.isPending}>{t("totp.begin")}</button>
          </form>
        )
      )}
    </Part>
  );
}

/** The text as a QR code: dark on light in both themes, because scanners expect that. */
function QrCode({ text }: { text: string }) {
  const { t } = useText();
  const [modules, setModules] = useState<boolean[][]>([]);
  useEffect(() => void import("uqr").then(({ encode }) => setModules(encode(text, { border: 3 }).data)), [text]);
  const path = modules.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return (
    <svg viewBox={`0 0 ${modules.length || 1} ${modules.length || 1}`} role="img" aria-label={t("totp.qr")} className="w-[200px] bg-white" shapeRendering="crispEdges">
      <path d={path} className="fill-black" />
    </svg>
  );
}
