import type { Part, ReasoningPart, Seal } from '../../core/chat.ts'
import { type Block, sealedBy } from './wire.ts'

/**
 * Thoughts of another provider go to a client in a `thinking` block whose signature says whose they are and holds their
 * seal, so that the client itself brings them back. Claude would refuse such a signature.
 */
export const mark = 'trunkline:'

/** Whether a request holds thoughts or citations that are not Claude's: it cannot go to Claude as it is. */
export const hasForeignParts = (body: Buffer): boolean => body.includes(`"${mark}`)

type Sealed = Pick<ReasoningPart, 'seal' | 'id' | 'form'>

/** A signature for thoughts: Claude's own, or one that keeps another provider's seal, id and form. */
export const signatureOf = ({ seal, id, form }: Sealed): string =>
  seal?.by === sealedBy ? seal.value : marked(seal, encodeURIComponent((id ?? '').toWellFormed()), form ?? '')

const marked = (seal: Seal | undefined, place: string, form: string): string =>
  `${mark}${seal ? encodeURIComponent(seal.by.toWellFormed()) : ''}:${place}:${form}:${seal?.value ?? ''}`

/** What a signature says of the thoughts that it stands with. */
export function sealOf(signature: unknown): Sealed {
  if (typeof signature !== 'string' || signature === '') return {}
  if (!signature.startsWith(mark)) return { seal: { by: sealedBy, value: signature } }
  const [by = '', id = '', form = ''] = signature.slice(mark.length).split(':', 3)
  const value = signature.slice(mark.length + by.length + id.length + form.length + 3)
  return {
    ...(id !== '' && { id: decoded(id) }),
    ...(by !== '' && { seal: { by: decoded(by), value } }),
    ...((form === 'summary' || form === 'text') && { form }),
  }
}

/**
 * Where a seal belongs that is not on thoughts, for which this dialect has no field: it goes in a block of hidden thoughts
 * of its own, before its call or behind its text, or in place of a text that is nothing but the seal. No id looks so.
 */
type SealPlace = '>' | '<' | '='

export const sealBlock = (seal: Seal, place: SealPlace): Block => ({
  type: 'redacted_thinking',
  data: marked(seal, place, ''),
})

/** The parts with the seals again where they belong. */
export function rejoined(parts: readonly Part[]): readonly Part[] {
  if (!parts.some(isSealAlone)) return parts
  const out: Part[] = []
  let next: Seal | undefined
  for (const part of parts) {
    if (!isSealAlone(part)) {
      out.push(next && part.kind === 'tool-call' ? { ...part, seal: next } : part)
      next = undefined
    } else if (part.id === '>') next = part.seal
    else if (part.id === '=') out.push({ kind: 'text', text: '', seal: part.seal })
    else {
      const before = out.at(-1)
      if (before?.kind === 'text') out[out.length - 1] = { ...before, seal: part.seal }
    }
  }
  return out
}

const isSealAlone = (part: Part): part is ReasoningPart & { readonly seal: Seal } =>
  part.kind === 'reasoning' && part.redacted === true && part.seal !== undefined && /^[<=>]$/.test(part.id ?? '')

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
