import { type Body, ofDeepSeek, ofOpenAi, type WireCall, type WireMessage } from './openai-chat-request.ts'
import type { Heard, Refusal, Reply, Result } from './script.ts'
import { used } from './script.ts'
import { bearerOf, checked, newId, parsed, pictureOf, pieces, type Refused, refuse, sse, type Voice } from './voice.ts'

/** OpenAI's chat completions; with a model of DeepSeek's, that host's. */
export function openAiChat(): Voice {
  return {
    wire: 'openai-chat',
    streamType: 'text/event-stream; charset=utf-8',
    address: (path) => (path === '/v1/chat/completions' ? {} : undefined),
    keyOf: bearerOf,
    hear,
    whole: (heard, reply) => ({
      id: `chatcmpl-${newId()}`,
      object: 'chat.completion',
      created: 1_790_000_000,
      model: heard.model,
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: reply.text ?? null,
            ...(reply.thoughts !== undefined && { reasoning_content: reply.thoughts }),
            ...(reply.calls && {
              tool_calls: reply.calls.map(({ name, args }) => wireCall(name, JSON.stringify(args))),
            }),
            refusal: null,
            annotations: [],
          },
          logprobs: null,
          finish_reason: finishOf(reply),
        },
      ],
      usage: usageOf(reply),
      service_tier: 'default',
      system_fingerprint: 'fp_50cad350e4',
    }),
    stream,
    refuse: refused,
  }
}

