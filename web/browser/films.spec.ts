import { expect, HOSTILE, SHOTS, signIn, test } from "./studio";

const COUNT = 10_000;

test("A grid of 10,000 films stays small, is filtered, and deletes what was chosen", async ({ page }) => {
  const deleted: string[] = [];
  await page.route(/\/api\/jobs(\?|$)/, (route) => {
    const query = new URL(route.request().url()).searchParams;
    const from = Number(query.get("cursor") ?? 0);
    const wanted = query.get("text") === "harbour" ? 3 : COUNT;
    // One page has all films, so that the grid has them at once.
    const data = Array.from({ length: wanted }, (_, index) => film(from + index)).filter(({ id }) => !deleted.includes(id));
    return route.fulfill({ json: { data, hasMore: false, nextCursor: null, searched: null, complete: null } });
  });
  await page.route(/\/api\/jobs\/job_\w+$/, (route) => {
    const id = route.request().url().split("/").at(-1) ?? "";
    if (route.request().method() !== "DELETE") return route.fulfill({ json: film(Number(id.slice(4))) });
    deleted.push(id);
    return route.fulfill({ status: 204 });
  });
  await signIn(page, "/films");
  const nodes = () => page.evaluate(() => document.querySelectorAll("*").length);
  await expect(page.getByRole("listitem").first()).toBeVisible();
  expect(await page.getByRole("listitem").first().getAttribute("aria-setsize")).toBe(String(COUNT));
  expect(await nodes()).toBeLessThanOrEqual(2000);
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await expect(page.getByRole("link", { name: `Film ${COUNT - 1}` })).toBeVisible();
  expect(await nodes()).toBeLessThanOrEqual(2000);
  await page.evaluate(() => scrollTo(0, 0));

  await page.getByRole("searchbox").fill("harbour");
  await expect(page.locator("[aria-setsize='3']")).toHaveCount(3);
  expect(page.url()).toContain("text=harbour");
  await page.reload(); // the filters are in the address
  await expect(page.getByRole("searchbox")).toHaveValue("harbour");
  await page.screenshot({ path: `${SHOTS}/films-filtered.png` });
  await page.getByRole("checkbox", { name: "Choose Film 0" }).check();
  await page.getByRole("checkbox", { name: "Choose Film 2" }).check();
  await page.getByRole("button", { name: "Delete 2" }).click();
  await page.getByRole("group", { name: /for ever/ }).getByRole("button", { name: "Delete 2" }).click();
  await expect(page.locator("[aria-setsize='1']")).toHaveCount(1);
  expect(deleted.sort()).toEqual(["job_0", "job_2"]);
});

function film(number: number) {
  return { id: `job_${number}`, projectId: "prj_1", status: "COMPLETED", progress: 100, prompt: `Film ${number}`, presetId: "dolly-in", createdAt: "2026-05-31T10:00:00Z", thumbnailUrl: null, imageUrl: null, previewUrl: null, steps: [], seq: 1 };
}

test("A project is made, chosen, renamed and deleted", async ({ page }) => {
  await signIn(page, "/films");
  await expect(page.getByText("No film yet")).toBeVisible();
  await page.getByRole("button", { name: "New project" }).click();
  await page.getByLabel("Name of the project").fill(HOSTILE);
  await page.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("button", { name: HOSTILE })).toHaveAttribute("aria-pressed", "true");
  await page.getByRole("button", { name: "Rename the project" }).click();
  await page.getByLabel("Name of the project").fill("Harbours");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("button", { name: /^Harbours/ })).toBeVisible();
  await page.getByRole("button", { name: "Delete the project" }).click();
  await page.getByRole("group", { name: /Delete Harbours/ }).getByRole("button", { name: "Delete the project" }).click();
  await expect(page.getByRole("button", { name: /^Harbours/ })).toHaveCount(0);
});
