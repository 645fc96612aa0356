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
];
