import { chooseSmallFilm, expect, SHOTS, signIn, test } from "./studio";

const ROLES = ["driving", "audio", "captions"];

test("A driving clip, sound and captions are checked, priced, and in the film, whose path was measured", async ({ page }) => {
  const folder = process.env.FILES_FOLDER ?? "";
  await signIn(page, "/editor");
  await page.getByRole("textbox", { name: "Prompt" }).fill("a lake");
  await chooseSmallFilm(page);
  await page.locator("input[data-kind=VIDEO]").setInputFiles({ name: "song.mp3", mimeType: "audio/mpeg", buffer: Buffer.from("ID3") });
  await expect(page.getByText("Use an MP4, MOV, WebM or Matroska clip.")).toBeVisible();
  await page.getByRole("button", { name: "Remove song.mp3" }).click();
  await page.locator("input[data-kind=VIDEO]").setInputFiles(`${folder}/driving.mp4`);
  await page.locator("input[data-kind=AUDIO]").setInputFiles(`${folder}/track.wav`);
  await page.locator("input[data-kind=OTHER]").setInputFiles(`${folder}/captions.srt`);
  for (const part of ["Driving clip", "Sound", "Captions"]) await expect(page.getByText(`${part} · Ready`)).toBeVisible();
  await page.getByRole("radio", { name: "Exact" }).click();
  await expect(page.getByRole("radio", { name: "Still first" })).toHaveCount(0); // a still has no such files
  const price = page.locator("[data-quote]");
  await price.click();
  await expect(page.getByRole("table", { name: "What the film costs" })).toContainText("Motion transfer");
  await page.keyboard.press("Escape");
  await page.screenshot({ path: `${SHOTS}/editor-extras.png` });

  const sent = page.waitForResponse((answer) => answer.url().endsWith("/api/jobs") && answer.request().method() === "POST");
  await page.getByRole("button", { name: "Make the film" }).click();
  const job = (await (await sent).json()) as { inputs: { role: string }[]; settings: { transfer: string } };
  expect(job.inputs.map(({ role }) => role)).toEqual(ROLES);
  expect(job.settings.transfer).toBe("exact");
  await expect(page.locator("[data-status=COMPLETED]")).toBeVisible({ timeout: 540_000 });
  await expect(page.locator("[data-stage=MOTION_TRANSFER]")).toHaveAttribute("data-done", "true");
  await expect(page.getByRole("heading", { name: "The camera path, asked and measured" })).toBeVisible();
  await expect(page.locator("[data-curve=measured]").first()).toHaveAttribute("d", /^M0\.0 .*L/);
  await page.screenshot({ path: `${SHOTS}/film-measured.png`, fullPage: true });
});

test("The camera of the device takes a picture, and is off afterwards", async ({ page }) => {
  await page.addInitScript(() => {
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      const stream = await open(wanted);
      Object.assign(globalThis, { camera: stream });
      return stream;
    };
  });
  await signIn(page, "/editor");
  await page.getByRole("button", { name: "Take a picture with the camera" }).click();
  await page.screenshot({ path: `${SHOTS}/editor-camera.png` });
  await page.getByRole("button", { name: "Take the picture" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: "Camera picture.jpg" }).getByText("Ready")).toBeVisible();
  await expect(page.getByRole("region", { name: "The camera of this device" })).toHaveCount(0);
  expect(await page.evaluate(() => (globalThis as unknown as { camera: MediaStream }).camera.getTracks().map(({ readyState }) => readyState))).toEqual(["ended"]);
});
