import { createHash } from 'node:crypto'

/**
 * Ids of tool calls that we made because the provider gave none. They never go back to a provider as its own: one that
 * names no calls does not know them.
 */
const madePrefix = 'call_tl'

export const madeCallId = (letters: string): string => `${madePrefix}${letters}`
export const isMadeCallId = (id: string): boolean => id.startsWith(madePrefix)

/** An id in letters that the target allows, always the same for the same id and another for another. */
export function allowedId(id: string, allowed: RegExp, longest: number): string {
  if (id.length <= longest && allowed.test(id)) return id
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 16)
  const readable = id.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, longest - hash.length - 1)
  return `${readable}_${hash}`.slice(-longest)
}

/** Nine letters and digits, as Mistral wants them: the same for the same id. */
export const nineLetters = (id: string): string =>
  /^[a-zA-Z0-9]{9}$/.test(id) ? id : createHash('sha256').update(id).digest('hex').slice(0, 9)

/** An answer's id with the prefix that clients of the dialect look for, from whatever the provider called it. */
export function answerId(prefix: string, id: string | undefined, newId: () => string): string {
  if (!id) return `${prefix}${newId()}`
  return id.startsWith(prefix) ? id : `${prefix}${id.replace(/^(chatcmpl-|chatcmpl_|msg_|resp_)/, '')}`
}
