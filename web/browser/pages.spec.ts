import AxeBuilder from "@axe-core/playwright";
import { expect, SHOTS, signIn, test } from "./studio";

const OPEN = ["/", "/login", "/register", "/forgot-password", "/reset-password#token=x", "/verify-email#token=x", "/editor", "/nothing", "/invite#token=x", "/share?id=shr_none"];
const OWN = ["/films", "/film?id=job_none", "/queue", "/moves", "/moves?id=new", "/billing", "/team", "/keys", "/webhooks", "/sessions", "/settings", "/admin"];
const SIZES = { phone: { width: 390, height: 844 }, laptop: { width: 1366, height: 768 }, wide: { width: 1920, height: 1080 } };

test("Every page works in both themes and three widths: no violation of axe, no sideways scrolling", async ({ page }) => {
  await signIn(page, "/films");
  for (const path of [...OPEN, ...OWN]) {
    await page.goto(path);
    await page.waitForLoadState("networkidle");
    for (const theme of ["light", "dark"]) {
      await page.evaluate((chosen) => (document.documentElement.dataset.theme = chosen), theme);
      for (const [name, size] of Object.entries(SIZES)) {
        await page.setViewportSize(size);
        const shown = path.replaceAll(/\W+/g, "-").replace(/^-|-$/g, "") || "landing";
        await page.screenshot({ path: `${SHOTS}/${shown}-${name}-${theme}.png` });
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect.soft(overflow, `${path} at ${name}`).toBeLessThanOrEqual(0);
        if (name === "wide") continue;
        const { violations } = await new AxeBuilder({ page }).analyze();
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
        expect.soft(found, `${path} in ${theme} at ${name}`).toEqual([]);
      }
    }
  }
});

test("The editor fits a laptop's screen without scrolling", async ({ page }) => {
  await page.goto("/editor");
  await expect(page.getByRole("textbox", { name: "Prompt" })).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollHeight - innerHeight)).toBeLessThanOrEqual(0);
});

test("The page speaks German after one press, and at the next visit", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Deutsch" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sag die Szene. Wähl die Fahrt.");
  await page.screenshot({ path: `${SHOTS}/landing-german.png` });
  await page.reload();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sag die Szene. Wähl die Fahrt.");
});

test("The landing page loads at most 1.5 MB before somebody scrolls, and its first film plays", async ({ browser, baseURL }) => {
  const context = await browser.newContext({ baseURL: baseURL ?? "", reducedMotion: "no-preference" });
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  let bytes = 0;
  network.on("Network.dataReceived", ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.goto("/");
  await page.waitForLoadState("networkidle");
  await page.mouse.move(300, 300); // a visitor's first action starts the films
  await expect.poll(() => page.locator("video").first().evaluate((film: HTMLVideoElement) => film.currentTime)).toBeGreaterThan(0);
  await page.screenshot({ path: `${SHOTS}/landing-film.png` });
  expect(bytes).toBeGreaterThan(100_000);
  expect(bytes).toBeLessThanOrEqual(1_500_000);
  console.log(`The landing page loads ${Math.round(bytes / 1000)} kB`);
  await context.close();
});
