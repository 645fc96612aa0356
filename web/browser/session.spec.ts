import { expect, signIn, test } from "./studio";

test("Two tabs that renew the session at once stay signed in, and sign out together", async ({ page, context }) => {
  const email = await signIn(page, "/films");
  const other = await context.newPage();
  await other.goto("/films");
  for (const _ of [1, 2, 3]) {
    await Promise.all([page.reload(), other.reload()]);
    await Promise.all([page, other].map((tab) => expect(tab.locator("summary")).toHaveText(email[0] ?? "")));
  }
  await page.locator("summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await other.waitForURL(/\/login/);
  await page.waitForURL(/\/login/);
});

test("The access token is in no storage that scripts of other pages or later visitors can read", async ({ page }) => {
  await signIn(page, "/films");
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  expect(stored).not.toMatch(/eyJ/);
});
