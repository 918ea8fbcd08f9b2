import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve, sep } from 'node:path'
import { parseSync, Visitor } from 'rolldown/utils'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')

/** Who may import whom. A folder may always import itself; everything else is written here or is not allowed. */
const mayImport: Record<string, readonly string[]> = {
  core: [],
  http: ['core'],
  dialects: ['core', 'http'],
  providers: ['core', 'dialects', 'http'],
  routing: ['core', 'providers'],
  telemetry: ['core'],
  gateway: ['core', 'http', 'dialects', 'providers', 'routing', 'telemetry'],
  store: ['core', 'dialects', 'http'],
  collector: ['core', 'http', 'store'],
  config: ['core', 'providers'],
  catalog: ['core', 'providers'],
  credentials: ['core', 'providers'],
  api: ['core', 'http', 'store', 'catalog', 'credentials', 'routing', 'providers'],
  mcp: ['core', 'http', 'store', 'catalog', 'credentials', 'routing', 'providers'],
  cli: ['core', 'config', 'store', 'app.ts'],
  'main.ts': ['core', 'cli'],
}

/** These wire the parts together, so they may import every part. */
const wiring = ['app.ts', 'control', 'threads']

/** core is arithmetic: it imports no package and nothing of Node. Each exception is written here with its reason. */
const coreMayImport: Record<string, readonly string[]> = {
  'src/core/version.ts': ['package.json'], // the one place where the version is written
}

/** What a call passes through; it needs only memory, so nothing in here opens a file or a database. */
const onTheWayOfACall = ['core', 'http', 'dialects', 'routing', 'gateway', 'telemetry']
const filesAndDatabases = ['node:fs', 'node:fs/promises', 'node:sqlite', 'kysely']

interface Import {
  /** As it is written. */
  readonly from: string
  /** The file that it means, seen from the root, or the name of a package or a part of Node. */
  readonly to: string
  readonly isRelative: boolean
  readonly isReexport: boolean
  /** True when it loads nothing by itself: it is of types only, or waits until it is asked for. */
  readonly isLater: boolean
}

interface SourceFile {
  readonly path: string
  readonly folder: string
  readonly imports: readonly Import[]
}

const sourceFiles: readonly SourceFile[] = globSync('src/**/*.ts', { cwd: root })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => !path.endsWith('.test.ts'))
  .map((path) => ({ path, folder: folderOf(path), imports: importsOf(path) }))

test('imports go one way', () => {
  const offences = sourceFiles.flatMap(({ path, folder, imports }) =>
    imports
      .filter(({ to }) => to.startsWith('src/'))
      .map(({ to }) => folderOf(to))
      .filter((to) => to !== folder && !wiring.includes(folder) && !mayImport[folder]?.includes(to))
      .map(
        (to) =>
          `${path} imports ${to}, but ${folder} may import only: ${mayImport[folder]?.join(', ') || 'nothing'}. Pass it in instead.`,
      ),
  )
  expect(offences).toEqual([])
})

test('every folder of src has its row in the table of imports', () => {
  const known = [...Object.keys(mayImport), ...wiring]
  const offences = new Set(
    sourceFiles
      .filter(({ folder }) => !known.includes(folder))
      .map(({ folder }) => `src/${folder} is new: say in mayImport, above, what it may import.`),
  )
  expect([...offences]).toEqual([])
})

test('core imports nothing from outside itself', () => {
  const offences = sourceFiles
    .filter(({ folder }) => folder === 'core')
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ to }) => !to.startsWith('src/core/') && !coreMayImport[path]?.includes(to))
        .map(
          ({ from }) =>
            `${path} imports ${from}. core is pure: let the caller pass in what it needs, or move the effect to the folder that has it.`,
        ),
    )
  expect(offences).toEqual([])
})

test('a call needs only memory', () => {
  const offences = sourceFiles
    .filter(({ folder }) => onTheWayOfACall.includes(folder))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ to }) => filesAndDatabases.includes(to))
        .map(
          ({ to }) =>
            `${path} imports ${to}. The gateway thread opens no file and no database: ask control or the writer.`,
        ),
    )
  expect(offences).toEqual([])
})

/** The packages without which a thread cannot begin. Whatever else is large comes by `import()` when it is needed. */
const beginsWith: Readonly<Record<string, readonly string[]>> = {
  'src/threads/control.ts': ['kysely', 'yaml'],
  'src/app.ts': [],
}

test('a start loads only what it needs', () => {
  for (const [entry, packages] of Object.entries(beginsWith)) {
    const loaded = loadedBy(entry)
      .flatMap(({ imports }) => imports)
      .filter(({ to, isRelative, isLater }) => !isRelative && !isLater && !to.startsWith('node:'))
      .map(({ to }) => to.split('/')[0] as string)
    expect([...new Set(loaded)].sort(), `what ${entry} waits for`).toEqual(packages)
  }
})

test('nobody imports node:http, which would load all of the client that is in Node', () => {
  const offences = sourceFiles.flatMap(({ path, imports }) =>
    imports
      .filter(({ to, isLater }) => to === 'node:http' && !isLater)
      .map(() => `${path} imports node:http: take it from process.getBuiltinModule, as http/node-http.ts does.`),
  )
  expect(offences).toEqual([])
})

