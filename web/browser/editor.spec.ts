import { chooseSmallFilm, expect, SHOTS, signIn, test } from "./studio";

test("The price follows the draft, with its reasons, and what cannot be made is said", async ({ page }) => {
  await signIn(page, "/editor");
  const prompt = page.getByRole("textbox", { name: "Prompt" });
  const price = page.locator("[data-quote]");
  await prompt.fill("a lake");
  await expect(price).toBeVisible();
  const whole = Number(await price.textContent());
  await chooseSmallFilm(page);
  await expect.poll(async () => Number(await price.textContent())).toBeLessThan(whole);
  await page.getByRole("combobox", { name: "Number of variants" }).selectOption("2 ×");
  await expect(price).toHaveText(String(2 * 4));
  await price.click();
  await expect(page.getByRole("table", { name: "What the film costs" })).toContainText("parallax");
  await page.screenshot({ path: `${SHOTS}/editor-price.png` });
  await page.keyboard.press("Escape");

  await page.getByRole("heading", { level: 2, name: "Crash zoom in" }).click();
  await page.keyboard.press("Control+z");
  await expect(price).toHaveText("4");
  await page.keyboard.press("Control+Shift+z");
  await expect(price).toHaveText("8");

  await page.getByRole("radio", { name: "Still first" }).click();
  await expect(price).toHaveText("2");
  await page.getByRole("radio", { name: "Film" }).click();
  await page.route("**/api/jobs/quote", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), balance: 3, sufficient: false } });
  });
  await page.getByRole("radio", { name: "720p" }).click();
  await expect(page.getByText("You have 3 credits.")).toBeVisible();
  await page.unroute("**/api/jobs/quote");

  await prompt.fill("xyzzy qwertz");
  await expect(page.getByText("The painter knows no word of this prompt.")).toBeVisible();
  await expect(price).toHaveCount(0);
  await page.screenshot({ path: `${SHOTS}/editor-unknown.png` });
});

test("A film that costs more than the price shown is made only after the new price was shown", async ({ page }) => {
  await signIn(page, "/editor");
  await page.route("**/api/jobs/quote", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), credits: 3 } }); // of an engine that is cheaper now
  });
  await page.getByRole("textbox", { name: "Prompt" }).fill("a lake");
  await chooseSmallFilm(page);
  const price = page.locator("[data-quote]");
  await expect(price).toHaveText("3");
  await page.unroute("**/api/jobs/quote");
  const make = page.getByRole("button", { name: "Make the film" });
  await make.click();
  await expect(page.getByText("The price is higher now than the 3 credits shown before.")).toBeVisible();
  await expect(page.getByText("The film needs 4 credits; you have 100.")).toBeVisible();
  await expect(price).toHaveText("4");
  await page.screenshot({ path: `${SHOTS}/editor-dearer.png` });
  await make.click();
  await page.waitForURL(/\/film\?id=job_/);
  await page.getByRole("button", { name: "Cancel" }).click();
});

test("The preview shows the move before anything is paid, and its path in space", async ({ page }) => {
  await page.goto("/editor?preset=orbit-left&prompt=a%20lighthouse%20at%20dusk");
  const canvas = page.locator("canvas");
  const time = page.getByRole("slider", { name: "Moment of the film" });
  await page.getByRole("button", { name: "Play the preview" }).click(); // no graphics processor draws here
  await expect(canvas).toBeVisible();
  await expect.poll(async () => (await canvas.screenshot()).length).toBeGreaterThan(20_000); // a drawn picture
  const first = await canvas.screenshot();
  await time.press("End");
  const last = Number(await time.getAttribute("max"));
  await expect(time).toHaveValue(String(last)); // the preview pauses where it is
  expect((await canvas.screenshot()).equals(first)).toBe(false);
  await page.screenshot({ path: `${SHOTS}/editor-preview.png` });
  await page.getByRole("tab", { name: "Path in 3D" }).click();
  await expect.poll(async () => (await canvas.screenshot()).length).toBeGreaterThan(20_000);
  await page.screenshot({ path: `${SHOTS}/editor-path.png` });
});
