// Connecting a wallet and signing in with it (EIP-4361).
import { call, Problem } from "./api.js";
import { busy, say, words } from "./show.js";
import { accountOf, choose, ensureNetwork, hexOf, isOnNetwork, network, remember, walletWords } from "./wallet.js";

for (const place of document.querySelectorAll("[data-sign-in]")) {
  const button = place.querySelector("[data-connect]");
  const list = place.querySelector("[data-wallets]");
  const status = place.querySelector("[role=status]");
  const switcher = place.querySelector("[data-switch]");

  const signIn = async (wallet) => {
    const address = await accountOf(wallet);
    remember(wallet);
    if (!(await isOnNetwork(wallet))) {
      say(status, `Your wallet is on another network. LiqPass works on ${network.name}.`, "warn");
      switcher.hidden = false;
      switcher.onclick = () => attempt(switcher, async () => {
        await ensureNetwork(wallet);
        switcher.hidden = true;
        await signIn(wallet);
      });
      switcher.focus();
      return;
    }
    say(status, "Look at your wallet: it asks you to sign a message. Signing costs nothing and sends nothing.");
    const { message } = await call("POST", place.dataset.nonce, { address });
    const signature = await wallet.provider.request({ method: "personal_sign", params: [hexOf(message), address] });
    await call("POST", place.dataset.signIn, { message, signature });
    say(status, "Signed in.", "ok");
    location.assign(place.dataset.then || location.href);
    await new Promise(() => {}); // stays busy until the next page is there
  };

  const attempt = (by, work) =>
    busy(by, "", async () => {
      try {
        await work();
      } catch (error) {
        say(status, error instanceof Problem ? words(error) : walletWords(error), "bad");
      }
    });

  button.addEventListener("click", () =>
    attempt(button, async () => {
      say(status, "");
      await signIn(await choose(list, { ask: true }));
    }),
  );
}
