"use client";

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useAccount } from "@/features/account/account";
import { AccountFrame, Part } from "@/features/account/frame";
import { FailureNote } from "@/features/session/failure-note";
import { demand } from "@/features/session/failure";
import { api, type Schemas } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { Confirm } from "@/ui/confirm";
import { Icon } from "@/ui/icon";
import { ShownOnce } from "@/ui/shown-once";

type Webhook = Schemas["WebhookView"];
type Secret = { name: string; secret: string };
const EVENTS = ["job.completed", "job.failed", "job.cancelled", "step.completed", "credits.low"] as const;
const POLL_MILLISECONDS = 4000; // while a delivery waits for its next try

export function WebhooksPage() {
  const { t } = useText();
  const { organization } = useAccount();
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<Secret | null>(null);
  return (
    <AccountFrame
      title="webhooks.title"
      lead="webhooks.lead"
      ofAccount
      action={!making && <button type="button" className="button button-main" onClick={() => setMaking(true)}><Icon name="plus" />{t("webhooks.new")}</button>}
    >
      {secret && <div className="mb-6"><ShownOnce title={t("webhooks.secret.of", { url: secret.name })} secret={secret.secret} onDone={() => setSecret(null)} /></div>}
      {making && (
        <NewWebhook
          onClose={() => setMaking(false)}
          onMade={(made) => {
            setSecret({ name: made.url, secret: made.secret });
            setMaking(false);
          }}
        />
      )}
      <Webhooks key={organization?.id ?? ""} onSecret={setSecret} />
    </AccountFrame>
  );
}

function EventChoice({ chosen, onChange }: { chosen: readonly string[]; onChange: (events: Webhook["events"]) => void }) {
  const { t } = useText();
  return (
    <fieldset>
      <legend className="mb-1.5 font-[560]">{t("webhooks.events")}</legend>
      {EVENTS.map((event) => (
        <label key={event} className="flex items-center gap-2.5 py-0.5">
          <input type="checkbox" className="accent-tally" checked={chosen.includes(event)} onChange={({ target }) => onChange(EVENTS.filter((one) => (one === event ? target.checked : chosen.includes(one))))} />
          <span>{t(`webhooks.event.${event}`)}</span> <code className="font-mono text-[12.5px] text-soft">{event}</code>
        </label>
      ))}
    </fieldset>
  );
}

function NewWebhook({ onMade, onClose }: { onMade: (made: Schemas["NewWebhookView"]) => void; onClose: () => void }) {
  const { t } = useText();
  const { query } = useAccount();
  const queries = useQueryClient();
  const [url, setUrl] = useState("https://");
  const [events, setEvents] = useState<Webhook["events"]>(["job.completed", "job.failed"]);
  const make = useMutation({
    mutationFn: async () => demand(await api.POST("/api/webhooks", { body: { url: url.trim(), events, ...query } })),
    onSuccess: async (made) => {
      onMade(made);
      await queries.invalidateQueries({ queryKey: ["webhooks"] });
    },
  });
  return (
    <form
      className="mb-8 space-y-5 rounded-md border border-line bg-raised p-4 sm:p-5"
      aria-label={t("webhooks.new")}
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      <label className="block max-w-[560px]">
        <span className="mb-1.5 block font-[560]">{t("webhooks.url")}</span>
        <input autoFocus required type="url" maxLength={2000} className="field font-mono text-[14px]" value={url} onChange={({ target }) => setUrl(target.value)} />
      </label>
      <EventChoice chosen={events} onChange={setEvents} />
      <FailureNote error={make.error} />
      <p className="flex gap-2">
        <button type="submit" className="button button-main" disabled={make.isPending || events.length === 0}>{t("webhooks.make")}</button>
        <button type="button" className="button button-plain" onClick={onClose}>{t("cancel")}</button>
      </p>
    </form>
  );
}

