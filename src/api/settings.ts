import { z } from '@hono/zod-openapi'
import type { SettingView } from '../core/config.ts'
import { GatewayError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'
import type { ApiDeps } from './deps.ts'
import { badRequest, wrongField } from './problems.ts'
import { type Result, route } from './route.ts'
import { text } from './wire.ts'

const tag = 'Settings'

/** Any JSON. */
const Value = z.unknown().optional()

const Setting = z
  .strictObject({
    key: z.string(),
    value: Value.openapi({ description: 'The value in force; `(hidden)` for a secret.' }),
    help: z.string(),
    source: z
      .enum(['flag', 'environment', 'file', 'database', 'default'])
      .openapi({ description: 'Where it comes from. What stands before the database cannot be changed here.' }),
    place: z.string().optional().openapi({ description: 'Which flag or variable, or where in which file.' }),
    editable: z.boolean().openapi({ description: 'Whether it may be changed here at all.' }),
    effect: z.enum(['now', 'restart']).openapi({ description: 'When a change takes effect.' }),
  })
  .openapi('Setting')

const Settings = z.strictObject({ data: z.array(Setting) }).openapi('Settings')

const example = {
  data: [
    {
      key: 'timeouts.idle_ms',
      value: 60_000,
      help: 'how long between two pieces of the answer',
      source: 'database' as const,
      editable: true,
      effect: 'now' as const,
    },
  ],
}

const bodyOf = ({ key, value, help, source, place, editable, effect }: SettingView): z.output<typeof Setting> => ({
  key,
  value: value ?? null,
  help,
  source,
  ...(place !== undefined && { place }),
  editable,
  effect,
})

async function all({ settings, stores }: ApiDeps): Promise<Result<z.output<typeof Settings>>> {
  const { version } = await stores.settings.all()
  return { body: { data: settings.list().map(bodyOf) }, version }
}

export const getSettings = route({
  method: 'get',
  path: '/api/settings',
  scope: 'operator',
  operationId: 'getSettings',
  tag,
  summary: 'All settings, and where their values come from',
  answers: { 200: Settings },
  answerExample: example,
  handle: (_, deps) => all(deps),
})

export const changeSettings = route({
  method: 'patch',
  path: '/api/settings',
  scope: 'operator',
  operationId: 'changeSettings',
  tag,
  summary: 'Change settings',
  description:
    'By their keys, all of them or none. `null` takes away what was set here. What a flag, the environment or the file says stands before it, and is a conflict.',
  errors: ['conflict'],
  ifMatch: true,
  body: z.record(text(200), Value).openapi('SettingsChange'),
  bodyExample: { translation: 'strict', 'timeouts.idle_ms': 60_000, 'cancel.mode': null },
  answers: { 200: Settings },
  answerExample: example,
  async handle({ body, ifVersion }, deps) {
    const there = new Map(deps.settings.list().map((view) => [view.key, view]))
    const changes: Record<string, unknown> = {}
    for (const [key, value] of Object.entries(body)) {
      checkEditable(key, there)
      changes[key] = value === null || value === undefined ? null : checked(key, value, deps)
    }
    await deps.stores.settings.change(changes, ifVersion)
    await deps.changed()
    return all(deps)
  },
})

function checkEditable(key: string, there: ReadonlyMap<string, SettingView>): void {
  const view = there.get(key)
  if (!view) {
    const meant = nearest(
      key,
      [...there.values()].flatMap(({ key: name, editable }) => (editable ? [name] : [])),
    )
    const way = meant === undefined ? '' : `; perhaps ${JSON.stringify(meant)} was meant`
    throw wrongField(key.slice(0, 64), `is no setting${way}`)
  }
  if (!view.editable) {
    throw wrongField(key, 'cannot be changed here: set it in the configuration file, in the environment or with a flag')
  }
  if (view.source === 'database' || view.source === 'default') return
  throw new GatewayError(
    'conflict',
    `${key} is set by ${sources[view.source]}${view.place === undefined ? '' : ` (${view.place})`}, which stands before what is set here. Take it out there first.`,
    { param: key },
  )
}

const sources = { flag: 'a flag', environment: 'the environment', file: 'the configuration file' }

function checked(key: string, value: unknown, { settings }: ApiDeps): unknown {
  try {
    return settings.check(key, value)
  } catch (thrown) {
    throw badRequest([{ param: key, message: (thrown as Error).message }])
  }
}
