// Verifies the proof in the reader's own browser, with OpenZeppelin's library, from what is on the page.
import { SimpleMerkleTree } from "../vendor/merkle-tree.js";

const place = document.querySelector("[data-proof]");
const verdict = place.querySelector("[data-verdict]");
const shown = (name) => place.querySelector(`[data-${name}]`)?.textContent.trim() ?? "";

function verify() {
  const nodes = [...place.querySelectorAll("[data-node]")].map((node) => node.textContent.trim());
  // A leaf of a standard tree is hashed already; walking up from it is what the simple tree does.
  return SimpleMerkleTree.verify(shown("root"), shown("leaf"), nodes);
}

let isProven = false;
let why = "";
try {
  isProven = verify();
} catch (error) {
  why = ` (${error.message})`;
}
const icon = verdict.querySelector(isProven ? "[data-icon=good]" : "[data-icon=bad]");
icon.removeAttribute("hidden");
verdict.classList.add(isProven ? "verdict-ok" : "verdict-bad");
verdict.querySelector("[data-icon=wait]")?.setAttribute("hidden", "");
verdict.querySelector("[data-result]").textContent = isProven
  ? "Verified in your browser: this payout is part of the batch with this root."
  : `Not verified: leaf and proof do not give this root${why}.`;
