import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { trunkline } from '../../test/support/cli.ts'
import { type DataFolder, dataFolder, firstStartUs } from '../../test/support/data-folder.ts'
import type { TraceSummary } from '../store/traces.ts'
import { distinctDigits, tracesTable } from './list-view.ts'
import type { Screen } from './screen.ts'
import { widthOf } from './text.ts'

const minuteUs = 60_000_000

describe('traces list', () => {
  let folder: DataFolder
  let ids: string[]
  beforeAll(async () => {
    folder = await dataFolder()
    ids = [
      folder.record({ model: 'gpt-5', threadId: 't-1', runId: 'r-1', startedUs: firstStartUs }),
      folder.record({ model: 'gpt-5-mini', threadId: 't-1', runId: 'r-2', startedUs: firstStartUs + 10 * minuteUs }),
      folder.record({ model: 'gpt-5', status: 429, startedUs: firstStartUs + 20 * minuteUs }),
      folder.record({ model: 'o4', gone: true, startedUs: firstStartUs + 30 * minuteUs }),
    ]
    folder.end()
  })
  afterAll(() => folder.remove())

  const list = (...args: string[]) => trunkline(['traces', 'list', '--data-dir', folder.dataDir, ...args])
  const listed = async (...args: string[]): Promise<number[]> => {
    const { traces } = JSON.parse((await list('--json', ...args)).stdout) as { traces: TraceSummary[] }
    return traces.map(({ traceId }) => ids.indexOf(traceId))
  }

  test('shows the newest first, with what a call is known by', async () => {
    const { code, stdout, stderr } = await list()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(
      [
        'TRACE                             STARTED              MODEL       PROVIDER  STATUS      TOTAL    TTFT  IN  OUT',
        `${ids[3]}  2026-01-31 12:30:00  o4          openai    cancelled  7.0 ms  5.0 ms   8    9`,
        `${ids[2]}  2026-01-31 12:20:00  gpt-5       openai    error 429  6.0 ms       -   -    -`,
        `${ids[1]}  2026-01-31 12:10:00  gpt-5-mini  openai    ok         7.0 ms  5.0 ms   8    9`,
        `${ids[0]}  2026-01-31 12:00:00  gpt-5       openai    ok         7.0 ms  5.0 ms   8    9`,
        '',
        '4 traces.',
        '',
      ].join('\n'),
    )
  })

  test.concurrent.each<[string[], number[]]>([
    [
      ['--model', 'gpt-5'],
      [2, 0],
    ],
    [['--model', 'gpt-5-mini-2026-01-01'], [1]],
    [['--run', 'r-2'], [1]],
    [
      ['--thread', 't-1'],
      [1, 0],
    ],
    [
      ['--status', 'ok'],
      [1, 0],
    ],
    [['--status', 'error'], [2]],
    [['--status', 'cancelled'], [3]],
    [['--status', '429'], [2]],
    [
      ['--since', '2026-01-31T12:20:00Z'],
      [3, 2],
    ],
    [
      ['--until', '2026-01-31T12:20:00Z'],
      [1, 0],
    ],
    [['--since', '2026-01-31T12:05', '--until', '2026-01-31T12:25', '--model', 'gpt-5'], [2]],
    [['--since', '1s'], []],
  ])('keeps to %j', async (args, expected) => {
    expect(await listed(...args)).toEqual(expected)
  })

  test('the command at the end of a page gives the next one, until there is none', async () => {
    const seen: string[] = []
    let args = ['traces', 'list', '--data-dir', folder.dataDir, '--limit', '1', '--model', 'gpt-5']
    for (let page = 0; page < 2; page++) {
      const { stdout } = await trunkline(args)
      seen.push(stdout.split('\n')[1]?.split(' ')[0] ?? '')
      args = /^ {2}trunkline (.*--after .*)$/m.exec(stdout)?.[1]?.split(' ') ?? []
      expect(stdout).toContain(
        page === 0 ? '1 trace, newest first. The next page:' : '1 more trace; these are the last.',
      )
    }
    expect(seen).toEqual([ids[2], ids[0]])
    expect(args).toEqual([])
  })

  test('a duration is written out for the next page, which is asked for later', async () => {
    const { stdout } = await list('--since', '9999d', '--limit', '1')
    expect(stdout).toMatch(/--since \d{4}-\d\d-\d\dT[\d:.]+Z --limit 1 --after /)
  })

  test('JSON is the page as it was asked for', async () => {
    const page = JSON.parse((await list('--json', '--limit', '1')).stdout)
    expect(page).toMatchObject({
      traces: [{ traceId: ids[3], status: 'cancelled', httpStatus: 499 }],
      next: expect.any(String),
    })
  })

  test('when filters leave nothing, they are named', async () => {
    const { code, stdout } = await list('--model', "it's", '--status', 'error')
    expect(code).toBe(0)
    expect(stdout).toContain(`No trace in ${folder.dataDir} matches --model 'it'\\''s' --status error.`)
  })

  test('an empty folder says how to make a first call', async () => {
    const empty = await dataFolder()
    empty.end()
    const { code, stdout } = await trunkline(['traces', 'list'], { TRUNKLINE_DATA_DIR: empty.dataDir })
    expect(code).toBe(0)
    expect(stdout).toContain(`There are no traces in ${empty.dataDir} yet.`)
    expect(stdout).toContain('curl http://127.0.0.1:9090/v1/chat/completions')
    empty.remove()
  })

  test('a folder that is not there is an error', async () => {
    const { code, stdout, stderr } = await trunkline(['traces', 'list', '--data-dir', `${folder.dataDir}/none`])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe(
      `There are no traces in ${folder.dataDir}/none yet. Start \`trunkline serve\` and make a call, or name another folder with --data-dir.\n`,
    )
  })

  test('a broken configuration file does not keep people from their traces', async () => {
    const { code } = await trunkline(['traces', 'list', '--data-dir', folder.dataDir, '--config', '/nowhere.yaml'])
    expect(code).toBe(0)
  })

  test.concurrent.each([
    [['--limit', '0'], 'from 1 to 1000'],
    [['--limit', '1001'], 'from 1 to 1000'],
    [['--status', 'fine'], 'ok, error, cancelled, running, interrupted, or an HTTP status'],
    [['--since', 'yesterday'], 'a duration back from now (15m, 2h, 7d)'],
    [['--after', 'x'], 'Copy it from the end of the page before'],
    [['--modle', 'x'], 'Did you mean --model?'],
  ])('%j is not understood, and says what would be', async (args, hint) => {
    const { code, stdout, stderr } = await list(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(hint)
  })
})

describe('the table', () => {
  const trace = (changes: Partial<TraceSummary>): TraceSummary => ({
    traceId: '019a8f2c7b417c3e9a550f6f3f1d2e4b',
    runId: 'run-1',
    model: 'gpt-5',
    provider: 'openai',
    status: 'ok',
    httpStatus: 200,
    startedUs: firstStartUs,
    durationUs: 1_240_000,
    calls: 1,
    errors: 0,
    ...changes,
  })
  const screen = (columns?: number): Screen => ({ ...(columns && { columns }), paint: (_, text) => text })
  const table = (traces: TraceSummary[], columns?: number, groups = false) =>
    tracesTable(traces, screen(columns), { nowUs: firstStartUs, groups })
  const titles = (lines: string[]) => lines[0]?.split(/ +/)

  test('has a time alone for today, and only as many digits of the ids as it has room for', () => {
    const [, row] = table([trace({})], 80)
    expect(row).toMatch(/^019a8f2c7b417 {2}\d\d:\d\d:\d\d {2}gpt-5/)
  })

  test('tells ids of the same millisecond apart', () => {
    expect(distinctDigits(['019a8f2c7b417c3e9a55aaaaaaaaaaaa', '019a8f2c7b417c3e9b55aaaaaaaaaaaa'])).toBe(18)
    expect(distinctDigits(['019a8f2c7b417c3e9a55aaaaaaaaaaaa'])).toBe(13)
  })

  test('shows runs and threads where there is room, or when they are asked for', () => {
    const traces = [trace({ threadId: 't-1' })]
    expect(titles(table(traces, 200))).toEqual(expect.arrayContaining(['RUN', 'THREAD']))
    expect(titles(table(traces, 100))).not.toContain('RUN')
    expect(titles(table(traces, 100, true))).toEqual(expect.arrayContaining(['RUN', 'THREAD']))
    expect(titles(table(traces))).not.toContain('RUN')
  })

  test('counts calls where a trace has several', () => {
    expect(titles(table([trace({})], 200))).not.toContain('CALLS')
    expect(titles(table([trace({ calls: 3 })], 200))).toContain('CALLS')
  })

  test('keeps its columns and its width under long, wide and hostile names', () => {
    const traces = [
      trace({ traceId: `a${'0'.repeat(31)}`, model: '通义千问-超级大模型-很长的名字-二〇二六' }),
      trace({ traceId: `b${'0'.repeat(31)}`, model: `m${'x'.repeat(300)}` }),
      trace({ model: 'a\x1b[2J\nb\u202e', provider: undefined as never }),
    ]
    for (const columns of [72, 80, 100, 120]) {
      const lines = table(traces, columns)
      expect(new Set(lines.map(widthOf)).size).toBe(1)
      expect(widthOf(lines[0] as string)).toBeLessThanOrEqual(columns)
      expect(lines.join('')).not.toMatch(/[\p{Cc}\u202e]/u)
    }
  })

  test('of a call that runs it shows how long by now, and of an interrupted one nothing', () => {
    const { durationUs: _, ...open } = trace({})
    const running = { ...open, status: 'running', startedUs: firstStartUs - 12_400_000 } as const
    const interrupted = { ...open, status: 'interrupted' } as const
    const [, first, second] = table([running, interrupted], 120)
    expect(first).toMatch(/ running +12\.40 s… /)
    expect(second).toMatch(/ interrupted +- /)
  })

  test('an error within an answer that had begun well is an error without a status', () => {
    expect(table([trace({ status: 'error', httpStatus: 200 })], 120)[1]).toMatch(/ error {2}/)
    expect(table([trace({ status: 'error', httpStatus: 503 })], 120)[1]).toMatch(/ error 503 /)
  })
})
