import type { Metadata } from "next";
import { FilmPage } from "@/features/jobs/page";

export const metadata: Metadata = { title: "Film" };

export default function Page() {
  return <FilmPage />;
}
