import pino from 'pino'
import pretty from 'pino-pretty'
import type { Config } from '../core/config.ts'
import type { CallRecord } from '../core/span.ts'
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

/** How much is gathered before it is written, where many lines come: a system call for each would cost more than the line. */
const gatheredBytes = 8 * 1024

/** Lines on standard output, for people or for machines. */
export function openLog({ level, format }: Config['log'], { gather = false } = {}): Log {
  const out =
    format === 'json'
      ? pino.destination({ fd: 1, sync: !gather, ...(gather && { minLength: gatheredBytes }) })
      : pretty({ destination: 1, sync: true, colorize: !process.env['NO_COLOR'], ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' })
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, out)
  const line =
    (name: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: object = {}): void =>
      logger[name](fields, message)
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    call(call) {
      if (!logger.isLevelEnabled('info')) return
      if (format === 'json') logger.info(callFields(call), 'call')
      else logger.info(callLine(call))
    },
    flush: () => {
      if ('flushSync' in out) out.flushSync()
    },
  }
}

const callFields = (call: CallRecord): object => ({
  method: call.method,
  path: call.path,
  model: call.modelAsked,
  provider: call.provider,
  status: call.httpStatus,
  ms: milliseconds(call),
  input_tokens: call.usage && inputTokens(call.usage),
  output_tokens: call.usage && outputTokens(call.usage),
  trace: call.traceId,
  ...(call.error && { error: call.error.code }),
})

function callLine(call: CallRecord): string {
  const { usage, error } = call
  const tokens = usage ? ` ${inputTokens(usage) ?? '?'} → ${outputTokens(usage) ?? '?'} tokens` : ''
  const where = call.modelAsked === undefined ? '' : ` ${printable(call.modelAsked)} at ${call.provider ?? 'nobody'}`
  return `${call.httpStatus} ${call.method} ${call.path}${where} ${milliseconds(call)} ms${tokens}${error ? ` ${error.code}` : ''} ${call.traceId}`
}

const milliseconds = ({ startedUs, endedUs }: CallRecord): number => Math.round((endedUs - startedUs) / 100) / 10

/** What a client sent must not steer the terminal of whoever reads the log. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '·')
