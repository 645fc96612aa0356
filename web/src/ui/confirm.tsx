"use client";

import { useState } from "react";
import { useText } from "@/features/text/text";

interface Props {
  /** What the button does, and the question before it does so. */
  action: string;
  question: string;
  busy?: boolean;
  plain?: boolean;
  onConfirm: () => void;
}

/** A button that asks once more. The question takes the button's place, so nothing covers the page. */
export function Confirm({ action, question, busy = false, plain = true, onConfirm }: Props) {
  const { t } = useText();
  const [asked, setAsked] = useState(false);
  if (!asked) {
    return <button type="button" className={`button text-bad ${plain ? "button-plain" : "border-bad"}`} disabled={busy} onClick={() => setAsked(true)}>{action}</button>;
  }
  return (
    <span role="group" aria-label={question} className="inline-flex flex-wrap items-center gap-2">
      <span>{question}</span>
      <button
        type="button"
        autoFocus
        className="button border-bad text-bad"
        disabled={busy}
        onClick={() => {
          setAsked(false);
          onConfirm();
        }}
      >
        {action}
      </button>
      <button type="button" className="button button-plain" onClick={() => setAsked(false)}>{t("keep")}</button>
    </span>
  );
}
