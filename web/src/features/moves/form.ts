import type { Schemas } from "@/features/session/session";
import type { Keyframe } from "./axes";
import { STILL } from "./curve";

/** What the keyframe editor changes. Fields of the move that it does not show keep their values. */
export interface MoveForm {
  name: string;
  description: string;
  category: Schemas["OwnPresetCreate"]["category"];
  config: Omit<Schemas["CameraMoveView"], "stacked">;
}

export function newForm(): MoveForm {
  return {
    name: "",
    description: "",
    category: "dolly",
    config: {
      keyframes: [{ at: 0, ...STILL }, { at: 1, ...STILL, dolly: 0.6 }],
      easing: "ease_in_out",
      strength: 1,
      shutter: 0.5,
      minDurationSeconds: 1,
      maxDurationSeconds: 10,
      promptPhrase: "",
      negatives: [],
      needsDrivingClip: false,
    },
  };
}

export function formOf(preset: Schemas["PresetView"]): MoveForm {
  const { stacked: _, ...config } = preset.config;
  return { name: preset.name, description: preset.description ?? "", category: preset.category as MoveForm["category"], config };
}

/** Return the fields of the request that are the same when a preset is made and when it is changed. */
export function bodyOf({ name, description, category, config }: MoveForm) {
  return { name: name.trim(), description: description.trim() || null, category, config };
}

/** Return what is wrong with the keyframes, as far as the page can say it before the API does. */
export function faults(frames: readonly Keyframe[]): "order" | "none" | null {
  if (frames.length === 0) return "none";
  return frames.some((frame, index) => index > 0 && frame.at <= (frames[index - 1]?.at ?? 0)) ? "order" : null;
}
