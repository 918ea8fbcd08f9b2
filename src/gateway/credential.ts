import type { IncomingHttpHeaders } from 'node:http'
import { GatewayError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'
import { holdsClientKey } from '../http/caller.ts'
import { providers } from '../providers/index.ts'
import type { Header, KeyHeader } from '../providers/key-headers.ts'
import { resolveKeys } from '../providers/key-resolver.ts'
import type { ConfiguredProvider } from '../providers/provider.ts'
import { refusedAt, type UsableCredential } from '../providers/usable-credential.ts'
import type { Target } from '../routing/plan.ts'
import type { Call } from './call.ts'

/** A target, and what the call to it is paid with. */
export interface PaidTarget extends Target {
  readonly credential: UsableCredential
}

export interface PayingDeps {
  /** Whether a client needs no key of ours, so that what it sends as its key may be its own vendor's. */
  readonly isOpen: boolean
  /** From 0 to below 1. */
  readonly random: () => number
}

type Client = Pick<Call, 'dialect' | 'headers'>

/** The same target as often as there are credentials for it, the first to be tried first. */
export function paid(client: Client, target: Target, { isOpen, random }: PayingDeps): readonly PaidTarget[] {
  const { provider } = target
  if (provider.isUnusable) throw unusable(provider)
  const takesClients = (): boolean =>
    isOpen && (provider.provider.clients?.some((name) => name === client.dialect.name) ?? false)
  const ofClient = (): Header | undefined =>
    takesClients() ? clientKey(client.headers, provider.provider.keyHeader) : undefined
  const credentials = resolveKeys({ provider, ofClient }, random)
  if (!credentials) throw noCredential(target, takesClients())
  const tries: PaidTarget[] = []
  let refusal: GatewayError | undefined
  for (const credential of credentials) {
    const at = credential.at ?? provider
    const refused = refusedAt(credential, at)
    if (refused) refusal ??= refused
    else tries.push({ provider: at, model: target.model, credential })
  }
  if (refusal && tries.length === 0) throw refusal
  return tries
}

/** Google's tokens for a person or a program, which are no keys of its API. */
const googleToken = /^Bearer ya29\./

/**
 * The client's own key, in the header in which its vendor reads it. It goes only to that vendor, at the built-in address.
 * A key of ours is nobody else's business, even when it is good for nothing any more.
 */
function clientKey(headers: IncomingHttpHeaders, kind: KeyHeader): Header | undefined {
  const named = kind === 'bearer' ? undefined : headers[kind]
  if (typeof named === 'string' && named !== '' && !holdsClientKey(named)) return [kind, named]
  const { authorization } = headers
  if (authorization === undefined || !/^Bearer \S/.test(authorization)) return undefined
  const key = authorization.slice(7).trim()
  if (holdsClientKey(key)) return undefined
  if (kind === 'x-goog-api-key' && !googleToken.test(authorization)) return [kind, key]
  return ['authorization', authorization]
}

const unusable = ({ name }: ConfiguredProvider): GatewayError =>
  new GatewayError(
    'no_credential',
    `None of the credentials that this project has for ${name} can be used: their secrets were dropped, or cannot be opened. \`trunkline credentials list\` shows them. Give them anew, or remove them.`,
  )

function noCredential({ provider: at, model, meant }: Target, takesClients: boolean): GatewayError {
  const { name, provider } = at
  const ways = [
    `Add one with \`trunkline credentials add ${name}\``,
    `set ${keySetting(at)} before you start Trunkline`,
    ...(takesClients ? [`send your ${provider.label} key ${places[provider.keyHeader]}`] : []),
    'or call the built-in model "mock/echo", which needs none',
  ]
  const other = meant === undefined ? misspelt(model) : `${hintOf(meant)} Until then it goes to ${name}. `
  return new GatewayError('no_credential', `${other}There is no credential for ${name}. ${ways.join(', ')}.`)
}

/** Many models have a slash in their name; of what stands before it only what looks like a provider is taken for one. */
function misspelt(model: string): string {
  const slash = model.indexOf('/')
  const near = slash > 0 ? nearest(model.slice(0, slash), Object.keys(providers)) : undefined
  return near === undefined
    ? ''
    : `If you mean the provider ${near}, write ${near}${model.slice(slash).slice(0, 100)}. `
}

/** What is set to have a key for it: the vendor's variable is for the vendor's own row of the table. */
const keySetting = ({ name, like, provider: { keyVariables } }: ConfiguredProvider): string =>
  (like === undefined ? keyVariables?.[0] : undefined) ?? `providers.${name}.api_key`

/** What makes a name with a provider in front go to that provider. */
function hintOf(meant: ConfiguredProvider): string {
  const { name, origin, provider } = meant
  const { label, baseUrl } = provider
  const goes = `A model ${name}/… goes to ${label} only once`
  const inAddress = /\{(\w+)\}/.exec(baseUrl ?? '')?.[1] ?? 'base_url'
  if (origin === '') return `${goes} it is configured: set providers.${name}.${inAddress}.`
  return `${goes} there is a key for it: set ${keySetting(meant)}.`
}

/** Where clients have their key, in words. */
const places = {
  bearer: 'as the bearer token',
  'x-api-key': 'as x-api-key or as the bearer token',
  'x-goog-api-key': 'as x-goog-api-key',
  'api-key': 'as api-key',
  none: '',
} satisfies Record<KeyHeader, string>
