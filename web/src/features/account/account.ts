/** The account that the studio shows: the person's own, or that of an organization. It is the same in all tabs. */
import { useSyncExternalStore } from "react";
import { useMe } from "@/features/session/hooks";
import type { Schemas } from "@/features/session/session";

const KEY = "kinora.account";
const listeners = new Set<() => void>();

function stored(): string {
  return localStorage.getItem(KEY) ?? "";
}

function subscribe(listener: () => void): () => void {
  const other = ({ key }: StorageEvent) => key === KEY && listener();
  listeners.add(listener);
  addEventListener("storage", other);
  return () => {
    listeners.delete(listener);
    removeEventListener("storage", other);
  };
}

/** Show the account of this organization; `null` is the person's own account. */
export function chooseAccount(organizationId: string | null): void {
  if (organizationId) localStorage.setItem(KEY, organizationId);
  else localStorage.removeItem(KEY);
  localStorage.removeItem("kinora.project"); // projects belong to accounts
  for (const listener of listeners) listener();
}

export interface Account {
  /** The parameter that requests need for this account. */
  query: { organizationId?: string };
  organization: Schemas["OwnOrganizationView"] | null;
  organizations: Schemas["OwnOrganizationView"][];
  /** False until the organizations of the person are known. */
  known: boolean;
}

export function useAccount(): Account {
  const chosen = useSyncExternalStore(subscribe, stored, () => "");
  const { data: me } = useMe();
  const organizations = me?.organizations ?? [];
  const organization = organizations.find(({ id }) => id === chosen) ?? null;
  return { query: organization ? { organizationId: organization.id } : {}, organization, organizations, known: me !== undefined };
}
