import { extrasOf } from '../extras.ts'

export const dialectName = 'ollama'

export const { extraOf, restOf, ownFields, ownEcho, sayForeign } = extrasOf(dialectName)
