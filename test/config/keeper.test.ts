// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are what the file may have in its values
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ConfigError } from '../../src/config/error.ts'
import { ConfigKeeper } from '../../src/config/keeper.ts'
import type { Loaded } from '../../src/config/load.ts'

let dataDir: string
let file: string
let keeper: ConfigKeeper | undefined
let changes: Loaded[]
let told: (readonly string[])[]

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'trunkline-keeper-'))
  file = join(dataDir, 'trunkline.yaml')
  changes = []
  told = []
})
afterEach(async () => {
  await keeper?.close()
  keeper = undefined
  await rm(dataDir, { recursive: true, force: true })
})

interface Keeping {
  readonly yaml?: string
  readonly named?: string
  readonly dataDir?: string
}

/** A keeper that watches already: from here on no change is missed. */
async function keep({ yaml, named, dataDir: own = dataDir }: Keeping = {}): Promise<ConfigKeeper> {
  if (yaml !== undefined) await writeFile(file, yaml)
  const made = new ConfigKeeper({
    flags: { dataDir: own, settings: {}, terminal: false, ...(named !== undefined && { config: named }) },
    environment: {},
    onChange: (loaded) => void changes.push(loaded),
    onProblems: (problems) => void told.push(problems),
  })
  keeper = made
  await made.watch()
  return made
}

const translations = (): string[] => changes.map(({ config }) => config.translation)
const patience = { timeout: 10_000 }
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, patience)

describe('an edited file', () => {
  test('is in force soon, and is said once', async () => {
    await keep({ yaml: 'translation: lenient\n' })
    await writeFile(file, 'translation: strict\n')
    await eventually(() => expect(translations()).toEqual(['strict']))
    expect(keeper?.current.config.translation).toBe('strict')
    expect(told).toEqual([])
  })

  test('is in force when it comes by a rename, as editors save, time and again', async () => {
    await keep({ yaml: 'translation: lenient\n' })
    for (const word of ['strict', 'lenient', 'strict']) {
      await writeFile(`${file}.tmp`, `translation: ${word}\n`)
      await rename(`${file}.tmp`, file)
      await eventually(() => expect(keeper?.current.config.translation).toBe(word))
    }
    expect(translations()).toEqual(['strict', 'lenient', 'strict'])
  })

  test('is in force when it comes where there was none', async () => {
    await keep()
    await writeFile(file, 'translation: strict\n')
    await eventually(() => expect(translations()).toEqual(['strict']))
  })

  test('is in force when it comes with the folder that it is in', async () => {
    const folder = join(dataDir, 'not', 'yet')
    await keep({ dataDir: folder })
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'other.db'), '')
    await writeFile(join(folder, 'trunkline.yaml'), 'translation: strict\n')
    await eventually(() => expect(translations()).toEqual(['strict']))
  })

  test('is in force when a link in front of it is turned, as Kubernetes mounts it', async () => {
    for (const [folder, word] of [
      ['one', 'lenient'],
      ['two', 'strict'],
      ['three', 'lenient'],
    ] as const) {
      await mkdir(join(dataDir, folder))
      await writeFile(join(dataDir, folder, 'trunkline.yaml'), `translation: ${word}\n`)
    }
    await symlink('one', join(dataDir, '..data'))
    await symlink(join('..data', 'trunkline.yaml'), file)
    await keep()
    for (const [folder, word] of [
      ['two', 'strict'],
      ['three', 'lenient'],
    ] as const) {
      await symlink(folder, join(dataDir, '..new'))
      await rename(join(dataDir, '..new'), join(dataDir, '..data'))
      await eventually(() => expect(keeper?.current.config.translation).toBe(word))
    }
  })

  test('is in force at times while it never rests', async () => {
    await keep({ yaml: 'timeouts: { idle_ms: 1 }\n' })
    let edits = 1
    const writing = setInterval(() => void writeFile(file, `timeouts: { idle_ms: ${++edits} }\n`), 20)
    await eventually(() => expect(changes.length).toBeGreaterThan(0))
    clearInterval(writing)
    await eventually(() => expect(keeper?.current.config.timeouts.idleMs).toBe(edits))
  })

  test('that says the same as before is no news', async () => {
    const made = await keep({ yaml: 'translation: strict\n' })
    await writeFile(file, '# a comment\ntranslation: strict\n')
    await eventually(() => expect(made.current.sources.get('translation')?.place).toBe(`${file}:2:1`))
    expect(changes).toEqual([])
  })

  test('is read again when a file that it names changes', async () => {
    const secret = join(dataDir, 'secret')
    await writeFile(secret, 'sk-1\n')
    const made = await keep({ yaml: 'providers: { groq: { api_key: "${file:secret}" } }\n' })
    expect(made.current.config.providers.groq?.apiKey).toBe('sk-1')
    await writeFile(secret, 'sk-2\n')
    await eventually(() => expect(made.current.config.providers.groq?.apiKey).toBe('sk-2'))
  })

  test('is read again when it is asked for, too', async () => {
    const made = await keep({ yaml: 'translation: lenient\n' })
    await writeFile(file, 'translation: strict\n')
    made.reload()
    expect(translations()).toEqual(['strict'])
  })
})

