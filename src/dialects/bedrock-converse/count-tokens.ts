import type { ChatRequest } from '../../core/chat.ts'
import type { Counting } from '../dialect.ts'
import { countOf, fieldsOf, present } from '../values.ts'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'

/** CountTokens: the conversation as it would be sent, without what has nothing to do with its length. */
export const counting: Counting = {
  decodeRequest: (body, asked): ChatRequest => decodeRequest(fieldsOf(fieldsOf(body).input).converse ?? {}, asked),
  encodeRequest(request, abilities) {
    const { body, dropped } = encodeRequest(request, abilities)
    const { messages, system, toolConfig, additionalModelRequestFields } = body
    const converse = present({ messages, system, toolConfig, additionalModelRequestFields })
    return { body: { input: { converse } }, dropped }
  },
  decodeAnswer: (body) => countOf(fieldsOf(body).inputTokens),
  encodeAnswer: (inputTokens) => ({ inputTokens }),
}
