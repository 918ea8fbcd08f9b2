import type { Seal } from '../../core/chat.ts'

/**
 * Claude's seals are the same bytes at Anthropic and here, and begin alike. What other models seal is known only here.
 * Encrypted thoughts come in another layer of base64, which Anthropic's own API does not have.
 */
const claudeSeal = /^E[g-v][A-Za-z0-9+/]/

export const sealOfSignature = (signature: string): Seal => ({
  by: claudeSeal.test(signature) ? 'anthropic' : 'bedrock',
  value: signature,
})

export function sealOfRedacted(data: string): Seal {
  const inside = Buffer.from(data, 'base64').toString('latin1')
  const isClaude = claudeSeal.test(inside) && Buffer.from(inside, 'latin1').toString('base64') === data
  return isClaude ? { by: 'anthropic', value: inside } : { by: 'bedrock', value: data }
}

export const redactedOf = ({ by, value }: Seal): string =>
  by === 'anthropic' ? Buffer.from(value, 'latin1').toString('base64') : value
