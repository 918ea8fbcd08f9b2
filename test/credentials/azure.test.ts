import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Credential } from '../../src/core/credential.ts'
import {
  type Answer,
  type Asked,
  type Cloud,
  id,
  isFailed,
  isLive,
  keep,
  reasonOf,
  secondsLeft,
  startCloud,
} from './support.ts'

const hour = 3_600_000
const tenant = '11111111-2222-3333-4444-555555555555'
const secret = 'canary~client.secret'

const application = (fields: Record<string, string> = {}): Credential => ({
  kind: 'entra_id',
  fields: { tenant_id: tenant, client_id: 'app', client_secret: secret, ...fields },
})

const refusal: Answer = {
  status: 401,
  body: {
    error: 'invalid_client',
    error_description: `AADSTS7000215: Invalid client secret provided: '${secret}'. Trace ID: t`,
    error_codes: [7000215],
    timestamp: '2026-01-01 00:00:00Z',
    trace_id: 't',
    correlation_id: 'c',
  },
}

/** Entra ID's endpoint for tokens: knows one application and its secret. */
function startEntra(lifeS = 3_599): Promise<Cloud> {
  let count = 0
  return startCloud(({ path, form }) => {
    if (path.split('?')[0] !== `/${tenant}/oauth2/v2.0/token`) return { status: 404, body: {} }
    const isRight =
      form.get('grant_type') === 'client_credentials' &&
      form.get('client_id') === 'app' &&
      form.get('client_secret') === secret &&
      form.get('scope')?.includes('https://cognitiveservices.azure.com/.default')
    if (!isRight) return refusal
    return {
      body: { token_type: 'Bearer', expires_in: lifeS, ext_expires_in: lifeS, access_token: `entra-${++count}` },
    }
  })
}

const has = (text: string) => (token: { readonly kind: string; readonly token?: string }) => token.token === text

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (/^(AZURE|IDENTITY|MSI)_/.test(name)) vi.stubEnv(name, undefined)
})

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('an application of Entra ID', () => {
  test('gets a token for the models of Azure', async () => {
    await using entra = await startEntra()
    using kept = keep(application(), { cloud: entra })
    const token = await kept.token(isLive)
    expect(token).toMatchObject({ kind: 'bearer', token: 'entra-1' })
    expect(secondsLeft(token)).toBeGreaterThan(3_590)
  })

  test('has its token renewed before the end, once for fifty who ask', async () => {
    await using entra = await startEntra()
    using kept = keep(application(), { cloud: entra })
    await kept.token(isLive)
    kept.pass(49 * 60_000)
    await kept.token(has('entra-2'))
    const all = await Promise.all(Array.from({ length: 50 }, () => kept.keeper.get(id)))
    expect(new Set(all.map((token) => JSON.stringify(token))).size).toBe(1)
    expect(entra.asked).toHaveLength(2)
  })

  test.each([
    ['ahead', 9 * hour],
    ['behind', -9 * hour],
  ])(
    'gets a token that is good for an hour by our clock though that of Microsoft is hours %s',
    async (_name, aheadMs) => {
      await using entra = await startEntra()
      entra.aheadMs = aheadMs
      using kept = keep(application(), { cloud: entra })
      const left = secondsLeft(await kept.token(isLive))
      expect(left).toBeGreaterThan(3_590)
      expect(left).toBeLessThanOrEqual(3_600)
      kept.pass(60_000)
      await kept.keeper.get(id)
      expect(entra.asked).toHaveLength(1)
    },
  )

  test('whose secret is revoked is used for as long as its token, then says why, and recovers', async () => {
    await using entra = await startEntra()
    using kept = keep(application(), { cloud: entra })
    await kept.token(isLive)
    entra.trouble = refusal
    kept.pass(50 * 60_000)
    await vi.waitFor(() => expect(entra.asked.length).toBeGreaterThan(1))
    expect(await kept.keeper.get(id)).toMatchObject({ token: 'entra-1' })
    kept.pass(11 * 60_000)
    const reason = reasonOf(await kept.token(isFailed))
    expect(reason).toContain(`Entra ID gives no token for the application app in the directory ${tenant}.`)
    expect(reason).toContain('AADSTS7000215')
    expect(reason).not.toContain('canary')
    entra.trouble = undefined
    kept.pass(60_000)
    await kept.token(has('entra-2'))
  })

  test('is tried again when Microsoft had no answer', async () => {
    await using entra = await startEntra()
    entra.trouble = { status: 503, body: '' }
    using kept = keep(application(), { cloud: entra })
    expect(reasonOf(await kept.token(isFailed))).not.toContain(secret)
    entra.trouble = undefined
    kept.pass(60_000)
    await kept.token(has('entra-1'))
  })

  test.each([
    'https://evil.example',
    'http://login.microsoftonline.com',
    'https://login.microsoftonline.com.evil.example',
    'https://login.microsoftonline.com:8443',
    'https://169.254.169.254',
    'not an address',
  ])('shows its secret to nobody at %s', async (authority) => {
    await using entra = await startEntra()
    using kept = keep(application({ authority }), { cloud: entra })
    expect(reasonOf(await kept.token(isFailed))).toContain('The authority is not a login service of Microsoft.')
    expect(entra.asked).toEqual([])
  })

  test('of another cloud of Microsoft asks for a token of that cloud', async () => {
    await using entra = await startEntra()
    using kept = keep(application({ authority: 'https://login.microsoftonline.us/' }), { cloud: entra })
    await kept.token(isFailed)
    expect((entra.asked[0] as Asked).form.get('scope')).toContain('https://cognitiveservices.azure.us/.default')
  })

  test('cannot lead out of its directory by the name of that', async () => {
    using kept = keep(application({ tenant_id: '../../evil?' }))
    expect(reasonOf(await kept.token(isFailed))).toBe('The tenant of Entra ID is not the ID or the name of one.')
  })
})

