import type { RequestContext, RequestEdits, RequestFacts } from '../dialect.ts'
import { type BodyRules, invalid, kindOf, parseBody, readBody, refuseNotYet } from '../request-body.ts'
import { type Fields, isFields } from '../values.ts'
import { carriedMark, isCarried } from './seals.ts'
import { manyOf, named } from './wire.ts'

const rules: BodyRules = {
  wanted: 'Send a JSON object with `contents`.',
  read: ['contents', 'generateContentRequest'],
  large: 'contents',
}

/** The model, and whether it is to stream, stand in the address. */
export function readRequest(body: Buffer, context: RequestContext, onModel: (model: string) => void): RequestFacts {
  const { model, stream } = context.asked ?? { model: '', stream: false }
  if (model.trim() === '')
    throw invalid(
      'model',
      'The address names no model. Send to a path such as models/gemini-2.5-flash:generateContent.',
    )
  onModel(model)
  const { fields, scan } = readBody(body, context, rules)
  checkContents(fields)
  refuseNotYet(scan)
  return { model, stream, asksUsage: true, scan }
}

function checkContents({ contents, generateContentRequest }: Fields): void {
  if (contents === undefined && generateContentRequest === undefined)
    throw invalid('contents', '`contents` is missing. Send a list of contents, each with `role` and `parts`.')
  if (contents !== undefined && !Array.isArray(contents) && !isFields(contents))
    throw invalid('contents', `\`contents\` must be a list, not ${kindOf(contents)}.`)
}

/**
 * The client's bytes as they came: the model is in the address. But thoughts that another provider sealed, and that the
 * client brought back, are none of Google's business.
 */
export function editRequest(body: Buffer, _facts: RequestFacts, _edits: RequestEdits): Buffer {
  return body.includes(carriedMark) ? withoutCarried(body) : body
}

function withoutCarried(body: Buffer): Buffer {
  const request = parseBody(body)
  if (!isFields(request)) return body
  const contents = manyOf(request.contents).map((content) => {
    const parts = manyOf(content.parts).filter((part) => !isCarried(named(part).thoughtSignature))
    return { ...content, parts }
  })
  return Buffer.from(JSON.stringify({ ...request, contents: contents.filter(({ parts }) => parts.length > 0) }))
}
