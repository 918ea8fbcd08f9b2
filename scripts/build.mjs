/**
 * Bundles src/ into dist/, which is the published package: no dependencies, no install scripts, nothing to compile.
 * The code is not minified, so that a stack trace can be read.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { nodeFlags } from './node-flags.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

/** Threads are started by file name, so each keeps its own beside main.js. */
const entries = {
  main: 'src/main.ts',
  control: 'src/threads/control.ts',
  writer: 'src/threads/writer.ts',
  reader: 'src/threads/reader.ts',
  // Loaded by name, too, when it is first needed: it is large.
  tokenizer: 'src/store/tokenizer.ts',
}

async function build() {
  const bundle = await rolldown({
    cwd: root,
    input: entries,
    platform: 'node',
    plugins: [onlyTheVersion],
    onLog: (level, log) => console[level === 'warn' ? 'warn' : 'log'](log.message),
  })
  const { output } = await bundle.generate({
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    comments: { legal: false, annotation: true, jsdoc: false },
  })
  const main = output.find(({ fileName }) => fileName === 'main.js')
  if (main.imports.some((name) => !name.startsWith('node:')))
    throw new Error(
      `main.js imports ${main.imports.join(', ')} statically, so on an old Node it would fail before it could say so. ` +
        'Let src/main.ts reach everything else by import().',
    )

  rmSync(dist, { recursive: true, force: true })
  mkdirSync(dist)
  for (const { fileName, code } of output) writeFileSync(join(dist, fileName), code)
  writeFileSync(
    join(dist, 'main.js'),
    `#!/usr/bin/env -S node ${nodeFlags.join(' ')}\n${main.code.replace(/^#!.*\n/, '')}`,
  )
  chmodSync(join(dist, 'main.js'), 0o755)
  writeFileSync(join(dist, 'THIRD_PARTY_LICENSES.txt'), licences(output.flatMap(({ moduleIds }) => moduleIds)))
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify(publishedManifest(), undefined, 2)}\n`)
  for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md'])
    if (existsSync(join(root, file))) copyFileSync(join(root, file), join(dist, file))
}

/** What users install has nothing to install with it. */
export function publishedManifest() {
  const { name, version, description, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    bin: { trunkline: 'main.js' },
    engines: { node: '>=24.15' },
    files: ['*.js', 'CHANGELOG.md', 'THIRD_PARTY_LICENSES.txt'],
  }
}

/** The program asks package.json for its version only; the rest of that file stays out of the bundle. */
const onlyTheVersion = {
  name: 'only-the-version',
  load: {
    filter: { id: join(root, 'package.json') },
    handler: (id) => JSON.stringify({ version: JSON.parse(readFileSync(id, 'utf8')).version }),
  },
}

/** The licence of every package that has code in the bundle, in full. */
function licences(modules) {
  const folders = new Set(modules.filter((id) => id.includes('/node_modules/')).map(packageFolder))
  return [...folders]
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
      const text = file ? readFileSync(join(folder, file), 'utf8').trim() : 'The package brings no text of its licence.'
      return `${name} ${version} (${license})\n\n${text}\n`
    })
    .sort()
    .join(`\n${'-'.repeat(80)}\n\n`)
}

function packageFolder(module) {
  const [, folder] = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)/.exec(module)
  return folder
}

if (import.meta.main) await build()
