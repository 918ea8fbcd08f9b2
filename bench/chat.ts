/** The requests of the load generators, and what is right for an answer. */
import { passage } from './text.ts'

/** Role, finish, usage and [DONE] are the others. */
const eventsWithoutContent = 4
export const usualModel = 'gpt-4o-mini'
/** Pieces of content in a stream at its usual pace. */
export const contentsOfStream = 39
export const path = '/v1/chat/completions'
export const headers = {
  'content-type': 'application/json',
  authorization: 'Bearer bench-client',
  'user-agent': 'bench',
}

/** No two processes share it, so neither two runs against one gateway send the same request. */
export const tag = `${process.pid.toString(36)}${Date.now().toString(36)}`

/** About 2.5 kB: what an agent with one tool sends on its second turn. */
export function request(n: number, mark: string, stream: boolean, model = usualModel): string {
  return `{"model":"${model}","messages":[{"role":"system","content":"${system}"},{"role":"user","content":"${passage(n, 0, 12)}?"},{"role":"assistant","content":"${passage(n, 20, 26)}."},{"role":"user","content":"[call ${mark}]${passage(n, 60, 18)}?"}],"tools":[${tool}],"temperature":0.2,"max_completion_tokens":512${stream ? ',"stream":true,"stream_options":{"include_usage":true}' : ''}}`
}

/** A question about a picture, which is `image` in base64 and most of the body. */
export const requestWithImage = (mark: string, model: string, image: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from(
      `{"model":"${model}","messages":[{"role":"user","content":[{"type":"text","text":"[call ${mark}] What is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,`,
    ),
    image,
    Buffer.from('"}}]}]}'),
  ])

const system =
  'You are a careful assistant of a travel agency. Answer in plain words and in the language of the question. Use the ' +
  'tools for whatever changes from day to day, such as weather, prices and timetables, and never guess these. If a ' +
  'question is unclear, ask one short question back. Keep an answer under one hundred and fifty words unless the ' +
  'traveller asks for more. Never ask for a card number, and never promise a refund; a colleague decides about those.'

const tool = JSON.stringify({
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather forecast for a place, for up to seven days from today.',
    parameters: {
      type: 'object',
      properties: {
        place: { type: 'string', description: 'A town, with its country if there are several of that name.' },
        days: { type: 'integer', minimum: 1, maximum: 7, description: 'How many days, today included.' },
        unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
      },
      required: ['place', 'days'],
      additionalProperties: false,
    },
  },
})

/** What is wrong with an answer; `contents` is how many pieces of content it should have, if it is a stream. */
export function faultOf(
  { status, text }: { readonly status: number; readonly text: string },
  mark: string,
  contents: number | undefined,
): string | undefined {
  const fault = (what: string): string => `${what}: status ${status}, ${text.slice(0, 300)}`
  if (status !== 200) return fault('Not a 200')
  if (!text.includes(`chatcmpl-${mark}"`)) return fault('Not the answer to this call')
  if (contents === undefined) return text.includes('"total_tokens"') ? undefined : fault('An answer without usage')
  if (!text.endsWith('data: [DONE]\n\n')) return fault('A stream without its end')
  const events = text.split('\n\n').length - 1
  return events === contents + eventsWithoutContent ? undefined : fault(`A stream of ${events} events`)
}
