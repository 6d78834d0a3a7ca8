// Pays for one call with the stock npm packages: nothing of ours is needed to be covered.
import { ExactEvmScheme } from "@x402/evm";
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { privateKeyToAccount } from "viem/accounts";

const { CLIENT_KEY, USDC } = process.env;
const client = new x402Client().register("eip155:*", new ExactEvmScheme(privateKeyToAccount(CLIENT_KEY)));
if (USDC) {
  // On a chain of one's own; Circle's the SDK knows.
  const mock = { network: "eip155:31337", asset: USDC, maxAmountPerPayment: "1000000" };
  client.setSpendControls({ allowedAssets: [mock] });
}

const answer = await wrapFetchWithPayment(fetch, client)(process.argv[2]);
console.log(answer.status, await answer.text());
if (answer.status === 402) {
  // Not served; what was paid all the same is given back.
  const [settled, offer] = ["RESPONSE", "REQUIRED"].map((name) => answer.headers.get(`PAYMENT-${name}`));
  const { errorReason, error } = JSON.parse(atob(settled ?? offer));
  console.error(errorReason ?? error);
}
if (!answer.ok) process.exit(1);
console.log(JSON.stringify(decodePaymentResponseHeader(answer.headers.get("PAYMENT-RESPONSE")))); // keep it
