import type { z } from '@hono/zod-openapi'
import { GatewayError } from '../core/error.ts'
import { mostBytes, tooLarge } from './body-limit.ts'
import { badRequest, misfit } from './problems.ts'

/** Something of a request as its schema has it. `where` is how messages call it. */
export function fitted<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw misfit(schema, result.error.issues, where)
}

/** The fields of a query, each of them once. */
export function queryFields(query: string): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(query)) {
    if (Object.hasOwn(fields, name)) {
      const param = name.slice(0, 64)
      throw badRequest([{ param, message: `${JSON.stringify(param)} stands in the query more than once.` }])
    }
    Object.defineProperty(fields, name, { value, enumerable: true })
  }
  return fields
}

/** The JSON that a request has. */
export async function jsonOf(request: Request): Promise<unknown> {
  const bytes = await bytesOf(request)
  const type = request.headers.get('content-type') ?? ''
  if (!/^application\/json\s*(;|$)/i.test(type.trim())) {
    throw new GatewayError('unsupported_media_type', 'Send the body as JSON, with content-type: application/json.')
  }
  if (bytes.length === 0) throw new GatewayError('invalid_json', 'The body is empty. Send a JSON object.')
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), refusePrototypes)
  } catch (thrown) {
    if (thrown instanceof GatewayError) throw thrown
    // What the parser says quotes the body, in which there may be a secret.
    throw new GatewayError('invalid_json', 'The body is not valid JSON in UTF-8.')
  }
}

/** A route that takes no body lets an empty one pass, and an empty object. */
export async function noBody(request: Request): Promise<undefined> {
  const bytes = await bytesOf(request)
  if (bytes.length === 0 || (bytes.length < 16 && Buffer.from(bytes).toString().replace(/\s/g, '') === '{}')) return
  throw new GatewayError('bad_request', 'This takes no body. Send none.')
}

function refusePrototypes(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new GatewayError('bad_request', 'There is no field "__proto__".')
  return value
}

async function bytesOf(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > mostBytes) throw tooLarge()
  const bytes = new Uint8Array(await request.arrayBuffer())
  if (bytes.length > mostBytes) throw tooLarge()
  return bytes
}

/** The version of which `if-match` speaks: undefined when it names none, or any. */
export function versionOf(ifMatch: string | null): number | undefined {
  if (ifMatch === null || ifMatch.trim() === '*') return undefined
  const version = /^"(\d{1,15})"$/.exec(ifMatch.trim())?.[1]
  if (version !== undefined) return Number(version)
  throw new GatewayError(
    'bad_request',
    'The header if-match must be one ETag as it came, such as "3" with its quotation marks, or *.',
    { param: 'if-match' },
  )
}

export const etag = (version: number): string => `"${version}"`
