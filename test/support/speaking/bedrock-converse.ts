import { crc32 } from 'node:zlib'
import { type Block, type Body, type Message, ofBedrock, type Reasoning } from './bedrock-converse-request.ts'
import type { Heard, Refusal, Reply } from './script.ts'
import { used } from './script.ts'
import { bearerOf, checked, newId, newSeal, parsed, pieces, type Refused, refuse, type Voice } from './voice.ts'

type Remembered = Map<string, readonly Reasoning[]>

/** Claude on Bedrock, by Converse. */
export function bedrockConverse(): Voice {
  const thoughtOf: Remembered = new Map()
  return {
    wire: 'bedrock-converse',
    streamType: 'application/vnd.amazon.eventstream',
    address(path) {
      const [, model, verb] = /^\/model\/([^/]+)\/(converse|converse-stream)$/.exec(path) ?? []
      return model ? { model: decodeURIComponent(model), stream: verb === 'converse-stream' } : undefined
    },
    keyOf: bearerOf,
    hear: (body, { model = '', stream = false }) => hear(body, model, stream, thoughtOf),
    whole: (_heard, reply) => ({
      metrics: { latencyMs: 1234 },
      output: { message: { role: 'assistant', content: contentOf(reply, thoughtOf) } },
      stopReason: stopOf(reply),
      usage: usageOf(reply),
    }),
    stream: (_heard, reply) => stream(reply, thoughtOf),
    refuse: refused,
  }
}

