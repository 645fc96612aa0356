"use client";

import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useRef, useState } from "react";
import { ApiFailure, demand } from "@/features/session/failure";
import { useSession } from "@/features/session/hooks";
import { api } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { Icon, type IconName } from "@/ui/icon";
import { type Kind, refusal, upload } from "./upload";

/** An asset that the next film uses. */
export interface Chosen {
  assetId: string;
  name: string;
}

interface Sending {
  id: number;
  name: string;
  part: number;
  error: string | null;
}

/** Uploads of one kind. `add` sends the files one after the other; a refused or broken one stays in `sending` with its reason. */
export function useUploads(kind: Kind, onSent: (chosen: Chosen) => void) {
  const { t } = useText();
  const [sending, setSending] = useState<Sending[]>([]);
  const next = useRef(0);
  const dismiss = (id: number) => setSending((all) => all.filter((one) => one.id !== id));
  const add = async (files: Iterable<File>) => {
    for (const file of files) {
      const id = next.current++;
      const update = (change: Partial<Sending>) => setSending((all) => all.map((one) => (one.id === id ? { ...one, ...change } : one)));
      const bad = refusal(file, kind);
      setSending((all) => [...all, { id, name: file.name, part: 0, error: bad && t(bad) }]);
      if (bad) continue;
      try {
        const asset = await upload(file, kind, (part) => update({ part }));
        onSent({ assetId: asset.id, name: asset.name });
        dismiss(id);
      } catch (error) {
        update({ error: error instanceof ApiFailure ? error.problem.detail : t("upload.failed") });
      }
    }
  };
  return { sending, add, dismiss };
}

export function SendingRows({ sending, dismiss }: Pick<ReturnType<typeof useUploads>, "sending" | "dismiss">) {
  const { t } = useText();
  return sending.map(({ id, name, part, error }) => (
    <li key={id} className="flex items-center gap-3 border border-line p-2">
      <span className="min-w-0 flex-1">
        <span className="block truncate">{name}</span>
        {error ? (
          <span role="alert" className="block text-[14px] text-bad">{error}</span>
        ) : (
          <progress value={part} aria-label={t("upload.sending", { name })} className="bar mt-1 w-full" />
        )}
      </span>
      <RemoveButton name={name} onClick={() => dismiss(id)} />
    </li>
  ));
}

interface RowProps extends Chosen {
  icon: IconName;
  label?: string;
  children?: ReactNode;
  onRemove: () => void;
}

/** An uploaded file, and whether the verifier accepts it. */
export function AssetRow({ assetId, name, icon, label, children, onRemove }: RowProps) {
  const { t } = useText();
  const { data: asset } = useAsset(assetId);
  const rejected = asset?.status === "REJECTED";
  const isPicture = asset?.type === "IMAGE";
  return (
    <li className="flex items-center gap-3 border border-line p-2">
      {isPicture && asset.url ? (
        <img src={asset.url} alt="" className="h-10 w-14 shrink-0 object-cover" />
      ) : (
        <span className="grid h-10 w-14 shrink-0 place-items-center bg-sunken text-soft"><Icon name={icon} /></span>
      )}
      <span className="min-w-0 flex-1">
        <span className="block truncate">{asset?.name ?? name}</span>
        <span role="status" className={`block text-[14px] ${rejected ? "text-bad" : "text-soft"}`}>
          {label && `${label} · `}
          {rejected ? (asset.error ?? t("upload.rejected")) : t(asset?.status === "READY" ? "upload.ready" : "upload.verifying")}
        </span>
      </span>
      {children}
      <RemoveButton name={asset?.name ?? name} onClick={onRemove} />
    </li>
  );
}

function RemoveButton({ name, onClick }: { name: string; onClick: () => void }) {
  const { t } = useText();
  return (
    <button type="button" className="button button-plain" aria-label={t("upload.remove", { name })} onClick={onClick}>
      <Icon name="close" />
    </button>
  );
}

/** Read the asset, again each second while its verification lasts. */
export function useAsset(assetId: string | undefined) {
  const signedIn = useSession() === "in";
  return useQuery({
    queryKey: ["asset", assetId],
    enabled: signedIn && assetId !== undefined,
    queryFn: async () =>
      demand(await api.GET("/api/assets/{asset_id}", { params: { path: { asset_id: assetId ?? "" } } })),
    refetchInterval: ({ state }) => (state.data && ["READY", "REJECTED"].includes(state.data.status) ? false : 1000),
  });
}
