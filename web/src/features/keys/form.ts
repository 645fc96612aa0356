import type { Schemas } from "@/features/session/session";

type Scope = Schemas["Permission"];

/** The permissions that a key can have. The account itself, and purchases, need a person. */
export const SCOPES: readonly Scope[] = [
  "jobs:read", "jobs:write", "projects:read", "projects:write", "assets:read", "assets:write", "presets:read", "presets:write",
  "webhooks:read", "webhooks:write", "billing:read", "profile:read", "teams:read", "teams:join", "teams:write", "members:write", "audit:read", "teams:own",
]; // prettier-ignore

const FILMS: Scope[] = ["jobs:read", "jobs:write", "projects:read", "projects:write", "assets:read", "assets:write", "presets:read"];
export const SETS: readonly { name: "films" | "read" | "all"; scopes: readonly Scope[] }[] = [
  { name: "films", scopes: FILMS },
  { name: "read", scopes: SCOPES.filter((scope) => scope.endsWith(":read")) },
  { name: "all", scopes: SCOPES },
];

export interface KeyForm {
  name: string;
  scopes: Scope[];
  cap: string;
  lastDay: string;
  test: boolean;
}

export const EMPTY: KeyForm = { name: "", scopes: FILMS, cap: "", lastDay: "", test: false };

/** Return the request. A key works until the end of its last day in this browser's time zone. */
export function bodyOf({ name, scopes, cap, lastDay, test }: KeyForm): Schemas["KeyCreate"] {
  return {
    name: name.trim(),
    scopes,
    test,
    ...(cap.trim() ? { monthlyCap: Number(cap) } : {}),
    ...(lastDay ? { expiresAt: new Date(`${lastDay}T23:59:59`).toISOString() } : {}),
  };
}
