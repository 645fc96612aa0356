import type { ReactNode } from "react";
import { StudioFrame } from "@/features/shell/frame";

export default function StudioLayout({ children }: { children: ReactNode }) {
  return <StudioFrame>{children}</StudioFrame>;
}
