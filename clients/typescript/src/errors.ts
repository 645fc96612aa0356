/** Errors of the client. Each one is a KinoraError. */
import type { Code } from "./contract.ts";

/** Base of all errors of the client. The message is one sentence for people. */
export class KinoraError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** The studio did not answer, or the connection was cut, in every try. */
export class ConnectionFailed extends KinoraError {}

/** The time of a wait passed. The job continues: wait again, or cancel it. */
export class WaitTimedOut extends KinoraError {}

/** The studio could not read an uploaded file. `code` is the reason. */
export class AssetRejected extends KinoraError {
  readonly code: string | null;

  constructor(detail: string, code: string | null) {
    super(detail);
    this.code = code;
  }
}

/** The job failed, and nothing was charged. */
export class FilmFailed extends KinoraError {
  readonly jobId: string;

  constructor(detail: string, jobId: string) {
    super(detail);
    this.jobId = jobId;
  }
}

/** The job was cancelled, and nothing was charged. */
export class FilmCancelled extends FilmFailed {}

/** A webhook without a valid signature, or a too old one. */
export class BadWebhook extends KinoraError {}

/** The studio refused a request. `code` is the kind of the problem, and never changes. */
export class ApiError extends KinoraError {
  readonly status: number;
  readonly code: Code | (string & {});
  readonly requestId: string | null;
  /** The invalid fields of a request. */
  readonly errors: readonly { field: string; detail: string }[];
  /** Similar names that exist. */
  readonly suggestions: readonly string[];
  readonly creditsNeeded: number | null;
  readonly maxCredits: number | null;

  constructor(status: number, text: string, headers: Headers) {
    const problem = problemOf(text);
    super(problem.detail ?? `The studio answered ${status}.`);
    this.status = status;
    this.code = problem.code ?? `http_${status}`;
    this.requestId = problem.requestId ?? headers.get("x-request-id");
    this.errors = problem.errors ?? [];
    this.suggestions = problem.suggestions ?? [];
    this.creditsNeeded = problem.creditsNeeded ?? null;
    this.maxCredits = problem.maxCredits ?? null;
  }
}

/** Return whether the error is a refusal with this code: `isCode(error, "not_enough_credits")`. */
export function isCode(error: unknown, code: Code): error is ApiError {
  return error instanceof ApiError && error.code === code;
}

interface Parsed {
  code?: string;
  detail?: string;
  requestId?: string;
  errors?: { field: string; detail: string }[];
  suggestions?: string[];
  creditsNeeded?: number;
  maxCredits?: number;
}

function problemOf(text: string): Parsed {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {}; // an answer of a proxy
  }
}
