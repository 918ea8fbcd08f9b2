import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { trunkline } from '../../test/support/cli.ts'
import { type DataFolder, dataFolder } from '../../test/support/data-folder.ts'

let folder: DataFolder
let trace: string
beforeAll(async () => {
  folder = await dataFolder()
  trace = folder.record({ model: '$(touch /tmp/owned)' })
  folder.end()
})
afterAll(() => folder.remove())

describe('help', () => {
  test.concurrent.each(['', 'serve', 'traces', 'traces list', 'traces show', 'completion'])(
    'trunkline %s --help has examples',
    async (path) => {
      const { code, stdout, stderr } = await trunkline([...path.split(' ').filter(Boolean), '--help'])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^Usage: trunkline/)
      expect(stdout).toMatch(/\nExamples:\n {2}\$ /)
      expect(stdout).not.toMatch(/\bcomplete\b/)
    },
  )

  test('a group alone shows its commands', async () => {
    const { code, stderr } = await trunkline(['traces'])
    expect(code).toBe(2)
    expect(stderr).toContain('Usage: trunkline traces')
    expect(stderr).toContain('list [options]')
  })

  test('the version is one line', async () => {
    expect(await trunkline(['--version'])).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: '',
    })
  })
})

describe('what is not understood', () => {
  test.concurrent.each([
    [['tracse'], 'Did you mean traces?'],
    [['list'], 'Did you mean traces list, or projects list, or keys list, or credentials list?'],
    [['--data-dir', '/x', 'srve'], 'Did you mean serve?'],
    [['xyzzy'], "unknown command 'xyzzy'"],
    [['traces', 'lst'], 'Did you mean list?'],
    [['--prot', '8080'], 'Did you mean --port?'],
    [['serve', 'extra'], 'too many arguments'],
    [['vacuum'], 'Did you mean db vacuum?'],
    [['keys', 'revok', 'abcdefgh'], 'Did you mean revoke?'],
    [['traces', 'show'], "missing required argument 'trace'"],
    [['completion', 'tcsh'], 'zsh, bash, fish, powershell'],
  ])('%j starts nothing and says what was meant', async (args, hint) => {
    const { code, stdout, stderr } = await trunkline(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(hint)
  })
})

test.each([[[]], [['serve']]])('%j --port is understood by the server, which is the default', async (before) => {
  const args = [...before, '--port', 'x', '--data-dir', folder.dataDir]
  const { code, stderr } = await trunkline(args)
  expect(code).toBe(1)
  expect(stderr).toContain('--port: server.port must be a whole number')
})

test.each(['traces list', '--help'])(
  'whoever reads only the first lines of %s ends the rest quietly',
  async (command) => {
    const child = spawn('bash', [
      '-c',
      '"$0" src/main.ts $2 --data-dir "$1" | true; echo "$PIPESTATUS"',
      process.execPath,
      folder.dataDir,
      command,
    ])
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk) => (out += chunk))
    child.stderr.on('data', (chunk) => (err += chunk))
    await new Promise((resolve) => child.on('close', resolve))
    expect({ out, err }).toEqual({ out: '0\n', err: '' })
  },
)

describe('completion', () => {
  const complete = async (...words: string[]): Promise<string[]> => {
    const { stdout } = await trunkline(['complete', '--', ...words], { TRUNKLINE_DATA_DIR: folder.dataDir })
    return stdout.split('\n').slice(0, -2)
  }
  const names = async (...words: string[]) => (await complete(...words)).map((line) => line.split('\t')[0])

  test('knows commands, options and values', async () => {
    expect(await names('')).toEqual([
      ...['serve', 'traces', 'projects', 'keys', 'credentials', 'config', 'db', 'completion', 'help'],
    ])
    expect(await names('traces', '')).toEqual(['list', 'show', 'help'])
    expect(await names('traces', 'list', '--s')).toEqual(['--status', '--since'])
    expect(await names('traces', 'list', '--status', 'e')).toEqual(['error'])
    expect(await names('traces', 'show', '--d')).toEqual(['--data-dir'])
    expect(await names('--po')).toEqual(['--port'])
    expect(await names('serve', '--log-format', '')).toEqual(['json', 'pretty'])
  })

  test('offers the newest traces, and nothing that a shell could run', async () => {
    const [line, ...more] = await complete('traces', 'show', '')
    expect(more).toEqual([])
    expect(line?.startsWith(`${trace}\t`)).toBe(true)
    expect(line).not.toContain('$(')
  })

  test('offers no trace where there is none', async () => {
    expect(await names('traces', 'show', '--data-dir', `${folder.dataDir}/none`, '')).toEqual([])
  })

  test('works in a bash that has nothing installed', async () => {
    const { stdout: script } = await trunkline(['completion', 'bash'])
    const press = `${script}
      trunkline() { "$NODE" src/main.ts "$@"; }
      compopt() { :; }
      COMP_LINE='trunkline traces sh' COMP_POINT=19
      __trunkline_complete
      echo "\${COMPREPLY[@]}"`
    const child = spawn('bash', ['--norc', '-c', press], { env: { ...process.env, NODE: process.execPath } })
    let out = ''
    child.stdout.on('data', (chunk) => (out += chunk))
    await new Promise((resolve) => child.on('close', resolve))
    expect(out).toBe('show\n')
  })

  test.concurrent.each(['bash', 'zsh', 'fish', 'powershell'])('has a script for %s', async (shell) => {
    const { code, stdout } = await trunkline(['completion', shell])
    expect(code).toBe(0)
    expect(stdout).toMatch(/trunkline complete '?--/)
  })
})
