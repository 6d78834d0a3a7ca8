// What npm leaves undone; runs after every install.
"use strict";
const { mkdirSync, readdirSync, rmSync, symlinkSync } = require("node:fs");
const { join, relative } = require("node:path");

const nodeModules = join(__dirname, "..", "node_modules");

// Below the temporary folder ape-solidity unpacks whole packages into contracts/.cache, and ape reads at most 500
// sources: with OpenZeppelin's 300 JSON build artefacts in the count, our own contracts vanish on the second compile.
rmSync(join(nodeModules, "@openzeppelin", "contracts", "build"), { recursive: true, force: true });

// foundry's Node launchers in .bin exit with 0 whatever the tool says, and leave it running when they are killed.
// `node_modules/.native` leads to the tools themselves.
const native = join(nodeModules, ".native");
rmSync(native, { recursive: true, force: true });
mkdirSync(native);
const foundry = join(nodeModules, "@foundry-rs");
for (const platformPackage of readdirSync(foundry).filter((name) => name.includes("-"))) {
  const bin = join(foundry, platformPackage, "bin");
  for (const tool of readdirSync(bin)) symlinkSync(relative(native, join(bin, tool)), join(native, tool));
}
