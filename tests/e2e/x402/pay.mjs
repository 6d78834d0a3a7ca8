// The stock npm client: pays `times` calls of a URL at once and prints what each was answered, a line each.
import { ExactEvmScheme } from "@x402/evm";
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { privateKeyToAccount } from "viem/accounts";

const [url, times] = process.argv.slice(2);
const account = privateKeyToAccount(process.env.CLIENT_KEY);
const client = new x402Client().register("eip155:*", new ExactEvmScheme(account));
const mock = { network: "eip155:31337", asset: process.env.USDC, maxAmountPerPayment: "1000000" };
const pay = wrapFetchWithPayment(fetch, client.setSpendControls({ allowedAssets: [mock] }));

async function call() {
  const answer = await pay(url);
  const told = answer.headers.get("PAYMENT-RESPONSE");
  const settled = told === null ? null : decodePaymentResponseHeader(told);
  return { status: answer.status, body: await answer.text(), settled };
}

const answers = await Promise.all(Array.from({ length: Number(times) }, call));
for (const answer of answers) console.log(JSON.stringify(answer));
