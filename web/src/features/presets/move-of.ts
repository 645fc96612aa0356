"use client";

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Move } from "@/features/camera/move";
import type { Entry } from "./entries";

/** Return the move of a film, or null until it is known. The moves of the built-in presets are loaded when first needed. */
export function useMove(
  presetId: string,
  strength: number,
  second: { presetId: string; weight: number } | null,
  presets: readonly Entry[],
): Move | null {
  const { data: moves } = useQuery({
    queryKey: ["built-in-moves"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () => import("@/generated/moves.json").then((file) => file.default as unknown as Record<string, Move>),
  });
  return useMemo(() => {
    const moveOf = (id: string): Move | undefined => presets.find((preset) => preset.id === id)?.config ?? moves?.[id];
    const first = moveOf(presetId);
    const other = second ? moveOf(second.presetId) : undefined;
    return first ? { ...first, strength, stacked: other && second ? { move: other, weight: second.weight } : null } : null;
  }, [moves, presets, presetId, strength, second?.presetId, second?.weight]);
}
