import Link from "next/link";

/** The name of the studio: a viewfinder with its tally light. On a phone the short one has only the light. */
export function Mark({ href = "/", short = false }: { href?: string; short?: boolean }) {
  return (
    <Link href={href} className="inline-flex items-center gap-2.5 font-display text-[19px] font-[660] tracking-[-0.03em]">
      <svg viewBox="0 0 22 22" width="22" height="22" aria-hidden="true" className="shrink-0">
        <path d="M1 7V1h6M15 1h6v6M21 15v6h-6M7 21H1v-6" fill="none" stroke="currentColor" strokeWidth="2" />
        <circle cx="11" cy="11" r="4" className="fill-tally" />
      </svg>
      <span className={short ? "max-sm:sr-only" : ""}>Kinora</span>
    </Link>
  );
}
