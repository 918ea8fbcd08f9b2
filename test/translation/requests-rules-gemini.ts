/** What Gemini refuses. */
import { isBase64, isObject, keys, type Rule } from './requests-rule.ts'
import type { Target, Wire } from './requests-targets.ts'

export function geminiRules(body: Wire, rule: Rule, { model }: Target): void {
  const { contents, systemInstruction, tools, toolConfig, generationConfig: config = {} } = body
  const isNew = /gemini-3/.test(model)
  rule(contents[0]?.role === 'user', 'it does not begin with the user')
  rule(
    systemInstruction === undefined || systemInstruction.parts.every(({ text }: Wire) => text !== ''),
    'empty instructions',
  )
  rule(systemInstruction === undefined || !/gemma/.test(model), 'instructions')
  for (const name of Object.keys(body))
    rule(
      ['contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig', 'serviceTier'].includes(name),
      `the unknown field ${name}`,
    )
  const declared = (tools ?? []).flatMap((one: Wire) => one.functionDeclarations ?? [])
  rule(
    tools === undefined || (tools.length > 0 && tools.every((one: object) => keys(one) !== '')),
    'an empty list of tools',
  )
  const calling = toolConfig?.functionCallingConfig
  rule(!calling || declared.length > 0, 'a choice without tools')
  rule(!calling?.allowedFunctionNames || ['ANY', 'VALIDATED'].includes(calling.mode), 'names with a mode that has none')
  for (const name of calling?.allowedFunctionNames ?? [])
    rule(
      declared.some((one: Wire) => one.name === name),
      'a choice of no tool',
    )
  for (const one of declared) {
    rule(/^[a-zA-Z_][\w.:-]{0,127}$/.test(one.name), 'the name of a tool')
    rule(
      !one.parameters || one.parameters.anyOf || Object.keys(one.parameters.properties ?? {}).length > 0,
      'an object without properties',
    )
  }
  rule(
    (config.stopSequences ?? ['x']).length > 0 &&
      (config.stopSequences ?? []).length <= 5 &&
      !(config.stopSequences ?? []).includes(''),
    'stops',
  )
  if (!isNew) rule(!(declared.length > 0 && config.responseMimeType === 'application/json'), 'a format with tools')
  const { thinkingConfig } = config
  rule(!thinkingConfig || /2\.5|gemini-3/.test(model), 'thinking')
  rule(
    !(thinkingConfig?.thinkingLevel && !isNew) && !(thinkingConfig?.thinkingBudget !== undefined && isNew),
    'how it is to think',
  )
  let before: Wire
  for (const [at, content] of contents.entries()) {
    const { role, parts } = content
    rule(role === 'user' || role === 'model', 'a role')
    rule(parts.length > 0, 'no parts')
    const asked = parts.flatMap((part: Wire) => (part.functionCall ? [part.functionCall] : []))
    const answers = parts.flatMap((part: Wire) => (part.functionResponse ? [part.functionResponse] : []))
    for (const part of parts) {
      rule(part.text !== '' || part.thoughtSignature, 'an empty text')
      rule(!part.inlineData || isBase64(part.inlineData.data), 'what is no base64')
      rule(keys(part).length > 0, 'an empty part')
    }
    for (const call of asked)
      rule(typeof call.name === 'string' && (call.args === undefined || isObject(call.args)), 'a call')
    for (const answer of answers) rule(isObject(answer.response) && answer.name, 'a result')
    rule(role === 'model' || asked.length === 0, 'a call of the user')
    rule(role === 'user' || answers.length === 0, 'a result of the model')
    if (asked.length > 0) {
      rule(before?.role === 'user', 'calls that follow no user')
      const next = (contents[at + 1]?.parts ?? []).flatMap((part: Wire) =>
        part.functionResponse ? [part.functionResponse.name] : [],
      )
      rule(next.join() === asked.map(({ name }: Wire) => name).join(), 'not as many results as calls')
    }
    if (answers.length > 0) {
      rule(
        before?.parts.filter((part: Wire) => part.functionCall).length === answers.length,
        'not as many results as calls',
      )
      if (!isNew) rule(!parts.some((part: Wire) => part.inlineData), 'pictures beside results')
    }
    before = content
  }
  if (isNew) {
    const user = contents.findLastIndex(
      ({ role, parts }: Wire) => role === 'user' && !parts.some((part: Wire) => part.functionResponse),
    )
    for (const { role, parts } of contents.slice(user + 1)) {
      const call = role === 'model' && parts.find((part: Wire) => part.functionCall)
      rule(!call || call.thoughtSignature, 'a call without a signature')
    }
  }
}
