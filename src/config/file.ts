import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml'
import { nearest } from '../core/nearest.ts'
import { ConfigError } from './error.ts'
import { pathOf, type SettingKey, settings } from './settings.ts'

/** A value of the file and where it stands, for whoever has to mend it. */
export interface FileValue {
  readonly value: unknown
  readonly place: string
}

/** The file that was named, else the one in the data folder if there is one. Never one in the working directory. */
export function configPath(named: string | undefined, dataDir: string): string | undefined {
  if (named) return pathOf(named)
  const usual = join(dataDir, 'trunkline.yaml')
  return existsSync(usual) ? usual : undefined
}

/** The settings of a file by key. A key that means nothing is an error, for it would be taken and do nothing. */
export function readConfigFile(path: string): ReadonlyMap<SettingKey, FileValue> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ConfigError(`The configuration file ${path} cannot be read: ${(cause as Error).message}`)
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${path}:${line}:${col}`
  }
  const [broken] = document.errors
  if (broken)
    throw new ConfigError(`${place(broken.pos[0])}: this is not valid YAML: ${broken.message.split('\n', 1)[0]}`)
  const found = new Map<SettingKey, FileValue>()
  if (document.contents === null) return found
  if (!isMap(document.contents)) throw new ConfigError(`${place(0)}: the file must be a map of settings.`)
  collect({ document, found, place }, document.contents, '')
  return found
}

const keys: ReadonlySet<string> = new Set(Object.keys(settings))

interface Reading {
  readonly document: Document
  readonly found: Map<SettingKey, FileValue>
  readonly place: (offset: number) => string
}

function collect(reading: Reading, map: YAMLMap, prefix: string): void {
  const { found, place } = reading
  for (const { key: keyNode, value } of map.items) {
    const name = isScalar(keyNode) ? String(keyNode.value) : String(keyNode)
    const key = `${prefix}${name}`
    const offset = (isScalar(keyNode) && keyNode.range?.[0]) || 0
    const below = namesBelow(`${key}.`)
    if (keys.has(key)) {
      const plain = plainOf(value, reading.document)
      if (plain === undefined)
        throw new ConfigError(`${place(offset)}: ${key} refers to an anchor that this file does not have.`)
      if (plain !== null) found.set(key as SettingKey, { value: plain, place: place(offset) })
    } else if (below.length > 0) {
      if (isMap(value)) collect(reading, value, `${key}.`)
      else if (value !== null && !(isScalar(value) && value.value === null)) {
        throw new ConfigError(`${place(offset)}: ${key} must be a map with ${below.join(', ')}.`)
      }
    } else throw new ConfigError(`${place(offset)}: there is no setting ${key}.${suggestion(prefix, name)}`)
  }
}

/** Undefined when it refers to something that is not there. */
function plainOf(value: unknown, document: Document): unknown {
  try {
    return isNode(value) ? value.toJS(document) : null
  } catch {
    return undefined
  }
}

/** What may stand in the map that has this prefix. */
const namesBelow = (prefix: string): readonly string[] => [
  ...new Set(
    [...keys].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length).split('.', 1)[0] as string),
  ),
]

function suggestion(prefix: string, name: string): string {
  const here = namesBelow(prefix)
  const meant = nearest(name, here)
  return meant === undefined ? ` Here may stand: ${here.join(', ')}.` : ` Did you mean ${prefix}${meant}?`
}
