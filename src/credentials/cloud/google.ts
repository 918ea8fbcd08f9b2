import { readServiceAccount } from '../../providers/service-account.ts'
import { type LiveToken, type SourceContext, type SourceOf, stepMs, TokenFailure } from './token-source.ts'

const scopes = ['https://www.googleapis.com/auth/cloud-platform']
/** How long the assertion with which a token is asked for is good, in seconds; Google takes no longer one. */
const assertionS = 3_600
/** From how much on a difference between two clocks is worth another try. */
const skewMs = 30_000

interface Key {
  readonly email: string
  readonly key: string
  readonly keyId?: string
}

interface Tokens {
  readonly access_token?: string | null | undefined
  readonly expiry_date?: number | null | undefined
}

/** The key signs an assertion that says when it was made: when our clock is wrong, it is signed by Google's. */
export const googleServiceAccount: SourceOf = ({ fields }, context) => {
  let aheadMs = 0
  return {
    async fetch() {
      const key = keyIn(fields.key_json)
      try {
        return await authorized(key, context, aheadMs)
      } catch (thrown) {
        const serverMs = dateOf(thrown)
        const differsMs = serverMs === undefined ? 0 : serverMs - context.nowMs()
        if (Math.abs(differsMs - aheadMs) < skewMs) throw thrown
        aheadMs = differsMs
        return await authorized(key, context, aheadMs)
      }
    },
  }
}

async function authorized(key: Key, context: SourceContext, aheadMs: number): Promise<LiveToken> {
  const { JWT } = await import('google-auth-library')
  const iat = Math.floor((context.nowMs() + aheadMs) / 1_000)
  const client = new JWT({
    ...key,
    scopes,
    additionalClaims: { iat, exp: iat + assertionS },
    transporterOptions: transport(context),
  })
  return tokenOf(await client.authorize(), context.nowMs())
}

/**
 * Google's own search, which reads process.env: a file that GOOGLE_APPLICATION_CREDENTIALS names, the one that its tool
 * has written, the metadata server.
 */
export const googleAdc: SourceOf = (_credential, context) => ({
  async fetch() {
    const { GoogleAuth, gcpMetadata } = await import('google-auth-library')
    // It would remember for ever that there was no metadata server when the network was not up yet.
    gcpMetadata.resetIsAvailableCache()
    const auth = new GoogleAuth({
      scopes,
      // Nobody asks for it, but the library would search for it everywhere.
      projectId: context.address.project ?? 'unknown',
      clientOptions: { transporterOptions: transport(context) },
    })
    const client = await auth.getClient()
    const { token } = await client.getAccessToken()
    return tokenOf({ access_token: token, expiry_date: client.credentials.expiry_date }, context.nowMs())
  },
})

/** The library has made `expires_in` a time by this machine's clock just now. */
function tokenOf({ access_token: token, expiry_date: expiryMs }: Tokens, nowMs: number): LiveToken {
  if (!token) throw new TokenFailure('Google answered without a token.')
  const lifeMs = (expiryMs ?? 0) - Date.now()
  if (lifeMs <= 0) throw new TokenFailure('Google gave a token that has no time left.')
  return { kind: 'bearer', token, expiresMs: nowMs + lifeMs }
}

/**
 * A key file may name other addresses to ask for tokens. The library asks Google's whatever it says; but then it is a key
 * for somebody else, and is not shown to Google.
 */
function keyIn(keyFile: string | undefined): Key {
  const account = readServiceAccount(keyFile)
  if (!account) throw new TokenFailure('The key file of the service account is no JSON.')
  const { type, client_email: email, private_key: key, private_key_id: keyId } = account
  const { token_uri: tokenUri, universe_domain: universe } = account
  if (type !== 'service_account')
    throw new TokenFailure('The key file is not that of a service account: its "type" has to be "service_account".')
  if (typeof email !== 'string' || typeof key !== 'string' || email === '' || key === '')
    throw new TokenFailure('The key file of the service account lacks "client_email" or "private_key".')
  if (tokenUri !== undefined && !isGoogles(tokenUri))
    throw new TokenFailure('The "token_uri" in the key file of the service account is not an address of Google.')
  if (universe !== undefined && universe !== 'googleapis.com')
    throw new TokenFailure('The "universe_domain" in the key file of the service account has to be googleapis.com.')
  return { email, key, ...(typeof keyId === 'string' && { keyId }) }
}

function isGoogles(address: unknown): boolean {
  if (typeof address !== 'string' || !URL.canParse(address)) return false
  const { protocol, hostname, port } = new URL(address)
  return protocol === 'https:' && port === '' && /^(oauth2|www|accounts)\.(googleapis|google)\.com$/.test(hostname)
}

interface Failed {
  readonly response?: { readonly headers?: Pick<Headers, 'get'> }
}

function dateOf(thrown: unknown): number | undefined {
  const dateMs = Date.parse((thrown as Failed | undefined)?.response?.headers?.get?.('date') ?? '')
  return Number.isNaN(dateMs) ? undefined : dateMs
}

type Transport = NonNullable<NonNullable<ConstructorParameters<Library['JWT']>[0]>['transporterOptions']>
type Library = typeof import('google-auth-library')

const transport = ({ detour }: SourceContext): Transport => ({
  timeout: stepMs,
  // Who keeps the token tries again by itself.
  retry: false,
  ...(detour && {
    adapter: (options, next) => next({ ...options, url: new URL(detour(String(options.url))) }),
  }),
})
