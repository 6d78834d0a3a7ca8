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
if (!answer.ok) process.exit(1); // a 402 says why: no payment was made
console.log(JSON.stringify(decodePaymentResponseHeader(answer.headers.get("PAYMENT-RESPONSE")))); // keep it
