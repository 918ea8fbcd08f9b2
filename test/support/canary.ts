import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { zstdDecompressSync } from 'node:zlib'

/** Something that was written or said somewhere. */
export interface Place {
  readonly name: string
  readonly bytes: Uint8Array | string
}

/** Secrets by the names that a failure is to have them by. */
export type Secrets = Readonly<Record<string, string>>

/** Where which secrets are, in whatever form; each found one as `secret in place, as form`. */
export function leaksIn(places: Iterable<Place>, secrets: Secrets): string[] {
  const forms = Object.entries(secrets).flatMap(([name, secret]) =>
    formsOf(secret).map(([form, text]) => [name, form, text] as const),
  )
  const leaks: string[] = []
  for (const { name: place, bytes } of places) {
    // Latin-1 keeps every byte as it is.
    const said = Buffer.from(bytes as string).toString('latin1')
    for (const [secret, form, text] of forms) if (said.includes(text)) leaks.push(`${secret} in ${place}, ${form}`)
  }
  return leaks
}

/** How a secret may be written by whoever is not careful enough with it. */
function formsOf(secret: string): readonly (readonly [form: string, text: string])[] {
  const quoted = JSON.stringify(secret).slice(1, -1)
  const forms: readonly (readonly [string, string])[] = [
    ['as it is', secret],
    ['as JSON', quoted],
    ['as JSON that escapes slashes', quoted.replaceAll('/', '\\/')],
    ['as JSON in JSON', JSON.stringify(quoted).slice(1, -1)],
    ['as an address', encodeURIComponent(secret)],
    ['as a form', new URLSearchParams({ a: secret }).toString().slice(2)],
    ['in hex', Buffer.from(secret).toString('hex')],
    ['in hex', Buffer.from(secret).toString('hex').toUpperCase()],
    ...[0, 1, 2].flatMap((before) => [
      ['in base64', inBase64(secret, before, 'base64')] as const,
      ['in base64url', inBase64(secret, before, 'base64url')] as const,
    ]),
  ]
  const seen = new Set<string>()
  return forms
    .map(([form, text]) => [form, Buffer.from(text).toString('latin1')] as const)
    .filter(([, text]) => !seen.has(text) && seen.add(text))
}

/** What of a text is the same in base64 wherever it stands in a longer one, with so many bytes before it, modulo three. */
function inBase64(text: string, before: number, encoding: 'base64' | 'base64url'): string {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)])
  const whole = bytes.subarray(0, bytes.length - (bytes.length % 3)).toString(encoding)
  return whole.slice(before === 0 ? 0 : 4)
}

/** Every file below a folder that is one, but those that `isAllowed` names by their path from there. */
export function filesBelow(folder: string, isAllowed: (path: string) => boolean = () => false): Place[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !isAllowed(relative(folder, path)))
    .map((path) => ({ name: relative(folder, path), bytes: readFileSync(path) }))
}

/** What a `traces.db` has compressed: bodies, and answers that are kept. */
export function* unpackedIn(path: string): Generator<Place> {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    for (const table of ['blocks', 'responses'])
      for (const { id, data } of database.prepare(`select id, data from ${table}`).iterate())
        yield { name: `${table} ${id} of ${path}`, bytes: zstdDecompressSync(data as Uint8Array) }
  } finally {
    database.close()
  }
}
