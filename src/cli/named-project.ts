import { defaultProject } from '../core/ids.ts'
import { type ProjectNames, projectNames } from '../store/config-names.ts'
import { dataFiles } from '../store/files.ts'
import { inWords } from '../store/sqlite/trouble.ts'
import { CliError } from './command.ts'
import { plain, plainLine } from './text.ts'

/** The project whose traces are meant: the one that was named by its id or slug, or the default one. */
export function projectNamed(dataDir: string, named: string | undefined): ProjectNames {
  let projects: readonly ProjectNames[] = []
  try {
    projects = projectNames(dataDir)
  } catch (thrown) {
    // Who named no project can see traces all the same.
    if (named !== undefined) throw new CliError(plain(inWords(dataFiles(dataDir).config, 'read', thrown)))
  }
  if (named === undefined) return projects.find(({ isDefault }) => isDefault) ?? first
  const found = projects.find(({ id }) => id === named) ?? projects.find(({ slug }) => slug === named)
  if (found) return found
  const slugs = projects.map(({ slug }) => plainLine(slug))
  throw new CliError(
    `There is no project ${plainLine(named)} in ${plain(dataDir)}.${slugs.length > 0 ? ` There are: ${slugs.join(', ')}.` : ''}`,
  )
}

/** The one that there is when nobody has made any. */
const first: ProjectNames = { id: defaultProject, slug: defaultProject, isDefault: true }
