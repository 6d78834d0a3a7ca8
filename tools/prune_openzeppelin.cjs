// ape-solidity copies the whole npm package into contracts/.cache, and ape reads at most 500 sources:
// with OpenZeppelin's 300 JSON build artefacts in the count, our own contracts vanish on the second compile.
const { rmSync } = require("node:fs");
const { join } = require("node:path");

rmSync(join(__dirname, "..", "node_modules", "@openzeppelin", "contracts", "build"), { recursive: true, force: true });
