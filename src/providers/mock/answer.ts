import type { Message, Part } from '../../core/chat.ts'
import { type MockModel, resultsAtEnd, smallObject } from './models.ts'
import type { MockOptions } from './options.ts'
import type { MockRequest, OfferedTool } from './request.ts'
import { instanceOf } from './schema.ts'
import { tokensIn, untilStop, withinTokens } from './text.ts'

/** What is answered, before anything is said of how it is written or sent. */
export interface Answer {
  readonly id: string
  readonly model: string
  readonly choices: readonly Choice[]
  /** Absent when it is not to be reported. */
  readonly usage: Usage | undefined
}

export interface Choice {
  readonly reasoning: string
  readonly text: string
  readonly calls: readonly Call[]
  /** `null` when the answer ends without a reason. */
  readonly finish: string | null
}

export interface Call {
  readonly id: string
  readonly type: OfferedTool['type']
  readonly name: string
  readonly arguments: string
}

export interface Usage {
  readonly prompt: number
  readonly completion: number
  /** Part of the completion. */
  readonly reasoning: number
}

type Draft = Pick<Choice, 'reasoning' | 'text'> & { readonly calls: readonly Omit<Call, 'id'>[] }

export function answerOf(request: MockRequest, model: MockModel, options: MockOptions): Answer {
  const choices = Array.from({ length: request.count }, (_, index) => {
    const draft = draftOf(request, model, options, index)
    const calls = draft.calls.map((call, at): Call => ({ ...call, id: `call_mock_${request.hash}_${index}_${at}` }))
    return finished(request, options, { ...draft, calls })
  })
  return {
    id: `chatcmpl-mock-${request.hash}`,
    model: request.model,
    choices,
    usage: options.usage === false ? undefined : usageOf(request.messages, choices),
  }
}

function draftOf(request: MockRequest, model: MockModel, options: MockOptions, index: number): Draft {
  const reasoning = options.reasoning ?? model.reasoning?.(request) ?? ''
  if (options.text !== undefined || options.tool_calls !== undefined) {
    return { reasoning, text: options.text ?? '', calls: givenCalls(options) }
  }
  const calls = madeCalls(request, model, options)
  if (calls.length > 0) return { reasoning, text: '', calls }
  return { reasoning, text: textOf(request, model, index), calls }
}

const givenCalls = ({ tool_calls: calls = [] }: MockOptions): Draft['calls'] =>
  calls.map(({ name, arguments: given = {} }) => ({
    type: 'function',
    name,
    arguments: typeof given === 'string' ? given : JSON.stringify(given),
  }))

function madeCalls({ tools, messages }: MockRequest, model: MockModel, { parallel }: MockOptions): Draft['calls'] {
  const wanted = model.callsTools === true && resultsAtEnd(messages).length === 0
  if (tools.mode === 'none' || (tools.mode === 'auto' && !wanted)) return []
  const called = parallel === true && tools.parallel ? tools.offered : tools.offered.slice(0, 1)
  return called.map(({ type, name, schema, path }) => ({
    type,
    name,
    arguments: type === 'custom' ? 'mock' : JSON.stringify(instanceOf(schema, path)),
  }))
}

function textOf(request: MockRequest, model: MockModel, index: number): string {
  switch (request.format.kind) {
    case 'schema':
      return JSON.stringify(instanceOf(request.format.schema, 'response_format.json_schema.schema'))
    case 'json':
      return smallObject(request)
    case 'text':
      return request.count > 1 ? `(${index}) ${model.text(request)}` : model.text(request)
  }
}

/** What the request's stop sequences and limit leave of it, reasoning counted first as OpenAI does, and why it ends. */
function finished({ stops, maxTokens }: MockRequest, options: MockOptions, full: Omit<Choice, 'finish'>): Choice {
  const most = maxTokens ?? Number.MAX_SAFE_INTEGER / 8
  const reasoning = withinTokens(full.reasoning, most)
  const said = untilStop(full.text, stops)
  const text = withinTokens(said, most - tokensIn(reasoning))
  const isCut = reasoning.length < full.reasoning.length || text.length < said.length
  const reason = isCut ? 'length' : full.calls.length > 0 ? 'tool_calls' : 'stop'
  return { ...full, reasoning, text, finish: options.finish_reason === undefined ? reason : options.finish_reason }
}

function usageOf(messages: readonly Message[], choices: readonly Choice[]): Usage {
  const reasoning = sum(choices.map((choice) => tokensIn(choice.reasoning)))
  const said = choices.map(({ text, calls }) => tokensIn(text) + sum(calls.map((call) => tokensIn(call.arguments))))
  return {
    prompt: sum(messages.map(({ parts }) => sum(parts.map(tokensOf)))),
    completion: reasoning + sum(said),
    reasoning,
  }
}

/** Texts and the arguments of tool calls count; pictures, sound and documents do not. */
function tokensOf(part: Part): number {
  switch (part.kind) {
    case 'text':
    case 'refusal':
    case 'reasoning':
      return tokensIn(part.text)
    case 'tool-call':
      return tokensIn(part.arguments)
    case 'tool-result':
      return sum(part.parts.map(tokensOf))
    default:
      return 0
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
