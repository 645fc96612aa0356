"use client";

import Link from "next/link";
import { useState } from "react";
import { CATALOGUE, CATEGORIES, categoryKey, found } from "@/features/presets/catalogue";
import { MovingPicture } from "@/features/presets/moving-picture";
import { useText } from "@/features/text/text";

/** Every move as a small film, which plays under the pointer or the focus. */
export function Wall() {
  const { t } = useText();
  const [category, setCategory] = useState<string>("all");
  const [playing, setPlaying] = useState<string | null>(null);
  return (
    <>
      <div className="mb-7 flex flex-wrap gap-1" role="group" aria-label={t("wall.categories")}>
        {["all", ...CATEGORIES].map((one) => (
          <button key={one} type="button" className="choice" aria-pressed={category === one} onClick={() => setCategory(one)}>
            {t(categoryKey(one))}
          </button>
        ))}
      </div>
      <ul className="grid grid-cols-2 gap-x-4 gap-y-6 sm:grid-cols-3 lg:grid-cols-5 xl:grid-cols-6">
        {found(CATALOGUE, { category, search: "" }).map((preset) => (
          <li key={preset.id}>
            <Link
              href={`/editor?preset=${preset.id}`}
              prefetch={false}
              className="group block"
              onPointerEnter={() => setPlaying(preset.id)}
              onPointerLeave={() => setPlaying(null)}
              onFocus={() => setPlaying(preset.id)}
              onBlur={() => setPlaying(null)}
            >
              <span className={`block bg-sunken ${playing === preset.id ? "finder finder-on" : ""}`}>
                <MovingPicture {...preset} playing={playing === preset.id} className="aspect-video w-full object-cover" />
              </span>
              <span className="mt-2.5 block text-[14px] font-[560] leading-tight">{preset.name}</span>
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}
