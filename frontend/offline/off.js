// What `/sw.js` is where pages are not kept: a worker from before goes, and what it kept with it.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => {
  const forget = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith("inkfast-")).map((name) => caches.delete(name)));
    await registration.unregister();
  };
  event.waitUntil(forget());
});
