import { configuredId } from '../core/credential.ts'
import type { AttemptDetail, CallDetail, SpanStatus } from '../core/span.ts'
import { inputTokens, outputTokens, type Usage, usageBuckets } from '../core/usage.ts'
import type { SpanView, TraceView } from '../store/show.ts'
import { conversationLines } from './conversation-view.ts'
import { statusStyles, totalText } from './list-view.ts'
import type { Screen } from './screen.ts'
import { indent, padEnd, plain, plainLine, wrap } from './text.ts'
import { count, dateOf, duration, size, timeOf } from './units.ts'
import { targetOf, waterfall } from './waterfall.ts'

export interface ShowOptions {
  /** The slug of the project that it is in. */
  readonly project: string
  /** Whether long texts are shown to their end. */
  readonly full: boolean
  readonly nowUs: number
}

type CallView = SpanView & { readonly kind: 'call'; readonly detail: CallDetail }
type AttemptView = SpanView & { readonly kind: 'attempt'; readonly detail: AttemptDetail }

const isCall = (span: SpanView): span is CallView => span.kind === 'call'
const isAttempt = (span: SpanView): span is AttemptView => span.kind === 'attempt'

/** How wide a trace is drawn where nobody says how wide. */
const usualColumns = 100

/** A trace for people: what it was, where its time went, each attempt, and what was said. */
export function traceLines(view: TraceView, screen: Screen, options: ShowOptions): string[] {
  const columns = screen.columns ?? usualColumns
  const sized = { ...screen, columns }
  const calls = view.spans.filter(isCall)
  const title = (text: string): string[] => ['', screen.paint('bold', text)]
  return [
    ...head(view, calls, sized, options),
    ...title('Spans'),
    ...indent(waterfall(view, { ...sized, columns: columns - 2 }, options.nowUs), '  '),
    ...calls.flatMap((call, index) => {
      const which = calls.length === 1 ? '' : ` of call ${index + 1} of ${calls.length}, ${plainLine(call.name)}`
      const attempts = view.spans.filter(isAttempt).filter(({ parentId }) => parentId === call.spanId)
      const earlier = index === 0 ? undefined : calls[index - 1]?.conversation?.messages
      return [
        ...title(`${attempts.length === 1 ? 'Attempt' : 'Attempts'}${which}`),
        ...(attempts.length === 0
          ? [
              `  ${withoutAttempts[call.status] ?? 'None: the gateway answered by itself.'}`,
              ...errorLines(call.detail, sized),
            ]
          : []),
        ...attempts.flatMap((attempt) => attemptLines(attempt, sized)),
        ...title(`Conversation${which}`),
        ...indent(
          conversationLines(
            call.conversation,
            { ...sized, columns: columns - 2 },
            {
              ...options,
              unanswered: unanswered[call.status] ?? 'no answer',
              ...(call.detail.bodiesNotCaptured && { uncaptured: 'the project does not capture bodies' }),
              ...(earlier && { earlier }),
            },
          ),
          '  ',
        ),
      ]
    }),
  ]
}

/** What is said of a call whose end is not there. */
const statusNotes: Partial<Record<SpanStatus, string>> = {
  interrupted: ': its end was not recorded. The server ended while it ran, or its disk could not follow.',
}
const withoutAttempts: Partial<Record<SpanStatus, string>> = {
  running: 'None has ended yet.',
  interrupted: 'None is recorded.',
}
const unanswered: Partial<Record<SpanStatus, string>> = {
  running: 'no answer yet',
  interrupted: 'the answer is not recorded',
}

type Sized = Screen & { readonly columns: number }
type Field = readonly [label: string, value: string | undefined]

/** Labels and values under each other; what has no value is left out. */
function fields(rows: readonly Field[], { columns, paint }: Sized, by = ''): string[] {
  const width = Math.max(...rows.map(([label]) => label.length)) + 2
  return rows.flatMap(([label, value]) => {
    if (value === undefined || value === '') return []
    const [first = '', ...rest] = wrap(value, columns - width - by.length)
    return [by + paint('dim', padEnd(label, width)) + first, ...indent(rest, by + ' '.repeat(width))]
  })
}

