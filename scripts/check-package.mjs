/**
 * Installs dist/ as a user would, from its tarball into an empty folder, and makes one call through what was installed.
 * Prints each check and, last, its own count.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'trunkline-package-'))
const home = join(work, 'app')
const data = join(work, 'data')
const trunkline = join(home, 'node_modules/.bin/trunkline')

const hello = 'Hello through the tarball!'

let server
let gateway
let log = ''

/** In this order; each builds on the one before, so the first failure ends them. */
const checks = {
  'npm pack ./dist makes a tarball of program, licences and readme': () => {
    const [{ files }] = JSON.parse(npm(root, 'pack', './dist', '--json', '--pack-destination', work))
    const names = files.map(({ path }) => path)
    const expected = ['main.js', 'control.js', 'writer.js', 'reader.js', 'package.json', 'README.md', 'LICENSE']
    const missing = [...expected, 'THIRD_PARTY_LICENSES.txt'].filter((name) => !names.includes(name))
    if (missing.length > 0) throw new Error(`${missing.join(', ')} not in the tarball, which has ${names.join(', ')}`)
  },

  'it installs into an empty folder without a network': () => {
    const { name, version } = JSON.parse(readFileSync(join(root, 'dist/package.json'), 'utf8'))
    mkdirSync(home)
    writeFileSync(join(home, 'package.json'), '{ "private": true }')
    npm(home, 'install', '--offline', '--no-audit', '--no-fund', join(work, `${name}-${version}.tgz`))
    if (!existsSync(trunkline)) throw new Error('there is no trunkline command')
  },

  'an old Node gets one clear line': () => {
    const old = oldNode()
    if (!old) return 'no Node older than 24.15 on the PATH to try it with'
    const { status, stderr } = spawnSync(old, [trunkline, '--version'], { encoding: 'utf8' })
    const lines = stderr.trim().split('\n')
    if (status === 0 || lines.length !== 1 || !/24\.15/.test(lines[0])) throw new Error(`it said:\n${stderr}`)
  },

  'it serves': async () => {
    server = spawn(trunkline, ['serve', '--port', '0', '--data-dir', data], {
      cwd: home,
      detached: true,
    })
    for (const stream of [server.stdout, server.stderr]) stream.on('data', (text) => (log += text))
    gateway = await until('it is ready', 30, async () => {
      if (server.exitCode !== null) throw new Error(`it ended with ${server.exitCode}`)
      const { gateway } = JSON.parse(readFileSync(join(data, 'server.json'), 'utf8'))
      const { status } = await fetch(`${gateway}/health/ready`)
      return status === 200 && gateway
    })
  },

  'a call to mock/echo is answered': async () => {
    const answer = await fetch(`${gateway}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content: hello }] }),
    })
    const text = await answer.text()
    if (answer.status !== 200 || !text.includes(hello)) throw new Error(`it answered ${answer.status}: ${text}`)
  },

  'traces list shows the call': () =>
    until('the call is listed', 10, () => {
      const list = execFileSync(trunkline, ['traces', 'list', '--json', '--data-dir', data], { encoding: 'utf8' })
      const traces = JSON.parse(list)
      return (Array.isArray(traces) ? traces : Object.values(traces).flat()).length > 0 && list.includes('mock/echo')
    }),

  'SIGTERM ends it with 0 and leaves nothing running': async () => {
    const ended = new Promise((resolve) => server.once('exit', (code, signal) => resolve(signal ?? code)))
    server.kill('SIGTERM')
    const end = await Promise.race([ended, sleep(15_000, 'no end within 15 s', { ref: false })])
    if (end !== 0) throw new Error(`it ended with ${end}`)
    if (isGroupAlive()) throw new Error('a process of its group is still there')
  },
}

let passed = 0
let failed = 0
for (const [name, check] of Object.entries(checks)) {
  try {
    const skipped = await check()
    if (typeof skipped === 'string') console.log(`- ${name}: skipped, ${skipped}`)
    else {
      passed += 1
      console.log(`✓ ${name}`)
    }
  } catch (error) {
    failed += 1
    console.log(`✗ ${name}: ${error.stderr || error.message}`)
    if (log) console.log(`The server said:\n${log}`)
    break
  }
}
if (isGroupAlive()) process.kill(-server.pid, 'SIGKILL')
rmSync(work, { recursive: true, force: true })
console.log(`package: ${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)

function npm(cwd, ...args) {
  const shell = process.platform === 'win32'
  return execFileSync('npm', [...args, '--loglevel=error'], {
    cwd,
    shell,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function oldNode() {
  return process.env.PATH.split(delimiter)
    .map((folder) => join(folder, 'node'))
    .find((node) => {
      const [, major, minor] = /^v(\d+)\.(\d+)/.exec(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout) ?? []
      return major && (Number(major) < 24 || (Number(major) === 24 && Number(minor) < 15))
    })
}

/** Asks again and again until the answer is true in some way; what went wrong last is the reason when the time is over. */
async function until(what, seconds, ask) {
  const end = Date.now() + seconds * 1000
  let reason = ''
  while (Date.now() < end && server.exitCode === null) {
    try {
      const answer = await ask()
      if (answer) return typeof answer === 'string' ? answer : undefined
      reason = ''
    } catch (error) {
      reason = `: ${error.stderr || error.message}`
    }
    await sleep(100)
  }
  throw new Error(`${what}: not within ${seconds} s, or the server has ended${reason}`)
}

function isGroupAlive() {
  try {
    return server?.pid !== undefined && process.kill(-server.pid, 0)
  } catch {
    return false
  }
}
