"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { AccountFrame } from "@/features/account/frame";
import { FailureNote } from "@/features/session/failure-note";
import { demand } from "@/features/session/failure";
import { useSession } from "@/features/session/hooks";
import { api, session } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { Confirm } from "@/ui/confirm";
import { agentName } from "./agent";

export function SessionsPage() {
  const { t } = useText();
  const queries = useQueryClient();
  const end = useMutation({
    mutationFn: async (id: string) => demand(await api.DELETE("/api/auth/sessions/{session_id}", { params: { path: { session_id: id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["sessions"] }),
  });
  const endAll = useMutation({
    mutationFn: async () => demand(await api.DELETE("/api/auth/sessions")),
    onSuccess: () => session.signOut(), // this browser's session has ended, too
  });
  return (
    <AccountFrame
      title="sessions.title"
      lead="sessions.lead"
      action={<Confirm plain={false} action={t("sessions.endAll")} question={t("sessions.endAll.sure")} busy={endAll.isPending} onConfirm={() => endAll.mutate()} />}
    >
      <FailureNote error={end.error ?? endAll.error} className="mb-4" />
      <List busy={end.isPending} onEnd={(id) => end.mutate(id)} />
    </AccountFrame>
  );
}

function List({ busy, onEnd }: { busy: boolean; onEnd: (id: string) => void }) {
  const { t, date } = useText();
  const enabled = useSession() === "in";
  const { data, error } = useQuery({ queryKey: ["sessions"], enabled, queryFn: async () => demand(await api.GET("/api/auth/sessions")).data });
  return (
    <>
      <FailureNote error={error} />
      <ul className="divide-y divide-line">
        {data?.map(({ id, current, userAgent, createdAt, lastUsedAt }) => (
          <li key={id} className="flex flex-wrap items-center gap-x-6 gap-y-2 py-4">
            <div className="min-w-[220px] flex-1">
              <p className="font-[560] break-words" title={userAgent ?? undefined}>
                {userAgent ? agentName(userAgent) : t("sessions.unknown")}
                {current && <span className="ms-2 text-[14px] font-normal text-good">{t("sessions.current")}</span>}
              </p>
              <p className="text-[14px] text-soft">
                {t("sessions.used", { at: date(lastUsedAt) })}
                {createdAt && ` · ${t("sessions.began", { at: date(createdAt) })}`}
              </p>
            </div>
            {!current && <Confirm action={t("sessions.end")} question={t("sessions.end.sure")} busy={busy} onConfirm={() => onEnd(id)} />}
          </li>
        ))}
      </ul>
    </>
  );
}
