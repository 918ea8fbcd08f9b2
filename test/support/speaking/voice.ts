import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { type Heard, Refusal, type Reply, type Wire } from './script.ts'
import type { Flaw, Shape } from './shape.ts'

/** What an address says, in formats that have it there. */
export interface Address {
  readonly model?: string
  readonly stream?: boolean
  /** True where one asks how many tokens a request has. */
  readonly counts?: boolean
}

/** A vendor: it checks what it is asked as strictly as the real one, and speaks as that one does. */
export interface Voice {
  readonly wire: Wire
  readonly streamType: string
  /** Undefined for an address that is not its own. */
  address(path: string, query: URLSearchParams): Address | undefined
  keyOf(headers: IncomingHttpHeaders): string | undefined
  /** Throws a `Refusal` for what the vendor would refuse. */
  hear(body: unknown, address: Address, headers: IncomingHttpHeaders): Heard
  whole(heard: Heard, reply: Reply): unknown
  /** Its frames, each whole. */
  stream(heard: Heard, reply: Reply): readonly (string | Buffer)[]
  refuse(refusal: Refusal): Refused
  /** How many tokens a request has; throws a `Refusal` for what the vendor would not count. */
  count?(body: unknown, address: Address): unknown
  /** What it says of an answer that it has kept; undefined for an address that is not its own. */
  kept?(method: string, path: string): Refused | undefined
}

export interface Refused {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

/** How vendors word what is wrong with a field; each has its own way for one that it does not know. */
export function checked<T>(shape: Shape, body: unknown, word: (flaw: Flaw) => string): T {
  const flaw = shape(body, '')
  if (flaw) throw new Refusal('invalid', word(flaw), flaw.path)
  return body as T
}

export const refuse = (message: string, param?: string): never => {
  throw new Refusal('invalid', message, param)
}

let made = 0

/** Letters and digits, another each time and the same in every run. */
export const newId = (length = 24): string => letters(`id ${made++}`, length)

/** How the blobs begin that only their vendor can read. */
const sealed = { claude: 'EqUDCkYI', gemini: 'EsINCr8N', gpt: 'gAAAAABp' } as const

/** A blob as a vendor makes it, in base64, and another one each time. */
export const newSeal = (vendor: keyof typeof sealed): string => `${sealed[vendor]}${newId(64)}`

export const letters = (of: string, length: number): string =>
  createHash('sha512').update(of).digest('base64').replace(/[+/=]/g, 'x').slice(0, length)

/** A text as it comes, a few characters at a time. */
export function pieces(text: string, length = 6): string[] {
  const characters = [...text]
  return Array.from({ length: Math.ceil(characters.length / length) }, (_, index) =>
    characters.slice(index * length, (index + 1) * length).join(''),
  )
}

export const sse = (data: unknown, event?: string): string =>
  `${event === undefined ? '' : `event: ${event}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`

export const bearerOf = ({ authorization }: IncomingHttpHeaders): string | undefined =>
  authorization?.startsWith('Bearer ') ? authorization.slice(7) : undefined

/** A data URL, or nothing for any other. */
export function pictureOf(url: string): { readonly mediaType: string; readonly data: string } | undefined {
  const [, mediaType = '', data = ''] = /^data:([^;,]+);base64,(.+)$/.exec(url) ?? []
  return data === '' ? undefined : { mediaType, data }
}

export function parsed(json: string, path: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return refuse(`${path} is not JSON: ${json}`, path)
  }
}
