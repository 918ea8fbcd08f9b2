import { ChatAnthropic } from '@langchain/anthropic'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import {
  type AIMessage,
  AIMessageChunk,
  type BaseMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
  type UsageMetadata,
} from '@langchain/core/messages'
import { ChatOpenAI } from '@langchain/openai'
import type { Wire } from '../../support/speaking/script.ts'
import {
  type Address,
  dataUrl,
  errorClass,
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

interface Wish {
  readonly thinks: boolean
  readonly sampled: boolean
}

interface Row {
  readonly name: string
  readonly speaks: Wire
  readonly finishes: Library['finishes']
  readonly model: (at: Address, wish: Wish) => BaseChatModel
  readonly picture: (url: string) => object
  readonly cannot?: Library['cannot']
}

const openAi = ({ url, key, model }: Address, { sampled }: Wish): ConstructorParameters<typeof ChatOpenAI>[0] => ({
  model,
  apiKey: key,
  configuration: { baseURL: `${url}/v1` },
  maxRetries: 0,
  maxTokens: limit,
  ...(sampled && { temperature: sampling.temperature }),
})

const rows: readonly Row[] = [
  {
    name: '@langchain/openai, chat completions',
    speaks: 'openai-chat',
    finishes: { said: 'stop', called: 'tool_calls' },
    model: (at, wish) =>
      new ChatOpenAI({
        ...openAi(at, wish),
        useResponsesApi: false,
        ...(wish.sampled && { stop: [sampling.stop] }),
        ...(wish.thinks && { modelKwargs: { reasoning_effort: 'medium' } }),
      }),
    picture: (url) => ({ type: 'image_url', image_url: { url } }),
    cannot: {
      thoughts: 'it has no place for thoughts in chat completions',
      'pictures in results': 'a result has no place for one in chat completions',
    },
  },
  {
    name: '@langchain/openai, responses',
    speaks: 'openai-responses',
    finishes: { said: 'completed', called: 'completed' },
    model: (at, wish) =>
      new ChatOpenAI({
        ...openAi(at, wish),
        useResponsesApi: true,
        zdrEnabled: true,
        ...(wish.thinks && {
          modelKwargs: { reasoning: { effort: 'medium', summary: 'auto' }, include: ['reasoning.encrypted_content'] },
        }),
      }),
    picture: (url) => ({ type: 'image_url', image_url: { url } }),
    cannot: { stops: 'the format has no stop sequences' },
  },
  {
    name: '@langchain/anthropic',
    speaks: 'anthropic-messages',
    finishes: { said: 'end_turn', called: 'tool_use' },
    model: ({ url, key, model }, { thinks, sampled }) =>
      new ChatAnthropic({
        model,
        apiKey: key,
        anthropicApiUrl: url,
        maxRetries: 0,
        maxTokens: limit,
        ...(sampled && { temperature: sampling.temperature, stopSequences: [sampling.stop] }),
        ...(thinks && { thinking: { type: 'enabled', budget_tokens: thoughtBudget } }),
      }),
    picture: (url) => ({ type: 'image_url', image_url: { url } }),
    cannot: {
      'usage, streamed':
        'it takes what was read from the first event only, and adds what was written by then to the whole',
    },
  },
]

export const langchainLibraries: readonly Library[] = rows.map(libraryOf)

function libraryOf({ name, speaks, finishes, model: modelOf, picture: pictureAs, cannot }: Row): Library {
  return {
    name,
    speaks,
    finishes,
    open(at) {
      const messages: BaseMessage[] = [new SystemMessage(instructions)]
      return {
        async say({
          stream,
          prompt,
          picture,
          results = [],
          withTools,
          withSchema,
          thinks = false,
          sampled = false,
          signal,
          onText,
        }) {
          const model = modelOf(at, { thinks, sampled })
          for (const { id, name, output, picture } of results) {
            const content = picture
              ? [{ type: 'text' as const, text: output }, pictureAs(dataUrl(picture)) as never]
              : output
            messages.push(new ToolMessage({ content, tool_call_id: id, name }))
          }
          if (prompt !== undefined)
            messages.push(
              new HumanMessage(
                picture ? { content: [{ type: 'text', text: prompt }, pictureAs(dataUrl(picture)) as never] } : prompt,
              ),
            )
          const options = { ...(signal && { signal }) }
          if (withSchema) {
            const structured = model.withStructuredOutput(personSchema, {
              name: 'person',
              method: 'jsonSchema',
              includeRaw: true,
            })
            const { raw, parsed } = await structured.invoke(messages, options)
            return { ...said(raw as AIMessage), text: JSON.stringify(parsed) }
          }
          const asked = withTools ? (model.bindTools?.(functions) ?? model) : model
          let answer: AIMessage | AIMessageChunk | undefined
          if (stream) {
            for await (const chunk of await asked.stream(messages, options)) {
              if (chunk.text) onText?.(chunk.text)
              answer = answer instanceof AIMessageChunk ? answer.concat(chunk) : chunk
            }
          } else answer = await asked.invoke(messages, options)
          messages.push(answer as AIMessage)
          return said(answer as AIMessage)
        },
      }
    },
    // Its own class for what is too long has the vendor's error inside.
    seen: (error) => ({ ...seenAs((error as Error).cause ?? error), name: seenAs(error).name }),
    errorFor: (status, kind) => (kind === 'too-long' ? 'ContextOverflowError' : errorClass(status)),
    abortErrors: ['AbortError'],
    ...(cannot && { cannot }),
  }
}

const functions = tools.map(({ name, description, schema }) => ({
  type: 'function' as const,
  function: { name, description, parameters: schema },
}))

function said(message: AIMessage): Said {
  const { tool_calls = [], response_metadata, contentBlocks } = message
  const usage = message.usage_metadata as UsageMetadata | undefined
  const { finish_reason, stop_reason, status } = { ...message.additional_kwargs, ...response_metadata } as Record<
    string,
    string
  >
  return {
    text: message.text,
    thoughts: contentBlocks.map((block) => (block.type === 'reasoning' ? block.reasoning : '')).join(''),
    calls: tool_calls.map(({ id = '', name, args }) => ({ id, name, args })),
    finish: finish_reason ?? stop_reason ?? status,
    usage: usage && { input: usage.input_tokens, output: usage.output_tokens },
  }
}
