// Writes the one library that our pages load: @openzeppelin/merkle-tree, as an ES module that a browser can import.
"use strict";
const { join } = require("node:path");
const { buildSync } = require("esbuild");

const root = join(__dirname, "..");
const vendor = join(root, "offchain", "liqpass", "entrypoints", "web", "pages", "static", "vendor");

buildSync({
  // SimpleMerkleTree walks a proof from the leaf's hash: the proof page knows no more of a payout than that.
  stdin: { contents: 'export { SimpleMerkleTree } from "@openzeppelin/merkle-tree";', resolveDir: root },
  outfile: join(vendor, "merkle-tree.js"),
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  minify: true,
  legalComments: "eof", // licences of what is bundled stay with it
  logLevel: "warning",
});
