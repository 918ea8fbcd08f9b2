import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml'
import { providerNameForm } from '../core/checks.ts'
import { nearest } from '../core/nearest.ts'
import { providerNamed } from '../providers/index.ts'
import { Refusal } from './error.ts'
import { hasTemplate, interpolated } from './interpolate.ts'
import { modelNameProblem, noNames, type OwnNames, rowsFor } from './own-names.ts'
import { likenesses } from './provider-settings.ts'
import type { Environment, Row } from './setting.ts'
import { pathOf } from './settings.ts'

/** A value of the file and where it stands, for whoever has to mend it. */
export interface FileValue {
  readonly value: unknown
  readonly place: string
  /** What was written, where the value comes from elsewhere and may be a secret. */
  readonly template?: string
  /** True when it could not be read, and that has been said. */
  readonly isBroken?: true
}

/** What came of reading the file: what it says by the keys of settings, and everything that is wrong with it. */
export interface FileReading {
  readonly values: ReadonlyMap<string, FileValue>
  readonly own: OwnNames
  readonly problems: readonly string[]
  /** Every file that was read or that is missing. */
  readonly files: readonly string[]
}

export const noFile: FileReading = { values: new Map(), own: noNames, problems: [], files: [] }

/** Where the file is when none was named. Never in the working directory. */
export const usualPath = (dataDir: string): string => join(dataDir, 'trunkline.yaml')

/** The file that was named, else the one in the data folder if there is one. */
export function configPath(named: string | undefined, dataDir: string): string | undefined {
  if (named) return pathOf(named)
  const usual = usualPath(dataDir)
  return existsSync(usual) ? usual : undefined
}

