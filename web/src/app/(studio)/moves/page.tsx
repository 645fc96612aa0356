import type { Metadata } from "next";
import { MovesPage } from "@/features/moves/page";

export const metadata: Metadata = { title: "Moves" };

export default function Page() {
  return <MovesPage />;
}
