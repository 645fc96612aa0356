import type { WebSocketRoute } from "@playwright/test";
import { checkReach, checkZoomed, chooseSmallFilm, expect, fillSignIn, linkTo, newAddress, PASSWORD, SHOTS, test } from "./studio";

test("A stranger signs up and makes a film in one go", async ({ page }) => {
  const connections: WebSocketRoute[] = [];
  await page.routeWebSocket(/\/ws/, (connection) => {
    connections.push(connection);
    connection.connectToServer();
  });
  await page.goto("/");
  await page.getByRole("link", { name: "Make one now" }).click();
  await page.getByRole("textbox", { name: "Prompt" }).fill("a lighthouse on a cliff at dusk, no dragon");
  await expect(page.locator("[data-mark=known]").first()).toHaveText("lighthouse");
  await expect(page.getByText("Not painted: dragon")).toBeVisible();
  await page.getByRole("textbox", { name: "Prompt" }).fill("a lighthouse on a cliff at dusk");
  await page.getByRole("link", { name: "Sign in and make it" }).click();

  await page.getByRole("link", { name: "Sign up" }).click();
  const email = newAddress();
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign up" }).click();
  await expect(page.getByRole("link", { name: "outbox" })).toBeVisible();
  await page.goto(await linkTo(email));
  await page.getByRole("button", { name: "Confirm the address" }).click();
  await page.getByRole("link", { name: "Sign in" }).click();
  await fillSignIn(page, email);

  await expect(page.getByRole("textbox", { name: "Prompt" })).toHaveValue("a lighthouse on a cliff at dusk"); // the draft is still there
  await expect(page.getByText("100 credits")).toBeVisible();
  await chooseSmallFilm(page);
  await page.getByRole("button", { name: "Make the film" }).click();
  await page.waitForURL(/\/film\?id=job_/);
  await expect(page.getByRole("listitem").filter({ hasText: "Camera" })).toBeVisible();
  await expect.poll(() => connections.length).toBe(1);
  await connections[0]?.close(); // the page connects again, and gets the job as it is then
  await page.screenshot({ path: `${SHOTS}/film-running.png` });
  await expect(page.locator("[data-status=COMPLETED]")).toBeVisible({ timeout: 540_000 });
  expect(connections.length).toBeGreaterThanOrEqual(2);
  const video = page.locator("video");
  await expect.poll(() => video.evaluate((player: HTMLVideoElement) => player.currentTime)).toBeGreaterThan(0);
  await expect(page.getByText("Motion score")).toBeVisible();
  await expect(page.getByRole("link", { name: "MP4" })).toBeVisible();
  await page.getByRole("slider", { name: "Moment of the film" }).hover();
  await expect(page.locator("[data-sprite]")).toBeVisible();
  await page.screenshot({ path: `${SHOTS}/film-ready.png` });

  await page.reload(); // a reload loses nothing
  await expect(page.locator("[data-status=COMPLETED]")).toBeVisible();
  await page.getByRole("link", { name: "Films" }).click();
  await expect(page.getByRole("link", { name: /a lighthouse on a cliff/ })).toBeVisible();
  await page.screenshot({ path: `${SHOTS}/films.png` });

  await page.goBack();
  await expect(page.locator("video")).toBeVisible();
  await expect(page.getByRole("heading", { name: "The camera path, asked and measured" })).toBeVisible();
  await checkZoomed(page, "film");
  await page.goto("/editor");
  await expect(page.getByRole("textbox", { name: "Prompt" })).toBeVisible();
  await checkZoomed(page, "editor");
  await page.setViewportSize({ width: 390, height: 844 });
  await checkReach(page, "editor on a phone");
  await page.goto("/");
  await checkReach(page, "landing page on a phone");
  await checkZoomed(page, "landing");
});
