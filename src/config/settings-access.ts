import type { SettingView } from '../core/config.ts'
import type { Loaded } from './load.ts'
import { type InForce, refusalText } from './resolve.ts'
import { rows } from './settings.ts'

export const hidden = '(hidden)'

/** Every setting that has a value, in the order of the table; those that have none, too, if asked for. */
export const settingViews = ({ sources }: Pick<Loaded, 'sources'>, all = false): SettingView[] =>
  [...sources.values()].filter(({ value }) => all || value !== undefined).map(viewOf)

function viewOf({ row: { key, setting }, value, kind, place }: InForce): SettingView {
  const shown = setting.kind.shown ? setting.kind.shown(value) : value
  return {
    key,
    value: setting.secret && value !== undefined ? hidden : shown,
    help: setting.help,
    source: kind,
    ...(place !== undefined && { place }),
    editable: setting.editable ?? false,
    effect: setting.effect ?? 'now',
  }
}

/** A value for the database, checked. What is wrong with it is an error with a sentence for whoever sent it. */
export function checkStored(key: string, value: unknown): unknown {
  const row = rows.find((one) => one.key === key)
  if (!row) throw new Error(`There is no setting ${key}.`)
  if (!row.setting.editable) throw new Error(`${key} can be set by a flag, a variable or the file only.`)
  try {
    return row.setting.kind.take(value)
  } catch (thrown) {
    throw new Error(refusalText(row, thrown))
  }
}