function Webhooks({ onSecret }: { onSecret: (secret: Secret) => void }) {
  const { t } = useText();
  const { query } = useAccount();
  const { data, error } = useQuery({ queryKey: ["webhooks", query], queryFn: async () => demand(await api.GET("/api/webhooks", { params: { query } })).data });
  return (
    <>
      <FailureNote error={error} />
      {data?.length === 0 && <Part title={t("webhooks.empty")} lead={t("webhooks.empty.lead")} />}
      {data?.map((webhook) => <OneWebhook key={webhook.id} webhook={webhook} onSecret={onSecret} />)}
    </>
  );
}

function OneWebhook({ webhook, onSecret }: { webhook: Webhook; onSecret: (secret: Secret) => void }) {
  const { t, date } = useText();
  const queries = useQueryClient();
  const [changing, setChanging] = useState<Pick<Webhook, "url" | "events"> | null>(null);
  const params = { path: { webhook_id: webhook.id } };
  const settled = () => queries.invalidateQueries({ queryKey: ["webhooks"] });
  const change = useMutation({
    mutationFn: async (body: Schemas["WebhookUpdate"]) => demand(await api.PATCH("/api/webhooks/{webhook_id}", { params, body })),
    onSuccess: () => setChanging(null),
    onSettled: settled,
  });
  const remove = useMutation({ mutationFn: async () => demand(await api.DELETE("/api/webhooks/{webhook_id}", { params })), onSettled: settled });
  const replace = useMutation({
    mutationFn: async () => demand(await api.POST("/api/webhooks/{webhook_id}/secret", { params })),
    onSuccess: (made) => onSecret({ name: made.url, secret: made.secret }),
  });
  const test = useMutation({
    mutationFn: async () => demand(await api.POST("/api/webhooks/{webhook_id}/test", { params })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["deliveries", webhook.id] }),
  });
  return (
    <article aria-label={webhook.url} className="border-t border-line py-6 first:border-0 first:pt-0">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-[240px] flex-1">
          <h2 className="font-mono text-[15px] font-[560] tracking-normal break-all">{webhook.url}</h2>
          <p className="mt-1 text-[14px] text-soft">{webhook.events.join(" · ")}</p>
          {!webhook.enabled && <p className="mt-1 text-bad">{t(`webhooks.off.${webhook.disabledBecause ?? "REQUEST"}`)}</p>}
          {webhook.enabled && webhook.failingSince && <p className="mt-1 text-bad">{t("webhooks.failing", { at: date(webhook.failingSince) })}</p>}
        </div>
        <div className="flex flex-wrap gap-1.5">
          <button type="button" className="button" disabled={test.isPending || !webhook.enabled} onClick={() => test.mutate()}>{t("webhooks.test")}</button>
          <button type="button" className="button" disabled={change.isPending} onClick={() => change.mutate({ enabled: !webhook.enabled })}>{t(webhook.enabled ? "webhooks.disable" : "webhooks.enable")}</button>
          <button type="button" className="button" onClick={() => setChanging(changing ? null : { url: webhook.url, events: webhook.events })}>{t("webhooks.change")}</button>
          <Confirm action={t("webhooks.delete")} question={t("webhooks.delete.sure")} busy={remove.isPending} onConfirm={() => remove.mutate()} />
        </div>
      </div>
      {changing && (
        <form
          className="mt-4 space-y-4 rounded-md border border-line bg-raised p-4"
          onSubmit={(event) => {
            event.preventDefault();
            change.mutate(changing);
          }}
        >
          <label className="block max-w-[560px]">
            <span className="mb-1.5 block font-[560]">{t("webhooks.url")}</span>
            <input required type="url" maxLength={2000} className="field font-mono text-[14px]" value={changing.url} onChange={({ target }) => setChanging({ ...changing, url: target.value })} />
          </label>
          <EventChoice chosen={changing.events} onChange={(events) => setChanging({ ...changing, events })} />
          <p className="flex flex-wrap items-center gap-2">
            <button type="submit" className="button button-main" disabled={change.isPending || changing.events.length === 0}>{t("save")}</button>
            <button type="button" className="button button-plain" onClick={() => setChanging(null)}>{t("cancel")}</button>
            <span className="ms-auto"><Confirm action={t("webhooks.secret.new")} question={t("webhooks.secret.sure")} busy={replace.isPending} onConfirm={() => replace.mutate()} /></span>
          </p>
        </form>
      )}
      <FailureNote error={change.error ?? remove.error ?? replace.error ?? test.error} />
      <Deliveries webhook={webhook} />
    </article>
  );
}

