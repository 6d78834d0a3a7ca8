// The twin of liqpass.x402 in test_x402_twin.py: what a client or provider in JavaScript computes with ethers from
// [{chainId, contract, provider, client, nonce, key, data}]: first the request's commitment, then the settlement's.
// `data` holds the typed data that liqpass.x402 makes for each, which an ethers wallet must read as its own.
const fs = require('fs');
const {
  AbiCoder,
  TypedDataEncoder,
  Wallet,
  concat,
  getCreate2Address,
  getCreateAddress,
  keccak256,
  toBeHex,
  verifyTypedData,
  zeroPadValue,
} = require('ethers');

const WORDS = ['uint256', 'address', 'address', 'address', 'bytes32'];
const TYPES = { ServiceConfirmation: [{ name: 'requestCommitment', type: 'bytes32' }] };
const SETTLED = 1n << 255n;

async function confirmation(domain, requestCommitment, wallet, data) {
  const value = { requestCommitment };
  const signature = await wallet.signTypedData(domain, TYPES, value);
  return {
    digest: TypedDataEncoder.hash(domain, TYPES, value),
    digestOfData: digestOf(data),
    signature,
    signer: verifyTypedData(domain, TYPES, value, signature),
  };
}

function digestOf({ domain, types: { EIP712Domain, ...types }, message }) {
  return TypedDataEncoder.hash(domain, types, message);
}

function paymentAddress(contract, provider) {
  const implementation = getCreateAddress({ from: contract, nonce: 1 });
  const clone = concat([
    '0x3d602d80600a3d3981f3363d3d373d3d3d363d73',
    implementation,
    '0x5af43d82803e903d91602b57fd5bf3',
  ]);
  return getCreate2Address(contract, zeroPadValue(provider, 32), keccak256(clone));
}

async function answer({ chainId, contract, provider, client, nonce, key, data }) {
  const encoded = AbiCoder.defaultAbiCoder().encode(WORDS, [chainId, contract, provider, client, nonce]);
  const hash = BigInt(keccak256(encoded));
  const commitments = [toBeHex(hash & (SETTLED - 1n), 32), toBeHex(hash | SETTLED, 32)];
  const domain = { name: 'X402InsuranceV2', version: '1', chainId, verifyingContract: contract };
  const wallet = new Wallet(key);
  return {
    paymentAddress: paymentAddress(contract, provider),
    commitments,
    confirmations: await Promise.all(commitments.map((each, i) => confirmation(domain, each, wallet, data[i]))),
  };
}

const cases = JSON.parse(fs.readFileSync(0, 'utf8'));
Promise.all(cases.map(answer)).then(answers => fs.writeFileSync(1, JSON.stringify(answers)));
