import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { expect, fillSignIn, linkTo, newAddress, PASSWORD, SHOTS, signIn, test } from "./studio";

test("A pack is bought on the page of Stripe, and the ledger has it and is downloaded", async ({ page }) => {
  await signIn(page, "/billing");
  await expect(page.getByRole("heading", { name: "Billing" })).toBeVisible();
  await page.getByRole("button", { name: "500 credits for $6", exact: true }).click();
  await page.getByRole("button", { name: "Pay", exact: true }).click();
  await page.getByRole("link", { name: "Back to Kinora" }).click();
  await expect(page.getByText("Thank you. The credits arrive in a moment.")).toBeVisible();
  await expect(page.getByRole("cell", { name: "+500" })).toBeVisible();
  await expect(page.getByLabel("Balance").getByText("600")).toBeVisible();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
  expect(download.suggestedFilename()).toBe("kinora-ledger.csv");

  await page.getByRole("button", { name: "Choose Pro" }).click();
  await expect(page.getByRole("heading", { name: "Checkout" })).toBeVisible(); // the fake page of a subscription
  await page.getByRole("button", { name: "Pay", exact: true }).click();
  await page.getByRole("link", { name: "Back to Kinora" }).click();
  await expect(page.getByText("Your plan")).toBeVisible();
  await expect(page.getByText(/^Renews /)).toBeVisible();
  await page.getByRole("button", { name: "Invoices and cards" }).click();
  await expect(page.getByRole("heading", { name: "Your subscription" })).toBeVisible(); // the fake portal
  await page.getByRole("button", { name: "End with the period" }).click();
  await page.goto("/billing?portal");
  await expect(page.getByText("Welcome back. Changes arrive in a moment.")).toBeVisible();
  await expect(page.getByText(/^Ends /)).toBeVisible();
});

test("A key is shown once, works for a program within its scopes, and stops when it is revoked", async ({ page }) => {
  await signIn(page, "/keys");
  await expect(page.getByText("No key yet")).toBeVisible();
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByLabel("Name").fill("Nightly films");
  await page.getByLabel("Credits a month, at most").fill("40");
  await page.getByRole("button", { name: "Create the key" }).click();
  const key = await page.locator("[data-secret]").innerText();
  const headers = { Authorization: `Bearer ${key}` };
  expect((await page.request.get("/api/jobs", { headers })).status()).toBe(200);
  expect((await page.request.get("/api/billing/ledger", { headers })).status()).toBe(403);
  await page.getByRole("button", { name: "I have it" }).click();
  await expect(page.getByText(key)).toBeHidden();
  await expect(page.getByText("40 credits")).toBeVisible();
  await page.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("group", { name: /stop working/ }).getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByText("No key yet")).toBeVisible();
  expect((await page.request.get("/api/jobs", { headers })).status()).toBe(401);
});

test("A second factor is set up with its secret, and the settings stay", async ({ page }) => {
  const email = await signIn(page, "/settings");
  await page.getByLabel("Name").fill("Ada <b>Lovelace</b>");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved")).toBeVisible();
  await page.getByRole("checkbox", { name: "a film fails" }).uncheck();
  const factor = page.getByRole("region", { name: "Second factor" });
  await factor.getByLabel("Current password").fill(PASSWORD);
  await factor.getByRole("button", { name: "Set it up" }).click();
  await expect(factor.getByRole("img", { name: "The secret as a QR code" })).toBeVisible();
  const secret = await factor.locator("[data-totp-secret]").innerText();
  await factor.getByRole("textbox", { name: "Code" }).fill(codeOf(secret));
  await factor.getByRole("button", { name: "Turn it on" }).click();
  await expect(factor.getByText("Your recovery codes")).toBeVisible();
  const recovery = (await factor.locator("[data-secret]").innerText()).split("\n")[0] ?? "";
  await page.reload();
  await expect(page.getByText(/It is on\. \d+ recovery codes are left/)).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue("Ada <b>Lovelace</b>");
  await expect(page.getByRole("checkbox", { name: "a film fails" })).not.toBeChecked();

  await page.locator("summary").first().click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/\/login/);
  await fillSignIn(page, email);
  await page.getByLabel("Code").fill(recovery);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
});

