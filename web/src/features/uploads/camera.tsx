"use client";

import { useEffect, useRef, useState } from "react";
import { useText } from "@/features/text/text";

const QUALITY = 0.92;

interface Props {
  onTaken: (file: File) => void;
  onClose: () => void;
}

/** The picture of the device's camera, and a button that takes it. The camera is off when this is not shown. */
export function Camera({ onTaken, onClose }: Props) {
  const { t } = useText();
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<"asking" | "on" | "refused">("asking");
  useEffect(() => {
    let stream: MediaStream | null = null;
    let closed = false;
    const start = async () => {
      const opened = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } });
      stream = opened;
      if (closed) return stop();
      if (video.current) video.current.srcObject = opened;
    };
    const stop = () => stream?.getTracks().forEach((track) => track.stop());
    start().catch(() => setState("refused"));
    return () => {
      closed = true;
      stop();
    };
  }, []);
  const take = () => {
    const shown = video.current;
    if (!shown) return;
    const canvas = new OffscreenCanvas(shown.videoWidth, shown.videoHeight);
    canvas.getContext("2d")?.drawImage(shown, 0, 0);
    void canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY }).then((blob) => onTaken(new File([blob], t("camera.name"), { type: blob.type })));
  };
  return (
    <section aria-label={t("camera.title")} className="mt-2 border border-line p-2">
      {state === "refused" ? (
        <p role="alert" className="text-[14px] text-bad">{t("camera.refused")}</p>
      ) : (
        <video ref={video} autoPlay muted playsInline onLoadedData={() => setState("on")} aria-label={t("camera.title")} className="aspect-video w-full bg-sunken object-contain" />
      )}
      <div className="mt-2 flex gap-2">
        {state !== "refused" && <button type="button" className="button button-main flex-1" disabled={state !== "on"} onClick={take}>{t("camera.take")}</button>}
        <button type="button" className="button button-plain" onClick={onClose}>{t("camera.close")}</button>
      </div>
    </section>
  );
}
