/** A film's course: what its camera does at each moment, over a picture of a shape. */
import type { Scene } from "./scene";
import { CameraPath, type Move, type Pose } from "./move";
import { aimed, coverOf, type Half, halves, type View, viewOf } from "./view";

export interface Course {
  poses: Pose[];
  views: View[];
  cover: number;
  frame: Half;
  picture: Half;
  fps: number;
}

const MOMENTS = 24; // number of views that decide the base zoom

/** Return the course of a film of `seconds`. `ratio` is width / height of the film. */
export function courseOf(move: Move, scene: Scene, { seconds, fps, loop, ratio }: { seconds: number; fps: number; loop: boolean; ratio: number }): Course {
  const poses = new CameraPath(move).film(Math.max(Math.round(seconds * fps), 2), fps, loop);
  const { frame, picture } = halves(ratio, scene.picture.naturalWidth / scene.picture.naturalHeight);
  const views = aimed(poses.map(viewOf), frame, picture, scene.focalPoint);
  const every = Math.max(1, Math.floor(views.length / MOMENTS));
  const cover = coverOf(views.filter((_, index) => index % every === 0), frame, picture);
  return { poses, views, cover, frame, picture, fps };
}
