import { refused } from './openai-chat.ts'
import { type Body, type Item, ofResponses, type Part } from './openai-responses-request.ts'
import { type Heard, Refusal, type Reply, used } from './script.ts'
import {
  bearerOf,
  checked,
  newId,
  newSeal,
  parsed,
  pictureOf,
  pieces,
  type Refused,
  refuse,
  sse,
  type Voice,
} from './voice.ts'

/** What the vendor keeps: items and answers by their ids, and what was thought before a call. */
interface Kept {
  readonly items: Map<string, Item>
  readonly answers: Map<string, KeptAnswer>
  readonly thoughtOf: Map<string, Item>
}

interface KeptAnswer {
  readonly input: readonly Item[]
  readonly response: Answer['whole']
}

export function openAiResponses(): Voice {
  const kept: Kept = { items: new Map(), answers: new Map(), thoughtOf: new Map() }
  const asked = new WeakMap<Heard, { readonly body: Body; readonly input: readonly Item[] }>()
  const answer = (heard: Heard, reply: Reply): Answer => {
    const { body, input } = asked.get(heard) ?? { body: {} as Body, input: [] }
    const encrypts = body.include?.includes('reasoning.encrypted_content') ?? false
    const output = outputOf(reply, encrypts)
    const id = `resp_${newId(48)}`
    const begun = envelopeOf(heard, body, id)
    const whole = { ...begun, status: 'completed', completed_at: 1_790_000_001, output, usage: usageOf(reply) }
    if (body.store !== false) {
      for (const item of output) kept.items.set(item.id ?? '', item)
      kept.answers.set(id, { input, response: whole })
    }
    const thought = output.find(({ type }) => type === 'reasoning')
    if (thought) for (const { call_id } of output) if (call_id !== undefined) kept.thoughtOf.set(call_id, thought)
    return { begun, whole }
  }
  return {
    wire: 'openai-responses',
    streamType: 'text/event-stream; charset=utf-8',
    address: (path) => (path === '/v1/responses' ? {} : undefined),
    keyOf: bearerOf,
    hear(json) {
      const { body, input, heard } = hear(json, kept)
      asked.set(heard, { body, input })
      return heard
    },
    whole: (heard, reply) => answer(heard, reply).whole,
    stream: (heard, reply) => stream(answer(heard, reply), reply),
    refuse: refused,
    kept: (method, path) => keptAt(method, path, kept.answers),
  }
}

interface Answer {
  readonly begun: object
  readonly whole: object & { readonly output: readonly Item[] }
}

/** An answer, or what led to it, for who asks by its id. */
function keptAt(method: string, path: string, answers: Map<string, KeptAnswer>): Refused | undefined {
  const [, id = '', rest] = /^\/v1\/responses\/(\w+)(?:\/(\w+))?$/.exec(path) ?? []
  if (id === '') return undefined
  const answer = answers.get(id)
  if (!answer) return { ...refused(new Refusal('invalid', `Response with id '${id}' not found.`)), status: 404 }
  if (rest === 'cancel') return refused(new Refusal('invalid', 'Only background responses can be cancelled.'))
  if (rest === 'input_items')
    return { status: 200, body: { object: 'list', data: answer.input.toReversed(), has_more: false } }
  if (method === 'DELETE') answers.delete(id)
  return { status: 200, body: method === 'DELETE' ? { id, object: 'response', deleted: true } : answer.response }
}

