import type { AttemptDetail } from '../core/span.ts'
import type { SpanView, TraceView } from '../store/show.ts'
import { statusStyles, totalText } from './list-view.ts'
import type { Screen } from './screen.ts'
import { clip, padEnd, padStart, plainLine, widthOf, wrap } from './text.ts'

const widestName = 40
const narrowestBar = 10

/** The spans as a tree, each with a bar that shows when in the trace it was what. */
export function waterfall({ trace, spans }: TraceView, { columns = 100, paint }: Screen, nowUs: number): string[] {
  const rows = treeOf(spans)
  const endUs = Math.max(
    trace.status === 'running' ? nowUs : trace.startedUs + (trace.durationUs ?? 0),
    ...spans.flatMap((span) =>
      [span.durationUs ?? 0, ...marksOf(span).map(({ us }) => us)].map((us) => span.startedUs + us),
    ),
  )
  const nameWidth = Math.min(
    widestName,
    Math.max(...rows.map(({ name }) => widthOf(name))),
    Math.max(12, Math.floor(columns / 2) - 8),
  )
  const times = rows.map(({ span }) => totalText(span, nowUs))
  const timeWidth = Math.max(...times.map((time) => time.length))
  const barWidth = Math.max(narrowestBar, columns - nameWidth - timeWidth - 4)
  const bars = rows.map(({ span }) => barOf(span, { startUs: trace.startedUs, endUs, width: barWidth }))
  const lines = rows.map(({ name, span }, index) =>
    [
      padEnd(clip(name, nameWidth), nameWidth),
      paint(statusStyles[span.status], padEnd(bars[index] as string, barWidth)),
      padStart(times[index] as string, timeWidth),
    ].join('  '),
  )
  const legend = Object.entries(signs).flatMap(([sign, meaning]) =>
    bars.some((bar) => bar.includes(sign)) ? [`${sign} ${meaning}`] : [],
  )
  return legend.length === 0
    ? lines
    : [...lines, ...wrap(legend.join(' · '), columns).map((line) => paint('dim', line))]
}

/** How people name what an attempt asked for. Some providers' own names for a model begin with the provider's. */
export const targetOf = ({ provider, model }: Pick<AttemptDetail, 'provider' | 'model'>): string =>
  plainLine(model.startsWith(`${provider}/`) ? model : `${provider}/${model}`)

const nameOf = ({ name, detail }: SpanView): string =>
  'number' in detail ? `${detail.number} ${targetOf(detail)}` : plainLine(name)

const signs = {
  q: 'first attempt begins',
  c: 'connected',
  h: 'headers',
  f: 'first content',
  '█': 'the answer comes',
} as const

type MarkTimes = { readonly [Name in 'queuedUs' | 'connectUs' | 'headersUs' | 'firstContentUs']?: number | undefined }

interface Mark {
  readonly letter: Exclude<keyof typeof signs, '█'>
  /** Since the start of its span. */
  readonly us: number
}

function marksOf({ detail }: SpanView): Mark[] {
  const { queuedUs, connectUs, headersUs, firstContentUs }: MarkTimes = detail
  return (
    [
      ['q', queuedUs],
      ['c', connectUs],
      ['h', headersUs],
      ['f', firstContentUs],
    ] as const
  ).flatMap(([letter, us]) => (us === undefined ? [] : [{ letter, us }]))
}

interface Scale {
  readonly startUs: number
  readonly endUs: number
  readonly width: number
}

/** Waiting is a line, an answer that has begun is a block. Where marks meet, the last is shown. */
function barOf(span: SpanView, { startUs, endUs, width }: Scale): string {
  const cellOf = (us: number): number =>
    Math.min(width - 1, Math.max(0, Math.floor(((us - startUs) / Math.max(1, endUs - startUs)) * width)))
  const marks = marksOf(span)
  const content = marks.find(({ letter }) => letter === 'f')
  const first = cellOf(span.startedUs)
  const last = span.durationUs === undefined ? width - 1 : cellOf(span.startedUs + span.durationUs)
  const cells = Array.from({ length: last + 1 }, (_, cell): string => (cell < first ? ' ' : '─'))
  if (content) cells.fill('█', cellOf(span.startedUs + content.us))
  for (const { letter, us } of marks) cells[Math.min(last, cellOf(span.startedUs + us))] = letter
  return cells.join('')
}

interface TreeRow {
  readonly name: string
  readonly span: SpanView
}

/** Depth first. A span whose parent is not here, such as the client's own, stands at the root. */
function treeOf(spans: readonly SpanView[]): TreeRow[] {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  const childrenOf = Map.groupBy(spans, ({ parentId }) =>
    parentId !== undefined && ids.has(parentId) ? parentId : 'root',
  )
  const rowsUnder = (parent: string, before: string): TreeRow[] => {
    const children = childrenOf.get(parent) ?? []
    return children.flatMap((span, index) => {
      const isLast = index === children.length - 1
      const [branch, below] = parent === 'root' ? ['', ''] : isLast ? ['└─ ', '   '] : ['├─ ', '│  ']
      return [{ name: before + branch + nameOf(span), span }, ...rowsUnder(span.spanId, before + below)]
    })
  }
  return rowsUnder('root', '')
}
