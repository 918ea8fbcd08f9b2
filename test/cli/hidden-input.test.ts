import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { managed } from '../support/managed.ts'

const script = '/usr/bin/script'

test.for<readonly [string, number, string]>([
  ['sk-canary-typed\r', 0, 'has a credential for openai now'],
  ['\x03', 130, 'api_key, the key: '],
  ['\x04', 1, 'Nothing was written, so nothing was stored.'],
])('what is typed as a secret is not shown: %j', async ([typed, expected, said], { skip }) => {
  if (process.platform !== 'linux' || !existsSync(script)) skip(`There is no terminal to be had without ${script}.`)
  await using one = await managed()
  const command = `${process.execPath} src/main.ts credentials add openai --data-dir ${one.dataDir}`
  const child = spawn(script, ['-qefc', command, '/dev/null'], { stdio: 'pipe' })
  let shown = ''
  child.stdout.on('data', (chunk: Buffer) => {
    const wasAsked = shown.includes('api_key')
    shown += chunk.toString()
    if (!wasAsked && shown.includes('api_key')) child.stdin.write(typed)
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  expect({ code, shown }).toEqual({ code: expected, shown: expect.stringContaining(said) })
  expect(shown).not.toContain('canary')
  const stored = await one.stores.credentials.open('default')
  expect(stored.map(({ credential }) => credential.fields.api_key)).toEqual(expected === 0 ? ['sk-canary-typed'] : [])
})
