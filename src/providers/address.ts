import type { ProviderConfig } from '../core/config.ts'
import type { Credential } from '../core/credential.ts'
import { kindOf } from './credential-kinds.ts'
import type { Provider } from './provider.ts'

/** The settings of which a provider's address is made, as far as they are said. */
export type AddressSettings = Readonly<Record<string, string | undefined>>

/** What stands before and behind the model's name; nothing stands behind where the path does not name the model. */
export interface Path {
  readonly before: string
  readonly after: string | undefined
}

type Addressed = Pick<Provider, 'baseUrl' | 'cloudBaseUrl' | 'settings' | 'settingsOf'>

/** Where the provider is; undefined as long as the operator has not said so much as is needed to know it. */
export function addressOf(
  { baseUrl: usual, cloudBaseUrl, settingsOf, settings = {} }: Addressed,
  config: Pick<ProviderConfig, 'baseUrl' | 'address'>,
  credential?: Credential,
): URL | undefined {
  if (config.baseUrl !== undefined) return URL.canParse(config.baseUrl) ? new URL(config.baseUrl) : undefined
  const isCloud = credential !== undefined && kindOf(credential)?.isCloud === true
  const said = { ...(isCloud && settingsOf?.(credential)), ...present(config.address) }
  const baseUrl = isCloud && cloudBaseUrl ? cloudBaseUrl(said) : usual
  if (baseUrl === undefined) return undefined
  const filled = baseUrl.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = said[name] ?? settings[name]?.fallback ?? ''
    return isPartOfAddress(value) ? value : '{}'
  })
  return URL.canParse(filled) && !filled.includes('{}') ? new URL(filled) : undefined
}

export interface Place {
  /** Undefined as long as the operator has not said so much as is needed to know it. */
  readonly base: URL | undefined
  /** True at the built-in address. */
  readonly atHome: boolean
  /** True at an address of the vendor's, be it the built-in one or another. */
  readonly atVendor: boolean
}

/** Where the provider is, and whose that is. */
export function placeOf(
  provider: Addressed & Pick<Provider, 'ownHosts'>,
  config: Pick<ProviderConfig, 'baseUrl' | 'address'>,
  credential?: Credential,
): Place {
  const base = addressOf(provider, config, credential)
  const atHome = config.baseUrl === undefined
  return { base, atHome, atVendor: atHome || (base !== undefined && isVendors(base, provider)) }
}

function isVendors(base: URL, { baseUrl, ownHosts }: Pick<Provider, 'baseUrl' | 'ownHosts'>): boolean {
  if (base.protocol !== 'https:') return false
  const isBuiltIn = baseUrl !== undefined && URL.canParse(baseUrl) && new URL(baseUrl).host === base.host
  return isBuiltIn || (ownHosts?.test(base.hostname) ?? false)
}

const present = (settings: AddressSettings = {}): AddressSettings =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))

/** What may stand in an address that is the vendor's: nothing that would end the host's name, or make it another's. */
export const isPartOfAddress = (value: string): boolean => /^[a-z0-9][\w.:-]*$/i.test(value)

/**
 * An operator may write the base URL with the beginning of the path, or without: what both have is not said twice. What
 * the base URL asks for behind its `?` is asked for in every request.
 */
export function pathBelow(base: URL, path: string): Path {
  const [pathname = '', query = ''] = path.split('?', 2)
  const above = segments(base.pathname)
  const below = segments(pathname)
  if (below[0] === '..') {
    below.shift()
    if (/^v\d/.test(above.at(-1) ?? '')) above.pop()
  }
  let shared = Math.min(above.length, below.length)
  while (shared > 0 && !above.slice(-shared).every((segment, index) => segment === below[index])) shared--
  const search = [query, base.search.slice(1)].filter(Boolean).join('&')
  const whole = `/${[...above, ...below.slice(shared)].join('/')}${search && `?${search}`}`
  const [before = '', after] = whole.split('{model}', 2)
  return { before, after }
}

const segments = (pathname: string): string[] => pathname.split('/').filter(Boolean)

const collection = 'models/'

/** The path for a model. Gemini's own lists have the collection in front of the name, which the path already says. */
export function pathFor({ before, after }: Path, model: string): string {
  if (after === undefined) return before
  const name = model.startsWith(collection) && before.endsWith(collection) ? model.slice(collection.length) : model
  return before + encodeURIComponent(name.toWellFormed()) + after
}
