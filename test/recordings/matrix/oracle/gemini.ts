import { type Oracle, type Said, type SaidChoice, type SaidFinish, uniqueLinks, type WireEvent } from './said.ts'
import { isObj, list, num, obj, str, type Tree } from './tree.ts'

const finishes: Readonly<Record<string, SaidFinish>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  LANGUAGE: 'content_filter',
  BLOCKLIST: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  SPII: 'content_filter',
  IMAGE_SAFETY: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter',
  IMAGE_RECITATION: 'content_filter',
  IMAGE_OTHER: 'content_filter',
  MALFORMED_FUNCTION_CALL: 'malformed',
  UNEXPECTED_TOOL_CALL: 'malformed',
  TOO_MANY_TOOL_CALLS: 'malformed',
  MALFORMED_RESPONSE: 'malformed',
}

function choiceOf(candidate: Tree): SaidChoice {
  const parts = list(obj(candidate.content).parts)
  const calls = parts.filter(({ functionCall }) => isObj(functionCall)).map(({ functionCall }) => obj(functionCall))
  const texts = (isThought: boolean) =>
    parts
      .filter(({ thought }) => (thought === true) === isThought)
      .map(({ text }) => str(text))
      .join('')
  // A number where the host was asked for numbers in place of names: 1 is STOP.
  const native = candidate.finishReason === 1 ? 'STOP' : str(candidate.finishReason)
  const finish = native ? (finishes[native] ?? 'other') : 'none'
  return {
    text: texts(false),
    refusal: '',
    reasoning: texts(true),
    calls: calls.map(({ name, args }) => ({ name: str(name), args })),
    finish: finish === 'stop' && calls.length > 0 ? 'tool_calls' : finish,
    links: linksOf(candidate),
    quotes: quotesOf(candidate, parts),
    tokens: list(obj(candidate.logprobsResult).chosenCandidates).map(({ token, logProbability }) => ({
      token: str(token),
      logprob: num(logProbability),
    })),
    media: parts
      .filter(({ inlineData }) => isObj(inlineData))
      .map(({ inlineData }) => str(obj(inlineData).data).slice(0, 40)),
  }
}

/** Pages that a passage rests on; where none is told, all that were found. */
function linksOf(candidate: Tree) {
  const grounding = obj(candidate.groundingMetadata)
  const chunks = list(grounding.groundingChunks)
  const used = list(grounding.groundingSupports).flatMap(({ groundingChunkIndices }) =>
    Array.isArray(groundingChunkIndices) ? groundingChunkIndices.map((place) => obj(chunks[num(place)])) : [],
  )
  const cited = obj(candidate.citationMetadata)
  return uniqueLinks([
    ...(used.length > 0 ? used : chunks).map(({ web }) => ({ url: obj(web).uri, title: obj(web).title })),
    ...[...list(cited.citations), ...list(cited.citationSources)].map(({ uri, title }) => ({ url: uri, title })),
  ])
}

/** Places count bytes in UTF-8, of a part or else of all that is shown. */
function quotesOf(candidate: Tree, parts: readonly Tree[]) {
  const grounding = obj(candidate.groundingMetadata)
  const chunks = list(grounding.groundingChunks)
  const shown = parts
    .filter(({ thought }) => thought !== true)
    .map(({ text }) => str(text))
    .join('')
  return list(grounding.groundingSupports).flatMap(({ segment, groundingChunkIndices }) => {
    const { startIndex, endIndex, partIndex, text: told } = obj(segment)
    const bytes = Buffer.from(partIndex === undefined ? shown : str(obj(parts[num(partIndex)]).text))
    const counted = bytes.subarray(num(startIndex), num(endIndex)).toString('utf8')
    // Where the text was changed by its recorder, the places no longer fit, but the passage itself is told.
    const text = shown.includes(str(told)) ? str(told) || counted : counted
    const places = Array.isArray(groundingChunkIndices) ? groundingChunkIndices : []
    return places
      .map((place) => str(obj(obj(chunks[num(place)]).web).uri))
      .filter((url) => url !== '' && text !== '')
      .map((url) => ({ url, text }))
  })
}

export const gemini: Oracle = {
  said(body): Said {
    const usage = obj(body.usageMetadata)
    const reasoning = num(usage.thoughtsTokenCount)
    return {
      choices: list(body.candidates).map(choiceOf),
      usage: isObj(body.usageMetadata)
        ? {
            input: num(usage.promptTokenCount) + num(usage.toolUsePromptTokenCount),
            output: num(usage.candidatesTokenCount) + reasoning,
            cached: num(usage.cachedContentTokenCount),
            written: 0,
            reasoning,
          }
        : undefined,
    }
  },
  fold(events: readonly WireEvent[]) {
    const candidates = new Map<number, Tree>()
    const whole: Record<string, unknown> = {}
    for (const { data } of events) {
      const chunk = obj(data)
      if (chunk.error) throw new Error(`The stream says an error: ${JSON.stringify(chunk.error)}`)
      const { candidates: said, ...rest } = chunk
      for (const [name, value] of Object.entries(rest)) {
        if (value === null) continue
        // Counts are totals so far, and one of 0 is left out: the last ones hold together.
        whole[name] = value
      }
      for (const candidate of list(said)) {
        const index = num(candidate.index)
        const before = candidates.get(index) ?? {}
        const content = isObj(candidate.content) || isObj(before.content)
        const citations = citationsOf(before.citationMetadata, candidate.citationMetadata)
        candidates.set(index, {
          ...before,
          ...candidate,
          ...(citations && { citationMetadata: citations }),
          ...(content && {
            content: {
              ...obj(before.content),
              ...obj(candidate.content),
              parts: joined([...list(obj(before.content).parts), ...list(obj(candidate.content).parts)]),
            },
          }),
        })
      }
    }
    const ordered = [...candidates].toSorted(([a], [b]) => a - b).map(([, candidate]) => candidate)
    return { ...whole, ...(ordered.length > 0 && { candidates: ordered }) }
  },
}

/** Each chunk tells the sources that it found, perhaps those of before once more. */
function citationsOf(before: unknown, more: unknown): Tree | undefined {
  if (!isObj(before) || !isObj(more)) return undefined
  const field = Array.isArray(more.citations) ? 'citations' : 'citationSources'
  const all = [...list(before[field]), ...list(more[field])].map((source) => JSON.stringify(source))
  return { [field]: [...new Set(all)].map((source) => JSON.parse(source)) }
}

/** Texts that follow each other are one, unless a signature closes the first; empty ones without a signature are nothing. */
function joined(parts: readonly Tree[]): Tree[] {
  const out: Tree[] = []
  for (const part of parts) {
    const last = out.at(-1)
    const isText = typeof part.text === 'string'
    if (isText && part.text === '' && !part.thoughtSignature) continue
    const fits = last && typeof last.text === 'string' && (last.thought === true) === (part.thought === true)
    if (isText && fits && !last.thoughtSignature && part.text !== '') {
      out[out.length - 1] = { ...last, ...part, text: str(last.text) + str(part.text) }
    } else out.push(part)
  }
  return out
}
