import type { Media } from '../core/chat.ts'

/** A picture, sound or file by its URL: data: URLs in all their spellings become data. */
export function mediaOfUrl(url: string): Media {
  return mediaOfDataUrl(url) ?? { kind: 'url', url }
}

/** Parameters, upper case, percent-encoding, line breaks and the URL-safe alphabet all occur. */
export function mediaOfDataUrl(url: string): Extract<Media, { kind: 'data' }> | undefined {
  const head = /^data:([^,]*),/i.exec(url.slice(0, 512))
  if (!head) return undefined
  const [type = '', ...parameters] = (head[1] as string).split(';').map((part) => part.trim())
  const isBase64 = parameters.at(-1)?.toLowerCase() === 'base64'
  const body = url.slice(head[0].length)
  const written = body.includes('%') ? percentDecoded(body) : body
  const data = isBase64 ? plainBase64(written) : Buffer.from(written, 'utf8').toString('base64')
  return { kind: 'data', mediaType: mediaTypeOf(type.toLowerCase(), data), data }
}

export const dataUrlOf = ({ mediaType, data }: Extract<Media, { kind: 'data' }>): string =>
  `data:${mediaType};base64,${data}`

/** Base64 in its plain alphabet, with its padding and without line breaks. */
export function plainBase64(text: string): string {
  if (/^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0) return text
  const plain = text.replace(/\s+/g, '').replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '')
  return plain + '='.repeat((4 - (plain.length % 4)) % 4)
}

/** The first bytes by which a file says what it is, in base64. */
const beginnings: readonly (readonly [RegExp, string])[] = [
  [/^iVBORw0KGgo/, 'image/png'],
  [/^\/9j\//, 'image/jpeg'],
  [/^R0lGOD/, 'image/gif'],
  [/^UklGR.{7}XRUJQ/, 'image/webp'],
  [/^JVBERi/, 'application/pdf'],
]

const otherNames: Readonly<Record<string, string>> = {
  'image/jpg': 'image/jpeg',
  'audio/x-wav': 'audio/wav',
  'audio/mp3': 'audio/mpeg',
}

/**
 * What data really is: providers refuse a picture that is declared as another. What cannot be told by its first bytes is
 * what it was said to be.
 */
export function mediaTypeOf(declared: string, data: string): string {
  const start = data.slice(0, 32)
  const found = beginnings.find(([pattern]) => pattern.test(start))?.[1]
  return found ?? (Object.hasOwn(otherNames, declared) ? (otherNames[declared] as string) : declared)
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
