import { defineConfig } from "@playwright/test";
import { chromium } from "./fixtures/chromium.ts";

// One at a time and without traces, which cost what is measured.
export default defineConfig({
  testDir: "benchmarks",
  testMatch: "*.bench.ts",
  outputDir: "test-results",
  workers: 1,
  reporter: [["line"]],
  use: { browserName: "chromium", launchOptions: chromium, locale: "en-GB", timezoneId: "UTC" },
});
