import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { credentialHeaders } from '../core/access.ts'
import { GatewayError } from '../core/error.ts'

/** By which names besides those of this machine a server may be called. */
export interface Names {
  /** What the operator allows, with a port or without. */
  readonly hosts: () => readonly string[]
  /** True where it listens at more than this machine's own addresses, so that any IP address may be it. */
  readonly anyAddress: boolean
}

/** Nobody can have a name of theirs mean us and be written like one of these. */
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i
const withPort = /^(\[[\da-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i
/** Where nobody is: some systems take it for this machine, and some browsers did not take it for one. */
const nowhere: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/**
 * A page from anywhere can have a browser call a port on this machine. Its name in `Host` (when it rebinds its own DNS
 * name to us) or in `Origin` gives it away; programs that are not browsers send no `Origin` at all.
 */
export function checkSender(headers: IncomingHttpHeaders, rawHeaders: readonly string[], names: Names): void {
  if (hasRepeated(headers, rawHeaders)) checkRepeated(rawHeaders)
  const { host = '', origin } = headers
  const isLoopback = loopback.test(host)
  const isNamed = !isLoopback && isAmong(names.hosts(), host)
  if (!isLoopback && !isNamed && !(names.anyAddress && isAddress(host))) {
    throw new GatewayError(
      'forbidden_host',
      `The Host ${shown(headers.host)} is not this machine. Call localhost, 127.0.0.1 or [::1], or add it to server.allowed_hosts.`,
      { param: 'Host' },
    )
  }
  if (origin !== undefined && !isSameOrigin(origin.toLowerCase(), host.toLowerCase(), isNamed)) {
    throw new GatewayError(
      'forbidden_origin',
      `Pages of ${shown(origin)} may not call Trunkline. Call it from a program instead.`,
      { param: 'Origin' },
    )
  }
  if (!ownSites.has(headers['sec-fetch-site'])) {
    throw new GatewayError(
      'forbidden_origin',
      'Pages of other sites may not call Trunkline. Call it from a program instead.',
      { param: 'Sec-Fetch-Site' },
    )
  }
}

/** `none` is what a person asks for themselves. Another port of this machine would be of the same site, and is not ours. */
const ownSites: ReadonlySet<unknown> = new Set([undefined, 'same-origin', 'none'])

/** Headers that decide who asks, where, and how much: no two readers may take different ones. */
const onlyOnce: ReadonlySet<string> = new Set([
  'host',
  ...credentialHeaders,
  'content-type',
  'content-length',
  'transfer-encoding',
])

/** Node has one value for each name: it keeps the first of some and joins others, and says nothing of it. */
function hasRepeated(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): boolean {
  let names = 0
  for (const _ in headers) names++
  return names * 2 !== rawHeaders.length
}

function checkRepeated(rawHeaders: readonly string[]): void {
  const seen = new Map<string, string>()
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const written = rawHeaders[at] as string
    const name = written.toLowerCase()
    const before = seen.get(name)
    if (before !== undefined) {
      throw new GatewayError(
        name === 'host' ? 'forbidden_host' : 'malformed_http',
        `There is more than one ${before} header, and readers differ in which one they take. Send one.`,
        { param: before },
      )
    }
    if (onlyOnce.has(name)) seen.set(name, written)
  }
}

function isAmong(allowed: readonly string[], host: string): boolean {
  const asked = host.toLowerCase()
  const name = withPort.exec(asked)?.[1]
  return name !== undefined && allowed.some((one) => one.toLowerCase() === asked || one.toLowerCase() === name)
}

/** An address cannot be made to mean another machine, as a name can. */
function isAddress(host: string): boolean {
  const name = withPort.exec(host)?.[1]?.replace(/^\[|\]$/g, '') ?? ''
  return isIP(name) !== 0 && !nowhere.has(name)
}

/** What stands in front of a server that has a name of its own may speak TLS. */
const isSameOrigin = (origin: string, host: string, isNamed: boolean): boolean =>
  origin === `http://${host}` || (isNamed && origin === `https://${host}`)

/** Dots, empty segments, backslashes and control characters: what one reader of a path takes away and the next does not. */
const ambiguous = /\/\/|\\|%5c|%[01][\da-f]|%7f|(?:\/|%2f)(?:\.|%2e){1,2}(?:\/|%2f|;|$)/i

/** For paths of which a part is free. It is not made plain: who sends such a path wants somebody to be mistaken. */
export function checkPath(path: string): void {
  if (!ambiguous.test(path)) return
  throw new GatewayError(
    'unknown_url',
    `There is nothing at ${shown(path)}: it has dots, backslashes, control characters or nothing between its slashes.`,
  )
}

const shown = (value: string | undefined): string =>
  value === undefined ? '(none)' : JSON.stringify(value.slice(0, 100))

/**
 * What about a request's form other readers on its way may take for something else, so that they see its end elsewhere.
 * The parser has refused the worst of it.
 */
export function framingProblem(req: IncomingMessage): GatewayError | undefined {
  const { httpVersion, headers } = req
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return new GatewayError('malformed_http', `This server speaks HTTP/1.1, not HTTP/${httpVersion}.`)
  const coding = headers['transfer-encoding']
  if (coding === undefined || (coding.toLowerCase() === 'chunked' && httpVersion === '1.1')) return undefined
  return new GatewayError(
    'malformed_http',
    `The body must come with a content-length or in chunks, not with the transfer-encoding ${shown(coding)} of HTTP/${httpVersion}.`,
    { param: 'Transfer-Encoding' },
  )
}

/** A request that has no body, and says nothing of one. */
export const isEmpty = (headers: IncomingHttpHeaders): boolean =>
  headers['content-type'] === undefined &&
  headers['transfer-encoding'] === undefined &&
  Number(headers['content-length'] ?? 0) === 0

/** A form or plain text can be posted by any page without asking first; JSON cannot. */
export function checkJson(headers: IncomingHttpHeaders): void {
  const { 'content-type': type, 'content-encoding': encoding } = headers
  if (type === undefined || !/^application\/json\s*(;|$)/i.test(type)) {
    throw new GatewayError('unsupported_media_type', `The content-type must be application/json, not ${shown(type)}.`, {
      param: 'Content-Type',
    })
  }
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new GatewayError(
      'unsupported_media_type',
      `The body must come as it is, not with the content-encoding ${shown(encoding)}.`,
      {
        param: 'Content-Encoding',
      },
    )
  }
}
