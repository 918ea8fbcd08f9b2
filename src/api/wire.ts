import { z } from '@hono/zod-openapi'
import type { TimeoutName } from '../core/config.ts'

/** Parts of which the schemas of all resources are made. Fields are in snake_case, and have their units in their names. */

/** A text that people read: not empty, without control characters, and one that can be written as UTF-8. */
export const text = (most: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'must not have control characters or half characters')

export const Id = text(200).openapi({ description: 'An id.' })

export const Micros = z
  .int()
  .min(0)
  .openapi({ description: 'A time in µs since the epoch.', example: 1_790_000_000_000_000 })

export const Version = z
  .int()
  .min(0)
  .openapi({ description: 'Grows with each change; the ETag is made of it.', example: 1 })

export const ModelName = text(200).openapi({ description: 'The name of a model.', example: 'gpt-5-mini' })

const dayMs = 86_400_000

const ms = z.int().min(1).max(dayMs)

/** The clocks of an attempt, each of them where it differs. */
export const TimeoutsBody = z
  .strictObject({
    connect_ms: ms.optional(),
    headers_ms: ms.optional(),
    first_content_ms: ms.optional(),
    idle_ms: ms.optional(),
    total_ms: ms.optional(),
  } satisfies Record<TimeoutName, z.ZodType>)
  .openapi('Timeouts', { description: 'How long an attempt may take, in milliseconds.' })

/** The same in a change: `null` takes one away. */
export const TimeoutsChange = z.strictObject({
  connect_ms: ms.nullable().optional(),
  headers_ms: ms.nullable().optional(),
  first_content_ms: ms.nullable().optional(),
  idle_ms: ms.nullable().optional(),
  total_ms: ms.nullable().optional(),
} satisfies Record<TimeoutName, z.ZodType>)

/** A number in a query, where all is text. */
export const queryNumber = (least: number, most: number) =>
  z
    .string()
    .refine((written) => /^\d{1,15}$/.test(written) && Number(written) >= least && Number(written) <= most, {
      message: `must be a whole number from ${least} to ${most}`,
    })
    .transform(Number)
    .openapi({ type: 'integer', minimum: least, maximum: most })

export const queryTruth = z.enum(['true', 'false']).transform((written) => written === 'true')

/** What a list may be asked for. */
export const pageQuery = {
  limit: queryNumber(1, 100).optional().openapi({ description: 'How many of them; 50 unless said.', example: 50 }),
  after: z.string().min(1).max(1000).optional().openapi({ description: 'The `next` of the page before.' }),
}

export interface PageAsked {
  readonly limit?: number | undefined
  readonly after?: string | undefined
}

export const pageOf = ({ limit = 50, after }: PageAsked): { limit: number; after?: string } => ({
  limit,
  ...(after !== undefined && { after }),
})

/** A page of things. */
export const list = <T extends z.ZodType>(item: T) =>
  z.strictObject({
    data: z.array(item),
    next: z.string().optional().openapi({ description: 'There are more: ask for them with `after`.' }),
  })

export const listed = <T, U>(
  { items, next }: { readonly items: readonly T[]; readonly next?: string },
  view: (item: T) => U,
): { data: U[]; next?: string } => ({ data: items.map(view), ...(next !== undefined && { next }) })
