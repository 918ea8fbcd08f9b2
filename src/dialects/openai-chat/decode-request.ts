import type { ChatRequest } from '../../core/chat.ts'
import type { Asked } from '../dialect.ts'
import { invalid, kindOf } from '../request-body.ts'
import { booleanOf, isFields, listIn, misread, objectIn, present, textOf } from '../values.ts'
import { messagesOf } from './decode-message.ts'
import { formatOf, reasoningOf, settingsOf, Understood } from './decode-settings.ts'
import { toolChoiceOf, toolsOf } from './decode-tools.ts'
import { own } from './finish.ts'

/** What is read in any case. OpenRouter's `usage` asks for what is told anyway. */
const read = ['model', 'messages', 'stream', 'tools', 'functions', 'web_search_options', 'usage']

const readers = { tools: listIn, functions: listIn, web_search_options: objectIn }

export function decodeRequest(body: unknown, _asked: Asked): ChatRequest {
  if (!isFields(body))
    throw invalid('', `The body must be a JSON object with \`model\` and \`messages\`, not ${kindOf(body)}.`)
  const understood = new Understood(body, read)
  const { echo } = understood
  if (isFields(body.usage)) echo.usage = body.usage
  const tools = toolsOf(body)
  const settings = settingsOf(body, understood)
  const rest = present({
    toolChoice: toolChoiceOf(understood),
    parallelToolCalls: understood.take('parallel_tool_calls', booleanOf),
    format: understood.take('response_format', formatOf),
    reasoning: reasoningOf(body, understood),
  })
  return {
    model: textOf(body.model),
    stream: body.stream === true,
    messages: messagesOf(body.messages),
    tools,
    ...rest,
    settings,
    extra: {
      dialect: own,
      fields: { ...understood.rest(), ...misread(body, readers) },
      ...(Object.keys(echo).length > 0 && { echo }),
    },
  }
}
