#!/usr/bin/env node
// The official solc from npm (WebAssembly) behind the two calls that ape, forge and slither make of a native compiler:
// `--version`, and `--standard-json` from standard input to standard output.
"use strict";
const { readFileSync, writeSync } = require("node:fs");
const { join } = require("node:path");

const soljson = require(join(__dirname, "..", "..", "node_modules", "solc", "soljson.js"));

function writeAll(text) {
  // process.exit after process.stdout.write cuts a pipe at 64 KiB; writeSync does not.
  const bytes = Buffer.from(text, "utf8");
  for (let sent = 0; sent < bytes.length; ) {
    try {
      sent += writeSync(1, bytes, sent);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

function compile(input) {
  // ccall with a string goes over the WebAssembly stack and aborts at about 2 MB: hand over a pointer instead.
  const bytes = Buffer.from(input, "utf8");
  const allocate = soljson.cwrap("solidity_alloc", "number", ["number"]);
  const pointer = allocate(bytes.length + 1);
  soljson.HEAPU8.set(bytes, pointer);
  soljson.HEAPU8[pointer + bytes.length] = 0;
  const solidityCompile = soljson.cwrap("solidity_compile", "number", ["number", "number", "number"]);
  return soljson.UTF8ToString(solidityCompile(pointer, 0, 0));
}

// A "magic" AST id is a negative int32 that this build prints as uint32; native tools refuse it.
function signAstIds(output) {
  return output.replace(/("(?:id|referencedDeclaration)":)(4294967\d{3})\b/g, (_, key, id) => key + (Number(id) - 2 ** 32));
}

const args = process.argv.slice(2);
if (args.includes("--version")) {
  const version = soljson.cwrap("solidity_version", "string", [])();
  writeAll(`solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
} else if (args.includes("--standard-json")) {
  writeAll(signAstIds(compile(readFileSync(0, "utf8"))));
} else {
  process.stderr.write("usage: solc.cjs --version | --standard-json < input.json\n");
  process.exitCode = 1;
}
