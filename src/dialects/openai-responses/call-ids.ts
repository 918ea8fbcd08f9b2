import type { Extra } from '../../core/chat.ts'
import { allowedId } from '../ids.ts'
import { isOwn } from './own.ts'

const longestId = 64

/** The id by which a call and its result find each other. Those of other providers may be too long. */
export const callIdOf = (id: string, extra: Extra | undefined): string =>
  isOwn(extra) ? id : allowedId(id, /^[\s\S]*$/, longestId)
