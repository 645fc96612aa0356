import type { ReactNode } from "react";
import { DoorFrame } from "@/features/auth/frame";

export default function DoorLayout({ children }: { children: ReactNode }) {
  return <DoorFrame>{children}</DoorFrame>;
}
