// A buyer whose payout USDC refused signs for another address.
import { get, Problem } from "./api.js";
import { faultsOf, showFaults } from "./forms.js";
import { busy, say, words } from "./show.js";
import { choose, hexOf, requireAccount, walletWords } from "./wallet.js";

const form = document.querySelector("#redirect");
const status = form.querySelector("[data-status]");

async function sign() {
  const recipient = form.elements.namedItem("recipient").value;
  const { message } = await get(`${form.dataset.messagePath}?recipient=${encodeURIComponent(recipient)}`);
  const wallet = await choose(form.querySelector("[data-wallets]"));
  const account = await requireAccount(wallet, form.dataset.buyer);
  say(status, "Look at your wallet: sign the text that names the new address.");
  const signature = await wallet.provider.request({ method: "personal_sign", params: [hexOf(message), account] });
  form.querySelector("#signed").textContent = `address ${recipient}\nsignature ${signature}`;
  form.querySelector("[data-signed]").hidden = false;
  say(status, "Signed. Send us both lines below.", "ok");
}

form.noValidate = true;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const faults = faultsOf(form);
  showFaults(form, faults);
  if (faults.length) return;
  busy(event.submitter, "", () =>
    sign().catch((error) => say(status, error instanceof Problem ? words(error) : walletWords(error), "bad")),
  );
});
