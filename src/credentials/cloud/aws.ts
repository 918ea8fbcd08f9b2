import type { FromTemporaryCredentialsOptions } from '@aws-sdk/credential-providers'
import type { Credential } from '../../core/credential.ts'
import { endOf, type LiveToken, type SourceContext, type SourceOf, stepMs, TokenFailure } from './token-source.ts'

type Plugin = NonNullable<FromTemporaryCredentialsOptions['clientPlugins']>[number]

/** What AWS's library gives, whoever it had it from. */
interface Identity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  readonly expiration?: Date | undefined
}

/** An access key is what it is changed into. */
export const awsStatic: SourceOf = ({ fields }) => ({
  fetch: async () => {
    const { access_key_id = '', secret_access_key = '', session_token } = fields
    return {
      kind: 'aws',
      accessKeyId: access_key_id,
      secretAccessKey: secret_access_key,
      ...(session_token !== undefined && { sessionToken: session_token }),
    }
  },
})

export const awsProfile: SourceOf = ({ fields }, context) =>
  asked(context, async ({ fromIni }, common) =>
    fromIni({ ...common, profile: fields.profile ?? 'default' })(callerOf(context)),
  )

export const awsDefault: SourceOf = (_credential, context) =>
  asked(context, async ({ fromNodeProviderChain }, common) => {
    const { AWS_PROFILE: profile } = context.environment
    // Its links for the environment, for containers and for instances read process.env.
    return fromNodeProviderChain({ ...common, ...(profile && { profile }) })(callerOf(context))
  })

export const awsRole: SourceOf = ({ fields }, context) =>
  asked(context, async (library, common) => {
    const masterCredentials = master(fields, library, common)
    return library.fromTemporaryCredentials({
      clientConfig: { ...common.clientConfig, ...stsOf(context) },
      clientPlugins: common.clientPlugins,
      masterCredentials,
      params: {
        RoleArn: fields.role_arn ?? '',
        RoleSessionName: fields.session_name ?? 'trunkline',
        ...(fields.external_id !== undefined && { ExternalId: fields.external_id }),
      },
    })(callerOf(context))
  })

type Library = typeof import('@aws-sdk/credential-providers')
type Master = NonNullable<FromTemporaryCredentialsOptions['masterCredentials']>

/** With what a role is assumed. */
function master(fields: Credential['fields'], library: Library, common: Common): Master {
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, profile } = fields
  if (accessKeyId !== undefined) {
    // Half a key is no leave to use the machine's own.
    if (secretAccessKey === undefined)
      throw new TokenFailure('The access key with which the role is assumed has no secret.')
    return { accessKeyId, secretAccessKey }
  }
  if (profile !== undefined) return library.fromIni({ ...common, profile })
  return library.fromNodeProviderChain(common)
}

interface Common {
  readonly ignoreCache: true
  readonly filepath?: string
  readonly configFilepath?: string
  readonly logger: typeof silent
  readonly clientConfig: ClientConfig
  readonly clientPlugins: Plugin[]
}

/** Of every client of a chain. A profile knows its regions by itself. */
interface ClientConfig {
  readonly requestHandler: {
    readonly connectionTimeout: number
    readonly requestTimeout: number
    readonly throwOnRequestTimeout: true
  }
  readonly logger: typeof silent
}

/** Every time with a chain of its own: those of the library remember what they have, and judge it by our clock. */
const asked = (
  context: SourceContext,
  ask: (library: Library, common: Common) => Promise<Identity>,
): ReturnType<SourceOf> => ({
  async fetch() {
    let serverMs: number | undefined
    const common = commonOf(context, (dateMs) => {
      serverMs = dateMs
    })
    const identity = await ask(await import('@aws-sdk/credential-providers'), common)
    return tokenOf(identity, serverMs, context.nowMs())
  },
})

function tokenOf(identity: Identity, serverMs: number | undefined, nowMs: number): LiveToken {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = identity
  return {
    kind: 'aws',
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    ...(expiration && { expiresMs: endOf(expiration.getTime(), serverMs, nowMs) }),
  }
}

function commonOf({ environment }: SourceContext, onDate: (dateMs: number) => void): Common {
  const { AWS_SHARED_CREDENTIALS_FILE: filepath, AWS_CONFIG_FILE: configFilepath } = environment
  return {
    ignoreCache: true,
    ...(filepath && { filepath }),
    ...(configFilepath && { configFilepath }),
    logger: silent,
    clientConfig: {
      requestHandler: { connectionTimeout: stepMs / 2, requestTimeout: stepMs, throwOnRequestTimeout: true },
      logger: silent,
    },
    clientPlugins: [dateReader(onDate)],
  }
}

/** For whom a chain is asked: what needs a region and has none takes the caller's. */
const callerOf = (context: SourceContext) => ({ callerClientConfig: { region: async () => regionOf(context) } })

/** Where a role is assumed. */
function stsOf(context: SourceContext): { readonly region: string; readonly endpoint?: string } {
  const { AWS_ENDPOINT_URL_STS: endpoint } = context.environment
  return { region: regionOf(context), ...(endpoint && { endpoint }) }
}

const usualRegion = 'us-east-1'

/** The region becomes part of the name of a host. */
function regionOf({ address, environment }: SourceContext): string {
  const region = address.region || environment.AWS_REGION || environment.AWS_DEFAULT_REGION || usualRegion
  if (!/^[a-z]{2}[a-z0-9-]{0,40}$/.test(region)) throw new TokenFailure('The AWS region is not the name of one.')
  return region
}

const ignore = (): void => undefined
/** The library would write its warnings to the terminal. */
const silent = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore }

/** Hears what the clock of AWS says: when a token ends is said by that clock. */
const dateReader = (onDate: (dateMs: number) => void): Plugin => ({
  applyToStack: (stack) =>
    stack.add(
      (next) => async (args) => {
        const result = await next(args)
        const { headers } = result.response as { readonly headers?: Readonly<Record<string, string>> }
        const dateMs = Date.parse(headers?.date ?? '')
        if (!Number.isNaN(dateMs)) onDate(dateMs)
        return result
      },
      { step: 'deserialize', name: 'readDate' },
    ),
})
