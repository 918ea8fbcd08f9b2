/**
 * What "semantically equal" means, for each wire format: what these functions make equal may differ between what was
 * recorded and what we write, and nothing else. Each rule says why both spellings mean the same to the provider.
 */
import { asParts, filled, mapList, merged, withoutDefaults, withoutNulls } from './normal-parts.ts'
import { isObj, list, obj, type Tree } from './oracle/tree.ts'

export interface Normal {
  request(body: Tree): unknown
  answer(body: Tree): unknown
}

const openaiChat: Normal = {
  request(body) {
    const { stop, messages, tools, response_format, ...rest } = filled(withoutNulls(body) as Tree, 'tools', 'functions')
    return {
      ...withoutDefaults(rest, { stream: false }),
      ...(stop !== undefined && { stop: typeof stop === 'string' ? [stop] : stop }),
      ...(tools !== undefined && { tools: mapList(tools, functional) }),
      ...(isObj(response_format) && { response_format: named(response_format) }),
      messages: mapList(messages, (message) => {
        const { content, ...others } = thinking(filled(message, 'tool_calls'))
        // Beside calls, an empty text says nothing.
        const isSilent =
          content === undefined || ((content === '' || isEmptyText(content)) && others.tool_calls !== undefined)
        return {
          ...others,
          ...(others.tool_calls !== undefined && { tool_calls: calls(others.tool_calls) }),
          ...(!isSilent && {
            content: mapList(asParts(content), (part) =>
              typeof part.image_url === 'string' ? { ...part, image_url: { url: part.image_url } } : part,
            ),
          }),
        }
      }),
    }
  },
  answer(body) {
    const whole = filled(withoutNulls(body) as Tree, 'prompt')
    return {
      ...withoutDefaults(whole, { system_fingerprint: '' }),
      // Perplexity has an empty delta beside the message.
      choices: mapList(whole.choices, ({ delta: _delta, ...choice }) => ({
        ...filled(choice, 'content_filter_results', 'logprobs'),
        message: spoken(obj(choice.message)),
      })),
    }
  },
}

const isEmptyText = (content: unknown): boolean =>
  Array.isArray(content) && content.every((part) => obj(part).text === '')

/** Functions are what tools and calls are when nobody says so. */
const functional = (value: Tree): Tree => ({ type: 'function', ...value })

/** A call may say which one it is, by its place. */
const calls = (value: unknown): unknown =>
  list(value).map((call, place) => functional(withoutDefaults(call, { index: place })))

/** A schema has to have a name at OpenAI, and need not at others. */
const named = (format: Tree): Tree =>
  isObj(format.json_schema) ? { ...format, json_schema: { name: 'answer', ...format.json_schema } } : format

/** Some clients tell thoughts under both of their names at once. */
const thinking = (message: Tree): Tree =>
  withoutDefaults(message, { reasoning_content: '', reasoning: message.reasoning_content ?? '' })

/** An empty text, refusal or list of calls says no more than none, and nobody but the assistant answers. */
const spoken = (message: Tree): Tree => {
  const { content, tool_calls, ...rest } = filled(message, 'tool_calls', 'annotations', 'reasoning_details')
  return {
    ...withoutDefaults(rest, { role: 'assistant', reasoning: '', reasoning_content: '', refusal: '' }),
    ...(tool_calls !== undefined && { tool_calls: calls(tool_calls) }),
    ...(content !== undefined && content !== '' && { content: asParts(content) }),
  }
}

const anthropicMessages: Normal = {
  request(body) {
    const { system, messages, ...rest } = filled(withoutNulls(body) as Tree, 'tools')
    return {
      ...withoutDefaults(rest, { stream: false }),
      ...(rest.tools !== undefined && {
        tools: mapList(rest.tools, (tool) => withoutDefaults(markless(tool), { type: 'custom' })),
      }),
      ...(system !== undefined && { system: mapList(asParts(system), markless) }),
      messages: merged(
        mapList(messages, ({ content, ...message }) => ({ ...message, content: mapList(asParts(content), block) })),
        'content',
      ),
    }
  },
  answer: (body) => withoutNulls(body),
}

const block = (value: Tree): Tree => {
  const marked = markless(value)
  if (marked.type !== 'tool_result') return marked
  const { content, ...rest } = withoutDefaults(marked, { is_error: false })
  return { ...rest, ...(content !== undefined && { content: mapList(asParts(content), block) }) }
}

/** Five minutes is what a cache mark without a time means. */
const markless = (value: Tree): Tree =>
  isObj(value.cache_control) ? { ...value, cache_control: withoutDefaults(value.cache_control, { ttl: '5m' }) } : value

