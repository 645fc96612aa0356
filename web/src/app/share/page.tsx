import type { Metadata } from "next";
import { SharePage } from "@/features/shares/page";

/** The link is the secret: search engines must not list it, and the page sends it nowhere. */
export const metadata: Metadata = { title: "A film", robots: { index: false }, referrer: "no-referrer" };

export default function Page() {
  return <SharePage />;
}
