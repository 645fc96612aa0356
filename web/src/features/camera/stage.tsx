"use client";

import { Tabs } from "radix-ui";
import { type ReactNode, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { useText } from "@/features/text/text";
import { Icon } from "@/ui/icon";
import { type Course, courseOf } from "./course";
import { Lens } from "./lens";
import type { Move } from "./move";
import { loadScene, type Scene, type SceneFiles, STOCK } from "./scene";

interface Props {
  move: Move;
  files: SceneFiles;
  seconds: number;
  fps: number;
  loop: boolean;
  ratio: number; // width / height
  fallback: ReactNode; // in a browser without WebGL2, and until "play" where no graphics processor draws
}

type Draw = (index: number) => void;
const WIDTHS = [960, 640, 400] as const; // of the preview in pixels; a slow machine gets a smaller one, and then a still
const LATE_MILLISECONDS = 30; // of a frame
const SLOW_FRAMES = 12;

/** The move before anything is paid: what the camera sees, and its path in space. Nothing leaves the browser. */
export function Stage({ move, files, seconds, fps, loop, ratio, fallback }: Props) {
  const { t } = useText();
  const scene = useScene(files);
  const course = useMemo(() => (scene ? courseOf(move, scene, { seconds, fps, loop, ratio }) : null), [move, scene, seconds, fps, loop, ratio]);
  const [isWanted, setWanted] = useState(drawsFast);
  const isDrawn = isWanted || files !== STOCK; // the creator's own picture has no film of the move
  const [playing, setPlaying] = useState(() => isWanted && !matchMedia("(prefers-reduced-motion: reduce)").matches);
  const [isBlind, setBlind] = useState(false);
  const asked = useRef(false); // somebody pressed "play"
  const draw = useRef<Draw | null>(null);
  const slider = useRef<HTMLInputElement>(null);
  const time = useRef<HTMLSpanElement>(null);
  const frames = course?.poses.length ?? 1;
  const show = (index: number) => {
    draw.current?.(index);
    if (slider.current) slider.current.value = String(index);
    if (time.current) time.current.textContent = `${(index / fps).toFixed(2)} s`;
  };
  const moment = () => Math.min(Number(slider.current?.value ?? 0), frames - 1);
  useFilmClock(show, moment, course, playing);
  const play = () => {
    asked.current = true;
    setWanted(true);
    setPlaying(!playing);
  };
  if (isBlind) return fallback;
  const size = { aspectRatio: ratio, width: `min(calc(100cqw - 16px), calc((100cqh - 16px) * ${ratio}))` };
  return (
    <Tabs.Root defaultValue="view" className="flex min-h-0 flex-1 flex-col gap-3">
      <div className="relative grid min-h-[190px] flex-1 place-items-center [container-type:size]">
        <Tabs.Content value="view" className="finder finder-on bg-sunken" style={size}>
          {!isDrawn && fallback}
          {isDrawn && course && scene && <Picture course={course} scene={scene} draw={draw} redraw={() => show(moment())} onBlind={() => setBlind(true)} onSlow={() => asked.current || setPlaying(false)} label={t("camera.seen")} />}
        </Tabs.Content>
        <Tabs.Content value="path" className="absolute inset-0 bg-sunken">
          {course && scene && <Space course={course} scene={scene} draw={draw} label={t("camera.space")} redraw={() => show(moment())} />}
        </Tabs.Content>
      </div>
      <div className="flex items-center gap-3">
        <Tabs.List aria-label={t("camera.views")} className="flex text-[13.5px]">
          <Tabs.Trigger value="view" className="choice aria-selected:border-edge aria-selected:bg-raised aria-selected:text-ink">{t("camera.preview")}</Tabs.Trigger>
          <Tabs.Trigger value="path" className="choice aria-selected:border-edge aria-selected:bg-raised aria-selected:text-ink">{t("camera.path")}</Tabs.Trigger>
        </Tabs.List>
        <button type="button" className="button button-plain min-h-[30px]" aria-label={t(playing ? "camera.pause" : "camera.play")} onClick={play}>
          <Icon name={playing ? "pause" : "play"} />
        </button>
        <input
          ref={slider}
          type="range"
          min={0}
          max={frames - 1}
          defaultValue={0}
          aria-label={t("camera.time")}
          className="min-w-0 flex-1 accent-tally"
          onInput={({ currentTarget }) => {
            setWanted(true);
            setPlaying(false);
            show(Number(currentTarget.value));
          }}
        />
        <span ref={time} className="slate w-[52px] text-end text-[12.5px]">0.00 s</span>
      </div>
    </Tabs.Root>
  );
}

/** Return whether a graphics processor draws. Without one, a frame can take a second, and the page waits for it. */
function drawsFast(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  const names = gl?.getExtension("WEBGL_debug_renderer_info");
  const renderer = gl ? String(gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER)) : "software";
  gl?.getExtension("WEBGL_lose_context")?.loseContext(); // browsers keep few contexts
  return !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer);
}