const gemini: Normal = {
  request(body) {
    const whole = filled(
      camelCased(plainBytes(withoutNulls(body))) as Tree,
      'tools',
      'generationConfig',
      'safetySettings',
      'toolConfig',
    )
    const { contents, systemInstruction, ...rest } = whole
    // A list of one may be written without its brackets.
    const tools = rest.tools === undefined ? undefined : Array.isArray(rest.tools) ? rest.tools : [rest.tools]
    const turns = typeof contents === 'string' ? [{ parts: [{ text: contents }] }] : contents
    return {
      ...rest,
      // The role of instructions means nothing; they are text, however wrapped.
      ...(systemInstruction !== undefined && {
        systemInstruction:
          typeof systemInstruction === 'string' ? [{ text: systemInstruction }] : obj(systemInstruction).parts,
      }),
      // Functions may be declared in one list or in several.
      ...(tools !== undefined && {
        functions: list(tools).flatMap((tool) => list(tool.functionDeclarations)),
        tools: list(tools)
          .map(({ functionDeclarations: _functions, ...tool }) => tool)
          .filter((tool) => Object.keys(tool).length > 0),
      }),
      contents: merged(
        (Array.isArray(turns) ? turns : [turns]).map((turn) => ({ role: 'user', ...obj(turn) })),
        'parts',
      ),
    }
  },
  answer(body) {
    const whole = withoutNulls(plainBytes(body)) as Tree
    // The first candidate may leave out that it is the first, and each that the model speaks.
    return {
      ...whole,
      candidates: mapList(whole.candidates, ({ content, ...candidate }) => ({
        index: 0,
        ...candidate,
        content: { role: 'model', ...obj(content) },
      })),
    }
  },
}

/** Bytes in either alphabet of base64, with or without its padding. */
function plainBytes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainBytes)
  if (!isObj(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      /^(data|thought_?signature)$/i.test(name) && typeof member === 'string'
        ? member.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '')
        : plainBytes(member),
    ]),
  )
}

/** Both spellings of a field's name are taken; names inside of schemas, arguments and results are the user's own. */
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased)
  if (!isObj(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      const isOwn = /^(args|response|parameters|parametersJsonSchema|responseSchema|responseJsonSchema|labels)$/.test(
        camel,
      )
      return [camel, isOwn ? member : camelCased(member)]
    }),
  )
}

const openaiResponses: Normal = {
  request(body) {
    const { input, ...rest } = filled(withoutNulls(body) as Tree, 'tools', 'include')
    const items = typeof input === 'string' ? [{ role: 'user', content: input }] : input
    return {
      ...withoutDefaults(rest, { stream: false, instructions: '', top_logprobs: 0 }),
      ...(rest.tools !== undefined && {
        // A function is strict unless it says otherwise.
        tools: mapList(rest.tools, (tool) => (tool.type === 'function' ? { strict: true, ...tool } : tool)),
      }),
      input: mapList(items, item),
    }
  },
  answer(body) {
    const whole = withoutNulls(body) as Tree
    return { ...whole, output: mapList(whole.output, item) }
  },
}

const item = (value: Tree): Tree => {
  // Thoughts that are not shown may have an empty list of them or none.
  if (value.type === 'reasoning') return filled(value, 'content')
  if (value.type !== undefined && value.type !== 'message') return value
  const type = value.role === 'assistant' ? 'output_text' : 'input_text'
  return {
    ...value,
    type: 'message',
    content: mapList(asParts(value.content, type), (part) =>
      withoutDefaults(filled(part, 'annotations', 'logprobs'), { detail: 'auto' }),
    ),
  }
}

const bedrockConverse: Normal = {
  request(body) {
    const { messages, inferenceConfig, ...rest } = withoutNulls(body) as Tree
    return {
      ...filled(
        {
          ...rest,
          ...(isObj(inferenceConfig) && { inferenceConfig: filled(inferenceConfig, 'stopSequences') }),
        },
        'inferenceConfig',
        'system',
        'toolConfig',
        'additionalModelRequestFields',
        'additionalModelResponseFieldPaths',
        'promptVariables',
        'requestMetadata',
      ),
      messages: merged(
        mapList(messages, (message) => ({
          ...message,
          content: mapList(message.content, (part) =>
            isObj(part.toolResult) ? { toolResult: withoutDefaults(part.toolResult, { status: 'success' }) } : part,
          ),
        })),
        'content',
      ),
    }
  },
  answer(body) {
    const { metrics, output, ...whole } = withoutNulls(body) as Tree
    const { content, ...message } = obj(obj(output).message)
    return {
      ...whole,
      // How long it took has to be there, and is 0 where nobody told it.
      ...(obj(metrics).latencyMs !== 0 && { metrics }),
      output: {
        message: {
          role: 'assistant',
          ...message,
          content: list(content).filter((part) => part.text !== ''),
        },
      },
    }
  },
}

const ollama: Normal = {
  request: (body) => {
    const { messages, ...rest } = filled(withoutNulls(body) as Tree, 'tools', 'options')
    return {
      ...withoutDefaults(rest, { format: '' }),
      messages: mapList(messages, (message) => filled(message, 'tool_calls')),
    }
  },
  answer: (body) => withoutNulls(body),
}

const normals: Readonly<Record<string, Normal>> = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  'anthropic-messages': anthropicMessages,
  'vertex-anthropic': anthropicMessages,
  'bedrock-invoke': anthropicMessages,
  gemini,
  'bedrock-converse': bedrockConverse,
  ollama,
}

export function normalOf(dialect: string): Normal {
  const normal = normals[dialect]
  if (!normal) throw new Error(`Nobody has said what is equal in ${dialect}.`)
  return normal
}
