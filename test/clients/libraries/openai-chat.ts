import OpenAI from 'openai'
import type { ChatCompletion, ChatCompletionMessageParam } from 'openai/resources/chat/completions'
import {
  dataUrl,
  errorClass,
  instructions,
  type Library,
  limit,
  personSchema,
  type Said,
  sampling,
  seenAs,
  tools,
} from '../library.ts'

/** Fields that no type knows, but that hosts send and want back. */
interface Thinking {
  readonly reasoning_content?: string
}

export const openAiChatLibrary: Library = {
  name: 'openai, chat completions',
  speaks: 'openai-chat',
  finishes: { said: 'stop', called: 'tool_calls' },
  open({ url, key, model }) {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 })
    const messages: ChatCompletionMessageParam[] = [{ role: 'system', content: instructions }]
    return {
      async say({ stream, prompt, picture, results = [], withTools, withSchema, thinks, sampled, signal, onText }) {
        for (const { id, output } of results) messages.push({ role: 'tool', tool_call_id: id, content: output })
        if (prompt !== undefined)
          messages.push({
            role: 'user',
            content: picture
              ? [
                  { type: 'text', text: prompt },
                  { type: 'image_url', image_url: { url: dataUrl(picture) } },
                ]
              : prompt,
          })
        const body = {
          model,
          messages,
          max_completion_tokens: limit,
          ...(withTools && {
            tools: tools.map(({ name, description, schema }) => ({
              type: 'function' as const,
              function: { name, description, parameters: schema },
            })),
          }),
          ...(withSchema && {
            response_format: {
              type: 'json_schema' as const,
              json_schema: { name: 'person', schema: personSchema, strict: true },
            },
          }),
          ...(thinks && { reasoning_effort: 'medium' as const }),
          ...(sampled && { temperature: sampling.temperature, stop: [sampling.stop] }),
        }
        const { answer, thoughts } = stream
          ? await streamed(client, body, signal, onText)
          : { answer: await client.chat.completions.create(body, { ...(signal && { signal }) }), thoughts: undefined }
        const message = answer.choices[0]?.message
        if (message) messages.push(message)
        return { ...said(answer), ...(thoughts !== undefined && { thoughts }) }
      },
    }
  },
  seen: seenAs,
  errorFor: errorClass,
  abortErrors: ['APIUserAbortError'],
  cannot: { 'pictures in results': 'a result has no place for one in chat completions' },
}

type Body = Parameters<OpenAI['chat']['completions']['stream']>[0]

/** The helper keeps only the last piece of a field that it does not know, so its users gather thoughts by themselves. */
async function streamed(
  client: OpenAI,
  body: Body,
  signal: AbortSignal | undefined,
  onText: ((piece: string) => void) | undefined,
): Promise<{ answer: ChatCompletion; thoughts: string }> {
  const asked = { ...body, stream_options: { include_usage: true } }
  const stream = client.chat.completions.stream(asked, { ...(signal && { signal }) })
  const thoughts: string[] = []
  stream.on('chunk', ({ choices: [choice] }) =>
    thoughts.push((choice?.delta as Thinking | undefined)?.reasoning_content ?? ''),
  )
  if (onText) stream.on('content', onText)
  return { answer: await stream.finalChatCompletion(), thoughts: thoughts.join('') }
}

function said({ choices: [choice], usage }: ChatCompletion): Said {
  const {
    content,
    tool_calls = [],
    reasoning_content = '',
  } = (choice?.message ?? {}) as ChatCompletion.Choice['message'] & Thinking
  return {
    text: content ?? '',
    thoughts: reasoning_content,
    calls: tool_calls.flatMap((call) =>
      call.type === 'function'
        ? [{ id: call.id, name: call.function.name, args: JSON.parse(call.function.arguments) as unknown }]
        : [],
    ),
    finish: choice?.finish_reason,
    usage: { input: usage?.prompt_tokens, output: usage?.completion_tokens },
  }
}
