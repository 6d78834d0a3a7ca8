// Forms with data-api are sent as JSON to the API. Attributes:
//   data-api, data-method     where and how; data-then  "reload" or a path in which {name} stands for a field of the answer
//   data-confirm              id of a <dialog> that must be agreed to first
// Inputs: data-type="boolean|integer" for values that are no text; empty optional fields are left out.
import { call, freshKey } from "./api.js";
import { busy, element, words } from "./show.js";

export function valuesOf(form, submitter) {
  const body = {};
  for (const input of form.elements) {
    if (!input.name || input.disabled || (input.type === "radio" && !input.checked)) continue;
    if (input.type === "checkbox") {
      if (input.dataset.type === "boolean") body[input.name] = input.checked;
      continue;
    }
    if (input.tagName === "BUTTON" && input !== submitter) continue;
    if (input.value === "" && !input.required && !("keep" in input.dataset)) continue;
    body[input.name] = typed(input.value, input.dataset.type);
  }
  return body;
}

function typed(value, type) {
  if (type === "boolean") return value === "true";
  if (type === "integer") return Number.parseInt(value, 10);
  return value;
}

export function showFaults(form, faults) {
  clear(form);
  if (!faults.length) return;
  const list = element("ul");
  for (const { input, text } of faults) {
    if (!input) {
      list.append(element("li", {}, text));
      continue;
    }
    input.setAttribute("aria-invalid", "true");
    const place = document.getElementById(`${input.id}-error`);
    if (place) place.textContent = text;
    list.append(element("li", {}, element("a", { href: `#${input.id}` }, text)));
  }
  const summary = form.querySelector("[data-summary]");
  summary.replaceChildren(
    element("div", { class: "notice notice-bad", tabindex: "-1" }, element("p", {}, "This was not done:"), list),
  );
  summary.firstElementChild.focus();
}

function clear(form) {
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  for (const place of form.querySelectorAll(".error")) place.textContent = "";
  form.querySelector("[data-summary]")?.replaceChildren();
}

export function faultsOf(form) {
  return [...form.elements]
    .filter((input) => input.willValidate && !input.validity.valid)
    .map((input) => ({ input, text: input.dataset.message || input.validationMessage }));
}

export function confirmed(dialog) {
  if (!dialog) return Promise.resolve(true);
  const opener = document.activeElement;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        opener?.focus();
        resolve(dialog.returnValue === "yes");
      },
      { once: true },
    );
  });
}

function problemFaults(form, problem) {
  const named = problem.errors.flatMap(({ field, message }) => {
    const input = form.elements.namedItem(field.replace(/^body\./, ""));
    return input instanceof HTMLElement ? [{ input, text: message }] : [];
  });
  return named.length ? named : [{ text: words(problem) }];
}

export async function send(form, submitter) {
  const faults = faultsOf(form);
  if (faults.length) {
    showFaults(form, faults);
    return;
  }
  if (!(await confirmed(document.getElementById(form.dataset.confirm)))) return;
  clear(form);
  const key = freshKey();
  await busy(submitter, "", async () => {
    try {
      const method = form.dataset.method || "POST";
      const body = method === "DELETE" ? undefined : valuesOf(form, submitter);
      const answer = await call(method, form.dataset.api, body, { key });
      const then = form.dataset.then || "reload";
      if (then === "reload") location.reload();
      else location.assign(then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer[name])));
      await new Promise(() => {}); // stays busy until the next page is there
    } catch (problem) {
      showFaults(form, problem.errors ? problemFaults(form, problem) : [{ text: String(problem) }]);
    }
  });
}

export function mountForms(root = document) {
  for (const form of root.querySelectorAll("form[data-api]")) {
    form.noValidate = true; // ours are shown at the field and in a summary
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const submitter = event.submitter || form.querySelector("button[type=submit]");
      if (submitter.getAttribute("aria-disabled") !== "true") send(form, submitter);
    });
  }
  for (const dialog of root.querySelectorAll("dialog")) {
    for (const button of dialog.querySelectorAll("[data-answer]")) {
      button.addEventListener("click", () => dialog.close(button.dataset.answer));
    }
  }
}
