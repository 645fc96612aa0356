import { expect, it } from "vitest";
import { next } from "@/features/auth/pages";

it.each([
  ["?next=%2Ffilm%3Fid%3D1", "/film?id=1"],
  ["", "/editor"],
  ["?next=https%3A%2F%2Fevil.example", "/editor"],
  ["?next=%2F%2Fevil.example", "/editor"],
  ["?next=%2F%5Cevil.example", "/editor"],
  ["?next=javascript%3Aalert(1)", "/editor"],
])("After the sign-in, %s leads to %s", (search, page) => {
  expect(next(search)).toBe(page);
});
