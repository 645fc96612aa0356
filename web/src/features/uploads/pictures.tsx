"use client";

import { useQuery } from "@tanstack/react-query";
import { type DragEvent, useEffect, useRef, useState } from "react";
import type { Draft } from "@/features/editor/draft";
import { MOST_PICTURES } from "@/features/editor/draft";
import { ApiFailure, demand } from "@/features/session/failure";
import { useSession } from "@/features/session/hooks";
import { api } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { Icon } from "@/ui/icon";
import { PICTURE_TYPES, refusal, upload } from "./upload";

type Picture = Draft["pictures"][number];

interface Sending {
  id: number;
  name: string;
  part: number;
  error: string | null;
}

interface Props {
  pictures: Picture[];
  onChange: (change: (pictures: Picture[]) => Picture[]) => void;
}

/** The creator's own pictures, in order: chosen, dropped or pasted. */
export function Pictures({ pictures, onChange }: Props) {
  const { t } = useText();
  const signedIn = useSession() === "in";
  const [sending, setSending] = useState<Sending[]>([]);
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const next = useRef(0);

  const add = async (files: Iterable<File>) => {
    for (const file of files) {
      const id = next.current++;
      const update = (change: Partial<Sending>) =>
        setSending((all) => all.map((one) => (one.id === id ? { ...one, ...change } : one)));
      const bad = refusal(file);
      setSending((all) => [...all, { id, name: file.name, part: 0, error: bad && t(bad) }]);
      if (bad) continue;
      try {
        const asset = await upload(file, (part) => update({ part }));
        onChange((all) => [...all, { assetId: asset.id, name: asset.name }].slice(0, MOST_PICTURES));
        setSending((all) => all.filter((one) => one.id !== id));
      } catch (error) {
        update({ error: error instanceof ApiFailure ? error.problem.detail : t("upload.failed") });
      }
    }
  };
  const latest = useRef(add);
  latest.current = add;
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) void latest.current(files);
    };
    addEventListener("paste", paste);
    return () => removeEventListener("paste", paste);
  }, []);

  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    if (signedIn) void add(event.dataTransfer.files);
  };
  const remove = (assetId: string) => onChange((all) => all.filter((one) => one.assetId !== assetId));
  const first = (assetId: string) =>
    onChange((all) => [...all].sort((one, other) => Number(other.assetId === assetId) - Number(one.assetId === assetId)));

  return (
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <ul className="mb-2 space-y-2 empty:hidden">
        {pictures.map((picture, index) => (
          <PictureRow
            key={picture.assetId}
            {...picture}
            position={index}
            onRemove={() => remove(picture.assetId)}
            onFirst={() => first(picture.assetId)}
          />
        ))}
        {sending.map(({ id, name, part, error }) => (
          <li key={id} className="flex items-center gap-3 border border-line p-2">
            <span className="min-w-0 flex-1">
              <span className="block truncate">{name}</span>
              {error ? (
                <span role="alert" className="block text-[14px] text-bad">{error}</span>
              ) : (
                <progress value={part} aria-label={t("upload.sending", { name })} className="bar mt-1 w-full" />
              )}
            </span>
            <RemoveButton name={name} onClick={() => setSending((all) => all.filter((one) => one.id !== id))} />
          </li>
        ))}
      </ul>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        accept={PICTURE_TYPES.join()}
        onChange={({ target }) => {
          void add([...(target.files ?? [])]);
          target.value = "";
        }}
      />
      {pictures.length < MOST_PICTURES && (
        <button
          type="button"
          disabled={!signedIn}
          onClick={() => input.current?.click()}
          className={`flex min-h-11 w-full items-center justify-center gap-2 rounded-md border border-dashed px-3 py-2 text-[14px] ${over ? "border-tally text-ink" : "border-edge text-soft"} hover:text-ink`}
        >
          <Icon name="picture" />
          {t(signedIn ? "upload.add" : "upload.signIn")}
        </button>
      )}
    </div>
  );
}

interface RowProps extends Picture {
  position: number;
  onRemove: () => void;
  onFirst: () => void;
}

function PictureRow({ assetId, name, position, onRemove, onFirst }: RowProps) {
  const { t } = useText();
  const { data: asset } = useAsset(assetId);
  const rejected = asset?.status === "REJECTED";
  return (
    <li className="flex items-center gap-3 border border-line p-2">
      {asset?.url ? (
        <img src={asset.url} alt="" className="h-10 w-14 shrink-0 object-cover" />
      ) : (
        <span className="grid h-10 w-14 shrink-0 place-items-center bg-sunken text-soft"><Icon name="picture" /></span>
      )}
      <span className="min-w-0 flex-1">
        <span className="block truncate">{asset?.name ?? name}</span>
        <span role="status" className={`block text-[14px] ${rejected ? "text-bad" : "text-soft"}`}>
          {rejected ? (asset.error ?? t("upload.rejected")) : t(asset?.status === "READY" ? "upload.ready" : "upload.verifying")}
        </span>
      </span>
      {position > 0 && <button type="button" className="button button-plain text-[14px]" onClick={onFirst}>{t("upload.first")}</button>}
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
