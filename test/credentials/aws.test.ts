import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Credential } from '../../src/core/credential.ts'
import { signedMs, wrongSignature } from './aws-signature.ts'
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
const secret = 'canary/secret+access/key'

let folder: string

/** Nothing of the machine on which the tests run is found by the library. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkline-aws-'))
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('HOME', folder)
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'))
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'))
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

const inFolder = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const files = () => ({
  AWS_CONFIG_FILE: join(folder, 'config'),
  AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
})

const xml = (status: number, body: string): Answer => ({ status, type: 'text/xml', body })
const refusal = (status: number, code: string): Answer =>
  xml(
    status,
    `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>No, not with ${secret}.</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
  )

/** AWS's security token service: knows one key, checks what is signed with it and when, and gives a role for an hour. */
function startSts(): Promise<Cloud> {
  let given = 0
  return startCloud((asked, nowMs) => {
    const action = asked.form.get('Action') ?? ''
    if (action === 'AssumeRole') {
      const wrong = wrongSignature(asked, { AKIAONE: secret })
      if (wrong) return refusal(403, wrong)
      if (Math.abs(signedMs(asked) - nowMs) > 5 * 60_000) return refusal(403, 'SignatureDoesNotMatch')
    }
    const ends = new Date(nowMs + hour).toISOString()
    return xml(
      200,
      `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials><AccessKeyId>ASIA${++given}</AccessKeyId><SecretAccessKey>temporary</SecretAccessKey><SessionToken>session</SessionToken><Expiration>${ends}</Expiration></Credentials></${action}Result></${action}Response>`,
    )
  })
}

const role: Credential = {
  kind: 'aws_role',
  fields: {
    role_arn: 'arn:aws:iam::123456789012:role/models',
    external_id: 'theirs',
    access_key_id: 'AKIAONE',
    secret_access_key: secret,
  },
}

