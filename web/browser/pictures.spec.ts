import { chooseSmallFilm, expect, SHOTS, signIn, test } from "./studio";

const PHOTO = "../docs/gallery/presets/dolly-in.jpg";

test("A photo is checked and used, a bad file is refused with the reason, and a film is cancelled", async ({ page }) => {
  await signIn(page, "/editor");
  const choose = page.locator("input[data-kind=IMAGE]");
  await choose.setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("notes") });
  await expect(page.getByText("Use a JPEG, PNG, WebP, AVIF, GIF or TIFF picture.")).toBeVisible();
  await choose.setInputFiles({ name: "bad.png", mimeType: "image/png", buffer: Buffer.from("no picture at all") });
  await expect(page.getByRole("listitem").filter({ hasText: "bad.png" }).locator(".text-bad")).toBeVisible();
  await page.screenshot({ path: `${SHOTS}/editor-bad-file.png` });
  await page.getByRole("button", { name: "Remove bad.png" }).click();
  await page.getByRole("button", { name: "Remove notes.txt" }).click();

  await choose.setInputFiles(PHOTO);
  await expect(page.getByText("Ready")).toBeVisible();
  await page.getByLabel("Title").fill("My street");
  await chooseSmallFilm(page);
  await expect(page.locator("canvas")).toBeVisible(); // the preview shows this picture, also without a graphics processor
  await page.screenshot({ path: `${SHOTS}/editor-photo.png` });
  await page.getByRole("button", { name: "Make the film" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.locator("[data-status=CANCELLED]")).toBeVisible();
  await expect(page.getByText("You were not charged")).toBeVisible();

  const cancelled = page.url();
  await page.getByRole("button", { name: "Retry from the last finished stage" }).click();
  await page.waitForURL((url) => url.href !== cancelled);
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.locator("[data-status=CANCELLED]")).toBeVisible();
});
