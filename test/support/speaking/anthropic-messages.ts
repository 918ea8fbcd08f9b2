import { type Block, type Body, ofAnthropic, ofCounting, type WireMessage } from './anthropic-messages-request.ts'
import type { Heard, Refusal, Reply } from './script.ts'
import { used } from './script.ts'
import type { Flaw } from './shape.ts'
import { bearerOf, checked, newId, newSeal, pieces, type Refused, refuse, sse, type Voice } from './voice.ts'

/** What has been said, so that it is known whether it comes back as it was: what was thought before each call. */
type Remembered = Map<string, readonly Block[]>

/** The model from which on there is no sampling, and thinking is adaptive only. */
const adaptiveOnly = (model: string): boolean => /^claude-(opus-4-[789]|(opus|sonnet|haiku)-[5-9])/.test(model)

export function anthropicMessages(): Voice {
  const thoughtOf: Remembered = new Map()
  return {
    wire: 'anthropic-messages',
    streamType: 'text/event-stream; charset=utf-8',
    address: (path) =>
      path === '/v1/messages' ? {} : path === '/v1/messages/count_tokens' ? { counts: true } : undefined,
    keyOf: (headers) => (headers['x-api-key'] as string | undefined) ?? bearerOf(headers),
    hear(body, _address, headers) {
      const version = headers['anthropic-version']
      if (version !== '2023-06-01' && version !== '2026-10-21') refuse('anthropic-version: header is required')
      return hear(body, version === '2026-10-21', thoughtOf)
    },
    whole: (heard, reply) => ({
      ...envelope(heard),
      content: contentOf(reply, thoughtOf),
      stop_reason: stopOf(reply),
      stop_sequence: null,
      stop_details: null,
      usage: { ...usageAtStart, output_tokens: outputOf(reply) },
    }),
    stream: (heard, reply) => stream(heard, reply, thoughtOf),
    refuse: refused,
    count(body) {
      checked(ofCounting, body, worded)
      return { input_tokens: used.uncached }
    },
  }
}

const worded = ({ path, kind, says }: Flaw): string =>
  kind === 'unknown'
    ? `${path}: Extra inputs are not permitted`
    : kind === 'missing'
      ? `${path}: Field required`
      : `${path}: it ${says}`

function hear(json: unknown, isNew: boolean, thoughtOf: Remembered): Heard {
  const body = checked<Body>(ofAnthropic, json, worded)
  const { messages, thinking, tool_choice, tools = [] } = body
  const thinks = thinking !== undefined && thinking.type !== 'disabled'
  ofModel(body, isNew, thinks)
  const turns = joined(messages)
  if (turns[0]?.role !== 'user') refuse('messages: first message must use the "user" role')
  answered(turns)
  for (const turn of turns) known(turn.blocks, thoughtOf)

  const spoken = turns.findLastIndex(
    ({ role, blocks }) => role === 'user' && blocks.some(({ type }) => type !== 'tool_result'),
  )
  const last = turns[spoken]?.blocks.filter(({ type }) => type !== 'tool_result') ?? []
  const since = turns.slice(spoken + 1)
  const calls = since.flatMap(({ blocks }) => blocks.filter(({ type }) => type === 'tool_use'))
  if (thinks) for (const { role, blocks } of since) if (role === 'assistant') beginsWithThoughts(blocks, thoughtOf)
  return {
    model: body.model,
    stream: body.stream ?? false,
    instructions:
      typeof body.system === 'string' ? body.system : (body.system ?? []).map(({ text }) => text).join('\n\n'),
    prompt: textsOf(last),
    images: last.flatMap(pictureIn),
    tools: tools.map(({ name, description, input_schema }) => ({
      name,
      ...(description !== undefined && { description }),
      schema: input_schema,
    })),
    ...(tool_choice?.name !== undefined && { forced: tool_choice.name }),
    ...(tool_choice?.type === 'any' && tools.length === 1 && { forced: tools[0]?.name ?? '' }),
    results: calls.map(({ id, name = '', input }) => ({
      name,
      args: input,
      output: outputIn(since.flatMap(({ blocks }) => blocks).find(({ tool_use_id }) => tool_use_id === id)),
    })),
    shown: since
      .flatMap(({ blocks }) => blocks)
      .flatMap(({ type, content }) => (type === 'tool_result' && typeof content !== 'string' ? (content ?? []) : []))
      .flatMap(pictureIn),
    ...(body.output_config?.format && { schema: body.output_config.format.schema }),
    thinks,
    seals: since.flatMap(({ blocks }) => blocks.filter(isThought)).length,
    limit: body.max_tokens,
    ...(body.temperature !== undefined && { temperature: body.temperature }),
    ...(body.stop_sequences && { stops: body.stop_sequences }),
  }
}

