import { allowedId, nineLetters } from '../ids.ts'
import { type Fields, fieldsOf, isFields, listOf, textOf } from '../values.ts'

/** A message on the wire. */
export interface Turn {
  readonly role: 'user' | 'assistant' | 'system'
  readonly content: readonly Fields[]
  /** Fields of the message that are only ours. */
  readonly own?: Fields
}

/** What stands where the provider wants a word of the user and there is none. */
const opening = 'Continue.'
const documentWords = 'See the attached document.'

/** One message for all that one side says in a row, blocks beside blocks: roles have to alternate and begin with the user. */
export function alternating(turns: readonly Turn[]): Turn[] {
  const merged: { role: Turn['role']; content: Fields[]; own?: Fields }[] = []
  for (const { role, content, own } of turns) {
    if (content.length === 0) continue
    let last = merged.at(-1)
    if (last?.role !== role) {
      last = { role, content: [] }
      merged.push(last)
    }
    for (const block of content) last.content.push(block)
    if (own) last.own = { ...last.own, ...own }
  }
  const first = merged.find(({ role }) => role !== 'system')
  if (first?.role !== 'user') merged.unshift({ role: 'user', content: [{ text: opening }] })
  return merged
}

/**
 * Each call has its result in the user's next turn, before anything else there, under an id that is allowed and the only
 * one of its kind. A call that nobody answered gets an error for its result; what is the result of no call is told as
 * the user's words.
 */
export function paired(turns: readonly Turn[], form: 'nine' | undefined): Turn[] {
  const done: Turn[] = []
  const used = new Set<string>()
  let open = new Map<string, string[]>()
  for (const turn of afterResults(turns)) {
    if (turn.role === 'user') {
      done.push({ ...turn, content: answered(turn.content, open) })
      open = new Map()
      continue
    }
    if (open.size > 0) done.push({ role: 'user', content: answered([], open) })
    open = new Map()
    done.push(turn.role === 'assistant' ? { ...turn, content: called(turn.content, open, used, form) } : turn)
  }
  if (open.size > 0) done.push({ role: 'user', content: answered([], open) })
  return done
}

/** Instructions between calls and their results stand behind these. */
function afterResults(turns: readonly Turn[]): readonly Turn[] {
  const done = [...turns]
  for (let at = 1; at + 1 < done.length; at++) {
    const [before, turn, next] = [done[at - 1], done[at], done[at + 1]] as [Turn, Turn, Turn]
    const isBetween = turn.role === 'system' && next.role === 'user' && before.role === 'assistant'
    if (isBetween && next.content.some((block) => isFields(block.toolResult))) done.splice(at, 2, next, turn)
  }
  return done
}

/** Gives each call its id on the wire and notes it as waiting for a result. */
function called(
  content: readonly Fields[],
  open: Map<string, string[]>,
  used: Set<string>,
  form: 'nine' | undefined,
): readonly Fields[] {
  return content.map((block) => {
    const call = block.toolUse
    if (!isFields(call) || call.type === 'server_tool_use') return block
    const id = textOf(call.toolUseId)
    const toolUseId = unusedId(id === '' ? `call_${used.size}` : id, used, form)
    const waiting = open.get(id)
    if (waiting) waiting.push(toolUseId)
    else open.set(id, [toolUseId])
    return { toolUse: { ...call, toolUseId } }
  })
}

function unusedId(id: string, used: Set<string>, form: 'nine' | undefined): string {
  const allowed = (one: string): string => (form === 'nine' ? nineLetters(one) : allowedId(one, /^[a-zA-Z0-9_-]+$/, 64))
  let found = allowed(id)
  for (let count = 2; used.has(found); count++) found = allowed(`${id}_${count}`)
  used.add(found)
  return found
}

function answered(content: readonly Fields[], open: Map<string, string[]>): readonly Fields[] {
  const results: Fields[] = []
  const others: Fields[] = []
  let isAfterResult = false
  for (const block of content) {
    const result = block.toolResult
    if (isFields(result)) {
      const toolUseId = open.get(textOf(result.toolUseId))?.shift()
      isAfterResult = toolUseId !== undefined
      if (toolUseId !== undefined) results.push({ toolResult: { ...result, toolUseId } })
      else others.push(...words(result))
    } else if (isAfterResult && block.cachePoint !== undefined) {
      results.push(block)
      isAfterResult = false
    } else {
      others.push(block)
      isAfterResult = false
    }
  }
  for (const ids of open.values())
    for (const toolUseId of ids)
      results.push({ toolResult: { toolUseId, content: [{ text: 'The tool gave no result.' }], status: 'error' } })
  return [...results, ...others]
}

const words = ({ content }: Fields): readonly Fields[] => [
  { text: 'Result of an earlier call:' },
  ...listOf(content).flatMap((block) => {
    const text = block.json === undefined ? block.text : JSON.stringify(block.json)
    if (typeof text !== 'string') return [block]
    return text.trim() === '' ? [] : [{ text }]
  }),
]

/** A message with a document is refused when it has no words beside it. */
export function withWords(turn: Turn): Turn {
  const hasDocument = turn.content.some((block) => isFields(block.document))
  const hasWords = turn.content.some((block) => block.text !== undefined || isFields(block.guardContent))
  return hasDocument && !hasWords ? { ...turn, content: [...turn.content, { text: documentWords }] } : turn
}

/** Blanks at the end of an assistant's last words are refused where the model is to go on with them. */
export function withoutTrailingBlanks(turn: Turn): Turn {
  const last = turn.content.at(-1)
  if (turn.role !== 'assistant' || typeof last?.text !== 'string') return turn
  return { ...turn, content: [...turn.content.slice(0, -1), { text: last.text.trimEnd() }] }
}

export const hasTools = (turns: readonly Turn[]): boolean =>
  turns.some(({ content }) => content.some((block) => isFields(block.toolUse) || isFields(block.toolResult)))

/** Whether the model is in the middle of calling tools, in a turn that does not show the thoughts which led to it. */
export function lacksThoughts(turns: readonly Turn[]): boolean {
  for (const { role, content } of turns.toReversed()) {
    const isResult = content.some((block) => isFields(block.toolResult))
    if (role === 'user' && !isResult) return false
    if (role !== 'assistant') continue
    const calls = content.some((block) => isFields(block.toolUse) && fieldsOf(block.toolUse).type === undefined)
    if (calls && !isFields(content[0]?.reasoningContent)) return true
  }
  return false
}
