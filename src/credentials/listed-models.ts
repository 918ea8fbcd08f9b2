/** Nobody reads more. */
const most = 1_000

/**
 * The names in a list of models, whoever wrote it: sorted, each once. Undefined when it is no such list.
 *
 * OpenAI and Anthropic have `data[].id`, Gemini `models[].name`, Vertex AI `publisherModels[].name`, Bedrock
 * `modelSummaries[].modelId`; some hosts answer with the bare array.
 */
export function listedModels(body: Buffer): readonly string[] | undefined {
  const entries = entriesOf(parsed(body))
  return entries && [...new Set(entries.flatMap(nameOf))].sort().slice(0, most)
}

type Fields = Readonly<Record<string, unknown>>

function entriesOf(list: unknown): readonly unknown[] | undefined {
  if (Array.isArray(list)) return list
  if (typeof list !== 'object' || list === null) return undefined
  const { data, models, publisherModels, modelSummaries } = list as Fields
  return [data, models, publisherModels, modelSummaries].find((entries) => Array.isArray(entries))
}

function nameOf(entry: unknown): string[] {
  const { id, modelId, name } = Object(entry) as Fields
  const found = [id, modelId, name].find((one) => typeof one === 'string' && one !== '')
  return typeof found === 'string' ? [found.replace(/^(publishers\/\w+\/)?models\//, '')] : []
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
