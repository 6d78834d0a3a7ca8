// Small pieces of page: text goes in as text, never as markup.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function say(region, text, tone = "info") {
  // A region with role=status or alert is read out when its text changes.
  if (!region) return;
  region.replaceChildren(...(text ? [element("p", { class: `notice notice-${tone}` }, text)] : []));
}

export async function busy(button, text, work) {
  const before = button.textContent;
  button.setAttribute("aria-busy", "true");
  button.disabled = true;
  if (text) button.textContent = text;
  try {
    return await work();
  } finally {
    button.removeAttribute("aria-busy");
    button.disabled = false;
    button.textContent = before;
  }
}

export function words(error) {
  // The sentence of the first known reason says more to a person than the API's detail.
  const known = document.getElementById("reason-words");
  const sentences = known ? JSON.parse(known.dataset.sentences) : {};
  const said = (error.reasons || []).map((code) => sentences[code]).filter(Boolean);
  const text = said.length ? said.join(" ") : error.message || String(error);
  return error.requestId ? `${text} (request ${error.requestId})` : text;
}
