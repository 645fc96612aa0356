const PATHS = {
  star: "M8 1.8l1.9 4 4.3.5-3.2 3 .9 4.3L8 11.4l-3.9 2.2.9-4.3-3.2-3 4.3-.5z",
  close: "M3.5 3.5l9 9m0-9l-9 9",
  picture: "M2 3h12v10H2zM2 11l3.5-4 3 3L11 7.5 14 11",
  undo: "M6 3L2.5 6.5 6 10M2.5 6.5H10a3.5 3.5 0 010 7H6",
  redo: "M10 3l3.5 3.5L10 10m3.5-3.5H6a3.5 3.5 0 000 7h4",
  dice: "M3 3h10v10H3zM5.8 5.8h.01M10.2 10.2h.01M10.2 5.8h.01M5.8 10.2h.01",
  sun: "M8 5a3 3 0 100 6 3 3 0 000-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1.1 1.1M11.9 11.9L13 13M3 13l1.1-1.1M11.9 4.1L13 3",
  moon: "M13.5 9.8A6 6 0 016.2 2.5a6 6 0 107.3 7.3z",
  download: "M8 2v8m0 0L4.8 6.8M8 10l3.2-3.2M2.5 13.5h11",
  search: "M7 2.5a4.5 4.5 0 100 9 4.5 4.5 0 000-9zM10.3 10.3l3.4 3.4",
  camera: "M2 5h3l1.2-2h3.6L11 5h3v8H2zM8 6.5a2.3 2.3 0 100 4.6 2.3 2.3 0 000-4.6z",
  sound: "M2.5 6.2v3.6H5L8.5 13V3L5 6.2zM11 5.5a3.5 3.5 0 010 5M12.8 3.6a6.2 6.2 0 010 8.8",
  captions: "M2 3h12v10H2zM4.5 8h3M9 8h2.5M4.5 10.5h7",
  plus: "M8 3v10M3 8h10",
  play: "M5 3l8 5-8 5z",
  pause: "M5.5 3v10M10.5 3v10",
  path: "M2 13c4 0 3-9 7-9s2 5 5 5M11.5 6.5L14 9l-2.5 2.5",
  share: "M8 10V2m0 0L5 5m3-3l3 3M3 8v6h10V8",
} as const;

export type IconName = keyof typeof PATHS;

/** A decorative icon; the text beside it, or the label of its button, names the action. */
export function Icon({ name, filled = false }: { name: IconName; filled?: boolean }) {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" className="shrink-0">
      <path
        d={PATHS[name]}
        fill={filled ? "currentColor" : "none"}
        stroke="currentColor"
        strokeWidth="1.4"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
