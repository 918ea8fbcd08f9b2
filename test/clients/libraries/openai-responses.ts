import OpenAI from 'openai'
import type {
  Response,
  ResponseCreateParamsNonStreaming,
  ResponseInputItem,
} from 'openai/resources/responses/responses'
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
import { openAiChatLibrary } from './openai-chat.ts'

/** The conversation is the program's own: nothing is kept at the vendor's, so thoughts travel encrypted. */
export const openAiResponsesLibrary: Library = responsesLibrary('openai, responses', false)

/** The conversation is kept at the vendor's: each turn names the one before. */
export const openAiStoredLibrary: Library = responsesLibrary('openai, responses, stored', true)

function responsesLibrary(name: string, stored: boolean): Library {
  return {
    name,
    speaks: 'openai-responses',
    finishes: { said: 'completed', called: 'completed' },
    open({ url, key, model }) {
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 })
      const before: ResponseInputItem[] = []
      let previous: string | undefined
      return {
        async say({ stream, prompt, picture, results = [], withTools, withSchema, thinks, sampled, signal, onText }) {
          const input: ResponseInputItem[] = results.map(({ id, output, picture }) => ({
            type: 'function_call_output',
            call_id: id,
            output: picture
              ? [
                  { type: 'input_text', text: output },
                  { type: 'input_image', image_url: dataUrl(picture), detail: 'auto' },
                ]
              : output,
          }))
          if (prompt !== undefined)
            input.push({
              role: 'user',
              content: picture
                ? [
                    { type: 'input_text', text: prompt },
                    { type: 'input_image', image_url: dataUrl(picture), detail: 'auto' },
                  ]
                : prompt,
            })
          const body: ResponseCreateParamsNonStreaming = {
            model,
            instructions,
            max_output_tokens: limit,
            ...(stored
              ? { input, ...(previous !== undefined && { previous_response_id: previous }) }
              : { input: [...before, ...input], store: false, include: ['reasoning.encrypted_content' as const] }),
            ...(withTools && {
              tools: tools.map(({ name, description, schema }) => ({
                type: 'function' as const,
                name,
                description,
                parameters: schema,
                strict: true,
              })),
            }),
            ...(withSchema && {
              text: { format: { type: 'json_schema' as const, name: 'person', schema: personSchema, strict: true } },
            }),
            ...(thinks && { reasoning: { effort: 'medium' as const, summary: 'auto' as const } }),
            ...(sampled && { temperature: sampling.temperature }),
          }
          const answer = stream
            ? await streamed(client, body, signal, onText)
            : await client.responses.create(body, { ...(signal && { signal }) })
          if (answer.status === 'failed') throw new Error(answer.error?.message)
          previous = answer.id
          before.push(...input, ...asSent(answer.output))
          return said(answer)
        },
      }
    },
    seen: seenAs,
    errorFor: errorClass,
    abortErrors: openAiChatLibrary.abortErrors,
    cannot: { stops: 'the format has no stop sequences' },
  }
}

async function streamed(
  client: OpenAI,
  body: ResponseCreateParamsNonStreaming,
  signal: AbortSignal | undefined,
  onText: ((piece: string) => void) | undefined,
): Promise<Response> {
  const stream = client.responses.stream({ ...body, stream: true }, { ...(signal && { signal }) })
  if (onText) stream.on('response.output_text.delta', ({ delta }) => onText(delta))
  return (await stream.finalResponse()) as Response
}

function said({ output, output_text, status, usage }: Response): Said {
  return {
    text: output_text,
    thoughts: output
      .flatMap((item) => (item.type === 'reasoning' ? item.summary : []))
      .map(({ text }) => text)
      .join(''),
    calls: output.flatMap((item) =>
      item.type === 'function_call'
        ? [{ id: item.call_id, name: item.name, args: JSON.parse(item.arguments) as unknown }]
        : [],
    ),
    finish: status,
    usage: { input: usage?.input_tokens, output: usage?.output_tokens },
  }
}

/** The items without what the SDK's helper adds to them, which the vendor does not take back. */
const asSent = (output: Response['output']): ResponseInputItem[] =>
  JSON.parse(JSON.stringify(output, (key, value: unknown) => (/^parsed(_arguments)?$/.test(key) ? undefined : value)))
