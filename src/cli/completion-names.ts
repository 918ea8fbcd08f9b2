import { dataDirOf } from '../config/settings.ts'
import { clientKeyIds, credentialIds, projectNames } from '../store/config-names.ts'
import { ask } from './ask.ts'
import { statusText } from './list-view.ts'
import { projectNamed } from './named-project.ts'
import { dateOf, timeOf } from './units.ts'

/** A name and our own words about it. */
type Offer = readonly [name: string, what: string]
type Look = (words: readonly string[]) => readonly Offer[] | Promise<readonly Offer[]>

/** Whoever presses the tab key waits for it. */
const patienceMs = 500

/**
 * A script of bash expands what it is offered, so that nothing that others have written, such as the name of a model, may
 * be in it: ids and slugs alone, and of those only what no shell would look at twice.
 */
const quietly =
  (look: Look): Look =>
  async (words) => {
    try {
      return (await look(words)).filter(([name]) => /^[\w.-]+$/.test(name))
    } catch {
      return []
    }
  }

const projects = quietly((words) =>
  projectNames(folderIn(words)).map(({ slug, isDefault }) => [slug, isDefault ? 'the default project' : 'a project']),
)

const credentials = quietly((words) => {
  const dataDir = folderIn(words)
  const offered = credentialIds(dataDir, projectNamed(dataDir, valueIn(words, '--project')).id)
  return offered.map(({ id, provider }) => [id, /^[\w-]+$/.test(provider) ? `for ${provider}` : ''])
})

const traces = quietly(async (words) => {
  const dataDir = folderIn(words)
  const { id: project } = projectNamed(dataDir, valueIn(words, '--project'))
  const list = await ask(dataDir, 'listTraces', { project, filter: {}, page: { limit: 20 } }, patienceMs)
  return list.traces.map((trace) => {
    const { traceId, startedUs } = trace
    return [traceId, `${dateOf(startedUs)} ${timeOf(startedUs)} ${statusText(trace)}`]
  })
})

const keys = quietly((words) => clientKeyIds(folderIn(words)).map((id) => [id, 'a client key']))

/** What may follow a command, by the name of its argument or option, where it is something that is stored. */
export const named: Readonly<Record<string, Readonly<Record<string, Look>>>> = {
  'traces list': { '--project': projects },
  'traces show': { trace: traces, '--project': projects },
  'projects rename': { project: projects },
  'projects archive': { project: projects },
  'projects restore': { project: projects },
  'projects default': { project: projects },
  'keys list': { '--project': projects },
  'keys create': { '--project': projects },
  'keys revoke': { key: keys },
  'credentials list': { '--project': projects },
  'credentials add': { '--project': projects },
  'credentials test': { credential: credentials, '--project': projects },
  'credentials remove': { credential: credentials, '--project': projects },
}

const folderIn = (words: readonly string[]): string => dataDirOf(valueIn(words, '--data-dir'), process.env)

function valueIn(words: readonly string[], option: string): string | undefined {
  const at = words.indexOf(option)
  return at === -1 ? undefined : words[at + 1]
}
