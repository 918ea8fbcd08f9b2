import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { dataFiles } from '../../src/store/files.ts'
import { readServerFile } from '../../src/store/lock.ts'
import { askChat, readiness, startUpstream } from '../support/calls.ts'
import { filesBelow, leaksIn, unpackedIn } from '../support/canary.ts'

const canary = 'sk-canary-1234567890'

test('the key for a provider goes to the provider and nowhere else', async () => {
  const keys: (string | undefined)[] = []
  let times = 0
  await using upstream = await startUpstream((request, response) => {
    keys.push(request.headers.authorization)
    if (times++ % 2 === 0) response.destroy()
    else
      response
        .writeHead(401, { 'content-type': 'application/json' })
        .end('{"error":{"message":"No.","type":"x","code":"invalid_api_key"}}')
  })
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-secret-'))
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const flags = [
    '--port',
    '0',
    '--ui-port',
    '0',
    '--data-dir',
    folder,
    '--log-level',
    'debug',
    '--openai-base-url',
    upstream.baseUrl,
  ]
  const child = spawn(process.execPath, [main, 'serve', ...flags], {
    env: { PATH: process.env.PATH, OPENAI_API_KEY: canary },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = Promise.all([text(child.stdout), text(child.stderr)])
  const url = await vi.waitFor(
    () => {
      const server = readServerFile(folder)
      expect(server).toBeDefined()
      return server?.gateway as string
    },
    { timeout: 10_000 },
  )
  const answers = []
  for (let call = 0; call < 4; call++) answers.push(await askChat(url, 'Hello', { model: 'some', stream: call > 1 }))
  answers.push(await askChat(url, 'Hello', { model: 7 }))
  answers.push(JSON.stringify(await readiness(url)))
  child.kill('SIGTERM')
  const logged = (await output).join('')
  const places = [
    { name: 'the log', bytes: logged },
    { name: 'the answers', bytes: JSON.stringify(answers) },
    ...filesBelow(folder),
    ...unpackedIn(dataFiles(folder).traces),
  ]
  rmSync(folder, { recursive: true, force: true })

  // More than there were calls: one that met a connection which had just been closed went out again.
  expect(keys.length).toBeGreaterThanOrEqual(4)
  expect(new Set(keys)).toEqual(new Set([`Bearer ${canary}`]))
  expect(logged).toContain('"msg":"call"')
  expect(leaksIn(places, { OPENAI_API_KEY: canary })).toEqual([])
})
