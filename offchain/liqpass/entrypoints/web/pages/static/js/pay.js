// Paying a premium: one signature that a relayer sends, or two transactions of one's own.
import { call, get, pause, Problem } from "./api.js";
import { faultsOf, showFaults } from "./forms.js";
import { busy, say, words } from "./show.js";
import { choose, ensureNetwork, requireAccount, walletWords } from "./wallet.js";

const SENT = (order) => `liqpass.sent.${order}`;
const CONFIRMS_MS = 3000;
const WAITING = ["PAYMENT_TOO_SHALLOW", "PAYMENT_NOT_FOUND"];

export function mountPayment(place) {
  const order = place.dataset.pay;
  const form = place.querySelector("#pay-form");
  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    pay(place, form, event.submitter);
  });
  resumePayment(place, order);
}

async function pay(place, form, submitter) {
  const faults = faultsOf(form);
  showFaults(form, faults);
  if (faults.length) return;
  const status = place.querySelector("[data-status]");
  const others = [...form.querySelectorAll("button[type=submit]")].filter((button) => button !== submitter);
  for (const button of others) button.disabled = true; // one premium is enough
  await busy(submitter, "", async () => {
    try {
      const wallet = await choose(form.querySelector("[data-wallets]"));
      const account = await requireAccount(wallet, place.dataset.buyer);
      await ensureNetwork(wallet);
      const prepared = await get(`/api/purchase-orders/${place.dataset.pay}/payment`);
      const way = submitter.value === "gasless" ? sign : send;
      await way(wallet.provider, account, prepared, place.dataset.pay, status);
    } catch (error) {
      say(status, error instanceof Problem ? words(error) : walletWords(error), "bad");
    }
  });
  for (const button of others) button.disabled = false;
}

async function sign(provider, account, prepared, order, status) {
  say(status, "Look at your wallet: sign the payment. It can only go to LiqPass, for this order and amount.");
  const signature = await provider.request({
    method: "eth_signTypedData_v4",
    params: [account, JSON.stringify(prepared.typedData)],
  });
  await call("POST", `/api/purchase-orders/${order}/authorize-payment`, {
    validBefore: Number(prepared.validBefore),
    signature,
  });
  location.reload();
  await new Promise(() => {}); // stays busy until the next page is there
}

async function send(provider, account, prepared, order, status) {
  say(status, "1 of 2: allow exactly the premium, in your wallet.");
  const allowed = await transact(provider, account, prepared.approve);
  say(status, "1 of 2: waiting until the network has it…");
  await mined(provider, allowed);
  say(status, "2 of 2: pay the premium, in your wallet.");
  const paid = await transact(provider, account, prepared.pay);
  localStorage.setItem(SENT(order), paid); // a page that is closed now goes on from here
  await confirm(order, paid, status);
}

function transact(provider, account, { to, data, value }) {
  return provider.request({ method: "eth_sendTransaction", params: [{ from: account, to, data, value }] });
}

async function mined(provider, hash) {
  for (;;) {
    const receipt = await provider.request({ method: "eth_getTransactionReceipt", params: [hash] });
    if (receipt) {
      if (Number(receipt.status) !== 1) throw new Error("The transaction failed on chain: nothing was paid.");
      return;
    }
    await pause(CONFIRMS_MS);
  }
}

/** Names the transaction to the service until it is deep enough. */
async function confirm(order, hash, status) {
  for (;;) {
    try {
      await call("POST", `/api/purchase-orders/${order}/submit-payment`, { transactionHash: hash });
      localStorage.removeItem(SENT(order));
      say(status, "Paid. Your cover is on its way.", "ok");
      location.reload();
      return new Promise(() => {});
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (!WAITING.some((reason) => problem.has(reason)) && problem.status < 500 && problem.status !== 0) {
        localStorage.removeItem(SENT(order));
        throw problem;
      }
      const depth = /(\d+) of (\d+)/.exec(problem.message);
      say(status, depth ? `Payment seen: ${depth[1]} of ${depth[2]} confirmations.` : words(problem));
    }
    await pause(CONFIRMS_MS);
  }
}

export function resumePayment(place, order = place.dataset.confirming) {
  const hash = localStorage.getItem(SENT(order));
  if (!hash) return;
  const status = place.querySelector("[data-status]");
  const form = place.querySelector("#pay-form");
  if (form) form.hidden = true; // paid already, as far as this browser knows
  confirm(order, hash, status).catch((error) => {
    say(status, words(error), "bad");
    if (form) form.hidden = false;
  });
}
