// The text that a buyer signs to be paid at another wallet.
import { get } from "./api.js";
import { words } from "./show.js";

for (const form of document.querySelectorAll("[data-redirect]")) {
  const recipient = form.elements.namedItem("recipient");
  const text = form.querySelector("[data-text]");
  recipient.addEventListener("change", async () => {
    if (!recipient.validity.valid) return;
    try {
      const { message } = await get(`${form.dataset.redirect}?recipient=${encodeURIComponent(recipient.value)}`);
      text.textContent = message;
    } catch (problem) {
      text.textContent = words(problem);
    }
  });
}
