// Takes the page's fresh numbers over every few seconds, unless it is paused, out of sight, or somebody reads with the
// keyboard or has marked something. What cannot be refreshed says so.
const pause = document.querySelector("[data-live-pause]");
const isPaused = () => pause.getAttribute("aria-pressed") === "true";
const isInUse = (numbers) => numbers.contains(document.activeElement) || !getSelection().isCollapsed;
pause.hidden = false;
pause.addEventListener("click", () => pause.setAttribute("aria-pressed", String(!isPaused())));
setInterval(async () => {
  const numbers = document.querySelector("[data-live]");
  if (document.hidden || isPaused() || isInUse(numbers)) return;
  const headers = { "x-inkfast-unattended": "1" };
  const answer = await fetch(location.href, { headers, signal: AbortSignal.timeout(4000) }).catch(() => undefined);
  const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : undefined;
  const fresh = page?.querySelector("[data-live]");
  if (fresh && !isPaused() && !isInUse(numbers)) numbers.replaceWith(document.adoptNode(fresh));
  numbers.classList.toggle("is-stale", !fresh);
}, 5000);