test("The session of another browser is ended from the list", async ({ page, browser }) => {
  const email = await signIn(page, "/sessions");
  const other = await browser.newContext();
  const login = await other.request.post("/api/auth/login", { data: { email, password: PASSWORD } });
  expect(login.status()).toBe(200);
  await page.reload();
  await expect(page.getByText("this browser")).toBeVisible();
  await page.getByRole("button", { name: "End", exact: true }).click();
  await page.getByRole("group", { name: "End this session?" }).getByRole("button", { name: "End" }).click();
  await expect(page.getByRole("button", { name: "End", exact: true })).toHaveCount(0);
  const refresh = await other.request.post("/api/auth/refresh", { headers: { "x-kinora-refresh": "1", origin: new URL(page.url()).origin } });
  expect(refresh.status()).toBe(401);
  await other.close();
});

test("An invite is accepted in a second browser, and the role and the cap of the new member are set", async ({ page, browser }) => {
  await signIn(page, "/team");
  await page.getByLabel("Name", { exact: true }).fill("Lantern Films");
  await expect(page.getByLabel("Short name")).toHaveValue("lantern-films");
  await page.getByLabel("Short name").fill(`lantern-${Date.now()}`);
  await page.getByRole("button", { name: "Create the organization" }).click();
  const guest = newAddress();
  await page.getByLabel("Email").fill(guest);
  await page.getByRole("button", { name: "Send the invite" }).click();
  await expect(page.getByText(`The invite to ${guest} is on its way.`)).toBeVisible();
  const link = await linkTo(guest);
  expect(link).toContain("/invite#token=");

  const second = await browser.newContext();
  const theirs = await second.newPage();
  await signIn(theirs, "/team", guest);
  await theirs.goto(link);
  await theirs.getByRole("button", { name: "Join" }).click();
  await expect(theirs.getByRole("region", { name: "Lantern Films" })).toBeVisible();
  await expect(theirs.getByRole("heading", { name: "Invite" })).toHaveCount(0); // a member invites nobody
  await second.close();

  await page.reload();
  await page.getByLabel(`Role of ${guest}`).selectOption("VIEWER");
  await page.getByLabel(`Monthly cap of ${guest}`).fill("25");
  await page.getByRole("listitem").filter({ hasText: guest }).getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("changed a member").first()).toBeVisible();
  await page.screenshot({ path: `${SHOTS}/team-members.png`, fullPage: true });
  await page.getByRole("listitem").filter({ hasText: guest }).getByRole("button", { name: "Remove" }).click();
  await page.getByRole("group", { name: /Remove/ }).getByRole("button", { name: "Remove" }).click();
  await expect(page.getByLabel(`Role of ${guest}`)).toHaveCount(0);
});

test("A webhook refuses an address that is not public, and a delivery is shown and sent again with the same id", async ({ page }) => {
  const received: { id: string; type: string }[] = [];
  const server = createServer((request, answer) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      received.push({ id: String(request.headers["webhook-id"]), type: (JSON.parse(body) as { type: string }).type });
      answer.writeHead(204).end();
    });
  }).listen(Number(process.env.WEBHOOK_PORT), "127.0.0.1");
  await signIn(page, "/webhooks");
  await page.getByRole("button", { name: "New webhook" }).click();
  await page.getByLabel("Address").fill("https://127.0.0.1/hook");
  await page.getByRole("button", { name: "Create the webhook" }).click();
  await expect(page.getByRole("main").getByRole("alert")).toContainText("not on the public Internet");
  await page.getByLabel("Address").fill(`http://127.0.0.1:${process.env.WEBHOOK_PORT}/kinora`); // the laptop cloud is open to it
  await page.getByRole("button", { name: "Create the webhook" }).click();
  await expect(page.locator("[data-secret]")).toContainText("whsec_");
  await page.getByRole("button", { name: "I have it" }).click();
  await page.getByRole("button", { name: "Send a test" }).click();
  const delivery = page.locator("[data-status]").first();
  await delivery.locator("summary").click();
  await expect(delivery.getByText("webhook.test").first()).toBeVisible();
  await expect(delivery).toHaveAttribute("data-status", "DELIVERED");
  await delivery.getByRole("button", { name: "Send again" }).click();
  await expect.poll(() => received.length).toBe(2);
  expect(received[1]).toEqual(received[0]);
  await expect(page.locator("[data-status=DELIVERED]")).toHaveCount(1);
  server.close();
  await page.getByRole("button", { name: "Disable" }).click();
  await expect(page.getByText("Disabled", { exact: true })).toBeVisible();
});

