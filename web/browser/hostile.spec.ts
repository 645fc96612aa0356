import { expect, HOSTILE, SHOTS, signIn, test } from "./studio";

// Names of projects, titles of links and reasons of admins have this text in the tests of their pages.
test("A text that looks like markup is shown as it was typed, on every page that has it", async ({ page }) => {
  const main = page.getByRole("main");
  const visit = async (path: string) => {
    await page.goto(path);
    await expect(main).toContainText(HOSTILE);
    expect(await page.locator("img[src=x]").count(), path).toBe(0);
  };
  await signIn(page, "/settings");
  await page.getByLabel("Name").fill(HOSTILE);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Name")).toHaveValue(HOSTILE);

  await page.goto("/keys");
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByLabel("Name").fill(HOSTILE);
  await page.getByRole("button", { name: "Create the key" }).click();
  await expect(page.getByText(`The key ${HOSTILE}`)).toBeVisible();
  await visit("/keys");

  await page.goto("/webhooks");
  await page.getByRole("button", { name: "New webhook" }).click();
  await page.getByLabel("Address").fill(`https://example.com/${HOSTILE}`);
  await page.getByRole("button", { name: "Create the webhook" }).click();
  await expect(page.locator("[data-secret]").or(main.getByRole("alert"))).toBeVisible(); // some such addresses are refused
  expect(await page.locator("img[src=x]").count()).toBe(0);

  await page.goto("/moves?id=new");
  await page.getByLabel("Name", { exact: true }).fill(HOSTILE);
  for (const field of ["Description", "Words for engines that read text only"]) await page.getByLabel(field).fill(HOSTILE);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("link", { name: "Use it" })).toBeVisible();
  await visit("/moves");
  await page.getByRole("link", { name: "Use it" }).click();

  await expect(page.getByRole("heading", { level: 2, name: HOSTILE })).toBeVisible(); // the chosen move
  await page.getByRole("searchbox").fill(HOSTILE);
  await page.getByRole("searchbox").fill("");
  await page.getByRole("textbox", { name: "Prompt" }).fill(`a lake ${HOSTILE}`);
  await page.locator("input[data-kind=IMAGE]").setInputFiles({ name: `${HOSTILE.replaceAll("/", ":")}.png`, mimeType: "image/png", buffer: Buffer.from("no picture") });
  await expect(page.getByRole("listitem").filter({ hasText: "onerror=hit()" }).locator(".text-bad")).toBeVisible();
  await page.getByRole("button", { name: /^Remove <img/ }).click();
  const captions = Buffer.from(`1\n00:00:00,000 --> 00:00:01,000\n${HOSTILE}\n`);
  await page.locator("input[data-kind=OTHER]").setInputFiles({ name: `${HOSTILE.replaceAll("/", ":")}.srt`, mimeType: "application/x-subrip", buffer: captions });
  await expect(page.getByText("Captions · Ready")).toBeVisible();
  expect(await page.locator("img[src=x]").count(), "captions").toBe(0);
  await page.screenshot({ path: `${SHOTS}/editor-hostile.png` });
  await page.getByRole("button", { name: "Make the film" }).click();
  await page.waitForURL(/\/film\?id=job_/);
  const film = page.url();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`a lake ${HOSTILE}`);
  await expect(main).toContainText("Not painted:");
  await visit("/queue");
  await visit(film);
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.locator("[data-status=CANCELLED]")).toBeVisible();
  await page.goto(`/films?text=${encodeURIComponent(HOSTILE)}`); // a text of the address
  await expect(page.getByRole("searchbox")).toHaveValue(HOSTILE);
  await visit("/films");

  await page.goto("/team");
  await page.getByLabel("Name", { exact: true }).fill(HOSTILE);
  await page.getByLabel("Short name").fill(`hostile-${Date.now()}`);
  await page.getByRole("button", { name: "Create the organization" }).click();
  await expect(page.getByRole("region", { name: HOSTILE })).toBeVisible();
  await visit("/team");
  await expect(page.getByRole("listitem").filter({ hasText: HOSTILE }).first()).toBeVisible(); // the member's name
  for (const path of ["/billing", "/webhooks"]) await visit(path); // in the choice of the account
});
