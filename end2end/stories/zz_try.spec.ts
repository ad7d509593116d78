import { expect, test } from "../fixtures/story.ts";
test.use({ behindAWay: true });
test("discard then reload at once on a slow way", async ({ person, inkfast }) => {
  const form = await person.opens("activities/2");
  await form.type("title", "Inspect every valve");
  await form.isKeptOnTheServer();
  await person.reloads();
  await form.holds("title", "Inspect every valve");
  await inkfast.way.set({ kind: "slow", latency_ms: 200 });
  await form.itself.getByRole("button", { name: "Discard", exact: true }).click();
  await form.holds("title", "Inspect the pressure valve");
  await form.is("clean");
  await person.reloads();
  await form.holds("title", "Inspect the pressure valve");
  await form.is("clean");
});