function Deliveries({ webhook }: { webhook: Webhook }) {
  const { t, date } = useText();
  const queries = useQueryClient();
  const deliveries = useInfiniteQuery({
    queryKey: ["deliveries", webhook.id],
    initialPageParam: "",
    queryFn: async ({ pageParam }) =>
      demand(await api.GET("/api/webhooks/{webhook_id}/deliveries", { params: { path: { webhook_id: webhook.id }, query: { limit: 10, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    refetchInterval: ({ state }) => (state.data?.pages[0]?.data.some(({ status }) => status === "PENDING") ? POLL_MILLISECONDS : false),
  });
  const replay = useMutation({
    mutationFn: async (id: string) =>
      demand(await api.POST("/api/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", { params: { path: { webhook_id: webhook.id, delivery_id: id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["deliveries", webhook.id] }),
  });
  const list = deliveries.data?.pages.flatMap(({ data }) => data) ?? [];
  return (
    <div className="mt-4">
      <h3 className="mb-1 text-[15px]">{t("webhooks.deliveries")}</h3>
      <FailureNote error={deliveries.error ?? replay.error} />
      {deliveries.isSuccess && list.length === 0 && <p className="text-[14px] text-soft">{t("webhooks.deliveries.empty")}</p>}
      <ul className="divide-y divide-line">
        {list.map((delivery) => (
          <li key={delivery.id} data-status={delivery.status} className="py-1.5">
            <details>
              <summary className="flex flex-wrap items-center gap-x-4 gap-y-1 py-1 text-[14px]">
                <span className={`w-[92px] ${delivery.status === "DELIVERED" ? "text-good" : delivery.status === "FAILED" ? "text-bad" : "text-soft"}`}>{t(`webhooks.status.${delivery.status}`)}</span>
                <code className="font-mono text-[13px]">{delivery.type}</code>
                <span className="text-soft">{date(delivery.createdAt)}</span>
                <span className="ms-auto text-soft tabular-nums">{delivery.answerStatus ?? ""} · {t("webhooks.tries", { count: delivery.attempts })}</span>
              </summary>
              <div className="space-y-2 pt-2 pb-3">
                {delivery.nextAt && delivery.status === "PENDING" && <p className="text-[14px] text-soft">{t("webhooks.next", { at: date(delivery.nextAt) })}</p>}
                {delivery.answerText && <Code title={t("webhooks.answer")} text={delivery.answerText} />}
                <Code title={t("webhooks.body")} text={delivery.body} />
                <button type="button" className="button" disabled={replay.isPending} onClick={() => replay.mutate(delivery.id)}>{t("webhooks.replay")}</button>
              </div>
            </details>
          </li>
        ))}
      </ul>
      {deliveries.hasNextPage && <button type="button" className="button mt-2" onClick={() => void deliveries.fetchNextPage()}>{t("films.more")}</button>}
    </div>
  );
}

function Code({ title, text }: { title: string; text: string }) {
  return (
    <div>
      <p className="mb-1 text-[13.5px] text-soft">{title}</p>
      <pre tabIndex={0} aria-label={title} className="max-h-[180px] overflow-auto rounded-sm bg-sunken p-2.5 font-mono text-[12.5px] whitespace-pre-wrap [overflow-wrap:anywhere]">{text}</pre>
    </div>
  );
}
