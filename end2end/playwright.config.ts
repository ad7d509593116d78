import { defineConfig } from "@playwright/test";
import { chromium } from "./fixtures/chromium.ts";

export default defineConfig({
  testDir: "stories",
  outputDir: "test-results",
  // A story that passes at the second try has failed.
  retries: 0,
  workers: 2,
  fullyParallel: true,
  forbidOnly: !!process.env["CI"],
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"], ["html", { open: "never" }]],
  // Pictures are taken on demand: npx playwright test --grep @screenshots
  ...(process.argv.some((word) => word.includes("@screenshots")) ? {} : { grepInvert: /@screenshots/ }),
  use: {
    browserName: "chromium",
    launchOptions: chromium,
    locale: "en-GB",
    // What a story answers in place of the server is not seen by a worker; those about the worker allow it.
    serviceWorkers: "block",
    timezoneId: "UTC",
    actionTimeout: 10_000,
    navigationTimeout: 15_000,
    screenshot: "only-on-failure",
    // Recording every step takes time, and nobody opens what lies on the gate's machine.
    trace: process.env["CI"] ? "off" : "retain-on-failure",
  },
});
