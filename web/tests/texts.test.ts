import { expect, it } from "vitest";
import { fill } from "@/features/text/text";
import germanMain from "../messages/de";
import germanMore from "../messages/de/more";
import englishMain from "../messages/en";
import englishMore from "../messages/en/more";

const english = { ...englishMain, ...englishMore };
const german = { ...germanMain, ...germanMore };

const names = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

it("German has each text of English, with the same values", () => {
  expect(Object.keys(german)).toEqual(Object.keys(english));
  for (const [key, text] of Object.entries(german)) {
    expect(names(text), key).toEqual(names(english[key as keyof typeof english]));
  }
});

it("A value that looks like a name is not filled again", () => {
  expect(fill("{a} and {b}", { a: "{b}", b: "1" })).toBe("{b} and 1");
});
