import {
  BedrockRuntimeClient,
  type ContentBlock,
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
  type ImageBlock,
  type Message,
  type TokenUsage,
} from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Picture } from '../../support/speaking/script.ts'
import {
  instructions,
  type Library,
  limit,
  personSchema,
  type Said,
  sampling,
  seenAs,
  thoughtBudget,
  tools,
} from '../library.ts'

/** Not a client of ours: there is no such door. It shows that the speaking upstream is Bedrock to AWS's own SDK. */
export const bedrockLibrary: Library = {
  name: '@aws-sdk/client-bedrock-runtime',
  speaks: 'bedrock-converse',
  finishes: { said: 'end_turn', called: 'tool_use' },
  open({ url, key, model }) {
    const client = new BedrockRuntimeClient({
      endpoint: url,
      region: 'us-east-1',
      token: { token: key },
      authSchemePreference: ['httpBearerAuth'],
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler(),
    })
    const messages: Message[] = []
    return {
      async say({ stream, prompt, picture, results = [], withTools, withSchema, thinks, sampled, signal, onText }) {
        const content: ContentBlock[] = results.map(({ id, output, picture }) => ({
          toolResult: { toolUseId: id, content: [{ text: output }, ...(picture ? [imageOf(picture)] : [])] },
        }))
        if (picture) content.push(imageOf(picture))
        if (prompt !== undefined) content.push({ text: prompt })
        messages.push({ role: 'user', content })
        const body: ConverseCommandInput = {
          modelId: model,
          messages,
          system: [{ text: instructions }],
          inferenceConfig: {
            maxTokens: limit,
            ...(sampled && { temperature: sampling.temperature, stopSequences: [sampling.stop] }),
          },
          ...(withTools && {
            toolConfig: {
              tools: tools.map(({ name, description, schema }) => ({
                toolSpec: { name, description, inputSchema: { json: schema as never } },
              })),
            },
          }),
          ...(withSchema && {
            outputConfig: {
              textFormat: {
                type: 'json_schema',
                structure: { jsonSchema: { schema: JSON.stringify(personSchema), name: 'person' } },
              },
            },
          }),
          ...(thinks && {
            additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: thoughtBudget } },
          }),
        }
        const options = { ...(signal && { abortSignal: signal }) }
        const answer = stream ? await streamed(client, body, options, onText) : await whole(client, body, options)
        messages.push({ role: 'assistant', content: answer.content })
        return said(answer)
      },
    }
  },
  seen: (error) => ({
    ...seenAs(error),
    status: (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode,
  }),
  errorFor: (status) =>
    ({
      400: 'ValidationException',
      // A bad key has no class of its own.
      403: 'BedrockRuntimeServiceException',
      429: 'ThrottlingException',
      503: 'ServiceUnavailableException',
    })[status] ?? '',
  // What it throws in mid-stream is what the socket says.
  abortErrors: ['AbortError', 'Error'],
}

const imageOf = ({ data }: Picture): { image: ImageBlock } => ({
  image: { format: 'png', source: { bytes: Buffer.from(data, 'base64') } },
})

interface Answer {
  readonly content: ContentBlock[]
  readonly stopReason: string | undefined
  readonly usage: TokenUsage | undefined
}

interface Options {
  readonly abortSignal?: AbortSignal
}

async function whole(client: BedrockRuntimeClient, body: ConverseCommandInput, options: Options): Promise<Answer> {
  const { output, stopReason, usage } = await client.send(new ConverseCommand(body), options)
  return { content: output?.message?.content ?? [], stopReason, usage }
}

/** The SDK has no helper that puts the events together. */
async function streamed(
  client: BedrockRuntimeClient,
  body: ConverseCommandInput,
  options: Options,
  onText: ((piece: string) => void) | undefined,
): Promise<Answer> {
  const { stream } = await client.send(new ConverseStreamCommand(body), options)
  const drafts = new Map<number, { text: string; input: string; block: ContentBlock }>()
  let stopReason: string | undefined
  let usage: TokenUsage | undefined
  for await (const { contentBlockStart, contentBlockDelta, messageStop, metadata } of stream ?? []) {
    const index = contentBlockStart?.contentBlockIndex ?? contentBlockDelta?.contentBlockIndex ?? 0
    const draft = drafts.get(index) ?? { text: '', input: '', block: {} as ContentBlock }
    if (contentBlockStart?.start?.toolUse)
      draft.block = { toolUse: { ...contentBlockStart.start.toolUse, input: {} } } as ContentBlock
    if (contentBlockStart || contentBlockDelta) drafts.set(index, draft)
    const { text, toolUse, reasoningContent } = contentBlockDelta?.delta ?? {}
    if (text !== undefined) {
      draft.text += text
      draft.block = { text: draft.text }
      onText?.(text)
    }
    if (toolUse?.input !== undefined) {
      draft.input += toolUse.input
      const { toolUseId, name } = draft.block.toolUse ?? {}
      if (draft.input !== '' && isJson(draft.input))
        draft.block = { toolUse: { toolUseId, name, input: JSON.parse(draft.input) } }
    }
    if (reasoningContent?.redactedContent)
      draft.block = { reasoningContent: { redactedContent: reasoningContent.redactedContent } }
    if (reasoningContent?.text !== undefined) draft.text += reasoningContent.text
    if (reasoningContent?.text !== undefined || reasoningContent?.signature !== undefined)
      draft.block = { reasoningContent: { reasoningText: { text: draft.text, signature: reasoningContent.signature } } }
    stopReason = messageStop?.stopReason ?? stopReason
    usage = metadata?.usage ?? usage
  }
  if (stopReason === undefined) throw new Error('The stream was cut off.')
  return { content: [...drafts.values()].map(({ block }) => block), stopReason, usage }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function said({ content, stopReason, usage }: Answer): Said {
  return {
    text: content.map(({ text = '' }) => text).join(''),
    thoughts: content.map(({ reasoningContent }) => reasoningContent?.reasoningText?.text ?? '').join(''),
    calls: content.flatMap(({ toolUse }) =>
      toolUse ? [{ id: toolUse.toolUseId ?? '', name: toolUse.name ?? '', args: toolUse.input }] : [],
    ),
    finish: stopReason,
    usage: usage && {
      input: (usage.inputTokens ?? 0) + (usage.cacheReadInputTokens ?? 0) + (usage.cacheWriteInputTokens ?? 0),
      output: usage.outputTokens,
    },
  }
}