test('imports are written as files', () => {
  const offences = sourceFiles.flatMap(({ path, imports }) =>
    imports.flatMap(({ from, isRelative }) => {
      if (isRelative && !/\.(ts|json)$/.test(from))
        return [`${path} imports '${from}': write the whole name, with its .ts.`]
      if (/^[#~/]|^@\//.test(from)) return [`${path} imports '${from}': no path aliases, write the relative path.`]
      return []
    }),
  )
  expect(offences).toEqual([])
})

test('there are no path aliases to use', () => {
  expect(json('tsconfig.json')).not.toHaveProperty('compilerOptions.paths')
  expect(json('package.json')).not.toHaveProperty('imports')
})

test('there are no barrels', () => {
  const offences = sourceFiles
    .filter(({ path, imports }) => path.endsWith('/index.ts') && imports.some(({ isReexport }) => isReexport))
    .map(({ path }) => `${path} hands on what other files export. An index.ts is a table; import from the file itself.`)
  expect(offences).toEqual([])
})

test('the code is the same on every machine', () => {
  const machinePath = /(?<![\w.~-])\/(?:root|work|tmp|home\/\w+)\/[\w.]/
  const registry = /\b(?:registry|npm)\.[a-z0-9-]+\.[a-z]{2,}|\bartifactory\b/i
  const offences = textFiles().flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => {
      const at = `${path}:${index + 1}`
      const found = machinePath.exec(line)?.[0]
      if (found && !(found.startsWith('/tmp/') && path.includes('test')))
        return [
          `${at} names a path of one machine (${found}…): take it from the arguments, the environment or import.meta.`,
        ]
      if (registry.test(line)) return [`${at} names a package registry: leave that to the user's npm.`]
      return []
    }),
  )
  expect(offences).toEqual([])
})

test('every version is pinned', () => {
  const offences = ['package.json', 'test/clients/package.json'].flatMap((path) => {
    const { dependencies, devDependencies, overrides } = json(path) as Record<
      string,
      Record<string, string> | undefined
    >
    return Object.entries({ ...dependencies, ...devDependencies, ...overrides })
      .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
      .map(([name, version]) => `${path} asks for ${name} ${version}: write the exact version.`)
  })
  expect(offences).toEqual([])
})

test('the published package installs nothing and runs nothing', async () => {
  const { publishedManifest } = await import(resolve(root, 'scripts/build.mjs'))
  const manifest = publishedManifest()
  for (const field of ['dependencies', 'optionalDependencies', 'bundleDependencies', 'devDependencies', 'scripts'])
    expect(manifest).not.toHaveProperty(field)
  expect(manifest.version).toBe(json('package.json').version)
})

/** The first part of a path below src/: a folder, or a file that stands there alone. */
function folderOf(path: string): string {
  return path.split('/')[1] ?? path
}

/** The source files that are there before the first line of this one runs. */
function loadedBy(entry: string): readonly SourceFile[] {
  const found = new Set<SourceFile>()
  const look = (path: string): void => {
    const file = sourceFiles.find((candidate) => candidate.path === path)
    if (!file || found.has(file)) return
    found.add(file)
    for (const { to, isLater } of file.imports) if (!isLater) look(to)
  }
  look(entry)
  return [...found]
}

/** All of them: also those of types only, import('…') in code and in types, and what is exported on. */
function importsOf(path: string): Import[] {
  const { program, errors } = parseSync(path, readFileSync(resolve(root, path), 'utf8'))
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`)
  const imports: Import[] = []
  const add = (source: { type: string; value?: unknown } | null, is: Partial<Import> = {}) => {
    if (typeof source?.value === 'string') imports.push({ ...importOf(path, source.value), ...is })
  }
  new Visitor({
    ImportDeclaration: ({ source, importKind }) => add(source, { isLater: importKind === 'type' }),
    ImportExpression: ({ source }) => add(source as { type: string }, { isLater: true }),
    TSImportType: ({ source }) => add(source, { isLater: true }),
    ExportNamedDeclaration: ({ source, exportKind }) =>
      add(source, { isReexport: true, isLater: exportKind === 'type' }),
    ExportAllDeclaration: ({ source, exportKind }) => add(source, { isReexport: true, isLater: exportKind === 'type' }),
  }).visit(program)
  return imports
}

function importOf(path: string, from: string): Import {
  const isRelative = from.startsWith('.')
  const to = isRelative
    ? relative(root, resolve(root, dirname(path), from))
        .split(sep)
        .join('/')
    : from
  return { from, to, isRelative, isReexport: false, isLater: false }
}

function textFiles(): { path: string; lines: string[] }[] {
  return execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\0')
    .filter((path) => path !== '' && existsSync(resolve(root, path)))
    .map((path) => ({ path, text: readFileSync(resolve(root, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'))
    .map(({ path, text }) => ({ path, lines: text.split('\n') }))
}

function json(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(resolve(root, path), 'utf8'))
}
