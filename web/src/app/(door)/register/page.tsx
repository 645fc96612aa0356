import type { Metadata } from "next";
import { RegisterPage } from "@/features/auth/pages";

export const metadata: Metadata = { title: "Sign up" };

export default function Page() {
  return <RegisterPage />;
}
