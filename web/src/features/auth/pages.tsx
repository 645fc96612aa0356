"use client";

import Link from "next/link";
import { useRouter } from "next/navigation";
import { type ReactNode, useEffect, useState } from "react";
import * as z from "zod/mini";
import { anonymous, session } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { DoorForm, EMAIL, PASSWORD } from "./form";

const email = { name: "email", label: "auth.email", type: "email", autoComplete: "email" } as const;
const newPassword = {
  name: "password",
  label: "auth.password",
  hint: "auth.password.hint",
  type: "password",
  autoComplete: "new-password",
} as const;

const SIGN_IN = { email: EMAIL, password: z.string().check(z.minLength(1, "auth.password.short")) };
type SignIn = Record<"email" | "password" | "code", string>; // no code if the form has no field for it

/** Shown when the account has a second factor. */
const code = { name: "code", label: "auth.code", hint: "auth.code.hint", type: "text", autoComplete: "one-time-code" } as const;

export function RegisterPage() {
  const { t } = useText();
  const [sentTo, setSentTo] = useState("");
  if (sentTo) return <Sent to={sentTo} />;
  return (
    <>
      <Head title={t("auth.register.title")} lead={t("auth.register.lead")} />
      <DoorForm
        schema={z.object({ email: EMAIL, password: PASSWORD })}
        fields={[email, newPassword]}
        action="auth.signUp"
        send={async (body) => {
          const { error } = await anonymous.POST("/api/auth/register", { body });
          if (!error) setSentTo(body.email);
          return error ?? null;
        }}
      >
        <p className="text-soft">
          {t("auth.haveAccount")} <TextLink href="/login">{t("auth.signIn")}</TextLink>
        </p>
      </DoorForm>
    </>
  );
}

export function LoginPage() {
  const { t } = useText();
  const router = useRouter();
  const [needsCode, setNeedsCode] = useState(false);
  return (
    <>
      <Head title={t("auth.login.title")} />
      <DoorForm
        schema={z.object({ ...SIGN_IN, ...(needsCode && { code: z.string() }) }) as z.ZodMiniType<SignIn, SignIn>}
        fields={[email, { ...newPassword, hint: undefined, autoComplete: "current-password" } as never, ...(needsCode ? [code] : [])]}
        action="auth.signIn"
        send={async (body) => {
          const problem = await session.signIn(body.email, body.password, body.code?.trim());
          if (!problem) router.replace(next());
          if (problem?.code === "code_needed") setNeedsCode(true);
          return problem;
        }}
      >
        <p className="flex flex-wrap justify-between gap-2 text-soft">
          <span>
            {t("auth.noAccount")} <TextLink href="/register">{t("auth.signUp")}</TextLink>
          </span>
          <TextLink href="/forgot-password">{t("auth.forgot")}</TextLink>
        </p>
      </DoorForm>
    </>
  );
}

/** Return the page from which the visitor came: a path of this studio, or the editor. */
export function next(search = location.search): string {
  const wanted = new URLSearchParams(search).get("next") ?? "";
  return /^\/(?![/\\])/.test(wanted) ? wanted : "/editor";
}

export function ForgotPage() {
  const { t } = useText();
  const [sentTo, setSentTo] = useState("");
  if (sentTo) return <Sent to={sentTo} />;
  return (
    <>
      <Head title={t("auth.forgot.title")} lead={t("auth.forgot.lead")} />
      <DoorForm
        schema={z.object({ email: EMAIL })}
        fields={[email]}
        action="auth.forgot.send"
        send={async (body) => {
          const { error } = await anonymous.POST("/api/auth/forgot-password", { body });
          if (!error) setSentTo(body.email);
          return error ?? null;
        }}
      />
    </>
  );
}

export function ResetPage() {
  const { t } = useText();
  const token = useToken();
  const [done, setDone] = useState(false);
  if (token === "") return <Head title={t("auth.link.bad")} lead={t("auth.link.bad.lead")} then="/forgot-password" />;
  if (done) return <Head title={t("auth.reset.done")} then="/login" />;
  return (
    <>
      <Head title={t("auth.reset.title")} />
      <DoorForm
        schema={z.object({ password: PASSWORD })}
        fields={[newPassword]}
        action="auth.reset.save"
        send={async ({ password }) => {
          const { error } = await anonymous.POST("/api/auth/reset-password", { body: { token: token ?? "", password } });
          setDone(!error);
          return error ?? null;
        }}
      />
    </>
  );
}

/** The page of the link in the mail. A person presses the button: programs that open links in mail use up no token. */
export function VerifyPage() {
  const { t } = useText();
  const token = useToken();
  const [done, setDone] = useState(false);
  if (token === "") return <Head title={t("auth.link.bad")} lead={t("auth.link.bad.lead")} then="/register" />;
  if (done) return <Head title={t("auth.verify.done")} then="/login" />;
  return (
    <>
      <Head title={t("auth.verify.title")} lead={t("auth.verify.lead")} />
      <DoorForm
        schema={z.object({})}
        fields={[]}
        action="auth.verify.open"
        send={async () => {
          const { error } = await anonymous.POST("/api/auth/verify-email", { body: { token: token ?? "" } });
          setDone(!error);
          return error ?? null;
        }}
      />
    </>
  );
}

/** Return the token of the link, "" without one, null before the page has started. It leaves the address bar. */
function useToken(): string | null {
  const [token, setToken] = useState<string | null>(null);
  useEffect(() => {
    const found = /^#token=(.+)/.exec(location.hash)?.[1];
    setToken((known) => known || (found ?? ""));
    history.replaceState(history.state, "", location.pathname);
  }, []);
  return token;
}

function Sent({ to }: { to: string }) {
  const { t } = useText();
  const [outbox, setOutbox] = useState<string | null>(null);
  useEffect(() => {
    const read = async () => (await (await fetch("/studio.json")).json()) as { outboxUrl?: string };
    read().then((site) => setOutbox(site.outboxUrl ?? null), () => undefined);
  }, []);
  return (
    <>
      <Head title={t("auth.sent.title")} lead={t("auth.sent.lead", { email: to })} />
      {outbox && (
        <p className="mt-6 border-s-2 border-tally ps-3">
          {t("auth.sent.laptop")} <TextLink href={outbox}>{t("auth.sent.outbox")}</TextLink>
        </p>
      )}
    </>
  );
}

function Head({ title, lead, then }: { title: string; lead?: string; then?: string }) {
  const { t } = useText();
  return (
    <>
      <h1 className="text-[34px]">{title}</h1>
      {lead && <p className="mt-3 text-soft">{lead}</p>}
      {then && <Link href={then} className="button button-main mt-7">{t(then === "/login" ? "auth.signIn" : "auth.again")}</Link>}
    </>
  );
}

function TextLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <Link href={href} className="text-ink underline decoration-edge underline-offset-4 hover:decoration-tally">
      {children}
    </Link>
  );
}