function hear(json: unknown, kept: Kept): { body: Body; input: readonly Item[]; heard: Heard } {
  const body = checked<Body>(ofResponses, json, ({ path, kind, says }) =>
    kind === 'unknown'
      ? `Unknown parameter: '${path}'.`
      : kind === 'missing'
        ? `Missing required parameter: '${path}'.`
        : `Invalid value for '${path}': it ${says}.`,
  )
  if (/^(gpt-[5-9]|o\d)/.test(body.model) && typeof body.temperature === 'number' && body.temperature !== 1)
    refuse("Unsupported parameter: 'temperature' is not supported with this model.", 'temperature')
  const input = [
    ...before(body, kept),
    ...(typeof body.input === 'string' ? [said('user', body.input)] : body.input),
  ].map((item) => (item.type === 'item_reference' ? referred(item, kept) : item))
  followed(input)
  answered(input)
  const spoken = input.findLastIndex(({ role }) => role === 'user')
  const last = input[spoken]
  const since = input.slice(spoken + 1)
  const calls = since.filter(({ type }) => type === 'function_call')
  for (const { call_id = '' } of calls) thoughtComesBack(call_id, since, kept)
  const { tools = [], tool_choice } = body
  const heard: Heard = {
    model: body.model,
    stream: body.stream ?? false,
    instructions: [
      ...(body.instructions ? [body.instructions] : []),
      ...input.filter(({ role }) => role === 'system' || role === 'developer').map(({ content }) => textOf(content)),
    ].join('\n\n'),
    prompt: textOf(last?.content),
    images: picturesIn(last?.content),
    tools: tools.map(({ name, description, parameters }) => ({
      name,
      ...(description && { description }),
      schema: parameters,
    })),
    ...(typeof tool_choice === 'object' && { forced: tool_choice.name }),
    ...(tool_choice === 'required' && tools.length === 1 && { forced: tools[0]?.name ?? '' }),
    results: calls.map(({ call_id, name = '', arguments: args = '' }) => ({
      name,
      args: parsed(args, 'input.arguments'),
      output: textOf(since.find((item) => item.type === 'function_call_output' && item.call_id === call_id)?.output),
    })),
    shown: since.flatMap(({ output }) => picturesIn(output)),
    ...(body.text?.format?.type === 'json_schema' && { schema: body.text.format.schema }),
    // How much is the model's own affair where nobody says it.
    thinks: Boolean(body.reasoning && body.reasoning.effort !== 'none'),
    seals: since.filter(({ type }) => type === 'reasoning').length,
    ...(typeof body.max_output_tokens === 'number' && { limit: body.max_output_tokens }),
    ...(typeof body.temperature === 'number' && { temperature: body.temperature }),
  }
  return { body, input, heard }
}

const said = (role: string, content: string): Item => ({ type: 'message', role, content })

function before({ previous_response_id }: Body, kept: Kept): readonly Item[] {
  if (!previous_response_id) return []
  const answer = kept.answers.get(previous_response_id)
  return answer
    ? [...answer.input, ...answer.response.output]
    : refuse(`Previous response with id '${previous_response_id}' not found.`, 'previous_response_id')
}

const referred = ({ id = '' }: Item, kept: Kept): Item =>
  kept.items.get(id) ??
  refuse(`Item with id '${id}' not found. Items are not persisted when \`store\` is set to false.`, 'input')

/** A thought stands directly before what it led to. */
function followed(input: readonly Item[]): void {
  for (const [index, { type, id }] of input.entries()) {
    const next = input[index + 1]
    const follows = next?.type === 'function_call' || next?.type === 'reasoning' || next?.role === 'assistant'
    if (type === 'reasoning' && !follows)
      refuse(`Item '${id}' of type 'reasoning' was provided without its required following item.`, 'input')
  }
}

function answered(input: readonly Item[]): void {
  const ids = (type: string): string[] => input.filter((item) => item.type === type).map(({ call_id = '' }) => call_id)
  const calls = ids('function_call')
  const results = ids('function_call_output')
  for (const id of calls) if (!results.includes(id)) refuse(`No tool output found for function call ${id}.`, 'input')
  for (const id of results)
    if (!calls.includes(id)) refuse(`No tool call found for function call output with call_id ${id}.`, 'input')
  if (new Set(calls).size < calls.length) refuse('Duplicate call_id.', 'input')
}

/** What was thought before a call has to come back with it, readable to us: by its content, or because we have kept it. */
function thoughtComesBack(callId: string, since: readonly Item[], kept: Kept): void {
  const thought = kept.thoughtOf.get(callId)
  if (!thought) return
  const back = since.find(({ type, id }) => type === 'reasoning' && id === thought.id)
  const isReadable = kept.items.has(thought.id ?? '') || back?.encrypted_content === thought.encrypted_content
  if (!back || !isReadable)
    refuse(
      `Item of type 'function_call' with call_id '${callId}' was provided without its required 'reasoning' item: '${thought.id}'.`,
      'input',
    )
}

const picturesIn = (content: string | readonly Part[] | undefined): Heard['images'] =>
  (typeof content === 'string' ? [] : (content ?? [])).flatMap(({ image_url }) => pictureOf(image_url ?? '') ?? [])

const textOf = (content: string | readonly Part[] | undefined): string =>
  typeof content === 'string' ? content : (content ?? []).map(({ text = '' }) => text).join('')

function outputOf({ thoughts, text, calls = [] }: Reply, encrypts: boolean): readonly Item[] {
  return [
    ...(thoughts === undefined
      ? []
      : [
          {
            id: `rs_${newId(48)}`,
            type: 'reasoning',
            ...(encrypts && { encrypted_content: newSeal('gpt') }),
            summary: [{ type: 'summary_text', text: thoughts }],
          },
        ]),
    ...(text === undefined
      ? []
      : [
          {
            id: `msg_${newId(48)}`,
            type: 'message',
            status: 'completed',
            content: [{ type: 'output_text', annotations: [], logprobs: [], text }],
            role: 'assistant',
          },
        ]),
    ...calls.map(({ name, args }) => ({
      id: `fc_${newId(48)}`,
      type: 'function_call',
      status: 'completed',
      arguments: JSON.stringify(args),
      call_id: `call_${newId()}`,
      name,
    })),
  ]
}

