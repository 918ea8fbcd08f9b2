import type { Step } from '../core/steps.ts'
import type { UpstreamHeaders } from '../http/upstream.ts'
import type { Header } from '../providers/key-headers.ts'
import type { ConfiguredProvider } from '../providers/provider.ts'
import type { UsableCredential } from '../providers/usable-credential.ts'

/** What a request was sent with. */
export interface SentWith {
  readonly provider: Pick<ConfiguredProvider, 'mayBeSecret'>
  readonly credential: UsableCredential
  readonly header: Header | undefined
}

/** Shorter ones are no secrets, and would be found everywhere. */
const shortestKey = 8

/**
 * Some providers say back the key that they did not like; neither the client nor a trace is to have it, nor what else of
 * a request may be a secret of whoever runs this.
 */
export const withoutKeys = (bytes: Buffer, sent: SentWith): Buffer => replaced(bytes, sent, () => '[key]')

/** The same for the headers of an answer; the very same object when there is no key in them. */
export function headersWithoutKeys(headers: UpstreamHeaders, sent: SentWith): UpstreamHeaders {
  const keys = keysOf(sent)
  if (keys.length === 0) return headers
  let clean: Record<string, string | string[] | undefined> | undefined
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined || !keys.some((key) => String(value).includes(key))) continue
    clean ??= { ...headers }
    const without = (text: string): string => keys.reduce((rest, key) => rest.replaceAll(key, '[key]'), text)
    clean[name] = typeof value === 'string' ? without(value) : value.map(without)
  }
  return clean ?? headers
}

/**
 * The same for errors under a good status, wherever in the answer they stand; its number of bytes has been announced.
 * What comes before the first error is not touched: what some servers take for a key is an ordinary word, which an answer
 * may have in it.
 */
export function starsForKeys(sent: SentWith, headers: UpstreamHeaders): Step<Buffer, Buffer> {
  let tellsOfError = isPage.test(String(headers['content-type']))
  /** The end of what came before, in which the sign of an error may have begun. */
  let before: Buffer = nothing
  /** The end of what came before, with which a key may begin. */
  let held: Buffer = nothing
  return {
    next(chunk) {
      if (!tellsOfError) {
        const joined = before.length === 0 ? chunk : Buffer.concat([before, chunk.subarray(0, signBytes)])
        tellsOfError = hasSign(chunk) || (joined !== chunk && hasSign(joined))
        if (chunk[chunk.length - 1] === lineFeed) before = nothing
        else before = (chunk.length < signBytes ? joined : chunk).subarray(-signBytes)
        if (!tellsOfError) return [chunk]
      }
      const bytes = held.length > 0 ? Buffer.concat([held, chunk]) : chunk
      const clean = replaced(bytes, sent, (key) => '*'.repeat(key.length))
      const mayBeWhole = clean.length - beginningOfKey(clean, keysOf(sent))
      held = clean.subarray(mayBeWhole)
      return mayBeWhole === 0 ? [] : [clean.subarray(0, mayBeWhole)]
    },
    end() {
      if (held.length === 0) return []
      // The most of a key is as good as all of it.
      return [held.length < shortestKey ? held : Buffer.alloc(held.length, '*')]
    },
  }
}

/** A page or plain words are no answer of a model, so they tell of an error whatever they say. */
const isPage = /html|xml|text\/plain/i

const nothing = Buffer.alloc(0)
const lineFeed = 0x0a
const sign = Buffer.from('error')
/** How much around the word shows what it means. */
const signBytes = 24

/**
 * Whether an error is told of that says something: in a field of that name, or by an event that is one. A quotation of
 * such a thing in a text has its quotes escaped.
 */
function hasSign(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(sign); at >= 0; at = bytes.indexOf(sign, at + sign.length)) {
    const around = bytes.toString('latin1', Math.max(0, at - signBytes / 2), at + signBytes / 2)
    if (/"error"\s*:\s*["{]|"type"\s*:\s*"error"|event:\s*error/.test(around)) return true
  }
  return false
}

/** How many bytes at the end may be the beginning of a key. */
function beginningOfKey(bytes: Buffer, keys: readonly string[]): number {
  const longest = Math.max(0, ...keys.map(({ length }) => length - 1))
  const end = bytes.toString('latin1', Math.max(0, bytes.length - longest))
  for (let at = 0; at < end.length; at++) {
    const rest = end.slice(at)
    if (keys.some((key) => key.startsWith(rest))) return rest.length
  }
  return 0
}

function replaced(bytes: Buffer, sent: SentWith, mark: (key: string) => string): Buffer {
  let clean = bytes
  for (const key of keysOf(sent)) {
    if (clean.includes(key, 0, 'latin1'))
      clean = Buffer.from(clean.toString('latin1').replaceAll(key, mark(key)), 'latin1')
  }
  return clean
}

const formsOfCredential = new WeakMap<UsableCredential, readonly string[]>()
const formsOfHeaders = new WeakMap<readonly string[], readonly string[]>()

/** All that is looked for. Worked out once, but for a token, which is another one soon. */
function keysOf({ provider: { mayBeSecret }, credential, header }: SentWith): readonly string[] {
  const ofCredential = remembered(formsOfCredential, credential, () => credential.secrets)
  const ofHeaders = mayBeSecret.length === 0 ? [] : remembered(formsOfHeaders, mayBeSecret, () => mayBeSecret)
  if (!credential.isCloud || !header) return ofHeaders.length === 0 ? ofCredential : [...ofCredential, ...ofHeaders]
  return [...ofCredential, ...ofHeaders, ...formsOf([header[1]])]
}

function remembered<T extends object>(
  known: WeakMap<T, readonly string[]>,
  of: T,
  secrets: () => readonly string[],
): readonly string[] {
  let forms = known.get(of)
  if (!forms) {
    forms = formsOf(secrets())
    known.set(of, forms)
  }
  return forms
}

/** Each as it is, without a word such as `Bearer` before it, and as JSON and addresses write it; as bytes are read here. */
function formsOf(secrets: readonly string[]): readonly string[] {
  const all = secrets
    .flatMap((value) => [value, value.slice(value.indexOf(' ') + 1)])
    .flatMap((secret) => {
      const quoted = JSON.stringify(secret).slice(1, -1)
      return [secret, quoted, quoted.replaceAll('/', '\\/'), encodeURIComponent(secret.toWellFormed())]
    })
    .filter(({ length }) => length >= shortestKey)
  return [...new Set(all)].map((form) => Buffer.from(form).toString('latin1'))
}