/** Reads the file as far as it can be read. A key that means nothing is a problem, for it would be taken and do nothing. */
export function readConfigFile(path: string, environment: Environment): FileReading {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const problem = `The configuration file ${path} cannot be read: ${(cause as Error).message}`
    return { ...noFile, problems: [problem], files: [path] }
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'error' })
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${path}:${line}:${col}`
  }
  const only = (problem: string): FileReading => ({ ...noFile, problems: [problem], files: [path] })
  const [broken] = document.errors
  if (broken) return only(`${place(broken.pos[0])}: this is not valid YAML: ${withoutText(broken.message)}.`)
  if (document.contents === null) return { ...noFile, files: [path] }
  if (!isMap(document.contents)) return only(`${place(0)}: the file must be a map of settings.`)
  const reading: Reading = {
    document,
    place,
    values: new Map(),
    problems: [],
    files: [path],
    skipped: new Set(),
    templates: new Map(),
  }
  interpolate(reading, dirname(path), environment)
  const own = ownNamesIn(reading, document.contents)
  collect(reading, document.contents, treeOf(rowsFor(own)), '')
  const { values, problems, files } = reading
  return { values, own, problems, files }
}

/** The parser's words without what they repeat of the file: it stands behind a colon, or is no word of a sentence. */
function withoutText(message: string): string {
  const [sentence = ''] = message.split(/\n|: | at line \d/, 1)
  return sentence
    .split(' ')
    .map((word) => (word.length > 3 && !/^[a-z'-]+[.,]?$/i.test(word) ? '…' : word))
    .join(' ')
    .replace(/\.$/, '')
}

interface Reading {
  readonly document: Document
  readonly place: (offset: number) => string
  readonly values: Map<string, FileValue>
  readonly problems: string[]
  readonly files: string[]
  /** Nodes about which everything has been said. */
  readonly skipped: Set<unknown>
  /** What was written where something else stands now. */
  readonly templates: Map<unknown, string>
}

const offsetOf = (node: unknown): number => (isNode(node) && node.range?.[0]) || 0

const nameOf = (key: unknown): string => (isScalar(key) ? String(key.value) : String(key))

/** What an alias stands for; undefined when it stands for nothing. */
const resolved = (node: unknown, document: Document): unknown => (isAlias(node) ? node.resolve(document) : node)

function interpolate(reading: Reading, folder: string, environment: Environment): void {
  const { document, files, problems, place, skipped, templates } = reading
  const onFile = (file: string): void => void (files.includes(file) || files.push(file))
  visit(document, {
    Scalar(key, node: Scalar) {
      if (key === 'key' || typeof node.value !== 'string' || !hasTemplate(node.value)) return
      const written = node.value
      try {
        node.value = interpolated(written, { environment, folder, onFile })
        if (node.value !== written) templates.set(node, written)
      } catch (thrown) {
        if (!(thrown instanceof Refusal)) throw thrown
        problems.push(`${place(offsetOf(node))}: this value ${thrown.message}.`)
        skipped.add(node)
      }
    },
  })
}

/** The names that the file brings with it, as far as they can be used. */
function ownNamesIn(reading: Reading, root: YAMLMap): OwnNames {
  const { document, place, problems, skipped } = reading
  const itemsOf = (name: string): YAMLMap['items'] => {
    const map = resolved(root.get(name, true), document)
    return isMap(map) ? map.items : []
  }
  const providers = new Map<string, string>()
  for (const pair of itemsOf('providers')) {
    const name = nameOf(pair.key)
    const map = resolved(pair.value, document)
    const like = isMap(map) ? map.get('like', true) : undefined
    if (providerNamed(name) || like === undefined) continue
    const refuse = (node: unknown, problem: string): void => {
      problems.push(`${place(offsetOf(node))}: ${problem}`)
      skipped.add(pair)
    }
    if (!providerNameForm.test(name)) {
      refuse(
        pair.key,
        `providers.${name}: a name must be made of small letters, digits and dashes, begin with one of the first two and have at most 63 of them.`,
      )
      continue
    }
    const node = resolved(like, document)
    const asked = isScalar(node) ? node.value : undefined
    if (typeof asked === 'string' && likenesses.includes(asked)) providers.set(name, asked)
    else if (skipped.has(node)) skipped.add(pair)
    else {
      const written = JSON.stringify(reading.templates.get(node) ?? asked)
      const meant = typeof asked === 'string' ? nearest(asked, likenesses) : undefined
      const hint = meant === undefined ? '' : ` Did you mean ${meant}?`
      refuse(like, `providers.${name}.like is ${written}, and nothing can be like that.${hint}`)
    }
  }
  const models = new Map<string, string>()
  for (const pair of itemsOf('models')) {
    const name = nameOf(pair.key)
    const problem = modelNameProblem(name)
    const at = place(offsetOf(pair.key))
    if (problem === undefined) models.set(name, at)
    else {
      problems.push(`${at}: models: the name of a model ${problem}.`)
      skipped.add(pair)
    }
  }
  return { providers, models }
}

/** Settings in their maps, as the file has them. */
type Tree = Map<string, Tree | Row>

function treeOf(rows: readonly Row[]): Tree {
  const root: Tree = new Map()
  for (const row of rows) {
    let branch = root
    for (const name of row.path.slice(0, -1)) {
      const next = branch.get(name)
      if (next instanceof Map) branch = next
      else {
        const made: Tree = new Map()
        branch.set(name, made)
        branch = made
      }
    }
    branch.set(row.path.at(-1) as string, row)
  }
  if (!root.has('models')) root.set('models', new Map())
  return root
}

function collect(reading: Reading, map: YAMLMap, tree: Tree, prefix: string): void {
  const { document, place, problems, skipped } = reading
  for (const pair of map.items) {
    if (skipped.has(pair)) continue
    const name = nameOf(pair.key)
    const key = `${prefix}${name}`
    const at = place(offsetOf(pair.key))
    const below = tree.get(name)
    if (below === undefined) {
      problems.push(`${at}: there is no setting ${key}.${suggestion(prefix, name, tree)}`)
    } else if (below instanceof Map) {
      const value = resolved(pair.value, document)
      if (isMap(value)) collect(reading, value, below, `${key}.`)
      else if (value !== null && !(isScalar(value) && value.value === null)) {
        const names = [...below.keys()]
        problems.push(`${at}: ${key} must be a map${names.length === 0 ? '' : ` with ${names.join(', ')}`}.`)
      }
    } else take(reading, below, pair.value, at)
  }
}

function take(reading: Reading, { key, setting }: Row, node: unknown, place: string): void {
  const { document, problems, values } = reading
  const scalars = scalarsIn(node, document)
  if (scalars.some((scalar) => reading.skipped.has(scalar))) {
    values.set(key, { value: undefined, place, isBroken: true })
    return
  }
  const value = plainOf(node, document)
  const template = scalars.map((scalar) => reading.templates.get(scalar)).find((written) => written !== undefined)
  if (value === undefined) problems.push(`${place}: ${key} refers to an anchor that this file does not have.`)
  else if (value !== null) values.set(key, { value, place, ...(template !== undefined && { template }) })
  else if (setting.secret) problems.push(`${place}: ${key} is empty. Give it a value, or take the line out.`)
}

function scalarsIn(node: unknown, document: Document): readonly Scalar[] {
  const found: Scalar[] = []
  const seen = new Set<unknown>()
  const look = (one: unknown): void => {
    if (!isNode(one) || seen.has(one)) return
    seen.add(one)
    visit(one as Node, {
      Scalar: (_, scalar) => void found.push(scalar),
      Alias: (_, alias) => look(alias.resolve(document)),
    })
  }
  look(node)
  return found
}

/** Undefined when it refers to something that is not there. */
function plainOf(value: unknown, document: Document): unknown {
  try {
    return isNode(value) ? value.toJS(document) : null
  } catch {
    return undefined
  }
}

function suggestion(prefix: string, name: string, tree: Tree): string {
  const here = [...tree.keys()]
  const meant = nearest(name, here)
  const hint = meant === undefined ? ` Here may stand: ${here.join(', ')}.` : ` Did you mean ${prefix}${meant}?`
  return prefix === 'providers.' ? `${hint} A provider of your own has like and base_url.` : hint
}
