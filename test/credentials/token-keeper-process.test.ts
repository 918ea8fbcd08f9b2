import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const keeper = join(import.meta.dirname, '../../src/credentials/token-keeper.ts')

const script = `
import { TokenKeeper } from ${JSON.stringify(keeper)}
const keeper = new TokenKeeper({ nowMs: Date.now, onTokens: (tokens) => console.log(Object.keys(tokens).join()) })
const credential = { kind: 'aws_static', fields: { access_key_id: 'AKIA', secret_access_key: 's' } }
keeper.keep([{ id: 'one', provider: 'bedrock', credential }])
`

test('a program that keeps tokens can end', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 20_000,
  })
  expect(stdout).toBe('one\n')
})
