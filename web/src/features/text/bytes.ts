const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

/** Return the size with the unit that keeps it below 1000, written in the language of `number`. */
export function bytes(size: number, number: (value: number, options: Intl.NumberFormatOptions) => string): string {
  const step = Math.min(size < 1 ? 0 : Math.floor(Math.log10(size) / 3), UNITS.length - 1);
  return number(size / 1000 ** step, { style: "unit", unit: UNITS[step], unitDisplay: "short", maximumFractionDigits: 1 });
}
