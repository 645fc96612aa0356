import { renderToStaticMarkup } from "react-dom/server";
import { expect, it } from "vitest";
import { MeasuredPlot } from "@/features/camera/measured";
import { TextProvider } from "@/features/text/text";

const still = { right: [0, 0], up: [0, 0], zoom: [1, 1], roll: [0, 0] };
const plot = (measured: typeof still) =>
  renderToStaticMarkup(
    <TextProvider>
      <MeasuredPlot paths={[{ at: [0, 1], asked: { ...still, right: [0, 0.2] }, measured }]} />
    </TextProvider>,
  );

it("The plot says and draws what was asked and what was measured", () => {
  const markup = plot({ ...still, right: [0, 0.1] });
  expect(markup).toContain('aria-label="Sideways, at most: asked 0.2, measured 0.1 frame widths to the right"');
  expect([...markup.matchAll(/ d="(M[^"]+)" data-curve="(\w+)"/g)].map(([, line, side]) => [side, line])).toEqual([
    ["asked", "M0.0 22.0L220.0 5.0"],
    ["measured", "M0.0 22.0L220.0 13.5"],
  ]);
});

it("A path that was not asked for has a lane of its own", () => {
  expect(plot({ ...still, roll: [0, -8] })).toContain("Turn, at most: asked 0°, measured -8° clockwise");
});
