import { createHash, createHmac } from 'node:crypto'
import type { Asked } from './support.ts'

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** Checks a signature of version 4 as AWS describes it; the path has no query. Undefined when it is right. */
export function wrongSignature(asked: Asked, keys: Readonly<Record<string, string>>): string | undefined {
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8}\/[\w-]+\/\w+\/aws4_request), SignedHeaders=([^,]+), Signature=(\w+)$/
  const [, keyId = '', scope = '', signedHeaders = '', signature] =
    pattern.exec(asked.headers.authorization ?? '') ?? []
  const secret = keys[keyId]
  if (secret === undefined) return 'InvalidClientTokenId'
  const headers = signedHeaders.split(';').map((name) => `${name}:${String(asked.headers[name]).trim()}\n`)
  const canonical = [asked.method, asked.path, '', headers.join(''), signedHeaders, hash(asked.body)].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', asked.headers['x-amz-date'], scope, hash(canonical)].join('\n')
  const key = scope.split('/').reduce<string | Buffer>((before, part) => hmac(before, part), `AWS4${secret}`)
  return hmac(key, toSign).toString('hex') === signature ? undefined : 'SignatureDoesNotMatch'
}

/** When it was signed, by the signer's clock. */
export const signedMs = ({ headers }: Asked): number =>
  Date.parse(String(headers['x-amz-date']).replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
