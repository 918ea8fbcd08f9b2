/** Line 12 of the security checklist: shapes of requests whose end one reader sees here and another there. */
import { describe, expect, test } from 'vitest'
import { startBare, statusesIn, talk } from './bare-server.ts'

const json = 'Content-Type: application/json'
const codeOf = (body: string): string => (JSON.parse(body) as { code: string }).code

/** Behind each shape stands a request that a reader would take for one of its own who sees the first end elsewhere. */
describe('checklist 12: one request is never read as two', () => {
  const end = '\r\n\r\n'
  const hidden = `GET /secret HTTP/1.1\r\nHost: localhost${end}`
  const last = `GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close${end}`
  const head = (...lines: string[]): string => ['POST / HTTP/1.1', 'Host: localhost', json, ...lines].join('\r\n') + end
  const chunked = 'Transfer-Encoding: chunked'
  const none = `0${end}`
  const withHidden = (...lines: string[]): string => head(...lines) + none + hidden
  const inChunks = (body: string): string => head(chunked) + body + hidden

  test.each<[what: string, bytes: string]>([
    ['a length and chunks', withHidden('Content-Length: 5', chunked)],
    ['chunks and a length', withHidden(chunked, 'Content-Length: 5')],
    ['chunks and a length of nothing', withHidden(chunked, 'Content-Length: 0')],
    ['a coding that is like chunks', withHidden('Transfer-Encoding: xchunked')],
    ['a coding that is none', withHidden('Transfer-Encoding: identity')],
    ['a coding that is none, and a length', withHidden('Transfer-Encoding: identity', 'Content-Length: 5')],
    ['chunks that are not the last coding', withHidden('Transfer-Encoding: chunked, identity')],
    ['chunks that are packed', withHidden('Transfer-Encoding: gzip, chunked')],
    ['chunks in chunks', withHidden('Transfer-Encoding: chunked, chunked')],
    ['two codings', withHidden('Transfer-Encoding: identity', chunked)],
    ['two codings, the last of them none', withHidden(chunked, 'Transfer-Encoding: identity')],
    ['chunks twice', withHidden(chunked, chunked)],
    ['an empty coding', withHidden('Transfer-Encoding:')],
    ['a quoted coding', withHidden('Transfer-Encoding: "chunked"')],
    ['a coding behind a vertical tab', withHidden('Transfer-Encoding: \x0bchunked')],
    ['a coding in a folded line', withHidden('Transfer-Encoding:\r\n chunked')],
    ['a blank before the colon of a coding', withHidden('Transfer-Encoding : chunked')],
    ['chunks in HTTP/1.0', head(chunked).replace('1.1', '1.0') + none + hidden],
    ['the same length twice', `${head('Content-Length: 5', 'Content-Length: 5')}aaaaa${hidden}`],
    ['two lengths', `${head('Content-Length: 5', 'Content-Length: 0')}aaaaa${hidden}`],
    ['a list of lengths', `${head('Content-Length: 5, 5')}aaaaa${hidden}`],
    ['a length with a sign', `${head('Content-Length: +5')}aaaaa${hidden}`],
    ['a length below nothing', `${head('Content-Length: -5')}aaaaa${hidden}`],
    ['a length in hex', `${head('Content-Length: 0x5')}aaaaa${hidden}`],
    ['a length with a blank', `${head('Content-Length: 5 5')}aaaaa${hidden}`],
    ['a length beyond all numbers', `${head('Content-Length: 18446744073709551621')}aaaaa${hidden}`],
    ['an empty length', `${head('Content-Length:')}aaaaa${hidden}`],
    ['a folded line', head('X-A: b\r\n c', 'Content-Length: 0') + hidden],
    ['a folded Host', `GET / HTTP/1.1\r\nHost: localhost\r\n evil.example${end}${hidden}`],
    ['line feeds alone', `GET / HTTP/1.1\nHost: localhost\n\n${hidden}`],
    ['a line feed in a header', head(`X-A: b\n${chunked}`, 'Content-Length: 5') + none + hidden],
    ['a line feed at the end of the head', `${head('Content-Length: 5').slice(0, -4)}\n\n${hidden}`],
    ['carriage returns alone', `GET / HTTP/1.1\rHost: localhost\r\r${hidden}`],
    ['a carriage return in a header', head(`X-A: b\r${chunked}`, 'Content-Length: 5') + none + hidden],
    ['a blank before a colon', head('X-A : b', 'Content-Length: 0') + hidden],
    ['a blank before the first header', `GET / HTTP/1.1\r\n Host: localhost${end}${hidden}`],
    ['a header without a name', head(': b', 'Content-Length: 0') + hidden],
    ['a header without a colon', head('X-A', 'Content-Length: 0') + hidden],
    ['NUL in a name', head('X-\0A: b', 'Content-Length: 0') + hidden],
    ['NUL in a value', head('X-A: b\0c', 'Content-Length: 0') + hidden],
    ['NUL in the path', `GET /\0 HTTP/1.1\r\nHost: localhost${end}${hidden}`],
    ['a byte beyond ASCII in the path', `GET /\xe9 HTTP/1.1\r\nHost: localhost${end}${hidden}`],
    ['a blank in the path', `GET /a b HTTP/1.1\r\nHost: localhost${end}${hidden}`],
    ['a path that begins with a backslash', `GET \\secret HTTP/1.1\r\nHost: localhost${end}${hidden}`],
    ['no path', `GET ?x HTTP/1.1\r\nHost: localhost${end}${hidden}`],
    ['a host for a path', `GET localhost:80 HTTP/1.1\r\nHost: localhost${end}${hidden}`],
    ['tabs in the first line', `GET\t/ HTTP/1.1\r\nHost: localhost${end}${hidden}`],
    ['a method in small letters', `get / HTTP/1.1\r\nHost: localhost${end}${hidden}`],
    ['HTTP/0.9', `GET /\r\n${hidden}`],
    ['HTTP/2', `GET / HTTP/2.0\r\nHost: localhost${end}${hidden}`],
    ['the preface of HTTP/2', `PRI * HTTP/2.0${end}SM${end}${hidden}`],
    ['a chunk whose size ends with a line feed', inChunks(`5\naaaaa\r\n${none}`)],
    ['a chunk whose size has a prefix', inChunks(`0x5\r\naaaaa\r\n${none}`)],
    ['a chunk whose size has a blank behind it', inChunks(`5 \r\naaaaa\r\n${none}`)],
    ['a chunk whose size has a blank before it', inChunks(` 5\r\naaaaa\r\n${none}`)],
    ['a chunk whose size has a sign', inChunks(`+5\r\naaaaa\r\n${none}`)],
    ['a chunk of less than nothing', inChunks(`-5\r\naaaaa\r\n${none}`)],
    ['a chunk without a size', inChunks(`;a=b\r\naaaaa\r\n${none}`)],
    ['a chunk beyond all numbers', inChunks(`fffffffffffffffff5\r\naaaaa\r\n${none}`)],
    ['a chunk that is longer than it says', inChunks(`3\r\naaaaa\r\n${none}`)],
    ['a chunk without an end', inChunks(`5\r\naaaaaXX${none}`)],
    ['more about a chunk that ends with a line feed', inChunks(`5;a\n\r\naaaaa\r\n${none}`)],
    ['more about a chunk with a carriage return in it', inChunks(`5;a\rb\r\naaaaa\r\n${none}`)],
    ['a length behind the body', inChunks(`0\r\nContent-Length: ${hidden.length}${end}`)],
    ['a coding behind the body', inChunks(`0\r\n${chunked}${end}`)],
  ])('%s: it is refused, and nothing behind it is looked at', async (_what, bytes) => {
    await using server = await startBare({ patienceMs: 100 })
    const said = await talk(server, bytes + last)
    expect(statusesIn(said)).toEqual([400])
    expect(codeOf(said.slice(said.indexOf(end) + 4))).toBe('malformed_http')
    expect(server.seen).toEqual([])
  })

  test.each<[what: string, bytes: string, seen: string]>([
    [
      'a GET with a body',
      `GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${hidden.length}${end}${hidden}`,
      'GET /',
    ],
    [
      'a GET in chunks',
      `GET / HTTP/1.1\r\nHost: localhost\r\n${chunked}${end}${hidden.length.toString(16)}\r\n${hidden}\r\n${none}`,
      'GET /',
    ],
    [
      'a HEAD with a body',
      `HEAD / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${hidden.length}${end}${hidden}`,
      'HEAD /',
    ],
    [
      'a DELETE with a body',
      `DELETE /free/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${hidden.length}${end}${hidden}`,
      'DELETE /free/x',
    ],
    ['a body that is a request', head(`Content-Length: ${hidden.length}`) + hidden, `POST / ${hidden}`],
    ['a coding in capitals', `${head('TRANSFER-ENCODING: CHUNKED')}2\r\n{}\r\n${none}`, 'POST / {}'],
    ['a coding behind a tab', `${head('Transfer-Encoding:\tchunked')}2\r\n{}\r\n${none}`, 'POST / {}'],
    ['more about a chunk', `${head(chunked)}2;a=b\r\n{}\r\n${none}`, 'POST / {}'],
    ['a connection that names the length', `${head('Connection: Content-Length', 'Content-Length: 2')}{}`, 'POST / {}'],
    [
      'a connection that names the coding',
      `${head('Connection: Transfer-Encoding', chunked)}2\r\n{}\r\n${none}`,
      'POST / {}',
    ],
    ['a key behind the body', `${head(chunked)}2\r\n{}\r\n0\r\nAuthorization: Bearer x${end}`, 'POST / {}'],
    ['a client that asks first', `${head('Expect: 100-continue', 'Content-Length: 2')}{}`, 'POST / {}'],
    ['empty lines before it', `${end}GET / HTTP/1.1\r\nHost: localhost${end}`, 'GET /'],
    ['more blanks in its first line', `GET  / HTTP/1.1\r\nHost: localhost${end}`, 'GET /'],
  ])('%s: its end is where it belongs', async (_what, bytes, seen) => {
    await using server = await startBare()
    const said = await talk(server, bytes + last)
    expect(statusesIn(said).filter((status) => status !== 100)).toEqual([200, 200])
    expect(server.seen.toSorted()).toEqual(['GET /last', seen].toSorted())
  })

  test.each<[what: string, bytes: string, seen: string]>([
    ['websocket', `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket${end}`, 'GET /'],
    ['h2c', `${head('Content-Length: 2', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c')}{}`, 'POST / {}'],
  ])('a wish for %s is not granted: it is answered, and nothing behind it is looked at', async (_what, bytes, seen) => {
    await using server = await startBare({ patienceMs: 100 })
    expect(statusesIn(await talk(server, bytes + hidden + last))).toEqual([200])
    expect(server.seen).toEqual([seen])
  })

  test('requests that come in one piece are as many as they are, each with its own answer', async () => {
    await using server = await startBare()
    const body = (text: string): string => `${head(`Content-Length: ${text.length}`)}${text}`
    const said = await talk(server, body('{"a":1}') + hidden + body('{}') + last)
    expect(statusesIn(said)).toEqual([200, 200, 200, 200])
    expect(server.seen.toSorted()).toEqual(['GET /last', 'GET /secret', 'POST / {"a":1}', 'POST / {}'])
  })
})
