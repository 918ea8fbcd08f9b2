import type { ProviderConfig } from '../core/config.ts'
import type { Provider } from './provider.ts'

/** The settings of which a provider's address is made, as far as they are said. */
export type AddressSettings = Readonly<Record<string, string | undefined>>

/** What stands before and behind the model's name; nothing stands behind where the path does not name the model. */
export interface Path {
  readonly before: string
  readonly after: string | undefined
}

/** Where the provider is; undefined as long as the operator has not said so much as is needed to know it. */
export function addressOf(
  { baseUrl, settings = {} }: Pick<Provider, 'baseUrl' | 'settings'>,
  config: Pick<ProviderConfig, 'baseUrl' | 'address'>,
): URL | undefined {
  if (config.baseUrl !== undefined) return new URL(config.baseUrl)
  if (baseUrl === undefined) return undefined
  const filled = baseUrl.replace(
    /\{(\w+)\}/g,
    (_, name: string) => config.address?.[name] ?? settings[name]?.fallback ?? '{}',
  )
  return filled.includes('{}') ? undefined : new URL(filled)
}

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
