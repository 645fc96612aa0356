"use client";

import { useQuery } from "@tanstack/react-query";
import dynamic from "next/dynamic";
import { useMemo } from "react";
import type { Move } from "@/features/camera/move";
import { type SceneFiles, STOCK } from "@/features/camera/scene";
import { Sketch } from "@/features/moves/sketch";
import { useEntry } from "@/features/presets/entries";
import { MovingPicture } from "@/features/presets/moving-picture";
import { useText } from "@/features/text/text";
import { useAsset } from "@/features/uploads/pictures";
import type { Draft } from "./draft";

const Stage = dynamic(() => import("@/features/camera/stage").then((part) => part.Stage), { ssr: false });
const FALLBACK = { promise: null as Promise<Record<string, Move>> | null };

/** Return the moves of the built-in presets by their ids. They are loaded with the first preview. */
function useMoves() {
  return useQuery({
    queryKey: ["moves"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () => (FALLBACK.promise ??= import("@/generated/moves.json").then((file) => file.default as unknown as Record<string, Move>)),
  });
}

/** The film's frame in its shape: the move over the creator's first picture, or over a stock scene. */
export function Finder({ draft }: { draft: Draft }) {
  const { t } = useText();
  const preset = useEntry(draft.presetId);
  const { data: moves } = useMoves();
  const { data: asset } = useAsset(draft.pictures[0]?.assetId);
  const [width, height] = draft.aspectRatio.split(":").map(Number) as [number, number];
  const { presetId, strength, second } = draft;
  const config = preset?.config;
  const move = useMemo<Move | null>(() => {
    const first = config ?? moves?.[presetId];
    const other = second ? moves?.[second.presetId] : undefined;
    return first ? { ...first, strength, stacked: other && second ? { move: other, weight: second.weight } : null } : null;
  }, [moves, config, presetId, strength, second]);
  const own = asset?.status === "READY" && asset.url ? asset : null;
  const files: SceneFiles = own ? { picture: own.url ?? "", depth: own.depthUrl, matte: own.matteUrl } : STOCK;
  if (!preset) return <div className="flex-1" />;
  return (
    <div className="flex min-h-0 flex-1 flex-col px-5 pt-4 pb-3 lg:px-6">
      <div className="mb-3 flex flex-wrap items-baseline gap-x-4">
        <h2 className="text-[clamp(1.5rem,2.4vw,2.1rem)]">{preset.name}</h2>
        <p className="text-[14px] text-soft">{t(own ? "finder.own" : "finder.stock")}</p>
      </div>
      {move && (
        <Stage
          move={move}
          files={files}
          seconds={draft.duration}
          fps={draft.fps}
          loop={draft.loop}
          ratio={width / height}
          fallback={config ? <Sketch config={config} className="m-auto max-w-[520px]" /> : <MovingPicture {...preset} playing eager className="m-auto w-full max-w-[520px]" />}
        />
      )}
    </div>
  );
}