describe('a file that cannot be used', () => {
  test('changes nothing but what is said, until it is mended', async () => {
    const made = await keep({ yaml: 'translation: strict\n' })
    await writeFile(file, 'translation: strict\nserver: { prot: 1 }\n')
    const problem = `${file}:2:11: there is no setting server.prot. Did you mean server.port? The configuration from before it stays in force.`
    await eventually(() => expect(made.problems).toEqual([problem]))
    expect(made.current.config.translation).toBe('strict')
    expect(changes).toEqual([])
    await writeFile(file, 'translation: lenient\n')
    await eventually(() => expect(translations()).toEqual(['lenient']))
    expect(told).toEqual([[problem], []])
  })

  test('is mended by a file that was missing', async () => {
    const made = await keep({ yaml: '' })
    await writeFile(file, 'providers: { groq: { api_key: "${file:keys/groq}" } }\n')
    await eventually(() => expect(made.problems).toEqual([expect.stringContaining('ENOENT')]))
    await mkdir(join(dataDir, 'keys'))
    await writeFile(join(dataDir, 'keys', 'groq'), 'sk-late')
    await eventually(() => expect(made.current.config.providers.groq?.apiKey).toBe('sk-late'))
    expect(made.problems).toEqual([])
    await writeFile(join(dataDir, 'keys', 'groq'), 'sk-later')
    await eventually(() => expect(made.current.config.providers.groq?.apiKey).toBe('sk-later'))
  })

  test('is mended by a folder that takes the place of another', async () => {
    const keys = join(dataDir, 'keys')
    await mkdir(keys)
    await writeFile(join(keys, 'groq'), 'sk-1')
    const made = await keep({ yaml: 'providers: { groq: { api_key: "${file:keys/groq}" } }\n' })
    await rename(keys, join(dataDir, 'old'))
    await eventually(() => expect(made.problems).toEqual([expect.stringContaining('ENOENT')]))
    await mkdir(join(dataDir, 'new'))
    await writeFile(join(dataDir, 'new', 'groq'), 'sk-2')
    await rename(join(dataDir, 'new'), keys)
    for (const next of ['sk-2', 'sk-3']) {
      await writeFile(join(keys, 'groq'), next)
      await eventually(() => expect(made.current.config.providers.groq?.apiKey).toBe(next))
    }
    expect(made.problems).toEqual([])
  })

  test('does not let the program start', async () => {
    await expect(keep({ yaml: 'translation: harsh\n' })).rejects.toThrow(ConfigError)
  })

  test('that is gone is taken for lost, and what it said stays', async () => {
    const made = await keep({ yaml: 'translation: strict\n' })
    await unlink(file)
    await eventually(() =>
      expect(made.problems).toEqual([
        `The configuration file ${file} is gone. The configuration from before it stays in force.`,
      ]),
    )
    expect(made.current.config.translation).toBe('strict')
    await writeFile(file, 'translation: lenient\n')
    await eventually(() => expect(translations()).toEqual(['lenient']))
    expect(made.problems).toEqual([])
  })

  test('that goes with its folder, and comes back with it, is no end of anything', async () => {
    const folder = join(dataDir, 'etc')
    await mkdir(folder)
    const named = join(folder, 'mine.yaml')
    await writeFile(named, 'translation: strict\n')
    const made = await keep({ named })
    await rm(folder, { recursive: true })
    await eventually(() => expect(made.problems).toEqual([expect.stringContaining('ENOENT')]))
    await mkdir(folder)
    await writeFile(named, 'translation: lenient\n')
    await eventually(() => expect(translations()).toEqual(['lenient']))
    expect(made.problems).toEqual([])
  })
})

