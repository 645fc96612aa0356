/** The small frames of a film at equal steps of time: WebVTT, each cue of which names a part of one picture. */
export interface Sprite {
  from: number; // seconds
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const CUE = /(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)\s+-->[^\n]*\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/g;

export function spritesOf(track: string): Sprite[] {
  return [...track.matchAll(CUE)].map(([, hours = "0", minutes, seconds, url = "", ...place]) => {
    const [x, y, width, height] = place.map(Number) as [number, number, number, number];
    return { from: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds), url, x, y, width, height };
  });
}

/** Return the small frame at the time, in seconds. */
export function spriteAt(sprites: readonly Sprite[], seconds: number): Sprite | undefined {
  return sprites.findLast(({ from }) => from <= seconds) ?? sprites[0];
}
