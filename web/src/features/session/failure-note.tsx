"use client";

import { useText } from "@/features/text/text";
import { ApiFailure } from "./failure";

/** Says why something failed: the API's sentences, or that the studio could not be reached. */
export function FailureNote({ error, className = "mt-3" }: { error: unknown; className?: string }) {
  const { t } = useText();
  if (!error) return null;
  const problem = error instanceof ApiFailure ? error.problem : null;
  const fields = problem?.errors?.filter(({ detail }) => !problem.detail.includes(detail)); // the first is in the sentence
  return (
    <div role="alert" className={`border-s-2 border-bad ps-3 text-bad ${className}`}>
      <p>{problem?.detail || t("offline")}</p>
      {fields?.map(({ field, detail }) => <p key={field + detail} className="text-[14px]">{field}: {detail}</p>)}
    </div>
  );
}

/** Return the API's sentence about this field of a refused request. */
export function fieldError(error: unknown, name: string): string | undefined {
  if (!(error instanceof ApiFailure)) return undefined;
  return error.problem.errors?.find(({ field }) => field === name || field.endsWith(`.${name}`))?.detail;
}
