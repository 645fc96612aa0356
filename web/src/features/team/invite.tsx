"use client";

import "@/features/text/more";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";
import { chooseAccount } from "@/features/account/account";
import { FailureNote } from "@/features/session/failure-note";
import { demand } from "@/features/session/failure";
import { useMe, useSession } from "@/features/session/hooks";
import { api } from "@/features/session/session";
import { useText } from "@/features/text/text";

const KEY = "kinora.invite"; // of this tab: it survives the sign-in, and no server receives it

/** The page of an invite's link. The token leaves the address bar at once. */
export function InvitePage() {
  const { t } = useText();
  const state = useSession();
  const { data: me } = useMe();
  const router = useRouter();
  const queries = useQueryClient();
  const [token, setToken] = useState<string | null>(null);
  useEffect(() => {
    const found = /^#token=(.+)/.exec(location.hash)?.[1];
    if (found) sessionStorage.setItem(KEY, found);
    setToken(sessionStorage.getItem(KEY) ?? "");
    history.replaceState(history.state, "", location.pathname);
  }, []);
  const accept = useMutation({
    mutationFn: async () => demand(await api.POST("/api/teams/accept", { body: { token: token ?? "" } })),
    onSuccess: async ({ organizationId }) => {
      sessionStorage.removeItem(KEY);
      chooseAccount(organizationId);
      await queries.invalidateQueries({ queryKey: ["me"] });
      router.replace("/team");
    },
  });
  return (
    <main className="mx-auto w-full max-w-[560px] flex-1 px-6 py-20">
      <h1 className="text-[40px]">{t(token === "" ? "auth.link.bad" : "invite.title")}</h1>
      <p className="mt-3 text-soft">{t(token === "" ? "invite.bad" : "invite.lead")}</p>
      {token && state === "in" && (
        <>
          <p className="mt-6">{t("invite.as", { email: me?.email ?? "…" })}</p>
          <button type="button" className="button button-main mt-3" disabled={accept.isPending} onClick={() => accept.mutate()}>{t("invite.accept")}</button>
        </>
      )}
      {token && state === "out" && (
        <p className="mt-6 flex flex-wrap gap-2">
          <Link href="/login?next=/invite" className="button button-main">{t("auth.signIn")}</Link>
          <Link href="/register" className="button">{t("auth.signUp")}</Link>
          <span className="mt-2 w-full text-[14px] text-soft">{t("invite.again")}</span>
        </p>
      )}
      <FailureNote error={accept.error} className="mt-5" />
    </main>
  );
}
