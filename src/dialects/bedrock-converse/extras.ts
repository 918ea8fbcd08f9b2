import { extrasOf } from '../extras.ts'

export const dialectName = 'bedrock-converse'

export const { extraOf, restOf, ownFields, ownEcho, sayForeign } = extrasOf(dialectName)
