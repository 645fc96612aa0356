import { demand } from "@/features/session/failure";
import { api, type Schemas } from "@/features/session/session";

export const PICTURE_TYPES = ["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif", "image/tiff"] as const;
export const LARGEST_BYTES = 209_715_200;

/** Return the text key of the reason why the file cannot be a picture, or null. */
export function refusal(file: { type: string; size: number }): "upload.type" | "upload.size" | "upload.empty" | null {
  if (!PICTURE_TYPES.some((type) => type === file.type)) return "upload.type";
  if (file.size === 0) return "upload.empty";
  return file.size > LARGEST_BYTES ? "upload.size" : null;
}

/** Upload a picture and ask for its verification. `onProgress` receives 0..1. */
export async function upload(file: File, onProgress: (part: number) => void): Promise<Schemas["AssetView"]> {
  const { asset, upload: form } = demand(
    await api.POST("/api/assets/upload", {
      body: { name: file.name.slice(0, 200), type: "IMAGE", contentType: file.type as "image/png", size: file.size },
    }),
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
