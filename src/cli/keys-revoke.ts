import { type Command, InvalidArgumentError } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import type { KeyAnswer } from './api-types.ts'
import type { CliCommand } from './command.ts'
import { print } from './screen.ts'
import { plainJson, plainLine } from './text.ts'
import { withApi } from './with-api.ts'

export const keysRevoke: CliCommand = {
  name: 'revoke',
  summary: 'Refuse a client key from now on',
  examples: [
    ['trunkline keys revoke 4f9k2m8q', 'by its id, as `trunkline keys list` shows it'],
    ['trunkline keys revoke tl_4f9k2m8q', 'as it begins'],
    ['trunkline keys revoke 4f9k2m8q --force', 'the last one of kind admin, too'],
  ],
  define(command) {
    command
      .argument('<key>', 'its id, or how it begins: tl_ and the id', parseKeyId)
      .option('--force', 'even if nobody can then manage this gateway with a key, but for whoever is at this machine')
      .option('--json', 'print JSON')
      .action((id: string) => run(id, command))
  },
}

async function run(id: string, command: Command): Promise<void> {
  const { force, json, dataDir } = command.optsWithGlobals<{ force?: true; json?: true; dataDir?: string }>()
  const { key, isOpen } = await withApi(dataDirOf(dataDir, process.env), { makes: false }, async (api) => {
    const key = await api.post<KeyAnswer>(`/keys/${id}/revoke${force ? '?force=true' : ''}`)
    return { key, isOpen: (await api.all<KeyAnswer>('/keys?revoked=false')).length === 0 }
  })
  if (isOpen) process.stderr.write('There is no client key any more: every call from this machine is taken.\n')
  print(json ? [plainJson(key)] : [`The key ${plainLine(key.name)} (${id}) is revoked: calls with it are refused.`])
}

/** Nobody needs to write a whole key into a list of processes; whoever does it all the same is understood. */
function parseKeyId(written: string): string {
  const id = /^(?:tl_)?([a-z0-9]{8})(?:_.*)?$/.exec(written)?.[1]
  if (id !== undefined) return id
  throw new InvalidArgumentError(
    'It must be the eight letters and digits behind tl_, as `trunkline keys list` shows them.',
  )
}
