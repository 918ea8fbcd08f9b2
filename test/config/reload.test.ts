// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are what the file may have in its values
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { askChat, bothWays, isReady, readiness, startUpstream, type TestUpstream } from '../support/calls.ts'
import { startTest } from '../support/trunkline.ts'

const edits = 200
const callers = 6

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'trunkline-reload-'))
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))

/** As an editor saves: there is no moment at which half of it is there. */
async function save(yaml: string): Promise<void> {
  const file = join(dataDir, 'trunkline.yaml')
  await writeFile(`${file}.new`, yaml)
  await rename(`${file}.new`, file)
}

/** A provider that answers with its own name and with everything of the configuration that has reached it. */
const startProvider = (name: string): Promise<TestUpstream> =>
  startUpstream((request, response) => {
    const { authorization, 'x-version': version } = request.headers
    // A key itself would be masked in what comes back.
    const content = [name, /key-(even|odd)$/.exec(authorization ?? '')?.[1], version].join(' ')
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }] }),
    )
  })

/** One version of the file: whose address, key and header belong together. */
const versionOf = (name: string, { baseUrl }: TestUpstream): string => `
providers:
  house:
    like: openai
    base_url: ${baseUrl}
    api_key: key-${name}
    headers: { x-version: "${name}" }
models:
  fast: { provider: house, model: m }
`

describe.each(bothWays)('%s', (_name, spawn) => {
  test(`a file that is edited ${edits} times, every other time into nonsense, fails no call and mixes no versions`, async () => {
    await using even = await startProvider('even')
    await using odd = await startProvider('odd')
    const versions = [versionOf('even', even), versionOf('odd', odd)]
    await save(versions[0] as string)
    await using trunkline = await startTest({ spawn, dataDir })
    await isReady(trunkline.url)

    let isDone = false
    const seen = new Map<string, number>()
    const call = async (): Promise<void> => {
      while (!isDone) {
        const { status, text } = await askChat(trunkline.url, 'Hello', { model: 'fast' })
        const said = status === 200 ? JSON.parse(text).choices[0].message.content : `${status}: ${text}`
        seen.set(said, (seen.get(said) ?? 0) + 1)
      }
    }
    const calling = Array.from({ length: callers }, call)
    for (let edit = 0; edit < edits; edit++) {
      await save(
        edit % 2 === 0 ? (versions[(edit / 2) % 2] as string) : `${versions[edit % 4 === 1 ? 0 : 1]}nonsense: [`,
      )
      await trunkline.trunkline.reload()
    }
    isDone = true
    await Promise.all(calling)

    expect([...seen.keys()].toSorted()).toEqual(['even even even', 'odd odd odd'])
  }, 120_000)

  test('a broken file is in the health until it is mended, and a mended one is in force', async () => {
    await using even = await startProvider('even')
    await using odd = await startProvider('odd')
    await save(versionOf('even', even))
    await using trunkline = await startTest({ spawn, dataDir })
    await isReady(trunkline.url)
    const answer = async (): Promise<string> => (await askChat(trunkline.url, 'Hello', { model: 'fast' })).text

    await save(`${versionOf('odd', odd)}server: { prot: 1 }\n`)
    await vi.waitFor(
      async () =>
        expect((await readiness(trunkline.url)).reasons?.join()).toContain(
          'trunkline.yaml:10:11: there is no setting server.prot. Did you mean server.port?',
        ),
      { timeout: 10_000 },
    )
    expect(await answer()).toContain('even')

    await save(versionOf('odd', odd))
    await vi.waitFor(async () => expect(await answer()).toContain('odd'), { timeout: 10_000 })
    expect(await readiness(trunkline.url)).toEqual({ status: 'ready' })
  })

  test('a stream that runs while the file changes goes on as it began', async () => {
    await save('providers: {}\n')
    await using trunkline = await startTest({ spawn, dataDir })
    await isReady(trunkline.url)
    const streaming = askChat(trunkline.url, 'Hello', { model: 'mock/lorem', stream: true })
    await save('timeouts: { total_ms: 1, idle_ms: 1 }\n')
    await trunkline.trunkline.reload()
    const { status, text } = await streaming
    expect(status).toBe(200)
    expect(text).toContain('data: [DONE]')
  })
})
