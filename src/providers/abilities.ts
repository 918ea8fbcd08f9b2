import type { Abilities } from '../dialects/dialect.ts'
import { rules } from './ability-rules.ts'
import { headOf } from './head.ts'
import type { ConfiguredProvider } from './provider.ts'

/** What a target's model can take, and in which other dialect it has to be asked for what this one refuses. */
export interface ModelAbilities extends Abilities {
  /** The dialect that takes tools together with a wish to think, where this one refuses them. */
  readonly bridgesTools?: string
  /** The words for effort that it takes; any when absent. */
  readonly efforts?: readonly string[] | undefined
  /** False when it refuses tools. */
  readonly tools?: boolean
  /** True when it refuses a temperature and a top_p together. */
  readonly temperatureOrTopP?: boolean
}

/** For which targets a rule is. What it does not name may be any. */
export interface Rule {
  readonly providers?: readonly string[]
  /** All others than these. */
  readonly except?: readonly string[]
  /** True at the provider's built-in address only, false at every other. */
  readonly atHome?: boolean
  readonly dialects?: readonly string[]
  readonly models?: RegExp
  /** True for requests that turn thinking off. */
  readonly isOff?: boolean
  readonly can: ModelAbilities
}

/** How many targets are remembered; clients may make up names without end. */
const most = 2_000
const known = new Map<string, ModelAbilities>()

/** What stands later in the table stands before what stands earlier; settings that are refused add up. */
export function abilitiesFor(
  { name: own, like, atHome }: Pick<ConfiguredProvider, 'name' | 'like' | 'atHome'>,
  model: string,
  dialect: string,
  isOff = false,
): ModelAbilities {
  const name = like ?? own
  const head = headOf(model)
  const key = `${name} ${atHome} ${dialect} ${isOff} ${head}`
  const before = known.get(key)
  if (before) return before
  if (known.size >= most) known.clear()
  const found = merged({ name, atHome, dialect, isOff, model: head.toLowerCase() })
  known.set(key, found)
  return found
}

interface Asked {
  readonly name: string
  readonly atHome: boolean
  readonly dialect: string
  readonly isOff: boolean
  readonly model: string
}

function merged(asked: Asked): ModelAbilities {
  const found = rules.filter((rule) => applies(rule, asked)).map(({ can }) => can)
  const refuses = [...new Set(found.flatMap((can) => can.refuses ?? []))]
  return Object.assign({}, ...found, refuses.length > 0 && { refuses })
}

const applies = ({ providers, except, atHome, dialects, models, isOff }: Rule, asked: Asked): boolean =>
  (providers === undefined || providers.includes(asked.name)) &&
  !except?.includes(asked.name) &&
  (atHome === undefined || atHome === asked.atHome) &&
  (dialects === undefined || dialects.includes(asked.dialect)) &&
  (models === undefined || models.test(asked.model)) &&
  (isOff === undefined || isOff === asked.isOff)
