import type { Metadata } from "next";
import { InvitePage } from "@/features/team/invite";

export const metadata: Metadata = { title: "Invite" };

export default function Page() {
  return <InvitePage />;
}
