import pino from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { Config } from '../core/config.ts'
import type { CallRecord, SpanRecord } from '../core/span.ts'
import { inputTokens, outputTokens } from '../core/usage.ts'

export interface Log {
  debug(message: string, fields?: object): void
  info(message: string, fields?: object): void
  warn(message: string, fields?: object): void
  error(message: string, fields?: object): void
  /** The one line that a call gets. */
  call(call: CallRecord): void
  /** Writes what is still held back. */
  flush(): void
}

export type Write = (text: string) => void

/** Lines that wait to be written together: a system call for each would cost more than the line. */
interface Gathered {
  write(line: string): void
  flush(): void
}

const mostGathered = 500

function gathering(write: Write): Gathered {
  let lines: string[] = []
  const flush = (): void => {
    if (lines.length === 0) return
    const text = lines.join('')
    lines = []
    write(text)
  }
  return {
    write(line) {
      lines.push(line)
      if (lines.length >= mostGathered) flush()
    },
    flush,
  }
}

/** Lines on standard output, for people or for machines. */
export function openLog({ level, format }: Config['log'], write: Write, { gather = false } = {}): Log {
  const gathered = gathering(write)
  const pretty = format === 'pretty'
  const out = pretty ? prettified(gathered) : gathered
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, out)
  const line =
    (name: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: object = {}): void => {
      logger[name](fields, message)
      if (!gather) gathered.flush()
    }
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    call(call) {
      if (!logger.isLevelEnabled('info')) return
      if (pretty) return logger.info(printable(callLine(call)))
      // The same line as the logger's, without what it does for every field: there are thousands of these a second.
      gathered.write(
        `${JSON.stringify({ level: infoLevel, time: new Date().toISOString(), ...callFields(call), msg: 'call' })}\n`,
      )
    },
    flush: () => gathered.flush(),
  }
}

function prettified({ write }: Gathered): Pick<Gathered, 'write'> {
  const toText = prettyFactory({
    colorize: !process.env.NO_COLOR,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
  })
  return { write: (line) => write(toText(line) ?? '') }
}

const infoLevel = pino.levels.values.info

const callFields = ({
  span,
  detail: { method, path, modelAsked, provider, httpStatus, usage, error },
}: CallRecord): object => ({
  method,
  path,
  model: modelAsked,
  provider,
  status: httpStatus,
  ms: milliseconds(span),
  input_tokens: usage && inputTokens(usage),
  output_tokens: usage && outputTokens(usage),
  error: error?.code,
  trace: span.traceId,
})

function callLine({ span, detail }: CallRecord): string {
  const { usage, error, modelAsked, provider, httpStatus, method, path } = detail
  const tokens = usage ? ` ${inputTokens(usage) ?? '?'} → ${outputTokens(usage) ?? '?'} tokens` : ''
  const where = modelAsked === undefined ? '' : ` ${modelAsked} at ${provider ?? 'nobody'}`
  return `${httpStatus} ${method} ${path}${where} ${milliseconds(span)} ms${tokens}${error ? ` ${error.code}` : ''} ${span.traceId}`
}

const milliseconds = ({ startedUs, endedUs }: SpanRecord): number => Math.round((endedUs - startedUs) / 100) / 10

/** What a client or a provider sent must not steer the terminal of whoever reads the log. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '·')
