import { createHash, createHmac } from 'node:crypto'
import type { Token } from '../../core/credential.ts'

const body = 'Action=GetCallerIdentity&Version=2011-06-15'

/** A request that asks AWS whose key this is. Everybody may ask, and it costs nothing. */
export interface IdentityRequest {
  readonly origin: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Signed as AWS's signature of version 4 for this one request, which is always the same. */
export function callerIdentity(
  token: Extract<Token, { readonly kind: 'aws' }>,
  region: string,
  nowMs: number,
): IdentityRequest {
  const host = `sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
  const time = `${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
  const headers: Readonly<Record<string, string>> = {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    host,
    'x-amz-date': time,
    ...(token.sessionToken !== undefined && { 'x-amz-security-token': token.sessionToken }),
  }
  const names = Object.keys(headers).sort()
  const signed = names.join(';')
  const canonical = ['POST', '/', '', ...names.map((name) => `${name}:${headers[name]}`), '', signed, hash(body)].join(
    '\n',
  )
  const scope = [time.slice(0, 8), region, 'sts', 'aws4_request']
  const key = scope.reduce<string | Buffer>((before, part) => hmac(before, part), `AWS4${token.secretAccessKey}`)
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope.join('/'), hash(canonical)].join('\n')).toString('hex')
  const credential = [token.accessKeyId, ...scope].join('/')
  return {
    origin: `https://${host}`,
    path: '/',
    headers: {
      ...headers,
      authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signed}, Signature=${signature}`,
    },
    body: Buffer.from(body),
  }
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
