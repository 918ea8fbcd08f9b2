import type { Command } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import type { CliCommand } from './command.ts'
import { print } from './screen.ts'
import { plainJson, plainLine } from './text.ts'
import { counted } from './units.ts'
import { withApi } from './with-api.ts'

export const credentialsRotate: CliCommand = {
  name: 'rotate',
  summary: 'Encrypt all stored credentials under a new master key',
  examples: [
    ['trunkline credentials rotate', 'the new key replaces the old one in master.key'],
    [
      'TRUNKLINE_MASTER_KEY=… TRUNKLINE_MASTER_KEY_PREVIOUS=… trunkline credentials rotate',
      'where the key is kept elsewhere; the server must be stopped',
    ],
  ],
  define(command) {
    command.option('--json', 'print JSON').action(() => run(command))
  },
}

async function run(command: Command): Promise<void> {
  const { json, dataDir } = command.optsWithGlobals<{ json?: true; dataDir?: string }>()
  const done = await withApi(dataDirOf(dataDir, process.env), { makes: false }, (api) =>
    api.post<{ readonly credentials: number; readonly key_id: string }>('/credentials/rotate'),
  )
  print(
    json
      ? [plainJson(done)]
      : [
          `${counted(done.credentials, 'credential')} of all projects ${done.credentials === 1 ? 'is' : 'are'} encrypted under the new master key ${plainLine(done.key_id)}. Backups from before need the old one.`,
        ],
  )
}
