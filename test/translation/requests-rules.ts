/** What providers refuse, as their documentation and their 400s have it. */
import { anthropicRules } from './requests-rules-anthropic.ts'
import { bedrockRules } from './requests-rules-bedrock.ts'
import { geminiRules } from './requests-rules-gemini.ts'
import { openaiChatRules, openaiResponsesRules } from './requests-rules-openai.ts'
import type { Target, Wire } from './requests-targets.ts'

const byDialect = {
  'openai-chat': openaiChatRules,
  'openai-responses': openaiResponsesRules,
  'anthropic-messages': anthropicRules,
  gemini: geminiRules,
  'bedrock-converse': bedrockRules,
}

/** The rules that a request breaks; none when its provider would take it. */
export function rulesBroken(target: Target, body: Wire): readonly string[] {
  const faults = new Set<string>()
  byDialect[target.dialect as keyof typeof byDialect](body, (holds, fault) => void (holds || faults.add(fault)), target)
  return [...faults]
}
