// Compiles every contract of this folder into artefacts.json; with --check it only says whether
// that file is stale. The compiler's version is pinned in package.json, and the metadata hash is left
// out, so the same sources give the same bytes on every machine.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import solc from "solc";

const folder = new URL(".", import.meta.url);
const output = new URL("artefacts.json", folder);
const names = readdirSync(folder).filter((name) => name.endsWith(".sol")).sort();
const sources = Object.fromEntries(
  names.map((name) => [name, { content: readFileSync(new URL(name, folder), "utf8") }]),
);
const settings = {
  evmVersion: "cancun",
  optimizer: { enabled: true, runs: 1_000_000 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["evm.deployedBytecode.object", "evm.methodIdentifiers", "storageLayout"] } },
};
const compiled = JSON.parse(
  solc.compile(JSON.stringify({ language: "Solidity", sources, settings })),
);
for (const error of compiled.errors ?? []) console.error(error.formattedMessage);
if (compiled.errors?.some((error) => error.severity === "error")) process.exit(1);

const contracts = {};
for (const [file, inside] of Object.entries(compiled.contracts)) {
  for (const [name, contract] of Object.entries(inside)) {
    const code = contract.evm.deployedBytecode.object;
    if (code === "") continue; // an interface
    // Names of variables by slot; those that share one are in one text.
    const storage = {};
    for (const { label, slot } of contract.storageLayout?.storage ?? []) {
      storage[slot] = slot in storage ? `${storage[slot]}, ${label}` : label;
    }
    const functions = contract.evm.methodIdentifiers;
    contracts[name] = { source: file, functions, storage, code: "0x" + code };
  }
}
const text = JSON.stringify({ compiler: solc.version(), settings, contracts }, null, 2) + "\n";
if (process.argv.includes("--check")) {
  if (readFileSync(output, "utf8") === text) process.exit(0);
  console.error("artefacts.json is stale: run `npm ci && npm run build` in corpora/contracts");
  process.exit(1);
}
writeFileSync(output, text);
console.log(`${Object.keys(contracts).length} contracts, solc ${solc.version()}`);
