// An unpaid order's page: the list of open positions, and the payment.
import { get } from "./api.js";
import { element, say, words } from "./show.js";
import { mountPayment, resumePayment } from "./pay.js";

function choice(position) {
  const id = `position-${position.posId}`;
  const refused = position.reasons;
  const input = element("input", {
    type: "radio", id, name: "posId", value: position.posId, required: true, disabled: refused.length > 0,
    "data-inst": position.instId, "data-message": "Choose a position.", "aria-describedby": `${id}-more`,
  });
  const facts = [
    `${position.contracts} contracts`,
    `${position.leverage}× leverage`,
    position.mgnMode,
    `mark ${position.markPrice}`,
    `liquidation ${position.liquidationPrice || "unknown"}`,
  ];
  return element(
    "div",
    { class: "choice choice-card" },
    input,
    element(
      "label",
      { for: id },
      element("strong", {}, `${position.instId} ${position.direction}`),
      element("span", { class: "soft small", id: `${id}-more` }, ` ${facts.join(" · ")}`),
      ...refused.map((code) => element("p", { class: "error" }, words({ reasons: [code], message: code }))),
    ),
  );
}

function mountPositions(form) {
  const list = form.querySelector("[data-position-list]");
  const submit = form.querySelector("button[type=submit]");
  const again = form.querySelector("[data-again]");
  const hidden = element("input", { type: "hidden", name: "instId" });
  form.append(hidden);
  const load = async () => {
    list.replaceChildren(element("p", { class: "soft" }, "Asking OKX…"));
    submit.disabled = true;
    again.setAttribute("aria-busy", "true");
    try {
      const { positions } = await get(form.dataset.positions);
      if (!positions.length) {
        list.replaceChildren(
          element("p", {}, "OKX shows no open position on this account. Open one, or store a key of the account that has it."),
        );
        return;
      }
      list.replaceChildren(...positions.map(choice));
      submit.disabled = positions.every((position) => position.reasons.length);
      if (submit.disabled) list.append(element("p", {}, "None of these can be insured now, for the reasons given."));
    } catch (problem) {
      say(list, words(problem), "bad");
    } finally {
      again.removeAttribute("aria-busy");
    }
  };
  list.addEventListener("change", (event) => (hidden.value = event.target.dataset.inst));
  again.addEventListener("click", load);
  load();
}

const positions = document.querySelector("[data-positions]");
if (positions) mountPositions(positions);
const payment = document.querySelector("[data-pay]");
if (payment) mountPayment(payment);
const confirming = document.querySelector("[data-confirming]");
if (confirming) resumePayment(confirming);
