import { Refusal } from './error.ts'
import type { Kind } from './setting.ts'

/** What settings may be: each kind takes what was written, or says what is wrong with it. */

export function integer(least: number, most: number): Kind<number> {
  return {
    take(value) {
      const number =
        typeof value === 'number'
          ? value
          : typeof value === 'string' && /^\d+$/.test(value)
            ? Number(value)
            : Number.NaN
      if (Number.isSafeInteger(number) && number >= least && number <= most) return number
      throw new Refusal(`must be a whole number from ${least} to ${most}`, value)
    },
    schema: { type: 'integer', minimum: least, maximum: most },
  }
}

export function oneOf<const T extends string>(names: readonly T[]): Kind<T> {
  return {
    take(value) {
      const name = names.find((candidate) => candidate === value)
      if (name !== undefined) return name
      throw new Refusal(`must be ${names.join(', ')}`, value)
    },
    schema: { enum: names },
  }
}

export function someOf<const T extends string>(names: readonly T[]): Kind<readonly T[]> {
  return {
    isList: true,
    take(value) {
      const isList = Array.isArray(value) && value.length > 0 && new Set(value).size === value.length
      if (isList && value.every((item) => names.includes(item))) return value as T[]
      throw new Refusal(`must be a list of some of ${names.join(', ')}`, value)
    },
    schema: { type: 'array', items: { enum: names }, minItems: 1, uniqueItems: true },
  }
}

export const httpUrl: Kind<string> = {
  take(value) {
    const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
    if (url && /^https?:$/.test(url.protocol)) {
      if (url.username === '' && url.password === '') return value as string
      throw new Refusal('must not have a user or password in it: give the key as api_key')
    }
    // What stands before an @ or behind a ? may be a secret.
    const mayBeShown = typeof value !== 'string' || !/[@?]/.test(value)
    throw new Refusal('must be an http or https URL', mayBeShown ? value : undefined)
  },
  schema: { type: 'string', pattern: '^[hH][tT][tT][pP][sS]?://' },
  shown: (value: string | undefined) => value?.replace(/\?.+$/s, '?(hidden)'),
}

export const secretText: Kind<string> = {
  take(value) {
    if (typeof value !== 'string' || value.trim() === '') throw new Refusal('must be a text that is not empty')
    if (!/^[\x21-\x7e]+$/.test(value.trim())) throw new Refusal('has a character that a key cannot have')
    return value.trim()
  },
  schema: { type: 'string', minLength: 1 },
}

/** A name of somebody else's, such as a model's: nothing is known of it but that it is one line. */
export const lineText: Kind<string> = {
  take(value) {
    if (typeof value !== 'string' || value.trim() === '') throw new Refusal('must be a text that is not empty')
    if (value.length > 1024 || /\p{Cc}/u.test(value)) throw new Refusal('must be one line of at most 1024 characters')
    return value
  },
  schema: { type: 'string', minLength: 1, maxLength: 1024 },
}

export const textList: Kind<readonly string[]> = {
  isList: true,
  take(value) {
    if (Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '')) return value as string[]
    throw new Refusal('must be a list of names')
  },
  schema: { type: 'array', items: { type: 'string', minLength: 1 } },
}

export const truth: Kind<boolean> = {
  take(value) {
    if (typeof value === 'boolean') return value
    // As a variable has it.
    if (value === 'true' || value === 'false') return value === 'true'
    throw new Refusal('must be true or false', value)
  },
  schema: { type: 'boolean' },
}

/** A part of a host's name or of a query, which must not become more than that. */
export const word: Kind<string> = {
  take(value) {
    const text = String(value)
    if (/^\w[\w-]{0,62}$/.test(text)) return text
    throw new Refusal('must be made of letters, digits and dashes', value)
  },
  schema: { type: ['string', 'integer'], pattern: '^\\w[\\w-]{0,62}$' },
}

/** A JSON document, as text or as a map of the file. */
export const jsonText: Kind<string> = {
  take(value) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return JSON.stringify(value)
    if (typeof value === 'string') {
      try {
        const parsed: unknown = JSON.parse(value)
        if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return value.trim()
      } catch {
        // The parser's message would repeat a part of it.
      }
    }
    throw new Refusal('must be a JSON object')
  },
  schema: { type: ['string', 'object'] },
}
