import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { trunkline } from '../../test/support/cli.ts'
import { type DataFolder, dataFolder, firstStartUs, type TestCall } from '../../test/support/data-folder.ts'
import { openWriter, requestOf, type Writing } from '../../test/support/writing.ts'
import { defaultProject } from '../core/ids.ts'
import { ask } from './ask.ts'
import { traceLines } from './show-view.ts'
import { widthOf } from './text.ts'

let folder: DataFolder
beforeAll(async () => {
  folder = await dataFolder()
})
afterAll(() => folder.remove())

/** Records the calls and draws what was stored of the first one's trace. */
async function shown(call: TestCall, { columns = 100, full = false } = {}): Promise<string> {
  const trace = folder.record(call)
  const found = await ask(folder.dataDir, 'showTrace', { project: defaultProject, prefix: trace })
  if (found.found !== 'one') throw new Error(`found ${found.found}`)
  return traceLines(
    found.view,
    { columns, paint: (_, text) => text },
    { project: 'default', full, nowUs: firstStartUs },
  ).join('\n')
}

/** The first call of a writer, two and a half seconds after it began. */
async function drawn(one: Writing): Promise<string> {
  const view = await one.shown(1)
  if (!view) throw new Error('not stored')
  const nowUs = view.trace.startedUs + 2_500_000
  return traceLines(view, { columns: 100, paint: (_, text) => text }, { project: 'default', full: false, nowUs }).join(
    '\n',
  )
}

describe('traces show', () => {
  const one = '019b00000000700080000000000000aa'
  const other = '019b00000000700080000000000000ab'
  beforeAll(() => {
    folder.record({ traceId: one, startedUs: firstStartUs })
    folder.record({ traceId: other, startedUs: firstStartUs })
  })
  const show = (...args: string[]) => trunkline(['traces', 'show', '--data-dir', folder.dataDir, ...args])

  test('draws head, spans, attempts and conversation', async () => {
    const { code, stdout, stderr } = await show(one)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await expect(stdout).toMatchFileSnapshot('../../test/golden/cli/show.txt')
  })

  test.each([
    ['dashes', '019b0000-0000-7000-8000-0000000000aa'],
    ['capitals', one.toUpperCase()],
    ['a prefix that only it has', one.slice(0, 32)],
  ])('takes %s', async (_, written) => {
    expect((await show(written)).stdout).toMatch(`Trace    ${one}\n`)
  })

  test('lists those that a prefix could mean', async () => {
    const { code, stdout, stderr } = await show('019b0')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('More than one trace begins with 019b0.')
    expect(stderr).toContain(one)
    expect(stderr).toContain(other)
  })

  test('names the id that it does not find, and where to look', async () => {
    const { code, stderr } = await show('ffff0000')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^There is no trace ffff0000\. `trunkline traces list` /)
  })

  test.each(['019', 'trace', `${one}0`])('%s is no id', async (written) => {
    const { code, stderr } = await show(written)
    expect(code).toBe(2)
    expect(stderr).toContain('4 to 32 hexadecimal digits')
  })

  test('JSON is the whole view', async () => {
    const view = JSON.parse((await show(one, '--json')).stdout)
    expect(view).toMatchObject({
      trace: { traceId: one },
      spans: [
        { kind: 'call', conversation: { messages: [{ role: 'user', parts: [{ kind: 'text', text: 'Hello' }] }] } },
        { kind: 'attempt', detail: { providerRequestId: 'req_1' } },
      ],
    })
  })
})

