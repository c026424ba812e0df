import type { ArgsDef } from 'citty';
import type { Entries, Group, Lazy } from './dispatch.ts';
import { loadCommand } from './load-command.ts';

/** Words that may stand behind those of a command. */
type Place = { path: string[]; words: string[] };

/**
 * The script that completes `simili` in bash and, by its bashcompinit, in zsh: commands and options, and files where neither fits.
 * Everything is written into it, so that a press of the key starts no process.
 */
export async function completionOf(commands: Entries): Promise<string> {
  const places = await placesOf({ about: '', commands }, []);
  const branches = places.filter(({ path }) => path.length > 0).map(({ path }) => `"${path.join(' ')}"`);
  const cases = places.map(({ path, words }) => `    "${path.join(' ')}") words="${words.join(' ')}" ;;`);
  return `# simili: completion for bash and zsh
if [ -n "\${ZSH_VERSION-}" ]; then autoload -U +X compinit && compinit; autoload -U +X bashcompinit && bashcompinit; fi
_simili() {
  local current="\${COMP_WORDS[COMP_CWORD]}" at="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${at:+$at }\${COMP_WORDS[i]}" in
      ${branches.join(' | ')}) at="\${at:+$at }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _simili simili
`;
}

/** Places of the entry at `path` and of all below it; one whose package is not installed has no words. */
async function placesOf(entry: Lazy | Group, path: string[]): Promise<Place[]> {
  if (!('commands' in entry)) {
    const command = await loadCommand(path.join(' '), entry.load).catch(() => null);
    return [{ path, words: command ? [...optionsOf((command.args ?? {}) as ArgsDef), '--help'] : [] }];
  }
  const below = Object.entries(entry.commands);
  const inside = await Promise.all(below.map(([name, next]) => placesOf(next, [...path, name])));
  return [{ path, words: [...below.map(([name]) => name), '--help'] }, ...inside.flat()];
}

const optionsOf = (args: ArgsDef): string[] =>
  Object.entries(args)
    .filter(([, { type }]) => type !== 'positional')
    .map(([name, definition]) =>
      definition.type === 'boolean' && definition.default === true ? `--no-${name}` : `--${name}`,
    );
