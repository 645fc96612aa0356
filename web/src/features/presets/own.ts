"use client";

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Move } from "@/features/camera/move";
import { demand } from "@/features/session/failure";
import { useSession } from "@/features/session/hooks";
import { api, type Schemas } from "@/features/session/session";
import { CATALOGUE, type CatalogueEntry } from "./catalogue";

/** A preset that the editor offers. An own one has no pictures, and brings its move. */
export type Choice = Omit<CatalogueEntry, "thumbnail" | "preview"> & {
  thumbnail: string | null;
  preview: string | null;
  move?: Schemas["CameraMoveView"];
};

export const OWN = "own"; // the category of own presets in the picker

function choiceOf({ id, name, description, config }: Schemas["PresetView"]): Choice {
  return {
    id,
    name,
    description: description ?? "",
    category: OWN,
    thumbnail: null,
    preview: null,
    minDurationSeconds: config.minDurationSeconds,
    maxDurationSeconds: config.maxDurationSeconds,
    needsDrivingClip: config.needsDrivingClip,
    move: config,
  };
}

/** Return the presets of the studio, and those of the person before them. */
export function usePresets(): readonly Choice[] {
  const enabled = useSession() === "in";
  const { data: own = [] } = useQuery({
    queryKey: ["moves", "of-the-person"],
    enabled,
    staleTime: 20_000,
    queryFn: async () => demand(await api.GET("/api/presets/own")).data.map(choiceOf),
  });
  return [...own, ...CATALOGUE];
}

/** Return the move of a film, or null until it is known. The moves of the built-in presets are loaded when first needed. */
export function useMove(
  presetId: string,
  strength: number,
  second: { presetId: string; weight: number } | null,
  presets: readonly Choice[],
): Move | null {
  const { data: moves } = useQuery({
    queryKey: ["built-in-moves"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () => import("@/generated/moves.json").then((file) => file.default as unknown as Record<string, Move>),
  });
  const known = presets.length; // own presets arrive later; a preset's move is the same as long as the page is open
  return useMemo(() => {
    const moveOf = (id: string): Move | undefined => presets.find((preset) => preset.id === id)?.move ?? moves?.[id];
    const first = moveOf(presetId);
    const other = second ? moveOf(second.presetId) : undefined;
    return first ? { ...first, strength, stacked: other && second ? { move: other, weight: second.weight } : null } : null;
  }, [moves, known, presetId, strength, second?.presetId, second?.weight]);
}