function ofModel(
  { model, thinking, temperature, top_p, top_k, max_tokens, messages, tool_choice }: Body,
  isNew: boolean,
  thinks: boolean,
): void {
  const samples = temperature !== undefined || top_p !== undefined || top_k !== undefined
  if (samples && (isNew || adaptiveOnly(model))) refuse('temperature: sampling parameters are not supported')
  if (temperature !== undefined && top_p !== undefined)
    refuse('`temperature` and `top_p` cannot both be specified for this model.')
  if (thinking?.type === 'enabled' && adaptiveOnly(model))
    refuse('thinking.type: "enabled" is not supported for this model.')
  if (thinking?.type === 'adaptive' && /-4-5/.test(model))
    refuse('thinking.type: adaptive thinking is not supported on this model')
  if (thinking?.budget_tokens !== undefined && thinking.budget_tokens >= max_tokens)
    refuse('`max_tokens` must be greater than `thinking.budget_tokens`.')
  if (thinks && temperature !== undefined && temperature !== 1)
    refuse('`temperature` may only be set to 1 when thinking is enabled.')
  if (thinks && top_k !== undefined) refuse('`top_k` must be unset when thinking is enabled.')
  if (thinks && tool_choice && !/^(auto|none)$/.test(tool_choice.type))
    refuse('Thinking may not be enabled when tool_choice forces tool use.')
  const last = messages.at(-1)
  if (last?.role === 'assistant' && (thinks || adaptiveOnly(model)))
    refuse('This model does not support assistant message prefill.')
}

interface Turn {
  readonly role: string
  readonly blocks: readonly Block[]
}

const isThought = ({ type }: Block): boolean => type === 'thinking' || type === 'redacted_thinking'

/** Anthropic joins what one side says in several messages. */
function joined(messages: readonly WireMessage[]): readonly Turn[] {
  const turns: { role: string; blocks: Block[] }[] = []
  for (const { role, content } of messages) {
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content
    const before = turns.at(-1)
    if (before?.role === role) before.blocks.push(...blocks)
    else turns.push({ role, blocks: [...blocks] })
  }
  return turns
}

/** The results of a turn's calls stand at the beginning of the next one, all of them, and nowhere else. */
function answered(turns: readonly Turn[]): void {
  for (const [index, { role, blocks }] of turns.entries()) {
    const before = turns[index - 1]?.blocks ?? []
    const calls = before.flatMap(({ type, id = '' }) => (type === 'tool_use' ? [id] : []))
    const results = blocks.flatMap(({ type, tool_use_id = '' }) => (type === 'tool_result' ? [tool_use_id] : []))
    const lost = calls.filter((id) => !results.includes(id))
    if (lost.length > 0)
      refuse(
        `messages.${index - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${lost.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
      )
    if (results.some((id) => !calls.includes(id)) || (role === 'assistant' && results.length > 0))
      refuse(`messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks`)
    if (new Set(results).size < results.length) refuse(`messages.${index}: each tool_use must have a single result`)
    if (blocks.slice(0, results.length).some(({ type }) => type !== 'tool_result'))
      refuse(`messages.${index}: \`tool_result\` blocks have to come first`)
  }
  if (turns.at(-1)?.blocks.some(({ type }) => type === 'tool_use'))
    refuse('`tool_use` ids were found without `tool_result` blocks')
}

/** Whatever is sent back as thought has to be what was thought. */
function known(blocks: readonly Block[], thoughtOf: Remembered): void {
  const said = [...thoughtOf.values()].flat()
  for (const block of blocks.filter(isThought)) {
    const isKnown = said.some(({ thinking, signature, data }) =>
      block.type === 'thinking' ? block.thinking === thinking && block.signature === signature : block.data === data,
    )
    if (!isKnown) refuse(`Invalid \`signature\` in \`${block.type}\` block`)
  }
}

function beginsWithThoughts(blocks: readonly Block[], thoughtOf: Remembered): void {
  const call = blocks.find(({ type }) => type === 'tool_use')
  if (!call) return
  if (!blocks[0] || !isThought(blocks[0]))
    refuse(
      `Expected \`thinking\` or \`redacted_thinking\`, but found \`${blocks[0]?.type}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block.`,
    )
  const then = thoughtOf.get(call.id ?? '')
  const now = blocks.filter(isThought)
  if (then && (then.length !== now.length || then.some(({ type }, index) => type !== now[index]?.type)))
    refuse('`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.')
}

const pictureIn = ({ source }: Block): Heard['images'] =>
  source?.type === 'base64' ? [{ mediaType: source.media_type, data: source.data }] : []

const textsOf = (blocks: readonly Block[]): string => blocks.map(({ text = '' }) => text).join('')
const outputIn = (block: Block | undefined): string =>
  typeof block?.content === 'string' ? block.content : textsOf(block?.content ?? [])

