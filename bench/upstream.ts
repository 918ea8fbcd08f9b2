/**
 * A stand-in for OpenAI, as a process of its own: `node bench/upstream.ts [--pace <ms>]` prints `{"port": …}` and answers
 * POST /v1/chat/completions. No two answers are alike, and each carries the mark of its request, so that the load
 * generator can tell a mixed-up answer from a right one. A model named `paced-20-100` streams 100 pieces of content,
 * 20 ms apart; one named `wait-500` begins its answer after 500 ms.
 */
import { createServer, type ServerResponse } from 'node:http'
import { parseArgs } from 'node:util'
import { announce } from './children.ts'
import { passage, phrase } from './text.ts'

const { values } = parseArgs({ options: { pace: { type: 'string', default: '0' } } })

/** `ms` between two events of a stream, of which `contents` have content. At 0 all are written in one turn of the loop. */
interface Pace {
  readonly ms: number
  readonly contents: number
}

const usualPace: Pace = { ms: Number(values.pace), contents: 39 }
const created = 1_760_000_000
const markPattern = /\[call ([\w-]+)\]/

interface Asked {
  readonly model: string
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
}

interface Answer {
  readonly number: number
  readonly id: string
  readonly model: string
}

let answered = 0

const server = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    if (request.method !== 'POST' || !request.url?.startsWith('/v1/chat/completions')) {
      return response.writeHead(404).end()
    }
    const text = Buffer.concat(parts).toString()
    const { model, stream, stream_options } = JSON.parse(text) as Asked
    const number = ++answered
    const answer = { number, id: `chatcmpl-${markPattern.exec(text)?.[1] ?? number}`, model }
    if (stream) {
      const pace = paceOf(model)
      return sendEvents(response, events(answer, pace, stream_options?.include_usage === true), pace.ms)
    }
    const waitMs = waitOf(model)
    if (waitMs === 0) sendWhole(response, answer)
    else setTimeout(() => sendWhole(response, answer), waitMs)
  })
})

function paceOf(model: string): Pace {
  if (!model.startsWith('paced-')) return usualPace
  const [, ms, contents] = model.split('-').map(Number)
  return { ms: ms as number, contents: contents as number }
}

const waitOf = (model: string): number => (model.startsWith('wait-') ? Number(model.slice('wait-'.length)) : 0)

server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => announce(server))

function sendWhole(response: ServerResponse, answer: Answer): void {
  const body = whole(answer)
  response.writeHead(200, { ...headersOf(answer), 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
}

function sendEvents(response: ServerResponse, [first = '', ...rest]: readonly string[], paceMs: number): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  response.write(first)
  if (paceMs === 0) {
    for (const event of rest) {
      // Node holds back what is written in one turn and sends it as one; a provider sends each event by itself.
      response.socket?.uncork()
      response.write(event)
    }
    response.end()
    return
  }
  let next = 0
  const timer = setInterval(() => {
    response.write(rest[next++])
    if (next === rest.length) response.end()
  }, paceMs)
  response.on('close', () => clearInterval(timer))
}

function whole({ number, id, model }: Answer): string {
  return `{"id":"${id}","object":"chat.completion","created":${created + number},"model":"${model}","choices":[{"index":0,"message":{"role":"assistant","content":"${passage(number, 0, 52)}.","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":${usage(number)},"service_tier":"default","system_fingerprint":"fp_bench"}`
}

/** 43 with the usage, at the usual pace: role, content, finish, usage, [DONE]. */
function events({ number, id, model }: Answer, { contents }: Pace, withUsage: boolean): string[] {
  const head = `data: {"id":"${id}","object":"chat.completion.chunk","created":${created + number},"model":"${model}","service_tier":"default","system_fingerprint":"fp_bench","choices":[`
  const tail = withUsage ? '],"usage":null}\n\n' : ']}\n\n'
  const choice = (delta: string, finish: string) =>
    `${head}{"index":0,"delta":{${delta}},"logprobs":null,"finish_reason":${finish}}${tail}`

  const list = [choice('"role":"assistant","content":"","refusal":null', 'null')]
  for (let i = 0; i < contents; i++) list.push(choice(`"content":"${phrase(number, i)}"`, 'null'))
  list.push(choice('', '"stop"'))
  if (withUsage) list.push(`${head}],"usage":${usage(number)}}\n\n`)
  list.push('data: [DONE]\n\n')
  return list
}

function usage(number: number): string {
  const prompt = 480 + (number % 97)
  const completion = 150 + (number % 31)
  return `{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion},"prompt_tokens_details":{"cached_tokens":${(number % 4) * 64},"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`
}

function headersOf({ number }: Answer) {
  return { 'x-request-id': `req_${number}`, 'openai-processing-ms': '1', 'x-ratelimit-remaining-requests': '9999' }
}
