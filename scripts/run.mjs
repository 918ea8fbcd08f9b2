/**
 * Runs the project's tasks: installs what a task needs, finds the Node that it needs, builds when the sources have
 * changed, then hands over. Everything that this file says goes to stderr, so that a task's own output stays clean.
 * Plain syntax and no packages: it must run on whatever Node the user has, from 18 on.
 */
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from './node-flags.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const oldestNode = [24, 15]

/** What can be installed, each by its lockfile. A folder that has its dev set has its run set too. */
const sets = {
  run: { folder: '.', dev: false, says: 'what npm start needs (about 340 MB, once)' },
  dev: { folder: '.', dev: true, says: 'what the tests and the linters need (about 480 MB, once)' },
  clients: { folder: 'test/clients', dev: true, says: "the vendors' SDKs that the tests use (about 210 MB, once)" },
}

const biome = 'node_modules/@biomejs/biome/bin/biome'

/** Each command is run by the project's Node; the user's arguments go to the last one. */
const tasks = {
  start: { needs: ['run'], build: 'when changed', commands: [[...nodeFlags, 'dist/main.js']] },
  setup: { needs: ['dev', 'clients'], build: 'no', commands: [] },
  test: { needs: ['dev', 'clients'], build: 'no', commands: [['node_modules/vitest/vitest.mjs', 'run']] },
  types: { needs: ['dev', 'clients'], build: 'no', commands: [['node_modules/typescript/bin/tsc', '-p', '.']] },
  lint: { needs: ['dev', 'clients'], build: 'no', commands: [[biome, 'check'], ['node_modules/knip/bin/knip.js']] },
  format: { needs: ['dev'], build: 'no', commands: [[biome, 'check', '--write']] },
  build: { needs: ['dev'], build: 'always', commands: [['node_modules/publint/src/cli.js', 'dist', '--strict']] },
  'check-package': { needs: ['run'], build: 'when changed', commands: [['scripts/check-package.mjs']] },
  bench: { needs: ['run'], build: 'when changed', commands: [['bench/bench.ts']] },
  'bench:translation': { needs: ['run'], build: 'no', commands: [['bench/translation.ts']] },
  'bench:credentials': { needs: ['run'], build: 'no', commands: [['bench/credentials.ts']] },
  'bench:faults': { needs: ['run'], build: 'when changed', commands: [['bench/faults.ts']] },
  'bench:soak': { needs: ['run'], build: 'when changed', commands: [['bench/soak.ts']] },
}

const lock = join(root, '.prepare-lock')
const builtFrom = join(root, 'dist/.built-from')

let child
let stoppedBy

await main(process.argv[2], process.argv.slice(3))

async function main(name, args) {
  const task = tasks[name]
  if (!task) fail(`There is no task ${name}. The tasks are: ${Object.keys(tasks).join(', ')}.`)
  process.chdir(root)
  passSignalsOn()

  if (!isPrepared(task)) await locked(() => prepare(task))
  const node = findNode()
  for (const [index, command] of task.commands.entries()) {
    const isLast = index === task.commands.length - 1
    const { code, signal } = await run(node, isLast ? [...command, ...args] : command, node)
    if (signal) return dieBy(signal)
    if (code !== 0) process.exit(code)
  }
}

function isPrepared(task) {
  return (
    task.needs.every((set) => isInstalled(sets[set])) && (task.build === 'no' || (task.build !== 'always' && isBuilt()))
  )
}

async function prepare(task) {
  for (const set of task.needs) if (!isInstalled(sets[set])) await install(sets[set])
  if (task.build === 'always' || (task.build === 'when changed' && !isBuilt())) await build()
}

/**
 * npm's own record of what it has installed is the stamp: npm writes it last, so an install that was cut short has none,
 * and one made by hand has it too. Packages for other platforms may be missing.
 */
function isInstalled({ folder, dev }) {
  const wanted = packagesIn(join(folder, 'package-lock.json'))
  const found = packagesIn(join(folder, 'node_modules/.package-lock.json'))
  return Object.keys(wanted).every((path) => {
    const { version, integrity, dev: onlyForDev, optional, devOptional } = wanted[path]
    if (path === '' || (onlyForDev && !dev)) return true
    const there = found[path]
    return there ? there.version === version && there.integrity === integrity : Boolean(optional || devOptional)
  })
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch (error) {
    if (error.code === 'ENOENT' && file.includes('node_modules')) return {}
    throw error
  }
}

