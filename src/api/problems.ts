import { z } from '@hono/zod-openapi'
import { type ErrorDetails, GatewayError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'

type Problems = NonNullable<ErrorDetails['problems']>
type Issue = z.core.$ZodIssue

/** The schema of every error of the API. */
export const ErrorBody = z
  .strictObject({
    error: z.strictObject({
      code: z.string().openapi({ description: 'What to switch on.', example: 'not_found' }),
      message: z.string().openapi({ description: 'What is wrong, and the way out.' }),
      param: z.string().optional().openapi({ description: 'The field, parameter or header at fault.' }),
      details: z
        .array(z.strictObject({ param: z.string(), message: z.string() }))
        .optional()
        .openapi({ description: 'Each thing that is wrong, where there are several.' }),
    }),
  })
  .openapi('Error')

/** How many of the things that are wrong are told. */
const mostProblems = 20

/** A request that does not fit its schema, in words. No message has a value of the request, since any may be a secret. */
export function misfit(schema: z.ZodType, issues: readonly Issue[], where: string): GatewayError {
  const all = issues.flatMap((issue) => problemsOf(schema, issue, where)).slice(0, mostProblems)
  return badRequest(all)
}

export function badRequest(problems: Problems): GatewayError {
  const [first] = problems
  return new GatewayError('bad_request', first?.message ?? 'The request is not what this takes.', {
    ...(first && first.param !== '' && { param: first.param }),
    ...(problems.length > 1 && { problems }),
  })
}

/** One field that is at fault for a reason that its schema does not know. */
export const wrongField = (param: string, is: string): GatewayError =>
  badRequest([{ param, message: `${JSON.stringify(param)} ${is}.` }])

function problemsOf(schema: z.ZodType, issue: Issue, where: string): Problems {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(schema, path)
    return issue.keys.map((key) => {
      const name = shown(key)
      const meant = nearest(key, known)
      const rest =
        meant !== undefined
          ? ` Did you mean ${JSON.stringify(meant)}?`
          : known.length > 0
            ? ` It takes ${known.join(', ')}.`
            : ' It takes none.'
      return {
        param: shown([...path, key].join('.')),
        message: `${inPlace(path, where)} has no field ${JSON.stringify(name)}.${rest}`,
      }
    })
  }
  const param = shown(path.join('.'))
  const subject = path.length === 0 ? capital(where) : JSON.stringify(param)
  return [{ param, message: `${subject} ${inWords(issue)}.` }]
}

function inWords(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined && isMissing(issue)
        ? 'is missing'
        : `must be ${typeNames[issue.expected] ?? issue.expected}`
    case 'too_small':
      if (issue.origin === 'string')
        return issue.minimum === 1 ? 'must not be empty' : `must have at least ${issue.minimum} characters`
      if (issue.origin === 'array') return `must have at least ${issue.minimum} of them`
      return `must be at least ${issue.minimum}`
    case 'too_big':
      if (issue.origin === 'string') return `must have at most ${issue.maximum} characters`
      if (issue.origin === 'array') return `must have at most ${issue.maximum} of them`
      return `must be at most ${issue.maximum}`
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'invalid_format':
    case 'custom':
      return issue.message
    case 'invalid_union':
      return unionInWords(issue.errors)
    default:
      return 'is not what this takes'
  }
}

/** Of the ways in which a value could have fitted, the one of which most was right says what is wrong. */
function unionInWords(errors: readonly (readonly Issue[])[]): string {
  const words = errors.flatMap(([first]) => (first && first.path.length === 0 ? [inWords(first)] : []))
  return [...new Set(words)].join(', or ') || 'is not what this takes'
}

const isMissing = (issue: Issue): boolean => issue.message.endsWith('received undefined')

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  null: 'null',
  nonoptional: 'given',
}

const inPlace = (path: readonly string[], where: string): string =>
  path.length === 0 ? capital(where) : JSON.stringify(shown(path.join('.')))

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

/** A name that somebody else has chosen, as far as a message needs it. */
const shown = (name: string): string => name.slice(0, 64).toWellFormed()

/** The fields that an object of the schema may have at a place. */
function fieldsAt(schema: z.ZodType, path: readonly string[]): readonly string[] {
  let here: unknown = unwrapped(schema)
  for (const step of path) {
    if (here instanceof z.ZodObject) here = unwrapped(here.shape[step])
    else if (here instanceof z.ZodArray) here = unwrapped(here.element)
    else if (here instanceof z.ZodRecord) here = unwrapped(here.valueType)
    else return []
  }
  return here instanceof z.ZodObject ? Object.keys(here.shape) : []
}

function unwrapped(schema: unknown): unknown {
  let here = schema
  while (here instanceof z.ZodOptional || here instanceof z.ZodNullable) here = here.unwrap()
  return here
}
