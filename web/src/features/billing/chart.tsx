"use client";

import { useText } from "@/features/text/text";

const HEIGHT = 150;
const BAR = 20;
const GAP = 6;

export interface Day {
  date: string;
  value: number;
}

/** Return the days of the period, oldest first; a day without use is 0. Days are those of UTC, as in the API. */
export function wholePeriod(days: readonly Day[], last: Date, count: number): Day[] {
  const values = new Map(days.map(({ date, value }) => [date, value]));
  return Array.from({ length: count }, (_, index) => {
    const day = new Date(last);
    day.setUTCDate(day.getUTCDate() - (count - 1 - index));
    const date = day.toISOString().slice(0, 10);
    return { date, value: values.get(date) ?? 0 };
  });
}

/** One bar for each day. The same numbers are in a table for people who do not see it. */
export function UsageChart({ days, title, unit }: { days: readonly Day[]; title: string; unit: string }) {
  const { locale, number } = useText();
  const most = Math.max(1, ...days.map(({ value }) => value));
  const day = (date: string) => new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(date));
  const width = days.length * (BAR + GAP) - GAP;
  const first = days[0];
  const last = days.at(-1);
  return (
    <figure>
      <figcaption className="mb-2 flex justify-between text-[13.5px] text-soft">
        <span>{title}</span>
        <span className="tabular-nums">{number(Math.max(0, ...days.map(({ value }) => value)))} {unit}</span>
      </figcaption>
      <svg viewBox={`0 0 ${width} ${HEIGHT}`} className="block h-[150px] w-full" preserveAspectRatio="none" aria-hidden="true">
        <path d={`M0 .5H${width}M0 ${HEIGHT / 2}H${width}`} className="stroke-line" strokeWidth="1" strokeDasharray="2 4" vectorEffect="non-scaling-stroke" />
        {days.map(({ date, value }, index) => {
          const height = value === 0 ? 1 : Math.max(3, (value / most) * (HEIGHT - 4));
          return (
            <rect key={date} x={index * (BAR + GAP)} y={HEIGHT - height} width={BAR} height={height} className={value ? "fill-tally" : "fill-edge"}>
              <title>{`${day(date)}: ${number(value)} ${unit}`}</title>
            </rect>
          );
        })}
      </svg>
      {first && last && <p className="slate mt-1.5 flex justify-between text-soft"><span>{day(first.date)}</span><span>{day(last.date)}</span></p>}
      <table className="sr-only">
        <caption>{title}</caption>
        <tbody>{days.filter(({ value }) => value).map(({ date, value }) => <tr key={date}><th scope="row">{day(date)}</th><td>{number(value)} {unit}</td></tr>)}</tbody>
      </table>
    </figure>
  );
}
