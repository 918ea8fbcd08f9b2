import type { UpstreamRequest } from '../http/upstream.ts'
import { credentialHeaders } from '../providers/key-headers.ts'

const shortestKey = 8

/** Some providers say back the key that they did not like; neither the client nor a trace is to have it. */
export function withoutKeys(bytes: Buffer, headers: UpstreamRequest['headers']): Buffer {
  let clean = bytes
  for (const name of credentialHeaders) {
    const key = headers[name]?.replace(/^Bearer /, '') ?? ''
    if (key.length < shortestKey || !clean.includes(key)) continue
    clean = Buffer.from(clean.toString('latin1').replaceAll(key, '[key]'), 'latin1')
  }
  return clean
}
