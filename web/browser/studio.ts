import { test as base, expect, type Page } from "@playwright/test";

export { expect };

export const PASSWORD = "correct horse battery";
export const SHOTS = "../build/browser/shots";
/** A text that runs, or loads an image, wherever a page takes it for markup. */
export const HOSTILE = `<img src=x onerror=hit()>"'</script><script>hit()</script>`;

/** A test fails if a page breaks its Content-Security-Policy, throws, or takes a creator's text for markup. */
export const test = base.extend<{ faults: string[] }>({
  faults: [
    async ({ page }, use) => {
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(error.stack ?? error.message));
      page.on("console", (message) => {
        if (/Content.Security.Policy|hydrat/i.test(message.text())) faults.push(message.text());
      });
      await page.exposeFunction("hit", () => faults.push("a creator's text ran"));
      page.on("request", (request) => {
        if (/\/x$/.test(new URL(request.url()).pathname)) faults.push(`a creator's text loaded ${request.url()}`);
      });
      await use(faults);
      expect(faults).toEqual([]);
    },
    { auto: true },
  ],
});

interface Message {
  to: string[];
  html: string;
}

/** Return the newest link in the outbox of the laptop cloud. */
export async function linkTo(email: string): Promise<string> {
  const messages = (await (await fetch(process.env.OUTBOX_URL ?? "")).json()) as Message[];
  const message = messages.find(({ to }) => to.includes(email));
  return /href="([^"]+#token=[^"]+)"/.exec(message?.html ?? "")?.[1] ?? "";
}

export function newAddress(): string {
  return `${crypto.randomUUID()}@example.com`;
}

/** Open an account over the API, and sign in on the page. */
export async function signIn(page: Page, then: string, email = newAddress()): Promise<string> {
  const post = (path: string, body: object) => page.request.post(path, { data: body });
  await post("/api/auth/register", { email, password: PASSWORD });
  await post("/api/auth/verify-email", { token: (await linkTo(email)).split("#token=")[1] });
  await page.goto(`/login?next=${encodeURIComponent(then)}`);
  await fillSignIn(page, email);
  await page.waitForURL((url) => url.pathname + url.search === then);
  return email;
}

export async function fillSignIn(page: Page, email: string): Promise<void> {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
}

/** Choose the smallest film: the tests are about the studio, not about the renderer. */
export async function chooseSmallFilm(page: Page): Promise<void> {
  await page.getByRole("radio", { name: "480p" }).click();
  await page.getByRole("slider", { name: "Duration" }).press("Home");
}

const CONTROLS = "a[href], button:enabled, input:enabled, select:enabled, textarea:enabled, summary, [role=slider]";

/** Check the page at 200 % zoom on a laptop, which has half as many CSS pixels: nothing is too wide or covered. */
export async function checkZoomed(page: Page, name: string): Promise<void> {
  await page.setViewportSize({ width: 683, height: 384 });
  await page.screenshot({ path: `${SHOTS}/${name}-zoomed.png` });
  await checkReach(page, `${name} at 200 %`);
}

export async function checkReach(page: Page, what: string): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), what).toBeLessThanOrEqual(0);
  const covered = await page.evaluate((controls) => {
    const isReached = (control: Element) => {
      control.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      const { x, y, width, height } = control.getBoundingClientRect();
      const hit = document.elementFromPoint(x + width / 2, y + height / 2);
      return width < 2 || (hit !== null && (control.contains(hit) || hit.contains(control) || hit.closest("label")?.contains(control)));
    };
    const shown = [...document.querySelectorAll(controls)].filter((control) => control.checkVisibility({ visibilityProperty: true }));
    return shown.filter((control) => !isReached(control)).map((control) => control.outerHTML.slice(0, 140));
  }, CONTROLS);
  expect(covered, what).toEqual([]);
}
