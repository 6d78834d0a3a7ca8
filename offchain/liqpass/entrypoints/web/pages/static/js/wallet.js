// Wallets: announced ones (EIP-6963), else window.ethereum (EIP-1193). The choice is remembered for the next page.
import { element } from "./show.js";

const REMEMBERED = "liqpass.wallet";
export const network = JSON.parse(document.documentElement.dataset.network || "{}");

export async function wallets() {
  const found = new Map();
  const hear = ({ detail }) => {
    if (detail?.info?.uuid && detail.provider) found.set(detail.info.uuid, detail);
  };
  addEventListener("eip6963:announceProvider", hear);
  dispatchEvent(new Event("eip6963:requestProvider"));
  await new Promise((resolve) => setTimeout(resolve, 150)); // extensions answer late while a page loads
  removeEventListener("eip6963:announceProvider", hear);
  if (!found.size && window.ethereum) {
    found.set("injected", { info: { name: "Browser wallet", rdns: "injected" }, provider: window.ethereum });
  }
  return [...found.values()];
}

export function remember(wallet) {
  localStorage.setItem(REMEMBERED, wallet.info.rdns || "");
}

/** The wallet to use: the only one, the remembered one, or what the person picks in `place`. */
export async function choose(place, { ask = false } = {}) {
  const found = await wallets();
  if (!found.length) {
    throw new Error("No wallet was found in this browser. Install one, or open this page in your wallet's browser.");
  }
  const remembered = found.find(({ info }) => info.rdns && info.rdns === localStorage.getItem(REMEMBERED));
  if (!ask && (remembered || found.length === 1)) return remembered || found[0];
  return new Promise((resolve) => {
    const buttons = found.map((wallet) => {
      const button = element("button", { type: "button", class: "button button-second" }, wallet.info.name);
      button.addEventListener("click", () => {
        remember(wallet);
        place.replaceChildren();
        resolve(wallet);
      });
      return button;
    });
    place.replaceChildren(
      element("div", { class: "button-list", role: "group", "aria-label": "Choose a wallet" }, ...buttons),
    );
    buttons[0].focus();
  });
}

export async function accountOf(wallet) {
  const [account] = await wallet.provider.request({ method: "eth_requestAccounts" });
  if (!account) throw new Error("The wallet shared no account.");
  return account;
}

/** The account that this page is signed in with. Asks once more where the wallet has another one selected. */
export async function requireAccount(wallet, wanted) {
  const accounts = await wallet.provider.request({ method: "eth_requestAccounts" });
  const mine = accounts.find((account) => account.toLowerCase() === wanted.toLowerCase());
  if (!mine) throw new Error(`Your wallet has another account selected. Switch it to ${wanted} and try again.`);
  return mine;
}

export async function isOnNetwork(wallet) {
  return Number(await wallet.provider.request({ method: "eth_chainId" })) === network.chainId;
}

/** Asks the wallet to switch, and to learn the network where it does not know it. */
export async function ensureNetwork(wallet) {
  if (await isOnNetwork(wallet)) return;
  const chainId = `0x${network.chainId.toString(16)}`;
  try {
    await wallet.provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId }] });
  } catch (error) {
    if (error?.code === 4001 || !network.rpcUrl) throw wrongNetwork();
    await wallet.provider.request({
      method: "wallet_addEthereumChain",
      params: [
        {
          chainId,
          chainName: network.name,
          nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
          rpcUrls: [network.rpcUrl],
          blockExplorerUrls: network.explorer ? [network.explorer] : undefined,
        },
      ],
    });
  }
  if (!(await isOnNetwork(wallet))) throw wrongNetwork();
}

const wrongNetwork = () => new Error(`Your wallet is on another network. Switch it to ${network.name} and try again.`);

/** A text as `personal_sign` takes it. */
export function hexOf(text) {
  const bytes = new TextEncoder().encode(text);
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** A wallet's error in words; saying no is not an error to shout about. */
export function walletWords(error) {
  if (error?.code === 4001) return "You declined in your wallet. Nothing was sent.";
  if (error?.code === -32002) return "Your wallet has a request open already: look there.";
  return error?.message || String(error);
}
