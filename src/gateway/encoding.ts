import type { UpstreamHeaders } from '../http/upstream.ts'

/** How an answer comes compressed, though it was asked for as it is; undefined when it does not. */
export function encodingOf(headers: UpstreamHeaders): string | undefined {
  const encoding = headers['content-encoding']
  return encoding === undefined || /^(identity)?$/i.test(String(encoding)) ? undefined : String(encoding)
}

/** The headers of an answer once it is unpacked. */
export function withoutEncoding(headers: UpstreamHeaders): UpstreamHeaders {
  const { 'content-encoding': _encoding, 'content-length': _length, ...rest } = headers
  return rest
}
