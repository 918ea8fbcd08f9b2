import { z } from '@hono/zod-openapi'
import type { ProjectView } from '../store/projects.ts'
import { timeoutsBody } from './timeouts.ts'
import { Id, Micros, TimeoutsBody, TimeoutsChange, text, Version } from './wire.ts'

export const ProjectName = text(200).openapi({ description: 'What people call it.', example: 'Support bot' })

export const Slug = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be made of a to z, 0 to 9 and dashes, and have at most 63 of them')
  .openapi({ description: 'Its name in addresses and headers.', example: 'support-bot' })

const DefaultProvider = text(63).openapi({
  description: 'Who is asked for models that nobody claims; the vendor of the client’s dialect when absent.',
  example: 'openai',
})

const CaptureBodies = z.boolean().openapi({ description: 'Whether what is said in its calls is recorded.' })

const Settings = z
  .strictObject({
    default_provider: DefaultProvider.optional(),
    timeouts: TimeoutsBody.optional(),
    capture_bodies: CaptureBodies,
  })
  .openapi('ProjectSettings')

export const SettingsChange = z
  .strictObject({
    default_provider: DefaultProvider.nullable().optional(),
    timeouts: TimeoutsChange.nullable().optional(),
    capture_bodies: CaptureBodies.optional(),
  })
  .openapi('ProjectSettingsChange', {
    description: 'Only what it names is changed, and `null` takes away. Other settings arrive with their features.',
  })

export const Description = text(2000).openapi({ description: 'What it is for.' })

export const Project = z
  .strictObject({
    id: Id,
    slug: Slug,
    name: ProjectName,
    description: Description.optional(),
    is_default: z.boolean().openapi({ description: 'Whether it has what names no project.' }),
    is_archived: z.boolean().openapi({ description: 'Its calls are refused; what it has recorded stays.' }),
    archived_us: Micros.optional(),
    settings: Settings,
    created_us: Micros,
    updated_us: Micros,
    version: Version,
  })
  .openapi('Project')

export const example = {
  id: '0197a1b2-5c3d-7e4f-8a9b-0c1d2e3f4a5b',
  slug: 'support-bot',
  name: 'Support bot',
  is_default: false,
  is_archived: false,
  settings: { default_provider: 'openai', capture_bodies: true },
  created_us: 1_790_000_000_000_000,
  updated_us: 1_790_000_000_000_000,
  version: 1,
}

export const bodyOf = (project: ProjectView): z.output<typeof Project> => {
  const { defaultProvider, timeouts, captureBodies } = project.settings
  return {
    id: project.id,
    slug: project.slug,
    name: project.name,
    ...(project.description !== undefined && { description: project.description }),
    is_default: project.isDefault,
    is_archived: project.isArchived,
    ...(project.archivedUs !== undefined && { archived_us: project.archivedUs }),
    settings: {
      ...(defaultProvider !== undefined && { default_provider: defaultProvider }),
      ...(timeouts !== undefined && { timeouts: timeoutsBody(timeouts) }),
      capture_bodies: captureBodies,
    },
    created_us: project.createdUs,
    updated_us: project.updatedUs,
    version: project.version,
  }
}
