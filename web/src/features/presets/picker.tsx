"use client";

import { useDeferredValue, useState } from "react";
import { useText } from "@/features/text/text";
import { Sketch } from "@/features/moves/sketch";
import { Icon } from "@/ui/icon";
import { CATALOGUE, CATEGORIES, categoryKey, found } from "./catalogue";
import { useEntries } from "./entries";
import { MovingPicture } from "./moving-picture";

const KEY = "kinora.favourites";

function storedFavourites(): ReadonlySet<string> {
  try {
    return new Set(JSON.parse(localStorage.getItem(KEY) ?? "[]") as string[]);
  } catch {
    return new Set();
  }
}

/** The moves as a group of radio buttons: arrow keys choose, and the chosen one plays. */
export function PresetPicker({ value, onChange }: { value: string; onChange: (presetId: string) => void }) {
  const { t } = useText();
  const [search, setSearch] = useState("");
  const [category, setCategory] = useState("all");
  const [favourites, setFavourites] = useState(storedFavourites);
  const [pointed, setPointed] = useState<string | null>(null);
  const all = useEntries();
  const hasOwn = all.length > CATALOGUE.length;
  const entries = found(category === "own" ? all.filter(({ config }) => config) : all, { category: category === "own" ? "all" : category, search }, favourites);
  const shown = useDeferredValue(entries, entries.slice(0, 12)); // the first screen first
  const toggle = (id: string) => {
    const next = new Set(favourites);
    if (!next.delete(id)) next.add(id);
    localStorage.setItem(KEY, JSON.stringify([...next]));
    setFavourites(next);
  };
  return (
    <section aria-labelledby="moves-title" className="flex min-h-0 flex-1 flex-col">
      <div className="flex items-center gap-3 px-4 pt-4">
        <h2 id="moves-title" className="text-[19px]">{t("picker.title")}</h2>
        <label className="relative ms-auto block">
          <span className="sr-only">{t("picker.search")}</span>
          <span className="pointer-events-none absolute start-2.5 top-2.5 text-soft"><Icon name="search" /></span>
          <input type="search" value={search} placeholder={t("picker.search")} onChange={({ target }) => setSearch(target.value)} className="field ps-8" />
        </label>
      </div>
      <div role="group" aria-label={t("wall.categories")} className="flex flex-wrap gap-x-0.5 px-3 py-2 text-[13.5px]">
        {["all", ...(hasOwn ? ["own"] : []), "favourites", ...CATEGORIES].map((one) => (
          <button key={one} type="button" className="choice px-[7px]" aria-pressed={category === one} onClick={() => setCategory(one)}>
            {t(categoryKey(one))}
          </button>
        ))}
      </div>
      <div role="radiogroup" aria-labelledby="moves-title" tabIndex={-1} className="grid min-h-0 auto-rows-max grid-cols-2 gap-3 overflow-y-auto px-4 pt-2 pb-5 max-lg:max-h-[420px] sm:max-lg:grid-cols-4">
        {shown.map((preset) => {
          const chosen = value === preset.id;
          return (
            <div key={preset.id} className="relative" onPointerEnter={() => setPointed(preset.id)} onPointerLeave={() => setPointed(null)}>
              <label className="block">
                <input
                  type="radio"
                  name="preset"
                  value={preset.id}
                  checked={chosen}
                  onChange={() => onChange(preset.id)}
                  className="peer sr-only"
                />
                <span className={`block border-2 bg-sunken peer-focus-visible:outline-2 peer-focus-visible:outline-offset-2 peer-focus-visible:outline-tally ${chosen ? "border-tally" : "border-transparent"}`}>
                  {preset.config ? <Sketch config={preset.config} /> : <MovingPicture {...preset} playing={chosen || pointed === preset.id} className="aspect-video w-full object-cover" />}
                </span>
                <span className={`mt-1 block pe-6 text-[13.5px] leading-tight ${chosen ? "font-[600] text-ink" : "text-soft"}`}>{preset.name}</span>
              </label>
              <button
                type="button"
                aria-pressed={favourites.has(preset.id)}
                aria-label={t("picker.favourite", { name: preset.name })}
                onClick={() => toggle(preset.id)}
                className={`absolute end-0 bottom-0 grid size-6 place-items-center ${favourites.has(preset.id) ? "text-tally" : "text-soft hover:text-ink"}`}
              >
                <Icon name="star" filled={favourites.has(preset.id)} />
              </button>
            </div>
          );
        })}
        {entries.length === 0 && <p className="col-span-full py-6 text-soft">{t(category === "favourites" && !search ? "picker.noFavourites" : "picker.nothing")}</p>}
      </div>
    </section>
  );
}
