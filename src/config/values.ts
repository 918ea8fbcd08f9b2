import { ConfigError } from './error.ts'

/** What a setting may be: each takes what was written, or says what is wrong with it. The message follows the setting's name. */

export function integer(least: number, most: number): (value: unknown) => number {
  return (value) => {
    const number =
      typeof value === 'number' ? value : typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : Number.NaN
    if (Number.isSafeInteger(number) && number >= least && number <= most) return number
    throw new ConfigError(`must be a whole number from ${least} to ${most}, not ${JSON.stringify(value)}`)
  }
}

export function oneOf<const T extends string>(names: readonly T[]): (value: unknown) => T {
  return (value) => {
    const name = names.find((candidate) => candidate === value)
    if (name !== undefined) return name
    throw new ConfigError(`must be ${names.join(', ')}, not ${JSON.stringify(value)}`)
  }
}

export function someOf<const T extends string>(names: readonly T[]): (value: unknown) => readonly T[] {
  return (value) => {
    const isList = Array.isArray(value) && value.length > 0 && new Set(value).size === value.length
    if (isList && value.every((item) => names.includes(item))) return value as T[]
    throw new ConfigError(`must be a list of some of ${names.join(', ')}, not ${JSON.stringify(value)}`)
  }
}

export function loopbackHost(value: unknown): string {
  if (value === 'localhost' || value === '::1' || /^127(\.\d{1,3}){3}$/.test(String(value))) return String(value)
  throw new ConfigError(
    `must be a loopback address such as 127.0.0.1, not ${JSON.stringify(value)}: ` +
      'without client keys, which Trunkline does not have yet, anybody who reaches the port could spend your keys',
  )
}

export function httpUrl(value: unknown): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (url && /^https?:$/.test(url.protocol)) {
    if (url.username === '' && url.password === '') return value as string
    throw new ConfigError('must not have a user or password in it: give the key as api_key')
  }
  throw new ConfigError(`must be an http or https URL, not ${JSON.stringify(value)}`)
}

export function secretText(value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '') throw new ConfigError('must be a text that is not empty')
  if (!/^[\x21-\x7e]+$/.test(value.trim())) throw new ConfigError('has a character that a key cannot have')
  return value.trim()
}

export function textList(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '')) return value as string[]
  throw new ConfigError('must be a list of names')
}

export function truth(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new ConfigError(`must be true or false, not ${JSON.stringify(value)}`)
}

/** A part of a host's name or of a query, which must not become more than that. */
export function word(value: unknown): string {
  const text = String(value)
  if (/^\w[\w-]{0,62}$/.test(text)) return text
  throw new ConfigError(`must be made of letters, digits and dashes, not ${JSON.stringify(value)}`)
}

/** Headers that describe the connection or the body, and are ours to write. */
const ours: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
])

/** `keys` are the headers in which keys are sent. Values may be secrets, so no message has them. */
export function headerMap(keys: readonly string[]): (value: unknown) => Readonly<Record<string, string>> {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new ConfigError('must be a map of header names and values')
    }
    const headers: Record<string, string> = {}
    for (const [written, text] of Object.entries(value)) {
      const name = written.toLowerCase()
      if (!/^[a-z0-9-]+$/.test(name)) throw new ConfigError(`has ${JSON.stringify(written)}, which is no header's name`)
      if (keys.includes(name)) throw new ConfigError(`must not have ${written}: give the key as api_key`)
      if (ours.has(name)) throw new ConfigError(`must not have ${written}, which Trunkline itself writes`)
      if (typeof text !== 'string' || !/^[\x20-\x7e]+$/.test(text)) {
        throw new ConfigError(`must have a text in plain ASCII as ${written}`)
      }
      headers[name] = text.trim()
    }
    return headers
  }
}
