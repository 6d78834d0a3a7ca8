// On every page: forms, times, copying, signing out, and waiting for what is pending.
import { call, get } from "./api.js";
import { mountForms } from "./forms.js";
import { mountTimes } from "./time.js";

function mountCopy() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
      const before = button.textContent;
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = before), 1500);
    });
  }
}

function mountSignOut() {
  const button = document.querySelector("[data-sign-out]");
  button?.addEventListener("click", async () => {
    button.disabled = true;
    await call("POST", button.dataset.signOut).catch(() => {}); // signed out already is signed out
    location.assign(button.dataset.then);
  });
}

function mountPoll() {
  // Gentle: from 4 s, slower each time to 30 s, and only while the page is looked at.
  const places = [...document.querySelectorAll("[data-poll]")];
  if (!places.length) return;
  let wait = 4000;
  const look = async () => {
    if (!document.hidden && !document.querySelector("dialog[open]")) {
      for (const place of places) {
        const answer = await get(place.dataset.poll).catch((problem) => problem);
        const isOver = answer.status === 401; // signed out meanwhile: the page says so
        if (isOver || (answer.state && answer.state !== place.dataset.state)) return location.reload();
      }
      wait = Math.min(wait * 1.3, 30000);
    }
    return setTimeout(look, wait);
  };
  setTimeout(look, wait);
}

mountForms();
mountTimes();
mountCopy();
mountSignOut();
mountPoll();
