import fc from 'fast-check'
import { expect, test } from 'vitest'
import { configDb } from '../../test/support/config-db.ts'
import { temporaryFolder } from '../../test/support/data-folder.ts'
import { CustomProviderStore } from '../store/custom-providers.ts'
import { CredentialRows } from '../store/provider-credentials.ts'
import { KeyStorage } from './key-storage.ts'
import { MasterKeys } from './master-key.ts'

const urls = ['https://one.example/', 'https://two.example/'] as const

/** What somebody does who may manage a project: with the provider, or with one of two credentials of it. */
const step = fc.oneof(
  fc.record({ to: fc.constant('provider' as const), url: fc.constantFrom(...urls, 'gone' as const) }),
  fc.record({
    to: fc.constant('credential' as const),
    which: fc.constantFrom(0, 1),
    url: fc.constantFrom(...urls, null, undefined),
    isGiven: fc.boolean(),
  }),
)

test('whatever is changed in whatever order, no secret goes to an address for which it was not given', async () => {
  using config = await configDb()
  using folder = temporaryFolder()
  const masterKeys = new MasterKeys({ path: `${folder.path}/master.key`, environment: {} })
  const storage = new KeyStorage({ ...config, rows: new CredentialRows(config.db), masterKeys, likeOf: () => 'openai' })
  const providers = new CustomProviderStore(config.db, { ...config, isBuiltIn: (name) => name === 'openai' })
  let opened = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const { id: project } = await config.projects.create({ name: 'P', slug: `p-${config.newId().slice(-12)}` })
      const home = async (): Promise<string> => (await providers.find(project, 'mine'))?.config.baseUrl ?? ''
      const ids: (string | undefined)[] = [undefined, undefined]
      const configureProvider = async (url: string): Promise<void> => {
        const wanted = { like: 'openai', baseUrl: url }
        if (url === 'gone') await providers.remove(project, 'mine')
        else if ((await home()) !== '') await providers.change(project, 'mine', wanted)
        else await providers.create(project, { name: 'mine', config: wanted })
      }
      const giveCredential = async (which: number, to: string | null | undefined, isGiven: boolean): Promise<void> => {
        const id = ids[which]
        const before = id === undefined ? undefined : await storage.find(project, id)
        const url = to === undefined ? before?.baseUrl : (to ?? undefined)
        // In the secret stands where it is meant to go.
        const secret = Buffer.from(url ?? (await home())).toString('hex')
        const credential = { kind: 'api_key', fields: { api_key: `sk-${secret}` } }
        const headers = { 'x-for': `h-${secret}` }
        if (before) {
          const at = { ...(to !== undefined && { baseUrl: to }), ...(isGiven && { headers }) }
          await storage.change(project, before.id, { at, ...(isGiven && { credential }) })
        } else {
          const at = { headers, ...(url !== undefined && { baseUrl: url }) }
          ids[which] = (await storage.create(project, { provider: 'mine', credential, at })).id
        }
      }
      for (const one of steps) {
        if (one.to === 'provider') await configureProvider(one.url)
        else await giveCredential(one.which, one.url, one.isGiven)
        const { credentials, problems } = await storage.opened(project)
        expect(problems).toEqual([])
        for (const { credential: open, at } of credentials) {
          opened++
          const goesTo = Buffer.from(at.baseUrl ?? (await home())).toString('hex')
          expect(open.fields.api_key).toBe(`sk-${goesTo}`)
          if (at.headers) expect(at.headers['x-for']).toBe(`h-${goesTo}`)
        }
      }
    }),
    { numRuns: 150 },
  )
  expect(opened).toBeGreaterThan(100)
})