function contentOf({ thoughts, text, calls = [] }: Reply, thoughtOf: Remembered): Block[] {
  const thought: Block[] =
    thoughts === undefined
      ? []
      : [
          { type: 'thinking', thinking: thoughts, signature: newSeal('claude') },
          { type: 'redacted_thinking', data: newSeal('claude') },
        ]
  const uses = calls.map(({ name, args }) => ({
    type: 'tool_use',
    id: `toolu_01${newId(22)}`,
    name,
    input: args,
    caller: { type: 'direct' },
  }))
  for (const { id } of uses) thoughtOf.set(id, thought)
  if (uses.length === 0) thoughtOf.set(newId(), thought)
  return [...thought, ...(text === undefined ? [] : [{ type: 'text', text }]), ...uses]
}

const envelope = ({ model }: Heard): object => ({
  model: `${model}-20250929`,
  id: `msg_01${newId(22)}`,
  type: 'message',
  role: 'assistant',
})

const stopOf = ({ calls }: Reply): string => (calls ? 'tool_use' : 'end_turn')
const outputOf = ({ thoughts }: Reply): number => used.said + (thoughts === undefined ? 0 : used.thinking)

const usageAtStart = {
  input_tokens: used.uncached,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: used.cached,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  output_tokens: 1,
  service_tier: 'standard',
  inference_geo: 'not_available',
}

function stream(heard: Heard, reply: Reply, thoughtOf: Remembered): string[] {
  const event = (type: string, rest: object): string =>
    sse(`${JSON.stringify({ type, ...rest }).slice(0, -1)}      }`, type)
  const content = contentOf(reply, thoughtOf)
  const frames = content.flatMap((block, index) => {
    const { begun, deltas } = told(block)
    return [
      event('content_block_start', { index, content_block: begun }),
      ...(index === 0 ? [sse({ type: 'ping' }, 'ping')] : []),
      ...deltas.map((delta) => event('content_block_delta', { index, delta })),
      ...(reply.stops === 'hangs' ? [] : [event('content_block_stop', { index })]),
    ]
  })
  const message = { ...envelope(heard), content: [], stop_reason: null, stop_sequence: null, usage: usageAtStart }
  const begun = [event('message_start', { message }), ...frames]
  if (reply.stops === 'hangs') return begun
  if (reply.stops === 'breaks') return [...begun, sse(fault, 'error')]
  return [
    ...begun,
    event('message_delta', {
      delta: { stop_reason: stopOf(reply), stop_sequence: null, stop_details: null },
      usage: {
        input_tokens: used.uncached,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: used.cached,
        output_tokens: outputOf(reply),
      },
    }),
    event('message_stop', {}),
  ]
}

/** A block as it begins, and what is said of it then. */
function told(block: Block): { readonly begun: object; readonly deltas: readonly object[] } {
  switch (block.type) {
    case 'thinking':
      return {
        begun: { type: 'thinking', thinking: '', signature: '' },
        deltas: [
          ...pieces(block.thinking ?? '').map((thinking) => ({ type: 'thinking_delta', thinking })),
          { type: 'signature_delta', signature: block.signature },
        ],
      }
    case 'text':
      return {
        begun: { type: 'text', text: '' },
        deltas: pieces(block.text ?? '').map((text) => ({ type: 'text_delta', text })),
      }
    case 'tool_use': {
      const json = JSON.stringify(block.input)
      return {
        begun: { ...block, input: {} },
        deltas: ['', ...(json === '{}' ? [] : pieces(json))].map((partial_json) => ({
          type: 'input_json_delta',
          partial_json,
        })),
      }
    }
    default:
      return { begun: block, deltas: [] }
  }
}

const fault = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }

function refused({ kind, message }: Refusal): Refused {
  const request_id = `req_${newId()}`
  const error = (status: number, type: string, message: string, headers: Record<string, string> = {}): Refused => ({
    status,
    headers: { 'request-id': request_id, ...headers },
    body: { type: 'error', error: { type, message }, request_id },
  })
  switch (kind) {
    case 'invalid':
      return error(400, 'invalid_request_error', message)
    case 'key':
      return error(401, 'authentication_error', 'invalid x-api-key', { 'x-should-retry': 'false' })
    case 'busy':
      return error(429, 'rate_limit_error', 'This request would exceed your rate limit.', {
        'retry-after': '7',
        'anthropic-ratelimit-requests-remaining': '0',
      })
    case 'overloaded':
      return error(529, 'overloaded_error', 'Overloaded')
    case 'too-long':
      return error(400, 'invalid_request_error', 'prompt is too long: 3333404 tokens > 200000 maximum')
  }
}
