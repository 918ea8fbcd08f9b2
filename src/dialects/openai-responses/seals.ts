import type { ReasoningPart, Seal } from '../../core/chat.ts'
import { madePrefix } from './own.ts'

/**
 * Whoever speaks this dialect keeps `encrypted_content` and sends it back, so other providers' seals travel in it, marked
 * as theirs.
 */
const mark = 'trunkline.seal.'

/**
 * Whether a request holds thoughts that were not told in this dialect, by their seals or by the ids that we gave them: it
 * cannot go to who speaks it as it is.
 */
export const hasForeignThoughts = (body: Buffer): boolean => body.includes(`"${mark}`) || body.includes(madeThought)

const madeThought = `"${madePrefix('rs')}`

/** Whose seal `encrypted_content` holds when it has no mark. */
const ownSeals = 'openai'

export interface CarriedSeal {
  /** Absent of thoughts that nobody sealed: clients leave out what has no `encrypted_content` at all. */
  readonly seal?: Seal
  /** What else there is to know of thoughts that another provider sealed. */
  readonly thought?: Pick<ReasoningPart, 'id' | 'form' | 'redacted'>
  /** The seal belongs to a call with this id or, if empty, to the text before it; not to thoughts. */
  readonly to?: string
}

export function sealText({ seal, thought, to }: CarriedSeal): string {
  if (seal?.by === ownSeals && to === undefined && thought?.id === undefined) return seal.value
  const { form, id = '', redacted } = thought ?? {}
  const kind = to !== undefined ? 'a' : redacted ? 'r' : form === 'summary' ? 's' : form === 'text' ? 'x' : 't'
  return `${mark}${kind}.${word(seal?.by ?? '')}.${word(to ?? id)}.${seal?.value ?? ''}`
}

export function carriedSeal(written: string): CarriedSeal {
  const found = written.startsWith(mark) ? /^(\w)\.([\w-]*)\.([\w-]*)\./.exec(written.slice(mark.length)) : undefined
  if (!found) return { seal: { by: ownSeals, value: written } }
  const [head, kind, by = '', name = ''] = found
  const sealed = by === '' ? {} : { seal: { by: unword(by), value: written.slice(mark.length + head.length) } }
  if (kind === 'a') return { ...sealed, to: unword(name) }
  const id = unword(name)
  const form = kind === 's' ? 'summary' : kind === 'x' ? 'text' : undefined
  return {
    ...sealed,
    thought: { ...(id !== '' && { id }), ...(form && { form }), ...(kind === 'r' && { redacted: true }) },
  }
}

/** Without dots, which part the words. */
const word = (text: string): string => Buffer.from(text, 'utf8').toString('base64url')
const unword = (text: string): string => Buffer.from(text, 'base64url').toString('utf8')
