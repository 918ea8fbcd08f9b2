import { hash, randomBytes } from 'node:crypto'
import type { MasterKey } from './envelope.ts'
import { type KeyFiles, keyFiles } from './key-files.ts'

/** The keys that are there now. */
export interface KeyRing {
  /** With which is encrypted; absent as long as there is none. */
  readonly active: MasterKey | undefined
  readonly find: (id: string) => MasterKey | undefined
  readonly size: number
}

interface Deps {
  /** Of the file in which keys are that nobody else keeps. */
  readonly path: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly files?: KeyFiles
}

export const masterKeyVariable = 'TRUNKLINE_MASTER_KEY'
export const previousKeyVariable = 'TRUNKLINE_MASTER_KEY_PREVIOUS'

/**
 * The keys with which credentials are encrypted: from the environment, or else from a file that is made when first one is
 * needed. The file is read anew each time, so that one which is put back or mended needs no restart.
 */
export class MasterKeys {
  private readonly path: string
  private readonly files: KeyFiles
  /** The active key first. */
  private readonly given: readonly MasterKey[]
  readonly isGiven: boolean

  /** Throws when the environment has a key that is none. */
  constructor({ path, environment, files = keyFiles }: Deps) {
    this.path = path
    this.files = files
    const active = keyIn(environment, masterKeyVariable)
    const previous = keyIn(environment, previousKeyVariable)
    if (previous && !active)
      throw new Error(`${previousKeyVariable} is set without ${masterKeyVariable}, which is the key that follows it.`)
    this.given = [active, previous].filter((key) => key !== undefined)
    this.isGiven = active !== undefined
  }

  /** Where a missing key has to come from, for messages. */
  get place(): string {
    return this.isGiven ? `${previousKeyVariable} or ${this.path}` : `${masterKeyVariable} or ${this.path}`
  }

  /** Throws when the file is there but cannot be used, with the way out in the message. */
  read(): KeyRing {
    const file = this.readFile()
    const keys = [...this.given, ...file.keys]
    return {
      active: this.given[0] ?? file.keys.find(({ id }) => id === file.active),
      find: (id) => keys.find((key) => key.id === id),
      size: new Set(keys.map(({ id }) => id)).size,
    }
  }

  /** The first key of a file that is not there yet. */
  make(): MasterKey {
    const key = newKey()
    this.writeFile({ active: key.id, keys: [key] })
    return key
  }

  /** From now on a new key is the active one; the old ones still open what they have encrypted. */
  makeNext(): MasterKey {
    if (this.given[0]) return this.given[0]
    const key = newKey()
    this.writeFile({ active: key.id, keys: [key, ...this.readFile().keys] })
    return key
  }

  /** Forgets the keys of the file under which nothing is any more. The active one stays. */
  forgetBut(used: ReadonlySet<string>): void {
    const { active, keys } = this.readFile()
    const kept = keys.filter(({ id }) => used.has(id) || (!this.isGiven && id === active))
    if (kept.length === keys.length) return
    if (kept.length === 0) this.files.remove(this.path)
    else
      this.writeFile({ active: kept.some(({ id }) => id === active) ? active : (kept[0] as MasterKey).id, keys: kept })
  }

  private readFile(): KeyFile {
    const text = this.files.read(this.path)
    if (text === undefined) return { active: '', keys: [] }
    try {
      return parsed(text)
    } catch {
      throw new Error(
        `${this.path} is no file of master keys, or is damaged. Put back the one that was there; a new one would not open what is stored.`,
      )
    }
  }

  private writeFile({ active, keys }: KeyFile): void {
    const written = Object.fromEntries(keys.map(({ id, bytes }) => [id, bytes.toString('base64')]))
    this.files.write(this.path, `${JSON.stringify({ active, keys: written }, null, 2)}\n`)
  }
}

interface KeyFile {
  readonly active: string
  readonly keys: readonly MasterKey[]
}

/** Throws at the first thing that is not as it is written. */
function parsed(text: string): KeyFile {
  const { active, keys } = JSON.parse(text) as { active: string; keys: Record<string, string> }
  const read = Object.entries(keys).map(([id, written]) => {
    const key = named(decoded(written))
    if (key?.id !== id) throw new Error(id)
    return key
  })
  if (!read.some(({ id }) => id === active)) throw new Error(active)
  return { active, keys: read }
}

/** The name of a key follows from it, so that no file can give it to another. */
const named = (bytes: Buffer | undefined): MasterKey | undefined =>
  bytes && { id: hash('sha256', Buffer.concat([Buffer.from('trunkline master key '), bytes])).slice(0, 16), bytes }

const newKey = (): MasterKey => named(randomBytes(32)) as MasterKey

function keyIn(environment: Deps['environment'], variable: string): MasterKey | undefined {
  const written = environment[variable]
  if (written === undefined) return undefined
  const key = named(decoded(written.trim()))
  if (key) return key
  const is = written.trim() === '' ? 'is empty' : 'is not 32 bytes'
  throw new Error(
    `${variable} ${is}. Give 32 random bytes in base64 or hex, such as \`openssl rand -base64 32\` makes, or unset it.`,
  )
}

function decoded(written: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(written)) return Buffer.from(written, 'hex')
  if (/^[\w+/-]{43}=?$/.test(written)) return Buffer.from(written, 'base64')
  return undefined
}
