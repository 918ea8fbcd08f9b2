import type { TimeoutName } from '../core/config.ts'
import { type ProviderName, providers } from '../providers/index.ts'
import type { Provider } from '../providers/provider.ts'
import { credentialSettings } from './credential-settings.ts'
import { headerMap } from './headers.ts'
import { type Row, type Setting, unsaid } from './setting.ts'
import { timeoutSettings } from './timeouts.ts'
import { httpUrl, oneOf, secretText, someOf, textList, truth, word } from './values.ts'

/** What may be said of a provider, under its name; a row has those that mean something for it. */
export interface ProviderValues {
  readonly api_key: string
  readonly base_url: string
  readonly dialects: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly models: readonly string[]
  readonly stream_usage: boolean
}

export type ProviderField = keyof ProviderValues
export type ProviderKey = `providers.${ProviderName}.${ProviderField | `timeouts.${TimeoutName}`}`

type Settings = Readonly<Record<string, Setting<unknown>>>

/** Each provider's settings follow from its row, so that a new row has them without a line here. */
export const providerSettings = Object.fromEntries(
  Object.entries(providers).flatMap(([name, provider]) =>
    Object.entries(settingsOf(name, provider, false)).map(([field, row]) => [`providers.${name}.${field}`, row]),
  ),
) as Readonly<Partial<Record<ProviderKey, Setting<unknown>>>>

/** Those whom a provider of one's own may be like: whoever has an address. */
export const likenesses: readonly string[] = Object.entries(providers as Readonly<Record<string, Provider>>).flatMap(
  ([name, { send }]) => (send ? [] : [name]),
)

/** The settings of a provider of one's own: those of whom it is like, and the name of that. */
export const ownProviderRows = (name: string, like: string): readonly Row[] =>
  Object.entries({
    like: {
      help: 'the provider of the table whose dialects, ways to show a key and habits it has',
      kind: oneOf(likenesses),
      fallback: unsaid,
    } satisfies Setting<unknown>,
    ...settingsOf(name, providers[like as ProviderName], true),
  }).map(([field, setting]) => ({
    key: `providers.${name}.${field}`,
    path: ['providers', name, ...field.split('.')],
    setting,
  }))

function settingsOf(name: string, provider: Provider, isOwn: boolean): Settings {
  const clocks = Object.fromEntries(
    Object.entries(timeoutSettings('timeouts')).map(([key, row]) => [key, row as Setting<unknown>]),
  )
  // One that answers in this process has no address and no key.
  if (provider.send) return clocks
  const { label, keyVariables = [], baseUrlFlag } = provider
  const constant = name.toUpperCase().replaceAll('-', '_')
  const ours = `TRUNKLINE_${constant}`
  const endpoints = typeof provider.endpoints === 'function' ? provider.endpoints({}) : provider.endpoints
  const dialects = [...new Set(endpoints.map(({ dialect }) => dialect))]
  const who = isOwn ? name : label
  return {
    api_key: {
      help: `the key for ${who}${provider.keyless ? '; not needed where the host wants none' : ''}`,
      kind: secretText,
      fallback: unsaid,
      fileFirst: true,
      env: [`${ours}_API_KEY`],
      // What stands in a vendor's variable is for the vendor, and not for a host that speaks as the vendor does.
      ...(!isOwn && { ambientEnv: [...keyVariables, `VLLORA_${constant}_API_KEY`] }),
      secret: true,
    },
    ...credentialSettings(provider),
    base_url: {
      help: isOwn ? `the address of ${who}` : `the address of ${who}, or of a host that speaks its dialects`,
      kind: httpUrl,
      fallback: unsaid,
      ...(!isOwn && baseUrlFlag !== undefined && { flag: baseUrlFlag }),
      // Never OPENAI_BASE_URL and its like: programs on this machine have it point at us.
      env: [`${ours}_BASE_URL`],
    },
    ...Object.fromEntries(
      Object.entries(provider.settings ?? {}).map(([field, { help, env = [] }]) => [
        field,
        { help, kind: word, fallback: unsaid, env: [`${ours}_${field.toUpperCase()}`], ambientEnv: env },
      ]),
    ),
    models: {
      help: 'names that /v1/models shows for it, and that are never split at a slash',
      kind: textList,
      fallback: unsaid,
    },
    ...(dialects.length > 1 && {
      dialects: {
        help: `the dialects that the host speaks, the best first: ${dialects.join(', ')}`,
        kind: someOf(dialects),
        fallback: unsaid,
      },
    }),
    headers: {
      help: 'headers that each request to it has',
      kind: headerMap,
      fallback: unsaid,
      secret: true,
    },
    ...(dialects.includes('openai-chat') && {
      stream_usage: {
        help: 'whether streams are asked for their usage; false for a host that refuses the question',
        kind: truth,
        fallback: unsaid,
      },
    }),
    ...clocks,
  }
}
