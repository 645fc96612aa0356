"use client";

import Link from "next/link";
import { useEffect, useRef, useState } from "react";
import { CATALOGUE } from "@/features/presets/catalogue";
import { Appearance } from "@/features/shell/appearance";
import { useText } from "@/features/text/text";
import { Mark } from "@/ui/mark";
import films from "./films.json";
import { Prices } from "./prices";
import { Wall } from "./wall";

export function Landing() {
  const { t } = useText();
  return (
    <>
      <a href="#main" className="sr-only focus:not-sr-only focus:absolute focus:p-3">{t("skip")}</a>
      <Header />
      <main id="main" className="mx-auto max-w-[1320px] px-5 sm:px-8">
        <section className="grid items-end gap-x-10 gap-y-6 pt-10 pb-9 lg:grid-cols-[1fr_auto] lg:pt-16">
          <h1 className="text-[clamp(2.75rem,6.2vw,5.75rem)] font-[720]">
            {t("landing.title").split(/(?<=\.) /).map((sentence) => (
              <span key={sentence} className="block">{sentence} </span>
            ))}
          </h1>
          <div className="max-w-[44ch] lg:pb-3">
            <p className="text-[17px] text-soft">{t("landing.lead")}</p>
            <p className="mt-5 flex flex-wrap items-center gap-x-5 gap-y-3">
              <Link href="/editor" prefetch={false} className="button button-main min-h-[44px] px-5 text-[16px]">{t("landing.make")}</Link>
              <a href="#moves" className="underline decoration-edge underline-offset-4 hover:decoration-tally">
                {t("landing.see", { count: CATALOGUE.length })}
              </a>
            </p>
          </div>
        </section>
        <section aria-label={t("landing.films")} className="grid gap-5 p-[7px] lg:grid-cols-[2.07fr_1fr]">
          {films.map((film, index) => (
            <Film key={film.name} {...film} main={index === 0} />
          ))}
        </section>
        <section id="moves" className="scroll-mt-6 pt-24">
          <div className="mb-6 grid gap-x-10 gap-y-3 md:grid-cols-2">
            <h2 className="text-[clamp(2rem,4vw,3.25rem)]">{t("wall.title", { count: CATALOGUE.length })}</h2>
            <p className="max-w-[52ch] self-end text-soft">{t("wall.lead")}</p>
          </div>
          <Wall />
        </section>
        <section id="prices" className="scroll-mt-6 pt-28 pb-24">
          <h2 className="text-[clamp(2rem,4vw,3.25rem)]">{t("prices.title")}</h2>
          <p className="mt-3 max-w-[60ch] text-soft">{t("prices.lead")}</p>
          <Prices />
        </section>
      </main>
      <footer className="border-t border-line">
        <div className="mx-auto flex max-w-[1320px] flex-wrap items-center justify-between gap-3 px-5 py-6 text-soft sm:px-8">
          <span>{t("footer.painter")}</span>
          <span className="slate">Apache-2.0</span>
        </div>
      </footer>
    </>
  );
}

function Header() {
  const { t } = useText();
  const [signedIn, setSignedIn] = useState(false);
  useEffect(() => setSignedIn(localStorage.getItem("kinora.session") !== null), []);
  return (
    <header className="mx-auto flex max-w-[1320px] items-center gap-x-6 px-5 py-4 sm:px-8">
      <Mark />
      <nav aria-label={t("nav.main")} className="ms-4 hidden gap-5 text-soft sm:flex">
        <a href="#moves" className="hover:text-ink">{t("nav.moves")}</a>
        <a href="#prices" className="hover:text-ink">{t("nav.prices")}</a>
      </nav>
      <div className="ms-auto flex items-center gap-1">
        <Appearance />
        <Link href={signedIn ? "/films" : "/login"} prefetch={false} className="button ms-2">
          {t(signedIn ? "nav.films" : "auth.signIn")}
        </Link>
      </div>
    </header>
  );
}

const ACTIONS = ["pointermove", "pointerdown", "keydown", "scroll"] as const;

type FilmProps = (typeof films)[number] & { main: boolean };

/** A film that `make films` made. After the visitor's first action it plays, and is loaded, while it is on the screen. */
function Film({ name, prompt, preset, width, height, posters, main }: FilmProps) {
  const { t } = useText();
  const video = useRef<HTMLVideoElement>(null);
  const move = CATALOGUE.find((one) => one.id === preset);
  const poster = (wide?: number) => `/films/${name}-${wide}.webp`;
  useEffect(() => {
    const player = video.current;
    if (!player || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    player.muted = true; // the exported page does not have the attribute, and browsers start muted films only
    const seen = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) player.play().catch(() => undefined); // the browser may refuse; the poster stays
      else player.pause();
    });
    const begin = () => seen.observe(player);
    for (const action of ACTIONS) addEventListener(action, begin, { once: true, passive: true });
    return () => {
      for (const action of ACTIONS) removeEventListener(action, begin);
      seen.disconnect();
    };
  }, []);
  if (!move) return null;
  return (
    <figure className={main ? "lg:row-span-2" : ""}>
      <div className={`relative bg-sunken ${main ? "finder finder-on aspect-video" : "aspect-[16/8.05]"}`}>
        {/* The poster: unlike `poster`, a picture has a size for each screen and may load late. */}
        <img
          src={poster(posters.at(-1))}
          srcSet={posters.map((one) => `${poster(one)} ${one}w`).join(", ")}
          sizes={main ? "(min-width: 1024px) 64vw, calc(100vw - 54px)" : "(min-width: 1024px) 32vw, calc(100vw - 54px)"}
          width={width}
          height={height}
          alt=""
          fetchPriority={main ? "high" : "auto"}
          loading={main ? "eager" : "lazy"}
          className="absolute size-full object-cover"
        />
        <video
          ref={video}
          src={`/films/${name}.mp4`}
          width={width}
          height={height}
          muted
          loop
          playsInline
          preload="none"
          aria-hidden="true"
          className="absolute size-full object-cover"
        />
      </div>
      <figcaption className={`flex flex-wrap justify-between gap-x-4 pt-2.5 ${main ? "pt-4" : ""}`}>
        <span lang="en">“{prompt}”</span>
        <Link href={`/editor?preset=${preset}&prompt=${encodeURIComponent(prompt)}`} prefetch={false} className="slate self-center text-soft underline decoration-line underline-offset-4 hover:text-ink">
          {t("landing.again", { move: move.name })}
        </Link>
      </figcaption>
    </figure>
  );
}
