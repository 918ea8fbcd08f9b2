import {
  type Content,
  type FunctionDeclaration,
  type GenerateContentConfig,
  type GenerateContentResponse,
  GoogleGenAI,
  type Part,
} from '@google/genai'
import { instructions, type Library, limit, personSchema, type Said, sampling, seenAs, tools } from '../library.ts'

export const genaiLibrary: Library = {
  name: '@google/genai',
  speaks: 'gemini',
  finishes: { said: 'STOP', called: 'STOP' },
  open({ url, key, model }) {
    const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } })
    const contents: Content[] = []
    return {
      async say({ stream, prompt, picture, results = [], withTools, withSchema, thinks, sampled, signal, onText }) {
        const parts: Part[] = results.map(({ id, name, output, picture }) => ({
          functionResponse: {
            ...(id !== '' && { id }),
            name,
            response: { output },
            ...(picture && { parts: [{ inlineData: { mimeType: picture.mediaType, data: picture.data } }] }),
          },
        }))
        if (picture) parts.push({ inlineData: { mimeType: picture.mediaType, data: picture.data } })
        if (prompt !== undefined) parts.push({ text: prompt })
        contents.push({ role: 'user', parts })
        const config: GenerateContentConfig = {
          systemInstruction: instructions,
          maxOutputTokens: limit,
          ...(withTools && {
            tools: [
              {
                functionDeclarations: tools.map(
                  ({ name, description, schema }): FunctionDeclaration => ({
                    name,
                    description,
                    parametersJsonSchema: schema,
                  }),
                ),
              },
            ],
          }),
          ...(withSchema && { responseMimeType: 'application/json', responseJsonSchema: personSchema }),
          ...(thinks && { thinkingConfig: { includeThoughts: true } }),
          ...(sampled && { temperature: sampling.temperature, stopSequences: [sampling.stop] }),
          ...(signal && { abortSignal: signal }),
        }
        const asked = { model, contents, config }
        const chunks: GenerateContentResponse[] = []
        if (stream) {
          for await (const chunk of await client.models.generateContentStream(asked)) {
            chunks.push(chunk)
            if (chunk.text) onText?.(chunk.text)
          }
        } else chunks.push(await client.models.generateContent(asked))
        const said = chunks.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? [])
        contents.push({ role: 'model', parts: said })
        return saidIn(said, chunks)
      },
    }
  },
  seen: seenAs,
  errorFor: () => 'ApiError',
  abortErrors: ['AbortError'],
  cannot: { headers: 'its errors have none' },
}

function saidIn(parts: readonly Part[], chunks: readonly GenerateContentResponse[]): Said {
  const usage = chunks.findLast(({ usageMetadata }) => usageMetadata)?.usageMetadata
  return {
    text: parts.map(({ text = '', thought }) => (thought ? '' : text)).join(''),
    thoughts: parts.map(({ text = '', thought }) => (thought ? text : '')).join(''),
    calls: parts.flatMap(({ functionCall }) =>
      functionCall ? [{ id: functionCall.id ?? '', name: functionCall.name ?? '', args: functionCall.args ?? {} }] : [],
    ),
    finish: chunks.findLast(({ candidates }) => candidates?.[0]?.finishReason)?.candidates?.[0]?.finishReason,
    usage: {
      input: usage?.promptTokenCount,
      output: usage && (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
    },
  }
}
