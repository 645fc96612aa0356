import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Painter } from "@/features/prompt/reading";
import readings from "./readings.json";

const vocabulary = JSON.parse(readFileSync(new URL("../../docs/vocabulary.json", import.meta.url), "utf8"));
const painter = new Painter(vocabulary);

describe("The page reads a prompt as the painter does", () => {
  it.each(readings)("$prompt", ({ prompt, ...expected }) => {
    const { phrases, ...found } = painter.read(prompt);
    expect(found).toEqual(expected);
    for (const { start, end, text } of phrases) {
      const letters = (some: string) => some.replaceAll(/[^\p{L}]/gu, "");
      expect(letters(prompt.toLowerCase().slice(start, end))).toBe(letters(text));
    }
  });
});
