import type { Message, Part } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import { nearest } from '../../core/nearest.ts'
import type { MockOptions } from './options.ts'
import type { MockRequest } from './request.ts'

export interface MockModel {
  /** For the catalogue and the docs. */
  readonly description: string
  readonly text: (request: MockRequest) => string
  readonly reasoning?: (request: MockRequest) => string
  /** It calls a tool whenever it may, until it has a result. */
  readonly callsTools?: true
  /** What it does without being told; the request's own `mock` is laid over it. */
  readonly options?: MockOptions
}

const nothingSaid = 'There is no text in a user message to echo.'

/** The text of the last user message. */
function echo({ messages }: MockRequest): string {
  const said = messages.findLast(({ role }) => role === 'user')
  return (said && textOf(said.parts)) || nothingSaid
}

const textOf = (parts: readonly Part[]): string =>
  parts
    .filter((part) => part.kind === 'text')
    .map(({ text }) => text)
    .join('\n')

const lorem = () => loremText

const loremText = `Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat. Duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore eu fugiat nulla pariatur. Excepteur sint occaecat cupidatat non proident, sunt in culpa qui officia deserunt mollit anim id est laborum.

Sed ut perspiciatis unde omnis iste natus error sit voluptatem accusantium doloremque laudantium, totam rem aperiam, eaque ipsa quae ab illo inventore veritatis et quasi architecto beatae vitae dicta sunt explicabo. Nemo enim ipsam voluptatem quia voluptas sit aspernatur aut odit aut fugit, sed quia consequuntur magni dolores eos qui ratione voluptatem sequi nesciunt. Neque porro quisquam est, qui dolorem ipsum quia dolor sit amet, consectetur, adipisci velit.

At vero eos et accusamus et iusto odio dignissimos ducimus qui blanditiis praesentium voluptatum deleniti atque corrupti quos dolores et quas molestias excepturi sint occaecati cupiditate non provident, similique sunt in culpa qui officia deserunt mollitia animi, id est laborum et dolorum fuga. Et harum quidem rerum facilis est et expedita distinctio. Nam libero tempore, cum soluta nobis est eligendi optio cumque nihil impedit quo minus id quod maxime placeat facere possimus, omnis voluptas assumenda est.`

/** The results that stand last in the conversation, each with the name of the tool that gave it. */
function results({ messages }: MockRequest): string {
  const last = resultsAtEnd(messages)
  if (last.length === 0) return 'No tool was called: the request offers none that may be.'
  const names = new Map(
    messages.flatMap(({ parts }) => parts).flatMap((part) => (part.kind === 'tool-call' ? [[part.id, part.name]] : [])),
  )
  const told = last
    .flatMap(({ parts }) => parts)
    .map((part) =>
      part.kind === 'tool-result' ? `${names.get(part.callId) || part.callId}: ${textOf(part.parts)}` : '',
    )
  return `The tools answered. ${told.join('; ')}`
}

export const resultsAtEnd = (messages: readonly Message[]): readonly Message[] =>
  messages.slice(messages.findLastIndex(({ role }) => role !== 'tool') + 1)

const thoughts = (request: MockRequest): string =>
  `The user wants to hear back: "${echo(request)}" Nothing speaks against it, so I will say just that.`

/** An object that has the user's text, for who asks for JSON and not for a schema. */
export const smallObject = (request: MockRequest): string => JSON.stringify({ mock: true, text: echo(request) })

const refused = (status: number, options: MockOptions = {}): MockModel => ({
  description: `Answers every call with status ${status} and OpenAI's error body.`,
  text: echo,
  options: { status, ...options },
})

const faulty = (description: string, options: MockOptions): MockModel => ({ description, text: echo, options })

/** Every model of the mock, by its name after `mock/`. To add one, add a row, and its line in docs/mock.md. */
const models = {
  echo: { description: 'Says back the text of the last user message.', text: echo },
  lorem: { description: 'Says a fixed text of about 200 words.', text: lorem },
  tools: {
    description: 'Calls the first tool that is offered; once it has a result, says what the result was.',
    text: results,
    callsTools: true,
  },
  reasoning: {
    description: 'Thinks first, in `reasoning_content`, then does as mock/echo.',
    text: echo,
    reasoning: thoughts,
  },
  json: {
    description: 'Answers with a JSON object, or an instance of the schema that is asked for.',
    text: smallObject,
  },
  'error-400': refused(400),
  'error-401': refused(401),
  'error-403': refused(403),
  'error-404': refused(404),
  'error-429': refused(429, { retry_after: 1 }),
  'error-500': refused(500),
  'error-503': refused(503),
  delay: faulty('Waits two seconds before it begins to answer.', { delay_ms: 2000 }),
  slow: faulty('Sends one byte every two milliseconds.', { slow_bytes_ms: 2 }),
  hang: faulty('Takes the call and never answers.', { hang: 'head' }),
  'hang-stream': faulty('Falls silent in the middle of its answer.', { hang: 'body' }),
  cut: faulty('The connection breaks in the middle of its answer.', { cut_after: 'middle' }),
  refuse: faulty('Does not accept the connection.', { refuse: true }),
  malformed: faulty('Sends a broken event in the middle of a stream, or half of a whole answer.', { malformed: true }),
  'error-stream': faulty('Sends an error event in the middle of a stream; a whole answer is a 500.', {
    error_after: 'middle',
  }),
  'no-usage': faulty('Does not report usage, even when asked to.', { usage: false }),
  'no-finish': faulty('Ends without a finish reason and, in a stream, without [DONE].', { finish_reason: null }),
} satisfies Record<string, MockModel>

export const modelNames: readonly string[] = Object.keys(models)

const prefix = 'mock/'

/** As the catalogue shows them. */
export const fullNames: readonly string[] = modelNames.map((name) => prefix + name)

export function modelNamed(asked: string): MockModel {
  const name = asked.startsWith(prefix) ? asked.slice(prefix.length) : asked
  if (Object.hasOwn(models, name)) return models[name as keyof typeof models]
  const near = nearest(name, modelNames)
  const hint = near === undefined ? `The models are: ${fullNames.join(', ')}.` : `Did you mean ${prefix}${near}?`
  throw new GatewayError('model_not_found', `The mock has no model \`${asked}\`. ${hint}`, { param: 'model' })
}
