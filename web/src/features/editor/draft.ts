import type { Schemas } from "@/features/session/session";
import type { Chosen } from "@/features/uploads/files";

/** What a creator has chosen for the next film. It survives a closed tab. */
export interface Draft {
  prompt: string;
  anyway: boolean; // paint also if the painter knows no word
  pictures: Chosen[];
  driving: Chosen | null; // a clip whose camera path is copied
  transfer: (typeof TRANSFERS)[number]; // how it is copied
  audio: Chosen | null;
  captions: Chosen | null;
  presetId: string;
  strength: number;
  second: { presetId: string; weight: number } | null;
  aspectRatio: NonNullable<Schemas["JobSettings"]["aspectRatio"]>;
  duration: number;
  resolution: Schemas["Resolution"];
  fps: 24 | 25 | 30;
  style: string;
  look: string;
  loop: boolean;
  seed: number | null;
  count: number; // variants, with seeds that follow each other
  tier: "film" | "draft" | "still"; // a draft is small and cheap; a still is continued after its approval
  engines: Partial<Record<Schemas["Stage"], string>>; // engines by wish; the API chooses the others
  missed: (typeof MISSED)[number]; // what follows if a trained engine's clip does not follow the move
}

export const EMPTY: Draft = {
  prompt: "",
  anyway: false,
  pictures: [],
  driving: null,
  transfer: "stabilised",
  audio: null,
  captions: null,
  presetId: "crash-zoom-in",
  strength: 1,
  second: null,
  aspectRatio: "16:9",
  duration: 5,
  resolution: "1080p",
  fps: 24,
  style: "",
  look: "",
  loop: false,
  seed: null,
  count: 1,
  tier: "film",
  engines: {},
  missed: "camera",
};

export const RATIOS = ["16:9", "9:16", "1:1", "4:5", "4:3", "3:2", "21:9"] as const;
export const RESOLUTIONS = ["480p", "720p", "1080p", "1440p", "4k"] as const;
export const RATES = [24, 25, 30] as const;
export const STYLES = ["photographic", "watercolour", "oil", "poster", "noir", "vaporwave"] as const;
export const LOOKS = ["teal-orange", "golden-hour", "moonlight", "bleach-bypass", "faded-film", "vivid", "noir"] as const;
export const COUNTS = [1, 2, 4, 8] as const;
export const TIERS = ["film", "draft", "still"] as const;
export const MISSED = ["camera", "repeat", "keep"] as const;
export const EXTRAS = ["driving", "audio", "captions"] as const; // roles of files besides the pictures
export type Extra = (typeof EXTRAS)[number];
export const TRANSFERS = ["stabilised", "handheld", "exact"] as const;
export const MOST_PICTURES = 4; // a first and a last picture, and two between them

/** Return the files that the film uses, with their roles. */
function inputsOf(draft: Draft): Schemas["JobInput"][] {
  const extras = EXTRAS.flatMap((role) => (draft[role] ? [{ role, assetId: draft[role].assetId }] : []));
  return [...draft.pictures.map(({ assetId }) => ({ role: "picture" as const, assetId })), ...extras];
}

/** Return whether the draft may end with its picture: a still is painted from the prompt alone. */
export function canBeStill(draft: Draft): boolean {
  return inputsOf(draft).length === 0;
}

/** Return the stages of which the creator may choose the engine. A driving clip's path is applied by one engine only. */
export function choosable(draft: Draft): ("IMAGE_GENERATION" | "VIDEO_SYNTHESIS")[] {
  return [...(draft.pictures.length ? [] : ["IMAGE_GENERATION" as const]), ...(draft.driving ? [] : ["VIDEO_SYNTHESIS" as const])];
}

