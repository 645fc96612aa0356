import type { Metadata } from "next";
import { ResetPage } from "@/features/auth/pages";

export const metadata: Metadata = { title: "New password" };

export default function Page() {
  return <ResetPage />;
}
