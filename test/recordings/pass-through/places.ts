/** Which door a recorded exchange belongs to, and which row of the providers stands for the host that answered it. */
import type { SettingKey } from '../../../src/config/settings.ts'
import { type Api, type Exchange, load, type Provider } from '../../support/recordings.ts'

/** A door whose clients speak a wire format themselves. */
export interface PassDoor {
  readonly dialect: 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'gemini'
  /** Where a client asks for it, and what the provider has behind its base URL for it. */
  readonly path: (model: string) => string
  readonly suffix: string | RegExp
  readonly counts?: true
}

const geminiDoor = (verb: string, counts?: true): PassDoor => ({
  dialect: 'gemini',
  path: (model) => `/gemini/v1beta/models/${model}:${verb}`,
  suffix: /\/(publishers\/google\/)?models\/.*/,
  ...(counts && { counts }),
})

const doors: Partial<Record<Api, PassDoor>> = {
  'openai.chat': { dialect: 'openai-chat', path: () => '/v1/chat/completions', suffix: '/chat/completions' },
  'openai.responses': { dialect: 'openai-responses', path: () => '/v1/responses', suffix: '/responses' },
  'anthropic.messages': { dialect: 'anthropic-messages', path: () => '/v1/messages', suffix: '/v1/messages' },
  'anthropic.count_tokens': {
    dialect: 'anthropic-messages',
    path: () => '/v1/messages/count_tokens',
    suffix: '/v1/messages/count_tokens',
    counts: true,
  },
  'gemini.generateContent': geminiDoor('generateContent'),
  'gemini.streamGenerateContent': geminiDoor('streamGenerateContent'),
  'gemini.countTokens': geminiDoor('countTokens', true),
}

/** What has no door of its own, and why. */
const doorless: Partial<Record<Api, string>> = {
  'openai.responses.count': 'there is no door for counting with Responses',
  'openai.embeddings': 'no chat',
  'openai.images': 'no chat',
  'vertex.anthropic': 'a wire format that no client speaks to us: only providers do',
  'vertex.embeddings': 'no chat',
  'gemini.embedContent': 'no chat',
  'gemini.batchEmbedContents': 'no chat',
  'gemini.cachedContents': 'no chat',
  'bedrock.converse': 'a wire format that no client speaks to us: only providers do',
  'bedrock.converse-stream': 'a wire format that no client speaks to us: only providers do',
  'bedrock.invoke': 'a wire format that no client speaks to us: only providers do',
  'bedrock.invoke-stream': 'a wire format that no client speaks to us: only providers do',
  'bedrock.count-tokens': 'no chat',
  'ollama.chat': 'a wire format that no client speaks to us: only providers do',
  models: 'no chat',
}

/** Recordings that are not what their address says. */
const mistaken: Readonly<Record<string, string>> = {
  'azure-reasoning-1-0-cc4c563c': 'a chat completion that its project keeps among its Responses',
}

/** Where Trunkline finds the replay upstream under the name of one of its providers. */
export interface Place {
  readonly id: string
  readonly door: PassDoor
  /** The provider's row, which stands before the model's name. */
  readonly row: string
  /** The part of the base URL that comes behind the upstream's own address. */
  readonly base: string
  /** What else of the row has to be set. */
  readonly settings: Readonly<Record<string, string>>
  /** The credential's header as the provider has to see it. */
  readonly credential: readonly [name: string, value: string]
}

/** A place, or why the exchange cannot pass through. */
export function placeOf(id: string): Place | string {
  const exchange = load(id)
  const door = doors[exchange.api]
  if (!door) return doorless[exchange.api] ?? `nobody knows what ${exchange.api} is`
  const odd = mistaken[id]
  if (odd !== undefined) return odd
  const { host, path, query } = exchange.request
  const at = typeof door.suffix === 'string' ? path.lastIndexOf(door.suffix) : path.search(door.suffix)
  const row = rowOf[exchange.provider]?.(exchange) ?? exchange.provider
  const version = new URLSearchParams(query).get('api-version')
  const isDated = row === 'azure' && version !== null
  // These rows know the folders of their hosts; the other base URLs name them.
  const folder = row === 'azure' || row === 'bedrock-mantle' ? '' : path.slice(0, at)
  return {
    id,
    door,
    row,
    base: `/${host}${folder}${version !== null && !isDated ? `?api-version=${version}` : ''}`,
    settings: isDated ? { api_version: version } : {},
    credential: credentialOf(row),
  }
}

/** What a client calls the model: on Azure it is the name of its deployment, which the dated API has in the address. */
export function modelOf({ request, model }: Exchange): string {
  const inPath = /\/(?:models|deployments)\/(.+?)(?::\w+|\/chat\/completions)$/.exec(request.path)?.[1]
  return inPath !== undefined ? decodeURIComponent(inPath) : String(request.body?.model ?? model ?? 'a-model')
}

/** Hosts that have no row of their own, or another name there. */
const rowOf: Partial<Record<Provider, (exchange: Exchange) => string>> = {
  avian: () => 'custom',
  crusoe: () => 'custom',
  gpustack: () => 'custom',
  snowflake: () => 'custom',
  'vercel-gateway': () => 'custom',
  together: () => 'togetherai',
  // Models of others on Azure have an address of their own; so has a call that was meant to fail.
  azure: ({ request }) => (request.path.startsWith('/openai/') ? 'azure' : 'custom'),
}

const keyOf = (row: string): string => `key-of-${row}`

const credentialHeaders: Readonly<Record<string, string>> = {
  anthropic: 'x-api-key',
  gemini: 'x-goog-api-key',
  vertex: 'x-goog-api-key',
  azure: 'api-key',
}

const credentialOf = (row: string): Place['credential'] => {
  const header = credentialHeaders[row]
  return header === undefined ? ['authorization', `Bearer ${keyOf(row)}`] : [header, keyOf(row)]
}

/** Places that one Trunkline can have at the same time: no two with the same row and another address. */
export function batched(places: readonly Place[]): readonly (readonly Place[])[] {
  const batches: { readonly rows: Map<string, string>; readonly places: Place[] }[] = []
  for (const place of places) {
    const address = addressOf(place)
    const fits = batches.find(({ rows }) => (rows.get(place.row) ?? address) === address)
    const batch = fits ?? { rows: new Map<string, string>(), places: [] }
    if (!fits) batches.push(batch)
    batch.rows.set(place.row, address)
    batch.places.push(place)
  }
  return batches.map(({ places }) => places)
}

const addressOf = ({ base, settings }: Place): string => JSON.stringify([base, settings])

export function settingsFor(places: readonly Place[], upstream: string): Partial<Record<SettingKey, string>> {
  return Object.fromEntries(
    places.flatMap(({ row, base, settings }) =>
      Object.entries({ base_url: upstream + base, api_key: keyOf(row), ...settings }).map(([name, value]) => [
        `providers.${row}.${name}`,
        value,
      ]),
    ),
  )
}