function hear(json: unknown): Heard {
  const isDeepSeek = String((json as Partial<Body> | undefined)?.model).startsWith('deepseek')
  const body = checked<Body>(isDeepSeek ? ofDeepSeek : ofOpenAi, json, ({ path, kind, says }) =>
    kind === 'unknown'
      ? `Unrecognized request argument supplied: ${path}`
      : kind === 'missing'
        ? `Missing required parameter: '${path}'.`
        : `Invalid value for '${path}': it ${says}.`,
  )
  const { messages, tools = [], tool_choice } = body
  if (body.stream_options && !body.stream)
    refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.")
  if (tools.length === 0 && tool_choice)
    refuse("'tool_choice' is only allowed when 'tools' are specified.", 'tool_choice')
  if (tools.length === 0 && body.parallel_tool_calls !== undefined)
    refuse("'parallel_tool_calls' is only allowed when 'tools' are specified.", 'parallel_tool_calls')
  if (body.max_tokens !== undefined && body.max_completion_tokens !== undefined)
    refuse("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
  if (/^(gpt-[5-9]|o\d)/.test(body.model)) ofReasoningModel(body)
  answered(messages)

  const spoken = messages.findLastIndex(({ role }, index) => role === 'user' && !isShown(messages, index))
  const since = messages.slice(spoken + 1)
  const withCalls = since.filter(({ tool_calls }) => tool_calls)
  const thinks = body.thinking?.type === 'enabled' || body.model === 'deepseek-reasoner'
  const seals = withCalls.filter(({ reasoning_content }) => reasoning_content !== undefined)
  if (thinks && seals.length < withCalls.length)
    refuse('The `reasoning_content` in the thinking mode must be passed back to the API.')
  const last = messages[spoken]
  const only = tool_choice === 'required' && tools.length === 1 ? tools[0]?.function.name : undefined
  const wanted = typeof tool_choice === 'object' ? tool_choice.function.name : only
  return {
    model: body.model,
    stream: body.stream ?? false,
    instructions: messages
      .filter(({ role }) => role === 'system' || role === 'developer')
      .map(textOf)
      .join('\n\n'),
    prompt: last ? textOf(last) : '',
    images: last ? imagesOf(last) : [],
    tools: tools.map(({ function: { name, description, parameters } }) => ({
      name,
      ...(description !== undefined && { description }),
      schema: parameters,
    })),
    ...(wanted !== undefined && { forced: wanted }),
    results: withCalls.flatMap(({ tool_calls = [] }) => tool_calls.map((call) => resultOf(call, since))),
    shown: since.filter(({ role }) => role === 'user').flatMap(imagesOf),
    ...(body.response_format?.json_schema && { schema: body.response_format.json_schema.schema }),
    thinks,
    seals: seals.length,
    asksUsage: body.stream_options?.include_usage ?? false,
    ...limitsOf(body),
  }
}

/** What reasoning models have retired. */
function ofReasoningModel({ max_tokens, temperature, stop, reasoning_effort, tools, model }: Body): void {
  if (max_tokens !== undefined)
    refuse(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      'max_tokens',
    )
  if (temperature !== undefined && temperature !== 1)
    refuse("Unsupported value: 'temperature' does not support other values than 1 with this model.", 'temperature')
  if (stop !== undefined) refuse("Unsupported parameter: 'stop' is not supported with this model.", 'stop')
  if (tools && reasoning_effort !== undefined && reasoning_effort !== 'none')
    refuse(
      `Function tools with reasoning_effort are not supported for ${model} in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.`,
      'reasoning_effort',
    )
}

/** Every call is answered before anything else is said, and every result has its call. */
function answered(messages: readonly WireMessage[]): void {
  let open: string[] = []
  for (const [index, { role, tool_calls = [], tool_call_id = '' }] of messages.entries()) {
    if (role === 'tool') {
      if (!open.includes(tool_call_id))
        refuse(
          "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
          `messages[${index}].role`,
        )
      open = open.filter((id) => id !== tool_call_id)
      continue
    }
    if (open.length > 0)
      refuse(
        `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${open.join(', ')}`,
        `messages[${index}].role`,
      )
    open = tool_calls.map(({ id }) => id)
    if (new Set(open).size < open.length) refuse('Duplicate tool_call ids.', `messages[${index}].tool_calls`)
  }
  if (open.length > 0) refuse("An assistant message with 'tool_calls' must be followed by tool messages.")
}

const limitsOf = ({ max_tokens, max_completion_tokens, temperature, stop }: Body): Partial<Heard> => {
  const limit = max_tokens ?? max_completion_tokens
  return {
    ...(limit !== undefined && { limit }),
    ...(temperature !== undefined && { temperature }),
    ...(stop !== undefined && { stops: typeof stop === 'string' ? [stop] : stop }),
  }
}

const textOf = ({ content }: WireMessage): string =>
  typeof content === 'string' ? content : (content ?? []).map(({ text = '' }) => text).join('')

/** A result has no place for a picture: it comes behind the results, in words of the user's. */
const isShown = (messages: readonly WireMessage[], index: number): boolean =>
  messages[index - 1]?.role === 'tool' && imagesOf(messages[index] as WireMessage).length > 0

const imagesOf = ({ content }: WireMessage): Heard['images'] =>
  (typeof content === 'string' ? [] : (content ?? [])).flatMap(
    ({ image_url }) => (image_url && pictureOf(image_url.url)) ?? [],
  )

function resultOf({ id, function: { name, arguments: args } }: WireCall, since: readonly WireMessage[]): Result {
  const result = since.find(({ tool_call_id }) => tool_call_id === id)
  return { name, args: parsed(args, 'messages.tool_calls.arguments'), output: result ? textOf(result) : '' }
}

const wireCall = (name: string, args: string): object => ({
  id: `call_${newId()}`,
  type: 'function',
  function: { name, arguments: args },
})

const finishOf = ({ calls }: Reply): string => (calls ? 'tool_calls' : 'stop')

function usageOf({ thoughts }: Reply): object {
  const reasoning_tokens = thoughts === undefined ? 0 : used.thinking
  const prompt_tokens = used.uncached + used.cached
  const completion_tokens = used.said + reasoning_tokens
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    prompt_tokens_details: { cached_tokens: used.cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

function stream(heard: Heard, reply: Reply): string[] {
  const id = `chatcmpl-${newId()}`
  const chunk = (choices: readonly object[], usage: unknown = null): string =>
    sse({
      id,
      object: 'chat.completion.chunk',
      created: 1_790_000_000,
      model: heard.model,
      service_tier: 'default',
      system_fingerprint: 'fp_50cad350e4',
      choices,
      ...(heard.asksUsage && { usage }),
      obfuscation: newId(7),
    })
  const says = (delta: object, finish_reason: string | null = null): string =>
    chunk([{ index: 0, delta, logprobs: null, finish_reason }])
  const { thoughts = '', text, calls = [] } = reply
  return [
    says({ role: 'assistant', content: text === undefined ? null : '', refusal: null }),
    ...pieces(thoughts).map((reasoning_content) => says({ reasoning_content })),
    ...pieces(text ?? '').map((content) => says({ content })),
    ...calls.flatMap(({ name, args }, index) => [
      says({ tool_calls: [{ index, ...wireCall(name, '') }] }),
      ...pieces(JSON.stringify(args)).map((more) => says({ tool_calls: [{ index, function: { arguments: more } }] })),
    ]),
    ...(reply.stops === 'hangs' ? [] : reply.stops === 'breaks' ? [sse(fault)] : [says({}, finishOf(reply))]),
    ...(reply.stops ? [] : [...(heard.asksUsage ? [chunk([], usageOf(reply))] : []), sse('[DONE]')]),
  ]
}

const fault = {
  error: {
    message: 'The server had an error while processing your request. Sorry about that!',
    type: 'server_error',
    param: null,
    code: null,
  },
}

/** OpenAI's errors, the same for chat completions and for Responses. */
export function refused({ kind, message, param = undefined }: Refusal): Refused {
  const error = (type: string, code: string | null, message: string): object => ({
    error: { message, type, param: param ?? null, code },
  })
  const headers = { 'x-request-id': `req_${newId()}` }
  switch (kind) {
    case 'invalid':
      return { status: 400, headers, body: error('invalid_request_error', null, message) }
    case 'key':
      return {
        status: 401,
        headers,
        body: error('invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.'),
      }
    case 'busy':
      return {
        status: 429,
        headers: { ...headers, 'retry-after': '7', 'x-ratelimit-remaining-requests': '0' },
        body: error('requests', 'rate_limit_exceeded', 'Rate limit reached for requests. Please try again in 7s.'),
      }
    case 'overloaded':
      return {
        status: 503,
        headers,
        body: error('server_error', null, 'The engine is currently overloaded, please try again later'),
      }
    case 'too-long':
      return {
        status: 400,
        headers,
        body: error(
          'invalid_request_error',
          'context_length_exceeded',
          'Your input exceeds the context window of this model.',
        ),
      }
  }
}
