import type { Metadata } from "next";
import { EditorPage } from "@/features/editor/page";

export const metadata: Metadata = { title: "New film" };

export default function Page() {
  return <EditorPage />;
}
