import Anthropic from '@anthropic-ai/sdk'
import type {
  ContentBlockParam,
  ImageBlockParam,
  Message,
  MessageCreateParamsNonStreaming,
  MessageParam,
} from '@anthropic-ai/sdk/resources/messages'
import type { Picture } from '../../support/speaking/script.ts'
import {
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

export const anthropicLibrary: Library = {
  name: '@anthropic-ai/sdk',
  speaks: 'anthropic-messages',
  finishes: { said: 'end_turn', called: 'tool_use' },
  open({ url, key, model }) {
    const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 })
    const messages: MessageParam[] = []
    return {
      async say({ stream, prompt, picture, results = [], withTools, withSchema, thinks, sampled, signal, onText }) {
        const content: ContentBlockParam[] = results.map(({ id, output, picture }) => ({
          type: 'tool_result',
          tool_use_id: id,
          content: picture ? [{ type: 'text', text: output }, imageOf(picture)] : output,
        }))
        if (picture) content.push(imageOf(picture))
        if (prompt !== undefined) content.push({ type: 'text', text: prompt })
        messages.push({ role: 'user', content })
        const body: MessageCreateParamsNonStreaming = {
          model,
          messages,
          system: instructions,
          max_tokens: limit,
          ...(withTools && {
            tools: tools.map(({ name, description, schema }) => ({
              name,
              description,
              input_schema: schema as unknown as Anthropic.Tool.InputSchema,
            })),
          }),
          ...(withSchema && { output_config: { format: { type: 'json_schema' as const, schema: personSchema } } }),
          ...(thinks && { thinking: { type: 'enabled' as const, budget_tokens: thoughtBudget } }),
          ...(sampled && { stop_sequences: [sampling.stop] }),
        }
        const answer = stream
          ? await streamed(client, body, signal, onText)
          : await client.messages.create(body, { ...(signal && { signal }) })
        messages.push({ role: 'assistant', content: answer.content })
        return said(answer)
      },
    }
  },
  seen: seenAs,
  errorFor: (status) => ({ 503: 'ServiceUnavailableError', 529: 'OverloadedError' })[status] ?? errorClass(status),
  abortErrors: ['APIUserAbortError'],
  cannot: { temperature: 'the version of the API that it asks for has no sampling parameters' },
}

const imageOf = ({ mediaType, data }: Picture): ImageBlockParam => ({
  type: 'image',
  source: { type: 'base64', media_type: mediaType as 'image/png', data },
})

async function streamed(
  client: Anthropic,
  body: MessageCreateParamsNonStreaming,
  signal: AbortSignal | undefined,
  onText: ((piece: string) => void) | undefined,
): Promise<Message> {
  const stream = client.messages.stream(body, { ...(signal && { signal }) })
  if (onText) stream.on('text', onText)
  return await stream.finalMessage()
}

function said({ content, stop_reason, usage }: Message): Said {
  const { input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens } = usage
  return {
    text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    thoughts: content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
    calls: content.flatMap((block) =>
      block.type === 'tool_use' ? [{ id: block.id, name: block.name, args: block.input }] : [],
    ),
    finish: stop_reason ?? undefined,
    usage: {
      input: input_tokens + (cache_read_input_tokens ?? 0) + (cache_creation_input_tokens ?? 0),
      output: output_tokens,
    },
  }
}