/** Return the request for the film. */
export function jobOf(draft: Draft, projectId: string): Schemas["JobCreate"] {
  const isPainted = draft.pictures.length === 0;
  const wishes = Object.fromEntries(choosable(draft).flatMap((stage) => (draft.engines[stage] ? [[stage, draft.engines[stage]]] : [])));
  return {
    projectId,
    prompt: draft.prompt.trim(),
    presetId: draft.presetId,
    inputs: inputsOf(draft),
    ...(draft.count > 1 ? { count: draft.count } : {}),
    ...(draft.tier === "still" && canBeStill(draft) ? { until: "IMAGE_GENERATION" as const } : {}),
    settings: {
      aspectRatio: draft.aspectRatio,
      duration: draft.duration,
      resolution: draft.resolution,
      fps: draft.fps,
      strength: draft.strength,
      loop: draft.loop,
      ...(draft.driving ? { transfer: draft.transfer } : {}),
      operations: draft.look ? [`grade:${draft.look}`] : [],
      ...(draft.seed === null ? {} : { seed: draft.seed }),
      ...(draft.second ? { stack: draft.second } : {}),
      // A style changes a painted picture only, and the API refuses it beside an uploaded one.
      ...(draft.style && isPainted ? { style: draft.style } : {}),
      ...(draft.anyway ? { allowUnrelatedPicture: true } : {}),
      ...(draft.tier === "draft" ? { draft: true } : {}),
      ...(Object.keys(wishes).length ? { engines: wishes } : {}),
      ...(draft.missed === EMPTY.missed ? {} : { onMissedMove: draft.missed }),
    },
  };
}

/** Return the draft that makes the job's film again. */
export function draftOf(job: Schemas["JobView"]): Draft {
  const { settings, inputs } = job;
  const chosen = (role: Extra) => inputs.filter((input) => input.role === role).map(({ assetId }) => ({ assetId, name: "" }))[0] ?? null;
  const look = settings.operations.find((one) => one.startsWith("grade:"))?.slice("grade:".length) ?? "";
  return {
    ...EMPTY,
    prompt: job.prompt,
    presetId: job.presetId,
    anyway: settings.allowUnrelatedPicture ?? false,
    pictures: inputs.filter(({ role }) => role === "picture").map(({ assetId }) => ({ assetId, name: "" })),
    driving: chosen("driving"),
    transfer: settings.transfer ?? EMPTY.transfer,
    audio: chosen("audio"),
    captions: chosen("captions"),
    strength: settings.strength,
    second: settings.stack ?? null,
    aspectRatio: settings.aspectRatio,
    duration: settings.duration,
    resolution: settings.resolution,
    fps: settings.fps,
    style: settings.style ?? "",
    look,
    loop: settings.loop,
    seed: job.seed,
    engines: settings.engines as Draft["engines"],
    missed: settings.onMissedMove ?? EMPTY.missed,
  };
}

const KEY = "kinora.draft";

export function storedDraft(): Draft {
  try {
    return { ...EMPTY, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Draft>) };
  } catch {
    return EMPTY;
  }
}

export function storeDraft(draft: Draft): void {
  localStorage.setItem(KEY, JSON.stringify(draft));
}

/** A draft with the steps back and forward. Changes of one field within a second are one step. */
export interface History {
  past: Draft[];
  draft: Draft;
  future: Draft[];
  last: { field: string; at: number };
}

export type Change = { change: Partial<Draft>; at: number } | "undo" | "redo";
const ONE_STEP_MILLISECONDS = 1000;
const MOST_STEPS = 100;

export function reduce(history: History, action: Change): History {
  const { past, draft, future } = history;
  const last = { field: "", at: 0 };
  if (action === "undo") {
    const before = past.at(-1);
    return before ? { past: past.slice(0, -1), draft: before, future: [draft, ...future], last } : history;
  }
  if (action === "redo") {
    const after = future[0];
    return after ? { past: [...past, draft], draft: after, future: future.slice(1), last } : history;
  }
  const field = Object.keys(action.change).join();
  const joins = field === history.last.field && action.at - history.last.at < ONE_STEP_MILLISECONDS;
  return {
    past: joins ? past : [...past, draft].slice(-MOST_STEPS),
    draft: { ...draft, ...action.change },
    future: [],
    last: { field, at: action.at },
  };
}