describe('what a trace looks like', () => {
  test('attempts that failed stand before the one that answered', async () => {
    const text = await shown({ failsBefore: 2 })
    expect(text).toContain('├─ 1 openai/gpt-5-mini')
    expect(text).toContain('└─ 3 openai/gpt-5-mini')
    expect(text).toContain('overloaded: Try later.')
    expect(text).toContain('Usage        unknown (failed)')
    expect(text).toContain('8 in, 9 out: uncached input 5, cache read 3, output text 7, reasoning 2')
  })

  test('a call that runs shows how long by now, and what is known of it', async () => {
    await using one = await openWriter()
    one.body(1, 0, requestOf('Hello'))
    one.begin(1, { queuedUs: 300_000, requestBytes: requestOf('Hello').length })
    one.slabs.send(1)
    const text = await drawn(one)
    expect(text).toMatch(/Status +running\n/)
    expect(text).toMatch(/Total +2\.50 s…\n/)
    expect(text).toMatch(/POST \/v1\/chat\/completions +─+q─+ +2\.50 s…\n/)
    expect(text).toContain('None has ended yet.')
    expect(text).toMatch(/user\n +Hello\n +\(no answer yet\)/)
  })

  test('a call that was interrupted says what that means', async () => {
    await using one = await openWriter()
    one.body(1, 0, requestOf('Hello'))
    one.begin(1, { queuedUs: 300_000, requestBytes: requestOf('Hello').length })
    one.slabs.forget(1)
    one.slabs.send(1)
    const text = await drawn(one)
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      'Status interrupted: its end was not recorded. The server ended while it ran, or its disk could not follow.',
    )
    expect(text).toMatch(/Total +unknown\n/)
    expect(text).toMatch(/POST \/v1\/chat\/completions +─+q +-\n/)
    expect(text).toContain('None is recorded.')
    expect(text).toMatch(/user\n +Hello\n +\(the answer is not recorded\)/)
  })

  test('a stream that never said why it ended says that', async () => {
    await using one = await openWriter()
    one.attempt(1, { unterminated: true })
    one.end(1)
    one.slabs.send(1)
    expect(await drawn(one)).toMatch(/Finish +none: the stream ended and never said why/)
  })

  test('a call that was translated says between which dialects, what was dropped, and what is an estimate', async () => {
    await using one = await openWriter()
    const request = JSON.stringify({
      model: 'some',
      seed: 1,
      messages: [{ role: 'user', content: 'How warm is it?' }],
      tools: [{ type: 'function', function: { name: 'get_weather', parameters: {} } }],
    })
    const answer = JSON.stringify({
      type: 'message',
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'I ask the tool.', signature: 'sealed' },
        { type: 'redacted_thinking', data: 'sealed' },
        { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} },
      ],
      stop_reason: 'tool_use',
    })
    const usage = { inputUncached: 5, outputText: 7 }
    one.body(1, 0, request)
    one.body(1, 1, answer)
    one.attempt(1, {
      provider: 'anthropic',
      dialect: 'anthropic-messages',
      callDialect: 'openai-chat',
      dropped: ['seed', 'messages[0].opaque'],
      answerBytes: answer.length,
      usage,
      usageMissing: 'not reported',
    })
    one.end(1, { requestBytes: request.length, usage, usageEstimated: true })
    one.slabs.send(1)
    one.writer.flush()
    const text = await drawn(one)
    expect(text).toMatch(/Tokens +5 in, 7 out \(estimated\)\n/)
    expect(text).toMatch(/Translated +openai-chat → anthropic-messages\n/)
    expect(text).toMatch(/Dropped +seed, messages\[0\]\.opaque\n/)
    expect(text).toMatch(/Usage +5 in, 7 out \(estimated: not reported\): uncached input 5, output text 7\n/)
    expect(text).toContain(
      [
        'Conversation',
        '  (tools: get_weather)',
        '  user',
        '    How warm is it?',
        '  assistant (answer, finish: tool_use)',
        '    [thoughts]',
        '        I ask the tool.',
        '    [thoughts, hidden by the provider]',
        '    → get_weather toolu_1',
      ].join('\n'),
    )
  })

  test.each([
    ['01a206c2-6dd8-766b-9e66-633f52d25eb8', /Credential +01a206c2-6dd8-766b-9e66-633f52d25eb8\n/],
    ['config:openai', /Credential +that of the configuration\n/],
    ['client', /Credential +the client's own\n/],
  ])('an attempt that was paid with %s says so', async (credential, words) => {
    await using one = await openWriter()
    one.attempt(1, { provider: 'openai', credential })
    one.end(1)
    one.slabs.send(1)
    expect(await drawn(one)).toMatch(words)
  })

  test('a call of a project that does not capture bodies says why there is no conversation', async () => {
    await using one = await openWriter()
    one.end(1, { bodiesNotCaptured: true })
    one.slabs.send(1)
    expect(await drawn(one)).toMatch(/Conversation\n {2}Not recorded: the project does not capture bodies\.$/)
  })

  test('a turn that goes on from a kept answer says where the rest is', async () => {
    await using one = await openWriter()
    const request = JSON.stringify({ model: 'some', input: 'Thank you.', previous_response_id: 'resp_tl_1' })
    one.body(1, 0, request)
    one.end(1, { dialect: 'openai-responses', requestBytes: request.length })
    one.slabs.send(1)
    one.writer.flush()
    expect(await drawn(one)).toContain('Note: What was said before is in the trace of the call that gave resp_tl_1.')
  })

  test('an error of the provider is told in its words', async () => {
    const text = await shown({ status: 429, errorMessage: 'Slow\x1b[2J down' })
    expect(text).toContain('error (HTTP 429)')
    expect(text).toContain('rate_limited: Slow down')
    expect(text).toContain('(no answer)')
  })

  test('what is not text is a placeholder with its size', async () => {
    const text = await shown({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look:' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(4_000)}` } },
            { type: 'input_audio', input_audio: { data: 'A'.repeat(400), format: 'wav' } },
            {
              type: 'file',
              file: { filename: 'report.pdf', file_data: `data:application/pdf;base64,${'A'.repeat(8_000)}` },
            },
          ],
        },
      ],
    })
    expect(text).toContain('[image image/png, 3.0 kB]')
    expect(text).toContain('[audio audio/wav, 300 B]')
    expect(text).toContain('[document report.pdf application/pdf, 6.0 kB]')
    expect(text).not.toContain('AAAA')
  })

  test('tool calls show their arguments with every digit, and results below them', async () => {
    const text = await shown({
      messages: [
        {
          role: 'assistant',
          tool_calls: [
            { id: 'call_1', type: 'function', function: { name: 'find', arguments: '{"id":12345678901234567890}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'nothing' },
      ],
      says: {
        content: null,
        tool_calls: [{ id: 'call_2', type: 'function', function: { name: 'broken', arguments: '{"a":' } }],
      },
    })
    expect(text).toContain('→ find call_1')
    expect(text).toContain('"id": 12345678901234567890')
    expect(text).toMatch(/← result of call_1\n +nothing/)
    expect(text).toMatch(/→ broken call_2\n +\{"a":/)
  })

  test('long texts are cut unless all is wanted', async () => {
    const messages = [{ role: 'user', content: 'word '.repeat(1_000) }]
    expect(await shown({ messages })).toContain('… 3,000 more characters; --full shows them')
    expect((await shown({ messages }, { full: true })).match(/word/g)).toHaveLength(1_000)
  })

  test('an agent that sends everything again shows only what is new', async () => {
    const messages = [{ role: 'user', content: 'First question' }]
    const traceId = folder.record({ messages })
    const more = [
      ...messages,
      { role: 'assistant', content: 'Hi there!' },
      { role: 'user', content: 'Second question' },
    ]
    const text = await shown({ traceId, messages: more })
    expect(text.match(/First question/g)).toHaveLength(1)
    expect(text).toContain('(the first 1 message as in the call before; --full shows them)')
    expect(text).toContain('Conversation of call 2 of 2')
  })

  test('nothing from outside reaches the terminal as a command, and no line is too wide', async () => {
    const evil = 'x\x1b]0;owned\x07\x1b[2J\u009b31m\r\u202e日本語\t'
    const call: TestCall = {
      model: evil,
      threadId: evil,
      label: evil,
      userAgent: evil,
      messages: [
        { role: 'user', name: evil, content: evil.repeat(50) },
        { role: 'tool', tool_call_id: evil, content: evil },
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: `http://${evil}` } },
            { type: evil, evil },
          ],
        },
      ],
      says: {
        content: evil,
        refusal: evil,
        tool_calls: [{ id: evil, type: 'function', function: { name: evil, arguments: JSON.stringify({ evil }) } }],
      },
    }
    const text = await shown(call, { columns: 80, full: true })
    expect(text).not.toMatch(/[\p{Cc}--\n]|\u202e/v)
    for (const line of text.split('\n')) expect(widthOf(line), line).toBeLessThanOrEqual(80)
  })
})
