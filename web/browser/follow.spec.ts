import { chooseSmallFilm, expect, SHOTS, signIn, test } from "./studio";

test("A still is approved, two variants are compared, a film is continued, and a link shows it to everybody", async ({ page, request }) => {
  const completed = page.locator("[data-status=COMPLETED]");
  await signIn(page, "/editor");
  await page.getByRole("textbox", { name: "Prompt" }).fill("a lake");
  await chooseSmallFilm(page);
  await page.getByRole("radio", { name: "Still first" }).click();
  await page.getByRole("button", { name: "Make the film" }).click();
  await expect(completed).toBeVisible({ timeout: 540_000 });
  const still = page.url();
  await page.screenshot({ path: `${SHOTS}/still-ready.png` });
  await page.getByRole("combobox", { name: "Move of the next film" }).selectOption("Dolly in");
  const approve = page.getByRole("button", { name: "Make the film of it" });
  await approve.click();
  await expect(page.getByText("This costs 3 credits. Press again to make it.")).toBeVisible();
  await page.screenshot({ path: `${SHOTS}/still-price.png` });
  expect(page.url()).toBe(still);
  await approve.click();
  await page.waitForURL((url) => url.href !== still);
  await expect(page.locator("video")).toBeVisible({ timeout: 540_000 });

  await page.getByRole("button", { name: "Make a public link" }).click();
  const link = new URL(await page.getByRole("textbox", { name: "Public link" }).inputValue());
  const shared = await request.get(`/api/shares/${link.searchParams.get("id")}`);
  expect(await shared.json()).toMatchObject({ title: "a lake" });
  await page.getByRole("button", { name: "Close the link" }).click();
  await expect(page.getByRole("button", { name: "Make a public link" })).toBeVisible();

  const film = page.url();
  const extend = page.getByRole("button", { name: "Continue from its last frame" });
  await extend.click();
  await expect(page.getByText("This costs 3 credits.")).toBeVisible();
  await extend.click();
  await page.waitForURL((url) => url.href !== film);
  await expect(page.locator("video")).toBeVisible({ timeout: 540_000 });

  await page.getByRole("link", { name: "New film" }).click();
  await page.getByRole("radio", { name: "Film", exact: true }).click();
  await page.getByRole("combobox", { name: "Number of variants" }).selectOption("2 ×");
  await expect(page.locator("[data-quote]")).toHaveText("8"); // the film costs at most the price that is shown
  await page.getByRole("button", { name: "Make the film" }).click();
  await expect(page.locator("video")).toBeVisible({ timeout: 540_000 });
  const compare = page.getByRole("combobox", { name: "Compare with" });
  await expect(compare).toBeVisible({ timeout: 540_000 });
  await compare.selectOption({ index: 1 });
  await expect(page.getByRole("slider", { name: "Border between the two films" })).toBeVisible();
  await expect(page.locator("video")).toHaveCount(2);
  await expect.poll(() => page.locator("video").last().evaluate((video: HTMLVideoElement) => video.readyState)).toBeGreaterThan(1);
  await page.screenshot({ path: `${SHOTS}/film-compared.png` });
});
