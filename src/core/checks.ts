import { GatewayError } from './error.ts'

/** What was sent cannot be stored. */
export const bad = (param: string, message: string): GatewayError => new GatewayError('bad_request', message, { param })

/** Control characters could steer the terminal or break the line of whoever is shown the text. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}]/u

/** A text of one line for people, such as a name. Space around it is taken off. */
export function lineOf(param: string, written: string, longest = 200): string {
  const text = written.trim()
  if (text === '') throw bad(param, `${param} must not be empty.`)
  if (text.length > longest) throw bad(param, `${param} is longer than ${longest} characters.`)
  if (unprintable.test(text)) throw bad(param, `${param} has a line break or another control character.`)
  if (!text.isWellFormed()) throw bad(param, `${param} is no valid Unicode.`)
  return text
}

/** Names that every object of JavaScript has already. */
export const inherited: readonly string[] = ['__proto__', 'constructor', 'prototype']

/** A name by which something is looked up. */
export function keyNameOf(param: string, written: string, longest = 200): string {
  const name = lineOf(param, written, longest)
  if (name !== written) throw bad(param, `${param} must not begin or end with a space.`)
  if (inherited.includes(name)) throw bad(param, `${param} must not be ${name}.`)
  return name
}

/** How a provider of somebody's own may be called: it stands before the slash of a model's name, and in variables. */
export const providerNameForm = /^[a-z0-9][a-z0-9-]{0,62}$/

/** Whoever changes something may say which version they have seen, so that nobody else's change is lost. */
export function checkVersion(what: string, version: number, ifVersion: number | undefined): void {
  if (ifVersion === undefined || ifVersion === version) return
  throw new GatewayError(
    'precondition_failed',
    `${what} has been changed since: it is at version ${version} and not ${ifVersion}. Look at it again.`,
  )
}

/** The address of a host, as it was written. Two that are written differently may be the same: see `plainUrl`. */
export function baseUrlOf(param: string, written: string): string {
  const url = URL.canParse(written) ? new URL(written) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || /[\p{Cc}\s]/u.test(written))
    throw bad(param, `${param} must be an http or https URL.`)
  if (url.username !== '' || url.password !== '')
    throw bad(param, `${param} must not have a user or password in it: give the key as a credential.`)
  if (url.hash !== '') throw bad(param, `${param} must not have a # in it.`)
  return written
}

/** An address in its one form; empty for none. */
export const plainUrl = (written: string | undefined): string => (written === undefined ? '' : new URL(written).href)
