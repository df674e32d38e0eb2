/**
 * Makes `kubectl sluice` into an npm package that needs no other, and brings docs/kubectl-sluice.md up to date with its help:
 *
 *   node dist/scripts/plugin.js
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { commandLine } from '../plugin/command-line.js';
import { NEEDED_NODE } from '../plugin/node-version.js';
import { bundle } from './bundle.js';

const PACKAGE = 'kubectl-sluice';
export const DOCS = 'docs/kubectl-sluice.md';

/** Writes the package into a folder: the program, its description, its documentation. */
export async function makePlugin(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await bundle(folder, ['plugin']);
  const { version, license } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, string>;
  const description = {
    name: PACKAGE,
    version,
    description: 'Follow and steer blue-green upgrades of EMQX StatefulSets from kubectl',
    license,
    type: 'module',
    engines: { node: `>=${NEEDED_NODE}` },
    // kubectl runs the first as `kubectl sluice`, and asks the second when a shell completes it.
    bin: { 'kubectl-sluice': 'plugin.js', 'kubectl_complete-sluice': 'plugin.js' },
  };
  writeFileSync(`${folder}/package.json`, `${JSON.stringify(description, null, 2)}\n`);
  copyFileSync(DOCS, `${folder}/README.md`);
  copyFileSync('LICENSE', `${folder}/LICENSE`);
}

const HEADING = '## Commands\n';

/** The documentation with the help of every command below its last heading. Pure. */
export function withCommands(documentation: string): string {
  const before = documentation.slice(0, documentation.indexOf(HEADING) + HEADING.length);
  let said = '';
  const program = commandLine({
    act: () => Promise.resolve(),
    write: (text) => (said += text),
    writeError: () => undefined,
    columns: Infinity,
    version: '',
  });
  const sections = [program, ...program.commands].map((command) => {
    said = '';
    command.outputHelp();
    const title = command === program ? 'kubectl sluice' : `kubectl sluice ${command.name()}`;
    return `### ${title}\n\n\`\`\`text\n${said.trimEnd()}\n\`\`\`\n`;
  });
  return `${before}\n${sections.join('\n')}`;
}

if (import.meta.filename === process.argv[1]) {
  writeFileSync(DOCS, withCommands(readFileSync(DOCS, 'utf8')));
  await makePlugin(`out/${PACKAGE}`);
  const file = execFileSync('npm', ['pack', `./out/${PACKAGE}`, '--pack-destination', 'out', '--silent']);
  console.log(`npm install --global ./out/${file.toString().trim()}`);
}