async function install({ folder, dev, says }) {
  say(`Installing ${says} …`)
  rmSync(join(folder, 'node_modules/.package-lock.json'), { force: true })
  // npm ci deletes node_modules first, with the Node in it: npm must run on the Node that the user has outside.
  const { npm_execpath: npmCli = '', npm_node_execpath: outerNode = process.execPath } = process.env
  const [command, ...before] = /npm-cli\.c?js$/.test(npmCli) ? [outerNode, npmCli] : ['npm']
  const args = ['ci', dev ? '--include=dev' : '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const { code, signal } = await run(command, [...before, ...args], undefined, { cwd: folder, stdio: ['ignore', 2, 2] })
  if (signal || stoppedBy) return dieBy(signal || stoppedBy)
  if (code !== 0)
    fail(`npm ci failed in ${join(root, folder)}; what npm said is above. Mend that, then run this again.`)
}

/** The built folder carries the time of the newest source that it was built from. */
function isBuilt() {
  try {
    return readFileSync(builtFrom, 'utf8') === newestSource()
  } catch {
    return false
  }
}

async function build() {
  const sources = newestSource()
  const node = findNode()
  const { code, signal } = await run(node, ['scripts/build.mjs'], node, { stdio: ['ignore', 2, 2] })
  if (signal || stoppedBy) return dieBy(signal || stoppedBy)
  if (code !== 0) fail('The build failed; the reason is above.')
  writeFileSync(builtFrom, sources)
}

function newestSource() {
  return String(Math.max(...['src', 'package.json', 'package-lock.json', 'scripts/build.mjs'].map(newest)))
}

/** Folders count too: their time tells of files that were deleted or renamed. */
function newest(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return path.endsWith('.test.ts') ? 0 : stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}

/** The Node that the lockfile names, or else the one that runs this, if it is new enough. */
function findNode() {
  const ours = join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (isNewEnough(versionOf(ours))) return ours
  if (isNewEnough(process.version)) return process.execPath
  fail(
    `Trunkline needs Node ${oldestNode.join('.')} or later and this is ${process.version}; the one that npm installs beside it is missing, ` +
      'because npm was told not to run install scripts (ignore-scripts, or npm 12 without "allowScripts"). ' +
      'Install Node 24, or run: npm rebuild node --ignore-scripts=false',
  )
}

function versionOf(node) {
  try {
    if (realpathSync(node) === realpathSync(process.execPath)) return process.version
  } catch {
    return ''
  }
  return spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout || ''
}

function isNewEnough(version) {
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version) || [0, 0, 0]
  return Number(major) > oldestNode[0] || (Number(major) === oldestNode[0] && Number(minor) >= oldestNode[1])
}

/** Runs a command to its end. With `node`, that Node comes first on the PATH of everything that it starts. */
function run(command, args, node, options = {}) {
  const path = node ? dirname(node) + delimiter + process.env.PATH : process.env.PATH
  return new Promise((resolve) => {
    child = spawn(command, args, {
      stdio: 'inherit',
      env: { ...process.env, PATH: path },
      shell: process.platform === 'win32' && command === 'npm',
      ...options,
    })
    child.on('error', (error) => fail(`${command} could not be started: ${error.message}`))
    child.on('exit', (code, signal) => {
      child = undefined
      resolve({ code, signal })
    })
  })
}

/**
 * Stays alive until the child has ended in its own way. A terminal sends Ctrl-C and hang-up to the whole group, so the
 * child already has them, and a second one would tell it not to drain.
 */
function passSignalsOn() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      stoppedBy = signal
      if (!child) return dieBy(signal)
      if (signal === 'SIGTERM' || !process.stdin.isTTY) child.kill(signal)
    })
  }

  // npm hands SIGTERM to the shell between us only, and that dies of it without a word: its end is our signal.
  const { npm_lifecycle_event: runByNpm } = process.env
  const parent = process.ppid
  if (!runByNpm) return
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 500).unref()
}

function dieBy(signal) {
  process.exit(128 + constants.signals[signal])
}

/** Only one run at a time installs or builds; the others wait and then find it done. */
async function locked(work) {
  for (let waits = 0; !takeLock(); waits++) {
    const owner = ownerOfLock()
    if (owner === undefined) rmSync(lock, { force: true })
    else if (waits === 0) say(`Waiting for process ${owner}, which is installing or building here (${lock}) …`)
    await sleep(200)
  }
  process.on('exit', releaseLock)
  await work()
  releaseLock()
  process.off('exit', releaseLock)
}

function releaseLock() {
  rmSync(lock, { force: true })
}

function takeLock() {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/** Undefined when the process that took the lock is gone. */
function ownerOfLock() {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    if (pid) process.kill(pid, 0)
    return pid
  } catch (error) {
    return error.code === 'EPERM' ? 'of another user' : undefined
  }
}

function say(line) {
  console.error(line)
}

function fail(line) {
  say(line)
  process.exit(1)
}
