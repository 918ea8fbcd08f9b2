import type { ReasoningWish } from '../../core/chat.ts'
import type { Abilities } from '../dialect.ts'
import { type Fields, present, rowOf } from '../values.ts'
import type { Family } from './families.ts'

/** How a wish to think is told to a model. */
export interface Thinking {
  readonly more?: Fields
  /** `outputConfig.effort`. */
  readonly effort?: string
  /** With room for the thoughts, which count as output. */
  readonly maxTokens?: number | undefined
  /** True when the model is made to think, so that Claude takes neither sampling nor a forced tool. */
  readonly isOn: boolean
}

const leastBudget = 1024
const budgets: Readonly<Record<string, number>> = {
  minimal: 1024,
  low: 1024,
  medium: 4096,
  high: 16384,
  xhigh: 32768,
  max: 32768,
}

/** The efforts that Bedrock itself knows, and those of Amazon's and OpenAI's models. */
const claudeEfforts: Readonly<Record<string, string>> = { minimal: 'low' }
const threeEfforts: Readonly<Record<string, string>> = { minimal: 'low', xhigh: 'high', max: 'high' }

/** `undefined` when the model has no way to take the wish. */
export function thinkingOf(
  wish: ReasoningWish,
  family: Family,
  abilities: Abilities,
  maxTokens: number | undefined,
): Thinking | undefined {
  const isOff = wish.mode === 'off' || wish.effort === 'none' || wish.budget === 0
  const unchanged: Thinking = { maxTokens, isOn: false }
  if (abilities.reasoning === 'none') return isOff ? unchanged : undefined
  if (isOff && abilities.thinkingCanBeOff === false) return undefined
  const effort = wish.effort ?? effortOf(wish.budget)
  switch (family.thinking) {
    case 'claude':
      return isOff ? { ...unchanged, ...quiet(abilities) } : claudeThinking(wish, abilities, maxTokens)
    case 'nova':
      if (isOff) return { ...unchanged, more: { reasoningConfig: { type: 'disabled' } } }
      return {
        ...unchanged,
        more: {
          reasoningConfig: { type: 'enabled', maxReasoningEffort: rowOf(threeEfforts, effort) ?? effort ?? 'medium' },
        },
      }
    case 'effort':
      if (isOff) return undefined
      return effort === undefined
        ? unchanged
        : { ...unchanged, more: { reasoning_effort: rowOf(threeEfforts, effort) ?? effort } }
    default:
      if (isOff) return unchanged
      return abilities.reasoning === 'effort' && effort !== undefined ? { ...unchanged, effort } : undefined
  }
}

/** Models that think of themselves have to be told not to; others have never been asked. */
const quiet = ({ reasoning }: Abilities): Fields =>
  reasoning === 'adaptive' ? { more: { thinking: { type: 'disabled' } } } : {}

function claudeThinking(
  { effort, budget, mode, shown }: ReasoningWish,
  { reasoning = mode === 'adaptive' ? 'adaptive' : 'budget', defaultMaxTokens }: Abilities,
  maxTokens: number | undefined,
): Thinking {
  if (reasoning !== 'budget') {
    const known = effort ?? effortOf(budget)
    return {
      ...(known !== undefined && { effort: rowOf(claudeEfforts, known) ?? known }),
      ...(reasoning === 'adaptive' && {
        more: {
          thinking: present({
            type: 'adaptive',
            display: shown === undefined ? undefined : shown ? 'summarized' : 'omitted',
          }),
        },
      }),
      maxTokens,
      isOn: true,
    }
  }
  const wished = Math.max(leastBudget, budget !== undefined && budget > 0 ? budget : (rowOf(budgets, effort) ?? 4096))
  return { ...withRoom(wished, maxTokens, defaultMaxTokens), isOn: true }
}

/** Thoughts have to leave room for an answer: a longer answer in all, up to what the model can write, else fewer thoughts. */
function withRoom(
  wished: number,
  maxTokens: number | undefined,
  most = Number.POSITIVE_INFINITY,
): Omit<Thinking, 'isOn'> {
  const budget = wished < most ? wished : Math.max(leastBudget, Math.floor(most / 2))
  const limit = maxTokens === undefined || budget < maxTokens ? maxTokens : Math.min(budget + maxTokens, most)
  return { more: { thinking: { type: 'enabled', budget_tokens: budget } }, maxTokens: limit }
}

const effortOf = (budget: number | undefined): string | undefined =>
  budget === undefined || budget <= 0 ? undefined : budget <= 2048 ? 'low' : budget <= 8192 ? 'medium' : 'high'
