/** Files of many kinds that a caller can upload. */
import { KinoraError } from "./errors.ts";
import type { AssetUpload, AssetView } from "./schema.ts";

/** An asset or its id, a path of a file (not in a browser), a URL, a Blob or File, or bytes. */
export type Source = AssetView | string | URL | Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;
type MediaType = AssetUpload["contentType"];

const TYPES: Record<string, MediaType> = {
  jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", webp: "image/webp", gif: "image/gif", tif: "image/tiff",
  tiff: "image/tiff", avif: "image/avif", mp4: "video/mp4", m4v: "video/x-m4v", mov: "video/quicktime", webm: "video/webm",
  mkv: "video/x-matroska", mp3: "audio/mpeg", m4a: "audio/mp4", aac: "audio/aac", wav: "audio/wav", flac: "audio/flac",
  ogg: "audio/ogg", opus: "audio/opus", srt: "application/x-subrip", vtt: "text/vtt",
};
/** Offset, first bytes and media type of files without a name. */
const BEGINNINGS: readonly (readonly [number, string, MediaType])[] = [
  [0, "\x89PNG", "image/png"], [0, "\xff\xd8\xff", "image/jpeg"], [8, "WEBP", "image/webp"], [0, "GIF8", "image/gif"],
  [8, "WAVE", "audio/wav"], [4, "ftypavif", "image/avif"], [4, "ftypM4A", "audio/mp4"], [4, "ftypqt", "video/quicktime"],
  [4, "ftyp", "video/mp4"], [0, "\x1a\x45\xdf\xa3", "video/webm"], [0, "ID3", "audio/mpeg"], [0, "\xff\xfb", "audio/mpeg"],
  [0, "fLaC", "audio/flac"], [0, "OggS", "audio/ogg"], [0, "WEBVTT", "text/vtt"],
];
const KINDS: Record<string, AssetUpload["type"]> = { image: "IMAGE", video: "VIDEO", audio: "AUDIO" };

export interface Content {
  name: string;
  type: AssetUpload["type"];
  contentType: MediaType;
  blob: Blob;
}

export function isAsset(source: unknown): source is AssetView {
  return typeof source === "object" && source !== null && "id" in source && "status" in source;
}

/** Return the file of a source. Throw KinoraError if there is none, or if its media type is not known. */
export async function contentOf(
  source: Exclude<Source, AssetView>,
  known: { name?: string; mediaType?: string },
  download: (url: string) => Promise<Blob>,
): Promise<Content> {
  const [blob, found] = await read(source, download);
  const name = known.name ?? found;
  const first = new Uint8Array(await blob.slice(0, 32).arrayBuffer());
  const contentType = (known.mediaType ?? TYPES[name?.split(".").at(-1)?.toLowerCase() ?? ""] ?? declared(blob) ?? sniffed(first)) as MediaType | undefined;
  if (!contentType) throw new KinoraError(`Neither its name nor its first bytes show what ${name ?? "this file"} is: pass \`mediaType\`.`);
  const suffix = Object.entries(TYPES).find(([, type]) => type === contentType)?.[0];
  return { name: name ?? `upload.${suffix}`, contentType, type: KINDS[contentType.split("/")[0] ?? ""] ?? "OTHER", blob };
}

async function read(source: Exclude<Source, AssetView>, download: (url: string) => Promise<Blob>): Promise<[Blob, string | undefined]> {
  if (source instanceof Blob) return [source, "name" in source ? String(source.name) : undefined];
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) return [new Blob([source]), undefined];
  if (/^https?:\/\//.test(String(source))) {
    return [await download(String(source)), new URL(source).pathname.split("/").at(-1) || "download"];
  }
  const { openAsBlob } = await import("node:fs");
  const path = source instanceof URL ? (await import("node:url")).fileURLToPath(source) : source;
  try {
    return [await openAsBlob(path), path.split(/[/\\]/).at(-1)];
  } catch (cause) {
    throw new KinoraError(`The file ${path} cannot be read.`, { cause });
  }
}

function declared(blob: Blob): string | undefined {
  const type = blob.type.split(";")[0];
  return Object.values<string>(TYPES).find((known) => known === type);
}

function sniffed(first: Uint8Array): string | undefined {
  const text = String.fromCharCode(...first);
  return BEGINNINGS.find(([offset, beginning]) => text.startsWith(beginning, offset))?.[2];
}
