import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { Shell } from './request.js';

/** What to offer for the word that is being written. */
export type Offer =
  | { kind: 'words'; words: string[] }
  /** Names of BlueGreens, which only the cluster knows. */
  | { kind: 'names' }
  | { kind: 'files' };

/**
 * What may follow. Pure.
 * @param words after the program's name; the last one is being written, and may be empty
 */
export function offerFor(program: CommandUnknownOpts, words: readonly string[]): Offer {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const every = [program, ...program.commands];
  const given = before.filter(
    (word, at) => !word.startsWith('-') && optionOf(every, before[at - 1])?.required !== true,
  );
  const command = program.commands.find((one) => one.name() === given[0]);
  const valued = optionOf(command ? [command, program] : every, before.at(-1));
  if (valued?.required === true) {
    return valued.flags.includes('<file')
      ? { kind: 'files' }
      : { kind: 'words', words: valued.argChoices ?? [] };
  }
  if (!command) return { kind: 'words', words: program.commands.map((one) => one.name()) };
  if (current.startsWith('-')) {
    const options = [...command.options, ...program.options].flatMap(({ long }) => long ?? []);
    return { kind: 'words', words: [...options.filter((long) => long !== '--version'), '--help'] };
  }
  const argument = command.registeredArguments[given.length - 1];
  if (!argument) return { kind: 'words', words: [] };
  return argument.argChoices ? { kind: 'words', words: argument.argChoices } : { kind: 'names' };
}

function optionOf(commands: readonly CommandUnknownOpts[], word: string | undefined) {
  return commands
    .flatMap(({ options }) => options)
    .find(({ short, long }) => word !== undefined && [short, long].includes(word));
}

/** cobra's directives, which kubectl reads in the last line of what a plugin's completion says. */
const DIRECTIVE = { files: ':0', noFiles: ':4' } as const;

/** An offer as cobra writes it: a line for each word, and the directive. */
export function cobraText(words: readonly string[], current: string, isFiles: boolean): string {
  const fitting = words.filter((word) => word.startsWith(current));
  return [...fitting, isFiles ? DIRECTIVE.files : DIRECTIVE.noFiles].join('\n');
}

/** The script for a shell; it asks this program for what fits. */
export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}

const SCRIPTS: Record<Shell, string> = {
  bash: `# bash completion of kubectl-sluice
_kubectl_sluice() {
  local said words
  said=$(kubectl-sluice __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ "\${said##*:}" = 0 ]; then
    COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
  else
    words=\${said%:*}
    COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  fi
}
complete -F _kubectl_sluice kubectl-sluice`,
  zsh: `#compdef kubectl-sluice
# zsh completion of kubectl-sluice
_kubectl_sluice() {
  local said
  said=$(kubectl-sluice __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if [[ "\${said##*:}" == 0 ]]; then
    _files
  else
    compadd -- \${(f)"\${said%:*}"}
  fi
}
compdef _kubectl_sluice kubectl-sluice`,
  fish: `# fish completion of kubectl-sluice
function __kubectl_sluice
  set -l words (commandline -opc) (commandline -ct)
  set -l said (kubectl-sluice __complete $words[2..-1] 2>/dev/null)
  if test "$said[-1]" = ":0"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $said[1..-2]
  end
end
complete -c kubectl-sluice -f -a '(__kubectl_sluice)'`,
};
