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
  /** True when Claude is made to think, which then cannot be made to call a tool. */
  readonly isOn: boolean
  /** What the model then refuses of sampling: all of it, or to have it changed. */
  readonly refusesSampling?: 'any' | 'changed'
  /** True when the model is asked for less than was wished. */
  readonly isLess?: true
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
      return isOff ? quiet(abilities, maxTokens) : claudeThinking(wish, abilities, maxTokens)
    case 'nova':
      if (isOff) return { ...unchanged, more: { reasoningConfig: { type: 'disabled' } } }
      return novaThinking(rowOf(threeEfforts, effort) ?? effort ?? 'medium', maxTokens)
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

/** With the highest effort Nova takes neither a limit nor sampling. A limit is a promise, and an effort only a wish. */
function novaThinking(effort: string, maxTokens: number | undefined): Thinking {
  const isLess = effort === 'high' && maxTokens !== undefined
  return {
    more: { reasoningConfig: { type: 'enabled', maxReasoningEffort: isLess ? 'medium' : effort } },
    maxTokens,
    isOn: false,
    ...(isLess && { isLess }),
    ...(effort === 'high' && !isLess && { refusesSampling: 'any' }),
  }
}

/** Claude without thoughts: models that think of themselves have to be told not to, others have never been asked. */
export const quiet = ({ reasoning, thinkingCanBeOff }: Abilities, maxTokens: number | undefined): Thinking => ({
  maxTokens,
  isOn: false,
  ...(reasoning === 'adaptive' && thinkingCanBeOff !== false && { more: { thinking: { type: 'disabled' } } }),
})

function claudeThinking(
  { effort, budget, mode, shown, extra }: ReasoningWish,
  { reasoning = mode === 'adaptive' ? 'adaptive' : 'budget', defaultMaxTokens }: Abilities,
  maxTokens: number | undefined,
): Thinking {
  const known = effort ?? effortOf(budget)
  const told = known === undefined ? {} : { effort: rowOf(claudeEfforts, known) ?? known }
  // In Anthropic's own words an effort is for all that is written, whether Claude thinks or not.
  const isEffortOnly = extra?.dialect === 'anthropic-messages' && mode === undefined && budget === undefined
  if (reasoning === 'effort' || isEffortOnly) return { ...told, maxTokens, isOn: false }
  if (reasoning !== 'budget') {
    return {
      ...told,
      more: {
        thinking: present({
          type: 'adaptive',
          display: shown === undefined ? undefined : shown ? 'summarized' : 'omitted',
        }),
      },
      maxTokens,
      isOn: true,
      refusesSampling: 'changed',
    }
  }
  const wished = Math.max(leastBudget, budget !== undefined && budget > 0 ? budget : (rowOf(budgets, effort) ?? 4096))
  return { ...withRoom(wished, maxTokens, defaultMaxTokens), isOn: true, refusesSampling: 'changed' }
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
