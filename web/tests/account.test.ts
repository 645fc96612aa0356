import { expect, it } from "vitest";
import { bodyOf, EMPTY, SCOPES } from "@/features/keys/form";
import { agentName } from "@/features/sessions/agent";
import { covers, slugOf } from "@/features/team/roles";

it.each([
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0 Safari/537.36", "Chrome · Linux"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1", "Safari · iOS"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/153.0.0.0 Safari/537.36 Edg/153.0.0.0", "Edge · Windows"],
  ["a-robot/1.0", "a-robot/1.0"],
])("%s is shown as %s", (header, name) => {
  expect(agentName(header)).toBe(name);
});

it.each([["Lantern Films", "lantern-films"], ["Möwe & Söhne", "mowe-sohne"], ["  --  ", ""], ["AB", "ab-team"], ["x".repeat(60), "x".repeat(40)]])("%s gets the short name %s", (name, slug) => {
  expect(slugOf(name)).toBe(slug);
  if (slug) expect(slug).toMatch(/^[a-z0-9](-?[a-z0-9]){2,39}$/);
});

it("A role covers itself and those below it", () => {
  expect([covers("ADMIN", "ADMIN"), covers("ADMIN", "VIEWER"), covers("MEMBER", "ADMIN")]).toEqual([true, true, false]);
});

it("A key without a cap and without an end names neither", () => {
  expect(bodyOf({ ...EMPTY, name: " Nightly ", scopes: ["jobs:read"] })).toEqual({ name: "Nightly", scopes: ["jobs:read"], test: false });
  expect(bodyOf({ ...EMPTY, name: "x", cap: "0" })).toMatchObject({ monthlyCap: 0 });
});

it("No key can get the account itself, purchases or the studio", () => {
  expect(SCOPES.filter((scope) => /^account:|billing:write|:admin$/.test(scope))).toEqual([]);
});
