import type { Metadata } from "next";
import { Suspense } from "react";
import { FilmPage } from "@/features/jobs/page";

export const metadata: Metadata = { title: "Film" };

export default function Page() {
  return (
    <Suspense>
      <FilmPage />
    </Suspense>
  );
}
