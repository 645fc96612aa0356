"use client";

import dynamic from "next/dynamic";
import { type DragEvent, useEffect, useRef, useState } from "react";
import { MOST_PICTURES } from "@/features/editor/draft";
import { useSession } from "@/features/session/hooks";
import { useText } from "@/features/text/text";
import { Icon } from "@/ui/icon";
import { AssetRow, type Chosen, SendingRows, useUploads } from "./files";
import { accepted } from "./upload";

const Camera = dynamic(() => import("./camera").then((part) => part.Camera), { ssr: false });

interface Props {
  pictures: Chosen[];
  onChange: (change: (pictures: Chosen[]) => Chosen[]) => void;
}

/** The creator's own pictures, in order: chosen, dropped, pasted, or taken by the device's camera. */
export function Pictures({ pictures, onChange }: Props) {
  const { t } = useText();
  const signedIn = useSession() === "in";
  const { sending, add, dismiss } = useUploads("IMAGE", (picture) => onChange((all) => [...all, picture].slice(0, MOST_PICTURES)));
  const [over, setOver] = useState(false);
  const [filming, setFilming] = useState(false);
  const input = useRef<HTMLInputElement>(null);
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
          <AssetRow key={picture.assetId} {...picture} icon="picture" onRemove={() => remove(picture.assetId)}>
            {index > 0 && <button type="button" className="button button-plain text-[14px]" onClick={() => first(picture.assetId)}>{t("upload.first")}</button>}
          </AssetRow>
        ))}
        <SendingRows sending={sending} dismiss={dismiss} />
      </ul>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        data-kind="IMAGE"
        accept={accepted("IMAGE")}
        onChange={({ target }) => {
          void add([...(target.files ?? [])]);
          target.value = "";
        }}
      />
      {pictures.length < MOST_PICTURES && (
        <div className="flex gap-2">
          <button
            type="button"
            disabled={!signedIn}
            onClick={() => input.current?.click()}
            className={`flex min-h-11 flex-1 items-center justify-center gap-2 rounded-md border border-dashed px-3 py-2 text-[14px] ${over ? "border-tally text-ink" : "border-edge text-soft"} hover:text-ink`}
          >
            <Icon name="picture" />
            {t(signedIn ? "upload.add" : "upload.signIn")}
          </button>
          {signedIn && (
            <button type="button" className="button px-2.5" aria-label={t("camera.open")} title={t("camera.open")} aria-expanded={filming} onClick={() => setFilming(!filming)}>
              <Icon name="camera" />
            </button>
          )}
        </div>
      )}
      {filming && pictures.length < MOST_PICTURES && (
        <Camera
          onTaken={(file) => {
            setFilming(false);
            void add([file]);
          }}
          onClose={() => setFilming(false)}
        />
      )}
    </div>
  );
}
