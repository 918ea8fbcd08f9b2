import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import {
  generateText,
  jsonSchema,
  type LanguageModel,
  type ModelMessage,
  Output,
  streamText,
  type ToolSet,
  tool,
} from 'ai'
import type { Picture, Wire } from '../../support/speaking/script.ts'
import {
  type Address,
  instructions,
  type Library,
  limit,
  personSchema,
  sampling,
  seenAs,
  thoughtBudget,
  tools,
} from '../library.ts'

type ProviderOptions = NonNullable<Parameters<typeof generateText>[0]['providerOptions']>

interface Row {
  readonly name: string
  readonly speaks: Wire
  readonly model: (at: Address) => LanguageModel
  /** How its users ask for thoughts that come back. */
  readonly thinks: ProviderOptions
  readonly always?: ProviderOptions
  readonly cannot?: Library['cannot']
}

const rows: readonly Row[] = [
  {
    name: '@ai-sdk/openai-compatible',
    speaks: 'openai-chat',
    model: ({ url, key, model }) =>
      createOpenAICompatible({
        name: 'trunkline',
        baseURL: `${url}/v1`,
        apiKey: key,
        includeUsage: true,
        supportsStructuredOutputs: true,
      }).chatModel(model),
    thinks: { trunkline: { reasoningEffort: 'medium' } },
    cannot: { 'pictures in results': 'a result has no place for one in chat completions' },
  },
  {
    name: '@ai-sdk/openai, chat',
    speaks: 'openai-chat',
    model: ({ url, key, model }) => createOpenAI({ baseURL: `${url}/v1`, apiKey: key }).chat(model),
    thinks: { openai: { reasoningEffort: 'medium' } },
    cannot: {
      thoughts: 'it has no place for thoughts in chat completions',
      'pictures in results': 'a result has no place for one in chat completions',
    },
  },
  {
    name: '@ai-sdk/openai, responses',
    speaks: 'openai-responses',
    model: ({ url, key, model }) => createOpenAI({ baseURL: `${url}/v1`, apiKey: key }).responses(model),
    always: { openai: { store: false } },
    thinks: {
      openai: {
        store: false,
        reasoningEffort: 'medium',
        reasoningSummary: 'auto',
        forceReasoning: true,
        include: ['reasoning.encrypted_content'],
      },
    },
    cannot: { stops: 'the format has no stop sequences' },
  },
  {
    name: '@ai-sdk/openai, responses, stored',
    speaks: 'openai-responses',
    model: ({ url, key, model }) => createOpenAI({ baseURL: `${url}/v1`, apiKey: key }).responses(model),
    thinks: { openai: { reasoningEffort: 'medium', reasoningSummary: 'auto', forceReasoning: true } },
    cannot: { stops: 'the format has no stop sequences' },
  },
  {
    name: '@ai-sdk/anthropic',
    speaks: 'anthropic-messages',
    model: ({ url, key, model }) => createAnthropic({ baseURL: `${url}/v1`, apiKey: key })(model),
    thinks: { anthropic: { thinking: { type: 'enabled', budgetTokens: thoughtBudget } } },
  },
  {
    name: '@ai-sdk/google',
    speaks: 'gemini',
    model: ({ url, key, model }) => createGoogle({ baseURL: `${url}/v1beta`, apiKey: key })(model),
    thinks: { google: { thinkingConfig: { includeThoughts: true } } },
    cannot: { 'pictures in results': 'for a model that it does not know it lets the user say them' },
  },
]

export const vercelLibraries: readonly Library[] = rows.map(libraryOf)

function libraryOf({ name, speaks, model: modelOf, thinks: thinking, always, cannot }: Row): Library {
  return {
    name: `ai, ${name}`,
    speaks,
    finishes: { said: 'stop', called: 'tool-calls' },
    open(at) {
      const messages: ModelMessage[] = []
      const model = modelOf(at)
      return {
        async say({ stream, prompt, picture, results = [], withTools, withSchema, thinks, sampled, signal, onText }) {
          if (results.length > 0)
            messages.push({
              role: 'tool',
              content: results.map(({ id, name, output, picture }) => ({
                type: 'tool-result',
                toolCallId: id,
                toolName: name,
                output: picture
                  ? { type: 'content', value: [{ type: 'text', text: output }, fileOf(picture)] }
                  : { type: 'text', value: output },
              })),
            })
          if (prompt !== undefined)
            messages.push({
              role: 'user',
              content: [
                { type: 'text', text: prompt },
                ...(picture ? [{ type: 'file' as const, data: picture.data, mediaType: picture.mediaType }] : []),
              ],
            })
          const options = thinks ? thinking : always
          const asked = {
            model,
            instructions,
            messages,
            maxOutputTokens: limit,
            maxRetries: 0,
            ...(withTools && { tools: toolSet }),
            ...(withSchema && { output: Output.object({ schema: jsonSchema(personSchema), name: 'person' }) }),
            ...(options && { providerOptions: options }),
            ...(sampled && { temperature: sampling.temperature, stopSequences: [sampling.stop] }),
            ...(signal && { abortSignal: signal }),
          }
          const answer = stream ? await streamed(asked as Asked, onText) : await generateText(asked)
          const [text, thoughts, calls, finish, usage, said] = await Promise.all([
            answer.text,
            answer.reasoningText,
            answer.toolCalls,
            answer.finishReason,
            answer.usage,
            answer.responseMessages,
          ])
          messages.push(...said)
          return {
            text,
            thoughts: thoughts ?? '',
            calls: calls.map(({ toolCallId, toolName, input }) => ({ id: toolCallId, name: toolName, args: input })),
            finish,
            usage: { input: usage.inputTokens, output: usage.outputTokens },
          }
        },
      }
    },
    seen: seenAs,
    errorFor: () => 'APICallError',
    abortErrors: ['AbortError'],
    ...(cannot && { cannot }),
  }
}

const fileOf = ({
  mediaType,
  data,
}: Picture): { type: 'file'; data: { type: 'data'; data: string }; mediaType: string } => ({
  type: 'file',
  data: { type: 'data', data },
  mediaType,
})

const toolSet: ToolSet = Object.fromEntries(
  tools.map(({ name, description, schema }) => [
    name,
    tool({ description, inputSchema: jsonSchema(schema as unknown as Parameters<typeof jsonSchema>[0]) }),
  ]),
)

type Asked = Parameters<typeof streamText<ToolSet>>[0]

/** An error or a stop is told in the stream itself; whoever reads it throws. */
async function streamed(
  asked: Asked,
  onText: ((piece: string) => void) | undefined,
): Promise<ReturnType<typeof streamText<ToolSet>>> {
  const answer = streamText({ ...asked, onError: () => undefined })
  for await (const part of answer.stream) {
    if (part.type === 'text-delta') onText?.(part.text)
    if (part.type === 'error') throw part.error
    if (part.type === 'abort') throw new DOMException('It was stopped.', 'AbortError')
  }
  return answer
}
