import type { Extra, Part, ReasoningPart, Seal } from '../../core/chat.ts'
import { type Fields, isFields, rowOf, stringOf } from '../values.ts'
import { own } from './finish.ts'

/** Where in a message thoughts stood: hosts have several fields for them, some of them at once. */
export type ThoughtsField = 'reasoning_content' | 'reasoning' | 'thinking'

/** What has to go back so that thoughts look as they came. */
export interface ThoughtsEcho {
  readonly field?: ThoughtsField
  /** True when `reasoning` had the same as `reasoning_content`. */
  readonly isTwice?: boolean
  /** The entry of `reasoning_details` without its text, and the one that held the seal. */
  readonly detail?: Fields
  readonly sealed?: Fields
  readonly closed?: boolean
}

export const echoing = (echo: object): Extra => ({ dialect: own, fields: {}, echo: echo as Fields })

export const echoOf = ({ extra }: { readonly extra?: Extra | undefined }): ThoughtsEcho | undefined =>
  extra?.dialect === own ? extra.echo : undefined

/** The formats of OpenRouter's `reasoning_details`, and to whom the seals in them belong. */
const owners: Readonly<Record<string, string>> = {
  'anthropic-claude-v1': 'anthropic',
  'google-gemini-v1': 'gemini',
  'openai-responses-v1': 'openai',
}

const formats: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(owners).map(([format, owner]) => [owner, format]),
)

/** Clients that leave out the format mean Anthropic's by a signature, which is OpenRouter's default. */
export function sealOf({ format, signature, data }: Fields): Seal | undefined {
  const value = stringOf(signature) || stringOf(data)
  if (!value) return undefined
  if (!format && stringOf(signature)) return { by: 'anthropic', value }
  return { by: rowOf(owners, format) ?? 'openrouter', value }
}

/** Whether plain text is not enough to tell the thoughts. */
export const needsDetails = (parts: readonly Part[]): boolean =>
  parts.some((part) => {
    const echo = echoOf(part)
    if (echo?.detail || echo?.sealed) return true
    return part.kind === 'reasoning' ? part.seal !== undefined : part.kind === 'opaque' && isDetail(part.value)
  })

const contents = new Set(['text', 'summary', 'signature', 'data'])

/** An entry without what it says. */
export const shellOf = (detail: Fields): Fields =>
  Object.fromEntries(Object.entries(detail).filter(([name]) => !contents.has(name)))

/** The thoughts of a message as `reasoning_details`, those with a seal on a text or a call among them. */
export function detailsOf(parts: readonly Part[], takes: (seal: Seal) => boolean, first = 0): readonly Fields[] {
  const details: Fields[] = []
  for (const part of parts) {
    if (part.kind === 'reasoning') pushThought(part, takes, first, details)
    else if ((part.kind === 'text' || part.kind === 'tool-call') && part.seal && takes(part.seal)) {
      const { sealed } = echoOf(part) ?? {}
      if (sealed) details.push({ ...sealed, data: part.seal.value })
    } else if (part.kind === 'opaque' && isDetail(part.value)) details.push(part.value)
  }
  return details
}

export const isDetail = (value: unknown): value is Fields =>
  isFields(value) && typeof value.type === 'string' && value.type.startsWith('reasoning.')

function pushThought(part: ReasoningPart, takes: (seal: Seal) => boolean, first: number, details: Fields[]): void {
  const echo = echoOf(part)
  const { detail, sealed } = echo ?? {}
  // It came as plain text beside others that did not.
  if (echo && !detail && !sealed && !part.seal) return
  const seal = part.seal && takes(part.seal) ? part.seal : undefined
  const format = seal && rowOf(formats, seal.by)
  const isSigned = seal !== undefined && !sealed && !part.redacted && (detail ? true : seal.by === 'anthropic')
  const common = { ...(format && { format }), index: first + details.length }
  if (!part.redacted) {
    const type = part.form === 'summary' ? 'reasoning.summary' : 'reasoning.text'
    details.push({
      ...(detail ?? { type, ...common }),
      [(detail?.type ?? type) === 'reasoning.summary' ? 'summary' : 'text']: part.text,
      ...(isSigned && { signature: seal.value }),
    })
  }
  if (!seal || isSigned) return
  const id = part.id === undefined ? {} : { id: part.id }
  details.push({ ...(sealed ?? detail ?? { type: 'reasoning.encrypted', ...id, ...common }), data: seal.value })
}
