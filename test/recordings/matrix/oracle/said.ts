import type { Tree } from './tree.ts'

/**
 * What an answer says, in words that belong to no wire format. Each reader takes it from the wire by itself and shares no
 * code with the dialects, so that a dialect that misreads its wire cannot agree with it by accident.
 */
export interface Said {
  readonly choices: readonly SaidChoice[]
  readonly usage: SaidUsage | undefined
}

export interface SaidChoice {
  /** All that is meant for the user, joined. */
  readonly text: string
  readonly refusal: string
  readonly reasoning: string
  /** Calls that the client is to run, in order. */
  readonly calls: readonly SaidCall[]
  readonly finish: SaidFinish
  /** The pages that are cited, each once, in order of their first mention. */
  readonly links: readonly SaidLink[]
  /** The passages of the text for which a page is named, where the wire says so. */
  readonly quotes: readonly SaidQuote[]
  /** What the model wrote, token by token, where the wire tells how probable each was. */
  readonly tokens: readonly SaidToken[]
  /** Pictures and sounds, by the first letters of their data. */
  readonly media: readonly string[]
}

export interface SaidCall {
  readonly name: string
  /** As the wire has them: a string, or an object. */
  readonly args: unknown
}

export interface SaidLink {
  readonly url: string
  readonly title: string
}

export interface SaidQuote {
  readonly url: string
  readonly text: string
}

export interface SaidToken {
  readonly token: string
  readonly logprob: number
}

export type SaidFinish =
  | 'stop'
  | 'stop_sequence'
  | 'length'
  | 'tool_calls'
  | 'content_filter'
  | 'pause'
  | 'malformed'
  | 'other'
  | 'none'

/** Sums as people speak of them: input with what came from caches, output with reasoning. */
export interface SaidUsage {
  readonly input: number
  readonly output: number
  readonly cached: number
  readonly written: number
  readonly reasoning: number
}

/** One event of a stream: its name where the wire has one, and its JSON. */
export interface WireEvent {
  readonly event?: string
  readonly data: unknown
}

export interface Oracle {
  /** What a whole answer says. */
  said(body: Tree): Said
  /** The whole answer that a stream adds up to, by the rules of the wire; throws where the stream breaks them. */
  fold(events: readonly WireEvent[]): Tree
}

/** Links in order, each address once. */
export function uniqueLinks(links: readonly { url: unknown; title: unknown }[]): SaidLink[] {
  const seen = new Map<string, SaidLink>()
  for (const { url, title } of links) {
    if (typeof url !== 'string' || url === '' || seen.has(url)) continue
    seen.set(url, { url, title: typeof title === 'string' ? title : '' })
  }
  return [...seen.values()]
}
