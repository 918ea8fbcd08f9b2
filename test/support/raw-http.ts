import { connect, type Socket } from 'node:net'

/** An answer as its bytes have it. Header values are Latin-1, as they travel; names are in lower case. */
export interface RawAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** Everything that came on the connection. */
  readonly bytes: string
}

export interface RawRequest {
  readonly method?: string
  readonly target?: string
  readonly version?: string
  /** Lines as they go out, so that a name may come twice; `Host` is added when `host` says nothing else. */
  readonly headers?: readonly string[]
  /** The Host header; `null` for none. */
  readonly host?: string | null
  readonly body?: string | Buffer
}

const patienceMs = 10_000

/** The bytes of a request, wrong ones too: Latin-1 for the head, the body as it is. */
export function rawRequest(url: string, request: RawRequest = {}): Buffer {
  const { method = 'POST', target = '/v1/chat/completions', version = '1.1', headers = [], body = '' } = request
  const { host = new URL(url).host } = request
  const lines = [`${method} ${target} HTTP/${version}`, ...(host === null ? [] : [`Host: ${host}`]), ...headers]
  if (body.length > 0 && !headers.some((line) => /^(content-length|transfer-encoding)\b/i.test(line))) {
    lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
  }
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)])
}

/** Sends what fetch would refuse to send, and reads one answer. A connection that ends without one is an error. */
export async function rawCall(url: string, request: RawRequest | Buffer | string): Promise<RawAnswer> {
  const socket = await rawSocket(url)
  try {
    const sent = Buffer.isBuffer(request) || typeof request === 'string' ? request : rawRequest(url, request)
    const isHead = sent.toString('latin1').startsWith('HEAD ')
    socket.write(sent)
    return await readAnswer(socket, { isHead })
  } finally {
    socket.destroy()
  }
}

export function rawSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

/** The next answer on a connection, as soon as it is whole. */
export function readAnswer(socket: Socket, { isHead = false } = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let bytes = ''
    const settle = (act: () => void): void => {
      socket.off('data', take).off('end', ended).off('close', ended).off('error', reject).off('timeout', silent)
      socket.setTimeout(0)
      act()
    }
    const take = (chunk: Buffer): void => {
      bytes += chunk.toString('latin1')
      const answer = parsed(bytes, isHead, false)
      if (answer) settle(() => resolve(answer))
    }
    const ended = (): void => {
      const answer = parsed(bytes, isHead, true)
      settle(() => (answer ? resolve(answer) : reject(new Error(`It ended with ${JSON.stringify(bytes)}.`))))
    }
    const silent = (): void => settle(() => reject(new Error(`Nothing more came after ${JSON.stringify(bytes)}.`)))
    socket.on('data', take).once('end', ended).once('close', ended).once('error', reject)
    socket.setTimeout(patienceMs).once('timeout', silent)
  })
}

function parsed(bytes: string, isHead: boolean, isOver: boolean): RawAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [statusLine = '', ...lines] = bytes.slice(0, end).split('\r\n')
  const headers = new Map(
    lines.map((line) => {
      const mark = line.indexOf(':')
      return [line.slice(0, mark).toLowerCase(), line.slice(mark + 1).trim()] as const
    }),
  )
  const rest = bytes.slice(end + 4)
  const length = isHead ? 0 : headers.get('content-length')
  const isWhole = length !== undefined ? rest.length >= Number(length) : rest.endsWith('0\r\n\r\n') || isOver
  if (!isWhole) return undefined
  const body = Buffer.from(length === undefined ? rest : rest.slice(0, Number(length)), 'latin1').toString('utf8')
  return { status: Number(statusLine.split(' ')[1]), headers, body, bytes }
}
