import { providerNameForm } from '../core/checks.ts'
import { type CredentialKindName, credentialKinds, kindsOf } from '../providers/credential-kinds.ts'
import { providers } from '../providers/index.ts'
import type { Provider } from '../providers/provider.ts'
import { fieldSettings, fieldsOf } from './credential-settings.ts'
import { noNames, rowsFor } from './own-names.ts'
import { likenesses } from './provider-settings.ts'
import type { JsonSchema, Row, Setting } from './setting.ts'

/** For editors: the JSON Schema of the file, made from the table of settings. */
export function configSchema(): JsonSchema {
  const rows = rowsFor(noNames)
  const map = nested(rows.filter(({ path }) => path[0] !== 'providers'))
  const known = Object.entries<Provider>(providers).map(([name, provider]) => [
    name,
    providerSchema(rows.filter(({ path }) => path[0] === 'providers' && path[1] === name).map(below), provider),
  ])
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'The configuration of Trunkline',
    ...map,
    properties: {
      ...map.properties,
      providers: {
        type: maybe('object'),
        properties: Object.fromEntries(known),
        propertyNames: { pattern: providerNameForm.source },
        additionalProperties: { $ref: '#/$defs/own_provider' },
      },
      models: {
        description: 'models under names of your own',
        type: maybe('object'),
        additionalProperties: ownModel(),
      },
    },
    $defs: {
      own_provider: ownProvider(),
      timeouts: nested(timeoutRows(rows).map(below)),
      ...Object.fromEntries(kindNames.map((kind) => [`credential_${kind}`, credentialSchema(kind)])),
    },
  }
}

const kindNames = Object.keys(credentialKinds) as CredentialKindName[]

/** What says nothing is as good as no line. */
const maybe = (type: string): readonly string[] => [type, 'null']

/** What stands for a value that comes from elsewhere. */
const template: JsonSchema = { type: 'string', pattern: '\\$\\{[^{}]+\\}' }

/** A setting without its description, by which those of several providers can be compared. */
function valueSchema({ kind: { schema }, secret }: Setting<unknown>): JsonSchema {
  const isPlainText = schema.type === 'string' && schema.pattern === undefined
  return { anyOf: [schema, ...(isPlainText ? [] : [template]), ...(secret ? [] : [{ type: 'null' }])] }
}

function settingSchema({ key, setting }: Row): JsonSchema {
  // What it is by default is not the same everywhere.
  const usual = setting.secret || key === 'log.format' ? undefined : setting.fallback({ terminal: false })
  return { description: setting.help, ...(usual !== undefined && { default: usual }), ...valueSchema(setting) }
}

interface Branch {
  readonly type: readonly string[]
  readonly properties: Record<string, JsonSchema | Branch>
  readonly additionalProperties: false
}

/** The maps of the file, from the ways to the settings. */
function nested(rows: readonly Row[]): Branch {
  const branch = (): Branch => ({ type: maybe('object'), properties: {}, additionalProperties: false })
  const root = branch()
  for (const row of rows) {
    let at = root
    for (const name of row.path.slice(0, -1)) {
      at.properties[name] ??= branch()
      at = at.properties[name] as Branch
    }
    at.properties[row.path.at(-1) as string] = settingSchema(row)
  }
  return root
}

/** A row as it stands within the map of its provider or of its group. */
const below = (row: Row): Row => ({ ...row, path: row.path[0] === 'providers' ? row.path.slice(2) : row.path.slice(1) })

const timeoutRows = (rows: readonly Row[]): readonly Row[] => rows.filter(({ path }) => path[0] === 'timeouts')

const credentialOf = (kinds: readonly CredentialKindName[]): JsonSchema => ({
  description: 'with what it is paid, where that is not simply a key',
  oneOf: kinds.map((kind) => ({ $ref: `#/$defs/credential_${kind}` })),
})

function providerSchema(rows: readonly Row[], provider: Provider): JsonSchema {
  const map = nested(rows.filter(({ path }) => path[0] !== 'credential' && path[0] !== 'timeouts'))
  return {
    description: provider.label,
    ...map,
    properties: {
      ...map.properties,
      ...(!provider.send && { credential: credentialOf(kindsOf(provider)) }),
      timeouts: { $ref: '#/$defs/timeouts' },
    },
  }
}

function credentialSchema(kind: CredentialKindName): JsonSchema {
  const fields = fieldsOf(kind)
  return {
    description: credentialKinds[kind].label,
    type: 'object',
    properties: {
      kind: { const: kind },
      ...Object.fromEntries(
        Object.entries(fieldSettings(kind)).map(([name, setting]) => [
          name,
          { description: setting.help, ...valueSchema(setting) },
        ]),
      ),
    },
    required: ['kind', ...Object.entries(fields).flatMap(([name, { optional }]) => (optional ? [] : [name]))],
    additionalProperties: false,
  }
}

/** A provider of one's own has what the one has that it is like. An editor is offered what any of them has. */
function ownProvider(): JsonSchema {
  const variants = new Map<string, Map<string, JsonSchema>>()
  const helps = new Map<string, string>()
  for (const like of likenesses) {
    for (const { path, setting } of rowsFor({ providers: new Map([['own', like]]), models: new Map() })) {
      const [group, name, field, ...more] = path
      if (group !== 'providers' || name !== 'own' || field === undefined || more.length > 0) continue
      const schema = valueSchema(setting)
      const known = variants.get(field) ?? new Map<string, JsonSchema>()
      variants.set(field, known.set(JSON.stringify(schema), schema))
      if (!helps.has(field)) helps.set(field, setting.help.replace(' own', ' this provider'))
    }
  }
  const properties = [...variants].map(([field, schemas]) => {
    const all = [...schemas.values()]
    return [field, { description: helps.get(field), ...(all.length === 1 ? all[0] : { anyOf: all }) }]
  })
  return {
    description: 'a provider of your own',
    type: 'object',
    properties: {
      ...Object.fromEntries(properties),
      credential: credentialOf(kindNames),
      timeouts: { $ref: '#/$defs/timeouts' },
    },
    required: ['like', 'base_url'],
    additionalProperties: false,
  }
}

function ownModel(): JsonSchema {
  const rows = rowsFor({ providers: new Map(), models: new Map([['own', '']]) }).filter(
    ({ path }) => path[0] === 'models',
  )
  const map = nested(rows.map((row) => ({ ...row, path: row.path.slice(2) })))
  return { ...map, type: 'object', required: Object.keys(map.properties) }
}
