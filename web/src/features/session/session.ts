/**
 * The session of this browser. The access token is in memory only. The refresh token is an HttpOnly cookie, which each
 * refresh replaces: a second use of an old one ends the session. So one tab at a time refreshes, and gives the new
 * access token to the other tabs.
 */
import createClient from "openapi-fetch";
import type { components, paths } from "@/generated/api";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type SessionState = "unknown" | "in" | "out";

const MARK = "kinora.session"; // says whether a refresh can succeed; it holds no secret
const EARLY_SECONDS = 30; // a token that ends within this time is replaced before a request

interface Access {
  token: string;
  endsAt: number; // milliseconds of performance.timeOrigin's clock
}

interface Shared {
  access: Access | null;
}

let access: Access | null = null;
let state: SessionState = "unknown";
const listeners = new Set<() => void>();
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("kinora-session");

channel?.addEventListener("message", ({ data }: MessageEvent<Shared>) => take(data.access));

function take(next: Access | null): void {
  access = next;
  state = next ? "in" : "out";
  for (const listener of listeners) listener();
}

function share(next: Access | null): void {
  if (next) localStorage.setItem(MARK, "in");
  else localStorage.removeItem(MARK);
  take(next);
  channel?.postMessage({ access: next } satisfies Shared);
}

export const session = {
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  state: (): SessionState => state,

  /** Find out at the start of a page whether this browser has a session. */
  async restore(): Promise<void> {
    if (state !== "unknown") return;
    if (localStorage.getItem(MARK)) await refreshed(null);
    else take(null);
  },

  async signIn(email: string, password: string, code = ""): Promise<Problem | null> {
    const { data, error } = await anonymous.POST("/api/auth/login", { body: { email, password, ...(code && { code }) } });
    if (!data) return error;
    share(accessOf(data));
    return null;
  },

  async signOut(): Promise<void> {
    await anonymous.POST("/api/auth/logout", { params: { header: HEADER } }).catch(() => undefined);
    share(null);
  },
};

const HEADER = { "x-kinora-refresh": "1" };

/** Clients of the API: `anonymous` sends no token; `api` sends the token, and a new one when it has expired. */
export const anonymous = createClient<paths>({ baseUrl: "" });
export const api = createClient<paths>({ baseUrl: "", fetch: fetchSignedIn });

function accessOf(view: Schemas["SessionView"]): Access {
  return { token: view.accessToken, endsAt: Date.now() + view.expiresIn * 1000 };
}

async function fetchSignedIn(request: Request): Promise<Response> {
  const again = request.clone();
  const first = access && access.endsAt - Date.now() > EARLY_SECONDS * 1000 ? access : await refreshed(access);
  const answer = await fetch(signed(request, first));
  if (answer.status !== 401 || !first) return answer;
  return fetch(signed(again, await refreshed(first)));
}

function signed(request: Request, by: Access | null): Request {
  if (by) request.headers.set("Authorization", `Bearer ${by.token}`);
  return request;
}

/** Return an access token other than `old`. Return null, and end the session, if the server refuses a new one. */
async function refreshed(old: Access | null): Promise<Access | null> {
  if (!localStorage.getItem(MARK)) return null;
  return navigator.locks.request("kinora-session", async () => {
    if (access && access.token !== old?.token && access.endsAt > Date.now()) return access; // another tab's, or call's
    const { data, response } = await anonymous.POST("/api/auth/refresh", { params: { header: HEADER } });
    if (data) share(accessOf(data));
    else if (response.status === 401 || response.status === 403) share(null);
    return access;
  });
}
