import type { Header } from './key-headers.ts'
import type { ConfiguredProvider } from './provider.ts'
import type { UsableCredential } from './usable-credential.ts'

/** Everything with which a call to a provider might be paid. */
export interface KeySources {
  readonly provider: Pick<ConfiguredProvider, 'own' | 'standing' | 'needsKey'>
  /** The key that the client has of the vendor, where it may be used at all. */
  readonly ofClient: () => Header | undefined
}

/**
 * What a call to a provider is paid with, the first to be tried first; undefined when there is nothing and it has to be
 * paid. The first source that has anything is the only one:
 *
 * 1. the project's own credentials: those of the lowest priority first, and of equals each as often first as its weight says;
 * 2. the configuration: its file, and what the environment says where the file says nothing;
 * 3. the client's own key;
 * 4. nothing, where nothing is wanted.
 *
 * They are not mixed, or a project whose key is used up would go on at the expense of whoever runs Trunkline.
 */
export type ProviderKeyResolver = (sources: KeySources, random: () => number) => readonly UsableCredential[] | undefined

export const resolveKeys: ProviderKeyResolver = ({ provider: { own, standing, needsKey }, ofClient }, random) => {
  if (own.length > 0) return own.length === 1 ? own : inOrder(own, random)
  if (standing) return [standing]
  if (!needsKey) return nothing
  const header = ofClient()
  return header && [clients(header)]
}

const free: UsableCredential = {
  id: 'none',
  priority: 1,
  weight: 1,
  header: undefined,
  isCloud: false,
  isAmbient: false,
  secrets: [],
}
const nothing: readonly UsableCredential[] = [free]

const bearer = /^Bearer /

const clients = (header: Header): UsableCredential => ({
  ...free,
  id: 'client',
  header,
  secrets: [header[0] === 'authorization' ? header[1].replace(bearer, '') : header[1]],
})

/** Those of one priority in an order drawn by weight: what is left is drawn from again and again. */
function inOrder(all: readonly UsableCredential[], random: () => number): readonly UsableCredential[] {
  const ordered: UsableCredential[] = []
  for (let from = 0, to = 0; from < all.length; from = to) {
    const first = all[from] as UsableCredential
    while (all[to]?.priority === first.priority) to++
    if (to - from === 1) ordered.push(first)
    else ordered.push(...drawn(all.slice(from, to), random))
  }
  return ordered
}

function drawn(equals: UsableCredential[], random: () => number): UsableCredential[] {
  const order: UsableCredential[] = []
  while (equals.length > 1) {
    let point = random() * equals.reduce((sum, { weight }) => sum + weight, 0)
    const index = equals.findIndex(({ weight }) => {
      point -= weight
      return point < 0
    })
    order.push(...equals.splice(index < 0 ? equals.length - 1 : index, 1))
  }
  return [...order, ...equals]
}
