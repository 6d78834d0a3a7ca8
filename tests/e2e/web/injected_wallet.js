// What a wallet's extension puts into a page: a provider (EIP-1193) that announces itself (EIP-6963).
(() => {
  const request = async (asked) => {
    const { result, error } = await window.liqpassTestWallet(asked);
    if (error) throw Object.assign(new Error(error.message), { code: error.code });
    return result;
  };
  const provider = Object.freeze({ request, on() {}, removeListener() {} });
  const info = Object.freeze({
    uuid: "0b9cbf3c-6f0a-4a6d-8f4e-3a2f6c1d5e77",
    name: "Test Wallet",
    icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>",
    rdns: "test.wallet",
  });
  const announce = () =>
    dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
  addEventListener("eip6963:requestProvider", announce);
  announce();
})();
