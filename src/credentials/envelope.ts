import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** A key with which other keys are encrypted. */
export interface MasterKey {
  readonly id: string
  readonly bytes: Buffer
}

/**
 * Where a secret is and where it goes. It belongs to its encryption, so that what is copied to another row, project,
 * provider or address does not open there.
 */
export interface Place {
  readonly project: string
  readonly provider: string
  readonly id: string
  /** Where it is sent, in one form. */
  readonly destination: string
}

const format = 'v1'
const algorithm = 'aes-256-gcm'
/** Bytes that NIST SP 800-38D recommends for a random nonce, and of a whole tag. */
const nonceBytes = 12
const tagBytes = 16

/** Encrypted by a key of its own, which is encrypted by the master key: `v1.<id of that>.<own key>.<text>`. */
export function seal(master: MasterKey, place: Place, text: string): string {
  const own = randomBytes(32)
  return [format, master.id, wrap(master, place, own), encrypt(own, aad('text', place), Buffer.from(text))].join('.')
}

/** Throws when it is not what was sealed at this place with this key. */
export function unseal(master: MasterKey, place: Place, sealed: string): string {
  const { wrapped, text } = partsOf(sealed)
  return decrypt(unwrap(master, place, wrapped), aad('text', place), text).toString('utf8')
}

/** The same under another master key: its text is neither opened nor written anew. */
export function rewrap(from: MasterKey, to: MasterKey, place: Place, sealed: string): string {
  const { wrapped, text } = partsOf(sealed)
  return [format, to.id, wrap(to, place, unwrap(from, place, wrapped)), text].join('.')
}

/** By which master key it was sealed. */
export const masterKeyIdOf = (sealed: string): string => partsOf(sealed).keyId

interface Parts {
  readonly keyId: string
  readonly wrapped: string
  readonly text: string
}

function partsOf(sealed: string): Parts {
  const [version, keyId, wrapped, text, ...rest] = sealed.split('.')
  if (version !== format || !keyId || !wrapped || !text || rest.length > 0)
    throw new Error('What is sealed has a form that this version of Trunkline does not know.')
  return { keyId, wrapped, text }
}

const wrap = (master: MasterKey, place: Place, own: Buffer): string =>
  encrypt(master.bytes, aad(`key ${master.id}`, place), own)

const unwrap = (master: MasterKey, place: Place, wrapped: string): Buffer =>
  decrypt(master.bytes, aad(`key ${master.id}`, place), wrapped)

/** As a list in JSON, so that no two different places are written alike. */
const aad = (purpose: string, { project, provider, id, destination }: Place): Buffer =>
  Buffer.from(JSON.stringify(['trunkline', format, purpose, project, provider, id, destination]))

function encrypt(key: Buffer, about: Buffer, text: Buffer): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes }).setAAD(about)
  return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

function decrypt(key: Buffer, about: Buffer, written: string): Buffer {
  const bytes = Buffer.from(written, 'base64url')
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
  decipher.setAAD(about).setAuthTag(bytes.subarray(-tagBytes))
  return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()])
}
