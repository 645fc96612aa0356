"use client";

import dynamic from "next/dynamic";
import { type SceneFiles, STOCK } from "@/features/camera/scene";
import { Sketch } from "@/features/moves/sketch";
import type { Entry } from "@/features/presets/entries";
import { MovingPicture } from "@/features/presets/moving-picture";
import { useMove } from "@/features/presets/move-of";
import { useText } from "@/features/text/text";
import { useAsset } from "@/features/uploads/files";
import type { Draft } from "./draft";

const Stage = dynamic(() => import("@/features/camera/stage").then((part) => part.Stage), { ssr: false });

/** The film's frame in its shape: the move over the creator's first picture, or over a stock scene. */
export function Finder({ draft, presets }: { draft: Draft; presets: readonly Entry[] }) {
  const { t } = useText();
  const preset = presets.find(({ id }) => id === draft.presetId);
  const { data: asset } = useAsset(draft.pictures[0]?.assetId);
  const [width, height] = draft.aspectRatio.split(":").map(Number) as [number, number];
  const move = useMove(draft.presetId, draft.strength, draft.second, presets);
  const picture = asset?.status === "READY" && asset.url ? asset : null;
  const files: SceneFiles = picture ? { picture: picture.url ?? "", depth: picture.depthUrl, matte: picture.matteUrl } : STOCK;
  if (!preset) return <div className="flex-1" />;
  return (
    <div className="flex min-h-0 flex-1 flex-col px-5 pt-4 pb-3 lg:px-6">
      <div className="mb-3 flex flex-wrap items-baseline gap-x-4">
        <h2 className="text-[clamp(1.5rem,2.4vw,2.1rem)]">{preset.name}</h2>
        <p className="text-[14px] text-soft">{t(draft.driving ? "finder.driving" : picture ? "finder.own" : "finder.stock")}</p>
      </div>
      {move && (
        <Stage
          move={move}
          files={files}
          seconds={draft.duration}
          fps={draft.fps}
          loop={draft.loop}
          ratio={width / height}
          fallback={preset.config ? <Sketch config={preset.config} className="m-auto max-w-[520px]" /> : <MovingPicture {...preset} playing eager className="m-auto w-full max-w-[520px]" />}
        />
      )}
    </div>
  );
}
