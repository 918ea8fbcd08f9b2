import type { ReasoningWish } from '../../core/chat.ts'
import type { Abilities } from '../dialect.ts'
import { invalid, kindOf } from '../request-body.ts'
import { type Fields, fieldsOf, isFields, numberOf, present, rowOf, stringOf, without } from '../values.ts'
import type { Dropped } from './dropped.ts'
import { dialectName, ownFields } from './wire.ts'

const thinkingFields = new Set(['type', 'budget_tokens', 'display'])
const modes: Readonly<Record<string, NonNullable<ReasoningWish['mode']>>> = {
  enabled: 'on',
  adaptive: 'adaptive',
  disabled: 'off',
}

/** What `thinking` and the effort say. A kind of thinking that we do not know is kept for Claude. */
export function decodeReasoning(thinking: unknown, effort: unknown): ReasoningWish | undefined {
  if (thinking !== undefined && thinking !== null && !isFields(thinking))
    throw invalid('thinking', `\`thinking\` must be an object, not ${kindOf(thinking)}.`)
  if (!thinking && typeof effort !== 'string') return undefined
  const written = fieldsOf(thinking)
  const mode = rowOf(modes, written.type)
  const fields = thinking && !mode ? { thinking } : without(written, thinkingFields)
  return present({
    effort: stringOf(effort),
    mode,
    budget: mode === 'on' ? numberOf(written.budget_tokens) : undefined,
    shown: mode && shownBy(written.display),
    extra: { dialect: dialectName, fields },
  })
}

const shownBy = (display: unknown): boolean | undefined =>
  display === 'summarized' ? true : display === 'omitted' ? false : undefined

/** Thinking as it is asked of Claude, and the effort, which it has apart. */
export interface Thinking {
  readonly thinking?: Fields
  readonly effort?: string
}

const least = 1024

/** Efforts of others in tokens: for models that know no effort. */
const budgets: Readonly<Record<string, number>> = {
  minimal: least,
  low: least,
  medium: 4096,
  high: 16_384,
  xhigh: 32_768,
  max: 32_768,
}

const budgetOf = (effort: string | undefined): number => rowOf(budgets, effort) ?? 4096

const efforts = new Set(['low', 'medium', 'high', 'xhigh', 'max'])

function effortOf({ effort, budget }: ReasoningWish): string | undefined {
  if (effort === 'minimal') return 'low'
  if (effort !== undefined) return efforts.has(effort) ? effort : undefined
  if (budget === undefined || budget <= 0) return undefined
  return budget < 4096 ? 'low' : budget < 16_384 ? 'medium' : 'high'
}

const isOff = ({ mode, effort, budget }: ReasoningWish): boolean =>
  mode === 'off' || (mode === undefined && (effort === 'none' || budget === 0))

export function encodeReasoning(wish: ReasoningWish | undefined, abilities: Abilities, dropped: Dropped): Thinking {
  if (!wish) return {}
  const { extra } = wish
  const isOwn = extra?.dialect === dialectName
  dropped.extra(extra)
  const fields = ownFields(extra)
  if (isFields(fields.thinking)) return { thinking: fields.thinking, ...(wish.effort && { effort: wish.effort }) }
  if (isOff(wish)) return encodeOff(wish, abilities, isOwn, dropped)
  if (isOwn && wish.mode === undefined) return effortOnly(wish, abilities, dropped)
  if (!isOwn && wish.effort !== undefined && wish.effort !== 'minimal' && !efforts.has(wish.effort))
    dropped.add('reasoning.effort')

  const display = displayOf(wish)
  switch (abilities.reasoning ?? (isOwn && wish.mode === 'on' && wish.budget !== undefined ? 'budget' : 'adaptive')) {
    case 'none':
      dropped.add('reasoning')
      return {}
    case 'effort':
      return withEffort(effortOf(wish))
    case 'budget': {
      const { budget } = wish
      const tokens = budget !== undefined && budget > 0 ? Math.max(budget, least) : budgetOf(wish.effort)
      // The effort is a setting of its own for who speaks this dialect; of others it became the budget.
      return {
        thinking: { type: 'enabled', budget_tokens: tokens, ...display, ...fields },
        ...(isOwn && withEffort(wish.effort)),
      }
    }
    case 'adaptive':
      return { thinking: { type: 'adaptive', ...display, ...fields }, ...withEffort(effortOf(wish)) }
  }
}

const withEffort = (effort: string | undefined): Thinking => (effort === undefined ? {} : { effort })

/** Whoever asks for a summary wants to see it; else the model's own habit stands. */
function displayOf({ shown, summary }: ReasoningWish): Fields {
  const isShown = shown ?? (summary === undefined ? undefined : true)
  return isShown === undefined ? {} : { display: isShown ? 'summarized' : 'omitted' }
}

/** Claude's effort is for all that it writes, whether it thinks or not. */
function effortOnly({ effort }: ReasoningWish, { reasoning }: Abilities, dropped: Dropped): Thinking {
  if (reasoning !== 'none') return withEffort(effort)
  dropped.add('reasoning')
  return {}
}

function encodeOff(wish: ReasoningWish, abilities: Abilities, isOwn: boolean, dropped: Dropped): Thinking {
  if (abilities.reasoning === 'none') return {}
  if (abilities.thinkingCanBeOff === false) {
    dropped.add('reasoning')
    return { effort: 'low' }
  }
  return { thinking: { type: 'disabled', ...ownFields(wish.extra) }, ...(isOwn && withEffort(wish.effort)) }
}
