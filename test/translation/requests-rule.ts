/** Hears whether a rule holds, and what is wrong when it does not. */
export type Rule = (holds: unknown, fault: string) => void

export const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const isBlank = (text: unknown): boolean => typeof text !== 'string' || text.trim() === ''
export const isUnique = (all: readonly unknown[]): boolean => new Set(all).size === all.length
export const keys = (value: object): string => Object.keys(value).join()
export const isBase64 = (text: unknown): boolean =>
  typeof text === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0
