import type { ReasoningPart, Seal } from '../../core/chat.ts'
import { stringOf } from '../values.ts'
import { own } from './wire.ts'

/** How the base64 of what we carry begins: `{"tl":1,`. */
export const carriedMark = 'eyJ0bCI6MS'

/**
 * A seal in the field that Google's clients bring back. Another provider's seal travels with its owner's name, so that
 * it never reaches Google and finds its way home.
 */
export function signatureOf(seal: Seal, thought?: ReasoningPart): string {
  if (seal.by === own) return seal.value
  const carried = {
    tl: 1,
    by: seal.by,
    value: seal.value,
    ...(thought?.id !== undefined && { id: thought.id }),
    ...(thought?.form !== undefined && { form: thought.form }),
    ...(thought?.redacted && { redacted: true }),
  }
  return Buffer.from(JSON.stringify(carried)).toString('base64')
}

export interface ReadSeal {
  readonly seal: Seal
  /** What else its thought was, if another provider sealed it. */
  readonly thought?: Pick<ReasoningPart, 'id' | 'form' | 'redacted'>
}

export function sealOf(signature: unknown): ReadSeal | undefined {
  if (typeof signature !== 'string' || signature === '') return undefined
  return carriedSeal(signature) ?? { seal: { by: own, value: signature } }
}

export const isCarried = (signature: unknown): boolean =>
  typeof signature === 'string' && carriedSeal(signature) !== undefined

function carriedSeal(signature: string): ReadSeal | undefined {
  if (!signature.startsWith(carriedMark)) return undefined
  try {
    const { by, value, id, form, redacted } = JSON.parse(Buffer.from(signature, 'base64').toString('utf8'))
    if (typeof by !== 'string' || typeof value !== 'string') return undefined
    const known = stringOf(id)
    return {
      seal: { by, value },
      thought: {
        ...(known !== undefined && { id: known }),
        ...((form === 'summary' || form === 'text') && { form }),
        ...(redacted === true && { redacted }),
      },
    }
  } catch {
    return undefined
  }
}
