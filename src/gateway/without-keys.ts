import type { Header } from '../providers/key-headers.ts'
import type { ConfiguredProvider } from '../providers/provider.ts'
import type { UsableCredential } from '../providers/usable-credential.ts'

/** What a request was sent with. */
export interface SentWith {
  readonly provider: Pick<ConfiguredProvider, 'headerValues'>
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

/**
 * The same for an error under a good status, whose number of bytes has been announced. Nothing else is touched: what some
 * servers take for a key is an ordinary word, which an answer may have in it.
 */
export const withStarsForKeys = (bytes: Buffer, sent: SentWith): Buffer =>
  tellsOfError(bytes) ? replaced(bytes, sent, (key) => '*'.repeat(key.length)) : bytes

/** Whether there is an error that says something; a quotation of one in a text has its quotes escaped. */
function tellsOfError(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(errorField); at >= 0; at = bytes.indexOf(errorField, at + 1)) {
    const rest = bytes.toString('latin1', at + errorField.length, at + errorField.length + 8)
    if (/^\s*:\s*["{]/.test(rest)) return true
  }
  return false
}

const errorField = '"error"'

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
function keysOf({ provider: { headerValues }, credential, header }: SentWith): readonly string[] {
  const ofCredential = remembered(formsOfCredential, credential, () => credential.secrets)
  const ofHeaders = headerValues.length === 0 ? [] : remembered(formsOfHeaders, headerValues, () => headerValues)
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
