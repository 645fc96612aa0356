import type { ComponentProps } from "react";

/** Stands for `next/link` in the landing page's own script: a link that loads the next page whole. */
export default function PlainLink({ prefetch: _, ...link }: ComponentProps<"a"> & { prefetch?: boolean }) {
  return <a {...link} />;
}