/** Load the scene. Each reading of the asset signs other addresses of the same files. */
function useScene(files: SceneFiles): Scene | null {
  const [scene, setScene] = useState<Scene | null>(null);
  const latest = useRef(files);
  latest.current = files;
  const key = [files.picture, files.depth, files.matte].map((address) => address?.split("?")[0]).join();
  useEffect(() => {
    let isWanted = true;
    const keep = (found: Scene) => isWanted && setScene(found);
    loadScene(latest.current).then(keep, () => loadScene(STOCK).then(keep, () => undefined));
    return () => {
      isWanted = false;
    };
  }, [key]);
  return scene;
}

/** Call `show` with each frame from `moment` on while the film plays, and once after each change. */
function useFilmClock(show: Draw, moment: () => number, course: Course | null, playing: boolean): void {
  const latest = useRef(show);
  latest.current = show;
  useEffect(() => {
    if (!course) return;
    const { poses, fps } = course;
    if (!playing) return latest.current(moment());
    const start = performance.now() - (moment() / fps) * 1000;
    let shown = -1;
    let request = requestAnimationFrame(function next(now) {
      const index = Math.floor(((Math.max(now - start, 0) / 1000) * fps) % poses.length);
      if (index !== shown) latest.current(index);
      shown = index;
      request = requestAnimationFrame(next);
    });
    return () => cancelAnimationFrame(request);
  }, [course, playing]);
}

interface ViewProps {
  course: Course;
  scene: Scene;
  draw: RefObject<Draw | null>;
  label: string;
  redraw: () => void;
}

function Picture({ course, scene, draw, label, redraw, onBlind, onSlow }: ViewProps & { onBlind: () => void; onSlow: () => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const lens = useRef<{ scene: Scene; lens: Lens } | null>(null);
  const [size, setSize] = useState(0);
  const width = WIDTHS[size] ?? 400;
  const height = Math.round((width * course.frame.down) / course.frame.across);
  useEffect(() => {
    if (!canvas.current) return;
    if (lens.current?.scene !== scene) {
      const made = Lens.of(canvas.current, scene);
      if (!made) return onBlind();
      lens.current = { scene, lens: made };
    }
    const { lens: drawn } = lens.current;
    let [before, slow] = [0, 0];
    draw.current = (index) => {
      const { poses, views, cover, frame, picture } = course;
      const view = views[index];
      if (view) drawn.draw(view, cover, poses[index]?.focus ?? null, frame, picture);
      const now = performance.now();
      const late = now - before - 1000 / course.fps;
      slow = late > LATE_MILLISECONDS && late < 1000 ? slow + 1 : 0;
      before = now;
      if (slow <= SLOW_FRAMES) return;
      slow = 0;
      if (size < WIDTHS.length - 1) setSize(size + 1);
      else onSlow();
    };
    redraw();
    return () => {
      draw.current = null;
    };
  }, [course, scene, size]);
  return <canvas ref={canvas} width={width} height={height} role="img" aria-label={label} className="size-full" />;
}

function Space({ course, scene, draw, label, redraw }: ViewProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let [isWanted, stop] = [true, () => undefined as void];
    void import("./space").then(({ showSpace }) => {
      if (!isWanted || !canvas.current) return;
      const space = showSpace(canvas.current, scene, course);
      draw.current = space.draw;
      stop = space.stop;
      redraw();
    });
    return () => {
      isWanted = false;
      draw.current = null;
      stop();
    };
  }, [course, scene]);
  return <canvas ref={canvas} tabIndex={0} role="img" aria-label={label} className="size-full cursor-grab active:cursor-grabbing" />;
}