function hear(json: unknown, model: string, stream: boolean, thoughtOf: Remembered): Heard {
  const body = checked<Body>(ofBedrock, json, ({ path, kind, says }) =>
    kind === 'unknown'
      ? `Malformed input request: #/${path.replaceAll('.', '/')}: extraneous key is not permitted, please reformat your input and try again.`
      : `Malformed input request: #/${path.replaceAll('.', '/')}: it ${says}`,
  )
  const { messages, toolConfig, inferenceConfig = {}, additionalModelRequestFields: more } = body
  for (const [index, { role }] of messages.entries())
    if (role !== (index % 2 === 0 ? 'user' : 'assistant'))
      refuse(
        'A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.',
      )
  const hasToolBlocks = messages.some(({ content }) => content.some(({ toolUse, toolResult }) => toolUse ?? toolResult))
  if (hasToolBlocks && !toolConfig)
    refuse('The toolConfig field must be defined when using toolUse and toolResult content blocks.')
  const { thinking } = more ?? {}
  const thinks = thinking?.type === 'enabled'
  if (thinking?.budget_tokens !== undefined && thinking.budget_tokens >= (inferenceConfig.maxTokens ?? 4096))
    refuse('`max_tokens` must be greater than `thinking.budget_tokens`.')
  if (thinks && inferenceConfig.temperature !== undefined && inferenceConfig.temperature !== 1)
    refuse('`temperature` may only be set to 1 when thinking is enabled.')
  if (thinks && (toolConfig?.toolChoice?.any || toolConfig?.toolChoice?.tool))
    refuse('Thinking may not be enabled when tool_choice forces tool use.')
  answered(messages)

  const spoken = messages.findLastIndex(
    ({ role, content }) => role === 'user' && content.some(({ toolResult }) => !toolResult),
  )
  const last = messages[spoken]?.content.filter(({ toolResult }) => !toolResult) ?? []
  const since = messages.slice(spoken + 1)
  if (thinks) for (const { role, content } of since) if (role === 'assistant') beginsWithThoughts(content, thoughtOf)
  const blocks = since.flatMap(({ content }) => content)
  const tools = (toolConfig?.tools ?? []).flatMap(({ toolSpec }) => toolSpec ?? [])
  const { any, tool } = toolConfig?.toolChoice ?? {}
  const { jsonSchema } = body.outputConfig?.textFormat?.structure ?? {}
  const { maxTokens, temperature, stopSequences } = inferenceConfig
  return {
    model,
    stream,
    instructions: (body.system ?? []).flatMap(({ text }) => text ?? []).join('\n\n'),
    prompt: textOf(last),
    images: last.flatMap(pictureIn),
    tools: tools.map(({ name, description, inputSchema }) => ({
      name,
      ...(description !== undefined && { description }),
      schema: inputSchema.json,
    })),
    ...((any || tool) && { forced: tool?.name ?? tools[0]?.name ?? '' }),
    results: blocks
      .flatMap(({ toolUse }) => toolUse ?? [])
      .map(({ toolUseId, name, input }) => ({
        name,
        args: input,
        output: outputIn(blocks.find(({ toolResult }) => toolResult?.toolUseId === toolUseId)),
      })),
    shown: blocks.flatMap(({ toolResult }) => toolResult?.content ?? []).flatMap(pictureIn),
    ...(jsonSchema && { schema: parsed(jsonSchema.schema, 'outputConfig.textFormat.structure.jsonSchema.schema') }),
    thinks,
    seals: blocks.filter(({ reasoningContent }) => reasoningContent).length,
    ...(maxTokens !== undefined && { limit: maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(stopSequences && { stops: stopSequences }),
  }
}

function answered(messages: readonly Message[]): void {
  for (const [index, { content }] of messages.entries()) {
    const calls = content.flatMap(({ toolUse }) => toolUse?.toolUseId ?? [])
    const results = (messages[index + 1]?.content ?? []).flatMap(({ toolResult }) => toolResult?.toolUseId ?? [])
    const lost = calls.filter((id) => !results.includes(id))
    if (lost.length > 0)
      refuse(`Expected toolResult blocks at messages.${index + 1}.content for the following Ids: ${lost.join(', ')}`)
    const more = results.filter((id) => !calls.includes(id))
    if (more.length > 0 || new Set(results).size < results.length)
      refuse(
        `The number of toolResult blocks at messages.${index + 1}.content exceeds the number of toolUse blocks of previous turn.`,
      )
  }
}

/** The thoughts before a call stand before it again, all of them and as they were. */
function beginsWithThoughts(content: readonly Block[], thoughtOf: Remembered): void {
  const call = content.find(({ toolUse }) => toolUse)?.toolUse
  if (!call) return
  if (!content[0]?.reasoningContent)
    refuse(
      'messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant` message must start with a thinking block.',
    )
  const now = content.flatMap(({ reasoningContent }) => reasoningContent ?? [])
  const then = thoughtOf.get(call.toolUseId)
  const wordsOf = (reasoning: readonly Reasoning[]): string =>
    JSON.stringify(
      reasoning.map(({ reasoningText: { text, signature } = {}, redactedContent }) => [
        text,
        signature,
        redactedContent,
      ]),
    )
  if (then && wordsOf(then) !== wordsOf(now))
    refuse(
      'messages.1.content: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.',
    )
}

const pictureIn = ({ image }: Pick<Block, 'image'>): Heard['images'] =>
  image ? [{ mediaType: `image/${image.format}`, data: image.source.bytes }] : []

const textOf = (blocks: readonly { readonly text?: string }[]): string => blocks.map(({ text = '' }) => text).join('')

const outputIn = (block: Block | undefined): string =>
  (block?.toolResult?.content ?? []).map(({ text, json }) => text ?? JSON.stringify(json)).join('')

function contentOf({ thoughts, text, calls = [] }: Reply, thoughtOf: Remembered): Block[] {
  const thought: Reasoning[] =
    thoughts === undefined
      ? []
      : [
          { reasoningText: { text: thoughts, signature: newSeal('claude') } },
          { redactedContent: Buffer.from(newSeal('claude')).toString('base64') },
        ]
  const uses = calls.map(({ name, args }) => ({ toolUse: { toolUseId: `tooluse_${newId(22)}`, name, input: args } }))
  for (const { toolUse } of uses) thoughtOf.set(toolUse.toolUseId, thought)
  return [
    ...thought.map((reasoningContent) => ({ reasoningContent })),
    ...(text === undefined ? [] : [{ text }]),
    ...uses,
  ]
}

const stopOf = ({ calls }: Reply): string => (calls ? 'tool_use' : 'end_turn')

function usageOf({ thoughts }: Reply): object {
  const outputTokens = used.said + (thoughts === undefined ? 0 : used.thinking)
  return {
    inputTokens: used.uncached,
    outputTokens,
    cacheReadInputTokens: used.cached,
    cacheWriteInputTokens: 0,
    totalTokens: used.uncached + used.cached + outputTokens,
  }
}

function stream(reply: Reply, thoughtOf: Remembered): Buffer[] {
  const deltas = (contentBlockIndex: number, all: readonly object[]): Buffer[] =>
    all.map((delta) => event('contentBlockDelta', { contentBlockIndex, delta }))
  const begun = [
    event('messageStart', { role: 'assistant' }),
    ...contentOf(reply, thoughtOf).flatMap((block, contentBlockIndex) => [
      ...(block.toolUse
        ? [
            event('contentBlockStart', {
              contentBlockIndex,
              start: { toolUse: { toolUseId: block.toolUse.toolUseId, name: block.toolUse.name } },
            }),
          ]
        : []),
      ...deltas(contentBlockIndex, told(block)),
      ...(reply.stops === 'hangs' ? [] : [event('contentBlockStop', { contentBlockIndex })]),
    ]),
  ]
  if (reply.stops === 'hangs') return begun
  if (reply.stops === 'breaks') {
    const message = 'The system encountered an unexpected error during processing. Try your request again.'
    return [
      ...begun,
      frame({ ':message-type': 'exception', ':exception-type': 'modelStreamErrorException' }, { message }),
    ]
  }
  return [
    ...begun,
    event('messageStop', { stopReason: stopOf(reply) }),
    event('metadata', { usage: usageOf(reply), metrics: { latencyMs: 1234 } }),
  ]
}

function told({ text = '', toolUse, reasoningContent }: Block): readonly object[] {
  if (toolUse) {
    const json = JSON.stringify(toolUse.input)
    return ['', ...(json === '{}' ? [] : pieces(json))].map((input) => ({ toolUse: { input } }))
  }
  if (reasoningContent?.redactedContent !== undefined)
    return [{ reasoningContent: { redactedContent: reasoningContent.redactedContent } }]
  if (reasoningContent?.reasoningText) {
    const { text: thought, signature } = reasoningContent.reasoningText
    return [...pieces(thought).map((text) => ({ reasoningContent: { text } })), { reasoningContent: { signature } }]
  }
  return pieces(text).map((text) => ({ text }))
}

const event = (type: string, payload: object): Buffer =>
  frame({ ':event-type': type, ':message-type': 'event' }, { ...payload, p: 'abcdefghijklmnop'.slice(0, type.length) })

/** One frame of an AWS event stream: lengths, headers and payload between two checksums. */
export function frame(headers: Readonly<Record<string, string>>, payload: object): Buffer {
  const all = { ...headers, ':content-type': 'application/json' }
  const head = Buffer.concat(
    Object.entries(all).map(([name, value]) => {
      const bytes = Buffer.alloc(4 + name.length + value.length)
      bytes.writeUInt8(name.length, 0)
      bytes.write(name, 1)
      bytes.writeUInt8(7, 1 + name.length)
      bytes.writeUInt16BE(value.length, 2 + name.length)
      bytes.write(value, 4 + name.length)
      return bytes
    }),
  )
  const body = Buffer.from(JSON.stringify(payload))
  const prelude = Buffer.alloc(8)
  prelude.writeUInt32BE(16 + head.length + body.length, 0)
  prelude.writeUInt32BE(head.length, 4)
  const sum = (bytes: Buffer): Buffer => {
    const four = Buffer.alloc(4)
    four.writeUInt32BE(crc32(bytes))
    return four
  }
  const unsigned = Buffer.concat([prelude, sum(prelude), head, body])
  return Buffer.concat([unsigned, sum(unsigned)])
}

export function refused({ kind, message }: Refusal): Refused {
  const error = (status: number, type: string, message: string): Refused => ({
    status,
    headers: {
      'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/`,
      'x-amzn-requestid': crypto.randomUUID(),
    },
    body: { message },
  })
  switch (kind) {
    case 'invalid':
      return error(400, 'ValidationException', message)
    case 'key':
      return error(403, 'UnrecognizedClientException', 'The security token included in the request is invalid.')
    case 'busy':
      return error(429, 'ThrottlingException', 'Too many requests, please wait before trying again.')
    case 'overloaded':
      return error(503, 'ServiceUnavailableException', 'Bedrock is unable to process your request.')
    case 'too-long':
      return error(400, 'ValidationException', 'Input is too long for requested model.')
  }
}