const usageOf = ({ thoughts }: Reply): object => {
  const reasoning_tokens = thoughts === undefined ? 0 : used.thinking
  const input_tokens = used.uncached + used.cached
  const output_tokens = used.said + reasoning_tokens
  return {
    input_tokens,
    input_tokens_details: { cached_tokens: used.cached },
    output_tokens,
    output_tokens_details: { reasoning_tokens },
    total_tokens: input_tokens + output_tokens,
  }
}

const envelopeOf = ({ model }: Heard, body: Body, id: string): object => ({
  id,
  object: 'response',
  created_at: 1_790_000_000,
  status: 'in_progress',
  background: false,
  completed_at: null,
  error: null,
  frequency_penalty: 0,
  incomplete_details: null,
  instructions: body.instructions ?? null,
  max_output_tokens: body.max_output_tokens ?? null,
  max_tool_calls: null,
  model,
  output: [],
  parallel_tool_calls: true,
  presence_penalty: 0,
  previous_response_id: body.previous_response_id ?? null,
  prompt_cache_key: null,
  reasoning: { effort: body.reasoning?.effort ?? null, summary: body.reasoning?.summary ?? null },
  safety_identifier: null,
  service_tier: 'default',
  store: body.store ?? true,
  temperature: 1,
  text: { format: { type: 'text' }, verbosity: 'medium', ...body.text },
  tool_choice: body.tool_choice ?? 'auto',
  tools: body.tools ?? [],
  top_logprobs: 0,
  top_p: 1,
  truncation: 'disabled',
  usage: null,
  user: null,
  metadata: {},
})

function stream({ begun, whole }: Answer, { stops }: Reply): string[] {
  const frames: string[] = []
  const event = (type: string, rest: object): void => {
    frames.push(sse({ type, ...rest, sequence_number: frames.length }, type))
  }
  event('response.created', { response: begun })
  event('response.in_progress', { response: begun })
  for (const [output_index, item] of whole.output.entries()) tell(item, output_index, event, stops === 'hangs')
  if (stops === 'hangs') return frames
  if (stops === 'breaks') {
    const error = { code: 'server_error', message: 'The server had an error while processing your request.' }
    event('error', { ...error, param: null })
    event('response.failed', { response: { ...begun, status: 'failed', error, output: [] } })
    return frames
  }
  event('response.completed', { response: whole })
  return frames
}

type Event = (type: string, rest: object) => void

function tell(item: Item, output_index: number, event: Event, hangs: boolean): void {
  const at = { item_id: item.id, output_index }
  const added = (begun: object): void =>
    event('response.output_item.added', { output_index, item: { ...item, ...begun } })
  if (item.type === 'reasoning') {
    const text = item.summary?.[0]?.text ?? ''
    const inPart = { ...at, summary_index: 0 }
    added({ summary: [], ...(item.encrypted_content && { encrypted_content: newSeal('gpt') }) })
    event('response.reasoning_summary_part.added', { ...inPart, part: { type: 'summary_text', text: '' } })
    for (const delta of pieces(text))
      event('response.reasoning_summary_text.delta', { ...inPart, delta, obfuscation: newId(5) })
    event('response.reasoning_summary_text.done', { ...inPart, text })
    event('response.reasoning_summary_part.done', { ...inPart, part: { type: 'summary_text', text } })
  }
  if (item.type === 'message') {
    const part = (item.content as readonly Part[])[0]
    const inPart = { ...at, content_index: 0 }
    added({ status: 'in_progress', content: [] })
    event('response.content_part.added', { ...inPart, part: { ...part, text: '' } })
    for (const delta of pieces(part?.text ?? ''))
      event('response.output_text.delta', { ...inPart, delta, logprobs: [], obfuscation: newId(5) })
    if (hangs) return
    event('response.output_text.done', { ...inPart, text: part?.text, logprobs: [] })
    event('response.content_part.done', { ...inPart, part })
  }
  if (item.type === 'function_call') {
    added({ status: 'in_progress', arguments: '' })
    for (const delta of pieces(item.arguments ?? ''))
      event('response.function_call_arguments.delta', { ...at, delta, obfuscation: newId(5) })
    event('response.function_call_arguments.done', { ...at, arguments: item.arguments })
  }
  event('response.output_item.done', { output_index, item })
}
