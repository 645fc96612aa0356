import type { TextKey } from "@/features/text/text";

interface Destination {
  href: string;
  text: TextKey;
  /** `main`: in the bar at the top. `account`: in the account's menu. */
  place: "main" | "account";
}

/** Each page that the frame of the studio leads to, in the order in which it is shown. */
export const NAVIGATION: readonly Destination[] = [
  { href: "/editor", text: "nav.editor", place: "main" },
  { href: "/films", text: "nav.films", place: "main" },
  { href: "/queue", text: "queue.title", place: "main" },
  { href: "/moves", text: "nav.moves", place: "main" },
  { href: "/settings", text: "settings.title", place: "account" },
  { href: "/billing", text: "billing.title", place: "account" },
  { href: "/team", text: "team.title", place: "account" },
  { href: "/keys", text: "keys.title", place: "account" },
  { href: "/webhooks", text: "webhooks.title", place: "account" },
  { href: "/sessions", text: "sessions.title", place: "account" },
];
