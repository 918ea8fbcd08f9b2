import type { IncomingHttpHeaders } from 'node:http'
import { GatewayError } from '../core/error.ts'

/** Nobody can have a name of theirs mean us and be written like one of these. */
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

/**
 * A page from anywhere can have a browser call a port on this machine. Its name in `Host` (when it rebinds its own DNS
 * name to us) or in `Origin` gives it away; programs that are not browsers send no `Origin` at all.
 */
export function checkSender(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
  const { host, origin } = headers
  if (timesIn(rawHeaders, 'host') > 1) {
    throw new GatewayError(
      'forbidden_host',
      'There is more than one Host header, and readers differ in which one they take. Send one.',
      {
        param: 'Host',
      },
    )
  }
  if (!isLoopback(host)) {
    throw new GatewayError(
      'forbidden_host',
      `The Host ${shown(host)} is not this machine. Call localhost, 127.0.0.1 or [::1].`,
      {
        param: 'Host',
      },
    )
  }
  if (origin !== undefined && !isSameOrigin(origin, host as string)) {
    throw new GatewayError(
      'forbidden_origin',
      `Pages of ${shown(origin)} may not call Trunkline. Call it from a program instead.`,
      {
        param: 'Origin',
      },
    )
  }
  if (headers['sec-fetch-site'] === 'cross-site') {
    throw new GatewayError(
      'forbidden_origin',
      'Pages of other sites may not call Trunkline. Call it from a program instead.',
      {
        param: 'Sec-Fetch-Site',
      },
    )
  }
}

const isLoopback = (host: string | undefined): boolean => loopback.test(host ?? '')

/** How often a header came; node keeps the first of some and says nothing of the others. */
function timesIn(rawHeaders: readonly string[], name: string): number {
  let times = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const written = rawHeaders[at] as string
    if (written.length === name.length && written.toLowerCase() === name) times++
  }
  return times
}

const isSameOrigin = (origin: string, host: string): boolean => origin.toLowerCase() === `http://${host.toLowerCase()}`

const shown = (value: string | undefined): string =>
  value === undefined ? '(none)' : JSON.stringify(value.slice(0, 100))

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
