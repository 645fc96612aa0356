import { chooseSmallFilm, expect, fillSignIn, signIn, test } from "./studio";

test("Two tabs that renew the session at once stay signed in, and sign out together", async ({ page, context }) => {
  const email = await signIn(page, "/films");
  const other = await context.newPage();
  await other.goto("/films");
  for (const _ of [1, 2, 3]) {
    await Promise.all([page.reload(), other.reload()]);
    await Promise.all([page, other].map((tab) => expect(tab.locator("summary [data-letter]")).toHaveAttribute("data-letter", email[0] ?? "")));
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

test("A session that ends during a job loses nothing: after the sign-in the film is there", async ({ page }) => {
  const email = await signIn(page, "/editor");
  await page.getByRole("textbox", { name: "Prompt" }).fill("a lake");
  await chooseSmallFilm(page);
  await page.getByRole("button", { name: "Make the film" }).click();
  await page.waitForURL(/\/film\?id=job_/);
  const film = page.url();
  const ended = await page.evaluate(async () => (await fetch("/api/auth/logout", { method: "POST", headers: { "x-kinora-refresh": "1" } })).status);
  expect(ended).toBe(204); // the server has ended the session, and the page does not know it
  await page.reload();
  await page.waitForURL(/\/login\?next=/);
  await fillSignIn(page, email);
  await page.waitForURL(film);
  await expect(page.locator("[data-status=COMPLETED]")).toBeVisible({ timeout: 540_000 });
});