describe("Entra ID's default chain", () => {
  const chain: Credential = { kind: 'entra_default', fields: {} }

  test('finds an application in the environment', async () => {
    await using entra = await startEntra()
    vi.stubEnv('AZURE_TENANT_ID', tenant)
    vi.stubEnv('AZURE_CLIENT_ID', 'app')
    vi.stubEnv('AZURE_CLIENT_SECRET', secret)
    using kept = keep(chain, { cloud: entra })
    await kept.token(has('entra-1'))
  })

  test("asks the endpoint of the machine's own identity", async () => {
    let count = 0
    await using machine = await startCloud(({ path, headers }, nowMs) => {
      if (headers['x-identity-header'] !== 'identity-secret') return { status: 401, body: {} }
      const resource = new URL(path, 'http://any').searchParams.get('resource')
      return {
        body: {
          access_token: `machine-${++count}`,
          expires_on: String(Math.floor(nowMs / 1_000) + 7_200),
          resource,
          token_type: 'Bearer',
        },
      }
    })
    vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'ManagedIdentityCredential')
    vi.stubEnv('IDENTITY_ENDPOINT', `${machine.url}/msi/token`)
    vi.stubEnv('IDENTITY_HEADER', 'identity-secret')
    using kept = keep(chain, { cloud: machine })
    const token = await kept.token(isLive)
    expect(token).toMatchObject({ kind: 'bearer', token: 'machine-1' })
    expect(secondsLeft(token)).toBeGreaterThan(7_100)
    const [{ path }] = machine.asked as [Asked]
    expect(path).toContain('resource=https%3A%2F%2Fcognitiveservices.azure.com')
  })

  test('that finds nothing says what to do', async () => {
    vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'EnvironmentCredential')
    using kept = keep(chain)
    expect(reasonOf(await kept.token(isFailed))).toContain('or run `az login`')
  })
})
