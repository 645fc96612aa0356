"use client";

import Link from "next/link";
import { useText } from "@/features/text/text";
import { Mark } from "@/ui/mark";

export default function NotFound() {
  const { t } = useText();
  return (
    <main className="mx-auto max-w-[720px] px-6 py-8">
      <Mark />
      <h1 className="mt-28 text-[clamp(2.5rem,7vw,4.5rem)]">{t("missing.title")}</h1>
      <p className="mt-4 text-soft">{t("missing.lead")}</p>
      <Link href="/" className="button mt-8">{t("missing.home")}</Link>
    </main>
  );
}
