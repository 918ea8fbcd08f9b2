import { text } from 'node:stream/consumers'

export interface Question {
  readonly method: string
  readonly path: string
  /** Sent as JSON. */
  readonly body?: unknown
}

/** Asks the running server through one of its private sockets, and reads all of its answer. */
export async function askSocket(
  socketPath: string,
  { method, path, body }: Question,
  patienceMs: number,
): Promise<{ readonly status: number; readonly text: string }> {
  // By name: an import would load what no command needs, for a good part of the time that a command takes.
  const { request } = process.getBuiltinModule('node:http')
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const { status, stream } = await new Promise<{ status: number; stream: NodeJS.ReadableStream }>((resolve, reject) => {
    request({
      socketPath,
      method,
      path,
      headers: {
        ...(payload !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(payload),
        }),
      },
      signal: AbortSignal.timeout(patienceMs),
    })
      .on('response', (answer) => resolve({ status: answer.statusCode ?? 0, stream: answer }))
      .on('error', reject)
      .end(payload)
  })
  return { status, text: await text(stream) }
}
