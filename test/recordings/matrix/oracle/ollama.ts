import type { Oracle, Said, WireEvent } from './said.ts'
import { list, num, obj, str } from './tree.ts'

export const ollama: Oracle = {
  said(body): Said {
    const message = obj(body.message)
    const calls = list(message.tool_calls).map((call) => ({
      name: str(obj(call.function).name),
      args: obj(call.function).arguments,
    }))
    const ended = body.done_reason === 'length' ? 'length' : 'stop'
    return {
      choices: [
        {
          text: str(message.content),
          refusal: '',
          reasoning: str(message.thinking),
          calls,
          finish: body.done !== true ? 'none' : calls.length > 0 ? 'tool_calls' : ended,
          links: [],
          quotes: [],
          tokens: [],
          media: [],
        },
      ],
      usage:
        body.eval_count === undefined
          ? undefined
          : {
              input: num(body.prompt_eval_count),
              output: num(body.eval_count),
              cached: 0,
              written: 0,
              reasoning: 0,
            },
    }
  },
  fold(events: readonly WireEvent[]) {
    let whole: Record<string, unknown> = {}
    for (const { data } of events) {
      const line = obj(data)
      const [before, message] = [obj(whole.message), obj(line.message)]
      whole = {
        ...whole,
        ...line,
        created_at: whole.created_at ?? line.created_at,
        message: {
          ...before,
          ...message,
          content: str(before.content) + str(message.content),
          ...(str(before.thinking) + str(message.thinking) !== '' && {
            thinking: str(before.thinking) + str(message.thinking),
          }),
          ...(list(before.tool_calls).length + list(message.tool_calls).length > 0 && {
            tool_calls: [...list(before.tool_calls), ...list(message.tool_calls)],
          }),
        },
      }
    }
    return whole
  },
}
