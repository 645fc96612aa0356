import chromium from "@sparticuz/chromium";
import { defineConfig } from "@playwright/test";

/**
 * The browser suite against a running laptop cloud: STUDIO_URL and OUTBOX_URL. `make web-check` starts one.
 * The browser is the one of the package, or CHROMIUM.
 */
export default defineConfig({
  testDir: "browser",
  outputDir: "../build/browser/results",
  workers: 1, // the films share the workers of one laptop cloud
  timeout: 600_000, // a film on a busy machine
  expect: { timeout: 60_000 },
  reporter: "line",
  use: {
    baseURL: process.env.STUDIO_URL ?? "http://127.0.0.1:8700",
    locale: "en-GB",
    viewport: { width: 1366, height: 768 },
    trace: "retain-on-failure",
    contextOptions: { reducedMotion: "reduce" }, // previews rest, so that the renderer has the processors
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? (await chromium.executablePath()),
      args: ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
    },
  },
});
