"use client";

import "@/features/text/more";
import Link from "next/link";
import { useEffect, useRef, useState } from "react";
import { Appearance } from "@/features/shell/appearance";
import { anonymous, type Schemas } from "@/features/session/session";
import { useText } from "@/features/text/text";
import { Mark } from "@/ui/mark";

type Film = Schemas["SharedFilmView"];
type Answer = { film: Film } | "gone" | "offline" | null;

async function read(id: string): Promise<Answer> {
  const { data, response } = await anonymous.GET("/api/shares/{share_id}", { params: { path: { share_id: id } } });
  return data ? { film: data } : response.status === 404 || response.status === 422 ? "gone" : "offline";
}

/** The public page of a link: the film and its title. It needs no session, and names nobody. */
export function SharePage() {
  const { t } = useText();
  const [answer, setAnswer] = useState<Answer>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    const id = new URLSearchParams(location.search).get("id") ?? "";
    if (!/^[\w-]{1,64}$/.test(id)) return setAnswer("gone");
    read(id).then(setAnswer, () => setAnswer("offline"));
  }, [round]);
  const film = answer && typeof answer === "object" ? answer.film : null;
  useEffect(() => {
    if (film) document.title = `${film.title} · Kinora`;
  }, [film]);
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="flex h-14 items-center justify-between px-4 sm:px-6">
        <Mark />
        <span className="flex"><Appearance /></span>
      </header>
      <main className="mx-auto flex w-full max-w-[1280px] flex-1 flex-col justify-center px-4 py-6 sm:px-6">
        {film && <Shown film={film} onExpired={() => setRound((now) => now + 1)} />}
        {answer === "gone" && <Note title={t("share.gone")} lead={t("share.gone.lead")} />}
        {answer === "offline" && (
          <Note title={t("share.offline")} lead={t("offline")}>
            <button type="button" className="button" onClick={() => setRound((now) => now + 1)}>{t("again")}</button>
          </Note>
        )}
      </main>
    </div>
  );
}

/** The film. Its signed addresses end after an hour; then they are read once more. */
function Shown({ film, onExpired }: { film: Film; onExpired: () => void }) {
  const { t, date } = useText();
  const failures = useRef(0);
  if (!film.videoUrl) return <Note title={film.title} lead={t("share.noFilm")} />;
  return (
    <>
      <div className="finder mx-auto">
        <video
          src={film.videoUrl}
          poster={film.posterUrl ?? film.thumbnailUrl ?? undefined}
          controls
          autoPlay
          muted
          loop
          playsInline
          aria-label={film.title}
          className="max-h-[max(calc(100dvh-230px),240px)] max-w-full bg-black"
          onError={() => failures.current++ === 0 && onExpired()}
        />
      </div>
      <div className="mt-7 flex flex-wrap items-end gap-x-6 gap-y-3">
        <div className="me-auto min-w-0">
          <h1 className="text-[clamp(1.6rem,3.4vw,2.6rem)] break-words">{film.title}</h1>
          <p className="mt-1.5 text-soft">{t("share.made", { at: date(film.createdAt) })}</p>
        </div>
        <Link href="/" className="button button-main">{t("landing.make")}</Link>
      </div>
    </>
  );
}

function Note({ title, lead, children }: { title: string; lead: string; children?: React.ReactNode }) {
  const { t } = useText();
  return (
    <div className="mx-auto w-full max-w-[620px]">
      <h1 className="text-[40px] break-words">{title}</h1>
      <p className="mt-3 text-soft">{lead}</p>
      <p className="mt-6 flex gap-2">
        {children}
        <Link href="/" className="button">{t("missing.home")}</Link>
      </p>
    </div>
  );
}
