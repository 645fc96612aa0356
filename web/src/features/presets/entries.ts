import { useMemo } from "react";
import { useOwnMoves } from "@/features/moves/queries";
import type { Schemas } from "@/features/session/session";
import { CATALOGUE, type CatalogueEntry } from "./catalogue";

/** A preset that the editor offers. `config` is the move of an own one; those of the others are in their own file. */
export interface Entry extends CatalogueEntry {
  config?: Schemas["CameraMoveView"];
}

/** Own presets first, then the built-in ones. */
export function useEntries(): readonly Entry[] {
  const { data } = useOwnMoves();
  return useMemo(() => {
    const own = data?.map(({ id, name, description, category, config }) => ({
      id,
      name,
      description: description ?? "",
      category,
      thumbnail: "",
      preview: "",
      minDurationSeconds: config.minDurationSeconds,
      maxDurationSeconds: config.maxDurationSeconds,
      needsDrivingClip: config.needsDrivingClip,
      config,
    }));
    return own ? [...own, ...CATALOGUE] : CATALOGUE;
  }, [data]);
}

export function useEntry(id: string): Entry | undefined {
  return useEntries().find((entry) => entry.id === id);
}
