import { createVerify, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Credential } from '../../src/core/credential.ts'
import { type Answer, type Cloud, id, isFailed, isLive, keep, reasonOf, secondsLeft, startCloud } from './support.ts'

const hour = 3_600_000
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})

const keyFile = (fields: object = {}) => ({
  type: 'service_account',
  project_id: 'mine',
  private_key_id: 'k1',
  private_key: privateKey,
  client_email: 'models@mine.iam.gserviceaccount.com',
  token_uri: 'https://oauth2.googleapis.com/token',
  universe_domain: 'googleapis.com',
  ...fields,
})

const account = (fields: object = {}): Credential => ({
  kind: 'google_service_account',
  fields: { key_json: JSON.stringify(keyFile(fields)) },
})

const refusal: Answer = {
  status: 400,
  body: { error: 'invalid_grant', error_description: `Invalid JWT: no, not ${privateKey.slice(0, 60)}.` },
}

const part = (text: string): Record<string, unknown> => JSON.parse(Buffer.from(text, 'base64url').toString())

/** Google's endpoint for tokens: checks who has signed an assertion, for whom and when. */
function startGoogle(lifeS = 3_600): Promise<Cloud> {
  let count = 0
  return startCloud(({ path, form }, nowMs) => {
    if (path !== '/token') return { status: 404, body: {} }
    if (form.get('grant_type') === 'refresh_token') {
      return form.get('refresh_token') === 'of-the-user' ? token(++count) : refusal
    }
    const [head = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.')
    const isSigned = createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(publicKey, signature, 'base64url')
    const { iss, aud, scope, iat, exp } = part(claims)
    const isRight =
      isSigned &&
      part(head).alg === 'RS256' &&
      iss === 'models@mine.iam.gserviceaccount.com' &&
      aud === 'https://oauth2.googleapis.com/token' &&
      scope === 'https://www.googleapis.com/auth/cloud-platform' &&
      Number(exp) - Number(iat) <= 3_600 &&
      Math.abs(Number(iat) * 1_000 - nowMs) < 300_000
    return isRight ? token(++count) : refusal
  })

  function token(number: number): Answer {
    return { body: { access_token: `ya29.${number}`, expires_in: lifeS, token_type: 'Bearer' } }
  }
}

const has = (text: string) => (token: { readonly kind: string; readonly token?: string }) => token.token === text

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkline-google-'))
  vi.stubEnv('HOME', folder)
  vi.stubEnv('APPDATA', folder)
  for (const name of Object.keys(process.env))
    if (/^(GOOGLE|GCE|GCLOUD|CLOUDSDK)_/.test(name)) vi.stubEnv(name, undefined)
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

describe('a service account', () => {
  test('signs for a token that is good for an hour', async () => {
    await using google = await startGoogle()
    using kept = keep(account(), { cloud: google })
    const token = await kept.token(isLive)
    expect(token).toMatchObject({ kind: 'bearer', token: 'ya29.1' })
    expect(secondsLeft(token)).toBeGreaterThan(3_595)
  })

  test('has its token renewed before the end, once for fifty who ask', async () => {
    await using google = await startGoogle()
    using kept = keep(account(), { cloud: google })
    await kept.token(isLive)
    kept.pass(49 * 60_000)
    await kept.token(has('ya29.2'))
    const all = await Promise.all(Array.from({ length: 50 }, () => kept.keeper.get(id)))
    expect(new Set(all.map((token) => JSON.stringify(token))).size).toBe(1)
    expect(google.asked).toHaveLength(2)
  })

  test('whose tokens live for seconds has one for whoever asks', async () => {
    await using google = await startGoogle(2)
    using kept = keep(account(), { cloud: google })
    await kept.token(isLive)
    kept.pass(2_500)
    expect(await kept.keeper.get(id)).toMatchObject({ kind: 'bearer', token: 'ya29.2' })
  })

  test.each([
    ['ahead', 7 * hour],
    ['behind', -7 * hour],
  ])('gets its token though our clock is hours %s, and from then on at the first try', async (_name, aheadMs) => {
    await using google = await startGoogle()
    using kept = keep(account(), { cloud: google, aheadMs })
    expect(secondsLeft(await kept.token(isLive), Date.now() + aheadMs)).toBeGreaterThan(3_595)
    expect(google.asked).toHaveLength(2)
    kept.pass(49 * 60_000)
    await kept.token(has('ya29.2'))
    expect(google.asked).toHaveLength(3)
  })

  test('whose key is revoked is used for as long as its token, then says why, and recovers', async () => {
    await using google = await startGoogle()
    using kept = keep(account(), { cloud: google })
    await kept.token(isLive)
    google.trouble = refusal
    kept.pass(50 * 60_000)
    await vi.waitFor(() => expect(google.asked.length).toBeGreaterThan(1))
    expect(await kept.keeper.get(id)).toMatchObject({ token: 'ya29.1' })
    kept.pass(11 * 60_000)
    expect(reasonOf(await kept.token(isFailed))).toBe(
      'Google gives no token for the service account models@mine.iam.gserviceaccount.com. Does its key still exist? (invalid_grant, 400)',
    )
    google.trouble = undefined
    kept.pass(60_000)
    await kept.token(has('ya29.2'))
  })

  test.each<[what: string, fields: object, reason: string]>([
    ['asks for tokens elsewhere', { token_uri: 'https://evil.example/token' }, 'token_uri'],
    ['asks for tokens on this machine', { token_uri: 'http://127.0.0.1:1/token' }, 'token_uri'],
    ['asks for tokens at a look-alike', { token_uri: 'https://oauth2.googleapis.com.evil.example/' }, 'token_uri'],
    ['is of another universe', { universe_domain: 'evil.example' }, 'universe_domain'],
    ['runs a program', { type: 'external_account', credential_source: { executable: { command: 'id' } } }, '"type"'],
    ['has no key', { private_key: '' }, 'private_key'],
    ['has a key that is none', { private_key: 'canary-key' }, 'Does its key still exist?'],
  ])('whose key file %s is not used', async (_what, fields, reason) => {
    await using google = await startGoogle()
    using kept = keep(account(fields), { cloud: google })
    const said = reasonOf(await kept.token(isFailed))
    expect(said).toContain(reason)
    expect(said).not.toContain('canary')
    expect(google.asked).toEqual([])
  })

  test('whose key file is no JSON says so', async () => {
    using kept = keep({ kind: 'google_service_account', fields: { key_json: 'canary' } })
    expect(reasonOf(await kept.token(isFailed))).toBe('The key file of the service account is no JSON.')
  })
})

describe("Google's application default credentials", () => {
  const adc: Credential = { kind: 'google_adc', fields: {} }
  const inFile = (content: object): string => {
    const path = join(folder, 'adc.json')
    writeFileSync(path, JSON.stringify(content))
    return path
  }

  test('are the service account whose file the environment names', async () => {
    await using google = await startGoogle()
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', inFile(keyFile()))
    using kept = keep(adc, { cloud: google })
    await kept.token(has('ya29.1'))
  })

  test('are those of a user who has logged in', async () => {
    await using google = await startGoogle()
    const user = { type: 'authorized_user', client_id: 'c', client_secret: 's', refresh_token: 'of-the-user' }
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', inFile(user))
    using kept = keep(adc, { cloud: google })
    await kept.token(has('ya29.1'))
    kept.pass(49 * 60_000)
    await kept.token(has('ya29.2'))
  })

  /** The metadata server of a machine: only for those who say that they mean it. */
  const startMachine = (): Promise<Cloud> => {
    let count = 0
    return startCloud(({ path, headers }) => {
      if (headers['metadata-flavor'] !== 'Google') return { status: 403, body: '' }
      if (path.includes('/service-accounts/default/token'))
        return { body: { access_token: `ya29.machine${++count}`, expires_in: 290, token_type: 'Bearer' } }
      if (path.includes('/universe')) return { type: 'text/plain', body: 'googleapis.com' }
      return { type: 'text/plain', body: 'mine' }
    })
  }

  test('are those of the machine, from its metadata server, renewed though they live for minutes', async () => {
    await using machine = await startMachine()
    vi.stubEnv('GCE_METADATA_HOST', machine.url.replace('http://', ''))
    using kept = keep(adc)
    const token = await kept.token(isLive)
    expect(token).toMatchObject({ kind: 'bearer', token: 'ya29.machine1' })
    expect(secondsLeft(token)).toBeGreaterThan(280)
    kept.pass(160_000)
    await kept.token(has('ya29.machine2'))
  })

  test('that are nowhere say where they could be, and are found once they are there', async () => {
    await using machine = await startMachine()
    vi.stubEnv('METADATA_SERVER_DETECTION', 'none')
    using kept = keep(adc)
    expect(reasonOf(await kept.token(isFailed))).toContain('Set GOOGLE_APPLICATION_CREDENTIALS, or run')
    vi.stubEnv('METADATA_SERVER_DETECTION', undefined)
    vi.stubEnv('GCE_METADATA_HOST', machine.url.replace('http://', ''))
    kept.pass(60_000)
    await kept.token(has('ya29.machine1'))
  })
})
