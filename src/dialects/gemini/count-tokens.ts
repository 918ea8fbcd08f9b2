import type { ChatRequest } from '../../core/chat.ts'
import type { Abilities, Asked, EncodedRequest } from '../dialect.ts'
import { countOf, type Fields, fieldsOf, isFields } from '../values.ts'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'
import { named } from './wire.ts'

/** What counts beside the contents goes with a whole request inside, which names its model once more. */
export function countTokensRequest(request: ChatRequest, abilities: Abilities): EncodedRequest {
  const { body, dropped } = encodeRequest(request, abilities)
  const { contents, systemInstruction, tools, toolConfig } = body
  if (systemInstruction === undefined && tools === undefined) return { body: { contents }, dropped }
  const inner = {
    model: request.model.startsWith('models/') ? request.model : `models/${request.model}`,
    contents,
    ...(systemInstruction !== undefined && { systemInstruction }),
    ...(tools !== undefined && { tools }),
    ...(toolConfig !== undefined && { toolConfig }),
  }
  return { body: { generateContentRequest: inner }, dropped }
}

/** A client asks with contents, or with a whole request inside. */
export function decodeCountTokens(body: unknown, asked: Asked): ChatRequest {
  const wire = named(fieldsOf(body))
  return decodeRequest(isFields(wire.generateContentRequest) ? wire.generateContentRequest : body, asked)
}

export const readTokenCount = (body: unknown): number | undefined => countOf(named(fieldsOf(body)).totalTokens)

export const encodeTokenCount = (totalTokens: number): Fields => ({ totalTokens })
