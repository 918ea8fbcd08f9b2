import { type ChatRequest, efforts, type Message } from '../core/chat.ts'
import type { ModelAbilities } from './abilities.ts'

export interface Fitted {
  readonly request: ChatRequest
  /** What the model does not take and nothing can stand for. */
  readonly dropped: readonly string[]
}

/** The request as the target's model takes it, in whichever dialect it is written then. Unchanged it is the same object. */
export function fitted(request: ChatRequest, can: ModelAbilities): Fitted {
  const dropped: string[] = []
  let fit = request
  if (can.tools === false && fit.tools.length > 0) {
    const { toolChoice: _choice, parallelToolCalls: _parallel, ...rest } = fit
    fit = { ...rest, tools: [] }
    dropped.push('tools')
  }
  if (can.temperatureOrTopP && fit.settings.temperature !== undefined && fit.settings.topP !== undefined) {
    const { topP: _topP, ...settings } = fit.settings
    fit = { ...fit, settings }
    dropped.push('topP')
  }
  if (can.instructionsField === false && fit.messages.some(isInstruction)) {
    fit = { ...fit, messages: fit.messages.map((message) => (isInstruction(message) ? asUser(message) : message)) }
  }
  const effort = fit.reasoning?.effort
  const nearest = effort === undefined ? undefined : effortFor(effort, can)
  if (nearest !== effort && nearest !== undefined) {
    fit = { ...fit, reasoning: { ...fit.reasoning, effort: nearest } }
  }
  return { request: fit, dropped }
}

const isInstruction = ({ role }: Message): boolean => role === 'system' || role === 'developer'

const asUser = (message: Message): Message => ({ ...message, role: 'user' })

const ranks: ReadonlyMap<string, number> = new Map(efforts.map((word, rank) => [word, rank]))
const rankOf = (word: string): number => ranks.get(word) ?? -1

/**
 * The model's own word for an effort that it has no word for: the next lower one, else its lowest. A wish not to think at
 * all becomes the lowest only where thinking cannot be turned off.
 */
function effortFor(effort: string, { efforts: words, thinkingCanBeOff }: ModelAbilities): string {
  const rank = rankOf(effort)
  if (!words || words.includes(effort) || rank < 0) return effort
  if (effort === 'none' && thinkingCanBeOff !== false) return effort
  const thinking = words.filter((word) => word !== 'none')
  const lower = thinking.filter((word) => rankOf(word) >= 0 && rankOf(word) < rank)
  return lower.at(-1) ?? thinking[0] ?? effort
}
