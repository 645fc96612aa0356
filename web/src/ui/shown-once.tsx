"use client";

import { useState } from "react";
import { useText } from "@/features/text/text";

/** A secret that is never shown again, with a button that copies it. */
export function ShownOnce({ title, secret, onDone }: { title: string; secret: string; onDone?: () => void }) {
  const { t } = useText();
  const [copied, setCopied] = useState(false);
  return (
    <div className="border-s-2 border-tally bg-raised p-4" role="status">
      <p className="font-[560]">{title}</p>
      <p className="mt-1 text-[14px] text-soft">{t("once.lead")}</p>
      <div className="mt-3 flex flex-wrap gap-2">
        <code className="min-w-0 flex-1 rounded-sm bg-sunken px-3 py-2 font-mono text-[13px] break-all whitespace-pre-wrap" data-secret>{secret}</code>
        <button type="button" className="button" onClick={() => void navigator.clipboard.writeText(secret).then(() => setCopied(true))}>
          {t(copied ? "once.copied" : "once.copy")}
        </button>
        {onDone && <button type="button" className="button button-plain" onClick={onDone}>{t("once.done")}</button>}
      </div>
    </div>
  );
}
