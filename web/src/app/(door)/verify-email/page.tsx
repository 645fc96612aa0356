import type { Metadata } from "next";
import { VerifyPage } from "@/features/auth/pages";

export const metadata: Metadata = { title: "Confirm your address" };

export default function Page() {
  return <VerifyPage />;
}
