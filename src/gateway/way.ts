import { GatewayError } from '../core/error.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { abilitiesFor } from '../providers/abilities.ts'
import { endpointFor, pathOf } from '../providers/endpoint.ts'
import { fitted } from '../providers/fit.ts'
import type { ConfiguredEndpoint } from '../providers/provider.ts'
import type { Target } from '../routing/plan.ts'
import type { Call } from './call.ts'
import { fieldsOfClient, lostInHeader } from './lost-fields.ts'
import { withAllowedNames } from './tool-names.ts'

/** How a call goes to a target: in which dialect, where to, and in which bytes. */
export interface Way {
  readonly endpoint: ConfiguredEndpoint
  readonly dialect: Dialect
  readonly path: string
  readonly body: Buffer
  /** True when client and provider speak the same, and the client's own bytes go up. */
  readonly isNative: boolean
  /** True when the stream was asked for its usage on our account. */
  readonly addsUsage: boolean
  /** What of the request the target cannot take, in the client's words. */
  readonly dropped: readonly string[]
  /** What the client calls its tools, by the names under which they went out. */
  readonly toolNames: ReadonlyMap<string, string>
  /** Whose the sealed thoughts in the answer are, where the dialect alone would not say it. */
  readonly seals: string | undefined
}

const sameNames: ReadonlyMap<string, string> = new Map()

export function wayTo(call: Call, target: Target): Way {
  const { provider, model } = target
  const { facts } = call
  const endpoint = endpointFor(provider, model, call.dialect.name, () => needsOf(call))
  const { dialect } = endpoint
  const path = pathOf(endpoint, facts.stream ? 'stream' : 'whole', model)
  if (path === undefined)
    throw new GatewayError(
      'unsupported_field',
      `${provider.name} has no ${facts.stream ? 'streams' : 'chat'} in ${dialect.name}.`,
    )
  const isNative = dialect === call.dialect && !dialect.holdsForeign?.(call.body)
  if (!isNative) return { endpoint, dialect, path, isNative, addsUsage: false, ...translated(call, target, dialect) }
  const addsUsage = facts.stream && !facts.asksUsage && provider.addsStreamUsage
  const body = dialect.editRequest(call.body, facts, { model, addUsage: addsUsage })
  return { endpoint, dialect, path, body, isNative, addsUsage, dropped: [], toolNames: sameNames, seals: undefined }
}

function needsOf(call: Call): { hasTools: boolean; effort: string | undefined } {
  const { tools, reasoning } = call.chat()
  return { hasTools: tools.length > 0, effort: reasoning?.effort }
}

function translated(
  call: Call,
  { provider, model }: Target,
  dialect: Dialect,
): Pick<Way, 'body' | 'dropped' | 'toolNames' | 'seals'> {
  const asked = call.chat()
  const { effort, mode, budget } = asked.reasoning ?? {}
  const isOff = effort === 'none' || mode === 'off' || budget === 0
  const abilities = abilitiesFor(provider, model, dialect.name, isOff)
  // A stream always tells us what it used, where its provider can; the client hears of it only if it asked.
  const includeUsage = asked.stream && provider.addsStreamUsage
  const { includeUsage: _, ...settings } = asked.settings
  const request = { ...asked, model, settings: includeUsage ? { ...settings, includeUsage } : settings }
  const { request: named, names: toolNames } = withAllowedNames(request)
  const fit = fitted(named, abilities)
  const { body, dropped } = dialect.encodeRequest(fit.request, abilities)
  const lost = fieldsOfClient(
    call.dialect.name,
    [...fit.dropped, ...dropped].filter((name) => !call.isRestored(name)),
  )
  if (call.strict && lost.length > 0) {
    throw new GatewayError(
      'unsupported_field',
      `${provider.name} cannot take ${lostInHeader(lost.map((name) => `\`${name}\``))} with the model ${model}. Leave it out, or let Trunkline leave it out: do not ask for strict translation.`,
      { param: lost[0] as string },
    )
  }
  return { body: Buffer.from(JSON.stringify(body)), dropped: lost, toolNames, seals: abilities.seals }
}