function head(
  { trace }: TraceView,
  all: readonly CallView[],
  screen: Sized,
  { project, nowUs }: Pick<ShowOptions, 'project' | 'nowUs'>,
): string[] {
  const call = all[0]?.detail
  const isEstimated = all.some(({ detail }) => detail.usageEstimated)
  const estimate = isEstimated ? (all.length > 1 ? ' (estimated in part)' : ' (estimated)') : ''
  const { startedUs, firstContentUs, calls, errors } = trace
  const total = trace.status === 'interrupted' ? 'unknown' : totalText(trace, nowUs)
  const status = screen.paint(statusStyles[trace.status], trace.status)
  const ms = String(Math.floor((startedUs / 1000) % 1000)).padStart(3, '0')
  const several = calls > 1 ? `, ${calls} calls, ${errors} of them failed` : ''
  return fields(
    [
      ['Trace', trace.traceId],
      ['Status', `${status}${httpText(trace.httpStatus)}${several}${statusNotes[trace.status] ?? ''}`],
      ['Started', `${dateOf(startedUs)} ${timeOf(startedUs)}.${ms}`],
      ['Total', total + (firstContentUs === undefined ? '' : `, first content after ${duration(firstContentUs)}`)],
      ['Tokens', tokensText(trace.inputTokens, trace.outputTokens) + estimate],
      ['Model', trace.model && plainLine(trace.model)],
      ['Project', plainLine(project)],
      ['Run', trace.runId && plainLine(trace.runId)],
      [
        'Thread',
        trace.threadId &&
          [plainLine(trace.threadId), call?.threadTitle && `(${plainLine(call.threadTitle)})`]
            .filter(Boolean)
            .join(' '),
      ],
      ['Label', trace.label && plainLine(trace.label)],
      [
        'Tags',
        Object.entries(call?.tags ?? {})
          .map(([name, value]) => plainLine(`${name}=${value}`))
          .join(', '),
      ],
      [
        'Client',
        [call?.clientIp, call?.userAgent]
          .filter((part) => part !== undefined)
          .map(plainLine)
          .join(', '),
      ],
    ],
    screen,
  )
}

const httpText = (status: number | undefined): string => (status === undefined ? '' : ` (HTTP ${status})`)

const tokensText = (input: number | undefined, output: number | undefined): string =>
  input === undefined && output === undefined
    ? 'unknown'
    : `${input === undefined ? 'unknown' : count(input)} in, ${output === undefined ? 'unknown' : count(output)} out`

function attemptLines(attempt: AttemptView, screen: Sized): string[] {
  const { detail, status, durationUs } = attempt
  const { model, modelAnswered, httpStatus } = detail
  const answered = modelAnswered === undefined || modelAnswered === model ? '' : ` → ${plainLine(modelAnswered)}`
  const state = screen.paint(statusStyles[status], status) + httpText(httpStatus)
  return [
    `  ${detail.number}  ${screen.paint('bold', targetOf(detail))}${answered}  ${state}${detail.streaming ? ', streamed' : ''}`,
    ...errorLines(detail, screen),
    ...fields(
      [
        ['Translated', detail.callDialect && `${detail.callDialect} → ${detail.dialect}`],
        ['Dropped', detail.dropped?.map(plainLine).join(', ')],
        ['Times', timesText(detail, durationUs)],
        ['Usage', usageText(detail)],
        ['Finish', finishText(detail)],
        ['Credential', credentialText(detail)],
        ['Sizes', `request ${size(detail.requestBytes)}, answer ${size(detail.answerBytes)}`],
        ['Provider id', detail.providerRequestId && plainLine(detail.providerRequestId)],
      ],
      screen,
      '     ',
    ),
  ]
}

function errorLines({ error }: Pick<CallDetail, 'error'>, screen: Sized): string[] {
  if (!error) return []
  const [first = '', ...rest] = wrap(`${plainLine(error.code)}: ${plain(error.message)}`, screen.columns - 5)
  return indent(
    [first, ...rest].map((line) => screen.paint('red', line)),
    '     ',
  )
}

/** With what it was paid; undefined where nothing was sent. */
function credentialText({ credential, provider }: AttemptDetail): string | undefined {
  if (credential === 'none') return undefined
  if (credential === 'client') return "the client's own"
  return credential === configuredId(provider) ? 'that of the configuration' : credential && plainLine(credential)
}

const timesText = ({ connectUs, headersUs, firstContentUs }: AttemptDetail, durationUs: number | undefined): string =>
  (
    [
      ['connected', connectUs],
      ['headers', headersUs],
      ['first content', firstContentUs],
      ['total', durationUs],
    ] as const
  )
    .flatMap(([name, us]) => (us === undefined ? [] : [`${name} ${duration(us)}`]))
    .join(' · ')

const finishText = ({ finishReason, unterminated }: AttemptDetail): string | undefined =>
  unterminated ? 'none: the stream ended and never said why' : finishReason && plainLine(finishReason)

const bucketNames = {
  inputUncached: 'uncached input',
  cacheRead: 'cache read',
  cacheWrite5m: 'cache write (5 min)',
  cacheWrite1h: 'cache write (1 h)',
  inputAudio: 'audio input',
  inputImage: 'image input',
  outputText: 'output text',
  reasoning: 'reasoning',
  outputAudio: 'audio output',
  outputImage: 'image output',
} as const satisfies Record<keyof Usage, string>

function usageText({ usage, usageMissing }: AttemptDetail): string {
  if (!usage) return `unknown (${plainLine(usageMissing ?? 'not reported')})`
  const buckets = usageBuckets.flatMap((bucket) =>
    usage[bucket] === undefined ? [] : [`${bucketNames[bucket]} ${count(usage[bucket])}`],
  )
  const estimate = usageMissing === undefined ? '' : ` (estimated: ${plainLine(usageMissing)})`
  return `${tokensText(inputTokens(usage), outputTokens(usage))}${estimate}: ${buckets.join(', ')}`
}
