import { invalid } from '../request-body.ts'
import { type Fields, isFields, listOf } from '../values.ts'
import { itemId, placeOfItem } from './own.ts'

/** An answer that was kept, and all that was said before it. */
export interface StoredResponse {
  readonly id: string
  /** As the client got it. */
  readonly response: Fields
  /** The items that led to it, as they can be listed. */
  readonly input: readonly Fields[]
}

/** The beginning of ids of answers that we keep. */
export const responseIdPrefix = 'resp_tl_'
export const isOurResponseId = (id: string): boolean => id.startsWith(responseIdPrefix)

/** The items of a request as a client may list them: none in the short form, each with an id. */
export const inputItemsOf = ({ input }: Fields): readonly Fields[] => {
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : listOf(input)
  return items.map((item, index) => listedItem(item, index))
}

const prefixes: Readonly<Record<string, string>> = {
  message: 'msg',
  reasoning: 'rs',
  function_call: 'fc',
  function_call_output: 'fco',
  custom_tool_call: 'ctc',
  custom_tool_call_output: 'ctco',
}

function listedItem(item: Fields, index: number): Fields {
  const isMessage = item.type === 'message' || (item.type === undefined && item.role !== undefined)
  const type = isMessage ? 'message' : typeof item.type === 'string' ? item.type : 'item_reference'
  const prefix = Object.hasOwn(prefixes, type) ? prefixes[type] : 'item'
  const id = typeof item.id === 'string' && item.id !== '' ? item.id : itemId(prefix as string, 'in', index)
  const said = { ...item, id, type }
  if (!isMessage) return said
  const contentType = item.role === 'assistant' ? 'output_text' : 'input_text'
  const content =
    typeof item.content === 'string'
      ? [{ type: contentType, text: item.content, ...noAnnotations(contentType) }]
      : item.content
  return { status: 'completed', ...said, content: content ?? [] }
}

const noAnnotations = (type: string): Fields => (type === 'output_text' ? { annotations: [] } : {})

/**
 * The request with all that was said before it, so that it needs no state. Instructions are those of the request alone:
 * earlier ones do not go on.
 */
export function continued(previous: StoredResponse, body: Fields): Fields {
  const { previous_response_id: _, input, ...rest } = body
  const output = listOf(previous.response.output)
  const added = typeof input === 'string' ? [{ role: 'user', content: input }] : listOf(input)
  const known = new Map([...previous.input, ...output].map((item) => [item.id, item]))
  return { ...rest, input: [...previous.input, ...output, ...added.map((item) => resolved(item, known))] }
}

/** A reference to what was said before, in the place of the item itself. */
const resolved = (item: Fields, known: ReadonlyMap<unknown, Fields>): Fields =>
  isReference(item) ? (known.get(item.id) ?? item) : item

const isReference = ({ type, role }: Fields): boolean =>
  type === 'item_reference' || (type === undefined && role === undefined)

/** The kept responses whose items a request refers to, each once. */
export function referredResponses({ input }: Fields): readonly string[] {
  const ids = listOf(input).filter(isReference).map(responseOf)
  return [...new Set(ids.filter((id) => id !== undefined))]
}

const responseOf = ({ id }: Fields): string | undefined => {
  const base = placeOfItem(id)
  return base === undefined ? undefined : `${responseIdPrefix}${base}`
}

/** The request with the items themselves in place of references to what these responses said, or were asked. */
export function dereferenced(body: Fields, responses: readonly StoredResponse[]): Fields {
  const items = responses.flatMap(({ input, response }) => [...input, ...listOf(response.output)])
  const known = new Map(items.map((item) => [item.id, item]))
  return { ...body, input: listOf(body.input).map((item) => resolved(item, known)) }
}

/** Only the provider that keeps an item can look it up: for every other the item itself is needed. */
export function refuseReferences({ input }: Fields): void {
  if (!Array.isArray(input)) return
  const at = input.findIndex((item) => isFields(item) && isReference(item))
  if (at < 0) return
  throw invalid(
    `input[${at}]`,
    `\`input[${at}]\` refers to an item that is kept elsewhere. Send the item itself, or go on with \`previous_response_id\`.`,
  )
}