describe('what takes effect after a restart', () => {
  test('stays as it is, and that is said; everything else of the file is in force', async () => {
    const made = await keep({ yaml: 'server: { port: 1 }\n' })
    await writeFile(file, 'server: { port: 2 }\ntranslation: strict\nlimits: { connections: 5, json_depth: 9 }\n')
    await eventually(() => expect(translations()).toEqual(['strict']))
    expect(made.current.config).toMatchObject({ server: { port: 1 }, limits: { connections: 10_000, jsonDepth: 9 } })
    expect(made.problems).toEqual([
      `server.port was changed in ${file}:1:11; it takes effect after a restart.`,
      `limits.connections was changed in ${file}:3:11; it takes effect after a restart.`,
    ])
    await writeFile(file, 'server: { port: 1 }\n')
    await eventually(() => expect(made.problems).toEqual([]))
  })

  test('names the place where it was, when the line is gone', async () => {
    const made = await keep({ yaml: 'server: { port: 1 }\n' })
    await writeFile(file, '# nothing\n')
    await eventually(() =>
      expect(made.problems).toEqual([`server.port was changed in ${file}:1:11; it takes effect after a restart.`]),
    )
    expect(made.current.config.server.port).toBe(1)
  })
})

describe('what users have stored', () => {
  test('is in force at once, behind the file, and stays when the file changes', async () => {
    const made = await keep({ yaml: 'timeouts: { idle_ms: 5 }\n' })
    made.setStored(
      new Map<string, unknown>([
        ['translation', 'strict'],
        ['timeouts.idle_ms', 6],
      ]),
    )
    expect(made.current.config).toMatchObject({ translation: 'strict', timeouts: { idleMs: 5 } })
    await writeFile(file, '# nothing\n')
    await eventually(() => expect(made.current.config.timeouts.idleMs).toBe(6))
    expect(made.current.config.translation).toBe('strict')
    expect(changes).toHaveLength(2)
  })

  test('is in force while the file is broken, too', async () => {
    const made = await keep({ yaml: 'timeouts: { idle_ms: 5 }\n' })
    await writeFile(file, 'timeouts: [\n')
    made.reload()
    made.setStored(new Map([['translation', 'strict']]))
    expect(made.current.config).toMatchObject({ translation: 'strict', timeouts: { idleMs: 5 } })
    expect(made.problems).toEqual([expect.stringContaining('this is not valid YAML')])
  })

  test('and is no good is left out, and said', async () => {
    const made = await keep()
    made.setStored(new Map([['translation', 'harsh']]))
    expect(made.current.config.translation).toBe('lenient')
    expect(told).toEqual([
      ['What is stored for translation is not used: translation must be lenient, strict, not "harsh".'],
    ])
  })
})

test('a process that has nothing else to do ends, though a file is watched', async () => {
  const keeperFile = new URL('../../src/config/keeper.ts', import.meta.url).href
  const script = `
    const { ConfigKeeper } = await import(${JSON.stringify(keeperFile)})
    const flags = { dataDir: ${JSON.stringify(dataDir)}, settings: {}, terminal: false }
    const keeper = new ConfigKeeper({ flags, environment: {}, onChange() {}, onProblems() {} })
    await keeper.watch()
    console.log('watched')
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  expect(stdout).toBe('watched\n')
})
