import { type ProviderName, providers } from '../providers/index.ts'
import { credentialHeaders } from '../providers/key-headers.ts'
import type { Provider } from '../providers/provider.ts'
import type { Setting } from './settings.ts'
import { type TimeoutKey, timeoutSettings } from './timeouts.ts'
import { headerMap, httpUrl, secretText, someOf, textList, truth, word } from './values.ts'

/** What may be said of a provider, under its name; a row has those that mean something for it. */
export interface ProviderValues {
  readonly api_key: string
  readonly base_url: string
  readonly dialects: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly models: readonly string[]
  readonly stream_usage: boolean
  readonly resource: string
  readonly api_version: string
  readonly region: string
}

export type ProviderField = keyof ProviderValues
export type ProviderKey = `providers.${ProviderName}.${ProviderField | `timeouts.${TimeoutKey}`}`

type Rows = { readonly [F in ProviderField]?: Setting<ProviderValues[F] | undefined> }

const unsaid = (): undefined => undefined

/** Each provider's settings follow from its row, so that a new row has them without a line here. */
export const providerSettings = Object.fromEntries(
  Object.entries(providers).flatMap(([name, provider]) => {
    const prefix = `providers.${name}`
    const fields = Object.entries(fieldsOf(name, provider)).map(([field, row]) => [`${prefix}.${field}`, row] as const)
    return [...fields, ...Object.entries(timeoutSettings(`${prefix}.timeouts`))]
  }),
) as Readonly<Partial<Record<ProviderKey, Setting<unknown>>>>

function fieldsOf(name: string, provider: Provider): Rows {
  // One that answers in this process has no address and no key.
  if (provider.send) return {}
  const { label, keyVariables = [], baseUrlFlag: flag } = provider
  const constant = name.toUpperCase().replaceAll('-', '_')
  const ours = `TRUNKLINE_${constant}`
  const endpoints = typeof provider.endpoints === 'function' ? provider.endpoints({}) : provider.endpoints
  const dialects = [...new Set(endpoints.map(({ dialect }) => dialect))]
  return {
    api_key: {
      help: `the key for ${label}${provider.keyless ? '; not needed where the host wants none' : ''}`,
      from: secretText,
      fallback: unsaid,
      env: [`${ours}_API_KEY`],
      ambientEnv: [...keyVariables, `VLLORA_${constant}_API_KEY`],
      secret: true,
    },
    base_url: {
      help: `the address of ${label}, or of a host that speaks its dialects`,
      from: httpUrl,
      fallback: unsaid,
      ...(flag !== undefined && { flag }),
      // Never OPENAI_BASE_URL and its like: programs on this machine have it point at us.
      env: [`${ours}_BASE_URL`],
    },
    ...Object.fromEntries(
      Object.entries(provider.settings ?? {}).map(([field, { help, env = [] }]) => [
        field,
        { help, from: word, fallback: unsaid, env: [`${ours}_${field.toUpperCase()}`], ambientEnv: env },
      ]),
    ),
    models: {
      help: 'names that /v1/models shows for it, and that are never split at a slash',
      from: textList,
      fallback: unsaid,
    },
    ...(dialects.length > 1 && {
      dialects: {
        help: `the dialects that the host speaks, the best first: ${dialects.join(', ')}`,
        from: someOf(dialects),
        fallback: unsaid,
      },
    }),
    headers: {
      help: 'headers that each request to it has',
      from: headerMap(credentialHeaders),
      fallback: unsaid,
      secret: true,
    },
    ...(dialects.includes('openai-chat') && {
      stream_usage: {
        help: 'whether streams are asked for their usage; false for a host that refuses the question',
        from: truth,
        fallback: unsaid,
      },
    }),
  }
}
