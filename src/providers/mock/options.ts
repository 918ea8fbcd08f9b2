import { GatewayError } from '../../core/error.ts'
import { nearest } from '../../core/nearest.ts'

/** What a value has to be, and how that is said to who sent another. */
interface Kind<T> {
  readonly words: string
  readonly is: (value: unknown) => value is T
}

/** A call that the mock is told to make. Arguments that are text go out as they are, valid JSON or not. */
interface GivenCall {
  readonly name: string
  readonly arguments?: string | object
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const whole = (least: number, most: number, unit = ''): Kind<number> => ({
  words: `a whole number${unit} from ${least} to ${most}`,
  is: (value): value is number => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
})

const oneOf = <const T>(...values: readonly T[]): Kind<T> => ({
  words: values.map((value) => JSON.stringify(value)).join(' or '),
  is: (value): value is T => values.includes(value as T),
})

const either = <A, B>(a: Kind<A>, b: Kind<B>): Kind<A | B> => ({
  words: `${a.words}, or ${b.words}`,
  is: (value): value is A | B => a.is(value) || b.is(value),
})

const text: Kind<string> = { words: 'a string', is: (value): value is string => typeof value === 'string' }
const truth = oneOf(true, false)
const anHour = 3_600_000
const pause = whole(0, anHour, ' of milliseconds')
const place = either(whole(0, Number.MAX_SAFE_INTEGER), oneOf('middle'))

const calls: Kind<readonly GivenCall[]> = {
  words: 'a list of calls, each with a `name` and, as a string or an object, its `arguments`',
  is: (value): value is readonly GivenCall[] => Array.isArray(value) && value.every(isCall),
}

const isCall = (value: unknown): boolean =>
  isObject(value) &&
  typeof value.name === 'string' &&
  ['string', 'object', 'undefined'].includes(typeof value.arguments) &&
  Object.keys(value).every((key) => key === 'name' || key === 'arguments')

/** Every key that the request's `mock` may have. docs/mock.md says what each does. */
const fields = {
  text,
  reasoning: text,
  tool_calls: calls,
  parallel: truth,
  finish_reason: either(text, oneOf(null)),
  usage: truth,
  delay_ms: pause,
  chunk_ms: pause,
  chunk_words: whole(1, 10_000),
  slow_bytes_ms: pause,
  status: whole(200, 599),
  message: text,
  retry_after: whole(0, 86_400, ' of seconds'),
  refuse: truth,
  hang: oneOf('head', 'body'),
  cut_after: place,
  error_after: place,
  malformed: truth,
} satisfies Record<string, Kind<unknown>>

type Field = keyof typeof fields

export type MockOptions = {
  readonly [F in Field]?: (typeof fields)[F] extends Kind<infer T> ? T : never
}

export const optionNames = Object.keys(fields) as readonly Field[]

/** The request's `mock`, checked: an option that is misspelt must not look like one that does nothing. */
export function readOptions(written: unknown): MockOptions {
  if (written === undefined || written === null) return {}
  if (!isObject(written)) throw wrong('mock', '`mock` must be an object with options.', 'invalid_type')
  for (const [name, value] of Object.entries(written)) {
    const kind = Object.hasOwn(fields, name) ? fields[name as Field] : undefined
    const param = `mock.${name}`
    if (!kind) throw wrong(param, `There is no option \`${param}\`.${suggestion(name)}`, 'unknown_parameter')
    if (!kind.is(value)) throw wrong(param, `\`${param}\` must be ${kind.words}.`, 'invalid_value')
  }
  return written
}

function suggestion(name: string): string {
  const near = nearest(name, optionNames)
  return near === undefined ? ` The options are: ${optionNames.join(', ')}.` : ` Did you mean \`mock.${near}\`?`
}

const wrong = (param: string, message: string, openaiCode: string): GatewayError =>
  new GatewayError('bad_request', message, { param, openaiCode })