describe('a role that is assumed', () => {
  test('is asked for in a signed request, and gives a key that ends', async () => {
    await using sts = await startSts()
    using kept = keep(role, { environment: { AWS_ENDPOINT_URL_STS: sts.url }, address: { region: 'eu-west-1' } })
    const token = await kept.token(isLive)
    expect(token).toMatchObject({
      kind: 'aws',
      accessKeyId: 'ASIA1',
      secretAccessKey: 'temporary',
      sessionToken: 'session',
    })
    expect(secondsLeft(token)).toBeGreaterThan(3_590)
    const { form, headers } = sts.asked[0] as Asked
    expect(Object.fromEntries(form)).toMatchObject({
      Action: 'AssumeRole',
      RoleArn: 'arn:aws:iam::123456789012:role/models',
      ExternalId: 'theirs',
      RoleSessionName: 'trunkline',
    })
    expect(headers.authorization).toContain('/eu-west-1/sts/aws4_request')
  })

  test('is assumed again before its key ends, once for fifty who ask', async () => {
    await using sts = await startSts()
    using kept = keep(role, { environment: { AWS_ENDPOINT_URL_STS: sts.url } })
    await kept.token(isLive)
    kept.pass(49 * 60_000)
    await kept.token((token) => token.kind === 'aws' && token.accessKeyId === 'ASIA2')
    expect(sts.asked).toHaveLength(2)
    const all = await Promise.all(Array.from({ length: 50 }, () => kept.keeper.get(id)))
    expect(new Set(all.map((token) => JSON.stringify(token))).size).toBe(1)
    expect(sts.asked).toHaveLength(2)
  })

  test.each([
    ['ahead', 7 * hour],
    ['behind', -7 * hour],
  ])(
    'is assumed though the clock of AWS is hours %s, and its key is good for as long as AWS meant',
    async (_name, aheadMs) => {
      await using sts = await startSts()
      sts.aheadMs = aheadMs
      using kept = keep(role, { environment: { AWS_ENDPOINT_URL_STS: sts.url } })
      const left = secondsLeft(await kept.token(isLive))
      expect(left).toBeGreaterThan(3_590)
      expect(left).toBeLessThan(3_605)
      // The first showed how late it is.
      expect(sts.asked).toHaveLength(2)
    },
  )

  test('that is taken away stays good for as long as its key, then says why, and recovers', async () => {
    await using sts = await startSts()
    using kept = keep(role, { environment: { AWS_ENDPOINT_URL_STS: sts.url } })
    await kept.token(isLive)
    sts.trouble = refusal(403, 'AccessDenied')
    kept.pass(50 * 60_000)
    await vi.waitFor(() => expect(sts.asked.length).toBeGreaterThan(1))
    expect(await kept.keeper.get(id)).toMatchObject({ accessKeyId: 'ASIA1' })
    kept.pass(11 * 60_000)
    const failed = await kept.token(isFailed)
    expect(reasonOf(failed)).toBe(
      'The AWS role arn:aws:iam::123456789012:role/models cannot be assumed. Look at its trust policy, its external ID, and the key with which it is assumed. (AccessDenied, 403)',
    )
    sts.trouble = undefined
    kept.pass(60_000)
    expect(await kept.token(isLive)).toMatchObject({ accessKeyId: 'ASIA2' })
  })

  test('is not assumed with the key of this machine when only half a key was given', async () => {
    await using sts = await startSts()
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAONE')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret)
    const { secret_access_key: _, ...half } = role.fields
    using kept = keep({ ...role, fields: half }, { environment: { AWS_ENDPOINT_URL_STS: sts.url } })
    expect(reasonOf(await kept.token(isFailed))).toContain('has no secret')
    expect(sts.asked).toEqual([])
  })

  test('says so when nobody is there', async () => {
    using kept = keep(role, { environment: { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1' } })
    expect(reasonOf(await kept.token(isFailed))).toBe('AWS cannot be reached (ECONNREFUSED).')
  })

  test('is asked of nobody whose name was made of a region', async () => {
    using kept = keep(role, { address: { region: 'evil.example/#' } })
    expect(reasonOf(await kept.token(isFailed))).toBe('The AWS region is not the name of one.')
  })
})

test('an access key is at hand at once and does not end', async () => {
  using kept = keep({
    kind: 'aws_static',
    fields: { access_key_id: 'AKIA', secret_access_key: secret, session_token: 's' },
  })
  expect(await kept.keeper.get(id)).toEqual({
    kind: 'aws',
    accessKeyId: 'AKIA',
    secretAccessKey: secret,
    sessionToken: 's',
  })
})

describe('a profile', () => {
  test('is read from the files that the environment names, and again when they have changed', async () => {
    inFolder('credentials', `[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = ${secret}\n`)
    using kept = keep({ kind: 'aws_profile', fields: { profile: 'work' } }, { environment: files() })
    expect(await kept.token(isLive)).toEqual({ kind: 'aws', accessKeyId: 'AKIAWORK', secretAccessKey: secret })
    inFolder('credentials', `[work]\naws_access_key_id = AKIANEW\naws_secret_access_key = ${secret}\n`)
    kept.pass(61 * 60_000)
    expect(await kept.token((token) => token.kind === 'aws' && token.accessKeyId === 'AKIANEW')).toMatchObject({
      kind: 'aws',
    })
  })

  test('with a role has it assumed', async () => {
    await using sts = await startSts()
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url)
    inFolder('credentials', `[base]\naws_access_key_id = AKIAONE\naws_secret_access_key = ${secret}\n`)
    inFolder(
      'config',
      '[profile models]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\nregion = us-west-2\n',
    )
    using kept = keep({ kind: 'aws_profile', fields: { profile: 'models' } }, { environment: files() })
    expect(await kept.token(isLive)).toMatchObject({ accessKeyId: 'ASIA1', sessionToken: 'session' })
    expect(sts.asked[0]?.headers.authorization).toContain('/us-west-2/sts/')
  })

  test('with a process of its own has what that prints', async () => {
    const ends = new Date(Date.now() + hour).toISOString()
    const said = { Version: 1, AccessKeyId: 'AKIAPROCESS', SecretAccessKey: 'p', SessionToken: 't', Expiration: ends }
    const path = inFolder('said.json', JSON.stringify(said))
    inFolder('config', `[profile p]\ncredential_process = cat ${path}\n`)
    using kept = keep({ kind: 'aws_profile', fields: { profile: 'p' } }, { environment: files() })
    expect(await kept.token(isLive)).toMatchObject({ accessKeyId: 'AKIAPROCESS', expiresMs: Date.parse(ends) })
  })

  test('that is not there says where to look', async () => {
    using kept = keep({ kind: 'aws_profile', fields: { profile: 'nobody' } }, { environment: files() })
    expect(reasonOf(await kept.token(isFailed))).toBe(
      'The AWS profile "nobody" gives no credentials. Look into ~/.aws/config and ~/.aws/credentials of the user who runs Trunkline; a profile with single sign-on wants `aws sso login`. (CredentialsProviderError)',
    )
  })
})

describe("AWS's default chain", () => {
  const chain: Credential = { kind: 'aws_default', fields: {} }

  test('finds a key in the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAENV')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret)
    using kept = keep(chain)
    expect(await kept.token(isLive)).toEqual({ kind: 'aws', accessKeyId: 'AKIAENV', secretAccessKey: secret })
  })

  test('finds the profile that the environment names', async () => {
    inFolder('credentials', `[mine]\naws_access_key_id = AKIAMINE\naws_secret_access_key = ${secret}\n`)
    using kept = keep(chain, { environment: { ...files(), AWS_PROFILE: 'mine' } })
    expect(await kept.token(isLive)).toMatchObject({ accessKeyId: 'AKIAMINE' })
  })

  test("exchanges a workload's token for a role", async () => {
    await using sts = await startSts()
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url)
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::1:role/pod')
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', inFolder('token', 'a.b.c'))
    using kept = keep(chain)
    expect(await kept.token(isLive)).toMatchObject({ accessKeyId: 'ASIA1' })
    expect(Object.fromEntries((sts.asked[0] as Asked).form)).toMatchObject({
      Action: 'AssumeRoleWithWebIdentity',
      WebIdentityToken: 'a.b.c',
      RoleArn: 'arn:aws:iam::1:role/pod',
    })
  })

  const given = (nowMs: number, count: number) => ({
    Code: 'Success',
    Type: 'AWS-HMAC',
    AccessKeyId: `ASIAHERE${count}`,
    SecretAccessKey: 'here',
    Token: 'session',
    Expiration: new Date(nowMs + hour).toISOString(),
  })

  test("asks a container's endpoint with its token", async () => {
    let count = 0
    await using container = await startCloud(({ headers }, nowMs) =>
      headers.authorization === 'container-token' ? { body: given(nowMs, ++count) } : { status: 401, body: {} },
    )
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${container.url}/credentials`)
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN', 'container-token')
    using kept = keep(chain)
    expect(await kept.token(isLive)).toMatchObject({ accessKeyId: 'ASIAHERE1', sessionToken: 'session' })
    kept.pass(49 * 60_000)
    await kept.token((token) => token.kind === 'aws' && token.accessKeyId === 'ASIAHERE2')
    expect(container.asked).toHaveLength(2)
  })

  /** The metadata of an instance, in their second version: only for those who have fetched a token by PUT. */
  function startInstance(): Promise<Cloud> {
    let count = 0
    return startCloud(({ method, path, headers }, nowMs) => {
      if (method === 'PUT' && path === '/latest/api/token') {
        return headers['x-aws-ec2-metadata-token-ttl-seconds'] ? text('metadata-token') : { status: 400, body: '' }
      }
      if (headers['x-aws-ec2-metadata-token'] !== 'metadata-token') return { status: 401, body: '' }
      return path.endsWith('/security-credentials/') ? text('its-role') : { body: given(nowMs, ++count) }
    })
  }

  const text = (body: string): Answer => ({ type: 'text/plain', body })

  test("asks an instance's metadata", async () => {
    await using instance = await startInstance()
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', undefined)
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', instance.url)
    using kept = keep(chain)
    expect(await kept.token(isLive)).toMatchObject({ accessKeyId: 'ASIAHERE1' })
    expect(instance.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'PUT /latest/api/token',
      'GET /latest/meta-data/iam/security-credentials/',
      'GET /latest/meta-data/iam/security-credentials/its-role',
    ])
  })

  test.each([
    ['behind', -9 * hour],
    ['days ahead', 72 * hour],
  ])('does not ask in a loop where the clock of the instance is %s', async (_name, aheadMs) => {
    await using instance = await startInstance()
    instance.aheadMs = aheadMs
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', undefined)
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', instance.url)
    using kept = keep(chain)
    const left = secondsLeft(await kept.token(isLive))
    expect(left).toBeGreaterThan(200)
    expect(left).toBeLessThanOrEqual(16 * 60)
    for (let count = 0; count < 20; count++) {
      kept.pass(5_000)
      await kept.keeper.get(id)
    }
    expect(instance.asked).toHaveLength(3)
  })

  test('that finds nothing says so', async () => {
    using kept = keep(chain)
    expect(reasonOf(await kept.token(isFailed))).toContain("AWS's default chain finds no credentials")
  })
})
