"use client";

import { useEffect, useState } from "react";

interface Props {
  thumbnail: string;
  preview: string;
  playing: boolean;
  eager?: boolean;
  className?: string;
}

function mayMove(): boolean {
  return !matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** The picture of a preset, and its animation while `playing`. The animation is loaded when it is first needed. */
export function MovingPicture({ thumbnail, preview, playing, eager = false, className = "" }: Props) {
  const [ready, setReady] = useState<string | null>(null);
  const wanted = playing ? preview : null;
  useEffect(() => {
    if (!wanted || !mayMove()) return;
    const picture = new Image();
    picture.onload = () => setReady(wanted);
    picture.src = wanted;
    return () => {
      picture.onload = null;
    };
  }, [wanted]);
  return (
    <img
      src={wanted && ready === wanted ? wanted : thumbnail}
      alt=""
      width={320}
      height={180}
      loading={eager ? "eager" : "lazy"}
      decoding="async"
      className={className}
    />
  );
}
