import tab from '@bomb.sh/tab/commander'
import type { Command as Commander, Option as CommanderOption } from 'commander'
import { logLevels } from '../core/config.ts'

/** What may follow an option, where the option itself does not say it. */
const values: Readonly<Record<string, readonly string[]>> = {
  'log-level': logLevels,
  'log-format': ['json', 'pretty'],
  since: ['15m', '1h', '1d', '7d'],
}

const summary = 'Print a script with which the tab key completes commands, options, names and ids'

export const completionExamples = [
  [
    `echo 'source <(trunkline completion bash)' >> ~/.bashrc`,
    'for bash, from the next shell on; zsh likewise, in ~/.zshrc',
  ],
  ['trunkline completion fish > ~/.config/fish/completions/trunkline.fish', 'for fish'],
] as const

/**
 * Adds the command that prints a shell's script, and the hidden one that the script asks. The library reads the
 * commands as they stand, so this comes last.
 */
export function addCompletion(root: Commander, defaultCommand: Commander): Commander {
  const known = tab(root, { completionCommandName: 'completion' })
  const everywhere = root.options.filter(({ long }) => long !== '--version')
  for (const command of known.commands.values()) for (const option of everywhere) add(command, option)
  for (const option of defaultCommand.options) add(known, option)
  for (const command of [known, ...known.commands.values()]) {
    for (const [name, option] of command.options) {
      const offered = values[name]
      if (offered) option.handler = (complete) => offered.forEach((value) => void complete(value, ''))
    }
  }
  root.hook('preSubcommand', async (_, command) => {
    if (command.name() === 'complete') await offerNames(known, root.args.slice(1))
  })
  const shells = root.commands.find((command) => command.name() === 'completion') as Commander
  shells.description(summary)
  const offered = known.commands.get('completion')
  if (offered) offered.description = summary
  shells.hook('preAction', (_, { args: [shell] }) => {
    if (shell === 'bash') process.stdout.write(bashPrelude)
  })
  return shells
}

type Known = ReturnType<typeof tab>

function add(command: Pick<Known, 'option'>, { long, short, description, required, optional }: CommanderOption): void {
  if (!long) return
  const [name, alias] = [long.slice(2), short?.slice(1)]
  if (required || optional) command.option(name, description, () => undefined, alias)
  else command.option(name, description, alias)
}

/** Looks up the names that the command in these words may take, and no others: each look costs time. */
async function offerNames(known: Known, words: readonly string[]): Promise<void> {
  const { named } = await import('./completion-names.ts')
  for (const [path, offered] of Object.entries(named)) {
    const command = known.commands.get(path)
    if (!command || !path.split(' ').every((word) => words.includes(word))) continue
    for (const [argument, look] of Object.entries(offered)) {
      const place = argument.startsWith('--') ? command.options.get(argument.slice(2)) : command.arguments.get(argument)
      if (!place) continue
      const names = await look(words)
      place.handler = (complete) => names.forEach(([name, what]) => void complete(name, what))
    }
  }
}

/** The library's script needs a function of the package bash-completion, which many machines do not have. */
const bashPrelude = `if ! declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref() {
        local line=\${COMP_LINE:0:COMP_POINT}
        read -ra words <<< "$line"
        [[ $line == *[[:space:]] ]] && words+=('')
        cword=$((\${#words[@]} - 1))
        cur=\${words[cword]}
        prev=\${words[cword > 0 ? cword - 1 : 0]}
    }
fi
`
