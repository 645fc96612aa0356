import { demand } from "@/features/session/failure";
import { api, type Schemas } from "@/features/session/session";

type ContentType = Schemas["AssetUpload"]["contentType"];
export type Kind = Schemas["AssetType"];

/** The media types that the API reads, and the endings of files of which browsers do not know the type. */
const KINDS: Record<Kind, { types: readonly ContentType[]; endings: Record<string, ContentType> }> = {
  IMAGE: { types: ["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif", "image/tiff"], endings: {} },
  VIDEO: {
    types: ["video/mp4", "video/quicktime", "video/webm", "video/x-m4v", "video/x-matroska"],
    endings: { mkv: "video/x-matroska", mov: "video/quicktime" },
  },
  AUDIO: {
    types: ["audio/mpeg", "audio/mp3", "audio/mp4", "audio/x-m4a", "audio/m4a", "audio/aac", "audio/wav", "audio/x-wav", "audio/vnd.wave", "audio/flac", "audio/x-flac", "audio/ogg", "audio/opus", "audio/webm"],
    endings: { m4a: "audio/mp4", flac: "audio/flac", opus: "audio/opus" },
  },
  OTHER: { types: ["application/x-subrip", "text/srt", "text/vtt"], endings: { srt: "application/x-subrip", vtt: "text/vtt" } },
};
export const LARGEST_BYTES = 209_715_200;

/** Return what a file chooser offers for the kind. */
export function accepted(kind: Kind): string {
  const { types, endings } = KINDS[kind];
  return [...types, ...Object.keys(endings).map((ending) => `.${ending}`)].join();
}

/** Return the media type of the file, or undefined if it is not of the kind. */
export function contentType(file: { name: string; type: string }, kind: Kind): ContentType | undefined {
  const { types, endings } = KINDS[kind];
  const plain = file.type.split(";")[0];
  return types.find((type) => type === plain) ?? endings[file.name.split(".").at(-1)?.toLowerCase() ?? ""];
}

/** Return the text key of the reason why the file cannot be of the kind, or null. */
export function refusal(file: { name: string; type: string; size: number }, kind: Kind): `upload.type.${Kind}` | "upload.size" | "upload.empty" | null {
  if (!contentType(file, kind)) return `upload.type.${kind}`;
  if (file.size === 0) return "upload.empty";
  return file.size > LARGEST_BYTES ? "upload.size" : null;
}

/** Upload a file and ask for its verification. `onProgress` receives 0..1. */
export async function upload(file: File, kind: Kind, onProgress: (part: number) => void): Promise<Schemas["AssetView"]> {
  const type = contentType(file, kind);
  if (!type) throw new TypeError(`${file.type} is not of the kind ${kind}`);
  const { asset, upload: form } = demand(
    await api.POST("/api/assets/upload", { body: { name: file.name.slice(0, 200), type: kind, contentType: type, size: file.size } }),
  );
  await post(form, file, onProgress);
  return demand(await api.POST("/api/assets", { body: { assetId: asset.id } }));
}

/** Send the form to storage. `fetch` does not report the progress of a request, so this is an XMLHttpRequest. */
function post(form: Schemas["UploadView"], file: File, onProgress: (part: number) => void): Promise<void> {
  const body = new FormData();
  for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
  body.append("file", file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
    request.onload = () => (request.status < 300 ? resolve() : reject(new Error(`storage answered ${request.status}`)));
    request.onerror = () => reject(new Error("storage could not be reached"));
    request.open("POST", form.url);
    request.send(body);
  });
}
