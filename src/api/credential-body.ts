import { z } from '@hono/zod-openapi'
import type { CredentialView } from '../credentials/key-storage.ts'
import { shownUrl } from './destination.ts'
import { BaseUrl } from './provider-body.ts'
import { Id, Micros, text, Version } from './wire.ts'

export const ProviderOf = text(63).openapi({ description: 'The provider for which it is.', example: 'openai' })
const Name = text(200).openapi({ description: 'What people call it.', example: 'Team account' })
const KindOf = text(63).openapi({
  description: 'One of those that the provider takes: see `credential_kinds` there.',
  example: 'api_key',
})
const Priority = z
  .int()
  .min(1)
  .max(100)
  .openapi({ description: 'The lowest goes first; the next are asked when it is refused.', example: 1 })
const Weight = z
  .int()
  .min(1)
  .max(1000)
  .openapi({ description: 'Its share among those of the same priority.', example: 1 })
const Fields = z
  .record(text(63), z.union([z.string().max(64_000), z.looseObject({})]))
  .openapi({ description: 'The fields of its kind, as a whole. A JSON document may be given as an object.' })
const Headers = z
  .record(text(100), z.string().max(8192))
  .openapi({ description: 'Sent with each call, as a whole. They are kept like secrets.' })
const Address = z
  .record(text(63), text(100))
  .openapi({ description: 'What the provider’s address is made of, as a whole.' })

export const CredentialBody = z
  .strictObject({
    id: Id,
    project_id: Id,
    provider: z.string(),
    name: z.string().optional(),
    kind: z.string(),
    fields: z
      .record(z.string(), z.string())
      .openapi({ description: 'Of a secret its last four characters, if it is long enough to have others.' }),
    fingerprint: z.string().openapi({ description: 'The same for equal secrets, and good for nothing else.' }),
    needs_secret: z
      .boolean()
      .openapi({ description: 'Its secret was dropped, since it was given for another address. Give it anew.' }),
    priority: Priority,
    weight: Weight,
    base_url: z.string().optional().openapi({ description: 'Where it is good, if not where the provider usually is.' }),
    may_be_private: z.boolean(),
    header_names: z.array(z.string()),
    address: z.record(z.string(), z.string()),
    created_us: Micros,
    updated_us: Micros,
    version: Version,
  })
  .openapi('Credential')

export const example = {
  id: '0197a1b2-5c3d-7e4f-8a9b-0c1d2e3f4a5c',
  project_id: 'default',
  provider: 'openai',
  name: 'Team account',
  kind: 'api_key',
  fields: { api_key: '…f3Qx' },
  fingerprint: '9f2c4e6a8b0d1f35',
  needs_secret: false,
  priority: 1,
  weight: 1,
  may_be_private: false,
  header_names: [],
  address: {},
  created_us: 1_790_000_000_000_000,
  updated_us: 1_790_000_000_000_000,
  version: 1,
}

export const bodyOf = (view: CredentialView): z.output<typeof CredentialBody> => ({
  id: view.id,
  project_id: view.projectId,
  provider: view.provider,
  ...(view.name !== undefined && { name: view.name }),
  kind: view.kind,
  fields: { ...view.fields },
  fingerprint: view.fingerprint,
  needs_secret: view.needsSecret,
  priority: view.priority,
  weight: view.weight,
  ...(view.baseUrl !== undefined && { base_url: shownUrl(view.baseUrl) }),
  may_be_private: view.mayBePrivate,
  header_names: [...view.headerNames],
  address: { ...view.address },
  created_us: view.createdUs,
  updated_us: view.updatedUs,
  version: view.version,
})

export const NewCredentialBody = z
  .strictObject({
    provider: ProviderOf,
    kind: KindOf,
    fields: Fields.optional(),
    name: Name.optional(),
    priority: Priority.optional(),
    weight: Weight.optional(),
    base_url: BaseUrl.optional(),
    headers: Headers.optional(),
    address: Address.optional(),
  })
  .openapi('NewCredential')

export const CredentialChangeBody = z
  .strictObject({
    kind: KindOf.optional(),
    fields: Fields.optional(),
    name: Name.nullable().optional(),
    priority: Priority.optional(),
    weight: Weight.optional(),
    base_url: BaseUrl.nullable().optional(),
    headers: Headers.nullable().optional(),
    address: Address.nullable().optional(),
  })
  .openapi('CredentialChange')

export type WrittenFields = z.output<typeof Fields>
