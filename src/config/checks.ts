import { nearest } from '../core/nearest.ts'
import type { CredentialKindName } from '../providers/credential-kinds.ts'
import { providers } from '../providers/index.ts'
import { credentialProblems } from './credential-settings.ts'
import type { OwnNames } from './own-names.ts'
import type { InForce } from './resolve.ts'

type Settings = ReadonlyMap<string, InForce>

/** What is wrong with settings that are right each for itself. */
export function disagreements(settings: Settings, own: OwnNames): readonly string[] {
  const names = [...Object.keys(providers), ...own.providers.keys()]
  const credentials = Map.groupBy(
    [...settings.values()].filter((found) => found.row.path[2] === 'credential' && isSaid(found)),
    ({ row }) => row.path[1],
  )
  return [
    ...names.flatMap((name) => ofCredential(settings, name, credentials.get(name) ?? [])),
    ...[...own.providers.keys()].flatMap((name) => ofOwnProvider(settings, name)),
    ...[...own.models].flatMap(([name, place]) => ofModel(settings, name, place, names)),
  ]
}

const isSaid = (found: InForce | undefined): found is InForce => found !== undefined && found.kind !== 'default'

function ofCredential(settings: Settings, name: string, said: readonly InForce[]): readonly string[] {
  const prefix = `providers.${name}.credential.`
  const fields = said.map((found) => [found.row.path.at(-1) as string, found] as const)
  const [first] = fields
  if (!first) return []
  const { kind, ...given } = Object.fromEntries(fields)
  const at = `${(kind ?? first[1]).place}: providers.${name}.credential`
  if (!kind) return [`${at} needs a kind.`]
  if (kind.value === undefined) return []
  const key = settings.get(`providers.${name}.api_key`)
  if (key?.kind === 'file') return [`${key.place}: providers.${name} has api_key and credential. Take one of them out.`]
  return credentialProblems(kind.value as CredentialKindName, Object.keys(given)).map(({ field, problem }) =>
    field === undefined ? `${at}: ${problem}` : `${given[field]?.place}: ${prefix}${field}: ${problem}`,
  )
}

function ofOwnProvider(settings: Settings, name: string): readonly string[] {
  if (isSaid(settings.get(`providers.${name}.base_url`))) return []
  return [`${settings.get(`providers.${name}.like`)?.place}: providers.${name} is your own and needs a base_url.`]
}

function ofModel(settings: Settings, name: string, place: string, names: readonly string[]): readonly string[] {
  const [provider, model] = [settings.get(`models.${name}.provider`), settings.get(`models.${name}.model`)]
  const missing = Object.entries({ provider, model }).flatMap(([field, found]) => (isSaid(found) ? [] : [field]))
  if (missing.length > 0) return [`${place}: models.${name} needs ${missing.join(' and ')}.`]
  const asked = provider?.value
  if (typeof asked !== 'string' || names.includes(asked)) return []
  const meant = nearest(asked, names)
  return [
    `${provider?.place}: models.${name}.provider is ${JSON.stringify(asked)}, and there is no such provider.${meant ? ` Did you mean ${meant}?` : ''}`,
  ]
}
