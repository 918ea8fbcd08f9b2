import type { ClientSecretCredentialOptions, TokenCredential } from '@azure/identity'
import { endOf, type LiveToken, type SourceContext, type SourceOf, stepMs, TokenFailure } from './token-source.ts'

/** Microsoft's login services, and what a token for their cloud's models is asked for as. */
const clouds: Readonly<Record<string, string>> = {
  'https://login.microsoftonline.com': 'https://cognitiveservices.azure.com/.default',
  'https://login.microsoftonline.us': 'https://cognitiveservices.azure.us/.default',
  'https://login.chinacloudapi.cn': 'https://cognitiveservices.azure.cn/.default',
  'https://login.partner.microsoftonline.cn': 'https://cognitiveservices.azure.cn/.default',
}
const publicCloud = 'https://login.microsoftonline.com'

/** How long a command of Microsoft's that knows the user may take. */
const commandMs = 15_000

export const entraId: SourceOf = ({ fields }, context) => ({
  async fetch() {
    const { tenant_id = '', client_id = '', client_secret = '', authority } = fields
    if (!/^[\w.-]+$/.test(tenant_id)) throw new TokenFailure('The tenant of Entra ID is not the ID or the name of one.')
    const authorityHost = originOf(authority)
    const { ClientSecretCredential } = await import('@azure/identity')
    const options = { ...transport(context), authorityHost }
    return asked(new ClientSecretCredential(tenant_id, client_id, client_secret, options), authorityHost, context)
  },
})

/** Microsoft's own search, which reads process.env: an application, a workload's or a managed identity, its commands. */
export const entraDefault: SourceOf = (_credential, context) => ({
  async fetch() {
    const authorityHost = originOf(context.environment.AZURE_AUTHORITY_HOST)
    const { DefaultAzureCredential } = await import('@azure/identity')
    const options = { ...transport(context), authorityHost, processTimeoutInMs: commandMs }
    return asked(new DefaultAzureCredential(options), authorityHost, context)
  },
})

/**
 * Every time with a credential of its own: the library remembers tokens, and judges them by our clock. Those of a managed
 * identity it gives again until five minutes before their end.
 */
async function asked(credential: TokenCredential, authority: string, context: SourceContext): Promise<LiveToken> {
  const answer = await credential.getToken(clouds[authority] as string)
  if (!answer) throw new TokenFailure('Microsoft answered without a token.')
  // The library has made `expires_in` a time by this machine's clock just now.
  const nowMs = context.nowMs()
  return {
    kind: 'bearer',
    token: answer.token,
    expiresMs: endOf(answer.expiresOnTimestamp - Date.now() + nowMs, undefined, nowMs),
  }
}

/** The secret of an application goes to Microsoft only. */
function originOf(authority: string | undefined): string {
  if (!authority) return publicCloud
  const origin = URL.canParse(authority) ? new URL(authority).origin : ''
  if (Object.hasOwn(clouds, origin)) return origin
  throw new TokenFailure(
    `The authority is not a login service of Microsoft. Known are ${Object.keys(clouds).join(', ')}.`,
  )
}

type Options = Omit<ClientSecretCredentialOptions, 'authorityHost'>

const transport = ({ detour }: SourceContext): Options => ({
  // The services above are known; nobody has to be asked who they are.
  disableInstanceDiscovery: true,
  retryOptions: { maxRetries: 1, maxRetryDelayInMs: stepMs / 10 },
  additionalPolicies: [
    {
      position: 'perRetry',
      policy: {
        name: 'trunkline',
        sendRequest(request, next) {
          request.timeout = stepMs
          if (detour) {
            request.url = detour(request.url)
            request.allowInsecureConnection = true
          }
          return next(request)
        },
      },
    },
  ],
})
