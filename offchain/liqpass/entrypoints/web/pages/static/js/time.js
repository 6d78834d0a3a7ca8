// Times are UTC on the page; the reader's own time is added to each, and countdowns run by the server's clock.

const serverNow = Number(document.documentElement.dataset.nowMs || Date.now());
const started = performance.now();
export const nowMs = () => serverNow + (performance.now() - started);

export function left(ms) {
  const total = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours >= 48
    ? `${Math.floor(hours / 24)} d ${hours % 24} h`
    : `${hours}:${two(minutes)}:${two(seconds)}`;
}

export function mountTimes(root = document) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const time of root.querySelectorAll("time[datetime]")) {
    const value = new Date(time.dateTime);
    if (!Number.isNaN(value.getTime())) time.title = `${format.format(value)} (${zone})`;
  }
  const countdowns = [...root.querySelectorAll("[data-until-ms]")];
  if (!countdowns.length) return;
  let over = false;
  const tick = () => {
    for (const place of countdowns) {
      const rest = Number(place.dataset.untilMs) - nowMs();
      place.textContent = left(rest);
      if (rest <= 0 && "reload" in place.dataset && !over) {
        over = true; // the page has another state from now on; once, in case the clocks differ by a little
        setTimeout(() => location.reload(), 2000);
      }
    }
  };
  tick();
  setInterval(tick, 1000);
}