test("An organization is handed over, left, and deleted by its new owner", async ({ page, browser }) => {
  const guest = newAddress();
  await signIn(page, "/team");
  await page.getByLabel("Name", { exact: true }).fill("Harbour Films");
  await page.getByLabel("Short name").fill(`harbour-${Date.now()}`);
  await page.getByRole("button", { name: "Create the organization" }).click();
  await page.getByLabel("Email").fill(guest);
  await page.getByRole("button", { name: "Send the invite" }).click();
  await expect(page.getByText(`The invite to ${guest} is on its way.`)).toBeVisible();
  const invite = await linkTo(guest);
  const second = await browser.newContext();
  const theirs = await second.newPage();
  await signIn(theirs, "/team", guest);
  await theirs.goto(invite);
  await theirs.getByRole("button", { name: "Join" }).click();
  await expect(theirs.getByText("you are Member")).toBeVisible();

  await page.reload();
  await page.getByRole("button", { name: "Leave", exact: true }).click();
  await page.getByRole("group", { name: "Leave this organization?" }).getByRole("button", { name: "Leave" }).click();
  await expect(page.getByRole("main").getByRole("alert")).toBeVisible(); // the only owner stays
  await page.getByRole("combobox", { name: "New owner" }).selectOption({ label: guest });
  await page.getByRole("button", { name: "Hand over" }).click();
  await page.getByRole("group", { name: "You become an admin." }).getByRole("button", { name: "Hand over" }).click();
  await expect(page.getByText("you are Admin")).toBeVisible();
  await expect(page.getByText("handed the organization over")).toBeVisible();
  await expect(page.getByRole("button", { name: "Delete the organization" })).toHaveCount(0);
  await page.getByRole("button", { name: "Leave", exact: true }).click();
  await page.getByRole("group", { name: "Leave this organization?" }).getByRole("button", { name: "Leave" }).click();
  await expect(page.getByRole("heading", { name: "Work together" })).toBeVisible();

  await theirs.reload();
  await expect(theirs.getByText("you are Owner")).toBeVisible();
  await theirs.getByRole("button", { name: "Delete the organization" }).click();
  await theirs.getByRole("group", { name: /Delete Harbour Films/ }).getByRole("button", { name: "Delete the organization" }).click();
  await expect(theirs.getByRole("heading", { name: "Work together" })).toBeVisible();
  await expect(theirs.getByText("Harbour Films")).toHaveCount(0);
  await second.close();
});

test("The address is changed by the link to the new one, and the account is deleted with its password", async ({ page }) => {
  const old = await signIn(page, "/settings");
  const email = newAddress();
  await page.getByText("Change the address").click();
  await page.getByLabel("New address", { exact: true }).fill(email);
  await page.getByRole("region", { name: "Profile" }).getByLabel("Current password").fill(PASSWORD);
  await page.getByRole("button", { name: "Send the link" }).click();
  await expect(page.getByText(`A link is on its way to ${email}.`)).toBeVisible();
  await expect.poll(() => linkTo(email)).not.toBe("");
  await page.goto(await linkTo(email));
  await page.getByRole("button", { name: "Confirm the address" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  const login = (address: string) => page.request.post("/api/auth/login", { data: { email: address, password: PASSWORD } });
  expect((await login(old)).status()).toBe(401);
  await page.goto("/settings");
  await expect(page.getByRole("main").getByText(email)).toBeVisible();

  const ending = page.getByRole("region", { name: "Delete the account" });
  await ending.getByRole("button", { name: "Delete the account" }).click();
  await ending.getByLabel("Current password").fill("not my password");
  await ending.getByRole("button", { name: "Delete everything" }).click();
  await expect(ending.getByRole("alert")).toBeVisible();
  await ending.getByLabel("Current password").fill(PASSWORD);
  await ending.getByRole("button", { name: "Delete everything" }).click();
  await page.waitForURL(/\/login/);
  expect((await login(email)).status()).toBe(401);
});

/** Return the present code of an authenticator app (RFC 6238). */
function codeOf(secret: string): string {
  const bits = [...secret.replaceAll(/[\s=]/g, "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac("sha1", key).update(step).digest();
  const offset = (digest.at(-1) ?? 0) & 15;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
