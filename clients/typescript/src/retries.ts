/** The rules of retries: which requests are sent again, and after how many seconds. */

const FIRST_SECONDS = 0.5;
const MAX_SECONDS = 8;
const MAX_RETRY_AFTER_SECONDS = 60; // a longer wait is the caller's decision
const NOT_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"]);

/**
 * The tries of one request. `repeatable` means that a second request has no second effect. Other requests are sent again
 * only if the studio certainly did nothing.
 */
export class Tries {
  readonly #repeatable: boolean;
  readonly #method: string;
  #left: number;
  #made = 0;
  #lost = false; // an earlier try may have had its effect

  constructor(method: string, repeatable: boolean, maxRetries: number) {
    this.#method = method.toLowerCase();
    this.#repeatable = repeatable;
    this.#left = maxRetries;
  }

  /** Return the seconds until the next try, or null if there is none. */
  afterError(error: unknown): number | null {
    const unsent = notSent(error);
    this.#lost ||= !unsent;
    return this.#repeatable || unsent ? this.#wait() : null;
  }

  /** Return the seconds until the next try, or null if the answer is the last one. */
  after(answer: Response): number | null {
    const { status } = answer;
    this.#lost ||= status >= 500;
    if (status !== 429 && !(this.#repeatable && [408, 500, 502, 503, 504].includes(status))) return null;
    const asked = retryAfter(answer.headers);
    if (asked > MAX_RETRY_AFTER_SECONDS) return null;
    const wait = this.#wait();
    return wait === null ? null : Math.max(asked, wait);
  }

  /** Return whether the request has its effect. An earlier try, whose answer was lost, may have deleted. */
  succeeded(answer: Response): boolean {
    return answer.ok || (this.#lost && this.#method === "delete" && answer.status === 404);
  }

  #wait(): number | null {
    if (this.#left === 0) return null;
    this.#left -= 1;
    this.#made += 1;
    return (0.5 + Math.random() / 2) * Math.min(MAX_SECONDS, FIRST_SECONDS * 2 ** (this.#made - 1));
  }
}

/** Return whether the request never left this computer. A browser does not say it. */
function notSent(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as { code?: string; errors?: { code?: string }[] } | undefined) : undefined;
  return NOT_SENT.has(cause?.code ?? cause?.errors?.[0]?.code ?? "");
}

/** Return the seconds of the header Retry-After, which has seconds or a date. 0 without a valid one. */
export function retryAfter(headers: Headers, now = Date.now()): number {
  const text = headers.get("retry-after") ?? "";
  const seconds = text.trim() === "" ? Number.NaN : Number(text);
  const asked = Number.isNaN(seconds) ? (Date.parse(text) - now) / 1000 : seconds;
  return Number.isNaN(asked) ? 0 : Math.max(0, asked);
}

/** Wait for some seconds, or until the signal is aborted, and throw its reason then. */
export function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
