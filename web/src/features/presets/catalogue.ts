import presets from "@/generated/presets.json";
import type { TextKey } from "@/features/text/text";

/** The built-in presets, as everybody may see them. */
export type CatalogueEntry = (typeof presets)[number];
export const CATALOGUE: readonly CatalogueEntry[] = presets;

export const CATEGORIES = ["zoom", "dolly", "crane-and-tilt", "orbit", "rig", "stylised", "time"] as const;
export type Category = (typeof CATEGORIES)[number];

export function categoryKey(category: string): TextKey {
  return `category.${category}` as TextKey;
}

/** Return the presets of a category, of the favourites or of all, whose words contain each word of the search. */
export function found<Entry extends { id: string; name: string; description: string; category: string }>(
  entries: readonly Entry[],
  { category, search }: { category: string; search: string },
  favourites: ReadonlySet<string> = new Set(),
): Entry[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter((entry) => {
    const text = `${entry.name} ${entry.description} ${entry.category}`.toLowerCase();
    const fits = category === "all" || (category === "favourites" ? favourites.has(entry.id) : entry.category === category);
    return fits && words.every((word) => text.includes(word));
  });
}
