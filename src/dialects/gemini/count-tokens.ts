import type { ChatRequest } from '../../core/chat.ts'
import { type ObjectScan, scanObject } from '../../core/json-scan.ts'
import type { Abilities, Asked, EncodedRequest } from '../dialect.ts'
import { changed } from '../request-body.ts'
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
    model: inCollection(request.model),
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

/** The body names the model only in a request inside, where it has to be that of the address. */
export function editCountTokens(
  body: Buffer,
  { members }: ObjectScan,
  { asked, model }: { readonly asked: string; readonly model: string },
): Buffer {
  const inner = members.get('generateContentRequest') ?? members.get('generate_content_request')
  if (!inner || asked === model) return body
  const name = scanObject(body.subarray(inner.start, inner.end))?.members.get('model')
  if (!name) return body
  const place = { start: inner.start + name.start, end: inner.start + name.end }
  return changed(body, [{ ...place, text: JSON.stringify(inCollection(model)) }])
}

const inCollection = (model: string): string => (model.startsWith('models/') ? model : `models/${model}`)

export const readTokenCount = (body: unknown): number | undefined => countOf(named(fieldsOf(body)).totalTokens)

export const encodeTokenCount = (totalTokens: number): Fields => ({ totalTokens })
