import { z } from '@hono/zod-openapi'
import { providerNameForm } from '../core/checks.ts'
import { type CredentialKindName, kindsOf } from '../providers/credential-kinds.ts'
import { shownUrl } from './destination.ts'
import { dialectsOf, isConfigured, kindRow, type ProviderFacts } from './provider-facts.ts'
import { timeoutsBody } from './timeouts.ts'
import { Micros, ModelName, TimeoutsBody, text, Version } from './wire.ts'

export const ProviderName = z
  .string()
  .regex(providerNameForm, 'must be made of a to z, 0 to 9 and dashes, and have at most 63 of them')
  .openapi({ description: 'Its name in front of a model’s: `name/model`.', example: 'my-vllm' })

export const BaseUrl = text(2000).openapi({
  description:
    'Where it is. An address of this machine or of a private network takes a client key that is not bound to a project.',
  example: 'https://llm.example.com/v1',
})

const Field = z.strictObject({
  name: z.string(),
  help: z.string(),
  secret: z.boolean().openapi({ description: 'Goes in and never comes out.' }),
  optional: z.boolean(),
  json: z.boolean().openapi({ description: 'A JSON document, which may also be given as an object.' }),
})

export const Kind = z
  .strictObject({
    kind: z.string(),
    label: z.string(),
    is_cloud: z.boolean().openapi({ description: 'Whether it is changed into tokens that end.' }),
    fields: z.array(Field),
  })
  .openapi('CredentialKind')

const Setting = z.strictObject({ name: z.string(), help: z.string(), fallback: z.string().optional() })

export const Provider = z
  .strictObject({
    name: z.string(),
    label: z.string(),
    origin: z
      .enum(['built_in', 'file', 'project'])
      .openapi({ description: 'Who has made it: Trunkline, the configuration file, or the project.' }),
    like: z.string().optional().openapi({ description: 'Of which provider it is another instance.' }),
    base_url: z
      .string()
      .optional()
      .openapi({ description: 'With what has to be said of it in braces. Absent when all of it has.' }),
    may_be_private: z
      .boolean()
      .openapi({ description: 'Whether its address may be one of this machine or of a private network.' }),
    dialects: z.array(z.string()).openapi({ description: 'The dialects that it speaks, the best first.' }),
    is_configured: z.boolean().openapi({ description: 'Whether it can be called.' }),
    credential_from: z
      .enum(['project', 'file', 'environment', 'none'])
      .openapi({ description: 'Where the credential of the project’s calls comes from.' }),
    credential_kinds: z.array(Kind).openapi({ description: 'The kinds of credentials that it takes.' }),
    address_settings: z.array(Setting).openapi({ description: 'What its address is made of.' }),
    address: z.record(z.string(), z.string()).openapi({ description: 'As far as that has been said.' }),
    models: z.array(z.string()).openapi({ description: 'Names that are listed for it.' }),
    stream_usage: z
      .boolean()
      .optional()
      .openapi({ description: 'Whether streams are asked for their usage; its own habit when absent.' }),
    timeouts: TimeoutsBody.optional(),
    created_us: Micros.optional(),
    updated_us: Micros.optional(),
    version: Version.optional(),
  })
  .openapi('Provider')

export const NewProvider = z
  .strictObject({
    name: ProviderName,
    like: text(63).openapi({ description: 'The name of a provider that Trunkline knows.', example: 'custom' }),
    base_url: BaseUrl,
    address: z.record(text(63), text(100)).optional(),
    dialects: z.array(text(63)).min(1).max(20).optional(),
    models: z.array(ModelName).max(1000).optional(),
    stream_usage: z.boolean().optional(),
    timeouts: TimeoutsBody.optional(),
  })
  .openapi('NewProvider')

export function kindBody(name: CredentialKindName): z.output<typeof Kind> {
  const { label, isCloud, fields } = kindRow(name)
  return {
    kind: name,
    label,
    is_cloud: isCloud ?? false,
    fields: Object.entries(fields).map(([field, { help, secret, optional, json }]) => ({
      name: field,
      help,
      secret: secret ?? false,
      optional: optional ?? false,
      json: json ?? false,
    })),
  }
}

/** `isPaid`: whether a credential of the project's own for it can be used; undefined when it has none. */
export function providerBody(facts: ProviderFacts, isPaid: boolean | undefined): z.output<typeof Provider> {
  const { name, provider, config, origin, own, credentialFrom } = facts
  const baseUrl = config.baseUrl === undefined ? provider.baseUrl : shownUrl(config.baseUrl)
  return {
    name,
    label: origin === 'built_in' ? provider.label : name,
    origin,
    ...(config.like !== undefined && { like: config.like }),
    ...(baseUrl !== undefined && { base_url: baseUrl }),
    may_be_private: config.mayBePrivate ?? false,
    dialects: [...(config.dialects ?? dialectsOf(provider, config))],
    is_configured: isPaid ?? isConfigured(facts),
    credential_from: isPaid === undefined ? (credentialFrom ?? 'none') : 'project',
    credential_kinds: kindsOf(provider).map(kindBody),
    address_settings: Object.entries(provider.settings ?? {}).map(([setting, { help, fallback }]) => ({
      name: setting,
      help,
      ...(fallback !== undefined && { fallback }),
    })),
    address: Object.fromEntries(
      Object.entries(config.address ?? {}).flatMap(([setting, value]) =>
        value === undefined ? [] : [[setting, value]],
      ),
    ),
    models: [...(provider.models ?? []), ...(config.models ?? [])],
    ...(config.streamUsage !== undefined && { stream_usage: config.streamUsage }),
    ...(config.timeouts && { timeouts: timeoutsBody(config.timeouts) }),
    ...(own && { created_us: own.createdUs, updated_us: own.updatedUs, version: own.version }),
  }
}
