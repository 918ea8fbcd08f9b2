import type { ChatRequest, Format } from '../../core/chat.ts'
import type { Abilities, EncodedRequest } from '../dialect.ts'
import { type Fields, fieldsOf } from '../values.ts'
import { answerToolOf } from './answer-tool.ts'
import { limitMarks } from './cache-marks.ts'
import { Dropped } from './dropped.ts'
import { encodeReasoning, type Thinking } from './reasoning.ts'
import { strictSchema } from './schema.ts'
import { encodeSettings } from './settings.ts'
import { encodeToolChoice, encodeTools } from './tools.ts'
import { encodeTurns, lacksThoughts } from './turns.ts'
import { type Block, dialectName, ownFields } from './wire.ts'

/** What most models write at most, for clients that name no limit: Claude demands one. */
const usualMaxTokens = 8192

export function encodeRequest(request: ChatRequest, abilities: Abilities): EncodedRequest {
  const dropped = new Dropped()
  const isOwn = request.extra?.dialect === dialectName
  dropped.extra(request.extra)
  const {
    output_config: configRest,
    tool_choice: choiceRest,
    metadata,
    anthropic_beta,
    ...fields
  } = ownFields(request.extra)

  const { system, messages } = encodeTurns(request.messages, { abilities, dropped, isOwn })
  const answer = encodeFormat(request.format, abilities, isOwn, dropped)
  if (answer.instruction !== undefined) system.push({ type: 'text', text: answer.instruction })
  const tools = [...encodeTools(request, abilities, dropped), ...(answer.tool ? [answer.tool] : [])]
  const choice = tools.length > 0 ? choiceFor(request, answer, choiceRest) : undefined
  const wish = encodeReasoning(request.reasoning, abilities, dropped)
  const { thinking, effort } = settled(wish, choice, lacksThoughts(messages), isOwn, { abilities, dropped })
  const isThinking = thinking !== undefined && thinking.type !== 'disabled'
  const settings = encodeSettings(request, abilities, isThinking, dropped)
  const limits = limitsFor(request, thinking, abilities, isOwn)
  const config = {
    ...fieldsOf(configRest),
    ...(effort !== undefined && { effort }),
    ...(answer.format && { format: answer.format }),
  }
  const version = abilities.bodyVersion
  if (anthropic_beta !== undefined && version === undefined) dropped.add('anthropic_beta')
  return {
    body: {
      ...(version === undefined ? { model: request.model } : { anthropic_version: version }),
      ...(version !== undefined && anthropic_beta !== undefined && { anthropic_beta }),
      ...limits,
      ...(system.length > 0 && { system: systemOf(system) }),
      messages: isOwn ? messages : limitMarks([...tools, ...system], messages),
      ...(tools.length > 0 && { tools }),
      ...(choice && { tool_choice: choice }),
      ...(Object.keys(config).length > 0 && { output_config: config }),
      ...settings,
      ...(metadata !== undefined && { metadata: { ...fieldsOf(settings.metadata), ...fieldsOf(metadata) } }),
      ...(request.stream && streamsInBody(version) && { stream: true }),
      ...fields,
    },
    dropped: dropped.names(),
  }
}

/** On Bedrock the address alone says it; on Vertex, whose versions are named after it, both do. */
const streamsInBody = (version: string | undefined): boolean => version === undefined || version.startsWith('vertex')

/** One plain text is written as one, as nearly every client does. */
function systemOf(blocks: readonly Block[]): unknown {
  const [first, ...more] = blocks
  return more.length === 0 && first && Object.keys(first).length === 2 && first.type === 'text' ? first.text : blocks
}

interface EncodedFormat {
  readonly format?: Fields
  readonly tool?: Block
  readonly instruction?: string
}

/** How the answer is to look: Claude's own field, a tool that has to be called, or words. */
function encodeFormat(
  format: Format | undefined,
  abilities: Abilities,
  isOwn: boolean,
  dropped: Dropped,
): EncodedFormat {
  if (!format || format.kind === 'text') return {}
  if (format.kind === 'json') return { instruction: 'Answer with one JSON object and nothing else.' }
  const { schema, description } = format
  switch (abilities.schema ?? 'native') {
    case 'native':
      return { format: { type: 'json_schema', schema: isOwn ? schema : strictSchema(schema) } }
    case 'tool':
      return {
        tool: {
          ...answerToolOf(schema),
          description: ['Call this tool to give your answer.', description].filter(Boolean).join(' '),
        },
      }
    case 'none':
      dropped.add('format')
      return { instruction: `Answer with nothing but JSON that has this schema: ${JSON.stringify(schema)}` }
  }
}

/** A client that let Claude choose lets it choose between its tools and the answer; without tools there is only the answer. */
function choiceFor(request: ChatRequest, { tool }: EncodedFormat, rest: unknown): Block | undefined {
  const { toolChoice } = request
  if (!tool) return encodeToolChoice(request, rest)
  const isAlone = request.tools.length === 0 || toolChoice?.mode === 'none'
  if (isAlone) return { type: 'tool', name: tool.name }
  return encodeToolChoice({ ...request, toolChoice: { ...toolChoice, mode: 'required' } }, rest)
}

/**
 * With a budget, Claude neither thinks while it has to call a tool, nor in a turn that has called tools and whose thoughts
 * are missing. Where it thinks as it likes, a client of its own knows which turns began with thoughts; of others we do not.
 */
function settled(
  { thinking, effort }: Thinking,
  choice: Block | undefined,
  lacks: boolean,
  isOwn: boolean,
  { abilities, dropped }: { readonly abilities: Abilities; readonly dropped: Dropped },
): Thinking {
  const isForced = choice?.type === 'any' || choice?.type === 'tool'
  const told = effort === undefined ? {} : { effort }
  const isRefused =
    thinking?.type === 'enabled'
      ? isForced || lacks
      : thinking?.type === 'adaptive' && lacks && !isOwn && abilities.thinkingCanBeOff !== false
  if (!isRefused) return { ...(thinking && { thinking }), ...told }
  dropped.add('reasoning')
  return { thinking: { type: 'disabled' }, ...told }
}

/** The limit has to leave room for the thoughts; a client that counts in Claude's own way has already seen to it. */
function limitsFor(
  { settings }: ChatRequest,
  thinking: Fields | undefined,
  { defaultMaxTokens }: Abilities,
  isOwn: boolean,
): Fields {
  const maxTokens = settings.maxTokens ?? defaultMaxTokens ?? usualMaxTokens
  const told = thinking ? { thinking } : {}
  const budget = thinking?.budget_tokens
  if (typeof budget !== 'number' || budget < maxTokens || (isOwn && settings.maxTokens !== undefined))
    return { max_tokens: maxTokens, ...told }
  const sum = budget + maxTokens
  if (defaultMaxTokens === undefined || sum <= defaultMaxTokens) return { max_tokens: sum, ...told }
  if (budget < defaultMaxTokens) return { max_tokens: defaultMaxTokens, ...told }
  return {
    max_tokens: defaultMaxTokens,
    thinking: { ...thinking, budget_tokens: Math.max(1024, Math.floor(defaultMaxTokens / 2)) },
  }
}
