"use client";

import { CATALOGUE } from "@/features/presets/catalogue";
import { MovingPicture } from "@/features/presets/moving-picture";
import { useText } from "@/features/text/text";
import { useAsset } from "@/features/uploads/pictures";
import type { Draft } from "./draft";

/** The film's frame in its shape: the move on a stock scene, and the creator's first picture. */
export function Finder({ draft }: { draft: Draft }) {
  const { t } = useText();
  const preset = CATALOGUE.find(({ id }) => id === draft.presetId);
  const { data: asset } = useAsset(draft.pictures[0]?.assetId);
  const [width, height] = draft.aspectRatio.split(":").map(Number) as [number, number];
  if (!preset) return <div className="flex-1" />;
  return (
    <div className="flex min-h-0 flex-1 flex-col p-5 lg:p-6">
      <div className="mb-4 flex flex-wrap items-baseline gap-x-4">
        <h2 className="text-[clamp(1.75rem,3vw,2.5rem)]">{preset.name}</h2>
        <p className="text-soft">{preset.description}</p>
      </div>
      <div className="grid min-h-[200px] flex-1 place-items-center [container-type:size] max-lg:min-h-[240px]">
        <div
          className="finder finder-on bg-sunken"
          style={{ aspectRatio: `${width} / ${height}`, width: `min(calc(100cqw - 16px), calc((100cqh - 16px) * ${width / height}))` }}
        >
          {asset?.url ? (
            <img src={asset.url} alt={t("finder.picture")} className="size-full object-cover" />
          ) : (
            <MovingPicture {...preset} playing eager className="size-full object-cover" />
          )}
          {asset?.url && (
            <span className="absolute end-3 bottom-3 w-[30%] border border-white/70 shadow-lg">
              <MovingPicture {...preset} playing eager className="w-full" />
            </span>
          )}
        </div>
      </div>
      <p className="slate mt-5 flex flex-wrap justify-between gap-x-4 text-soft">
        <span>{t(asset?.url ? "finder.own" : "finder.stock")}</span>
        <span>{draft.aspectRatio} · {draft.resolution} · {draft.fps} fps · {draft.duration} s</span>
      </p>
    </div>
  );
}
