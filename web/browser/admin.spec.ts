import { expect, HOSTILE, signIn, SHOTS, test } from "./studio";

/** Make a user an admin of the studio in the table, as the operator's command does. */
async function appoint(userId: string): Promise<void> {
  const answer = await fetch(new URL(process.env.OUTBOX_URL ?? "").origin, {
    method: "POST",
    headers: {
      "Content-Type": "application/x-amz-json-1.0",
      "X-Amz-Target": "DynamoDB_20120810.UpdateItem",
      Authorization: "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
    },
    body: JSON.stringify({
      TableName: "kinora-local-users",
      Key: { user_id: { S: userId } },
      UpdateExpression: "SET platform_admin = :yes",
      ExpressionAttributeValues: { ":yes": { BOOL: true } },
    }),
  });
  expect(answer.status).toBe(200);
}

test("An admin suspends a user and disables an engine; others see no way to the page", async ({ page, browser }) => {
  const other = await browser.newContext();
  const theirs = await other.newPage();
  const email = await signIn(theirs, "/settings");
  await expect(theirs.getByRole("link", { name: "Administration" })).toHaveCount(0);
  await theirs.goto("/admin");
  await expect(theirs.getByText("This page is for the people who operate this studio.")).toBeVisible();

  const [me] = await Promise.all([page.waitForResponse(/\/api\/auth\/me$/), signIn(page, "/settings")]);
  await appoint(((await me.json()) as { id: string }).id);
  await page.reload();
  await page.getByRole("link", { name: "Administration" }).click();
  await page.getByRole("searchbox").fill(email);
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("button", { name: "Suspend" }).click();
  await page.getByLabel("Reason").fill(HOSTILE);
  await page.getByRole("button", { name: "Suspend" }).click();
  await expect(page.getByText(/Suspended /).filter({ hasText: HOSTILE })).toBeVisible();
  await theirs.goto("/settings");
  await theirs.waitForURL(/\/login/);
  await page.getByRole("button", { name: "End the suspension" }).click();
  await expect(page.getByRole("button", { name: "Suspend" })).toBeVisible();
  await page.getByRole("button", { name: "Give credits" }).first().click();
  await page.getByRole("spinbutton").fill("50");
  await page.getByLabel("Reason").fill("The film was faulty");
  await page.getByRole("button", { name: "Give credits" }).first().click();
  await expect(page.getByText("Now 150 credits")).toBeVisible();
  await page.screenshot({ path: `${SHOTS}/admin-users.png` });
  await page.getByRole("button", { name: "Engines" }).click();
  const engine = page.locator("[data-engine]").last();
  await engine.getByRole("button", { name: "Disable" }).click();
  await page.getByLabel("Reason").fill("Out of order");
  await engine.getByRole("button", { name: "Disable" }).click();
  await expect(engine.getByText(/Disabled .*: Out of order/)).toBeVisible();
  await engine.getByRole("button", { name: "Enable" }).click();
  await page.getByRole("button", { name: "Log" }).click();
  await expect(page.getByText(HOSTILE).first()).toBeVisible();
  await other.close();
});
