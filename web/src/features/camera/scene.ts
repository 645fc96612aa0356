/** The scene in front of the camera: a picture and its relief, ready for WebGL. */
import { FAR } from "./view";

export interface SceneFiles {
  picture: string;
  depth: string | null; // grey, bright is near
  matte: string | null; // grey, bright is the subject
  focalPoint?: readonly [number, number];
}

/** The scene of the previews without an own picture (`tools/stock_scene.py`). */
export const STOCK: SceneFiles = { picture: "/stock.jpg", depth: "/stock-depth.jpg", matte: null, focalPoint: [0.775, 0.25] };

export interface Scene {
  picture: HTMLImageElement;
  relief: { width: number; height: number; inverse: Uint8Array }; // inverse distance, 255 = the nearest objects
  focalPoint: readonly [number, number];
}

const LONG_SIDE = 640; // of the relief, in samples
const KEPT = 0.6; // part of a photograph's estimated relief that the renderer usually keeps
const SURE = 128; // grey of a matte from which a sample belongs to the subject

function load(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  return image.decode().then(() => image);
}

function grey(image: HTMLImageElement, width: number, height: number): Uint8ClampedArray {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context?.drawImage(image, 0, 0, width, height);
  return context?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray(width * height * 4);
}

/** Load the files. As in the renderer, a subject with a matte has one distance. Rejects if a file cannot be read. */
export async function loadScene({ picture: address, depth, matte, focalPoint }: SceneFiles): Promise<Scene> {
  const [picture, near, subject] = await Promise.all([load(address), depth ? load(depth) : null, matte ? load(matte) : null]);
  const scale = LONG_SIDE / Math.max(picture.naturalWidth, picture.naturalHeight);
  const [width, height] = [Math.round(picture.naturalWidth * scale), Math.round(picture.naturalHeight * scale)];
  const disparity = near ? grey(near, width, height) : null;
  const cut = subject ? grey(subject, width, height) : null;
  const kept = address === STOCK.picture ? 1 : KEPT;
  let [sum, count, x, y] = [0, 0, 0, 0];
  for (let i = 0; cut && i < width * height; i++) {
    if ((cut[i * 4] ?? 0) < SURE) continue;
    sum += disparity?.[i * 4] ?? 0;
    x += i % width;
    y += Math.floor(i / width);
    count++;
  }
  const inverse = new Uint8Array(width * height);
  for (let i = 0; i < inverse.length; i++) {
    const own = 128 + ((disparity?.[i * 4] ?? 128) - 128) * kept;
    const inside = count ? (cut?.[i * 4] ?? 0) / 255 : 0;
    const flat = count ? 128 + (sum / count - 128) * kept : own;
    inverse[i] = 255 * FAR + (1 - FAR) * (own + (flat - own) * inside);
  }
  const middle: readonly [number, number] = count ? [x / count / width, y / count / height] : [0.5, 0.5];
  return { picture, relief: { width, height, inverse }, focalPoint: focalPoint ?? middle };
}
