import type { Schemas } from "@/features/session/session";

export type Role = Schemas["AccountRole"];
export const ROLES = ["OWNER", "ADMIN", "MEMBER", "VIEWER"] as const;

/** Return whether the first role is as high as the second one, or higher. */
export function covers(role: Role, other: Role): boolean {
  return ROLES.indexOf(role) <= ROLES.indexOf(other);
}

export function manages(role: Role): boolean {
  return covers(role, "ADMIN");
}

/** Return an address for the organization from its name: small letters, digits and single hyphens, 3 to 40. */
export function slugOf(name: string): string {
  const plain = name.normalize("NFKD").replaceAll(/\p{Mark}/gu, "").replaceAll("ß", "ss").toLowerCase();
  const slug = plain.replaceAll(/[^a-z0-9]+/g, "-").slice(0, 40).replaceAll(/^-+|-+$/g, "");
  return slug.length >= 3 ? slug : slug && `${slug}-team`;
}
